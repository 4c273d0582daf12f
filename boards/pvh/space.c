/* SPDX-License-Identifier: BSD-2-Clause */
/* A program's memory: regions, sorted by address, that never overlap. fault.c fills them. */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>

#include "file.h"
#include "memory.h"
#include "program.h"
#include "space.h"

/* Nothing is mapped so close below the main stack, unless the program insists. */
#define STACK_GUARD ((uint64_t)1 << 20)
#define LOWEST_ADDRESS 0x10000u
/* What a region keeps of mmap's flags. */
#define REGION_FLAGS (MAP_SHARED | MAP_PRIVATE | MAP_ANONYMOUS | MAP_GROWSDOWN | MAP_STACK)

void space_begin(struct space *space, unsigned slot)
{
    const uint64_t start = slot * PROGRAM_SLOT_SIZE;
    *space = (struct space){
        .start = MAX(start, LOWEST_ADDRESS),
        /* The last page stays free: whoever runs over the end of the stack meets nothing. */
        .end = start + PROGRAM_SLOT_SIZE - PAGE_SIZE,
        .most_pages = UINT64_MAX,
    };
}

struct region **space_place(struct space *space, uint64_t address)
{
    struct region **link = &space->regions;
    if (space->last_found && space->last_found->end <= address)
        link = &space->last_found->next;
    while (*link && (*link)->end <= address)
        link = &(*link)->next;
    return link;
}

struct region *space_find(struct space *space, uint64_t address)
{
    struct region *region = *space_place(space, address);
    if (!region || region->start > address)
        return NULL;
    space->last_found = region;
    return region;
}

static void put_region(struct region *region)
{
    if (region->file)
        file_drop(region->file);
    heap_put(region);
}

static bool continues(const struct region *region, const struct region *next)
{
    return next && region->end == next->start && region->protection == next->protection &&
           region->flags == next->flags && region->file == next->file &&
           !region_is_device(region) &&
           (!region->file || region->offset + (region->end - region->start) == next->offset);
}

/* Makes one region of those in a row that are alike, from the one at the link on. */
static void join(struct space *space, struct region **link, uint64_t end)
{
    while (*link && (*link)->start <= end) {
        struct region *region = *link, *next = region->next;
        if (!continues(region, next)) {
            link = &region->next;
            continue;
        }
        region->end = next->end;
        region->next = next->next;
        put_region(next);
        space->last_found = NULL;
    }
}

/* From the region before start, which may have become like its neighbour, to that after end. */
static void join_around(struct space *space, uint64_t start, uint64_t end)
{
    space->last_found = NULL;
    join(space, space_place(space, start ? start - 1 : 0), end);
}

/* Makes a region begin at the address, if one spans it. */
static int split(struct space *space, uint64_t address)
{
    struct region *region = *space_place(space, address);
    if (!region || region->start >= address)
        return 0;
    struct region *rest = heap_get(sizeof *rest);
    if (!rest)
        return -ENOMEM;
    *rest = *region;
    rest->start = address;
    if (rest->file) {
        (void)file_share(rest->file);
        rest->offset += address - region->start;
    }
    region->end = address;
    region->next = rest;
    return 0;
}

static int split_both(struct space *space, uint64_t start, uint64_t end)
{
    const int error = split(space, start);
    return error ? error : split(space, end);
}

static void put_mapped(uint64_t address, void *with)
{
    struct space *space = with;
    unsigned flags;
    const physical_t page = paging_unmap(address, &flags);
    if (page && (flags & PAGING_OWNED)) {
        page_put(page);
        space->pages--;
    }
}

static void drop_mapped(struct space *space, uint64_t start, uint64_t end)
{
    paging_each(start, end, put_mapped, space);
}

/* Takes whole regions out. */
static void remove_regions(struct space *space, uint64_t start, uint64_t end)
{
    struct region **link = space_place(space, start);
    while (*link && (*link)->start < end) {
        struct region *region = *link;
        if (region_is_device(region) && region->file->operations->unmap)
            region->file->operations->unmap(region->file, region, region->start, region->end);
        /* The file may have written there, by a fault that found the region once more. */
        space->last_found = NULL;
        drop_mapped(space, region->start, region->end);
        space->mapped -= region->end - region->start;
        *link = region->next;
        put_region(region);
    }
    paging_trim(start, end);
}

/* Whether the bounds are those of pages in the space; end gets the last one's. */
static bool is_range(const struct space *space, uint64_t address, uint64_t size, uint64_t *end)
{
    if (address % PAGE_SIZE != 0 || size == 0 || address < space->start || address > space->end ||
        size > space->end - address)
        return false;
    *end = address + round_up(size, PAGE_SIZE);
    return true;
}

int space_unmap(struct space *space, uint64_t address, uint64_t size)
{
    uint64_t end;
    if (address % PAGE_SIZE != 0 || size == 0 || !program_range(address, size))
        return -EINVAL;
    /* Nothing of the program's is outside of its slot. */
    end = MIN(round_up(address + size, PAGE_SIZE), space->end);
    address = MAX(address, space->start);
    if (address >= end)
        return 0;
    const int error = split_both(space, address, end);
    if (!error)
        remove_regions(space, address, end);
    return error;
}

void space_end(struct space *space)
{
    remove_regions(space, space->start, space->end);
    BASE_ASSERT(space->pages == 0 && space->mapped == 0);
}

/* The highest address below the main stack where there is room; 0: none. */
static uint64_t choose(const struct space *space, uint64_t size)
{
    const uint64_t limit = space->end - PROGRAM_STACK_SIZE - STACK_GUARD;
    uint64_t before = MAX(space->start, space->break_end), found = 0;
    for (const struct region *region = space->regions; region && before < limit;
         region = region->next) {
        const uint64_t gap_end = MIN(region->start, limit);
        if (gap_end > before && gap_end - before >= size)
            found = gap_end - size;
        before = MAX(before, region->end);
    }
    if (before < limit && limit - before >= size)
        found = limit - size;
    return found;
}

bool space_has_room(const struct space *space, uint64_t size)
{
    const uint64_t free = pages_free(), room = free - MIN(free, PAGES_KEPT);
    return size / PAGE_SIZE <= MIN(space->most_pages - space->pages, room);
}

/* Whether nothing is mapped up to end, where next is the first region that comes. */
static bool ends_before(uint64_t end, const struct region *next)
{
    return !next || next->start >= end;
}

/* Where the mapping is to be; what was there is gone then. */
static int64_t make_room(struct space *space, uint64_t address, uint64_t size, int flags)
{
    uint64_t end;
    const bool good = is_range(space, address, size, &end);
    const bool is_free = good && ends_before(end, *space_place(space, address));
    if (flags & MAP_FIXED_NOREPLACE)
        return !good ? -ENOMEM : is_free ? (int64_t)address : -EEXIST;
    if (flags & MAP_FIXED) {
        if (address % PAGE_SIZE != 0)
            return -EINVAL;
        const int error = good ? is_free ? 0 : space_unmap(space, address, size) : -ENOMEM;
        return error ? error : (int64_t)address;
    }
    if (address != 0 && is_free)
        return (int64_t)address;
    const uint64_t chosen = choose(space, size);
    return chosen ? (int64_t)chosen : -ENOMEM;
}

static int check_file(const struct file *file, int protection, int flags)
{
    const int access = file->flags & O_ACCMODE;
    if (!file->operations->page && !file->operations->map)
        return -ENODEV;
    if (access == O_WRONLY || (file->flags & O_PATH) ||
        ((flags & MAP_SHARED) && (protection & PROT_WRITE) && access != O_RDWR))
        return -EACCES;
    return 0;
}

static int check(const struct space *space, uint64_t size, int protection, int flags,
                 const struct file *file, uint64_t offset)
{
    const int sharing = flags & (MAP_SHARED | MAP_PRIVATE);
    if (size == 0 || !sharing || offset % PAGE_SIZE != 0)
        return -EINVAL;
    if ((protection & PROT_WRITE) && (protection & PROT_EXEC))
        return -EACCES;
    if (size > PROGRAM_SLOT_SIZE)
        return -ENOMEM;
    if (file)
        return offset + size < offset ? -EOVERFLOW : check_file(file, protection, flags);
    const bool counts = (protection & PROT_WRITE) && !(flags & (MAP_NORESERVE | MAP_GROWSDOWN));
    return counts && !space_has_room(space, size) ? -ENOMEM : 0;
}

int64_t space_map(struct space *space, uint64_t address, uint64_t size, int protection, int flags,
                  struct file *file, uint64_t offset)
{
    const int error = check(space, size, protection, flags, file, offset);
    if (error)
        return error;
    struct region *region = heap_get(sizeof *region);
    if (!region)
        return -ENOMEM;
    size = round_up(size, PAGE_SIZE);
    if (!(flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)))
        address = round_up(address, PAGE_SIZE);
    const int64_t chosen = make_room(space, address, size, flags);
    if (chosen < 0) {
        heap_put(region);
        return chosen;
    }
    const uint64_t start = (uint64_t)chosen;
    struct region **link = space_place(space, start);
    *region = (struct region){
        .next = *link,
        .start = start,
        .end = start + size,
        .protection = protection & (PROT_READ | PROT_WRITE | PROT_EXEC),
        .flags = ((flags & MAP_SHARED) ? flags & ~MAP_PRIVATE : flags) & REGION_FLAGS,
        .file = file ? file_share(file) : NULL,
        .offset = file ? offset : 0,
    };
    *link = region;
    space->mapped += size;
    const int refused = region_is_device(region) ? file->operations->map(file, region) : 0;
    if (refused) {
        (void)space_unmap(space, start, size);
        return refused;
    }
    join_around(space, start, region->end);
    return chosen;
}

/* How a page of the region is to be mapped; one that is the file's own is copied before a write. */
unsigned region_paging(const struct region *region, unsigned now)
{
    const int protection = region->protection;
    const bool is_private = region->file && (region->flags & MAP_PRIVATE);
    unsigned flags = now & (PAGING_OWNED | PAGING_UNCACHED);
    if (!(protection & (PROT_READ | PROT_WRITE | PROT_EXEC)))
        return flags | PAGING_HIDDEN;
    if (protection & PROT_EXEC)
        flags |= PAGING_EXECUTE;
    if ((protection & PROT_WRITE) && (!is_private || (now & PAGING_OWNED)))
        flags |= PAGING_WRITE;
    return flags;
}

static void protect_mapped(uint64_t address, void *with)
{
    unsigned flags;
    if (paging_find(address, &flags))
        paging_protect(address, region_paging(with, flags));
}

/* Whether the region's file lets it be protected so. */
static int check_region(const struct region *region, int protection)
{
    struct file *file = region->file;
    if (!file)
        return 0;
    if ((region->flags & MAP_SHARED) && (protection & PROT_WRITE) &&
        (file->flags & O_ACCMODE) != O_RDWR)
        return -EACCES;
    return file->operations->protect ? file->operations->protect(file, region, protection) : 0;
}

/* Whether all of the range is mapped, and may be protected so. */
static int check_protect(struct space *space, uint64_t start, uint64_t end, int protection)
{
    uint64_t more = 0;
    for (const struct region *region; start < end; start = region->end) {
        region = space_find(space, start);
        if (!region)
            return -ENOMEM;
        const int error = check_region(region, protection);
        if (error)
            return error;
        if (!region->file && !(region->protection & PROT_WRITE))
            more += MIN(end, region->end) - start;
    }
    return (protection & PROT_WRITE) && !space_has_room(space, more) ? -ENOMEM : 0;
}

int space_protect(struct space *space, uint64_t address, uint64_t size, int protection)
{
    uint64_t end;
    if (address % PAGE_SIZE != 0)
        return -EINVAL;
    if (size == 0)
        return 0;
    if (!is_range(space, address, size, &end))
        return -ENOMEM;
    if ((protection & PROT_WRITE) && (protection & PROT_EXEC))
        return -EACCES;
    int error = check_protect(space, address, end, protection);
    if (!error)
        error = split_both(space, address, end);
    if (error)
        return error;
    for (struct region *region = *space_place(space, address); region && region->start < end;
         region = region->next) {
        region->protection = protection & (PROT_READ | PROT_WRITE | PROT_EXEC);
        paging_each(region->start, region->end, protect_mapped, region);
    }
    join_around(space, address, end);
    return 0;
}

int space_drop(struct space *space, uint64_t address, uint64_t size)
{
    uint64_t end;
    int result = 0;
    if (size == 0)
        return address % PAGE_SIZE ? -EINVAL : 0;
    if (!is_range(space, address, size, &end))
        return address % PAGE_SIZE ? -EINVAL : -ENOMEM;
    for (struct region *region = *space_place(space, address); region && region->start < end;
         region = region->next) {
        if (region_is_device(region))
            return -EINVAL;
        if (region->start > address)
            result = -ENOMEM;
        drop_mapped(space, MAX(address, region->start), MIN(end, region->end));
        address = region->end;
    }
    return address < end ? -ENOMEM : result;
}
