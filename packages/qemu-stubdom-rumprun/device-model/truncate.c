/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * QEMU saves its state to a descriptor that it first makes empty (qemu_dup_flags() in util/osdep.c),
 * which a console cannot be, and which fails there. For a console, doing nothing is right.
 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "device_model.h"

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
/* Where the value is another one: over so many statements. */
#define UNLESS(value, over) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, over)
#define RESULT(value) BPF_STMT(BPF_RET | BPF_K, value)

void truncate_nothing(void)
{
    struct sock_filter statements[] = {
        LOAD(arch),
        UNLESS(AUDIT_ARCH_X86_64, 5),
        LOAD(nr),
        UNLESS(SYS_ftruncate, 3),
        /* QEMU's own copy has another number, but no other file is emptied. */
        LOAD(args[1]),
        UNLESS(0, 1),
        RESULT(SECCOMP_RET_ERRNO | 0),
        RESULT(SECCOMP_RET_ALLOW),
    };
    const struct sock_fprog program = {sizeof statements / sizeof *statements, statements};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
        fail("no filter for ftruncate: %s", strerror(errno));
}
