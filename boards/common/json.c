/* SPDX-License-Identifier: BSD-2-Clause */
/* The grammar; json_string.c has the strings. */
#include <assert.h>
#include <string.h>

#include "json_parser.h"

static bool parse_value(struct json_parser *parser, struct json_node *node, unsigned level);

bool json_fail(struct json_parser *parser, const char *message)
{
    parser->error->message = message;
    parser->error->line = parser->line;
    parser->error->column = (size_t)(parser->next - parser->line_start) + 1;
    return false;
}

bool json_fail_at(struct json_parser *parser, const struct json_node *node, const char *message)
{
    parser->error->message = message;
    parser->error->node = node;
    return false;
}

/* The next character, or 0 at the end: a NUL in the text is no token either. */
static char peek(const struct json_parser *parser)
{
    return parser->next < parser->end ? *parser->next : '\0';
}

static void skip_blanks(struct json_parser *parser)
{
    for (;; parser->next++) {
        const char c = peek(parser);
        if (c == '\n') {
            parser->line++;
            parser->line_start = parser->next + 1;
        } else if (c != ' ' && c != '\t' && c != '\r') {
            return;
        }
    }
}

/* Skips blanks, then takes the character if it comes next. */
static bool take(struct json_parser *parser, char c)
{
    skip_blanks(parser);
    if (peek(parser) != c)
        return false;
    parser->next++;
    return true;
}

static struct json_node *add_node(struct json_parser *parser, struct json_node *parent,
                                  struct json_node *previous)
{
    if (parser->used == parser->capacity) {
        json_fail(parser, "too many values");
        parser->error->line = 0;
        return NULL;
    }
    struct json_node *node = &parser->nodes[parser->used++];
    *node = (struct json_node){.parent = parent};
    if (previous)
        previous->next = node;
    else if (parent)
        parent->first = node;
    if (parent)
        parent->count++;
    return node;
}

static bool parse_word(struct json_parser *parser, const char *word)
{
    const size_t length = strlen(word);
    if ((size_t)(parser->end - parser->next) < length || memcmp(parser->next, word, length) != 0)
        return json_fail(parser, "no value");
    parser->next += length;
    return true;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool skip_digits(struct json_parser *parser)
{
    if (!is_digit(peek(parser)))
        return json_fail(parser, "a digit is missing");
    while (is_digit(peek(parser)))
        parser->next++;
    return true;
}

/* The integer of the digits up to parser->next; the node stays a mere number if it is too large. */
static void keep_integer(const struct json_parser *parser, struct json_node *node,
                         const char *digits, bool negative)
{
    const uint64_t most = (uint64_t)INT64_MAX + (negative ? 1 : 0);
    uint64_t value = 0;
    for (; digits < parser->next; digits++) {
        const uint64_t digit = (uint64_t)(*digits - '0');
        if (value > (most - digit) / 10)
            return;
        value = value * 10 + digit;
    }
    node->type = JSON_INTEGER;
    if (negative)
        node->value.integer = value ? -(int64_t)(value - 1) - 1 : 0;
    else
        node->value.integer = (int64_t)value;
}

static bool parse_number(struct json_parser *parser, struct json_node *node)
{
    const bool negative = peek(parser) == '-';
    parser->next += negative;
    const char *digits = parser->next;
    if (!skip_digits(parser))
        return false;
    if (*digits == '0' && parser->next > digits + 1)
        return json_fail(parser, "a number starts with 0");
    node->type = JSON_NUMBER;
    const char *integer_end = parser->next;
    if (peek(parser) == '.') {
        parser->next++;
        if (!skip_digits(parser))
            return false;
    }
    if (peek(parser) == 'e' || peek(parser) == 'E') {
        parser->next++;
        if (peek(parser) == '+' || peek(parser) == '-')
            parser->next++;
        if (!skip_digits(parser))
            return false;
    }
    if (parser->next == integer_end)
        keep_integer(parser, node, digits, negative);
    return true;
}

static bool parse_key(struct json_parser *parser, struct json_node *object, struct json_node *node)
{
    if (!take(parser, '"'))
        return json_fail(parser, "a key in quotes is missing");
    const char *key = json_parse_string(parser, object);
    if (!key)
        return false;
    node->key = key;
    return take(parser, ':') || json_fail(parser, "a colon is missing");
}

/* What is in the list or object, whose opening bracket has been taken. */
static bool parse_members(struct json_parser *parser, struct json_node *node, unsigned level)
{
    const bool object = node->type == JSON_OBJECT;
    const char close = object ? '}' : ']';
    if (level > JSON_LEVELS)
        return json_fail(parser, "too many lists and objects in one another");
    if (take(parser, close))
        return true;
    struct json_node *last = NULL;
    do {
        last = add_node(parser, node, last);
        if (!last || (object && !parse_key(parser, node, last)) ||
            !parse_value(parser, last, level))
            return false;
    } while (take(parser, ','));
    return take(parser, close) || json_fail(parser, "a comma or closing bracket is missing");
}

static bool parse_boolean(struct json_parser *parser, struct json_node *node, bool truth)
{
    node->type = JSON_BOOLEAN;
    node->value.truth = truth;
    return parse_word(parser, truth ? "true" : "false");
}

static bool parse_value(struct json_parser *parser, struct json_node *node, unsigned level)
{
    assert(level <= JSON_LEVELS);
    skip_blanks(parser);
    const char c = peek(parser);
    if (c == '{' || c == '[') {
        parser->next++;
        node->type = c == '{' ? JSON_OBJECT : JSON_LIST;
        return parse_members(parser, node, level + 1);
    }
    if (c == '"') {
        parser->next++;
        node->type = JSON_STRING;
        node->value.string = json_parse_string(parser, node);
        return node->value.string != NULL;
    }
    if (c == '-' || is_digit(c))
        return parse_number(parser, node);
    if (c == 't' || c == 'f')
        return parse_boolean(parser, node, c == 't');
    node->type = JSON_NULL;
    return parse_word(parser, "null");
}

/* Refuses the first key that occurs a second time in the object. */
static bool keys_differ(struct json_parser *parser, const struct json_node *object)
{
    if (object->count > JSON_MEMBERS)
        return json_fail_at(parser, object, "too many of them");
    for (const struct json_node *node = object->first; node; node = node->next) {
        for (const struct json_node *other = object->first; other != node; other = other->next) {
            if (strcmp(node->key, other->key) == 0)
                return json_fail_at(parser, node, "this key occurs twice");
        }
    }
    return true;
}

const struct json_node *json_parse(char *text, size_t length, struct json_node *nodes,
                                   size_t capacity, struct json_error *error)
{
    assert(text && nodes && capacity > 0 && error);
    *error = (struct json_error){0};
    struct json_parser parser = {
        .next = text, .end = text + length, .line_start = text, .line = 1,
        .nodes = nodes, .capacity = capacity, .error = error,
    };
    struct json_node *root = add_node(&parser, NULL, NULL);
    if (!parse_value(&parser, root, 0))
        return NULL;
    skip_blanks(&parser);
    if (parser.next != parser.end) {
        json_fail(&parser, "something follows the end");
        return NULL;
    }
    for (size_t i = 0; i < parser.used; i++) {
        if (nodes[i].type == JSON_OBJECT && !keys_differ(&parser, &nodes[i]))
            return NULL;
    }
    return root;
}

const struct json_node *json_member(const struct json_node *object, const char *key)
{
    assert(object->type == JSON_OBJECT);
    const struct json_node *node = object->first;
    while (node && strcmp(node->key, key) != 0)
        node = node->next;
    return node;
}
