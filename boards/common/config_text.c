/* SPDX-License-Identifier: BSD-2-Clause */
/* What strings may be. The patterns are in runtime-config.schema.json. */
#include <string.h>

#include "config_reader.h"

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#define DIGITS "0123456789"

const char config_wants_name[] = "wanted: a name of letters, digits, plus, dot, dash, underscore";
const char config_wants_path[] = "wanted: an absolute path";
const char config_wants_domain[] = "wanted: a name of a machine or domain";

/* Whether text has 1 to most characters, the first one of those, the others ones of these. */
static bool consists(const char *text, const char *first, const char *others, size_t most)
{
    if (!*text || !strchr(first, *text))
        return false;
    const size_t length = 1 + strspn(text + 1, others);
    return text[length] == '\0' && length <= most;
}

bool config_is_any(const char *text)
{
    (void)text;
    return true;
}

bool config_is_not_empty(const char *text)
{
    return *text != '\0';
}

bool config_is_name(const char *text)
{
    return consists(text, LETTERS DIGITS, LETTERS DIGITS "+._-", 128);
}

bool config_is_path(const char *text)
{
    return *text == '/';
}

bool config_is_variable(const char *text)
{
    return *text && !strchr(text, '=');
}

bool config_is_interface(const char *text)
{
    return consists(text, LETTERS DIGITS, LETTERS DIGITS "._-", 15);
}

bool config_is_fstype(const char *text)
{
    static const char first[] = "abcdefghijklmnopqrstuvwxyz" DIGITS;
    return consists(text, first, "abcdefghijklmnopqrstuvwxyz" DIGITS "_.-", 32);
}

bool config_is_option(const char *text)
{
    return *text && !strchr(text, ',');
}

bool config_is_symbol(const char *text)
{
    return consists(text, LETTERS "_", LETTERS DIGITS "_", 128);
}

/* Parts of 1 to 63 characters, with dots between them and no dash at their ends. */
bool config_is_domain(const char *text)
{
    if (strlen(text) > 64)
        return false;
    for (;;) {
        const size_t length = strspn(text, LETTERS DIGITS "-");
        if (length == 0 || length > 63 || text[0] == '-' || text[length - 1] == '-')
            return false;
        if (text[length] != '.')
            return text[length] == '\0';
        text += length + 1;
    }
}

bool config_is_mount_path(const char *text)
{
    do {
        if (*text != '/')
            return false;
        const size_t length = strcspn(++text, "/");
        /* Of no length, or . or .. as a whole. */
        if (strncmp(text, "..", length) == 0)
            return false;
        text += length;
    } while (*text);
    return true;
}
