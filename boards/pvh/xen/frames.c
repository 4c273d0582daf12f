/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Frames: addresses above all memory, at which Xen lets appear what is not the machine's own. A
 * frame that was put back is handed out again, so that Xen's own tables for them stay small.
 */
#include "xen/guest.h"

#include <xen/arch-x86/hvm/start_info.h>
#include <xen/memory.h>

/* One mapping for each domain that there can be is what a xenstored asks for. */
#define FRAMES_MOST 65536u
#define FRAMES_ALIGNMENT ((uint64_t)1 << 30)
#define FIRST_POSSIBLE ((uint64_t)1 << 32)
#define RANGES_MOST 64u

/* As the BIOS function E820 gives it. */
struct memory_map_entry {
    uint64_t start, size;
    uint32_t type;
} __attribute__((packed));

static physical_t first;
/* Frames from first on that were ever handed out; free ones of these. */
static uint32_t used, free_count, free_room;
static uint32_t *free_frames;

static struct memory_map_entry *read_map(unsigned *count)
{
    static struct memory_map_entry entries[RANGES_MOST];
    struct xen_memory_map map = {.nr_entries = RANGES_MOST};
    set_xen_guest_handle(map.buffer, entries);
    const int64_t result = xen_operation(__HYPERVISOR_memory_op, XENMEM_memory_map, &map);
    if (result != 0)
        panic("Xen gives no map of the memory: %d", (int)result);
    *count = MIN(map.nr_entries, RANGES_MOST);
    return entries;
}

void frames_begin(void)
{
    unsigned count;
    const struct memory_map_entry *entries = read_map(&count);
    uint64_t end = FIRST_POSSIBLE;
    for (unsigned i = 0; i < count; i++)
        end = MAX(end, entries[i].start + entries[i].size);
    first = round_up(end, FRAMES_ALIGNMENT);
}

/*
 * init-xenstore-domain has no map in the start info. The one that it gives Xen counts what --maxmem
 * says, which is not there, and 4.17's takes that for bytes. All that is there begins at 0; Xen's
 * own pages for the domain are among those that it counts, and reserved in the map.
 */
static uint64_t memory_there(void)
{
    unsigned count;
    const struct memory_map_entry *entries = read_map(&count);
    domid_t self = DOMID_SELF;
    const int64_t pages = xen_operation(__HYPERVISOR_memory_op, XENMEM_current_reservation, &self);
    if (pages < 0)
        panic("Xen does not say how much memory there is: %d", (int)pages);
    uint64_t there = (uint64_t)pages * PAGE_SIZE, most = there;
    for (unsigned i = 0; i < count; i++) {
        if (entries[i].type != XEN_HVM_MEMMAP_TYPE_RAM) {
            there -= MIN(there, entries[i].size);
            most = MIN(most, entries[i].start);
        }
    }
    return MIN(there, most);
}

void xen_complete_start(physical_t info)
{
    static struct hvm_memmap_table_entry memory = {.type = XEN_HVM_MEMMAP_TYPE_RAM};
    struct hvm_start_info *start = page_pointer(info);
    if (!xen_is_here() || start->magic != XEN_HVM_START_MAGIC_VALUE || start->version == 0 ||
        start->memmap_entries > 0)
        return;
    memory.size = memory_there();
    start->memmap_paddr = physical_of(&memory);
    start->memmap_entries = 1;
}

/* There is always room for all frames in use to become free. */
static bool make_room(void)
{
    if (used < free_room)
        return true;
    const uint32_t room = MAX(free_room * 2, 32u);
    uint32_t *frames = heap_resize(free_frames, room * sizeof *frames);
    if (!frames)
        return false;
    free_frames = frames;
    free_room = room;
    return true;
}

physical_t frame_get(void)
{
    if (free_count > 0)
        return first + (physical_t)free_frames[--free_count] * PAGE_SIZE;
    if (used == FRAMES_MOST || !make_room())
        return 0;
    return first + (physical_t)used++ * PAGE_SIZE;
}

void frame_put(physical_t frame)
{
    free_frames[free_count++] = (uint32_t)((frame - first) / PAGE_SIZE);
}

void *frame_map(physical_t frame)
{
    const uint64_t address = MEMORY_XEN + frame;
    return paging_map(address, frame, PAGING_WRITE) ? (void *)(uintptr_t)address : NULL;
}

int64_t frame_fill(physical_t frame, unsigned space, uint64_t index)
{
    struct xen_add_to_physmap place = {
        .domid = DOMID_SELF, .space = space, .idx = index, .gpfn = frame / PAGE_SIZE};
    return xen_operation(__HYPERVISOR_memory_op, XENMEM_add_to_physmap, &place);
}
