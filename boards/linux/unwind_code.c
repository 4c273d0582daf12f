/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Unwinding through functions that have no unwind table, such as musl's: a word on the stack is
 * the return address where it follows a call of a function that, read from its start to where it
 * is now, has put exactly as much on the stack as is below that word.
 *
 * Where no word passes (the function was called through a pointer, say), the most likely one is
 * taken, and marked as a guess.
 */
#include <string.h>

#include "instruction.h"
#include "unwind.h"

/* How far up the stack to look: vfprintf's frame, the largest of musl, has 8 KiB. */
#define STACK_WORDS 2048u
/* How long a function may be. */
#define CODE_LIMIT 16384u
#define JUMP_LIMIT 64
/* How far a function's jump to another one may be from its start. */
#define TAIL_LIMIT 64

/* Depths that are none: no way leads here; the frame's address is known by %rbp only. */
#define UNREACHED INT64_MIN
#define BY_POINTER INT64_MAX

/* What a function has done to the stack by the time it is at a certain instruction. */
struct effect {
    int64_t depth;   /* from the stack pointer to the frame's address (CFA) */
    int64_t pointer; /* from %rbp to the CFA, where %rbp is a frame pointer; else 0 */
    int64_t saved[REG_COUNT]; /* how far below the CFA a register was pushed; 0: it was not */
};

struct jump {
    uint64_t target;
    int64_t depth;
};

struct walk {
    struct effect effect;
    struct jump jumps[JUMP_LIMIT];
    size_t jump_count;
    int64_t deepest;
};

/* What jumps here had on the stack; otherwise as much as there ever was. */
static int64_t depth_at(const struct walk *walk, uint64_t address)
{
    for (size_t i = 0; i < walk->jump_count; i++)
        if (walk->jumps[i].target == address)
            return walk->jumps[i].depth;
    return walk->deepest;
}

static int apply(struct walk *walk, const struct instruction *found, uint64_t next)
{
    struct effect *effect = &walk->effect;

    switch (found->kind) {
    case OTHER:
        return 0;
    case UNKNOWN_STACK_POINTER:
        if (!effect->pointer)
            return -1;
        effect->depth = BY_POINTER;
        return 0;
    case PUSH:
        if (effect->depth == BY_POINTER)
            return 0;
        effect->depth += 8;
        if (found->reg < REG_COUNT && !effect->saved[found->reg])
            effect->saved[found->reg] = effect->depth;
        break;
    case ADD_TO_STACK_POINTER:
        if (effect->depth == BY_POINTER)
            return 0;
        effect->depth -= found->value;
        break;
    case SET_FRAME_POINTER:
        if (effect->depth == BY_POINTER)
            return -1;
        effect->pointer = effect->depth;
        break;
    case LEAVE:
        if (!effect->pointer)
            return -1;
        effect->depth = effect->pointer - 8;
        break;
    case JUMP:
    case BRANCH:
        if (walk->jump_count < JUMP_LIMIT)
            walk->jumps[walk->jump_count++] =
                (struct jump){next + (uint64_t)found->value, effect->depth};
        if (found->kind == JUMP)
            effect->depth = UNREACHED;
        return 0;
    case END:
        effect->depth = UNREACHED;
        return 0;
    default:
        return -1;
    }
    if (effect->depth > walk->deepest)
        walk->deepest = effect->depth;
    return 0;
}

/* What the function at start has done by the time it is at the address; -1: not to be told. */
static int follow(const struct memory *memory, uint64_t start, uint64_t address,
                  struct effect *effect)
{
    static unsigned char code[CODE_LIMIT];
    static struct walk walk;
    const size_t length = (size_t)(address - start);
    size_t position = 0;

    if (memory_fetch(memory, start, code, length) != 0)
        return -1;
    /* The call has put the return address there. */
    walk = (struct walk){.effect.depth = 8, .deepest = 8};
    while (position < length) {
        struct instruction found;
        if (walk.effect.depth == UNREACHED)
            walk.effect.depth = depth_at(&walk, start + position);
        const size_t size = instruction_read(code + position, length - position, &found);
        if (size == 0 || apply(&walk, &found, start + position + size) != 0)
            return -1;
        position += size;
    }
    if (walk.effect.depth == UNREACHED)
        walk.effect.depth = depth_at(&walk, address);
    *effect = walk.effect;
    return 0;
}

/* Where the function at start goes at once, with the stack as it was; itself where it does not. */
static uint64_t tail_of(const struct memory *memory, uint64_t start)
{
    unsigned char code[TAIL_LIMIT];
    struct instruction found;
    size_t position = 0;

    if (memory_fetch(memory, start, code, sizeof code) != 0)
        return start;
    do {
        const size_t size = instruction_read(code + position, sizeof code - position, &found);
        if (size == 0)
            return start;
        position += size;
    } while (found.kind == OTHER);
    return found.kind == JUMP ? start + position + (uint64_t)found.value : start;
}

/* Whether the function called at target is the one that is at the address now. */
static int is_own(const struct memory *memory, const struct module *module, uint64_t target,
                  uint64_t address)
{
    return target <= address && address - target < CODE_LIMIT &&
           !table_covers(memory, module, target);
}

enum call { NO_CALL, CALL_BY_POINTER, DIRECT_CALL };

/* The instruction that the word follows; target is what a direct call calls. */
static enum call call_before(const struct memory *memory, const struct module *module,
                             uint64_t word, uint64_t *target)
{
    unsigned char code[7];
    int32_t distance;

    if (word < module->code_start + sizeof code || word > module->code_end ||
        memory_fetch(memory, word - sizeof code, code, sizeof code) != 0)
        return NO_CALL;
    memcpy(&distance, code + 3, sizeof distance);
    *target = word + (uint64_t)(int64_t)distance;
    if (code[2] == 0xe8 && *target >= module->code_start && *target < module->code_end)
        return DIRECT_CALL;
    /* call *register, *(register), *d(register), *d(%rip): ff /2 of 2, 3, 6 or 7 bytes. */
    for (size_t i = 0; i < 6; i++)
        if (code[i] == 0xff && (code[i + 1] & 0x38) == 0x10 &&
            instruction_read(code + i, sizeof code - i, &(struct instruction){0}) ==
                sizeof code - i)
            return CALL_BY_POINTER;
    return NO_CALL;
}

/* The caller's registers, the return address being at slot. */
static void leave(const struct memory *memory, struct frame *frame, uint64_t slot, uint64_t word,
                  const struct effect *effect)
{
    static const unsigned char kept[] = {REG_BX, REG_BP, 12, 13, 14, 15};

    frame->guessed = !effect;
    for (size_t i = 0; i < sizeof kept; i++) {
        uint64_t value;
        const int64_t below = effect ? effect->saved[kept[i]] : 0;
        if (effect && !below)
            continue;
        frame->known &= ~(1u << kept[i]);
        if (!effect ||
            memory_fetch(memory, slot + 8 - (uint64_t)below, &value, sizeof value) != 0)
            continue;
        frame->value[kept[i]] = value;
        frame->known |= 1u << kept[i];
    }
    frame->value[REG_PC] = word;
    frame->value[REG_SP] = slot + sizeof word;
    frame->known |= 1u << REG_SP | 1u << REG_PC;
}

/* How likely a word is the return address; of several, the last one is the best. */
enum likeness { UNLIKE, AFTER_ANOTHERS_CALL, AFTER_SOME_CALL, AFTER_ITS_CALL, PROVEN };

struct candidate {
    enum likeness likeness;
    uint64_t slot, word, target;
    struct effect effect; /* where it is proven */
};

/* The frame's address (CFA); 0 where it is not known. */
static uint64_t frame_base(const struct frame *frame, const struct effect *effect)
{
    if (effect->depth != BY_POINTER)
        return frame->value[REG_SP] + (uint64_t)effect->depth;
    return frame->known & 1u << REG_BP ? frame->value[REG_BP] + (uint64_t)effect->pointer : 0;
}

static void judge(const struct memory *memory, const struct module *module,
                  const struct frame *frame, struct candidate *candidate)
{
    const uint64_t address = frame->value[REG_PC];
    const enum call call = call_before(memory, module, candidate->word, &candidate->target);

    candidate->likeness = call == NO_CALL           ? UNLIKE
                          : call == CALL_BY_POINTER ? AFTER_SOME_CALL
                                                    : AFTER_ANOTHERS_CALL;
    if (call != DIRECT_CALL)
        return;
    candidate->target = tail_of(memory, candidate->target);
    if (!is_own(memory, module, candidate->target, address))
        return;
    /* Where the function can be followed, and has put something else there, it is not this one. */
    if (follow(memory, candidate->target, address, &candidate->effect) != 0)
        candidate->likeness = AFTER_ITS_CALL;
    else if (frame_base(frame, &candidate->effect) == candidate->slot + 8)
        candidate->likeness = PROVEN;
}

static int is_better(const struct candidate *next, const struct candidate *best)
{
    /* Of its own calls, that of the nearest start below: the start of another one is further. */
    if (best->likeness == AFTER_ITS_CALL && next->likeness >= AFTER_ITS_CALL)
        return next->target > best->target;
    return next->likeness > best->likeness;
}

int code_step(const struct memory *memory, const struct module *module, struct frame *frame)
{
    struct candidate best = {.likeness = UNLIKE}, next;

    for (unsigned i = 0; i < STACK_WORDS; i++) {
        next.slot = frame->value[REG_SP] + i * sizeof next.word;
        if (memory_fetch(memory, next.slot, &next.word, sizeof next.word) != 0)
            break;
        judge(memory, module, frame, &next);
        if (is_better(&next, &best))
            best = next;
        if (best.likeness == PROVEN)
            break;
    }
    if (best.likeness == UNLIKE)
        return -1;
    leave(memory, frame, best.slot, best.word, best.likeness == PROVEN ? &best.effect : NULL);
    return 0;
}
