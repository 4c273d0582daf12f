/* SPDX-License-Identifier: BSD-2-Clause */
/* System calls that change what is known of a file: mode, owner, size, times. */
#include <sys/time.h>
#include <unistd.h>

#include "place.h"

static int64_t change_at(int descriptor, uint64_t address, int flags, const struct stat *facts,
                         unsigned valid)
{
    struct node *node;
    int error = place_node(descriptor, address, flags, &node);
    if (error)
        return error;
    error = node_change(node, facts, valid);
    node_drop(node);
    return error;
}

int64_t sys_fchmodat(const struct call *call)
{
    const struct stat facts = {.st_mode = (mode_t)call->a[2]};
    return change_at((int)call->a[0], call->a[1], 0, &facts, NODE_CHANGE_MODE);
}

PLACE_CALL(chmod, fchmodat, 2)

int64_t sys_fchownat(const struct call *call)
{
    const struct stat facts = {.st_uid = (uid_t)call->a[2], .st_gid = (gid_t)call->a[3]};
    const int flags = (int)call->a[4];
    if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
        return -EINVAL;
    return change_at((int)call->a[0], call->a[1], flags, &facts, NODE_CHANGE_OWNER);
}

PLACE_CALL(chown, fchownat, 3)

int64_t sys_lchown(const struct call *call)
{
    const uint64_t *const a = call->a;
    return sys_fchownat(
        &(struct call){.a = {(uint64_t)AT_FDCWD, a[0], a[1], a[2], AT_SYMLINK_NOFOLLOW}});
}

int64_t sys_truncate(const struct call *call)
{
    const struct stat facts = {.st_size = (off_t)call->a[1]};
    struct node *node;
    if (facts.st_size < 0)
        return -EINVAL;
    int error = place_node(AT_FDCWD, call->a[0], 0, &node);
    if (error)
        return error;
    if (node->kind == NODE_FILE)
        error = node_change(node, &facts, NODE_CHANGE_SIZE);
    else
        error = node->kind == NODE_DIRECTORY ? -EISDIR : -EINVAL;
    node_drop(node);
    return error;
}

/* Both times, as the program has them or, with address 0, now. What stays as it is is not valid. */
struct times {
    struct stat facts;
    unsigned valid;
};

static int take_time(struct timespec given, struct timespec now, struct timespec *time,
                     unsigned change, unsigned *valid)
{
    if (given.tv_nsec == UTIME_OMIT)
        return 0;
    *valid |= change;
    *time = given.tv_nsec == UTIME_NOW ? now : given;
    return time->tv_nsec < 0 || time->tv_nsec >= 1000000000 ? -EINVAL : 0;
}

static int take_times(const struct timespec given[2], struct times *times)
{
    const struct timespec now = node_time();
    *times = (struct times){0};
    const int error =
        take_time(given[0], now, &times->facts.st_atim, NODE_CHANGE_ACCESSED, &times->valid);
    return error ? error
                 : take_time(given[1], now, &times->facts.st_mtim, NODE_CHANGE_MODIFIED,
                             &times->valid);
}

static int64_t set_times(int descriptor, uint64_t address, const struct timespec given[2],
                         int flags)
{
    struct times times;
    if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
        return -EINVAL;
    const int error = take_times(given, &times);
    if (error || !times.valid)
        return error;
    if (address || descriptor == AT_FDCWD)
        return change_at(descriptor, address, flags, &times.facts, times.valid);
    if (flags)
        return -EINVAL;
    const struct file *const file = descriptor_file((unsigned)descriptor);
    if (!file || file->flags & O_PATH)
        return -EBADF;
    return file->node ? node_change(file->node, &times.facts, times.valid) : -EPERM;
}

int64_t sys_utimensat(const struct call *call)
{
    struct timespec given[2] = {{.tv_nsec = UTIME_NOW}, {.tv_nsec = UTIME_NOW}};
    if (call->a[2] && !copy_in(given, call->a[2], sizeof given))
        return -EFAULT;
    return set_times((int)call->a[0], call->a[1], given, (int)call->a[3]);
}

int64_t sys_futimesat(const struct call *call)
{
    const uint64_t from = call->a[2];
    struct timespec given[2] = {{.tv_nsec = UTIME_NOW}, {.tv_nsec = UTIME_NOW}};
    struct timeval old[2];
    if (from && !copy_in(old, from, sizeof old))
        return -EFAULT;
    for (int i = 0; from && i < 2; i++) {
        if (old[i].tv_usec < 0 || old[i].tv_usec >= 1000000)
            return -EINVAL;
        given[i] = (struct timespec){.tv_sec = old[i].tv_sec, .tv_nsec = old[i].tv_usec * 1000};
    }
    return set_times((int)call->a[0], call->a[1], given, 0);
}

PLACE_CALL(utimes, futimesat, 2)
