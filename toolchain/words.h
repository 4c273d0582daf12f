/* SPDX-License-Identifier: BSD-2-Clause */
/* Growing lists of argument words, and response files. Memory is never freed: exec does it. */
#ifndef RUMPRUN_WORDS_H
#define RUMPRUN_WORDS_H

#include <stdbool.h>
#include <stddef.h>

struct words {
    char **items; /* ends with NULL */
    size_t count;
    size_t room;
};

/* Ends the program with status 1 and one line on standard error. */
_Noreturn void die(const char *format, ...) __attribute__((format(printf, 1, 2)));

char *format_text(const char *format, ...) __attribute__((format(printf, 1, 2)));
bool starts_with(const char *text, const char *prefix);

void words_add(struct words *words, const char *word);

/* Adds word; an @file that can be read is replaced by its words, as gcc and ld do it. */
void words_expand(struct words *words, const char *word);

#endif
