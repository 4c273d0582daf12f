/* SPDX-License-Identifier: BSD-2-Clause */
#define _GNU_SOURCE
#include "contributed.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "words.h"

#define SLICES 8
#define MAP_BUFFER (1 << 16)

struct contribution {
    char *path; /* as the map has it */
    char *name; /* as the section has it */
    unsigned long long bytes;
};

struct contributions {
    struct contribution *items;
    size_t count;
    size_t room;
    size_t last;            /* lines of one file follow one another */
    unsigned long long own; /* of objects of the build, of which there may be thousands */
};

/* The CRC-32 of gzip and zlib (ISO 3309), eight bytes at a time. */
static uint32_t crc32_of(const unsigned char *data, size_t size) {
    static uint32_t table[SLICES][256];
    uint32_t crc = 0xffffffffu;

    for (uint32_t i = 0; table[0][255] == 0 && i < 256; i++) {
        uint32_t value = i;

        for (int bit = 0; bit < 8; bit++)
            value = (value >> 1) ^ (value & 1 ? 0xedb88320u : 0);
        table[0][i] = value;
    }
    if (table[1][255] == 0)
        for (size_t slice = 1; slice < SLICES; slice++)
            for (size_t i = 0; i < 256; i++)
                table[slice][i] =
                    (table[slice - 1][i] >> 8) ^ table[0][table[slice - 1][i] & 0xff];
    for (; size >= SLICES; size -= SLICES, data += SLICES) {
        crc ^= (uint32_t)data[0] | (uint32_t)data[1] << 8 | (uint32_t)data[2] << 16 |
               (uint32_t)data[3] << 24;
        crc = table[7][crc & 0xff] ^ table[6][(crc >> 8) & 0xff] ^ table[5][(crc >> 16) & 0xff] ^
              table[4][crc >> 24] ^ table[3][data[4]] ^ table[2][data[5]] ^ table[1][data[6]] ^
              table[0][data[7]];
    }
    while (size-- > 0)
        crc = (crc >> 8) ^ table[0][(crc ^ *data++) & 0xff];
    return ~crc;
}

static bool crc32_of_file(const char *path, uint32_t *crc) {
    int file = open(path, O_RDONLY | O_CLOEXEC);
    struct stat status;
    void *data;

    if (file < 0)
        return false;
    if (fstat(file, &status) != 0 || !S_ISREG(status.st_mode) || status.st_size <= 0) {
        close(file);
        return false;
    }
    data = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, file, 0);
    close(file);
    if (data == MAP_FAILED)
        return false;
    *crc = crc32_of(data, (size_t)status.st_size);
    munmap(data, (size_t)status.st_size);
    return true;
}

static const char *below(const char *path, const char *directory) {
    size_t length = strlen(directory);

    if (length == 0 || !starts_with(path, directory) || path[length] != '/')
        return NULL;
    for (path += length; *path == '/'; path++)
        ;
    return path;
}

static bool is_of_system(const struct layout *layout, const char *path) {
    return below(path, layout->overlay) != NULL || below(path, layout->sysroot) != NULL ||
           below(path, "/usr/lib") != NULL;
}

/* path without "..", doubled slashes and links to directories; itself may be a link. */
static const char *canonical(const char *path) {
    const char *slash = strrchr(path, '/');
    char *directory;

    if (slash == NULL || slash == path)
        return path;
    directory = realpath(format_text("%.*s", (int)(slash - path), path), NULL);
    return directory != NULL ? format_text("%s%s", directory, slash) : path;
}

/* What an archive, or an object of the system, is called in the section, see the header. */
static char *name_of(const struct layout *layout, const char *path) {
    const char *place = canonical(path);
    const char *const roots[] = {layout->overlay, layout->sysroot};
    const char *slash = strrchr(path, '/');

    for (size_t i = 0; i < sizeof(roots) / sizeof(roots[0]); i++) {
        const char *root = realpath(roots[i], NULL);
        const char *relative = below(place, root != NULL ? root : roots[i]);

        if (relative != NULL)
            return format_text("%s", relative);
    }
    if (below(place, "/usr/lib") != NULL)
        return format_text("%s", place);
    return format_text("%s", slash != NULL ? slash + 1 : path);
}

static void add(struct contributions *all, const struct layout *layout, const char *path,
                unsigned long long bytes) {
    if (all->last < all->count && strcmp(all->items[all->last].path, path) == 0) {
        all->items[all->last].bytes += bytes;
        return;
    }
    for (all->last = 0; all->last < all->count; all->last++)
        if (strcmp(all->items[all->last].path, path) == 0) {
            all->items[all->last].bytes += bytes;
            return;
        }
    if (all->count == all->room) {
        all->room = all->room * 2 + 64;
        all->items = realloc(all->items, all->room * sizeof(all->items[0]));
        if (all->items == NULL)
            die("no memory for what was linked");
    }
    all->items[all->count++] = (struct contribution){
        .path = format_text("%s", path),
        .name = name_of(layout, path),
        .bytes = bytes,
    };
}

/* " .text  0xADDRESS  0xSIZE PATH(MEMBER)", where a long name has a line of its own. */
static void take_line(struct contributions *all, const struct layout *layout, char *line) {
    char *place = line + strspn(line, " ");
    unsigned long long bytes;
    size_t length;
    bool is_member = false;
    char *end;

    if (!starts_with(place, "0x")) {
        place += strcspn(place, " ");
        place += strspn(place, " ");
    }
    if (!starts_with(place, "0x"))
        return;
    place += strcspn(place, " ");
    place += strspn(place, " ");
    if (!starts_with(place, "0x"))
        return;
    bytes = strtoull(place, &end, 16);
    if (bytes == 0 || *end != ' ' || end[1] == '\0')
        return;
    place = end + 1;
    length = strlen(place);
    if (place[length - 1] == ')') {
        char *member = strrchr(place, '(');

        if (member != NULL && member != place) {
            *member = '\0';
            is_member = true;
        }
    }
    if (is_member || is_of_system(layout, place))
        add(all, layout, place, bytes);
    else
        all->own += bytes;
}

static int by_name(const void *one, const void *other) {
    const struct contribution *first = one;
    const struct contribution *second = other;

    return strcmp(first->name, second->name);
}

static void write_name(FILE *out, const char *name) {
    for (; *name != '\0'; name++)
        if (*name == '"' || *name == '\\')
            fprintf(out, "\\%c", *name);
        else
            fputc(isprint((unsigned char)*name) ? *name : '?', out);
}

static void write_entries(FILE *out, const struct contributions *all) {
    const char *separator = "";

    for (size_t i = 0; i < all->count; i++) {
        const struct contribution *item = &all->items[i];
        unsigned long long bytes = item->bytes;
        uint32_t crc;

        /* One name from two directories of the build, or by two ways to the system's. */
        while (i + 1 < all->count && strcmp(all->items[i + 1].name, item->name) == 0)
            bytes += all->items[++i].bytes;
        fprintf(out, "%s{\"bytes\":%llu,", separator, bytes);
        if (strchr(item->name, '/') != NULL && crc32_of_file(item->path, &crc))
            fprintf(out, "\"crc32\":\"%08lx\",", (unsigned long)crc);
        fputs("\"file\":\"", out);
        write_name(out, item->name);
        fputs("\"}", out);
        separator = ",";
    }
}

static const char *text_of(struct contributions *all) {
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    if (out == NULL)
        die("no memory for what was linked");
    if (all->count > 0)
        qsort(all->items, all->count, sizeof(all->items[0]), by_name);
    fprintf(out, "{\"format\":1,\"own\":%llu,\"linked\":[", all->own);
    write_entries(out, all);
    fputs("]}\n", out);
    if (fclose(out) != 0)
        die("no memory for what was linked");
    return text;
}

/* What the linker makes itself it gives to the first input; and what is not in the file. */
static bool is_input(const char *section) {
    static const char *const others[] = {
        ".bss",  ".tbss", ".rel",  ".dyn",          ".hash",         ".gnu.hash", ".gnu.version",
        ".got", ".plt",  ".iplt", ".eh_frame_hdr", ".note.gnu.bu", NULL,
    };

    for (size_t i = 0; others[i] != NULL; i++)
        if (starts_with(section, others[i]))
            return false;
    return true;
}

/* Whether the address, which follows the name of an output section, is one in memory: those that
   are not loaded have 0. */
static bool is_loaded(const char *text) {
    return strtoull(text, NULL, 16) != 0;
}

/* "OUTPUT(PATH FORMAT)" */
static char *output_in(const char *line) {
    const char *path = line + strlen("OUTPUT(");
    const char *format = strrchr(line, ' ');

    if (!starts_with(line, "OUTPUT(") || format == NULL || format <= path)
        return NULL;
    return format_text("%.*s", (int)(format - path), path);
}

const char *read_contributions(const struct layout *layout, FILE *map, char **output) {
    struct contributions all = {0};
    enum { SKIPPED, NAMED, COUNTED } section = SKIPPED;
    bool begun = false;
    char *line = NULL;
    size_t room = 0;
    ssize_t length;

    *output = NULL;
    setvbuf(map, NULL, _IOFBF, MAP_BUFFER);
    while ((length = getline(&line, &room, map)) > 0) {
        const char *address;

        if (line[length - 1] == '\n')
            line[length - 1] = '\0';
        /* The last line of the memory configuration, in every language: what is before it was
           discarded. */
        if (!begun) {
            begun = starts_with(line, "*default* ");
            continue;
        }
        address = strstr(line, " 0x");
        if (*output == NULL)
            *output = output_in(line);
        if (line[0] != ' ' && line[0] != '\0')
            section = is_input(line) ? NAMED : SKIPPED;
        else if (section == COUNTED && line[1] != '*')
            take_line(&all, layout, line);
        if (section == NAMED && address != NULL)
            section = is_loaded(address) ? COUNTED : SKIPPED;
    }
    free(line);
    return (all.count > 0 || all.own > 0) && *output != NULL ? text_of(&all) : NULL;
}
