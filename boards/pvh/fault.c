/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A page that is to be there and is not yet: zeros, the file's own page, or a copy of it at the
 * first write. Runs on the stack of a fault, so nothing here waits.
 */
#include <sys/mman.h>

#include "file.h"
#include "memory.h"
#include "program.h"
#include "space.h"

static bool may_have_page(const struct space *space)
{
    return space->pages < space->most_pages && pages_free() > PAGES_KEPT;
}

/* The page is the mapping's from here on, or goes back. */
static enum fault_result give(struct space *space, const struct region *region, uint64_t address,
                              physical_t page)
{
    if (!paging_map(address, page, region_paging(region, PAGING_OWNED))) {
        page_put(page);
        return FAULT_NO_MEMORY;
    }
    space->pages++;
    return FAULT_MENDED;
}

static enum fault_result give_zeros(struct space *space, const struct region *region,
                                    uint64_t address)
{
    const physical_t page = may_have_page(space) ? page_get() : 0;
    return page ? give(space, region, address, page) : FAULT_NO_MEMORY;
}

static enum fault_result give_copy(struct space *space, const struct region *region,
                                   uint64_t address, physical_t from)
{
    const physical_t page = may_have_page(space) ? page_get() : 0;
    if (!page)
        return FAULT_NO_MEMORY;
    memcpy(page_pointer(page), page_pointer(from), PAGE_SIZE);
    return give(space, region, address, page);
}

static enum fault_result give_file_page(struct space *space, const struct region *region,
                                        uint64_t address, bool write)
{
    struct file *file = region->file;
    const uint64_t offset = region->offset + address - region->start;
    const bool is_private = region->flags & MAP_PRIVATE;
    const bool may_write = !is_private && (region->protection & PROT_WRITE);
    bool owned = false;
    if (!file->operations->page)
        return FAULT_BEYOND_FILE;
    if (!may_have_page(space))
        return FAULT_NO_MEMORY;
    const physical_t page = file->operations->page(file, offset, may_write, &owned);
    if (!page)
        return FAULT_BEYOND_FILE;
    if (owned)
        return give(space, region, address, page);
    if (is_private && write)
        return give_copy(space, region, address, page);
    return paging_map(address, page, region_paging(region, 0)) ? FAULT_MENDED : FAULT_NO_MEMORY;
}

/* The first write to a page that is the file's own. */
static enum fault_result replace(struct space *space, const struct region *region,
                                 uint64_t address, physical_t from, unsigned flags)
{
    if (!may_have_page(space))
        return FAULT_NO_MEMORY;
    (void)paging_unmap(address, NULL);
    const enum fault_result result = give_copy(space, region, address, from);
    if (result != FAULT_MENDED && !paging_map(address, from, flags))
        return FAULT_NO_MEMORY;
    return result;
}

enum fault_result fault_mend(struct space *space, uint64_t address, bool write, bool execute)
{
    const struct region *region = space_find(space, address);
    if (!region)
        return FAULT_UNMAPPED;
    const int any = PROT_READ | PROT_WRITE | PROT_EXEC;
    const int needed = write ? PROT_WRITE : execute ? PROT_EXEC : any;
    if (!(region->protection & needed))
        return FAULT_FORBIDDEN;
    address = round_down(address, PAGE_SIZE);
    unsigned flags;
    const physical_t page = paging_find(address, &flags);
    if (page) {
        if (!write || (flags & (PAGING_WRITE | PAGING_OWNED)))
            return FAULT_MENDED;
        return replace(space, region, address, page, flags);
    }
    if (region->file)
        return give_file_page(space, region, address, write);
    return give_zeros(space, region, address);
}

bool fault_populate(struct space *space, uint64_t address, uint64_t size)
{
    const uint64_t end = address + size;
    for (address = round_down(address, PAGE_SIZE); address < end; address += PAGE_SIZE) {
        const struct region *region = space_find(space, address);
        const bool write = region && (region->protection & PROT_WRITE);
        if (fault_mend(space, address, write, false) != FAULT_MENDED)
            return false;
    }
    return true;
}

bool space_write(struct space *space, uint64_t address, const void *bytes, size_t size)
{
    const char *next = bytes;
    while (size > 0) {
        const uint64_t within = address % PAGE_SIZE;
        const size_t part = MIN(size, PAGE_SIZE - within);
        if (fault_mend(space, address, true, false) != FAULT_MENDED)
            return false;
        char *to = (char *)page_pointer(paging_find(address - within, NULL)) + within;
        if (next) {
            memcpy(to, next, part);
            next += part;
        } else {
            memset(to, 0, part);
        }
        address += part;
        size -= part;
    }
    return true;
}
