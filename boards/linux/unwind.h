/* SPDX-License-Identifier: BSD-2-Clause */
/* From a function's registers to its caller's, in the memory of a process that crashed. */
#ifndef RUMPRUN_UNWIND_H
#define RUMPRUN_UNWIND_H

#include <stddef.h>
#include <stdint.h>
#include <sys/user.h>

#include "memory.h"

/* DWARF's numbers of the registers (System V ABI, x86-64, figure 3.36). */
enum { REG_BX = 3, REG_BP = 6, REG_SP = 7, REG_PC = 16, REG_COUNT = 17 };

/* An ELF file in memory: addresses, but for bias, which makes them of the file's own ones. */
struct module {
    const char *name;
    uint64_t bias, code_start, code_end, entry, unwind_table;
};

struct modules {
    size_t count;
    struct module of[2];
};

/*
 * A frame's registers; bit i of known says that value[i] is right. pc is exact where the function
 * was interrupted, otherwise it is where a call returns to. guessed: it was found by its looks.
 */
struct frame {
    uint64_t value[REG_COUNT];
    uint32_t known;
    int exact, guessed;
};

/* The ELF file whose header is at address; -1 where there is none that makes sense. */
int module_at(const struct memory *memory, uint64_t address, const char *name,
              struct module *module);
/* The module whose code has the address; NULL for none. */
const struct module *module_of(const struct modules *modules, uint64_t address);

/* The frame in which a thread was interrupted. */
struct frame frame_of(const struct user_regs_struct *registers);
/* Where to look a frame up: in the call, not behind it, where another function may start. */
uint64_t frame_address(const struct frame *frame);
/* Makes frame its caller's; -1 where there is no caller, or none to be found. */
int unwind_step(const struct memory *memory, const struct modules *modules, struct frame *frame);

/* unwind_table.c: by the program's unwind tables. -1 where they do not cover the address. */
int table_step(const struct memory *memory, const struct module *module, struct frame *frame);
int table_covers(const struct memory *memory, const struct module *module, uint64_t address);
/* unwind_code.c: by the code itself, for functions that have no table. */
int code_step(const struct memory *memory, const struct module *module, struct frame *frame);

#endif
