/* SPDX-License-Identifier: BSD-2-Clause */
/* What lwIP calls of a C library. */
#include <stdio.h>
#include <stdlib.h>

#include "net.h"

void *malloc(size_t size) { return heap_get(size); }
void free(void *memory) { heap_put(memory); }

void *calloc(size_t count, size_t size)
{
    size_t bytes;
    return __builtin_mul_overflow(count, size, &bytes) ? NULL : heap_get(bytes);
}

int rand(void)
{
    unsigned number;
    random_fill(&number, sizeof number);
    return (int)(number >> 1);
}

/* Only ever what is wrong. */
int printf(const char *format, ...)
{
    char text[160];
    va_list arguments;
    va_start(arguments, format);
    const int length = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    say("lwIP: %s", text);
    return length;
}

int fflush(FILE *file)
{
    (void)file;
    return 0;
}

_Noreturn void abort(void) { panic("lwIP found itself in a state that cannot be"); }
