/* SPDX-License-Identifier: BSD-2-Clause */
/* The memory of a process that crashed, as the crash report sees it. */
#ifndef RUMPRUN_MEMORY_H
#define RUMPRUN_MEMORY_H

#include <stddef.h>
#include <stdint.h>

/*
 * fetch() copies size bytes from the process's address and returns 0, or -1 where one of them
 * cannot be read. What it copies was written by the program that crashed: nothing of it is
 * believed.
 */
struct memory {
    int (*fetch)(const struct memory *memory, uint64_t address, void *to, size_t size);
    int descriptor;
};

static inline int memory_fetch(const struct memory *memory, uint64_t address, void *to,
                               size_t size)
{
    /* Whatever would wrap around is no address of a program. */
    if (address + size < address)
        return -1;
    return memory->fetch(memory, address, to, size);
}

#endif
