/* SPDX-License-Identifier: BSD-2-Clause */
/* A program's open files, and the calls that are about their numbers alone. */
#include "files.h"

/* As <linux/close_range.h>. */
#define RANGE_UNSHARE 2u
#define RANGE_CLOEXEC 4u

/* The kernel's O_LARGEFILE, which every file has that was opened by a path. */
#define OPENED_LARGE 0100000

/* How many the table has at first, and by how many it grows at least. */
#define DESCRIPTORS_STEP 16u

unsigned descriptor_limit(const struct program *program)
{
    return (unsigned)MIN(program->limits[RLIMIT_NOFILE].rlim_cur, PROGRAM_DESCRIPTORS);
}

struct file *descriptor_file(unsigned number)
{
    const struct program *program = program_current();
    return number < program->descriptor_count ? program->descriptors[number].file : NULL;
}

struct file *descriptor_open_file(uint64_t number)
{
    struct file *file = descriptor_file((unsigned)number);
    return file && !file_is_path(file) ? file : NULL;
}

/* Makes room for a number below the limit. */
static bool table_reaches(struct program *program, unsigned number)
{
    if (number < program->descriptor_count)
        return true;
    const unsigned old = program->descriptor_count;
    const unsigned count = MIN(MAX((number / DESCRIPTORS_STEP + 1) * DESCRIPTORS_STEP, old * 2),
                               PROGRAM_DESCRIPTORS);
    struct descriptor *table = heap_resize(program->descriptors, count * sizeof *table);
    if (!table)
        return false;
    memset(&table[old], 0, (count - old) * sizeof *table);
    program->descriptors = table;
    program->descriptor_count = count;
    return true;
}

int descriptor_add(struct program *program, struct file *file, unsigned first, bool close_on_exec)
{
    const unsigned limit = descriptor_limit(program);
    unsigned number = first;
    while (number < program->descriptor_count && program->descriptors[number].file)
        number++;
    if (number >= limit)
        return -EMFILE;
    if (!table_reaches(program, number))
        return -ENOMEM;
    program->descriptors[number] = (struct descriptor){file, close_on_exec};
    return (int)number;
}

int descriptor_give(struct file *file, bool close_on_exec)
{
    const int number = descriptor_add(program_current(), file, 0, close_on_exec);
    if (number < 0)
        file_drop(file);
    return number;
}

int descriptor_close(struct program *program, unsigned number)
{
    if (number >= program->descriptor_count || !program->descriptors[number].file)
        return -EBADF;
    struct file *file = program->descriptors[number].file;
    program->descriptors[number].file = NULL;
    locks_close(program, file);
    file_drop(file);
    return 0;
}

void descriptors_end(struct program *program)
{
    for (unsigned number = 0; number < program->descriptor_count; number++)
        (void)descriptor_close(program, number);
    heap_put(program->descriptors);
    program->descriptors = NULL;
    program->descriptor_count = 0;
}

int64_t sys_close(const struct call *call)
{
    return descriptor_close(program_current(), (unsigned)call->a[0]);
}

int64_t sys_close_range(const struct call *call)
{
    struct program *program = program_current();
    const unsigned first = (unsigned)call->a[0], last = (unsigned)call->a[1];
    const unsigned flags = (unsigned)call->a[2];
    if (flags & ~(RANGE_UNSHARE | RANGE_CLOEXEC) || first > last)
        return -EINVAL;
    for (unsigned number = first; number <= last && number < program->descriptor_count; number++) {
        if (flags & RANGE_CLOEXEC)
            program->descriptors[number].close_on_exec = true;
        else
            (void)descriptor_close(program, number);
    }
    return 0;
}

static int duplicate(struct file *file, unsigned first, bool close_on_exec)
{
    if (first >= descriptor_limit(program_current()))
        return -EINVAL;
    const int number = descriptor_add(program_current(), file, first, close_on_exec);
    if (number >= 0)
        (void)file_share(file);
    return number;
}

int64_t sys_dup(const struct call *call)
{
    struct file *file = descriptor_file((unsigned)call->a[0]);
    if (!file)
        return -EBADF;
    const int number = duplicate(file, 0, false);
    return number == -EINVAL ? -EMFILE : number;
}

static int duplicate_to(unsigned from, unsigned to, bool close_on_exec)
{
    struct program *program = program_current();
    struct file *file = descriptor_file(from);
    if (!file || to >= descriptor_limit(program))
        return -EBADF;
    if (!table_reaches(program, to))
        return -ENOMEM;
    (void)file_share(file);
    (void)descriptor_close(program, to);
    program->descriptors[to] = (struct descriptor){file, close_on_exec};
    return (int)to;
}

int64_t sys_dup2(const struct call *call)
{
    const unsigned from = (unsigned)call->a[0], to = (unsigned)call->a[1];
    if (from == to)
        return descriptor_file(from) ? (int64_t)to : -EBADF;
    return duplicate_to(from, to, false);
}

int64_t sys_dup3(const struct call *call)
{
    const unsigned from = (unsigned)call->a[0], to = (unsigned)call->a[1];
    const int flags = (int)call->a[2];
    if (flags & ~O_CLOEXEC || from == to)
        return -EINVAL;
    return duplicate_to(from, to, flags & O_CLOEXEC);
}

/* F_SETFL changes these alone. */
static int set_flags(struct file *file, int flags)
{
    const int changeable = O_APPEND | O_NONBLOCK | O_NOATIME;
    file->flags = (file->flags & ~changeable) | (flags & changeable);
    return 0;
}

int64_t sys_fcntl(const struct call *call)
{
    struct file *file = descriptor_file((unsigned)call->a[0]);
    const int request = (int)call->a[1];
    if (!file)
        return -EBADF;
    struct descriptor *descriptor = &program_current()->descriptors[(unsigned)call->a[0]];
    switch (request) {
    case F_DUPFD:
    case F_DUPFD_CLOEXEC:
        return duplicate(file, (unsigned)call->a[2], request == F_DUPFD_CLOEXEC);
    case F_GETFD:
        return descriptor->close_on_exec ? FD_CLOEXEC : 0;
    case F_SETFD:
        descriptor->close_on_exec = call->a[2] & FD_CLOEXEC;
        return 0;
    case F_GETFL:
        return file->flags | (file->node && !file_is_path(file) ? OPENED_LARGE : 0);
    default:
        break;
    }
    if (file_is_path(file))
        return -EBADF;
    switch (request) {
    case F_SETFL:
        return set_flags(file, (int)call->a[2]);
    case F_GETLK:
    case F_SETLK:
    case F_SETLKW:
    case F_OFD_GETLK:
    case F_OFD_SETLK:
    case F_OFD_SETLKW:
        return lock_control(file, request, call->a[2]);
    case F_GETPIPE_SZ:
    case F_SETPIPE_SZ:
        return pipe_size(file, request == F_SETPIPE_SZ, (unsigned)call->a[2]);
    default:
        return -EINVAL;
    }
}
