/* SPDX-License-Identifier: BSD-2-Clause */
#include <sys/ioctl.h>

#include "device_input.h"

#include <xen/sys/evtchn.h>
#include <xen/sys/gntalloc.h>
#include <xen/sys/gntdev.h>
#include <xen/sys/privcmd.h>

static const uint8_t *step, *end;

void input_begin(const uint8_t *bytes, size_t size)
{
    step = bytes;
    end = bytes + size;
}

bool input_left(void) { return step < end; }

uint64_t take(unsigned bytes)
{
    uint64_t value = 0;
    for (; bytes > 0 && step < end; bytes--)
        value = value << 8 | *step++;
    return value;
}

uint32_t number(void)
{
    const uint32_t value = (uint32_t)take(1);
    return value < 200 ? value % 8 : value < 240 ? value : (uint32_t)take(4);
}

struct offer any_offer(const struct slot *slot)
{
    const unsigned which = (unsigned)take(1);
    if (which < 220 && slot->offered > 0)
        return slot->offers[which % MIN(slot->offered, OFFERS)];
    return (struct offer){number() * (uint64_t)PAGE_SIZE, number()};
}

static uint64_t offset(const struct slot *slot)
{
    const struct offer from = any_offer(slot);
    const uint64_t page = number();
    return from.offset + (page < 8 ? page % MAX(from.count, 1u) : page) * PAGE_SIZE + take(1);
}

void add_offer(struct slot *slot, uint64_t from, uint32_t count)
{
    slot->offers[slot->offered++ % OFFERS] = (struct offer){from, count};
}

uint64_t any_address(void)
{
    const struct region *region = shim_program.space.regions;
    for (uint64_t i = take(1) % 16; i > 0 && region && region->next; i--)
        region = region->next;
    const uint32_t where = (uint32_t)take(1);
    if (where == 255)
        return PROGRAM_SLOT_SIZE + take(5);
    if (where == 254)
        return UINT64_MAX - take(2);
    return (region ? region->start : WINDOW) + (where < 128 ? 0 : where % 8) * PAGE_SIZE;
}

uint64_t argument_address(void)
{
    const uint64_t where = take(1);
    return where < 224 ? ARGUMENTS : where < 240 ? WINDOW - where % 16 * 4 : any_address();
}

void put_argument(uint64_t at, const void *bytes, size_t size)
{
    if (at >= PROGRAM_SLOT_SIZE)
        (void)copy_out(at, bytes, size);
}

static unsigned ask_grants(const struct slot *slot, unsigned kind, uint64_t at)
{
    struct {
        struct ioctl_gntdev_map_grant_ref head;
        struct ioctl_gntdev_grant_ref more[8];
    } map = {.head = {.count = number()}};
    const struct offer gone = any_offer(slot);
    const struct ioctl_gntdev_unmap_grant_ref unmap = {.index = gone.offset, .count = gone.count};
    const struct ioctl_gntdev_get_offset_for_vaddr tell = {.vaddr = any_address()};
    const struct ioctl_gntdev_unmap_notify notify = {
        .index = offset(slot), .action = kind >> 4 & 7, .event_channel_port = number()};
    switch (kind % 4) {
    case 0:
        put_argument(at, &map, sizeof map);
        return IOCTL_GNTDEV_MAP_GRANT_REF;
    case 1:
        put_argument(at, &unmap, sizeof unmap);
        return IOCTL_GNTDEV_UNMAP_GRANT_REF;
    case 2:
        put_argument(at, &tell, sizeof tell);
        return IOCTL_GNTDEV_GET_OFFSET_FOR_VADDR;
    default:
        /* gntalloc's has the same number. */
        put_argument(at, &notify, sizeof notify);
        return IOCTL_GNTDEV_SET_UNMAP_NOTIFY;
    }
}

static unsigned ask_shares(const struct slot *slot, unsigned kind, uint64_t at)
{
    const struct offer gone = any_offer(slot);
    const struct ioctl_gntalloc_alloc_gref allocate = {
        .domid = (domid_t)number(), .flags = kind >> 3 & 1, .count = number()};
    const struct ioctl_gntalloc_dealloc_gref free = {.index = gone.offset, .count = gone.count};
    if (kind % 3 == 0)
        return ask_grants(slot, 3 | kind << 1, at);
    if (kind % 3 == 1) {
        put_argument(at, &free, offsetof(struct ioctl_gntalloc_dealloc_gref, count) + 4);
        return IOCTL_GNTALLOC_DEALLOC_GREF;
    }
    put_argument(at, &allocate, offsetof(struct ioctl_gntalloc_alloc_gref, gref_ids));
    return IOCTL_GNTALLOC_ALLOC_GREF;
}

static unsigned ask_commands(const struct slot *slot, unsigned kind, uint64_t at)
{
    /* Kept, so that what is between its members is always the same. */
    static struct {
        struct privcmd_dm_op head;
        struct privcmd_dm_op_buf buffers[4];
    } model;
    const struct privcmd_hypercall call = {.op = take(5), .arg = {take(1), any_address(), take(8)}};
    const domid_t domain = (domid_t)number();
    (void)slot;
    model.head.dom = (domid_t)number();
    model.head.num = (uint16_t)number();
    model.head.ubufs = (const void *)(kind & 8 ? any_address() : at + sizeof model.head);
    for (unsigned i = 0; i < ARRAY_SIZE(model.buffers); i++)
        model.buffers[i] = (struct privcmd_dm_op_buf){(void *)any_address(), number()};
    shim_answer = -(int64_t)take(1);
    switch (kind % 4) {
    case 0:
        put_argument(at, &call, sizeof call);
        return IOCTL_PRIVCMD_HYPERCALL;
    case 1:
        put_argument(at, &domain, sizeof domain);
        return IOCTL_PRIVCMD_RESTRICT;
    default:
        put_argument(at, &model, sizeof model);
        return IOCTL_PRIVCMD_DM_OP;
    }
}

static unsigned ask_events(const struct slot *slot, unsigned kind, uint64_t at)
{
    static const unsigned requests[] = {
        IOCTL_EVTCHN_BIND_VIRQ,         IOCTL_EVTCHN_BIND_INTERDOMAIN,
        IOCTL_EVTCHN_BIND_UNBOUND_PORT, IOCTL_EVTCHN_UNBIND,
        IOCTL_EVTCHN_NOTIFY,            IOCTL_EVTCHN_RESET,
        IOCTL_EVTCHN_RESTRICT_DOMID};
    const uint32_t words[2] = {number(), number()};
    (void)slot;
    put_argument(at, words, sizeof words);
    return kind % 8 < ARRAY_SIZE(requests) ? requests[kind % 8] : (unsigned)take(4);
}

static void note_offer(struct slot *slot, unsigned request, uint64_t at)
{
    struct ioctl_gntdev_map_grant_ref grants;
    struct ioctl_gntalloc_alloc_gref shares;
    if (request == IOCTL_GNTDEV_MAP_GRANT_REF && copy_in(&grants, at, sizeof grants))
        add_offer(slot, grants.index, grants.count);
    if (request == IOCTL_GNTALLOC_ALLOC_GREF && copy_in(&shares, at, sizeof shares))
        add_offer(slot, shares.index, shares.count);
}

/* The place of its requests in ask. */
static unsigned kind_of(const struct file *file)
{
    static const char *const names[] = {"evtchn", "gntdev", "gntalloc", "privcmd"};
    unsigned kind = 0;
    while (strcmp(names[kind], file->operations->name) != 0)
        kind++;
    return kind;
}

void ask(struct slot *slot, unsigned kind)
{
    static unsigned (*const all[])(const struct slot *, unsigned, uint64_t) = {
        ask_events, ask_grants, ask_shares, ask_commands};
    const uint64_t at = argument_address();
    const unsigned which = kind < 32 ? kind_of(slot->file) : kind;
    const unsigned request = all[which % 4](slot, (unsigned)take(1), at);
    shim_is_own_call = request == IOCTL_PRIVCMD_HYPERCALL;
    if (slot->file->operations->control(slot->file, request, at) == 0)
        note_offer(slot, request, at);
    shim_is_own_call = false;
}
