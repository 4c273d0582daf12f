/* SPDX-License-Identifier: BSD-2-Clause */
/* The parts of the linux board's entrypoint, which runs as the machine's first process. */
#ifndef RUMPRUN_ENTRYPOINT_H
#define RUMPRUN_ENTRYPOINT_H

#include <stddef.h>

/* Where the baker puts the table, see table.c. */
#define TABLE_PATH "/rumprun/table"

/* Exit statuses of our own, as env(1) uses them. A program that a signal ended gives 128+signal. */
#define STATUS_OWN_FAILURE 125
#define STATUS_NOT_RUNNABLE 126
#define STATUS_NOT_FOUND 127
#define STATUS_SIGNAL_BASE 128

/* One program to start. argv and env end with NULL; argv[0] exists. */
struct program {
    char *path;
    char **argv;
    char **env;
};

/* console.c: what the machine says, and how it ends. */

/* Finds the control channel that the kernel command line names. Needs /proc and /dev. */
void console_open_control(void);
/* One line "rumprun: ..." on the console. */
__attribute__((format(printf, 1, 2))) void console_say(const char *format, ...);
/* Hands the status to whoever started the machine, and switches it off. */
_Noreturn void console_end(int status);
/* console_say, then console_end(STATUS_OWN_FAILURE). */
__attribute__((format(printf, 1, 2))) _Noreturn void console_fail(const char *format, ...);

/* mounts.c: the file systems that programs expect. */

/* Ends the machine where one cannot be mounted. */
void mounts_apply(void);

/* table.c: what was baked in. */

/* The program of the table at path; ends the machine where the table is damaged. */
struct program table_read(const char *path);

/* start.c: the programs' lives. */

/* Runs the program to its end, reaping whatever else exits, and returns the machine's status. */
int start_and_wait(const struct program *program);

#endif
