/* SPDX-License-Identifier: BSD-2-Clause */
/* Reads a command line of gcc or ld: what it will do, and what of it must not reach the tool. */
#ifndef RUMPRUN_SCAN_H
#define RUMPRUN_SCAN_H

#include <stdbool.h>

#include "paths.h"
#include "words.h"

struct scan {
    struct words kept;        /* the words to pass on: no host directories, no run paths */
    struct words directories; /* of -L */
    struct words inputs;      /* files, and libraries as -lNAME */
    const char *output;       /* what -o names, or NULL */
    bool stops_early;   /* -c, -E and the like: nothing is linked */
    bool shared;
    bool relocatable;
    bool has_map;
    bool names_libgcc;
    bool without_cxx_library; /* -nostdlib++, or an option that leaves out all libraries */
};

enum driver { C_DRIVER, CXX_DRIVER };

/* words are those after the command's own name. Response files are replaced by their words. As
   g++ does it, CXX_DRIVER takes .c, .h and .i for C++. */
struct scan scan_compiler(const struct layout *layout, enum driver driver, char *const words[]);
struct scan scan_linker(char *const words[]);

#endif
