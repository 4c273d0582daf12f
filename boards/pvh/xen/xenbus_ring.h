/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rings of bytes that are shared with another domain, and the xenstore's messages in them (Xen's
 * docs/misc/xenstore-ring.txt and xenstore.txt). Whatever the other side says is checked here.
 */
#ifndef RUMPRUN_XENBUS_RING_H
#define RUMPRUN_XENBUS_RING_H

#include "base.h"

/*
 * A ring's bytes and its two indexes, which only grow; size is a power of two. What is put in or
 * taken out is at most so many; -1: the indexes contradict each other.
 */
struct byte_ring {
    char *bytes;
    uint32_t size;
    uint32_t *consumer, *producer;
};
int32_t byte_ring_put(const struct byte_ring *ring, const void *bytes, uint32_t size);
int32_t byte_ring_take(const struct byte_ring *ring, void *bytes, uint32_t size);
/* How many bytes wait in it; more than its size: the indexes contradict each other. */
uint32_t byte_ring_used(const struct byte_ring *ring);

/* As struct xsd_sockmsg. */
struct store_head {
    uint32_t type, request, transaction, size;
};
#define STORE_PAYLOAD_MOST 4096u

struct store_message {
    struct list queue;
    struct store_head head;
    /* Ended by a NUL, which is not counted. */
    char bytes[];
};

/* A message that comes in piece by piece. All zeros is none yet. */
struct store_reader {
    struct store_head head;
    uint32_t got;
    /* NULL without memory: the payload is skipped. */
    struct store_message *message;
};
enum store_progress { STORE_MORE, STORE_COMPLETE, STORE_BROKEN };
/*
 * Takes what is in the ring. Complete: the reader's head is valid, and its message, if there was
 * memory, is the caller's, who sets got to 0. get is as heap_get.
 */
enum store_progress store_receive(struct store_reader *reader, const struct byte_ring *ring,
                                  void *(*get)(size_t size));

/* Where the string behind the one at that place begins; NULL: there is none that is ended. */
const char *store_next_string(const struct store_message *message, const char *string);
/* A number as digits, with nothing before or behind; false where it is none of 32 bits. */
bool store_number(const char *text, uint32_t *number);
/* The error that a name such as "ENOENT" means, as -errno; -EIO for others. */
int store_error(const char *name);

#endif
