/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * LZ4's block format (lz4_Block_format.md): a sequence is a token with two lengths, literals, and
 * the distance of a match; the last one has no match. Depends on nothing, not even on where it is.
 */
#include "lz4.h"

#include <stdbool.h>

#define LEAST_MATCH 4u
#define LENGTH_GOES_ON 15u
/* A multiple of 1, 2 and 3, not less than a word. */
#define PERIOD 12u
/* What is copied at a time, by words. */
#define STEP (2 * sizeof(uint32_t))
#define LONGEST (2 * LENGTH_GOES_ON + LEAST_MATCH + STEP)

struct block {
    const uint8_t *next, *end;
    uint8_t *to, *to_start, *to_end;
};

/* The rest of a length: bytes up to the first that is not 255. */
static bool read_length(struct block *block, size_t *length)
{
    uint8_t byte;
    do {
        if (block->next == block->end || *length > (size_t)(block->to_end - block->to))
            return false;
        byte = *block->next++;
        *length += byte;
    } while (byte == UINT8_MAX);
    return true;
}

static inline void copy_word(uint8_t *to, const uint8_t *from)
{
    uint32_t word;
    __builtin_memcpy(&word, from, sizeof word);
    __builtin_memcpy(to, &word, sizeof word);
}

/* Upwards: up to STEP less one byte more than was asked for. */
static inline void copy_words(uint8_t *to, const uint8_t *from, size_t size)
{
    for (uint8_t *const end = to + size; to < end; to += STEP, from += STEP) {
        copy_word(to, from);
        copy_word(to + sizeof(uint32_t), from + sizeof(uint32_t));
    }
}

/* Behind both there is so much room, or it goes byte by byte. */
static void copy(uint8_t *to, const uint8_t *from, size_t size, size_t room)
{
    if (room >= STEP) {
        copy_words(to, from, size);
        return;
    }
    while (size-- > 0)
        *to++ = *from++;
}

/* Short sequences that are far from both ends, as nearly all are. */
static void unpack_most(struct block *block)
{
    const uint8_t *next = block->next;
    uint8_t *to = block->to;
    while ((size_t)(block->end - next) > LONGEST && (size_t)(block->to_end - to) > LONGEST) {
        const unsigned token = *next;
        const size_t literals = token >> 4, match = token & 15;
        if (literals == LENGTH_GOES_ON || match == LENGTH_GOES_ON)
            break;
        uint16_t distance;
        __builtin_memcpy(&distance, next + 1 + literals, sizeof distance);
        if (distance < sizeof(uint32_t) || distance > literals + (size_t)(to - block->to_start))
            break;
        copy_words(to, next + 1, literals);
        next += 1 + literals + sizeof distance;
        to += literals;
        copy_words(to, to - distance, match + LEAST_MATCH);
        to += match + LEAST_MATCH;
    }
    block->next = next;
    block->to = to;
}

static bool unpack_literals(struct block *block, size_t size)
{
    if (size == LENGTH_GOES_ON && !read_length(block, &size))
        return false;
    const size_t left = (size_t)(block->end - block->next);
    const size_t room = (size_t)(block->to_end - block->to);
    const size_t most = left < room ? left : room;
    if (size > most)
        return false;
    copy(block->to, block->next, size, most - size);
    block->to += size;
    block->next += size;
    return true;
}

static bool unpack_match(struct block *block, size_t size)
{
    if (block->end - block->next < 2)
        return false;
    const size_t distance = block->next[0] | (size_t)block->next[1] << 8;
    block->next += 2;
    if (size == LENGTH_GOES_ON && !read_length(block, &size))
        return false;
    size += LEAST_MATCH;
    const size_t room = (size_t)(block->to_end - block->to);
    if (distance == 0 || distance > (size_t)(block->to - block->to_start) || size > room)
        return false;
    /* What repeats after less than a word repeats after PERIOD, too. */
    const size_t first = distance >= sizeof(uint32_t) ? 0 : size < PERIOD ? size : PERIOD;
    const uint8_t *const from = block->to - distance;
    copy(block->to, from, first, 0);
    copy(block->to + first, from, size - first, room - size);
    block->to += size;
    return true;
}

size_t lz4_unpack(const uint8_t *from, size_t size, uint8_t *to, size_t room)
{
    struct block block = {from, from + size, to, to, to + room};
    while (block.next != block.end) {
        const uint8_t token = *block.next++;
        if (!unpack_literals(&block, token >> 4))
            return SIZE_MAX;
        /* The last sequence has no match. */
        if (block.next == block.end)
            return (size_t)(block.to - to);
        if (!unpack_match(&block, token & 15))
            return SIZE_MAX;
        unpack_most(&block);
    }
    return SIZE_MAX;
}
