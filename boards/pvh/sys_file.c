/* SPDX-License-Identifier: BSD-2-Clause */
/* Calls about an open file, but for reading and writing. */
#include <sys/ioctl.h>
#include <unistd.h>

#include "files.h"

int64_t sys_lseek(const struct call *call)
{
    struct file *file = descriptor_open_file(call->a[0]);
    const int whence = (int)call->a[2];
    if (!file)
        return -EBADF;
    if (whence < SEEK_SET || whence > SEEK_HOLE)
        return -EINVAL;
    if (!file->operations->seek)
        return -ESPIPE;
    return file->operations->seek(file, (int64_t)call->a[1], whence);
}

int64_t sys_fstat(const struct call *call)
{
    struct file *file = descriptor_file((unsigned)call->a[0]);
    struct stat facts;
    if (!file)
        return -EBADF;
    const int result = file_facts(file, &facts);
    if (result < 0)
        return result;
    return copy_out(call->a[1], &facts, sizeof facts) ? 0 : -EFAULT;
}

/* Most is in memory: there is nothing to wait for, but not every file is one to be kept. */
static int64_t file_sync(uint64_t number)
{
    struct file *file = descriptor_open_file(number);
    if (!file)
        return -EBADF;
    if (file->operations->sync)
        return file->operations->sync(file);
    return file_is(file, NODE_FILE) || file_is(file, NODE_DIRECTORY) ? 0 : -EINVAL;
}

int64_t sys_fsync(const struct call *call) { return file_sync(call->a[0]); }
int64_t sys_fdatasync(const struct call *call) { return file_sync(call->a[0]); }
int64_t sys_syncfs(const struct call *call)
{
    return descriptor_open_file(call->a[0]) ? 0 : -EBADF;
}
int64_t sys_sync(const struct call *call)
{
    (void)call;
    return 0;
}

int64_t sys_ftruncate(const struct call *call)
{
    struct file *file = descriptor_open_file(call->a[0]);
    if ((int64_t)call->a[1] < 0)
        return -EINVAL;
    if (!file)
        return -EBADF;
    if (!file_writes(file) || !file->operations->truncate)
        return -EINVAL;
    return file->operations->truncate(file, call->a[1]);
}

static bool is_fifo(struct file *file)
{
    struct stat facts;
    return file_facts(file, &facts) == 0 && S_ISFIFO(facts.st_mode);
}

/* Makes sure that there is memory for what lies in the range. */
static int reserve(struct file *file, uint64_t start, uint64_t end)
{
    for (uint64_t at = round_down(start, PAGE_SIZE); at < end; at += PAGE_SIZE) {
        bool owned = false;
        const physical_t page = file->operations->page(file, at, true, &owned);
        if (page && owned)
            page_put(page);
        if (!page || owned)
            return page ? -EOPNOTSUPP : -ENOSPC;
    }
    return 0;
}

int64_t sys_fallocate(const struct call *call)
{
    struct file *file = descriptor_open_file(call->a[0]);
    const int64_t start = (int64_t)call->a[2], size = (int64_t)call->a[3];
    struct stat facts;
    if (!file)
        return -EBADF;
    if (start < 0 || size <= 0)
        return -EINVAL;
    if ((int)call->a[1])
        return -EOPNOTSUPP;
    if (!file_writes(file))
        return -EBADF;
    if (!file_is(file, NODE_FILE))
        return is_fifo(file) ? -ESPIPE : -ENODEV;
    if (size > INT64_MAX - start)
        return -EFBIG;
    if (!file->operations->truncate || !file->operations->page)
        return -EOPNOTSUPP;
    int result = file_facts(file, &facts);
    if (result == 0 && facts.st_size < start + size)
        result = file->operations->truncate(file, (uint64_t)(start + size));
    if (result < 0)
        return result;
    result = reserve(file, (uint64_t)start, (uint64_t)(start + size));
    if (result < 0 && facts.st_size < start + size)
        (void)file->operations->truncate(file, (uint64_t)facts.st_size);
    return result;
}

/* Advice makes no difference: what is in memory is there. */
int64_t sys_fadvise64(const struct call *call)
{
    struct file *file = descriptor_open_file(call->a[0]);
    const int advice = (int)call->a[3];
    if (!file)
        return -EBADF;
    if (is_fifo(file))
        return -ESPIPE;
    const bool known = advice >= POSIX_FADV_NORMAL && advice <= POSIX_FADV_NOREUSE;
    return known && (int64_t)call->a[2] >= 0 ? 0 : -EINVAL;
}

/* FIONREAD of a file with a size. */
static int unread(struct file *file, uint64_t address)
{
    struct stat facts;
    int result = file_facts(file, &facts);
    const int count = (int)(facts.st_size - (int64_t)file->position);
    if (result == 0 && !copy_out(address, &count, sizeof count))
        result = -EFAULT;
    return result;
}

int64_t sys_ioctl(const struct call *call)
{
    struct file *file = descriptor_open_file(call->a[0]);
    const unsigned request = (unsigned)call->a[1];
    int on;
    if (!file)
        return -EBADF;
    switch (request) {
    case FIOCLEX:
    case FIONCLEX:
        program_current()->descriptors[(unsigned)call->a[0]].close_on_exec = request == FIOCLEX;
        return 0;
    case FIONBIO:
        if (!copy_in(&on, call->a[2], sizeof on))
            return -EFAULT;
        file->flags = on ? file->flags | O_NONBLOCK : file->flags & ~O_NONBLOCK;
        return 0;
    case FIONREAD:
        if (file_is(file, NODE_FILE))
            return unread(file, call->a[2]);
        break;
    default:
        break;
    }
    if (!file->operations->control)
        return -ENOTTY;
    (void)file_share(file);
    const int64_t result = file->operations->control(file, request, call->a[2]);
    file_drop(file);
    return result;
}

int64_t sys_getdents64(const struct call *call)
{
    struct file *file = descriptor_open_file(call->a[0]);
    const size_t size = (unsigned)call->a[2];
    char first;
    if (!file)
        return -EBADF;
    if (!file->operations->list)
        return -ENOTDIR;
    if (!program_range(call->a[1], size))
        return -EFAULT;
    void *entries = (void *)(uintptr_t)call->a[1];
    const int64_t result = file->operations->list(file, entries, size, &file->position);
    /* Where the first entry does not fit, or there is no buffer. */
    return result == -EINVAL && !copy_bytes(&first, entries, 1) ? -EFAULT : result;
}

static int64_t change(uint64_t number, const struct stat *facts, unsigned valid)
{
    struct file *file = descriptor_open_file(number);
    if (!file)
        return -EBADF;
    return file->node ? node_change(file->node, facts, valid) : -EOPNOTSUPP;
}

int64_t sys_fchmod(const struct call *call)
{
    const struct stat facts = {.st_mode = (mode_t)call->a[1] & 07777};
    return change(call->a[0], &facts, NODE_CHANGE_MODE);
}

int64_t sys_fchown(const struct call *call)
{
    const struct stat facts = {.st_uid = (uid_t)call->a[1], .st_gid = (gid_t)call->a[2]};
    return change(call->a[0], &facts, NODE_CHANGE_OWNER);
}
