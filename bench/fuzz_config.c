/* SPDX-License-Identifier: BSD-2-Clause */
/* Runtime configurations for libFuzzer: any bytes are refused, or give a config that holds. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"

static struct config_storage storage;
static struct config config;

/* Each string is inside the text, and so is the NUL that ends it. */
static void check_string(const char *string, const char *text, size_t size)
{
    assert(string >= text && string < text + size);
    assert(memchr(string, '\0', size - (size_t)(string - text)));
}

static void check_config(const char *text, size_t size)
{
    for (size_t i = 0; i < config.rc.count; i++) {
        const struct config_entry *entry = &config.rc.entries[i];
        check_string(entry->name, text, size);
        check_string(entry->bin, text, size);
        assert(entry->argv.count == 0 || !entry->argv.items[entry->argv.count]);
        for (size_t j = 0; j < entry->argv.count; j++)
            check_string(entry->argv.items[j], text, size);
        assert(entry->group <= i && !(entry->after >> i & 1));
        assert(entry->runmode != CONFIG_PIPE || i + 1 < config.rc.count);
    }
    for (size_t i = 0; i < config.env.count; i++) {
        check_string(config.env.variables[i].name, text, size);
        check_string(config.env.variables[i].value, text, size);
    }
    for (size_t i = 0; i < config.mount.count; i++) {
        check_string(config.mount.mounts[i].path, text, size);
        assert(config.mount.mounts[i].path[0] == '/');
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct config_error error;
    /* A copy of exactly this size, so that the sanitizer sees what is read beyond. */
    char *text = malloc(size ? size : 1);
    if (!text)
        return 0;
    if (size)
        memcpy(text, data, size);
    if (config_parse(text, size, &storage, &config, &error))
        check_config(text, size);
    else
        assert(error.message && memchr(error.path, '\0', sizeof error.path));
    free(text);
    return 0;
}
