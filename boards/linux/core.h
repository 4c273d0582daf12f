/* SPDX-License-Identifier: BSD-2-Clause */
/* The notes of an ELF core, which say why a process ended and where its threads were. */
#ifndef RUMPRUN_CORE_H
#define RUMPRUN_CORE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/user.h>

/* More threads than these are counted only. */
#define CORE_THREADS 16

struct core_thread {
    int id;
    struct user_regs_struct registers;
};

/*
 * The thread that got the signal is the first one. code and address are those of siginfo_t, and
 * sender is its si_pid. program_headers and vdso are addresses, 0 where they are not known.
 */
struct core {
    int signal, code, sender;
    uint64_t address;
    uint64_t program_headers, vdso;
    size_t thread_count;
    struct core_thread threads[CORE_THREADS];
};

/* Reads a core up to the end of its notes; -1 where it is none for x86-64, or has no thread. */
int core_read(int descriptor, struct core *core);

#endif
