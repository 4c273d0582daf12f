/* SPDX-License-Identifier: BSD-2-Clause */
/* Split virtqueues. */
#include "ring.h"

#define DESCRIPTOR_NEXT 1u
#define DESCRIPTOR_WRITE 2u
#define NO_INTERRUPT 1u
#define NO_NOTIFICATION 1u
#define LEGACY_ALIGNMENT 4096u

#define INDEX 1
#define HEADS 2

size_t vring_available_offset(uint16_t size) { return size * sizeof(struct ring_descriptor); }

size_t vring_used_offset(uint16_t size)
{
    return round_up(vring_available_offset(size) + 2u * (3u + size), LEGACY_ALIGNMENT);
}

size_t vring_bytes(uint16_t size)
{
    return vring_used_offset(size) + 2 * 3 + size * sizeof(struct ring_used);
}

/* From which entry of the used ring on the base wants an interrupt, and where the device says from
   which entry of the available ring on it wants to be told. */
static volatile uint16_t *interrupt_from(const struct ring *ring)
{
    return ring->available + HEADS + ring->size;
}
static volatile uint16_t *notify_from(const struct ring *ring)
{
    return ring->used + HEADS + ring->size * sizeof(struct ring_used) / 2;
}

void vring_begin(struct ring *ring, void *memory, uint16_t size, bool by_index)
{
    BASE_ASSERT(size && size <= RING_MOST && !(size & (size - 1)));
    *ring = (struct ring){.size = size, .free = size, .by_index = by_index};
    ring->descriptors = memory;
    ring->available = (void *)((char *)memory + vring_available_offset(size));
    ring->used = (void *)((char *)memory + vring_used_offset(size));
    for (uint16_t i = 0; i < size; i++)
        ring->next_free[i] = (uint16_t)(i + 1);
}

bool vring_add(struct ring *ring, const struct ring_part *parts, unsigned reads, unsigned writes,
               void *token)
{
    const unsigned count = reads + writes;
    if (ring->broken || count == 0 || count > ring->free)
        return false;
    const uint16_t head = ring->first_free;
    uint16_t place = head;
    uint32_t room = 0;
    for (unsigned i = 0; i < count; i++) {
        struct ring_descriptor *descriptor = &ring->descriptors[place];
        descriptor->address = parts[i].address;
        descriptor->size = parts[i].size;
        descriptor->flags =
            (uint16_t)((i + 1 < count ? DESCRIPTOR_NEXT : 0) | (i >= reads ? DESCRIPTOR_WRITE : 0));
        descriptor->next = ring->next_free[place];
        room += i >= reads ? parts[i].size : 0;
        place = ring->next_free[place];
    }
    ring->first_free = place;
    ring->free = (uint16_t)(ring->free - count);
    ring->chains[head] =
        (struct ring_chain){.token = token, .room = room, .count = (uint16_t)count, .busy = true};
    ring->available[HEADS + ring->next_available % ring->size] = head;
    __atomic_thread_fence(__ATOMIC_RELEASE);
    ring->available[INDEX] = ++ring->next_available;
    return true;
}

static void release(struct ring *ring, uint16_t head)
{
    uint16_t last = head;
    for (uint16_t i = 1; i < ring->chains[head].count; i++)
        last = ring->next_free[last];
    ring->next_free[last] = ring->first_free;
    ring->first_free = head;
    ring->free = (uint16_t)(ring->free + ring->chains[head].count);
    ring->chains[head].busy = false;
}

bool vring_take(struct ring *ring, void **token, uint32_t *written)
{
    const uint16_t index = ring->used[INDEX];
    const uint16_t waiting = (uint16_t)(index - ring->next_used);
    if (ring->broken || waiting == 0)
        return false;
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    const volatile struct ring_used *entries = (const volatile void *)(ring->used + HEADS);
    const uint32_t head = entries[ring->next_used % ring->size].head;
    const uint32_t size = entries[ring->next_used % ring->size].size;
    if (waiting > ring->size || head >= ring->size || !ring->chains[head].busy ||
        size > ring->chains[head].room) {
        ring->broken = true;
        return false;
    }
    *token = ring->chains[head].token;
    *written = size;
    release(ring, (uint16_t)head);
    ring->next_used++;
    return true;
}

bool vring_wants_notification(struct ring *ring)
{
    const uint16_t before = ring->told, now = ring->next_available;
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    ring->told = now;
    if (ring->by_index)
        return (uint16_t)(now - *notify_from(ring) - 1) < (uint16_t)(now - before);
    return now != before && !(ring->used[0] & NO_NOTIFICATION);
}

bool vring_interrupts(struct ring *ring, bool on)
{
    if (ring->by_index) /* an entry that is as far away as can be is none */
        *interrupt_from(ring) = (uint16_t)(ring->next_used - (on ? 0 : 1));
    else
        ring->available[0] = (uint16_t)(on ? 0 : NO_INTERRUPT);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    return on && !ring->broken && ring->used[INDEX] != ring->next_used;
}
