/* SPDX-License-Identifier: BSD-2-Clause */
/* From one file to another within the base: sendfile and copy_file_range. */
#include "files.h"

/* Copies by a page at a time; the input's position is behind what the output took. A count, or
   -errno where nothing was moved. */
static int64_t copy(struct file *in, uint64_t *from, struct file *out, uint64_t *to, size_t size)
{
    const physical_t page = pages_get(0);
    int64_t done = 0, result = 0;
    if (!page)
        return -ENOMEM;
    void *bytes = page_pointer(page);
    while (size) {
        uint64_t position = *from;
        result = in->operations->read(in, bytes, MIN(size, PAGE_SIZE), &position);
        if (result <= 0)
            break;
        const size_t read = (size_t)result;
        /* Counters take bytes from programs alone. */
        result = -EINVAL;
        if (!out->operations->write || out->operations->seek == file_seek_nowhere)
            break;
        result = out->operations->write(out, bytes, read, to);
        if (result <= 0)
            break;
        *from += (uint64_t)result;
        done += result;
        size -= (size_t)result;
        if ((size_t)result < read)
            break;
    }
    pages_put(page, 0);
    return done ? done : result;
}

/* A side of a copy: a file, and where the program keeps its position, or 0. */
struct side {
    struct file *file;
    uint64_t address, position;
};

/* The position that the program gives, or the file's own; 0 or -errno. */
static int position_in(struct side *side)
{
    side->position = side->file->position;
    if (!side->address)
        return 0;
    if (!copy_in(&side->position, side->address, sizeof side->position))
        return -EFAULT;
    return (int64_t)side->position < 0 ? -EINVAL : 0;
}

static bool position_out(const struct side *side)
{
    if (side->address)
        return copy_out(side->address, &side->position, sizeof side->position);
    side->file->position = side->position;
    return true;
}

/* Both stay open meanwhile. */
static int64_t copy_sides(struct side *in, struct side *out, uint64_t size)
{
    (void)file_share(in->file);
    (void)file_share(out->file);
    int64_t result =
        copy(in->file, &in->position, out->file, &out->position, MIN(size, FILE_MOVE_MOST));
    if (!position_out(in) || !position_out(out))
        result = -EFAULT;
    file_drop(in->file);
    file_drop(out->file);
    return result;
}

int64_t sys_sendfile(const struct call *call)
{
    struct side out = {.file = descriptor_open_file(call->a[0])};
    struct side in = {.file = descriptor_open_file(call->a[1]), .address = call->a[2]};
    if (!in.file || !file_reads(in.file))
        return -EBADF;
    int result = position_in(&in);
    if (result != -EFAULT && in.address && file_is_stream(in.file))
        result = -ESPIPE;
    if (result == 0 && (!out.file || !file_writes(out.file)))
        result = -EBADF;
    if (result == 0)
        result = position_in(&out);
    if (result < 0)
        return result;
    if (file_is_stream(in.file) || file_is(in.file, NODE_DIRECTORY) || out.file->flags & O_APPEND)
        return -EINVAL;
    return copy_sides(&in, &out, call->a[3]);
}

/* Whether two ranges of one file have something in common. */
static bool overlaps(uint64_t one, uint64_t other, uint64_t size)
{
    return one < other ? size > other - one : size > one - other;
}

static bool same_node(const struct file *one, const struct file *other)
{
    return one->node->system == other->node->system && one->node->number == other->node->number;
}

int64_t sys_copy_file_range(const struct call *call)
{
    struct side in = {.file = descriptor_open_file(call->a[0]), .address = call->a[1]};
    struct side out = {.file = descriptor_open_file(call->a[2]), .address = call->a[3]};
    struct stat facts;
    if (!in.file || !out.file)
        return -EBADF;
    int result = position_in(&in);
    if (result == 0)
        result = position_in(&out);
    if (result < 0)
        return result;
    if (call->a[5])
        return -EINVAL;
    if (file_is(in.file, NODE_DIRECTORY) || file_is(out.file, NODE_DIRECTORY))
        return -EISDIR;
    if (!file_is(in.file, NODE_FILE) || !file_is(out.file, NODE_FILE))
        return -EINVAL;
    if (!file_reads(in.file) || !file_writes(out.file) || out.file->flags & O_APPEND)
        return -EBADF;
    result = file_facts(in.file, &facts);
    if (result < 0)
        return result;
    const uint64_t end = (uint64_t)facts.st_size;
    const uint64_t size = in.position < end ? MIN(call->a[4], end - in.position) : 0;
    if (same_node(in.file, out.file) && overlaps(in.position, out.position, size))
        return -EINVAL;
    return copy_sides(&in, &out, size);
}
