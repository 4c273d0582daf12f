/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Frames as in RFC 1055 (SLIP): END before and after each, and what is inside escaped so that END
 * is nowhere else. A reader that comes in late, or meets half a frame of a peer that was killed,
 * is right again with the next END. Inside: type, job and length-less payload, then a CRC-32.
 */
#include "frame.h"

#include <string.h>

#define END 0xc0
#define ESCAPE 0xdb
#define ESCAPED_END 0xdc
#define ESCAPED_ESCAPE 0xdd

#define CHECK_SIZE 4

static uint32_t load(const unsigned char *bytes)
{
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
           (uint32_t)bytes[3] << 24;
}

static void store(unsigned char *bytes, uint32_t number)
{
    for (int place = 0; place < 4; place++)
        bytes[place] = (unsigned char)(number >> 8 * place);
}

/* CRC-32 as in zlib and IEEE 802.3, four bits at a time. */
static uint32_t check_of(const unsigned char *bytes, size_t length)
{
    static uint32_t table[16];
    if (!table[1]) {
        for (uint32_t nibble = 0; nibble < 16; nibble++) {
            uint32_t value = nibble;
            for (int bit = 0; bit < 4; bit++)
                value = value >> 1 ^ (value & 1 ? 0xedb88320 : 0);
            table[nibble] = value;
        }
    }
    uint32_t check = 0xffffffff;
    for (size_t place = 0; place < length; place++) {
        check ^= bytes[place];
        check = check >> 4 ^ table[check & 15];
        check = check >> 4 ^ table[check & 15];
    }
    return ~check;
}

/* What came before an END; nothing for one that is not whole, as at the stream's start. */
static bool end(struct frame_reader *reader, struct frame *frame)
{
    const size_t length = reader->length;
    const bool spoiled = reader->spoiled || reader->escaped;
    reader->length = 0;
    reader->escaped = reader->spoiled = false;
    if (spoiled || length < FRAME_HEADER + CHECK_SIZE)
        return false;
    const size_t checked = length - CHECK_SIZE;
    if (check_of(reader->bytes, checked) != load(reader->bytes + checked))
        return false;
    frame->type = reader->bytes[0];
    frame->job = load(reader->bytes + 1);
    frame->payload = reader->bytes + FRAME_HEADER;
    frame->length = checked - FRAME_HEADER;
    return true;
}

bool frame_take(struct frame_reader *reader, unsigned char byte, struct frame *frame)
{
    if (byte == END)
        return end(reader, frame);
    if (reader->escaped) {
        reader->escaped = false;
        if (byte != ESCAPED_END && byte != ESCAPED_ESCAPE)
            reader->spoiled = true;
        byte = byte == ESCAPED_END ? END : ESCAPE;
    } else if (byte == ESCAPE) {
        reader->escaped = true;
        return false;
    }
    if (reader->length == sizeof reader->bytes)
        reader->spoiled = true;
    else
        reader->bytes[reader->length++] = byte;
    return false;
}

size_t frame_write(const struct frame *frame, unsigned char *wire)
{
    unsigned char whole[FRAME_WHOLE];
    const size_t checked = FRAME_HEADER + frame->length;
    whole[0] = frame->type;
    store(whole + 1, frame->job);
    if (frame->length)
        memcpy(whole + FRAME_HEADER, frame->payload, frame->length);
    store(whole + checked, check_of(whole, checked));
    size_t length = 0;
    wire[length++] = END;
    for (size_t place = 0; place < checked + CHECK_SIZE; place++) {
        if (whole[place] == END || whole[place] == ESCAPE) {
            wire[length++] = ESCAPE;
            wire[length++] = whole[place] == END ? ESCAPED_END : ESCAPED_ESCAPE;
        } else {
            wire[length++] = whole[place];
        }
    }
    wire[length++] = END;
    return length;
}
