/* SPDX-License-Identifier: BSD-2-Clause */
/* What json.c and json_string.c share; nobody else includes it. */
#ifndef RUMPRUN_JSON_PARSER_H
#define RUMPRUN_JSON_PARSER_H

#include "json.h"

struct json_parser {
    char *next, *end;
    /* Newlines are outside of strings only, so these are right although strings are overwritten. */
    const char *line_start;
    size_t line;
    struct json_node *nodes;
    size_t capacity, used;
    struct json_error *error;
};

/* Both fill in the error and return false: one for the place in the text, one for a value. */
bool json_fail(struct json_parser *parser, const char *message);
bool json_fail_at(struct json_parser *parser, const struct json_node *node, const char *message);

/*
 * Decodes the string whose opening quote has been taken, in place, and takes its closing quote.
 * node is the value to name in an error. Returns NULL where the string is refused.
 */
const char *json_parse_string(struct json_parser *parser, const struct json_node *node);

#endif
