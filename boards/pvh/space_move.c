/* SPDX-License-Identifier: BSD-2-Clause */
/* Mappings that grow and move, and those whose file shrinks. */
#include <errno.h>
#include <sys/mman.h>

#include "memory.h"
#include "space.h"

struct movement {
    uint64_t from, to;
    bool failed;
};

static void move_page(uint64_t address, void *with)
{
    struct movement *movement = with;
    unsigned flags;
    if (movement->failed)
        return;
    const physical_t page = paging_unmap(address, &flags);
    if (!paging_map(address - movement->from + movement->to, page, flags)) {
        movement->failed = true;
        /* The tables are still there: they go with the regions. */
        BASE_ASSERT(paging_map(address, page, flags));
    }
}

/* All of the pages or, without memory for tables, none. */
static bool move_pages(uint64_t from, uint64_t to, uint64_t size)
{
    struct movement there = {.from = from, .to = to};
    paging_each(from, from + size, move_page, &there);
    if (there.failed) {
        struct movement back = {.from = to, .to = from};
        paging_each(to, to + size, move_page, &back);
    }
    return !there.failed;
}

/* Somewhere else; address 0 lets it choose. */
static int64_t move(struct space *space, const struct region *found, uint64_t address,
                    uint64_t old_size, uint64_t new_size, uint64_t new_address)
{
    const struct region old = *found;
    const uint64_t offset = old.file ? old.offset + (address - old.start) : 0;
    const int flags = old.flags | MAP_NORESERVE | (new_address ? MAP_FIXED : 0);
    struct file *file = old.file ? file_share(old.file) : NULL;
    const int64_t to = space_map(space, new_address, new_size, old.protection, flags, file, offset);
    if (file)
        file_drop(file);
    if (to < 0)
        return to;
    if (!move_pages(address, (uint64_t)to, MIN(old_size, new_size))) {
        (void)space_unmap(space, (uint64_t)to, new_size);
        return -ENOMEM;
    }
    const int error = space_unmap(space, address, old_size);
    return error ? error : to;
}

/* Where nothing is behind it. */
static int64_t grow(struct space *space, const struct region *region, uint64_t address,
                    uint64_t old_size, uint64_t new_size)
{
    const uint64_t offset = region->file ? region->offset + (region->end - region->start) : 0;
    if (region->end != address + old_size)
        return -ENOMEM;
    const int64_t end = space_map(space, region->end, new_size - old_size, region->protection,
                                  region->flags | MAP_NORESERVE | MAP_FIXED_NOREPLACE,
                                  region->file, offset);
    return end < 0 ? end : (int64_t)address;
}

static bool is_sound(uint64_t address, uint64_t old_size, uint64_t new_size, int flags,
                     uint64_t new_address)
{
    if (address % PAGE_SIZE != 0 || old_size == 0 || new_size == 0 ||
        (flags & ~(MREMAP_MAYMOVE | MREMAP_FIXED)))
        return false;
    if (!(flags & MREMAP_FIXED))
        return true;
    const bool apart = new_address >= address ? new_address - address >= old_size
                                              : address - new_address >= new_size;
    return (flags & MREMAP_MAYMOVE) && new_address != 0 && new_address % PAGE_SIZE == 0 && apart;
}

int64_t space_move(struct space *space, uint64_t address, uint64_t old_size, uint64_t new_size,
                   int flags, uint64_t new_address)
{
    if (old_size > PROGRAM_SLOT_SIZE || new_size > PROGRAM_SLOT_SIZE)
        return -EINVAL;
    old_size = round_up(old_size, PAGE_SIZE);
    new_size = round_up(new_size, PAGE_SIZE);
    if (!is_sound(address, old_size, new_size, flags, new_address))
        return -EINVAL;
    const struct region *region = space_find(space, address);
    if (!region || region->end - address < old_size)
        return -EFAULT;
    if (region_is_device(region))
        return -EINVAL;
    if (new_size > old_size && (region->protection & PROT_WRITE) && !region->file &&
        !space_has_room(space, new_size - old_size))
        return -ENOMEM;
    if (flags & MREMAP_FIXED)
        return move(space, region, address, old_size, new_size, new_address);
    if (new_size <= old_size) {
        const uint64_t rest = old_size - new_size;
        const int error = rest ? space_unmap(space, address + new_size, rest) : 0;
        return error ? error : (int64_t)address;
    }
    const int64_t grown = grow(space, region, address, old_size, new_size);
    if (grown >= 0 || !(flags & MREMAP_MAYMOVE))
        return grown < 0 ? -ENOMEM : grown;
    return move(space, region, address, old_size, new_size, 0);
}

static void forget_page(uint64_t address, void *with)
{
    unsigned flags;
    (void)with;
    if (paging_find(address, &flags) && !(flags & PAGING_OWNED))
        (void)paging_unmap(address, NULL);
}

void spaces_forget(const struct node *node, uint64_t offset)
{
    LIST_EACH(place, &programs) {
        struct program *program = LIST_ENTRY(place, struct program, all);
        for (const struct region *region = program->space.regions; region; region = region->next) {
            const uint64_t size = region->end - region->start;
            const uint64_t skip = offset > region->offset ? offset - region->offset : 0;
            if (region->file && region->file->node == node && skip < size)
                paging_each(region->start + round_up(skip, PAGE_SIZE), region->end, forget_page,
                            NULL);
        }
    }
}
