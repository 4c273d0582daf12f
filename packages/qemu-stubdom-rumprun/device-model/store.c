/* SPDX-License-Identifier: BSD-2-Clause */
/* What libxl has written into xenstore; libxl__write_stub_dmargs() in its libxl_dm.c. */
/* vasprintf() */
#define _GNU_SOURCE
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xenstore.h>

#include "device_model.h"

/* The first number that no domain has: DOMID_FIRST_RESERVED of public/xen.h. */
#define DOMAINS 0x7ff0u

char *text(const char *format, ...)
{
    char *made = NULL;
    va_list arguments;
    va_start(arguments, format);
    const int length = vasprintf(&made, format, arguments);
    va_end(arguments);
    if (length < 0)
        fail("out of memory");
    return made;
}

void words_add(struct words *words, char *word)
{
    if (words->count == WORDS_MOST)
        fail("more than %d arguments for QEMU", WORDS_MOST);
    words->word[words->count++] = word;
    words->word[words->count] = NULL;
}

/* NULL where there is none. */
static char *read_key(struct xs_handle *store, const char *path)
{
    unsigned length;
    char *value = xs_read(store, XBT_NULL, path, &length);
    if (!value && errno != ENOENT)
        fail("cannot read %s from xenstore: %s", path, strerror(errno));
    return value;
}

static char *need_key(struct xs_handle *store, const char *path)
{
    char *value = read_key(store, path);
    if (!value)
        fail("xenstore has no %s: is this a device model's domain?", path);
    return value;
}

uint32_t store_target(struct xs_handle *store)
{
    char *value = need_key(store, "target"), *end;
    const unsigned long number = strtoul(value, &end, 10);
    if (end == value || *end || number == 0 || number >= DOMAINS)
        fail("target in xenstore is no domain: %s", value);
    free(value);
    return (uint32_t)number;
}

void store_arguments(struct xs_handle *store, uint32_t target, struct words *words)
{
    char *domain = text("/local/domain/%u/vm", target);
    char *machine = need_key(store, domain);
    for (unsigned number = 1;; number++) {
        char *path = text("%s/image/dm-argv/%03u", machine, number);
        char *word = number == 1 ? need_key(store, path) : read_key(store, path);
        free(path);
        if (!word)
            break;
        words_add(words, word);
    }
    free(machine);
    free(domain);
}
