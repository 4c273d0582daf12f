/* SPDX-License-Identifier: BSD-2-Clause */
/* Adds a section to a program that is linked already. */
#ifndef RUMPRUN_SECTION_H
#define RUMPRUN_SECTION_H

#include <stddef.h>

/* Adds the section name with size bytes of data, not loaded, to the 64-bit ELF executable at path;
   strip(1) keeps such a section. Other files stay as they are. Where the disk is full, the program
   is removed, as ld does it, and the process ends with status 1. */
void add_section(const char *path, const char *name, const void *data, size_t size);

#endif
