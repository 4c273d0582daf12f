/* SPDX-License-Identifier: BSD-2-Clause */
/* Where the toolchain is, and which directories of the host must not be searched. */
#ifndef RUMPRUN_PATHS_H
#define RUMPRUN_PATHS_H

#include <stdbool.h>

struct layout {
    const char *root;    /* below which usr/ is; "" for an installed toolchain */
    const char *sysroot; /* the toolchain's own */
    const char *overlay; /* RUMPRUN_SYSROOT, or sysroot again */
};

/* From /proc/self/exe, and RUMPRUN_SYSROOT from the environment. */
struct layout find_layout(void);

bool is_host_include(const char *directory);
bool is_host_library(const char *directory);

/* The place of a directory that is named by where it will be installed, /usr/TRIPLE/...: in the
   overlay or in the sysroot, whichever has it. Other names come back unchanged. */
const char *relocate(const struct layout *layout, const char *directory);

#endif
