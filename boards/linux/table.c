/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The program table: strings, each ended by a NUL, so that any argument passes unharmed:
 *
 *     "rumprun-table 1"  PATH  ARGC  ENVC  ARGV[0] ... ARGV[ARGC-1]  ENV[0] ... ENV[ENVC-1]
 *
 * ARGC (at least 1) and ENVC are decimal. lib/rumprun/bake/table.py writes it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "entrypoint.h"

#define MAGIC "rumprun-table 1"
/* More than the kernel lets a program have as arguments. */
#define TABLE_LIMIT (8u << 20)

struct reader {
    const char *path;
    char *next, *end;
};

static struct reader load(const char *path)
{
    struct stat facts;
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &facts) != 0)
        console_fail("cannot read %s: %s", path, strerror(errno));
    if (facts.st_size <= 0 || facts.st_size > TABLE_LIMIT)
        console_fail("%s is damaged: %lld bytes", path, (long long)facts.st_size);

    const size_t size = (size_t)facts.st_size;
    char *bytes = malloc(size);
    if (!bytes)
        console_fail("no memory for %s", path);
    for (size_t have = 0; have < size;) {
        const ssize_t got = read(fd, bytes + have, size - have);
        if (got <= 0)
            console_fail("cannot read %s: %s", path, got ? strerror(errno) : "it ends early");
        have += (size_t)got;
    }
    close(fd);
    if (bytes[size - 1] != '\0')
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

struct program table_read(const char *path)
{
    struct reader reader = load(path);
    if (strcmp(take_string(&reader), MAGIC) != 0)
        console_fail("%s is no table of a form that this entrypoint knows", path);

    struct program program = {.path = take_string(&reader)};
    const size_t argc = take_count(&reader);
    const size_t envc = take_count(&reader);
    if (argc == 0)
        console_fail("%s is damaged: a program without a name", path);
    program.argv = take_strings(&reader, argc);
    program.env = take_strings(&reader, envc);
    if (reader.next != reader.end)
        console_fail("%s is damaged: strings are left over", path);
    return program;
}
