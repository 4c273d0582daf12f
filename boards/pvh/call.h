/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * System calls, by the Linux ABI for x86-64: numbers and structures are musl's headers'.
 *
 * Every call that the base may have is in calls.h, under the name that <sys/syscall.h> gives it;
 * sys_<name> is defined in some sys_*.c or driver. One that the base was linked without (sockets,
 * where no program has any) answers ENOSYS like one that is not in the list, is counted, and is
 * named once on the console.
 */
#ifndef RUMPRUN_CALL_H
#define RUMPRUN_CALL_H

#include <errno.h>
#include <sys/syscall.h>

#include "base.h"
#include "memory.h"
#include "program.h"
#include "thread.h"

/* A call's arguments, in the registers' order, and all of the registers. */
struct call {
    uint64_t a[6];
    struct registers *registers;
};

typedef int64_t call_function(const struct call *call);

#define CALL(name) __attribute__((weak)) call_function sys_##name;
#include "calls.h"
#undef CALL

/* call.c: from entry.S. Whether all of the registers have to be loaded, since a handler runs now. */
bool call_enter(struct registers *registers);
/* Before a program is entered again, on the thread's stack: others' turn, signals, its end. */
void call_leave(struct registers *registers);
/* What /proc/base says of them. */
size_t calls_write(char *text, size_t size);
/* Whether each call is said on the console. */
extern bool call_trace;

/* A path of the program's, in memory that path_text_put gives back; or -errno. */
int path_text(uint64_t address, char **text);
void path_text_put(char *text);
/* The node that dirfd and path start from, without a reference. */
int path_start(int descriptor, const char *path, struct node **from);

#endif
