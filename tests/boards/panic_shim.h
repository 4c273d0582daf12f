/* SPDX-License-Identifier: BSD-2-Clause */
/* The base's panic() on the host, for the one source of a test program that includes this. */
#ifndef RUMPRUN_PANIC_SHIM_H
#define RUMPRUN_PANIC_SHIM_H

#include <stdio.h>
#include <stdlib.h>

#include "base.h"

void panic(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    abort();
}

#endif
