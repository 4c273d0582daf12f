/* SPDX-License-Identifier: BSD-2-Clause */
/* The parts of the linux board's entrypoint, which runs as the machine's first process. */
#ifndef RUMPRUN_ENTRYPOINT_H
#define RUMPRUN_ENTRYPOINT_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "config.h"
#include "image.h"

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

/* file.c: whole files. */

/*
 * The file's content, in memory of its own, with a NUL behind it. NULL with errno where there is
 * none; EFBIG where it is larger than the limit, in bytes.
 */
char *file_read(const char *path, size_t limit, size_t *length);
/* Writes all of the bytes; false with errno. */
bool file_write(int fd, const void *bytes, size_t length);
/* Writes the text to a file that is there, such as a setting below /proc; false with errno. */
bool file_set(const char *path, const char *text);

/* table.c: what was baked in. */

/* Fills in the table of the file; ends the machine where it is damaged. */
void table_read(const char *path, struct table *table);

/* sources.c: where the configuration comes from. */

/*
 * Fills in the configuration, of all documents there are: baked in, boot module, kernel command
 * line, xenstore; later ones override. Without any, or without rc, all programs of the table run,
 * each after the one before. Ends the machine where a document is refused, or names a program that
 * is not in the table.
 */
void sources_read(struct config *config, const struct table *table);

/* apply.c: the sections hostname, net, blk and mount. */

/* Ends the machine where one cannot be applied. */
void configuration_apply(const struct config *config);

/* xenstore.c: the domain's own keys. */

/* The value below the domain's directory, as file_read; ENOENT: no such key, or no xenstore. */
char *xenstore_read(const char *key, size_t limit, size_t *length);

/* process.c: one program's process. */

struct process {
    const struct table_program *program;
    const struct config_entry *entry;
    const struct config_env *env;
    /* -1: /dev/null, and the console. */
    int input, output;
    const sigset_t *blocked;
};

/* 0, or an exit status where it could not be started, which has been said then. */
int process_start(const struct process *process, pid_t *pid);
/* The machine's exit status for a wait status. */
int process_status(int wait_status);

/* probe.c: whether what an entry is ready by is there. */
bool probe(const struct config_entry *entry);

/* start.c: the programs' lives. */

/* Runs the entries of rc to their end, reaping whatever else exits; returns the status. */
int start_and_wait(const struct config *config, const struct table *table);

#endif
