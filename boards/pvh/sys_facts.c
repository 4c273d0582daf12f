/* SPDX-License-Identifier: BSD-2-Clause */
/* System calls that ask what there is: stat, statx, access, readlink, statfs. */
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "place.h"

int place_node(int descriptor, uint64_t address, int flags, struct node **found)
{
    struct node *from;
    char *path;
    int error = path_text(address, &path);
    if (error)
        return error;
    if (!*path && flags & AT_EMPTY_PATH) {
        const struct file *const file = descriptor_file((unsigned)descriptor);
        from = descriptor == AT_FDCWD ? program_current()->directory : file ? file->node : NULL;
        error = from ? 0 : -EBADF;
        if (!error)
            *found = node_share(from);
    } else {
        error = path_start(descriptor, path, &from);
        if (!error)
            error = path_find(from, path, flags & AT_SYMLINK_NOFOLLOW ? 0 : PATH_FOLLOW, found);
    }
    path_text_put(path);
    return error;
}

static bool is_empty(uint64_t address)
{
    char first;
    return copy_in(&first, address, 1) && !first;
}

static int facts_at(int descriptor, uint64_t address, int flags, struct stat *facts)
{
    struct node *node;
    /* What has no node has facts as well. */
    struct file *const file =
        flags & AT_EMPTY_PATH && is_empty(address) ? descriptor_file((unsigned)descriptor) : NULL;
    if (file)
        return file_facts(file, facts);
    int error = place_node(descriptor, address, flags, &node);
    if (error)
        return error;
    error = node_facts(node, facts);
    node_drop(node);
    return error;
}

int64_t sys_newfstatat(const struct call *call)
{
    const int flags = (int)call->a[3];
    struct stat facts;
    if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH | AT_NO_AUTOMOUNT))
        return -EINVAL;
    const int error = facts_at((int)call->a[0], call->a[1], flags, &facts);
    if (error)
        return error;
    return copy_out(call->a[2], &facts, sizeof facts) ? 0 : -EFAULT;
}

PLACE_CALL(stat, newfstatat, 2)

int64_t sys_lstat(const struct call *call)
{
    const uint64_t here = (uint64_t)AT_FDCWD;
    return sys_newfstatat(&(struct call){.a = {here, call->a[0], call->a[1], AT_SYMLINK_NOFOLLOW}});
}

/* As the kernel's struct statx. */
struct extended_time {
    int64_t seconds;
    uint32_t nanoseconds;
    int32_t zero;
};
struct extended_facts {
    uint32_t mask, block_size;
    uint64_t attributes;
    uint32_t links, owner, group;
    uint16_t mode, zero;
    uint64_t number, size, blocks, attributes_known;
    struct extended_time accessed, made, changed, modified;
    uint32_t kind_major, kind_minor, device_major, device_minor;
    uint64_t more[14];
};
_Static_assert(sizeof(struct extended_facts) == 256, "as the kernel has it");
/* STATX_BASIC_STATS; and what a program must not ask for. */
#define EXTENDED_ALL 0x7ffu
#define EXTENDED_RESERVED 0x80000000u
#define EXTENDED_SYNC 0x6000

static struct extended_time extended_time(struct timespec time)
{
    return (struct extended_time){.seconds = time.tv_sec, .nanoseconds = (uint32_t)time.tv_nsec};
}

int64_t sys_statx(const struct call *call)
{
    const int flags = (int)call->a[2];
    struct stat facts;
    if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH | AT_NO_AUTOMOUNT | EXTENDED_SYNC) ||
        (flags & EXTENDED_SYNC) == EXTENDED_SYNC || call->a[3] & EXTENDED_RESERVED)
        return -EINVAL;
    const int error = facts_at((int)call->a[0], call->a[1], flags, &facts);
    if (error)
        return error;
    const struct extended_facts extended = {
        .mask = EXTENDED_ALL,
        .block_size = (uint32_t)facts.st_blksize,
        .links = (uint32_t)facts.st_nlink,
        .owner = facts.st_uid,
        .group = facts.st_gid,
        .mode = (uint16_t)facts.st_mode,
        .number = facts.st_ino,
        .size = (uint64_t)facts.st_size,
        .blocks = (uint64_t)facts.st_blocks,
        .accessed = extended_time(facts.st_atim),
        .changed = extended_time(facts.st_ctim),
        .modified = extended_time(facts.st_mtim),
        .kind_major = major(facts.st_rdev),
        .kind_minor = minor(facts.st_rdev),
        .device_major = major(facts.st_dev),
        .device_minor = minor(facts.st_dev),
    };
    return copy_out(call->a[4], &extended, sizeof extended) ? 0 : -EFAULT;
}

/* Whoever asks may do everything, but for what nobody can. */
static int may_access(struct node *node, int mode)
{
    struct stat facts;
    const int error = node_facts(node, &facts);
    if (error)
        return error;
    if (mode & W_OK && node->system->read_only &&
        (S_ISREG(facts.st_mode) || S_ISDIR(facts.st_mode) || S_ISLNK(facts.st_mode)))
        return -EROFS;
    return mode & X_OK && !S_ISDIR(facts.st_mode) && !(facts.st_mode & 0111) ? -EACCES : 0;
}

int64_t sys_faccessat2(const struct call *call)
{
    const int mode = (int)call->a[2], flags = (int)call->a[3];
    struct node *node;
    if (mode & ~(R_OK | W_OK | X_OK) || flags & ~(AT_EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
        return -EINVAL;
    int error = place_node((int)call->a[0], call->a[1], flags, &node);
    if (error)
        return error;
    error = may_access(node, mode);
    node_drop(node);
    return error;
}

PLACE_CALL(access, faccessat2, 2)

int64_t sys_faccessat(const struct call *call)
{
    return sys_faccessat2(&(struct call){.a = {call->a[0], call->a[1], call->a[2]}});
}

static int64_t read_link(struct node *node, uint64_t to, size_t size)
{
    char *const goal = heap_get(PATH_LONGEST);
    if (!goal)
        return -ENOMEM;
    int64_t length = node->operations->read_link(node, goal, MIN(size, PATH_LONGEST));
    if (length > 0 && !copy_out(to, goal, (size_t)length))
        length = -EFAULT;
    heap_put(goal);
    return length;
}

int64_t sys_readlinkat(const struct call *call)
{
    const int size = (int)call->a[3];
    struct node *node;
    if (size <= 0)
        return -EINVAL;
    const int error =
        place_node((int)call->a[0], call->a[1], AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH, &node);
    if (error)
        return error;
    const int64_t length = node->kind == NODE_LINK ? read_link(node, call->a[2], (size_t)size)
                           : is_empty(call->a[1])  ? -ENOENT
                                                   : -EINVAL;
    node_drop(node);
    return length;
}

PLACE_CALL(readlink, readlinkat, 3)

/* ANON_INODE_FS_MAGIC, where Linux keeps what has no name. */
#define NAMELESS_MAGIC 0x09041934

static int64_t system_out(struct file_system *system, uint64_t to)
{
    struct statfs facts;
    const int error = system_facts(system, &facts);
    if (error)
        return error;
    return copy_out(to, &facts, sizeof facts) ? 0 : -EFAULT;
}

int64_t sys_statfs(const struct call *call)
{
    struct node *node;
    const int error = place_node(AT_FDCWD, call->a[0], 0, &node);
    if (error)
        return error;
    const int64_t result = system_out(node->system, call->a[1]);
    node_drop(node);
    return result;
}

int64_t sys_fstatfs(const struct call *call)
{
    const struct file *const file = descriptor_file((unsigned)call->a[0]);
    if (!file)
        return -EBADF;
    if (file->node)
        return system_out(file->node->system, call->a[1]);
    const struct statfs none = {.f_type = NAMELESS_MAGIC,
                                .f_bsize = PAGE_SIZE,
                                .f_frsize = PAGE_SIZE,
                                .f_namelen = PATH_NAME_LONGEST};
    return copy_out(call->a[1], &none, sizeof none) ? 0 : -EFAULT;
}
