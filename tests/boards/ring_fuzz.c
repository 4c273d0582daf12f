/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A virtio ring is sound, whatever the device writes into it. By itself ring_fuzz runs a device
 * that does what it should; with an argument, one that writes that file's bytes, four for each
 * step; with -fsanitize=fuzzer and -DFUZZER it is libFuzzer's.
 */
#include <stdio.h>
#include <stdlib.h>

#include "virtio/ring.h"
#include "panic_shim.h"

#define SIZE 16
#define TOKENS 64

static uint16_t *memory, *available, *used;
static struct ring ring;
static bool out[TOKENS];
static uint32_t rooms[TOKENS];
static unsigned next_token;

static void begin(bool by_index)
{
    memory = aligned_alloc(4096, round_up(vring_bytes(SIZE), 4096));
    memset(memory, 0, vring_bytes(SIZE));
    available = memory + vring_available_offset(SIZE) / 2;
    used = memory + vring_used_offset(SIZE) / 2;
    memset(out, 0, sizeof out);
    next_token = 0;
    vring_begin(&ring, memory, SIZE, by_index);
}

/* A token that is out can not be given again, so the device's word for it must be right. */
static bool add(unsigned reads, unsigned writes)
{
    struct ring_part parts[8];
    const unsigned token = next_token;
    if (out[token])
        return false;
    rooms[token] = 0;
    for (unsigned i = 0; i < reads + writes; i++) {
        parts[i] = (struct ring_part){0x1000 * (i + 1), 16 * (i + 1)};
        rooms[token] += i >= reads ? parts[i].size : 0;
    }
    if (!vring_add(&ring, parts, reads, writes, &out[token]))
        return false;
    out[token] = true;
    next_token = (token + 1) % TOKENS;
    return true;
}

static bool take(void)
{
    void *token;
    uint32_t written;
    if (!vring_take(&ring, &token, &written))
        return false;
    const size_t place = (size_t)((bool *)token - out);
    BASE_ASSERT(place < TOKENS && out[place]);
    BASE_ASSERT(written <= rooms[place]);
    out[place] = false;
    return true;
}

static void check(void)
{
    unsigned busy = 0, chains = 0, tokens = 0;
    for (unsigned i = 0; i < SIZE; i++) {
        busy += ring.chains[i].busy ? ring.chains[i].count : 0;
        chains += ring.chains[i].busy;
    }
    for (unsigned i = 0; i < TOKENS; i++)
        tokens += out[i];
    BASE_ASSERT(busy + ring.free == SIZE);
    BASE_ASSERT(tokens == chains);
    uint16_t place = ring.first_free;
    for (unsigned i = 0; i < ring.free; i++) {
        BASE_ASSERT(place < SIZE && !ring.chains[place].busy);
        place = ring.next_free[place];
    }
}

static void step(const uint8_t *bytes)
{
    switch (bytes[0] % 6) {
    case 0:
        (void)add(bytes[1] % 4, bytes[2] % 4);
        break;
    case 1:
        (void)take();
        break;
    case 2: /* the device writes somewhere */
        memory[(bytes[1] << 8 | bytes[2]) % (vring_bytes(SIZE) / 2)] = bytes[3];
        break;
    case 3: /* an entry, and the index */
        ((struct ring_used *)(void *)(used + 2))[used[1] % SIZE] =
            (struct ring_used){bytes[1], bytes[2]};
        used[1]++;
        break;
    case 4:
        (void)vring_interrupts(&ring, bytes[1] & 1);
        break;
    default:
        (void)vring_wants_notification(&ring);
    }
    check();
}

static void play(const uint8_t *bytes, size_t size, bool by_index)
{
    begin(by_index);
    for (size_t i = 0; i + 4 <= size; i += 4)
        step(bytes + i);
    free(memory);
}

#ifdef FUZZER
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size)
        play(data + 1, size - 1, data[0] & 1);
    return 0;
}
#else
/* A device that is done with all it has, the last first. */
static unsigned serve(uint16_t *seen)
{
    unsigned done = 0;
    while (*seen != available[1]) {
        const uint16_t head = available[2 + (*seen)++ % SIZE];
        struct ring_used *entry = &((struct ring_used *)(void *)(used + 2))[used[1] % SIZE];
        *entry = (struct ring_used){head, ring.chains[head].room};
        used[1]++;
        done++;
    }
    return done;
}

/* Wants to hear of each, by the index that it has come to. */
static void run(bool by_index)
{
    uint16_t seen = 0;
    unsigned added = 0, taken = 0, told = 0;
    begin(by_index);
    (void)vring_interrupts(&ring, true);
    for (unsigned i = 0; i < 200000; i++) {
        while (add(i % 3, 1 + i % 2))
            added++;
        check();
        told += vring_wants_notification(&ring);
        (void)serve(&seen);
        used[2 + SIZE * 4] = seen;
        BASE_ASSERT(vring_interrupts(&ring, true));
        while (take())
            taken++;
        BASE_ASSERT(!vring_interrupts(&ring, true) && !ring.broken);
        check();
    }
    BASE_ASSERT(added == taken && told == 200000);
    free(memory);
}

int main(int argc, char **argv)
{
    static uint8_t file[1 << 16];
    if (argc == 1) {
        run(false);
        run(true);
        return 0;
    }
    FILE *stream = fopen(argv[1], "rb");
    if (!stream)
        return 2;
    const size_t size = fread(file, 1, sizeof file, stream);
    play(file, size, false);
    play(file, size, true);
    return 0;
}
#endif
