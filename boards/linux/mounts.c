/* SPDX-License-Identifier: BSD-2-Clause */
/* The file systems that programs expect, as on any Linux machine. */
#include <errno.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "entrypoint.h"

struct mount_entry {
    const char *where, *type, *options;
    unsigned long flags;
};

/* In this order: a later one may lie inside an earlier one. */
static const struct mount_entry mounts[] = {
    {"/proc", "proc", "", MS_NOSUID | MS_NODEV | MS_NOEXEC},
    {"/sys", "sysfs", "", MS_NOSUID | MS_NODEV | MS_NOEXEC},
    {"/dev", "devtmpfs", "mode=755", MS_NOSUID | MS_NOEXEC},
    {"/dev/pts", "devpts", "mode=620,ptmxmode=666", MS_NOSUID | MS_NOEXEC},
    {"/dev/shm", "tmpfs", "mode=1777", MS_NOSUID | MS_NODEV},
    {"/tmp", "tmpfs", "mode=1777", MS_NOSUID | MS_NODEV},
    {"/run", "tmpfs", "mode=755", MS_NOSUID | MS_NODEV},
};

/* The names that devtmpfs leaves to user space. */
static const struct {
    const char *target, *name;
} links[] = {
    {"/proc/self/fd", "/dev/fd"},
    {"fd/0", "/dev/stdin"},
    {"fd/1", "/dev/stdout"},
    {"fd/2", "/dev/stderr"},
};

void mounts_apply(void)
{
    for (size_t i = 0; i < sizeof mounts / sizeof *mounts; i++) {
        const struct mount_entry *m = &mounts[i];
        if (mkdir(m->where, 0755) != 0 && errno != EEXIST)
            console_fail("cannot make %s: %s", m->where, strerror(errno));
        /* EBUSY: it is there already (devtmpfs, where the kernel mounts it by itself). */
        if (mount(m->type, m->where, m->type, m->flags, m->options) != 0 && errno != EBUSY)
            console_fail("cannot mount %s on %s: %s", m->type, m->where, strerror(errno));
    }
    for (size_t i = 0; i < sizeof links / sizeof *links; i++)
        if (symlink(links[i].target, links[i].name) != 0 && errno != EEXIST)
            console_fail("cannot make %s: %s", links[i].name, strerror(errno));
}
