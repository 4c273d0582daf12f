/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The table of the programs in an image: strings, each ended by a NUL, so that any argument passes
 * unharmed:
 *
 *     "rumprun-table 2"  COUNT
 *     then, for each program: NAME  PATH  ARGC  ENVC  ARGV[0] ... ARGV[ARGC-1]  ENV[0] ...
 *
 * COUNT and ARGC (at least 1) and ENVC are decimal. lib/rumprun/bake/table.py writes it.
 */
#ifndef RUMPRUN_TABLE_H
#define RUMPRUN_TABLE_H

#include "config.h"

/* More than the kernel lets a program have as arguments. */
#define TABLE_LIMIT (8u << 20)

/* One baked program. argv and env end with NULL; argv[0] exists. */
struct table_program {
    const char *name, *path;
    char **argv;
    char **env;
};

struct table {
    size_t count;
    struct table_program programs[CONFIG_ENTRIES];
};

/* How many strings are in the size bytes, which is how many pointers table_parse needs. */
size_t table_strings(const char *bytes, size_t size);
/* NULL, or what is wrong. The table refers to the bytes and the pointers, which have to stay. */
const char *table_parse(char *bytes, size_t size, char **pointers, struct table *table);

/* The program of that name, or NULL. */
const struct table_program *table_find(const struct table *table, const char *name);

#endif
