/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Unwinding by .eh_frame, found through .eh_frame_hdr (LSB Core 5.0, "Exception Frames"; DWARF 4,
 * section 6.4). Only the encodings that GNU ld and gcc write are understood, and no expressions:
 * what else there is counts as not covered.
 */
#include <string.h>

#include "unwind.h"

#define ENTRY_LIMIT 16384
#define STATE_LIMIT 8

/* Pointer encodings: signed 32 bits, relative to itself or to the start of .eh_frame_hdr. */
enum { PC_RELATIVE_SDATA4 = 0x1b, TABLE_RELATIVE_SDATA4 = 0x3b, UDATA4 = 0x03 };

/* A function's rules: where the caller's registers are, relative to the frame's address (CFA). */
struct rules {
    unsigned base; /* the register that the CFA is counted from */
    int64_t base_offset;
    int64_t offset[REG_COUNT];
    uint32_t saved, lost; /* bit i: register i is at CFA + offset[i]; it has no value */
};

/* Bytes that were copied out of the process; address is where they came from. */
struct bytes {
    const unsigned char *next, *end;
    uint64_t address;
};

struct description {
    uint64_t start, size;
    uint64_t code_factor;
    int64_t data_factor;
    struct bytes initial, own;
};

static uint64_t take(struct bytes *bytes, size_t size)
{
    uint64_t value = 0;
    if ((size_t)(bytes->end - bytes->next) < size) {
        bytes->next = bytes->end;
        return 0;
    }
    memcpy(&value, bytes->next, size);
    bytes->next += size;
    bytes->address += size;
    return value;
}

static int64_t take_signed4(struct bytes *bytes)
{
    return (int32_t)(uint32_t)take(bytes, 4);
}

static uint64_t take_leb(struct bytes *bytes, int is_signed)
{
    uint64_t value = 0;
    unsigned shift = 0, byte;
    do {
        byte = (unsigned)take(bytes, 1);
        if (shift < 64)
            value |= (uint64_t)(byte & 0x7f) << shift;
        shift += 7;
    } while (byte & 0x80 && shift < 70);
    if (is_signed && byte & 0x40 && shift < 64)
        value |= ~UINT64_C(0) << shift;
    return value;
}

static struct bytes part(struct bytes *bytes, uint64_t size)
{
    const uint64_t left = (uint64_t)(bytes->end - bytes->next);
    const uint64_t length = size < left ? size : left;
    const struct bytes found = {bytes->next, bytes->next + length, bytes->address};
    bytes->next += length;
    bytes->address += length;
    return found;
}

/* Copies the entry (CIE or FDE) at address; its first word, the size, is not part of it. */
static int load(const struct memory *memory, uint64_t address, unsigned char *room,
                struct bytes *entry)
{
    uint32_t size;
    if (memory_fetch(memory, address, &size, sizeof size) != 0 || size < 4 || size > INT32_MAX)
        return -1;
    /* Of a larger one, the first instructions are those of its function's first code. */
    if (size > ENTRY_LIMIT)
        size = ENTRY_LIMIT;
    address += sizeof size;
    *entry = (struct bytes){room, room + size, address};
    return memory_fetch(memory, address, room, size);
}

/* The entry whose function is the last one to start at or before the address. */
static uint64_t find_entry(const struct memory *memory, const struct module *module,
                           uint64_t address)
{
    const uint64_t table = module->unwind_table;
    struct {
        unsigned char version, pointer_encoding, count_encoding, table_encoding;
        int32_t pointer;
        uint32_t count;
    } header;
    int32_t pair[2];

    if (!table || memory_fetch(memory, table, &header, sizeof header) != 0 ||
        header.version != 1 || header.pointer_encoding != PC_RELATIVE_SDATA4 ||
        header.count_encoding != UDATA4 || header.table_encoding != TABLE_RELATIVE_SDATA4)
        return 0;
    uint64_t low = 0, high = header.count;
    while (low < high) {
        const uint64_t middle = low + (high - low) / 2;
        const uint64_t place = table + sizeof header + middle * sizeof pair;
        if (memory_fetch(memory, place, pair, sizeof pair) != 0)
            return 0;
        if (table + (uint64_t)(int64_t)pair[0] <= address)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == 0 || memory_fetch(memory, table + sizeof header + (low - 1) * sizeof pair, pair,
                                 sizeof pair) != 0)
        return 0;
    return table + (uint64_t)(int64_t)pair[1];
}

/* The part that several functions share. Says whether entries have augmentation data. */
static int parse_common(struct bytes cie, struct description *found, int *augmented)
{
    char augmentation[8] = "";
    size_t length = 0;

    if (take(&cie, 4) != 0)
        return -1;
    const uint64_t version = take(&cie, 1);
    if (version != 1 && version != 3)
        return -1;
    while ((augmentation[length] = (char)take(&cie, 1)))
        if (++length == sizeof augmentation)
            return -1;
    found->code_factor = take_leb(&cie, 0);
    found->data_factor = (int64_t)take_leb(&cie, 1);
    if ((version == 1 ? take(&cie, 1) : take_leb(&cie, 0)) != REG_PC)
        return -1;
    *augmented = augmentation[0] == 'z';
    if (!*augmented)
        return -1;
    const uint64_t size = take_leb(&cie, 0);
    struct bytes data = part(&cie, size);
    for (const char *letter = augmentation + 1; *letter; letter++) {
        if (*letter == 'R' && take(&data, 1) != PC_RELATIVE_SDATA4)
            return -1;
        if (*letter == 'L')
            take(&data, 1);
        /* The personality: an encoding, and a pointer of 4 bytes or (absolute) 8. */
        if (*letter == 'P')
            take(&data, (take(&data, 1) & 0x0f) == 0 ? 8 : 4);
    }
    found->initial = cie;
    return 0;
}

static int describe(const struct memory *memory, const struct module *module, uint64_t address,
                    struct description *found)
{
    static unsigned char fde_room[ENTRY_LIMIT], cie_room[ENTRY_LIMIT];
    struct bytes fde, cie;
    int augmented;
    const uint64_t entry = find_entry(memory, module, address);

    if (!entry || load(memory, entry, fde_room, &fde) != 0)
        return -1;
    const uint64_t place = fde.address;
    const uint64_t distance = take(&fde, 4);
    if (!distance || load(memory, place - distance, cie_room, &cie) != 0 ||
        parse_common(cie, found, &augmented) != 0)
        return -1;
    const uint64_t start = fde.address;
    found->start = start + (uint64_t)take_signed4(&fde);
    found->size = take(&fde, 4);
    const uint64_t skipped = take_leb(&fde, 0);
    part(&fde, skipped);
    found->own = fde;
    return address >= found->start && address - found->start < found->size ? 0 : -1;
}

static int is_register(uint64_t number)
{
    return number < REG_COUNT;
}

static void save(struct rules *rules, uint64_t number, int64_t offset)
{
    if (!is_register(number))
        return;
    rules->offset[number] = offset;
    rules->saved |= 1u << number;
    rules->lost &= ~(1u << number);
}

static void restore(struct rules *rules, const struct rules *initial, uint64_t number)
{
    if (!is_register(number))
        return;
    const uint32_t bit = 1u << number;
    rules->offset[number] = initial->offset[number];
    rules->saved = (rules->saved & ~bit) | (initial->saved & bit);
    rules->lost = (rules->lost & ~bit) | (initial->lost & bit);
}

/* The instructions that say how the CFA is found, and the registers' less usual ones. */
static int obey_rest(struct rules *rules, const struct rules *initial, unsigned operation,
                     const struct description *function, struct bytes *code)
{
    uint64_t number;

    switch (operation) {
    case 0x00: /* nop */
        return 0;
    case 0x05: /* offset_extended */
        number = take_leb(code, 0);
        save(rules, number, (int64_t)take_leb(code, 0) * function->data_factor);
        return 0;
    case 0x06: /* restore_extended */
        restore(rules, initial, take_leb(code, 0));
        return 0;
    case 0x07: /* undefined */
    case 0x08: /* same_value */
        number = take_leb(code, 0);
        if (!is_register(number))
            return 0;
        rules->saved &= ~(1u << number);
        rules->lost = (rules->lost & ~(1u << number)) | (uint32_t)(operation == 7) << number;
        return 0;
    case 0x0c: /* def_cfa */
        rules->base = (unsigned)take_leb(code, 0);
        rules->base_offset = (int64_t)take_leb(code, 0);
        return 0;
    case 0x0d: /* def_cfa_register */
        rules->base = (unsigned)take_leb(code, 0);
        return 0;
    case 0x0e: /* def_cfa_offset */
        rules->base_offset = (int64_t)take_leb(code, 0);
        return 0;
    case 0x2e: /* GNU_args_size */
        take_leb(code, 0);
        return 0;
    default:
        return -1;
    }
}

/* Runs the instructions that hold up to the address. */
static int obey(struct rules *rules, const struct rules *initial,
                const struct description *function, struct bytes code, uint64_t address)
{
    struct rules states[STATE_LIMIT];
    size_t depth = 0;
    uint64_t place = function->start;

    while (code.next < code.end && place <= address) {
        const unsigned byte = (unsigned)take(&code, 1);
        const unsigned low = byte & 0x3f;
        if (byte >> 6 == 1)
            place += low * function->code_factor;
        else if (byte >> 6 == 2)
            save(rules, low, (int64_t)take_leb(&code, 0) * function->data_factor);
        else if (byte >> 6 == 3)
            restore(rules, initial, low);
        else if (byte >= 0x02 && byte <= 0x04)
            place += take(&code, (size_t)1 << (byte - 2)) * function->code_factor;
        else if (byte == 0x0a && depth < STATE_LIMIT)
            states[depth++] = *rules;
        else if (byte == 0x0b && depth > 0)
            *rules = states[--depth];
        else if (obey_rest(rules, initial, byte, function, &code) != 0)
            return -1;
    }
    return 0;
}

int table_covers(const struct memory *memory, const struct module *module, uint64_t address)
{
    struct description function;
    return describe(memory, module, address, &function) == 0;
}

int table_step(const struct memory *memory, const struct module *module, struct frame *frame)
{
    static const struct rules nothing;
    struct description function;
    struct rules initial = nothing, rules;
    const uint64_t address = frame_address(frame);

    if (describe(memory, module, address, &function) != 0 ||
        obey(&initial, &nothing, &function, function.initial, function.start) != 0)
        return -1;
    rules = initial;
    if (obey(&rules, &initial, &function, function.own, address) != 0 ||
        !is_register(rules.base) || !(frame->known & 1u << rules.base) ||
        !(rules.saved & 1u << REG_PC))
        return -1;
    struct frame caller = *frame;
    const uint64_t cfa = frame->value[rules.base] + (uint64_t)rules.base_offset;
    for (unsigned i = 0; i < REG_COUNT; i++) {
        const uint64_t slot = cfa + (uint64_t)rules.offset[i];
        if (!(rules.saved & 1u << i))
            continue;
        if (memory_fetch(memory, slot, &caller.value[i], sizeof caller.value[i]) != 0)
            return -1;
        caller.known |= 1u << i;
    }
    caller.known &= ~rules.lost;
    caller.value[REG_SP] = cfa;
    caller.known |= 1u << REG_SP;
    *frame = caller;
    return 0;
}
