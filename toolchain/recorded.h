/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Libraries that archives name as their own dependencies: the member __.LIBDEP, which ar writes
 * with its modifier l. binutils has a plugin for them, libdep.so; it follows one level only, looks
 * nowhere if -nostdlib keeps ld from the host's directories, and prints a line for each.
 */
#ifndef RUMPRUN_RECORDED_H
#define RUMPRUN_RECORDED_H

#include <stdbool.h>

#include "paths.h"
#include "scan.h"
#include "words.h"

struct closure {
    struct words directories; /* searched for libraries, in order */
    size_t given;             /* how many of them the command line and the sysroots give */
    struct words seen;        /* inputs already looked into */
    struct words found;       /* recorded libraries, as words for ld */
    bool stands_for_shared;   /* an archive among them has the name of a shared library */
};

/* What the inputs of the link record, and what that records in turn. */
struct closure follow_inputs(const struct layout *layout, const struct scan *scan);

/* word, with -lNAME turned into -l:libNAME.so where the archive that -lNAME means is called so:
   a static link looks for libNAME.a alone. Also within -Wl,... */
const char *resolve_library(const struct closure *closure, const char *word);

/* Adds what was found to command. linker is put before words that only ld understands: "-Wl,"
   for a command of gcc, "" for one of ld. */
void add_recorded(struct words *command, const struct closure *closure, const char *linker);

#endif
