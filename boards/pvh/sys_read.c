/* SPDX-License-Identifier: BSD-2-Clause */
/* Reading and writing: one buffer or several, at the file's position or another. */
#include <sys/uio.h>
#include <unistd.h>

#include "files.h"

/* What several buffers of a stream are gathered in, up to this; on the stack where it is little. */
#define GATHER_MOST 65536u
#define GATHER_FEW 1024u
/* What preadv2 and pwritev2 may ask for that memory does anyway: high priority, synchronous. */
#define FLAGS_WITHOUT_EFFECT 7u

/* Whether the file may be read, or written; 0 or -errno. */
static int check(const struct file *file, bool write)
{
    if (!file || !(write ? file_writes(file) : file_reads(file)))
        return -EBADF;
    if (write ? !file->operations->write : !file->operations->read)
        return file_is(file, NODE_DIRECTORY) ? -EISDIR : -EINVAL;
    return 0;
}

static int64_t move(struct file *file, bool write, uint64_t address, size_t size,
                    uint64_t *position)
{
    void *bytes = (void *)(uintptr_t)address;
    return write ? file->operations->write(file, bytes, size, position)
                 : file->operations->read(file, bytes, size, position);
}

/* A read or write of one buffer: at the file's own position, or at one of the caller's. */
static int64_t move_one(const struct call *call, bool write, uint64_t *position)
{
    struct file *file = descriptor_file((unsigned)call->a[0]);
    int64_t result = check(file, write);
    if (result < 0)
        return result;
    if (!program_range(call->a[1], call->a[2]))
        return -EFAULT;
    /* Another thread may close the descriptor while this one waits. */
    (void)file_share(file);
    result = move(file, write, call->a[1], MIN(call->a[2], FILE_MOVE_MOST),
                  position ? position : &file->position);
    file_drop(file);
    return result;
}

int64_t sys_read(const struct call *call) { return move_one(call, false, NULL); }
int64_t sys_write(const struct call *call) { return move_one(call, true, NULL); }

/* The position of a call that brings one along; 0 or -errno. */
static int check_position(uint64_t number, int64_t position)
{
    const struct file *file = descriptor_file((unsigned)number);
    if (position < 0)
        return -EINVAL;
    if (!file || file_is_path(file))
        return -EBADF;
    return file_is_stream(file) ? -ESPIPE : 0;
}

static int64_t move_one_at(const struct call *call, bool write)
{
    uint64_t position = call->a[3];
    const int result = check_position(call->a[0], (int64_t)position);
    return result < 0 ? result : move_one(call, write, &position);
}

int64_t sys_pread64(const struct call *call) { return move_one_at(call, false); }
int64_t sys_pwrite64(const struct call *call) { return move_one_at(call, true); }

/* The buffers of readv and its like that are not empty. */
struct vector {
    struct iovec few[8], *parts;
    size_t count, total;
};

static void vector_put(struct vector *vector)
{
    if (vector->parts != vector->few)
        heap_put(vector->parts);
}

/* Takes the parts over; the whole is never more than FILE_MOVE_MOST. */
static int vector_check(struct vector *vector, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct iovec part = vector->parts[i];
        if (part.iov_len > INT64_MAX)
            return -EINVAL;
        if (!program_range((uintptr_t)part.iov_base, part.iov_len))
            return -EFAULT;
        part.iov_len = MIN(part.iov_len, FILE_MOVE_MOST - vector->total);
        vector->total += part.iov_len;
        if (part.iov_len)
            vector->parts[vector->count++] = part;
    }
    return 0;
}

static int vector_get(struct vector *vector, uint64_t address, uint64_t count)
{
    vector->parts = vector->few;
    vector->count = vector->total = 0;
    if (count > UIO_MAXIOV)
        return -EINVAL;
    if (count > ARRAY_SIZE(vector->few))
        vector->parts = heap_get(count * sizeof *vector->parts);
    if (!vector->parts)
        return -ENOMEM;
    const int result = copy_in(vector->parts, address, count * sizeof *vector->parts)
                           ? vector_check(vector, count)
                           : -EFAULT;
    if (result < 0)
        vector_put(vector);
    return result;
}

/* Copies between the buffers and one that has as much as size of them. */
static bool gather(const struct vector *vector, char *whole, size_t size, bool out)
{
    for (size_t i = 0; i < vector->count && size; i++) {
        const struct iovec *part = &vector->parts[i];
        const size_t some = MIN(part->iov_len, size);
        char *const to = out ? part->iov_base : whole, *const from = out ? whole : part->iov_base;
        if (!copy_bytes(to, from, some))
            return false;
        whole += some;
        size -= some;
    }
    return true;
}

/* A stream takes all buffers as one: it may know records, or what must not be torn apart. */
static int64_t move_gathered(struct file *file, bool write, const struct vector *vector)
{
    char few[GATHER_FEW];
    char *whole = vector->total <= sizeof few ? few : heap_get(vector->total);
    int64_t result = -EFAULT;
    if (!whole)
        return -ENOMEM;
    if (!write || gather(vector, whole, vector->total, false))
        result = move(file, write, (uintptr_t)whole, vector->total, &file->position);
    if (!write && result > 0 && !gather(vector, whole, (size_t)result, true))
        result = -EFAULT;
    if (whole != few)
        heap_put(whole);
    return result;
}

static int64_t move_parts(struct file *file, bool write, const struct vector *vector,
                          uint64_t *position)
{
    int64_t done = 0;
    for (size_t i = 0; i < vector->count; i++) {
        const struct iovec *part = &vector->parts[i];
        const int64_t result =
            move(file, write, (uintptr_t)part->iov_base, part->iov_len, position);
        if (result < 0)
            return done ? done : result;
        done += result;
        if ((size_t)result < part->iov_len)
            break;
    }
    return done;
}

static int64_t move_vector(const struct call *call, bool write, uint64_t *position)
{
    struct file *file = descriptor_file((unsigned)call->a[0]);
    struct vector vector;
    int64_t result = check(file, write);
    if (result == 0)
        result = vector_get(&vector, call->a[1], call->a[2]);
    if (result < 0)
        return result;
    (void)file_share(file);
    /* A counter is told of each number on its own. */
    const bool is_one = !write || file->operations->seek != file_seek_nowhere;
    if (vector.count > 1 && file_is_stream(file) && is_one && vector.total <= GATHER_MOST)
        result = move_gathered(file, write, &vector);
    else
        result = move_parts(file, write, &vector, position ? position : &file->position);
    file_drop(file);
    vector_put(&vector);
    return result;
}

int64_t sys_readv(const struct call *call) { return move_vector(call, false, NULL); }
int64_t sys_writev(const struct call *call) { return move_vector(call, true, NULL); }

static int64_t move_vector_at(const struct call *call, bool write)
{
    uint64_t position = call->a[3];
    const int result = check_position(call->a[0], (int64_t)position);
    return result < 0 ? result : move_vector(call, write, &position);
}

int64_t sys_preadv(const struct call *call) { return move_vector_at(call, false); }
int64_t sys_pwritev(const struct call *call) { return move_vector_at(call, true); }

/* The position -1 is the file's own. */
static int64_t move_vector_with_flags(const struct call *call, bool write)
{
    if (call->a[5] & ~(uint64_t)FLAGS_WITHOUT_EFFECT)
        return descriptor_open_file(call->a[0]) ? -EOPNOTSUPP : -EBADF;
    return call->a[3] == UINT64_MAX ? move_vector(call, write, NULL) : move_vector_at(call, write);
}

int64_t sys_preadv2(const struct call *call) { return move_vector_with_flags(call, false); }
int64_t sys_pwritev2(const struct call *call) { return move_vector_with_flags(call, true); }
