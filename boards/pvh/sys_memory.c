/* SPDX-License-Identifier: BSD-2-Clause */
/* System calls for a program's memory. */
#include <sys/mman.h>

#include "call.h"
#include "device.h"
#include "file.h"
#include "space.h"

static struct space *own(void) { return &program_current()->space; }

/* Whether so many bytes more may be mapped. */
static bool is_within_limit(uint64_t more)
{
    const struct program *program = program_current();
    const uint64_t limit = program->limits[RLIMIT_AS].rlim_cur;
    return more <= limit && program->space.mapped <= limit - more;
}

/* The store goes on without: whoever runs it is to know why. Said once. */
static void tell_refusal(int64_t result)
{
    static bool is_told;
    if (result == -ENOMEM && !is_told && xen_store_serves && xen_store_serves()) {
        is_told = true;
        say("%s: the machine's memory is full: it gets no more", program_current()->name);
    }
}

int64_t sys_mmap(const struct call *call)
{
    const uint64_t size = call->a[1];
    const int protection = (int)call->a[2], flags = (int)call->a[3];
    struct file *file = NULL;
    if (!(flags & MAP_ANONYMOUS)) {
        file = descriptor_file((unsigned)call->a[4]);
        if (!file)
            return -EBADF;
    }
    if (!is_within_limit(size))
        return -ENOMEM;
    const int64_t address = space_map(own(), call->a[0], size, protection, flags, file, call->a[5]);
    tell_refusal(address);
    /* Whatever cannot come in now will be asked for again. */
    if (address >= 0 && (flags & (MAP_POPULATE | MAP_LOCKED)))
        (void)fault_populate(own(), (uint64_t)address, size);
    return address;
}

int64_t sys_munmap(const struct call *call)
{
    return space_unmap(own(), call->a[0], call->a[1]);
}

int64_t sys_mprotect(const struct call *call)
{
    if (call->a[2] & ~(uint64_t)(PROT_READ | PROT_WRITE | PROT_EXEC))
        return -EINVAL;
    return space_protect(own(), call->a[0], call->a[1], (int)call->a[2]);
}

int64_t sys_mremap(const struct call *call)
{
    const uint64_t old_size = call->a[1], new_size = call->a[2];
    if (new_size > old_size && !is_within_limit(new_size - old_size))
        return -ENOMEM;
    return space_move(own(), call->a[0], old_size, new_size, (int)call->a[3], call->a[4]);
}

/* What cannot be had leaves the break where it was, and the caller sees that. */
int64_t sys_brk(const struct call *call)
{
    struct space *space = own();
    const uint64_t wanted = call->a[0], start = space->break_start;
    if (wanted < start || wanted >= space->end)
        return (int64_t)space->break_end;
    const uint64_t now = round_up(space->break_end, PAGE_SIZE), end = round_up(wanted, PAGE_SIZE);
    const uint64_t limit = program_current()->limits[RLIMIT_DATA].rlim_cur;
    int64_t result = 0;
    if (end > now && (wanted - start > limit || !is_within_limit(end - now)))
        result = -ENOMEM;
    else if (end > now)
        result = space_map(space, now, end - now, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, NULL, 0);
    else if (end < now)
        result = space_unmap(space, end, now - end);
    tell_refusal(result);
    if (result >= 0)
        space->break_end = wanted;
    return (int64_t)space->break_end;
}

/* 0, -EINVAL, or -ENOMEM where part of the range is not mapped. */
static int check_mapped(uint64_t address, uint64_t size)
{
    if (address % PAGE_SIZE != 0)
        return -EINVAL;
    if (!program_range(address, size))
        return -ENOMEM;
    const uint64_t end = round_up(address + size, PAGE_SIZE);
    while (address < end) {
        const struct region *region = space_find(own(), address);
        if (!region)
            return -ENOMEM;
        address = region->end;
    }
    return 0;
}

/* Only what was never written to but by the program can come back as zeros. */
static bool is_private_memory(uint64_t address, uint64_t end)
{
    const struct region *region = *space_place(own(), address);
    for (; region && region->start < end; region = region->next) {
        if (region->file || (region->flags & MAP_SHARED))
            return false;
    }
    return true;
}

int64_t sys_madvise(const struct call *call)
{
    const uint64_t address = call->a[0], size = call->a[1];
    switch ((int)call->a[2]) {
    case MADV_FREE:
        if (program_range(address, size) && !is_private_memory(address, address + size))
            return -EINVAL;
        return space_drop(own(), address, size);
    case MADV_DONTNEED:
        return space_drop(own(), address, size);
    case MADV_NORMAL:
    case MADV_RANDOM:
    case MADV_SEQUENTIAL:
    case MADV_WILLNEED:
    case MADV_DONTFORK:
    case MADV_DOFORK:
    case MADV_DONTDUMP:
    case MADV_DODUMP:
    case MADV_COLD:
    case MADV_PAGEOUT:
        return check_mapped(address, size);
    default:
        return -EINVAL;
    }
}

/* A shared page is the file's own: there is nothing to write back. */
int64_t sys_msync(const struct call *call)
{
    const int flags = (int)call->a[2];
    if ((flags & ~(MS_ASYNC | MS_SYNC | MS_INVALIDATE)) ||
        ((flags & MS_ASYNC) && (flags & MS_SYNC)))
        return -EINVAL;
    return check_mapped(call->a[0], call->a[1]);
}

int64_t sys_mincore(const struct call *call)
{
    uint64_t address = call->a[0], to = call->a[2];
    const int error = check_mapped(address, call->a[1]);
    if (error)
        return error;
    const uint64_t end = round_up(address + call->a[1], PAGE_SIZE);
    for (; address < end; address += PAGE_SIZE, to++) {
        const uint8_t is_here = paging_find(address, NULL) != 0;
        if (!copy_out(to, &is_here, sizeof is_here))
            return -EFAULT;
    }
    return 0;
}

/* Nothing is ever taken out of memory, so to lock it is to have it. */
int64_t sys_mlock(const struct call *call)
{
    const uint64_t address = round_down(call->a[0], PAGE_SIZE);
    const uint64_t size = call->a[0] + call->a[1] - address;
    const int error = check_mapped(address, size);
    if (error || call->a[1] == 0)
        return error;
    return fault_populate(own(), address, size) ? 0 : -ENOMEM;
}

int64_t sys_munlock(const struct call *call)
{
    const uint64_t address = round_down(call->a[0], PAGE_SIZE);
    return check_mapped(address, call->a[0] + call->a[1] - address);
}

int64_t sys_mlockall(const struct call *call)
{
    const uint64_t flags = call->a[0];
    return flags == 0 || flags == MCL_ONFAULT || (flags & ~(uint64_t)7) ? -EINVAL : 0;
}

int64_t sys_munlockall(const struct call *call)
{
    (void)call;
    return 0;
}
