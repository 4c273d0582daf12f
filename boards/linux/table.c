/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The program table: strings, each ended by a NUL, so that any argument passes unharmed:
 *
 *     "rumprun-table 2"  COUNT
 *     then, for each program: NAME  PATH  ARGC  ENVC  ARGV[0] ... ARGV[ARGC-1]  ENV[0] ...
 *
 * COUNT and ARGC (at least 1) and ENVC are decimal. lib/rumprun/bake/table.py writes it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "entrypoint.h"

#define MAGIC "rumprun-table 2"
/* More than the kernel lets a program have as arguments. */
#define TABLE_LIMIT (8u << 20)

struct reader {
    const char *path;
    char *next, *end;
};

static struct reader load(const char *path)
{
    size_t size = 0;
    char *bytes = file_read(path, TABLE_LIMIT, &size);
    if (!bytes)
        console_fail("cannot read %s: %s", path, strerror(errno));
    if (size == 0 || bytes[size - 1] != '\0')
        console_fail("%s is damaged: it ends inside a string", path);
    return (struct reader){.path = path, .next = bytes, .end = bytes + size};
}

static char *take_string(struct reader *reader)
{
    if (reader->next == reader->end)
        console_fail("%s is damaged: strings are missing", reader->path);
    char *string = reader->next;
    /* The last byte is a NUL, so this stays inside. */
    reader->next += strlen(string) + 1;
    return string;
}

static size_t take_count(struct reader *reader)
{
    const char *digits = take_string(reader);
    size_t count = 0;
    for (const char *p = digits; *p; p++) {
        if (*p < '0' || *p > '9' || count > TABLE_LIMIT)
            console_fail("%s is damaged: bad count \"%s\"", reader->path, digits);
        count = count * 10 + (size_t)(*p - '0');
    }
    /* Each string takes a byte at least: more than these cannot follow. */
    if (!*digits || count > (size_t)(reader->end - reader->next))
        console_fail("%s is damaged: bad count \"%s\"", reader->path, digits);
    return count;
}

static char **take_strings(struct reader *reader, size_t count)
{
    char **strings = calloc(count + 1, sizeof *strings);
    if (!strings)
        console_fail("no memory for %s", reader->path);
    for (size_t i = 0; i < count; i++)
        strings[i] = take_string(reader);
    return strings;
}

static void take_program(struct reader *reader, struct program *program)
{
    program->name = take_string(reader);
    program->path = take_string(reader);
    const size_t argc = take_count(reader);
    const size_t envc = take_count(reader);
    if (argc == 0)
        console_fail("%s is damaged: a program without a name", reader->path);
    program->argv = take_strings(reader, argc);
    program->env = take_strings(reader, envc);
}

void table_read(const char *path, struct table *table)
{
    struct reader reader = load(path);
    if (strcmp(take_string(&reader), MAGIC) != 0)
        console_fail("%s is no table of a form that this entrypoint knows", path);
    table->count = take_count(&reader);
    if (table->count == 0 || table->count > CONFIG_ENTRIES)
        console_fail("%s is damaged: %zu programs", path, table->count);
    for (size_t i = 0; i < table->count; i++)
        take_program(&reader, &table->programs[i]);
    if (reader.next != reader.end)
        console_fail("%s is damaged: strings are left over", path);
}

const struct program *table_find(const struct table *table, const char *name)
{
    for (size_t i = 0; i < table->count; i++) {
        if (strcmp(table->programs[i].name, name) == 0)
            return &table->programs[i];
    }
    return NULL;
}
