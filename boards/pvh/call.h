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

/* call.c: from entry.S. Whether all of the registers have to be loaded, since a handler runs now.
 */
bool call_enter(struct registers *registers);
/* Before a program is entered again, on the thread's stack: others' turn, signals, its end. */
void call_leave(struct registers *registers);
/* What is absent: counts and names it. -ENOSYS. */
int64_t call_refuse(uint64_t number);
/* What /proc/base says of them. */
size_t calls_write(char *text, size_t size);
/* Whether each call is said on the console. */
extern bool call_trace;

/* A path of the program's, in memory that path_text_put gives back; or -errno. */
int path_text(uint64_t address, char **text);
void path_text_put(char *text);
/* sys_time.c: what a clock says, in nanoseconds, and a struct timespec of the program's; 0 or
   -errno. What is out of reach becomes a time that never comes. */
int time_of_clock(int clock, uint64_t *nanoseconds);
int time_in(uint64_t address, uint64_t *nanoseconds);
int time_out(uint64_t address, uint64_t nanoseconds);
#define TIME_SECOND UINT64_C(1000000000)
#define TIME_LONGEST ((uint64_t)1 << 61)
/* CPU time of the a thread, and of all of a program's. */
uint64_t time_of_thread(const struct thread *thread);
uint64_t time_of_program(const struct program *program);

/* sys_process.c: uname's names. */
#define BASE_RELEASE "6.1.0-rumprun"
#define BASE_VERSION "rumprun pvh"
extern char host_name[65];
/* The node that dirfd and path start from, without a reference. */
int path_start(int descriptor, const char *path, struct node **from);

#endif
