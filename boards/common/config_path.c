/* SPDX-License-Identifier: BSD-2-Clause */
/* Paths in the document, as lib/rumprun/config/complaint.py writes them. */
#include <assert.h>
#include <string.h>

#include "config_reader.h"

static const char more[] = "...";

/* Writes into a path as far as there is room. */
struct writer {
    char *path;
    size_t used;
    bool full;
};

static void put(struct writer *writer, char c)
{
    /* Room stays for what says that there is more, with its NUL. */
    if (writer->used + sizeof more >= CONFIG_PATH_SIZE)
        writer->full = true;
    else if (!writer->full)
        writer->path[writer->used++] = c;
}

static void put_text(struct writer *writer, const char *text)
{
    while (*text)
        put(writer, *text++);
}

static bool is_bare(const char *key)
{
    static const char bare[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
    return *key && key[strspn(key, bare)] == '\0';
}

static void put_key(struct writer *writer, const char *key)
{
    static const char digits[] = "0123456789abcdef";
    if (is_bare(key)) {
        if (writer->used)
            put(writer, '.');
        put_text(writer, key);
        return;
    }
    put_text(writer, "[\"");
    for (; *key; key++) {
        const unsigned char c = (unsigned char)*key;
        if (c < 0x20) {
            put_text(writer, "\\u00");
            put(writer, digits[c >> 4]);
            put(writer, digits[c & 15]);
            continue;
        }
        if (c == '"' || c == '\\')
            put(writer, '\\');
        put(writer, *key);
    }
    put_text(writer, "\"]");
}

static void put_number(struct writer *writer, size_t number)
{
    char digits[24];
    size_t first = sizeof digits - 1;
    digits[first] = '\0';
    do {
        assert(first > 0);
        digits[--first] = (char)('0' + number % 10);
        number /= 10;
    } while (number);
    put(writer, '[');
    put_text(writer, &digits[first]);
    put(writer, ']');
}

static void put_node(struct writer *writer, const struct json_node *node)
{
    if (node->key) {
        put_key(writer, node->key);
        return;
    }
    size_t place = 0;
    for (const struct json_node *item = node->parent->first; item != node; item = item->next)
        place++;
    put_number(writer, place);
}

void config_write_path(char path[CONFIG_PATH_SIZE], const struct json_node *node, const char *key)
{
    struct writer writer = {.path = path};
    const struct json_node *way[JSON_LEVELS + 1];
    size_t steps = 0;
    for (; node && node->parent; node = node->parent) {
        assert(steps < COUNT_OF(way));
        way[steps++] = node;
    }
    while (steps > 0)
        put_node(&writer, way[--steps]);
    if (key)
        put_key(&writer, key);
    if (writer.full) {
        /* Not within a character: the path stays UTF-8. */
        while (writer.used && ((unsigned char)path[writer.used - 1] & 0x80))
            writer.used--;
        assert(writer.used + sizeof more <= CONFIG_PATH_SIZE);
        memcpy(path + writer.used, more, sizeof more);
    } else {
        path[writer.used] = '\0';
    }
}
