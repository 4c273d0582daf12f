/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What store_receive takes out of a ring is sound, whatever the other side does. The input says
 * what that is, step by step:
 *
 *     'p' SIZE BYTES    puts so many bytes (one byte's value) in, if there is room
 *     'i' INDEX         sets the producer's index (4 bytes, little endian)
 *     'c' INDEX         sets the consumer's
 *     'm'               there is no memory for the next message
 *     'r'               the base reads all there is
 *
 * By itself xenbus_fuzz FILE says what the base read; with -fsanitize=fuzzer and -DFUZZER it is
 * libFuzzer's.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "xen/xenbus_ring.h"
#include "panic_shim.h"

#define RING_SIZE 1024u

static bool no_memory, is_quiet;

static void *get(size_t size)
{
    const bool refused = no_memory;
    no_memory = false;
    return refused ? NULL : malloc(size);
}

static void tell(const struct store_head *head, const struct store_message *message)
{
    uint32_t number = 0;
    BASE_ASSERT(head->size <= STORE_PAYLOAD_MOST);
    if (!message) {
        if (!is_quiet)
            printf("skipped %" PRIu32 "\n", head->size);
        return;
    }
    BASE_ASSERT(memcmp(head, &message->head, sizeof *head) == 0);
    BASE_ASSERT(message->bytes[head->size] == '\0');
    const char *second = store_next_string(message, message->bytes);
    BASE_ASSERT(!second || second + strlen(second) < message->bytes + head->size);
    const bool is_number = store_number(message->bytes, &number);
    BASE_ASSERT(store_error(message->bytes) < 0);
    if (!is_quiet)
        printf("%" PRIu32 " %" PRIu32 " %" PRIu32 " %" PRIu32 " %s|%s|%d|%d\n", head->type,
               head->request, head->transaction, head->size, message->bytes,
               second ? second : "", is_number ? (int)number : -1, store_error(message->bytes));
}

/* Whether the ring is still good. */
static bool receive(struct store_reader *reader, const struct byte_ring *ring)
{
    for (;;) {
        switch (store_receive(reader, ring, get)) {
        case STORE_MORE:
            return true;
        case STORE_BROKEN:
            return false;
        case STORE_COMPLETE:
            tell(&reader->head, reader->message);
            free(reader->message);
            reader->message = NULL;
            reader->got = 0;
        }
    }
}

static bool take_index(uint32_t *index, const uint8_t **step, const uint8_t *end)
{
    if (end - *step < (ptrdiff_t)sizeof *index)
        return false;
    memcpy(index, *step, sizeof *index);
    *step += sizeof *index;
    return true;
}

static void put(const struct byte_ring *ring, const uint8_t **step, const uint8_t *end)
{
    const size_t size = *step < end ? *(*step)++ : 0;
    const uint32_t count = (uint32_t)MIN(size, (size_t)(end - *step));
    const uint32_t used = byte_ring_used(ring);
    const int32_t done = byte_ring_put(ring, *step, count);
    BASE_ASSERT(used > RING_SIZE ? done == -1 : done == (int32_t)MIN(count, RING_SIZE - used));
    *step += count;
}

/* Whether the ring was good to the end. */
static bool play(const uint8_t *step, const uint8_t *end)
{
    uint32_t consumer = 0, producer = 0;
    /* Memory of its own, so that what is beside it is noticed. */
    const struct byte_ring ring = {malloc(RING_SIZE), RING_SIZE, &consumer, &producer};
    struct store_reader reader = {.got = 0};
    bool good = ring.bytes;
    no_memory = false;
    while (good && step < end) {
        switch (*step++) {
        case 'p':
            put(&ring, &step, end);
            break;
        case 'i':
            good = take_index(&producer, &step, end);
            break;
        case 'c':
            good = take_index(&consumer, &step, end);
            break;
        case 'm':
            no_memory = true;
            break;
        case 'r':
            good = receive(&reader, &ring);
        }
    }
    free(reader.message);
    free(ring.bytes);
    return good;
}

#ifdef FUZZER
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    is_quiet = true;
    (void)play(data, data + size);
    return 0;
}
#else
int main(int argc, char **argv)
{
    static uint8_t file[1 << 20];
    FILE *stream = argc == 2 ? fopen(argv[1], "rb") : NULL;
    if (!stream)
        return 2;
    const size_t size = fread(file, 1, sizeof file, stream);
    const bool good = play(file, file + size);
    puts(good ? "good" : "broken");
    return 0;
}
#endif
