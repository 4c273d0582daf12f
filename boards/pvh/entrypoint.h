/* SPDX-License-Identifier: BSD-2-Clause */
/* The parts of the entrypoint, which starts the image's programs as its configuration says. */
#ifndef RUMPRUN_ENTRYPOINT_H
#define RUMPRUN_ENTRYPOINT_H

#include "base.h"
#include "config.h"
#include "image.h"
#include "program.h"

/* What is wrong, and the machine's end. */
#define ENTRYPOINT_FAIL(...) (say(__VA_ARGS__), machine_end(STATUS_OWN_FAILURE))

/* entrypoint.c: the order of all this. */
_Noreturn void entrypoint(void);

/* entrypoint_sources.c: what was baked in, and where the configuration comes from. */

/* Ends the machine where the table is damaged. */
void table_read(const char *path, struct table *table);
/*
 * Fills in the configuration, of all documents there are: baked in, boot module, command line,
 * xenstore; later ones override. Without any, or without rc, all programs of the table run, each
 * after the one before. Ends the machine where a document is refused, or names a program that is
 * not in the table.
 */
void sources_read(struct config *config, const struct table *table);

/* entrypoint_apply.c: the sections hostname, net, blk and mount. */

/* Ends the machine where one cannot be applied. */
void configuration_apply(const struct config *config);

/* entrypoint_program.c: one program. */

struct process {
    const struct table_program *program;
    const struct config_entry *entry;
    const struct config_env *env;
    /* NULL: /dev/null, and the console. */
    struct file *input, *output;
    /* It gets the words that a server of the xenstore is started with. */
    bool serves;
};

/* 0, or an exit status where it could not be started, which has been said then. */
int process_start(const struct process *process, struct program **started);
/* Whether what an entry is ready by is there. */
bool probe(const struct config_entry *entry);

/* entrypoint_words.c: what the C library of the linux board's entrypoint calls them. */

const char *words_of_error(int error);
const char *words_of_signal(int number);

/* entrypoint_start.c: the programs' lives. */

/* Runs the entries of rc to their end; returns the status. */
int start_and_wait(const struct config *config, const struct table *table);

#endif
