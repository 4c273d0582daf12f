/* SPDX-License-Identifier: BSD-2-Clause */
/* Values of a document as the sections want them. */
#include <assert.h>
#include <string.h>

#include "config_reader.h"

bool config_refuse_key(struct config_reader *reader, const struct json_node *node, const char *key,
                       const char *message)
{
    reader->error->message = message;
    config_write_path(reader->error->path, node, key);
    return false;
}

bool config_refuse(struct config_reader *reader, const struct json_node *node, const char *message)
{
    return config_refuse_key(reader, node, NULL, message);
}

static bool is_among(const char *word, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(words[i], word) == 0)
            return true;
    }
    return false;
}

bool config_want_keys(struct config_reader *reader, const struct json_node *node,
                      const char *const *keys, size_t count)
{
    if (node->type != JSON_OBJECT)
        return config_refuse(reader, node, "wanted: an object");
    for (const struct json_node *member = node->first; member; member = member->next) {
        if (!is_among(member->key, keys, count))
            return config_refuse(reader, member, "no such key");
    }
    return true;
}

bool config_want_named(struct config_reader *reader, const struct json_node *node, size_t most,
                       config_test *test, const char *message)
{
    if (node->type != JSON_OBJECT)
        return config_refuse(reader, node, "wanted: an object");
    if (node->count > most)
        return config_refuse(reader, node, "too many of them");
    for (const struct json_node *member = node->first; member; member = member->next) {
        if (!test(member->key))
            return config_refuse(reader, member, message);
    }
    return true;
}

bool config_want_list(struct config_reader *reader, const struct json_node *node, size_t least,
                      size_t most)
{
    if (node->type != JSON_LIST)
        return config_refuse(reader, node, "wanted: a list");
    if (node->count < least)
        return config_refuse(reader, node, "is empty");
    return node->count <= most || config_refuse(reader, node, "too many of them");
}

const struct json_node *config_need(struct config_reader *reader, const struct json_node *object,
                                    const char *key)
{
    const struct json_node *member = json_member(object, key);
    if (!member)
        config_refuse_key(reader, object, key, "missing");
    return member;
}

bool config_read_string(struct config_reader *reader, const struct json_node *node,
                        config_test *test, const char *message, const char **result)
{
    if (!node)
        return true;
    if (node->type != JSON_STRING)
        return config_refuse(reader, node, "wanted: a string");
    if (!test(node->value.string))
        return config_refuse(reader, node, message);
    *result = node->value.string;
    return true;
}

/* Room for count strings and the NULL behind them. */
static const char **take_strings(struct config_reader *reader, size_t count)
{
    /* Each list needs one more than it has strings, and is a value itself: there is room. */
    assert(count < reader->strings_size - reader->strings_used);
    const char **strings = &reader->strings[reader->strings_used];
    reader->strings_used += count + 1;
    strings[count] = NULL;
    return strings;
}

bool config_read_strings(struct config_reader *reader, const struct json_node *node, size_t least,
                         size_t most, config_test *test, const char *message,
                         struct config_strings *result)
{
    if (!node)
        return true;
    if (!config_want_list(reader, node, least, most))
        return false;
    const char **strings = take_strings(reader, node->count);
    size_t count = 0;
    for (const struct json_node *item = node->first; item; item = item->next) {
        if (!config_read_string(reader, item, test, message, &strings[count++]))
            return false;
    }
    *result = (struct config_strings){.items = strings, .count = count};
    return true;
}

bool config_read_boolean(struct config_reader *reader, const struct json_node *node, bool *result)
{
    if (!node)
        return true;
    if (node->type != JSON_BOOLEAN)
        return config_refuse(reader, node, "wanted: true or false");
    *result = node->value.truth;
    return true;
}

bool config_read_integer(struct config_reader *reader, const struct json_node *node, uint32_t least,
                         uint32_t most, uint32_t *result)
{
    if (!node)
        return true;
    if (node->type != JSON_INTEGER)
        return config_refuse(reader, node, "wanted: an integer");
    if (node->value.integer < least || node->value.integer > most)
        return config_refuse(reader, node, "out of its range");
    *result = (uint32_t)node->value.integer;
    return true;
}

bool config_read_choice(struct config_reader *reader, const struct json_node *node,
                        const char *const *words, size_t count, unsigned *result)
{
    if (!node)
        return true;
    if (node->type != JSON_STRING)
        return config_refuse(reader, node, "wanted: a string");
    for (unsigned i = 0; i < count; i++) {
        if (strcmp(words[i], node->value.string) == 0) {
            *result = i;
            return true;
        }
    }
    return config_refuse(reader, node, "none of the words for this");
}
