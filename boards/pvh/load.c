/* SPDX-License-Identifier: BSD-2-Clause */
/* A program's file becomes memory. */
#include <errno.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "elf_parse.h"
#include "file.h"
#include "memory.h"
#include "space.h"

static int file_size(const struct file *file, uint64_t *size)
{
    struct stat facts;
    const int error = file->node ? file->node->operations->facts(file->node, &facts) : -EACCES;
    if (error)
        return error;
    *size = (uint64_t)facts.st_size;
    return S_ISREG(facts.st_mode) && (facts.st_mode & 0111) ? 0 : -EACCES;
}

int load_headers(struct file *file, struct elf *elf, unsigned *slot)
{
    uint64_t position = 0, size;
    int error = file_size(file, &size);
    if (error)
        return error;
    if (!file->operations->read || !file->operations->page)
        return -EACCES;
    void *headers = heap_get(ELF_HEADERS_SIZE);
    if (!headers)
        return -ENOMEM;
    const int64_t got = file->operations->read(file, headers, ELF_HEADERS_SIZE, &position);
    if (got < 0 || !elf_parse(headers, (size_t)got, size, elf))
        error = got < 0 ? (int)got : -ENOEXEC;
    heap_put(headers);
    if (error)
        return error;
    *slot = (unsigned)(elf->start / PROGRAM_SLOT_SIZE);
    /* From the beginning of its slot a program has the whole of it, wherever that is. */
    const bool fits = *slot < PROGRAM_SLOTS && (elf->end - 1) / PROGRAM_SLOT_SIZE == *slot;
    return fits ? 0 : -ENOEXEC;
}

/* What the file does not have of a segment's memory is zeros. */
static int map_zeros(struct space *space, const struct elf_segment *segment, uint64_t address)
{
    const uint64_t from = address + segment->file_size, end = address + segment->memory_size;
    const uint64_t pages = segment->file_size ? round_up(from, PAGE_SIZE)
                                              : round_down(from, PAGE_SIZE);
    /* The last page of the file's has something else behind. */
    if (end > from && pages > from && !space_write(space, from, NULL, MIN(end, pages) - from))
        return -ENOMEM;
    if (end <= pages)
        return 0;
    const int64_t mapped = space_map(space, pages, end - pages, PROT_READ | PROT_WRITE,
                                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, NULL, 0);
    return mapped < 0 ? (int)mapped : 0;
}

static int map_segment(struct space *space, struct file *file, const struct elf_segment *segment,
                       uint64_t distance)
{
    const uint64_t address = segment->address + distance;
    const uint64_t within = address % PAGE_SIZE;
    const int protection = segment->write     ? PROT_READ | PROT_WRITE
                           : segment->execute ? PROT_READ | PROT_EXEC
                                              : PROT_READ;
    if (segment->file_size) {
        const int64_t mapped = space_map(space, address - within, within + segment->file_size,
                                         protection, MAP_PRIVATE | MAP_FIXED_NOREPLACE, file,
                                         segment->offset - within);
        if (mapped < 0)
            return (int)mapped;
    }
    return segment->write ? map_zeros(space, segment, address) : 0;
}

int load_program(struct space *space, struct file *file, const struct elf *elf,
                 struct loaded *loaded)
{
    const uint64_t slot_start = elf->start & ~(PROGRAM_SLOT_SIZE - 1);
    const uint64_t own_start = space->start & ~(PROGRAM_SLOT_SIZE - 1);
    const uint64_t distance = elf->movable ? own_start - slot_start : 0;
    for (size_t i = 0; i < elf->segment_count; i++) {
        const int error = map_segment(space, file, &elf->segments[i], distance);
        if (error)
            return error == -EEXIST ? -ENOEXEC : error;
    }
    space->break_start = space->break_end = elf->end + distance;
    *loaded = (struct loaded){
        .entry = elf->entry + distance,
        .headers = elf->headers + distance,
        .header_count = elf->header_count,
        .header_size = elf->header_size,
    };
    return 0;
}
