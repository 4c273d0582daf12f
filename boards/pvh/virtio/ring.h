/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Split virtqueues (virtio 1.1, 2.6). The device may write what it wants into the used ring at any
 * time: all of it is checked. Needs base.h alone.
 */
#ifndef RUMPRUN_VIRTIO_RING_H
#define RUMPRUN_VIRTIO_RING_H

#include "base.h"

#define RING_MOST 256

struct ring_descriptor {
    uint64_t address;
    uint32_t size;
    uint16_t flags, next;
};

struct ring_used {
    uint32_t head, size;
};

/* Memory for the device: where it is, for it, and how much. */
struct ring_part {
    uint64_t address;
    uint32_t size;
};

/* What the base remembers of a chain; the device cannot change it. */
struct ring_chain {
    void *token;
    /* How many bytes the device may write. */
    uint32_t room;
    uint16_t count;
    bool busy;
};

struct ring {
    uint16_t size, free, first_free, next_available, next_used, told;
    /* Whether the two sides say from which entry on they want to be told (EVENT_IDX). */
    bool by_index;
    /* The device wrote what cannot be: nothing of it is believed any more. */
    bool broken;
    struct ring_descriptor *descriptors;
    /* Flags, index, then the heads, then where an interrupt is wanted. */
    volatile uint16_t *available;
    /* Flags, index, then the entries, then where a notification is wanted. */
    volatile uint16_t *used;
    uint16_t next_free[RING_MOST];
    struct ring_chain chains[RING_MOST];
};

/* How many bytes a ring has, in one piece, with the layout that legacy devices want. */
size_t vring_bytes(uint16_t size);
size_t vring_available_offset(uint16_t size);
size_t vring_used_offset(uint16_t size);
/* memory is full of zeros; size a power of two, at most RING_MOST. */
void vring_begin(struct ring *ring, void *memory, uint16_t size, bool by_index);
/* Offers a chain: parts that the device reads, then those it writes; false where there is no room.
 */
bool vring_add(struct ring *ring, const struct ring_part *parts, unsigned reads, unsigned writes,
               void *token);
/* The next chain that the device is done with, and how many bytes it wrote; false: none. */
bool vring_take(struct ring *ring, void **token, uint32_t *written);
/* Whether the device wants to hear of what was added since the last time. */
bool vring_wants_notification(struct ring *ring);
/* Interrupts from now on, or none; true where something came in before they were on. */
bool vring_interrupts(struct ring *ring, bool on);

#endif
