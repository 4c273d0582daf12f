/* SPDX-License-Identifier: BSD-2-Clause */
/* Where the configuration comes from. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "entrypoint.h"

#define LONGEST_COMMAND_LINE 65536u

/* Takes the document, which stays in memory as long as the machine runs; where is for messages. */
static void take(struct config *config, char *text, size_t length, const char *where)
{
    struct config_storage *storage = malloc(sizeof *storage);
    struct config *later = malloc(sizeof *later);
    struct config_error error;
    if (!storage || !later)
        console_fail("%s: no memory for the configuration", where);
    if (!config_parse(text, length, storage, later, &error)) {
        if (error.line)
            console_fail("%s: line %zu, column %zu: %s", where, error.line, error.column,
                         error.message);
        console_fail("%s: %s%s%s", where, error.path, error.path[0] ? ": " : "", error.message);
    }
    if (!config_override(config, later))
        console_fail("%s: with it, env has more than %d variables", where, CONFIG_VARIABLES);
    free(later);
}

static void take_file(struct config *config, const char *path)
{
    size_t length = 0;
    char *text = file_read(path, CONFIG_LONGEST_TEXT, &length);
    if (text)
        take(config, text, length, path);
    else if (errno != ENOENT)
        console_fail("cannot read %s: %s", path, strerror(errno));
}

static void take_command_line(struct config *config)
{
    size_t length = 0;
    char *line = file_read("/proc/cmdline", LONGEST_COMMAND_LINE, &length);
    char *mark = line ? strstr(line, COMMAND_LINE_MARK) : NULL;
    if (!mark) {
        free(line);
        return;
    }
    char *text = strchr(mark, '{');
    take(config, text, strlen(text), "the kernel command line");
}

static void take_xenstore(struct config *config)
{
    size_t length = 0;
    char *text = xenstore_read(XENSTORE_CONFIG_KEY, CONFIG_LONGEST_TEXT, &length);
    if (text)
        take(config, text, length, "xenstore's " XENSTORE_CONFIG_KEY);
    else if (errno != ENOENT)
        console_fail("cannot read xenstore's " XENSTORE_CONFIG_KEY ": %s", strerror(errno));
}

void sources_read(struct config *config, const struct table *table)
{
    memset(config, 0, sizeof *config);
    take_file(config, BAKED_CONFIG_PATH);
    take_file(config, BOOT_CONFIG_PATH);
    take_command_line(config);
    take_xenstore(config);
    const size_t missing = image_complete(config, table);
    if (missing < config->rc.count)
        console_fail("rc[%zu].bin: the image has no program %s", missing,
                     config->rc.entries[missing].bin);
}
