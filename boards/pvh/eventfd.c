/* SPDX-License-Identifier: BSD-2-Clause */
/* A counter that is a file. */
#include <sys/eventfd.h>

#include "files.h"

#define COUNT_MOST (UINT64_MAX - 1)

struct counter {
    uint64_t count;
    bool one_by_one;
    struct wait_queue readable, writable;
};

static int64_t counter_read(struct file *file, void *bytes, size_t size, uint64_t *position)
{
    struct counter *counter = file->data;
    (void)position;
    if (size < sizeof counter->count)
        return -EINVAL;
    while (!counter->count) {
        if (file->flags & O_NONBLOCK)
            return -EAGAIN;
        const int result = wait_on(&counter->readable, WAIT_FOR_EVER);
        if (result < 0)
            return result;
    }
    const uint64_t count = counter->one_by_one ? 1 : counter->count;
    counter->count -= count;
    wait_wake_all(&counter->writable);
    return copy_bytes(bytes, &count, sizeof count) ? (int64_t)sizeof count : -EFAULT;
}

static int64_t counter_write(struct file *file, const void *bytes, size_t size, uint64_t *position)
{
    struct counter *counter = file->data;
    uint64_t more;
    (void)position;
    if (size != sizeof more)
        return -EINVAL;
    if (!copy_bytes(&more, bytes, sizeof more))
        return -EFAULT;
    if (more > COUNT_MOST)
        return -EINVAL;
    while (more > COUNT_MOST - counter->count) {
        if (file->flags & O_NONBLOCK)
            return -EAGAIN;
        const int result = wait_on(&counter->writable, WAIT_FOR_EVER);
        if (result < 0)
            return result;
    }
    counter->count += more;
    wait_wake_all(&counter->readable);
    return sizeof more;
}

static unsigned counter_poll(struct file *file, struct poll_watch *watch)
{
    struct counter *counter = file->data;
    poll_add_for(watch, &counter->readable, POLLIN);
    poll_add_for(watch, &counter->writable, POLLOUT);
    return (counter->count ? POLLIN : 0u) | (counter->count < COUNT_MOST ? POLLOUT : 0u);
}

static void counter_release(struct file *file) { heap_put(file->data); }

static const struct file_operations counter_operations = {
    .name = "eventfd",
    .read = counter_read,
    .write = counter_write,
    .poll = counter_poll,
    .seek = file_seek_nowhere,
    .release = counter_release,
};

static int64_t make(uint64_t count, int flags)
{
    if (flags & ~(EFD_CLOEXEC | EFD_NONBLOCK | EFD_SEMAPHORE))
        return -EINVAL;
    struct counter *counter = heap_get(sizeof *counter);
    if (!counter)
        return -ENOMEM;
    counter->count = count;
    counter->one_by_one = flags & EFD_SEMAPHORE;
    struct file *file =
        file_make(&counter_operations, NULL, O_RDWR | (flags & EFD_NONBLOCK), counter);
    if (!file) {
        heap_put(counter);
        return -ENOMEM;
    }
    return descriptor_give(file, flags & EFD_CLOEXEC);
}

int64_t sys_eventfd(const struct call *call) { return make((unsigned)call->a[0], 0); }
int64_t sys_eventfd2(const struct call *call)
{
    return make((unsigned)call->a[0], (int)call->a[1]);
}
