/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What went into a program, as GNU ld's map of the link says, for a section of that program:
 *
 *   {"format":1,"own":BYTES,"linked":[{"bytes":BYTES,"crc32":"HEX","file":"lib/libc.a"},...]}
 *
 * in the order of the names. "file" is relative to /usr/TRIPLE for what lies there or in
 * RUMPRUN_SYSROOT, absolute for other files of the system, and a name alone for an archive of the
 * build; "crc32" is that of the whole file, and not there in the last case. "own" is what objects
 * gave. Bytes are those that are in the program's file and loaded; .bss is not.
 */
#ifndef RUMPRUN_CONTRIBUTED_H
#define RUMPRUN_CONTRIBUTED_H

#include <stdio.h>

#include "paths.h"

#define LINKED_SECTION ".rumprun.linked"

/* The text for the section, and in *output the program that was written; NULL where map is not one
   of GNU ld, or empty. */
const char *read_contributions(const struct layout *layout, FILE *map, char **output);

#endif
