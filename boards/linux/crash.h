/* SPDX-License-Identifier: BSD-2-Clause */
/* Reports of programs that crash, on the console. */
#ifndef RUMPRUN_CRASH_H
#define RUMPRUN_CRASH_H

#include "memory.h"

/* The first argument of the entrypoint as the crash reporter; the second is the process. */
#define CRASH_OPTION "--crash"

/* Asks the kernel to start the reporter for each program that crashes. Needs /proc. */
void crash_arm(void);
/* The reporter: the process's core is its standard input. Its exit status. */
int crash_main(const char *process);
/* Waits, but not for long, for a reporter that is at work. */
void crash_wait(void);
/* Whether the kernel has killed a process for want of memory since the last call. */
int crash_memory_ran_out(void);

/* crash_report.c: the lines for a core; name is that of the program's file. */
int crash_report(int core, const struct memory *memory, const char *name, int process);

#endif
