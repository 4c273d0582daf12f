/* SPDX-License-Identifier: BSD-2-Clause */
/* The start info (xen/arch-x86/hvm/start_info.h), as it was read. */
#ifndef RUMPRUN_START_H
#define RUMPRUN_START_H

#include "base.h"

#define START_RANGES 64
#define START_MODULES 8
#define START_WORDS 65536u

struct start {
    /* Usable memory, in order, without overlap. */
    struct range ranges[START_RANGES];
    size_t range_count;
    struct range modules[START_MODULES];
    size_t module_count;
    /* Where the command line is, without its NUL; both 0 where there is none. */
    struct range words;
    uint64_t acpi;
};

/* The memory that the start info is read from: so many bytes, or NULL. */
typedef const void *start_memory(uint64_t address, uint64_t size);

/* start_parse.c: NULL, or what is wrong with it. */
const char *start_parse(start_memory *memory, uint64_t address, struct start *start);

#endif
