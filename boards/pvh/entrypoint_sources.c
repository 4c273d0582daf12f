/* SPDX-License-Identifier: BSD-2-Clause */
/* What was baked in, and where the configuration comes from. All of it stays in memory. */
#include <errno.h>
#include <fcntl.h>

#include "device.h"
#include "entrypoint.h"
#include "file.h"

/* Of Xen's protocol: a message has no room for more. */
#define XENSTORE_LONGEST 4096u

/* The file's bytes and a NUL behind them; NULL with an error, such as -EFBIG above the limit. */
static char *read_whole(struct file *file, size_t limit, size_t *length, int *error)
{
    struct stat facts;
    uint64_t position = 0;
    *error = file_facts(file, &facts);
    if (*error)
        return NULL;
    *error = !file->operations->read              ? -EISDIR
             : (uint64_t)facts.st_size > limit    ? -EFBIG
                                                  : 0;
    const size_t size = (size_t)facts.st_size;
    char *content = *error ? NULL : heap_get(size + 1);
    if (!content) {
        *error = *error ? *error : -ENOMEM;
        return NULL;
    }
    const int64_t got = file->operations->read(file, content, size, &position);
    if (got < 0) {
        *error = (int)got;
        heap_put(content);
        return NULL;
    }
    *length = (size_t)got;
    return content;
}

static char *read_path(const char *path, size_t limit, size_t *length, int *error)
{
    struct file *file;
    *error = path_open(path_root, path, O_RDONLY, 0, &file);
    if (*error)
        return NULL;
    char *content = read_whole(file, limit, length, error);
    file_drop(file);
    return content;
}

void table_read(const char *path, struct table *table)
{
    size_t size = 0;
    int error;
    char *bytes = read_path(path, TABLE_LIMIT, &size, &error);
    if (!bytes)
        ENTRYPOINT_FAIL("cannot read %s: %s", path, words_of_error(error));
    char **pointers = heap_get((table_strings(bytes, size) + 1) * sizeof *pointers);
    if (!pointers)
        ENTRYPOINT_FAIL("no memory for %s", path);
    const char *wrong = table_parse(bytes, size, pointers, table);
    if (wrong)
        ENTRYPOINT_FAIL("%s is damaged: %s", path, wrong);
}

/* Takes the document, which stays; where is for messages. */
static void take(struct config *config, char *text, size_t length, const char *where)
{
    const size_t size = config_values(length);
    const struct config_room room = {
        .nodes = heap_get(size * sizeof *room.nodes),
        .strings = heap_get(size * sizeof *room.strings),
        .size = size,
    };
    struct config *later = heap_get(sizeof *later);
    struct config_error error;
    if (!room.nodes || !room.strings || !later)
        ENTRYPOINT_FAIL("%s: no memory for the configuration", where);
    if (!config_parse_in(text, length, &room, later, &error)) {
        if (error.line)
            ENTRYPOINT_FAIL("%s: line %zu, column %zu: %s", where, error.line, error.column,
                            error.message);
        ENTRYPOINT_FAIL("%s: %s%s%s", where, error.path, error.path[0] ? ": " : "", error.message);
    }
    if (!config_override(config, later))
        ENTRYPOINT_FAIL("%s: with it, env has more than %d variables", where, CONFIG_VARIABLES);
    heap_put(later);
    heap_put(room.nodes);
}

static void take_file(struct config *config, const char *path)
{
    size_t length = 0;
    int error;
    char *text = read_path(path, CONFIG_LONGEST_TEXT, &length, &error);
    if (text)
        take(config, text, length, path);
    else if (error != -ENOENT)
        ENTRYPOINT_FAIL("cannot read %s: %s", path, words_of_error(error));
}

static void take_command_line(struct config *config)
{
    const char *mark = strstr(start_words, COMMAND_LINE_MARK);
    if (!mark)
        return;
    const char *document = strchr(mark, '{');
    const size_t length = strlen(document);
    char *text = heap_get(length + 1);
    if (!text)
        ENTRYPOINT_FAIL("no memory for the command line");
    memcpy(text, document, length);
    take(config, text, length, "the kernel command line");
}

static void take_xenstore(struct config *config)
{
    if (!xen_store_read)
        return;
    char *text = heap_get(XENSTORE_LONGEST + 1);
    const int64_t length =
        text ? xen_store_read(XENSTORE_CONFIG_KEY, text, XENSTORE_LONGEST + 1) : -ENOMEM;
    if (length >= 0) {
        take(config, text, (size_t)length, "xenstore's " XENSTORE_CONFIG_KEY);
        return;
    }
    heap_put(text);
    if (length != -ENOENT)
        ENTRYPOINT_FAIL("cannot read xenstore's " XENSTORE_CONFIG_KEY ": %s",
                        words_of_error((int)length));
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
        ENTRYPOINT_FAIL("rc[%zu].bin: the image has no program %s", missing,
                        config->rc.entries[missing].bin);
}
