/* SPDX-License-Identifier: BSD-2-Clause */
/* See table.h. */
#include <string.h>

#include "table.h"

#define MAGIC "rumprun-table 2"

struct table_reader {
    char *next, *end;
    /* Each list takes one more than it has strings: a program's name and path make up for it. */
    char **pointers;
    const char *error;
};

static char *take_string(struct table_reader *reader)
{
    if (reader->next == reader->end) {
        reader->error = "strings are missing";
        /* The last byte is a NUL. */
        return reader->end - 1;
    }
    char *string = reader->next;
    reader->next += strlen(string) + 1;
    return string;
}

static size_t take_count(struct table_reader *reader)
{
    const char *digits = take_string(reader);
    size_t count = 0;
    bool good = *digits;
    for (const char *p = digits; *p; p++) {
        good = good && *p >= '0' && *p <= '9' && count <= TABLE_LIMIT;
        count = count * 10 + (size_t)(*p - '0');
    }
    /* Each string takes a byte at least: more than these cannot follow. */
    if (good && count <= (size_t)(reader->end - reader->next))
        return count;
    if (!reader->error)
        reader->error = "bad count";
    return 0;
}

static char **take_strings(struct table_reader *reader, size_t count)
{
    char **strings = reader->pointers;
    for (size_t i = 0; i < count && !reader->error; i++)
        *reader->pointers++ = take_string(reader);
    *reader->pointers++ = NULL;
    return strings;
}

static void take_program(struct table_reader *reader, struct table_program *program)
{
    program->name = take_string(reader);
    program->path = take_string(reader);
    const size_t argc = take_count(reader);
    const size_t envc = take_count(reader);
    if (argc == 0 && !reader->error)
        reader->error = "a program without a name";
    if (reader->error)
        return;
    program->argv = take_strings(reader, argc);
    program->env = take_strings(reader, envc);
}

size_t table_strings(const char *bytes, size_t size)
{
    size_t count = 0;
    for (size_t i = 0; i < size; i++)
        count += bytes[i] == '\0';
    return count;
}

const char *table_parse(char *bytes, size_t size, char **pointers, struct table *table)
{
    struct table_reader reader = {.next = bytes, .end = bytes + size, .pointers = pointers};
    if (size == 0 || bytes[size - 1] != '\0')
        return "it ends inside a string";
    if (strcmp(take_string(&reader), MAGIC) != 0)
        return "no form that this entrypoint knows";
    table->count = take_count(&reader);
    if (!reader.error && (table->count == 0 || table->count > CONFIG_ENTRIES))
        return "no programs, or too many";
    for (size_t i = 0; i < table->count && !reader.error; i++)
        take_program(&reader, &table->programs[i]);
    if (!reader.error && reader.next != reader.end)
        return "strings are left over";
    return reader.error;
}

const struct table_program *table_find(const struct table *table, const char *name)
{
    for (size_t i = 0; i < table->count; i++) {
        if (strcmp(table->programs[i].name, name) == 0)
            return &table->programs[i];
    }
    return NULL;
}
