/* SPDX-License-Identifier: BSD-2-Clause */
/* System calls that open files, and those about a program's directory and about file systems. */
#include <sys/mount.h>

#include "files.h"
#include "place.h"

static int open_text(int descriptor, const char *path, int flags, mode_t mode, struct file **opened)
{
    struct node *from;
    const int error = path_start(descriptor, path, &from);
    return error ? error : path_open(from, path, flags, mode & ~program_current()->umask, opened);
}

int64_t sys_openat(const struct call *call)
{
    int flags = (int)call->a[2];
    struct file *file;
    char *path;
    if (flags & O_PATH)
        flags &= O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    if (flags & O_TMPFILE & ~O_DIRECTORY)
        return -EOPNOTSUPP;
    if (flags & O_CREAT && flags & O_DIRECTORY)
        return -EINVAL;
    int error = path_text(call->a[1], &path);
    if (error)
        return error;
    error = open_text((int)call->a[0], path, flags, (mode_t)call->a[3], &file);
    path_text_put(path);
    return error ? error : descriptor_give(file, flags & O_CLOEXEC);
}

PLACE_CALL(open, openat, 3)

int64_t sys_creat(const struct call *call)
{
    return sys_open(&(struct call){.a = {call->a[0], O_CREAT | O_WRONLY | O_TRUNC, call->a[1]}});
}

int64_t sys_umask(const struct call *call)
{
    struct program *const program = program_current();
    const unsigned before = program->umask;
    program->umask = (unsigned)call->a[0] & 0777;
    return before;
}

int64_t sys_getcwd(const struct call *call)
{
    char *const path = heap_get(PATH_LONGEST);
    if (!path)
        return -ENOMEM;
    int64_t size = path_of(program_current()->directory, path, PATH_LONGEST);
    if (size > 0 && (uint64_t)size > call->a[1])
        size = -ERANGE;
    if (size > 0 && !copy_out(call->a[0], path, (size_t)size))
        size = -EFAULT;
    heap_put(path);
    return size;
}

static void set_directory(struct node *directory)
{
    struct program *const program = program_current();
    node_drop(program->directory);
    program->directory = directory;
}

int64_t sys_chdir(const struct call *call)
{
    struct node *node;
    const int error = place_node(AT_FDCWD, call->a[0], 0, &node);
    if (error)
        return error;
    if (node->kind != NODE_DIRECTORY) {
        node_drop(node);
        return -ENOTDIR;
    }
    set_directory(node);
    return 0;
}

int64_t sys_fchdir(const struct call *call)
{
    const struct file *const file = descriptor_file((unsigned)call->a[0]);
    if (!file)
        return -EBADF;
    if (!file->node || file->node->kind != NODE_DIRECTORY)
        return -ENOTDIR;
    set_directory(node_share(file->node));
    return 0;
}

/* A string that may be left out: *text is NULL then. */
static int take_text(uint64_t address, char **text)
{
    *text = NULL;
    return address ? path_text(address, text) : 0;
}

int64_t sys_mount(const struct call *call)
{
    char *source, *type = NULL, *options = NULL;
    struct node *directory = NULL;
    int error = take_text(call->a[0], &source);
    if (!error)
        error = take_text(call->a[2], &type);
    if (!error)
        error = take_text(call->a[4], &options);
    if (!error)
        error = place_node(AT_FDCWD, call->a[1], 0, &directory);
    if (!error && directory->kind != NODE_DIRECTORY)
        error = -ENOTDIR;
    if (!error)
        error = mount_type(type ? type : "", source, directory, call->a[3], options);
    node_drop(directory);
    path_text_put(options);
    path_text_put(type);
    path_text_put(source);
    return error;
}

int64_t sys_umount2(const struct call *call)
{
    struct node *root;
    const int flags = (int)call->a[1];
    if (flags & ~(MNT_FORCE | MNT_DETACH | UMOUNT_NOFOLLOW))
        return -EINVAL;
    const int error =
        place_node(AT_FDCWD, call->a[0], flags & UMOUNT_NOFOLLOW ? AT_SYMLINK_NOFOLLOW : 0, &root);
    if (error)
        return error;
    /* What is mounted holds its root: no reference of this call's makes it busy. */
    const bool is_root = root == root->system->root;
    node_drop(root);
    return is_root ? mount_end(root, flags & MNT_DETACH) : -EINVAL;
}
