/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * JSON as RFC 8259 has it, and no more: read in place, into nodes that the caller has.
 *
 * Strings are UTF-8 that is checked; they are decoded where they stand in the text, and end with a
 * NUL there. An escaped NUL and half of a surrogate pair are refused, as is a key that occurs twice
 * in an object. A number is an integer where it is written as one and 64 bits hold it.
 */
#ifndef RUMPRUN_JSON_H
#define RUMPRUN_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How many lists and objects may be in one another: the parser's recursion. */
#define JSON_LEVELS 32
/* How many members an object may have: each key is compared with all others. */
#define JSON_MEMBERS 1024

enum json_type {
    JSON_NULL,
    JSON_BOOLEAN,
    JSON_INTEGER,
    /* With a fraction or exponent, or too large for an integer; its value is not kept. */
    JSON_NUMBER,
    JSON_STRING,
    JSON_LIST,
    JSON_OBJECT,
};

/* One value. Those in a list or object are a chain that starts at its first. */
struct json_node {
    enum json_type type;
    /* How many are in the list or object. */
    uint32_t count;
    /* The member's key; NULL for what is in no object. */
    const char *key;
    const struct json_node *parent, *first, *next;
    union {
        bool truth;
        int64_t integer;
        const char *string;
    } value;
};

struct json_error {
    const char *message;
    /* Where the reader was, from 1, the column in bytes; line 0: the fault is that of node. */
    size_t line, column;
    /* The value that is at fault, or NULL for the text as a whole. */
    const struct json_node *node;
};

/*
 * Reads the length bytes at text, which are overwritten and have to stay, as have the nodes. Returns
 * the root, which is nodes[0]; or NULL, where it has filled in error.
 */
const struct json_node *json_parse(char *text, size_t length, struct json_node *nodes,
                                   size_t capacity, struct json_error *error);

/* The member of object with the key, or NULL. */
const struct json_node *json_member(const struct json_node *object, const char *key);

#endif
