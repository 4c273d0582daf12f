/* SPDX-License-Identifier: BSD-2-Clause */
#include "device_shim.h"

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <sys/mman.h>

#include <xen/hvm/dm_op.h>
#include <xen/memory.h>

#include "memory_shim.h"
#include "space.h"

/* Their own variables have to be set back. frame_map gives addresses that are not on the host. */
#include "xen/event.c"
#include "xen/grant.c"
#define frame_map frame_map_of_base
#include "xen/frames.c"
#undef frame_map

#define PLACES 8192u
#define TABLES_HERE 8u
/* Above are the host's own addresses, below those of frames. */
#define FRAMES_END ((physical_t)1 << 40)
#define FIRST_PORT 1u
/* Of the grant table; what is below is an error of the call itself. */
#define LAST_STATUS GNTST_no_space

/* What Xen has put at a frame. */
struct placed {
    bool granted, read_only;
    grant_handle_t handle;
};

struct program shim_program;
static struct thread thread = {.program = &shim_program};
struct thread *thread_current = &thread;
struct list programs = {&programs, &programs};
static struct shared_info shared;
struct shared_info *xen_shared = &shared;
int (*shim_openers[SHIM_OPENERS])(struct node *, int, struct file **);
size_t shim_opener_count;
unsigned shim_refused_after;
int shim_refusal;
evtchn_port_t shim_next_port;
bool shim_is_own_call;
int64_t shim_answer;

static struct placed places[PLACES];
static _Alignas(4096) uint8_t foreign[PAGE_SIZE];
static _Alignas(4096) uint8_t tables_here[TABLES_HERE][PAGE_SIZE];
static size_t granted_count;
static grant_handle_t next_handle;
static bool bound[SHIM_PORTS];
static interrupt_handler *interrupt;
/* Of the host's addresses, what a grant's entry has no room for. */
static uint64_t pages_above;

/* What is touched has to be there still. */
static void touch(const void *byte) { (void)*(const volatile uint8_t *)byte; }

/* The rest of the base. */
void say(const char *format, ...) { (void)format; }
int wait_on(struct wait_queue *queue, uint64_t deadline)
{
    (void)deadline;
    touch(queue);
    return -EINTR;
}
unsigned wait_wake(struct wait_queue *queue, unsigned most)
{
    (void)most;
    touch(queue);
    return 0;
}
void poll_add(struct poll_watch *watch, struct wait_queue *queue)
{
    (void)watch;
    touch(queue);
}
void epoll_forget(struct file *file) { touch(file); }
void locks_end(const struct file *file) { touch(file); }
void node_drop(struct node *node) { touch(node); }
int node_facts(struct node *node, struct stat *facts)
{
    (void)facts;
    touch(node);
    return 0;
}
void *heap_resize(void *memory, size_t size)
{
    void *now = heap_get(size);
    if (now && memory) {
        memcpy(now, memory, MIN(malloc_usable_size(memory), size));
        heap_put(memory);
    }
    return now;
}
physical_t physical_of(const void *pointer) { return (uintptr_t)pointer - MEMORY_DIRECT; }
unsigned interrupt_vector(interrupt_handler *handler, void *with)
{
    (void)with;
    interrupt = handler;
    return 32;
}
void xen_console_listen(void) {}
void xenbus_begin(void) {}
void xen_control_begin(void) {}
bool xenbus_is_there(void) { return true; }
bool xen_is_here(void) { return true; }

static void add_opener(int (*opener)(struct node *, int, struct file **))
{
    BASE_ASSERT(shim_opener_count < SHIM_OPENERS);
    shim_openers[shim_opener_count++] = opener;
}
void device_file_add(struct device_file *file) { add_opener(file->open); }
void proc_file_add(struct proc_file *file)
{
    char text[4];
    if (file->write)
        (void)file->write(text, sizeof text);
    else
        add_opener(file->open);
}

static struct placed *placed_at(physical_t frame)
{
    const uint64_t place = (frame - first) / PAGE_SIZE;
    BASE_ASSERT(frame >= first && frame % PAGE_SIZE == 0 && place < PLACES);
    return &places[place];
}

static bool may_touch(uint64_t page, bool write)
{
    unsigned flags;
    return paging_find(page, &flags) && !(flags & PAGING_HIDDEN) &&
           (!write || (flags & PAGING_WRITE));
}

/* The byte of the program's at that address, by a fault where it must be; NULL: none. */
static uint8_t *program_byte(uint64_t address, bool write)
{
    const uint64_t start = round_down(address, PAGE_SIZE);
    if (!may_touch(start, write)) {
        if (fault_mend(&shim_program.space, address, write, false) != FAULT_MENDED)
            return NULL;
        BASE_ASSERT(may_touch(start, write));
    }
    const physical_t page = paging_find(start, NULL);
    if (page >= FRAMES_END)
        return (uint8_t *)page_pointer(page) + address % PAGE_SIZE;
    BASE_ASSERT(placed_at(page)->granted && !(write && placed_at(page)->read_only));
    return foreign + address % PAGE_SIZE;
}

/* Whether a program can mean it: the sanitizer's own memory begins there, and the host's above. */
static bool is_program(uint64_t address) { return address < 17 * PROGRAM_SLOT_SIZE; }

/* Of what is not: nothing is there where a program has made up an address of the host's. */
static bool is_there(uint64_t address)
{
    unsigned char is_in;
    return is_program(address) || mincore((void *)round_down(address, PAGE_SIZE), 1, &is_in) == 0;
}

static uint8_t *byte_at(uint64_t address, bool write)
{
    return is_program(address) ? program_byte(address, write) : (uint8_t *)address;
}

bool copy_bytes(void *to, const void *from, size_t size)
{
    if (!is_there((uintptr_t)to) || !is_there((uintptr_t)from))
        return false;
    for (size_t i = 0; i < size; i++) {
        const uint8_t *source = byte_at((uintptr_t)from + i, false);
        uint8_t *goal = source ? byte_at((uintptr_t)to + i, true) : NULL;
        if (!goal)
            return false;
        *goal = *source;
    }
    return true;
}

void *frame_map(physical_t frame)
{
    (void)placed_at(frame);
    return table_count < TABLES_HERE ? tables_here[table_count] : NULL;
}

/* Xen, which is trusted: what it gives is nobody else's. */

static bool is_refused(void) { return shim_refused_after > 0 && --shim_refused_after == 0; }

static int64_t map_grant(struct gnttab_map_grant_ref *map)
{
    struct placed *place = placed_at(map->host_addr);
    BASE_ASSERT(!place->granted);
    if (is_refused()) {
        map->status = (int16_t)shim_refusal;
        return shim_refusal < LAST_STATUS ? shim_refusal : 0;
    }
    *place = (struct placed){
        .granted = true, .read_only = map->flags & GNTMAP_readonly, .handle = ++next_handle};
    map->handle = place->handle;
    granted_count++;
    return 0;
}

/* Nobody can reach the page any more, or its frame would be somebody else's then. */
static void check_gone(uint64_t address, void *with)
{
    BASE_ASSERT(paging_find(address, NULL) != *(const physical_t *)with);
}

static int64_t unmap_grant(struct gnttab_unmap_grant_ref *unmap)
{
    struct placed *place = placed_at(unmap->host_addr);
    BASE_ASSERT(place->granted && place->handle == unmap->handle);
    paging_each(0, 2 * PROGRAM_SLOT_SIZE, check_gone, &unmap->host_addr);
    *place = (struct placed){.granted = false};
    granted_count--;
    return 0;
}

static int64_t operate_grants(uint64_t command, void *with)
{
    switch (command) {
    case GNTTABOP_map_grant_ref:
        return map_grant(with);
    case GNTTABOP_unmap_grant_ref:
        return unmap_grant(with);
    default:
        ((struct gnttab_query_size *)with)->max_nr_frames = TABLES_HERE;
        return 0;
    }
}

static int64_t new_port(evtchn_port_t *number)
{
    if (is_refused())
        return -ENOSPC;
    evtchn_port_t port = MAX(shim_next_port, FIRST_PORT);
    /* More than the base has room for is Xen's to give, too. */
    while (port < SHIM_PORTS && bound[port])
        port++;
    if (port < SHIM_PORTS)
        bound[port] = true;
    *number = port;
    return 0;
}

static int64_t operate_events(uint64_t command, void *with)
{
    switch (command) {
    case EVTCHNOP_bind_interdomain:
        return new_port(&((struct evtchn_bind_interdomain *)with)->local_port);
    case EVTCHNOP_alloc_unbound:
        return new_port(&((struct evtchn_alloc_unbound *)with)->port);
    case EVTCHNOP_bind_virq:
        return new_port(&((struct evtchn_bind_virq *)with)->port);
    case EVTCHNOP_close: {
        const evtchn_port_t gone = ((struct evtchn_close *)with)->port;
        BASE_ASSERT(gone >= SHIM_PORTS || bound[gone]);
        if (gone < SHIM_PORTS)
            bound[gone] = false;
        return 0;
    }
    default:
        return 0;
    }
}

/* Xen finds only what is mapped, and writes to it. */
static void check_buffers(uint64_t count, const struct xen_dm_op_buf *buffers)
{
    for (uint64_t i = 0; i < count; i++) {
        const uint64_t start = (uintptr_t)buffers[i].h.p, end = start + buffers[i].size;
        for (uint64_t at = start; at < end; at = round_down(at, PAGE_SIZE) + PAGE_SIZE) {
            unsigned flags;
            BASE_ASSERT(paging_find(round_down(at, PAGE_SIZE), &flags) && (flags & PAGING_WRITE));
        }
    }
}

int64_t xen_hypercall(unsigned number, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e)
{
    (void)d, (void)e;
    if (shim_is_own_call)
        return shim_answer;
    switch (number) {
    case __HYPERVISOR_grant_table_op:
        return operate_grants(a, (void *)(uintptr_t)b);
    case __HYPERVISOR_event_channel_op:
        return operate_events(a, (void *)(uintptr_t)b);
    case __HYPERVISOR_memory_op:
        if (a == XENMEM_memory_map)
            ((struct xen_memory_map *)(uintptr_t)b)->nr_entries = 0;
        return a == XENMEM_memory_map || !is_refused() ? 0 : -ENOMEM;
    default:
        BASE_ASSERT(number == __HYPERVISOR_dm_op);
        check_buffers(b, (const struct xen_dm_op_buf *)(uintptr_t)c);
        return shim_answer;
    }
}
int64_t xen_set_parameter(uint32_t number, uint64_t value)
{
    (void)number, (void)value;
    return 0;
}

void shim_send(evtchn_port_t port)
{
    shared.evtchn_pending[port / WORD_BITS] |= bit_of(port);
    shared.vcpu_info[0].evtchn_pending_sel |= (uint64_t)1 << port / WORD_BITS;
    shared.vcpu_info[0].evtchn_upcall_pending = 1;
    interrupt(NULL);
}

void shim_use_grant(unsigned number, uint16_t flags)
{
    if (table_count == 0)
        return;
    struct grant_entry_v1 *entry = entry_of(number % (table_count * ENTRIES));
    if (entry->flags & GTF_permit_access)
        entry->flags = (uint16_t)(entry->flags & ~(GTF_reading | GTF_writing)) | flags;
}

static void check_mapped(uint64_t address, void *with)
{
    size_t *frames = with;
    unsigned flags;
    const physical_t page = paging_find(address, &flags);
    const struct region *region = space_find(&shim_program.space, address);
    BASE_ASSERT(region && (!(flags & PAGING_WRITE) || (region->protection & PROT_WRITE)));
    if (page >= FRAMES_END) {
        touch(page_pointer(page));
        return;
    }
    BASE_ASSERT(placed_at(page)->granted && region->file && !(flags & PAGING_OWNED));
    BASE_ASSERT(!placed_at(page)->read_only || !(flags & PAGING_WRITE));
    ++*frames;
}

void shim_check(void)
{
    size_t frames = 0;
    paging_each(0, 2 * PROGRAM_SLOT_SIZE, check_mapped, &frames);
    BASE_ASSERT(frames == granted_count && used == free_count + granted_count + table_count);
    for (grant_ref_t i = 0; i < table_count * ENTRIES; i++) {
        const struct grant_entry_v1 *entry = entry_of(i);
        if (entry->flags & GTF_permit_access)
            touch(page_pointer((pages_above | entry->frame) * PAGE_SIZE));
    }
}

void shim_begin(void)
{
    memset(&shared, 0, sizeof shared);
    memset(places, 0, sizeof places);
    memset(tables_here, 0, sizeof tables_here);
    memset(bound, 0, sizeof bound);
    table_count = free_first = used = free_count = free_room = next_handle = shim_refused_after = 0;
    shim_refusal = 0;
    shim_next_port = 0;
    shim_failures = shim_table_failures = 0;
    shim_opener_count = 0;
    shim_seed = 1;
    space_begin(&shim_program.space, 1);
    const physical_t page = page_get();
    pages_above = page / PAGE_SIZE & ~(uint64_t)UINT32_MAX;
    page_put(page);
    frames_begin();
}

void shim_end(void)
{
    BASE_ASSERT(granted_count == 0 && shim_pages == 0);
    for (unsigned i = 0; i < SHIM_PORTS; i++)
        BASE_ASSERT(!bound[i]);
    for (grant_ref_t i = 0; i < table_count * ENTRIES; i++)
        BASE_ASSERT(!(entry_of(i)->flags & GTF_permit_access));
    for (unsigned i = 0; i < WORDS; i++) {
        heap_put(events[i]);
        events[i] = NULL;
    }
    heap_put(free_frames);
    free_frames = NULL;
    BASE_ASSERT(shim_pieces == 0);
}
