/* SPDX-License-Identifier: BSD-2-Clause */
/* memfd_create: files of a tmpfs that is mounted nowhere. */
#include <sys/mman.h>

#include "files.h"
#include "tmpfs.h"

#define MOST_NAME 249

static int make_file(struct file **made)
{
    static struct file_system *system;
    struct node *node;
    int error = system ? 0 : tmpfs_make("size=0,nr_inodes=0", &system);
    if (!error)
        error = tmpfs_make_nameless(system, S_IFREG | 0777, &node);
    if (error)
        return error;
    error = node->operations->open(node, O_RDWR, made);
    node_drop(node);
    return error;
}

int64_t sys_memfd_create(const struct call *call)
{
    const unsigned flags = (unsigned)call->a[1];
    struct file *file;
    char *name;
    if (flags & ~(MFD_CLOEXEC | MFD_ALLOW_SEALING))
        return -EINVAL;
    int error = path_text(call->a[0], &name);
    if (error)
        return error == -ENAMETOOLONG ? -EINVAL : error;
    error = strlen(name) > MOST_NAME ? -EINVAL : make_file(&file);
    path_text_put(name);
    return error ? error : descriptor_give(file, flags & MFD_CLOEXEC);
}
