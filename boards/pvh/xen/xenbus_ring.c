/* SPDX-License-Identifier: BSD-2-Clause */
#include "xen/xenbus_ring.h"

#include <errno.h>

#include <xen/io/xs_wire.h>

_Static_assert(sizeof(struct store_head) == sizeof(struct xsd_sockmsg), "both are the head");
_Static_assert(STORE_PAYLOAD_MOST == XENSTORE_PAYLOAD_MAX, "both are the longest payload");

/* Read once: the other side may change both at any time. */
struct indexes {
    uint32_t consumer, producer, used;
};

static struct indexes indexes_of(const struct byte_ring *ring)
{
    const uint32_t consumer = __atomic_load_n(ring->consumer, __ATOMIC_ACQUIRE);
    const uint32_t producer = __atomic_load_n(ring->producer, __ATOMIC_ACQUIRE);
    return (struct indexes){consumer, producer, producer - consumer};
}

uint32_t byte_ring_used(const struct byte_ring *ring)
{
    return indexes_of(ring).used;
}

int32_t byte_ring_put(const struct byte_ring *ring, const void *bytes, uint32_t size)
{
    const struct indexes now = indexes_of(ring);
    if (now.used > ring->size)
        return -1;
    size = MIN(size, ring->size - now.used);
    const uint32_t at = now.producer & (ring->size - 1), first = MIN(size, ring->size - at);
    memcpy(ring->bytes + at, bytes, first);
    memcpy(ring->bytes, (const char *)bytes + first, size - first);
    __atomic_store_n(ring->producer, now.producer + size, __ATOMIC_RELEASE);
    return (int32_t)size;
}

int32_t byte_ring_take(const struct byte_ring *ring, void *bytes, uint32_t size)
{
    const struct indexes now = indexes_of(ring);
    if (now.used > ring->size)
        return -1;
    size = MIN(size, now.used);
    const uint32_t at = now.consumer & (ring->size - 1), first = MIN(size, ring->size - at);
    memcpy(bytes, ring->bytes + at, first);
    memcpy((char *)bytes + first, ring->bytes, size - first);
    __atomic_store_n(ring->consumer, now.consumer + size, __ATOMIC_RELEASE);
    return (int32_t)size;
}

/* Takes a part of the message: to a place, or nowhere. */
static int32_t take_part(const struct byte_ring *ring, char *to, uint32_t size)
{
    char nowhere[64];
    if (to)
        return byte_ring_take(ring, to, size);
    return byte_ring_take(ring, nowhere, MIN(size, sizeof nowhere));
}

/* The head is complete: a place for the payload, if there is memory. */
static bool begin_payload(struct store_reader *reader, void *(*get)(size_t size))
{
    if (reader->head.size > STORE_PAYLOAD_MOST)
        return false;
    reader->message = get(sizeof *reader->message + reader->head.size + 1);
    if (reader->message) {
        reader->message->head = reader->head;
        reader->message->bytes[reader->head.size] = '\0';
    }
    return true;
}

enum store_progress store_receive(struct store_reader *reader, const struct byte_ring *ring,
                                  void *(*get)(size_t size))
{
    const uint32_t head = sizeof reader->head;
    int32_t taken;
    while (reader->got < head) {
        taken = byte_ring_take(ring, (char *)&reader->head + reader->got, head - reader->got);
        if (taken <= 0)
            return taken < 0 ? STORE_BROKEN : STORE_MORE;
        reader->got += (uint32_t)taken;
        if (reader->got == head && !begin_payload(reader, get))
            return STORE_BROKEN;
    }
    for (uint32_t done; (done = reader->got - head) < reader->head.size;) {
        char *place = reader->message ? reader->message->bytes + done : NULL;
        taken = take_part(ring, place, reader->head.size - done);
        if (taken <= 0)
            return taken < 0 ? STORE_BROKEN : STORE_MORE;
        reader->got += (uint32_t)taken;
    }
    return STORE_COMPLETE;
}

const char *store_next_string(const struct store_message *message, const char *string)
{
    const char *end = message->bytes + message->head.size;
    const char *nul = memchr(string, '\0', (size_t)(end - string));
    if (!nul || !memchr(nul + 1, '\0', (size_t)(end - nul - 1)))
        return NULL;
    return nul + 1;
}

bool store_number(const char *text, uint32_t *number)
{
    uint64_t value = 0;
    const char *digit = text;
    for (; *digit >= '0' && *digit <= '9' && value <= UINT32_MAX; digit++)
        value = value * 10 + (uint64_t)(*digit - '0');
    *number = (uint32_t)value;
    return digit > text && *digit == '\0' && value <= UINT32_MAX;
}

int store_error(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(xsd_errors); i++) {
        if (strcmp(name, xsd_errors[i].errstring) == 0)
            return -xsd_errors[i].errnum;
    }
    return -EIO;
}
