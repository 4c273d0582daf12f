/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sizes of x86-64 instructions, and the meaning of those that move the stack pointer (Intel SDM,
 * volume 2, appendix A). VEX and EVEX are left out: what is compiled for any x86-64 has none.
 */
#include <string.h>

#include "instruction.h"

/*
 * What follows an opcode: m ModRM, b 1 byte, w 2 bytes, z 2 or 4, d 4, v 4 or 8 (mov of a whole
 * constant), o 8 (an address), e 3; B and Z are m with b and z; f and F are m with b and z for the
 * first two of their group only; p is a prefix, r REX, 2 the escape to the second map, x none that
 * we understand.
 */
static const char one_byte[] = "mmmmbzxxmmmmbzx2"
                               "mmmmbzxxmmmmbzxx"
                               "mmmmbzpxmmmmbzpx"
                               "mmmmbzpxmmmmbzpx"
                               "rrrrrrrrrrrrrrrr"
                               "................"
                               "xxxmppppdZbB...."
                               "bbbbbbbbbbbbbbbb"
                               "BZxBmmmmmmmmmmmm"
                               "..........x....."
                               "oooo....bz......"
                               "bbbbbbbbvvvvvvvv"
                               "BBw.xxBZe.w..bx."
                               "mmmmxxx.mmmmmmmm"
                               "bbbbbbbbddxb...."
                               "p.pp..fF......mm";

static const char two_bytes[] = "mmmmx......xmm.x"
                                "mmmmmmmmmmmmmmmm"
                                "mmmmxxxxmmmmmmmm"
                                "......x.3x4xxxxx"
                                "mmmmmmmmmmmmmmmm"
                                "mmmmmmmmmmmmmmmm"
                                "mmmmmmmmmmmmmmmm"
                                "BBBBmmm.mmxxmmmm"
                                "dddddddddddddddd"
                                "mmmmmmmmmmmmmmmm"
                                "...mBmxx...mBmmm"
                                "mmmmmmmmmmBmmmmm"
                                "mmBmBBBm........"
                                "mmmmmmmmmmmmmmmm"
                                "mmmmmmmmmmmmmmmm"
                                "mmmmmmmmmmmmmmmm";

_Static_assert(sizeof one_byte == 257 && sizeof two_bytes == 257, "an entry each");

/* The number of a register in DWARF, by its number in an instruction. */
static const unsigned char dwarf_number[] = {0, 2, 1, 3, 7, 6, 4, 5, 8, 9, 10, 11, 12, 13, 14, 15};

struct decoder {
    const unsigned char *code;
    size_t limit, position;
    unsigned rex, narrow, map, opcode, modrm;
    char form;
};

static unsigned take(struct decoder *decoder)
{
    return decoder->position < decoder->limit ? decoder->code[decoder->position++]
                                              : (decoder->position = decoder->limit + 1, 0u);
}

static void skip_operand(struct decoder *decoder)
{
    decoder->modrm = take(decoder);
    const unsigned mode = decoder->modrm >> 6, rm = decoder->modrm & 7;
    unsigned base = rm;

    if (mode == 3)
        return;
    if (rm == 4)
        base = take(decoder) & 7;
    if (mode == 1)
        decoder->position += 1;
    /* Without a base, or relative to the next instruction. */
    if (mode == 2 || (mode == 0 && base == 5))
        decoder->position += 4;
}

static size_t constant_size(const struct decoder *decoder)
{
    const size_t word = decoder->narrow ? 2 : 4;
    const int first_two = (decoder->modrm >> 3 & 7) < 2;

    switch (decoder->form) {
    case 'b':
    case 'B':
        return 1;
    case 'w':
        return 2;
    case 'e':
        return 3;
    case 'z':
    case 'Z':
        return word;
    case 'd':
        return 4;
    case 'v':
        return decoder->rex & 8 ? 8 : word;
    case 'o':
        return 8;
    case 'f':
        return first_two ? 1 : 0;
    case 'F':
        return first_two ? word : 0;
    default:
        return 0;
    }
}

/* Prefixes, opcode and what follows, but for the constant; 0 where it is not understood. */
static int decode(struct decoder *decoder)
{
    do {
        decoder->opcode = take(decoder);
        decoder->form = one_byte[decoder->opcode];
        if (decoder->opcode == 0x66)
            decoder->narrow = 1;
        if (decoder->form == 'r')
            decoder->rex = decoder->opcode;
    } while (decoder->position <= decoder->limit && strchr("pr", decoder->form));
    decoder->map = 1;
    if (decoder->form == '2') {
        decoder->map = 2;
        decoder->opcode = take(decoder);
        decoder->form = two_bytes[decoder->opcode];
    }
    if (decoder->form == '3' || decoder->form == '4') {
        decoder->map = 3;
        decoder->form = decoder->form == '3' ? 'm' : 'B';
        take(decoder);
    }
    if (decoder->form == 'x')
        return 0;
    if (strchr("mBZfF", decoder->form))
        skip_operand(decoder);
    return decoder->position <= decoder->limit;
}

static int64_t constant_of(const struct decoder *decoder, size_t size)
{
    int32_t four;
    if (size == 1)
        return (int8_t)decoder->code[decoder->position];
    if (size != sizeof four)
        return 0;
    memcpy(&four, decoder->code + decoder->position, sizeof four);
    return four;
}

/* lea with the result in the stack pointer, which compilers use to add to it. */
static void read_lea(const struct decoder *decoder, struct instruction *found)
{
    if ((decoder->modrm >> 3 & 7) != 4 || decoder->rex & 4)
        return;
    found->kind = UNKNOWN_STACK_POINTER;
    const size_t end = decoder->position;
    /* Relative to %rsp without an index: the SIB byte is 0x24. */
    if ((decoder->modrm & 0xc7) == 0x44 && decoder->code[end - 2] == 0x24) {
        found->kind = ADD_TO_STACK_POINTER;
        found->value = (int8_t)decoder->code[end - 1];
    } else if ((decoder->modrm & 0xc7) == 0x84 && decoder->code[end - 5] == 0x24) {
        int32_t distance;
        memcpy(&distance, decoder->code + end - 4, sizeof distance);
        found->kind = ADD_TO_STACK_POINTER;
        found->value = distance;
    }
}

/* add, sub and the like with a constant. */
static void read_arithmetic(const struct decoder *decoder, int64_t value,
                            struct instruction *found)
{
    const unsigned operation = decoder->modrm >> 3 & 7;
    if ((decoder->modrm & 0xc7) != 0xc4 || decoder->rex & 1 || operation == 7)
        return;
    found->kind = UNKNOWN_STACK_POINTER;
    if (operation == 0 || operation == 5) {
        found->kind = ADD_TO_STACK_POINTER;
        found->value = operation == 0 ? value : -value;
    }
}

/* add, sub and the like between registers. */
static void read_register_arithmetic(const struct decoder *decoder, struct instruction *found)
{
    const unsigned form = decoder->opcode & 7;
    const int is_target = form == 1 ? (decoder->modrm & 0xc7) == 0xc4 && !(decoder->rex & 1)
                                    : (decoder->modrm & 0x38) == 0x20 && !(decoder->rex & 4);
    const int compares = decoder->opcode >= 0x38;

    if ((form == 1 || form == 3) && is_target && !compares)
        found->kind = UNKNOWN_STACK_POINTER;
}

/* The group of opcode ff. */
static void read_group(const struct decoder *decoder, struct instruction *found)
{
    const unsigned operation = decoder->modrm >> 3 & 7;
    if (operation == 4 || operation == 5)
        found->kind = END;
    if (operation == 6) {
        found->kind = PUSH;
        found->reg = 255;
    }
}

static void read_move(const struct decoder *decoder, struct instruction *found)
{
    if (decoder->opcode == 0x89 && decoder->modrm == 0xe5 && !(decoder->rex & 5))
        found->kind = SET_FRAME_POINTER;
    else if ((decoder->opcode == 0x89 && (decoder->modrm & 0xc7) == 0xc4 && !(decoder->rex & 1)) ||
             (decoder->opcode == 0x8b && (decoder->modrm & 0x38) == 0x20 && !(decoder->rex & 4)))
        found->kind = UNKNOWN_STACK_POINTER;
}

static void interpret(const struct decoder *decoder, int64_t value, struct instruction *found)
{
    const unsigned opcode = decoder->opcode;
    const unsigned number = (opcode & 7) | (decoder->rex & 1) << 3;

    if (decoder->map == 2 && opcode >= 0x80 && opcode <= 0x8f)
        *found = (struct instruction){.kind = BRANCH, .value = value};
    if (decoder->map != 1)
        return;
    if (opcode < 0x40)
        read_register_arithmetic(decoder, found);
    else if (opcode >= 0x50 && opcode <= 0x57)
        *found = (struct instruction){.kind = PUSH, .reg = dwarf_number[number]};
    else if ((opcode >= 0x58 && opcode <= 0x5f) || (opcode == 0x8f))
        *found = (struct instruction){.kind = ADD_TO_STACK_POINTER, .value = 8};
    else if (opcode == 0x68 || opcode == 0x6a)
        *found = (struct instruction){.kind = PUSH, .reg = 255};
    else if (opcode >= 0x70 && opcode <= 0x7f)
        *found = (struct instruction){.kind = BRANCH, .value = value};
    else if (opcode == 0xe9 || opcode == 0xeb)
        *found = (struct instruction){.kind = JUMP, .value = value};
    else if (opcode == 0xc2 || opcode == 0xc3 || opcode == 0xf4)
        found->kind = END;
    else if (opcode == 0xc8 || opcode == 0x5c)
        found->kind = UNKNOWN_STACK_POINTER;
    else if (opcode == 0xc9)
        found->kind = LEAVE;
    else if (opcode == 0x81 || opcode == 0x83)
        read_arithmetic(decoder, value, found);
    else if (opcode == 0x8d)
        read_lea(decoder, found);
    else if (opcode == 0xff)
        read_group(decoder, found);
    else if (opcode == 0x89 || opcode == 0x8b)
        read_move(decoder, found);
}

size_t instruction_read(const unsigned char *code, size_t limit, struct instruction *found)
{
    struct decoder decoder = {.code = code, .limit = limit};

    *found = (struct instruction){.kind = OTHER};
    if (!decode(&decoder))
        return 0;
    const size_t size = constant_size(&decoder);
    if (size > limit - decoder.position)
        return 0;
    interpret(&decoder, constant_of(&decoder, size), found);
    return decoder.position + size;
}
