/* SPDX-License-Identifier: BSD-2-Clause */
#define _GNU_SOURCE
#include "words.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* gcc gives up at 2000 response files; so do we, long before the stack ends. */
#define MOST_RESPONSE_FILES 2000

_Noreturn void die(const char *format, ...) {
    va_list arguments;

    fputs(TRIPLE ": ", stderr);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    exit(1);
}

char *format_text(const char *format, ...) {
    va_list arguments;
    char *text;
    int length;

    va_start(arguments, format);
    length = vasprintf(&text, format, arguments);
    va_end(arguments);
    if (length < 0)
        die("no memory");
    return text;
}

bool starts_with(const char *text, const char *prefix) {
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

void words_add(struct words *words, const char *word) {
    if (words->count + 1 >= words->room) {
        size_t room = words->room ? words->room * 2 : 64;
        char **items = realloc(words->items, room * sizeof(*items));

        if (items == NULL)
            die("no memory");
        words->items = items;
        words->room = room;
    }
    words->items[words->count++] = (char *)word;
    words->items[words->count] = NULL;
}

/* The whole of a response file, or NULL: then the word is meant as it stands, as for gcc. */
static char *read_text(const char *path) {
    FILE *file = fopen(path, "re");
    char *text = NULL;
    size_t room = 0;
    ssize_t length;

    if (file == NULL)
        return NULL;
    length = getdelim(&text, &room, '\0', file);
    if (ferror(file))
        die("%s: cannot be read", path);
    fclose(file);
    if (length < 0) {
        free(text);
        return format_text("%s", "");
    }
    return text;
}

/* Cuts the next word out of *text, in place; libiberty's rules for quotes and backslashes. */
static char *next_word(char **text) {
    char *from = *text;
    char *to;
    char *word;
    char quote = '\0';

    while (isspace((unsigned char)*from))
        from++;
    if (*from == '\0')
        return NULL;
    for (word = to = from; *from != '\0' && (quote || !isspace((unsigned char)*from)); from++) {
        if (*from == '\\' && from[1] != '\0')
            *to++ = *++from;
        else if (quote && *from == quote)
            quote = '\0';
        else if (!quote && (*from == '\'' || *from == '"'))
            quote = *from;
        else
            *to++ = *from;
    }
    *text = *from == '\0' ? from : from + 1;
    *to = '\0';
    return word;
}

void words_expand(struct words *words, const char *word) {
    static unsigned int files;
    char *text;
    char *inner;

    text = word[0] == '@' ? read_text(word + 1) : NULL;
    if (text == NULL) {
        words_add(words, word);
        return;
    }
    if (++files > MOST_RESPONSE_FILES)
        die("%s: too many response files; one of them probably names itself", word);
    while ((inner = next_word(&text)) != NULL)
        words_expand(words, inner);
}
