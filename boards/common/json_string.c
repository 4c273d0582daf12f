/* SPDX-License-Identifier: BSD-2-Clause */
/* Strings: what is in them is UTF-8 or escaped, and never longer decoded than it was. */
#include <assert.h>

#include "json_parser.h"

#define IS_LEADING(unit) ((unit) >= 0xd800 && (unit) < 0xdc00)
#define IS_TRAILING(unit) ((unit) >= 0xdc00 && (unit) < 0xe000)

/* The value of a hexadecimal digit, or -1. */
static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The four digits after \u, which have been taken; false where there are no four. */
static bool parse_unit(struct json_parser *parser, uint32_t *unit)
{
    if (parser->end - parser->next < 4)
        return json_fail(parser, "\\u wants four digits");
    *unit = 0;
    for (int i = 0; i < 4; i++) {
        const int digit = hex_digit(parser->next[i]);
        if (digit < 0)
            return json_fail(parser, "\\u wants four hexadecimal digits");
        *unit = *unit * 16 + (uint32_t)digit;
    }
    parser->next += 4;
    return true;
}

/* Writes the character as UTF-8 and returns where it ends. */
static char *write_character(char *out, uint32_t character)
{
    static const unsigned char lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
    const int length = character < 0x80 ? 1 : character < 0x800 ? 2 : character < 0x10000 ? 3 : 4;
    assert(character < 0x110000);
    for (int i = length - 1; i > 0; i--) {
        out[i] = (char)(0x80 | (character & 0x3f));
        character >>= 6;
    }
    out[0] = (char)(lead[length == 1 ? 0 : length] | character);
    return out + length;
}

static bool parse_unicode(struct json_parser *parser, const struct json_node *node, char **out)
{
    uint32_t unit, second;
    if (!parse_unit(parser, &unit))
        return false;
    if (unit == 0)
        return json_fail_at(parser, node, "a string has a NUL");
    if (IS_LEADING(unit) && parser->end - parser->next >= 2 && parser->next[0] == '\\' &&
        parser->next[1] == 'u') {
        parser->next += 2;
        if (!parse_unit(parser, &second))
            return false;
        if (!IS_TRAILING(second))
            return json_fail_at(parser, node, "a string has half of a surrogate pair");
        unit = 0x10000 + ((unit - 0xd800) << 10) + (second - 0xdc00);
    } else if (IS_LEADING(unit) || IS_TRAILING(unit)) {
        return json_fail_at(parser, node, "a string has half of a surrogate pair");
    }
    *out = write_character(*out, unit);
    return true;
}

/* What follows a backslash, which has been taken. */
static bool parse_escape(struct json_parser *parser, const struct json_node *node, char **out)
{
    static const char escapes[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
    if (parser->next == parser->end)
        return json_fail(parser, "a string does not end");
    const char c = *parser->next++;
    if (c == 'u')
        return parse_unicode(parser, node, out);
    for (size_t i = 0; escapes[i]; i++) {
        if (escapes[i] == c) {
            *(*out)++ = meanings[i];
            return true;
        }
    }
    return json_fail(parser, "no such escape");
}

/* How long the UTF-8 sequence is that starts at text, or 0 where it is none (RFC 3629). */
static size_t sequence_length(const unsigned char *text, size_t left)
{
    const unsigned char lead = text[0];
    const size_t length = lead < 0x80 ? 1 : lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    if (length == 0 || lead > 0xf4 || left < length)
        return 0;
    for (size_t i = 1; i < length; i++) {
        if ((text[i] & 0xc0) != 0x80)
            return 0;
    }
    /* Written longer than need be, a surrogate, or beyond Unicode: the second byte tells. */
    if ((lead == 0xe0 && text[1] < 0xa0) || (lead == 0xed && text[1] >= 0xa0) ||
        (lead == 0xf0 && text[1] < 0x90) || (lead == 0xf4 && text[1] >= 0x90))
        return 0;
    return length;
}

const char *json_parse_string(struct json_parser *parser, const struct json_node *node)
{
    char *const start = parser->next;
    char *out = start;
    while (parser->next < parser->end && *parser->next != '"') {
        const unsigned char *here = (const unsigned char *)parser->next;
        const size_t length = sequence_length(here, (size_t)(parser->end - parser->next));
        if (length == 0 || *here < 0x20) {
            json_fail(parser, length ? "a string has a control character" : "no UTF-8");
            return NULL;
        }
        if (*here == '\\') {
            parser->next++;
            if (!parse_escape(parser, node, &out))
                return NULL;
        } else {
            for (size_t i = 0; i < length; i++)
                *out++ = *parser->next++;
        }
        assert(out <= parser->next);
    }
    if (parser->next == parser->end) {
        json_fail(parser, "a string does not end");
        return NULL;
    }
    parser->next++;
    *out = '\0';
    return start;
}
