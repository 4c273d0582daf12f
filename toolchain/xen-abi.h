/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The interface to the hypervisor that a program was linked for. recipes/xen.toml has this included
 * into the file of libxenctrl that is in every program linked with it, before all else: so the
 * program has the note, and its number is that of the headers which the library was compiled with.
 *
 * An ELF note (elf(5)) of the name "rumprun" and the type 1; what it says is 32 bits: the number.
 * rumprun.bake.xen_abi, boards/pvh and rumprun-check-xen know it, too.
 */
#ifndef RUMPRUN_XEN_ABI_H
#define RUMPRUN_XEN_ABI_H

#include <stdint.h>

#include <xen/domctl.h>

#define RUMPRUN_XEN_TEXT(value) #value
#define RUMPRUN_XEN_NOTE(version)                                                                  \
    ".pushsection .note.rumprun.xen, \"a\", @note\n"                                               \
    ".balign 4\n"                                                                                  \
    ".long 8, 4, 1\n"                                                                              \
    ".asciz \"rumprun\"\n"                                                                         \
    ".long " RUMPRUN_XEN_TEXT(version) "\n"                                                        \
    ".popsection\n"

__asm__(RUMPRUN_XEN_NOTE(XEN_DOMCTL_INTERFACE_VERSION));

#endif
