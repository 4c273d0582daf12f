/* SPDX-License-Identifier: BSD-2-Clause */
/* What an instruction does to the stack pointer and to the order of execution. */
#ifndef RUMPRUN_INSTRUCTION_H
#define RUMPRUN_INSTRUCTION_H

#include <stddef.h>
#include <stdint.h>

enum instruction_kind {
    OTHER,                /* neither, or a call, which comes back with the stack as it was */
    PUSH,                 /* of the register reg, in DWARF's numbers; 255 for anything else */
    ADD_TO_STACK_POINTER, /* value; pop and sub as well */
    SET_FRAME_POINTER,    /* mov %rsp,%rbp */
    LEAVE,
    BRANCH, /* perhaps to the next instruction + value */
    JUMP,   /* there always */
    END,    /* return, jump to an unknown place, halt: what follows is reached in other ways */
    UNKNOWN_STACK_POINTER,
};

struct instruction {
    enum instruction_kind kind;
    unsigned char reg;
    int64_t value;
};

/* Reads one of at most limit bytes; returns its size, 0 where it is not understood. */
size_t instruction_read(const unsigned char *code, size_t limit, struct instruction *found);

#endif
