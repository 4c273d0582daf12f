/* SPDX-License-Identifier: BSD-2-Clause */
/* Pending signals that are read from a file. */
#include <sys/signalfd.h>

#include "files.h"

/* Which signals; bit 0 is signal 1. */
struct selection {
    uint64_t mask;
};

static struct signalfd_siginfo record(const siginfo_t *info)
{
    struct signalfd_siginfo record = {.ssi_signo = (uint32_t)info->si_signo,
                                      .ssi_errno = info->si_errno,
                                      .ssi_code = info->si_code};
    if (info->si_code > 0 && info->si_code != SI_KERNEL) {
        record.ssi_addr = (uintptr_t)info->si_addr;
        return record;
    }
    if (info->si_code == SI_TIMER) {
        record.ssi_tid = (uint32_t)info->si_timerid;
        record.ssi_overrun = (uint32_t)info->si_overrun;
    } else {
        record.ssi_pid = (uint32_t)info->si_pid;
        record.ssi_uid = info->si_uid;
    }
    if (info->si_code < 0 && info->si_code != SI_TKILL) {
        record.ssi_ptr = (uintptr_t)info->si_value.sival_ptr;
        record.ssi_int = info->si_value.sival_int;
    }
    return record;
}

static int64_t selection_read(struct file *file, void *bytes, size_t size, uint64_t *position)
{
    const struct selection *selection = file->data;
    size_t done = 0;
    siginfo_t info;
    (void)position;
    if (size < sizeof(struct signalfd_siginfo))
        return -EINVAL;
    while (size - done >= sizeof(struct signalfd_siginfo)) {
        if (signal_take(selection->mask, &info)) {
            const struct signalfd_siginfo next = record(&info);
            if (!copy_bytes((char *)bytes + done, &next, sizeof next))
                return done ? (int64_t)done : -EFAULT;
            done += sizeof next;
            continue;
        }
        if (done)
            break;
        if (file->flags & O_NONBLOCK)
            return -EAGAIN;
        const int result = wait_on(&program_current()->signalled, WAIT_FOR_EVER);
        if (result < 0)
            return result;
    }
    return (int64_t)done;
}

static unsigned selection_poll(struct file *file, struct poll_watch *watch)
{
    const struct selection *selection = file->data;
    struct program *program = program_current();
    poll_add(watch, &program->signalled);
    return (program->pending | thread_current->pending) & selection->mask ? POLLIN : 0;
}

static void selection_release(struct file *file) { heap_put(file->data); }

static const struct file_operations selection_operations = {
    .name = "signalfd",
    .read = selection_read,
    .poll = selection_poll,
    .seek = file_seek_nowhere,
    .release = selection_release,
};

int64_t sys_signalfd4(const struct call *call)
{
    const int flags = (int)call->a[3];
    uint64_t mask;
    if (call->a[2] != sizeof mask)
        return -EINVAL;
    if (!copy_in(&mask, call->a[1], sizeof mask))
        return -EFAULT;
    if (flags & ~(SFD_CLOEXEC | SFD_NONBLOCK))
        return -EINVAL;
    mask &= ~SIGNALS_NEVER_BLOCKED;
    if ((int)call->a[0] != -1) {
        const struct file *old = descriptor_open_file(call->a[0]);
        if (!old || old->operations != &selection_operations)
            return old ? -EINVAL : -EBADF;
        ((struct selection *)old->data)->mask = mask;
        wait_wake_all(&program_current()->signalled);
        return (int)call->a[0];
    }
    struct selection *selection = heap_get(sizeof *selection);
    if (!selection)
        return -ENOMEM;
    selection->mask = mask;
    struct file *file =
        file_make(&selection_operations, NULL, O_RDWR | (flags & SFD_NONBLOCK), selection);
    if (!file) {
        heap_put(selection);
        return -ENOMEM;
    }
    return descriptor_give(file, flags & SFD_CLOEXEC);
}
