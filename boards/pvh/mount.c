/* SPDX-License-Identifier: BSD-2-Clause */
/* Which file systems there are, and where. */
#include <errno.h>
#include <sys/mount.h>

#include "file.h"

struct file_system *mounts_first;

static void add_system(struct file_system *system)
{
    static uint64_t last_device;
    struct file_system **place = &mounts_first;
    while (*place)
        place = &(*place)->next;
    *place = system;
    system->next = NULL;
    system->device = ++last_device;
}

int mount_on(struct node *directory, struct file_system *system)
{
    if (directory->kind != NODE_DIRECTORY)
        return -ENOTDIR;
    if (directory->mounted || system->covered)
        return -EBUSY;
    directory->mounted = system;
    system->covered = node_share(directory);
    add_system(system);
    return 0;
}

int mount_end(struct node *root, bool although_busy)
{
    struct file_system *const system = root->system, **place = &mounts_first;
    if (root != system->root)
        return -EINVAL;
    if (!system->covered || !system->busy || root->mounted ||
        (system->busy(system) && !although_busy))
        return -EBUSY;
    for (const struct file_system *other = mounts_first; other; other = other->next)
        if (other->covered && other->covered->system == system)
            return -EBUSY;
    while (*place != system)
        place = &(*place)->next;
    *place = system->next;
    system->covered->mounted = NULL;
    node_drop(system->covered);
    system->covered = NULL;
    system->release(system);
    return 0;
}

static int mount_tmpfs(struct node *directory, unsigned long flags, const char *options)
{
    struct file_system *system;
    int error = tmpfs_make(options, &system);
    if (error)
        return error;
    system->read_only = flags & MS_RDONLY;
    error = mount_on(directory, system);
    if (error)
        system->release(system);
    return error;
}

int mount_type(const char *type, const char *source, struct node *directory, unsigned long flags,
               const char *options)
{
    (void)source;
    if (flags & (MS_BIND | MS_MOVE))
        return -EINVAL;
    if (flags & MS_REMOUNT) {
        if (directory != directory->system->root)
            return -EINVAL;
        if (!directory->system->busy)
            return flags & MS_RDONLY ? -EBUSY : -EROFS;
        directory->system->read_only = flags & MS_RDONLY;
        return 0;
    }
    if (strcmp(type, "tmpfs") == 0)
        return mount_tmpfs(directory, flags, options);
    /* There is one of each, which is there from the beginning. */
    return strcmp(type, "proc") == 0 || strcmp(type, "devtmpfs") == 0 ? -EBUSY : -ENODEV;
}

static void mount_first(const char *path, struct file_system *system, const char *options)
{
    struct node *directory;
    int error = path_find(path_root, path, PATH_DIRECTORY, &directory);
    if (!error) {
        error = system ? mount_on(directory, system) : mount_tmpfs(directory, 0, options);
        node_drop(directory);
    }
    if (error)
        say("nothing can be mounted on %s: error %d", path, -error);
}

void mounts_begin(void)
{
    struct file_system *const root = root_make(), *const devices = device_files_make();
    struct file_system *const processes = proc_make();
    if (!root || !devices || !processes)
        panic("not enough memory for file systems");
    add_system(root);
    path_root = root->root;
    mount_first("/dev", devices, NULL);
    mount_first("/proc", processes, NULL);
    mount_first("/tmp", NULL, "mode=1777");
    mount_first("/run", NULL, "mode=755");
    mount_first("/dev/shm", NULL, "mode=1777");
}
