/* SPDX-License-Identifier: BSD-2-Clause */
/* What the pvh board's files need of the base, as far as a host's process can play it. */
#ifndef RUMPRUN_FILES_SHIM_H
#define RUMPRUN_FILES_SHIM_H

#include "device.h"
#include "files.h"

/* Descriptors of the program. */
#define SHIM_LIMIT 40

extern unsigned shim_sigpipes;

/* A tmpfs as the root, with /dev. */
void shim_files_begin(void);
int64_t shim_open(const char *path, int flags, mode_t mode);
int64_t shim_call(long number, const uint64_t *arguments);

#endif
