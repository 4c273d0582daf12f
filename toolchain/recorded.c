/* SPDX-License-Identifier: BSD-2-Clause */
#define _GNU_SOURCE
#include "recorded.h"

#include <ar.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RECORD_NAME "__.LIBDEP"

/* Far above any real list; an archive that claims more is damaged. */
#define LONGEST_RECORD (1L << 20)

static bool contains(const struct words *words, const char *word) {
    for (size_t i = 0; i < words->count; i++)
        if (strcmp(words->items[i], word) == 0)
            return true;
    return false;
}

static long member_size(const struct ar_hdr *header) {
    char digits[sizeof(header->ar_size) + 1] = {0};

    memcpy(digits, header->ar_size, sizeof(header->ar_size));
    return strtol(digits, NULL, 10);
}

static char *read_text(FILE *file, long size) {
    char *text = calloc((size_t)size + 1, 1);

    if (text == NULL || fread(text, 1, (size_t)size, file) != (size_t)size)
        return NULL;
    return text;
}

/* The text of the member that is the record, or NULL. ar puts it last. */
static char *read_record(FILE *file) {
    struct ar_hdr header;
    char magic[SARMAG];

    if (fread(magic, sizeof(magic), 1, file) != 1 || memcmp(magic, ARMAG, SARMAG) != 0)
        return NULL;
    while (fread(&header, sizeof(header), 1, file) == 1) {
        long size = member_size(&header);

        if (size < 0)
            return NULL;
        if (strncmp(header.ar_name, RECORD_NAME "/", strlen(RECORD_NAME "/")) == 0)
            return size <= LONGEST_RECORD ? read_text(file, size) : NULL;
        if (fseek(file, size + (size & 1), SEEK_CUR) != 0)
            return NULL;
    }
    return NULL;
}

static bool is_archive(const char *path) {
    char magic[SARMAG];
    FILE *file = fopen(path, "re");
    bool matches = false;

    if (file == NULL)
        return false;
    matches = fread(magic, sizeof(magic), 1, file) == 1 &&
              (memcmp(magic, ARMAG, SARMAG) == 0 || memcmp(magic, "!<thin>\n", SARMAG) == 0);
    fclose(file);
    return matches;
}

/* The archive that -lNAME means: as for ld, libNAME.so comes before libNAME.a in each directory.
   NULL: there is none. */
static const char *find_library(const struct closure *closure, const char *name) {
    for (size_t i = 0; i < closure->directories.count; i++) {
        const char *directory = closure->directories.items[i];
        const char *path;

        if (name[0] == ':') {
            path = format_text("%s/%s", directory, name + 1);
            if (access(path, R_OK) == 0)
                return path;
            continue;
        }
        path = format_text("%s/lib%s.so", directory, name);
        if (is_archive(path))
            return path;
        path = format_text("%s/lib%s.a", directory, name);
        if (access(path, R_OK) == 0)
            return path;
    }
    return NULL;
}

static void look_into(struct closure *closure, const char *input);

static void follow_record(struct closure *closure, char *text) {
    struct words libraries = {0};
    char *word;

    while ((word = strsep(&text, " \t\n")) != NULL) {
        if (starts_with(word, "-L") && !contains(&closure->directories, word + 2))
            words_add(&closure->directories, word + 2);
        else if (starts_with(word, "-l"))
            words_add(&libraries, word);
    }
    for (size_t i = 0; i < libraries.count; i++) {
        if (!contains(&closure->found, libraries.items[i]))
            words_add(&closure->found, libraries.items[i]);
        look_into(closure, libraries.items[i]);
    }
}

/* libfoo.so, libfoo.so.1: what a translated link has made. */
static bool has_shared_name(const char *path) {
    const char *slash = strrchr(path, '/');
    const char *mark = slash != NULL ? slash : path;

    while ((mark = strstr(mark, ".so")) != NULL) {
        mark += strlen(".so");
        if (*mark == '\0' || *mark == '.')
            return true;
    }
    return false;
}

static void look_into(struct closure *closure, const char *input) {
    const char *path = input;
    char *text;
    FILE *file;

    if (contains(&closure->seen, input))
        return;
    words_add(&closure->seen, input);
    if (starts_with(input, "-l"))
        path = find_library(closure, input + 2);
    file = path != NULL ? fopen(path, "re") : NULL;
    if (file == NULL)
        return; /* ld says so itself */
    if (has_shared_name(path) && is_archive(path))
        closure->stands_for_shared = true;
    text = read_record(file);
    fclose(file);
    if (text != NULL)
        follow_record(closure, text);
}

struct closure follow_inputs(const struct layout *layout, const struct scan *scan) {
    struct closure closure = {0};

    for (size_t i = 0; i < scan->directories.count; i++)
        words_add(&closure.directories, scan->directories.items[i]);
    words_add(&closure.directories, format_text("%s/lib", layout->overlay));
    words_add(&closure.directories, format_text("%s/lib", layout->sysroot));
    closure.given = closure.directories.count;
    for (size_t i = 0; i < scan->inputs.count; i++)
        look_into(&closure, scan->inputs.items[i]);
    return closure;
}

static const char *resolve_one(const struct closure *closure, const char *word) {
    const char *path;
    size_t length;

    if (!starts_with(word, "-l") || word[2] == ':')
        return word;
    path = find_library(closure, word + 2);
    if (path == NULL)
        return word;
    length = strlen(path);
    if (length < 3 || strcmp(path + length - 3, ".so") != 0)
        return word;
    return format_text("-l:lib%s.so", word + 2);
}

const char *resolve_library(const struct closure *closure, const char *word) {
    const char *result = "-Wl";
    char *text;
    char *part;

    if (!starts_with(word, "-Wl,") || strstr(word, ",-l") == NULL)
        return resolve_one(closure, word);
    text = format_text("%s", word + strlen("-Wl,"));
    while ((part = strsep(&text, ",")) != NULL)
        result = format_text("%s,%s", result, resolve_one(closure, part));
    return result;
}

void add_recorded(struct words *command, const struct closure *closure, const char *linker) {
    if (closure->found.count == 0)
        return;
    for (size_t i = closure->given; i < closure->directories.count; i++)
        words_add(command, format_text("-L%s", closure->directories.items[i]));
    /* Libraries may need one another in any order. */
    words_add(command, format_text("%s--start-group", linker));
    for (size_t i = 0; i < closure->found.count; i++)
        words_add(command, resolve_one(closure, closure->found.items[i]));
    words_add(command, format_text("%s--end-group", linker));
}
