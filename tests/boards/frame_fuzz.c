/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Handlers' frames: made and loaded again they change nothing; damaged by the program, they load
 * nothing that a program may not have, and nothing that the processor refuses: it is this one here.
 *
 *     frame_fuzz SEED ROUNDS
 */
#include <cpuid.h>
#include <stdio.h>
#include <stdlib.h>

#include "cpu.h"
#include "memory.h"
#include "program.h"
#include "panic_shim.h"

#define STACK_BYTES 65536u
#define RED_ZONE 128u
#define FLOATS_MOST 8192u
#define FLAGS_FREE 0x50dd5u
/* x87, SSE and AVX; the rest of this process' state stays out of it. */
#define COMPONENTS 7u
#define LEGACY_HEADER 512u
#define FRAME_FLAGS 8u
#define FRAME_RIP 176u
#define FRAME_FLOATS 232u

uint32_t thread_floats_size;
static struct thread thread;
struct thread *thread_current = &thread;

static _Alignas(4096) char stack[STACK_BYTES];
static _Alignas(64) char state[FLOATS_MOST], loaded[FLOATS_MOST], own[FLOATS_MOST];
static char kept[FLOATS_MOST];
static uint64_t seed;

static uint64_t random_word(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed * UINT64_C(0x2545f4914f6cdd1d);
}

static void random_bytes(void *to, size_t size)
{
    for (size_t i = 0; i < size; i++)
        ((uint8_t *)to)[i] = (uint8_t)random_word();
}

bool vdso_has(uint64_t address)
{
    (void)address;
    return false;
}

/* Only the stack is the program's. */
bool copy_bytes(void *to, const void *from, size_t size)
{
    const uintptr_t base = (uintptr_t)stack, one = (uintptr_t)to, other = (uintptr_t)from;
    const uintptr_t place = one - base < STACK_BYTES ? one - base : other - base;
    if (place >= STACK_BYTES || size > STACK_BYTES - place)
        return false;
    memcpy(to, from, size);
    return true;
}

#define XSAVE(to) __asm__ volatile("xsave64 (%0)" : : "r"(to), "a"(COMPONENTS), "d"(0) : "memory")
#define XRSTOR(from)                                                                               \
    __asm__ volatile("xrstor64 (%0)" : : "r"(from), "a"(COMPONENTS), "d"(0) : "memory")

void thread_save_floats(void *floats) { memcpy(floats, state, thread_floats_size); }

void thread_load_floats(const void *floats)
{
    XSAVE(own);
    XRSTOR(floats);
    XSAVE(loaded);
    XRSTOR(own);
}

/* What a program may have in its registers; x87's own, and the upper halves. */
static void random_state(void)
{
    const uint32_t control = 0x1f80;
    memset(state, 0, sizeof state);
    random_bytes(state + 160, 256);
    memcpy(state + 24, &control, sizeof control);
    state[0] = 0x7f;
    state[1] = 0x03;
    state[LEGACY_HEADER] = random_word() & COMPONENTS;
}

static void random_registers(struct registers *r)
{
    random_bytes(r, sizeof *r);
    r->error = random_word() % 2 ? REGISTERS_CALL : 0;
    r->number %= 300;
    r->cs = CPU_CODE_SELECTOR;
    r->ss = CPU_DATA_SELECTOR;
    r->flags = (r->flags & FLAGS_FREE) | CPU_FLAG_INTERRUPT | 2;
    r->rip %= MEMORY_PROGRAMS_END;
    const uint64_t offset = random_word() % (STACK_BYTES + 8192);
    r->rsp = random_word() % 16 ? (uintptr_t)stack + offset : random_word() % 300;
}

static bool same_registers(struct registers one, const struct registers *other)
{
    one.error = other->error;
    return memcmp(&one, other, sizeof one) == 0;
}

static void check_loaded(const struct registers *before, const struct registers *r)
{
    BASE_ASSERT(r->cs == CPU_CODE_SELECTOR && r->ss == CPU_DATA_SELECTOR && r->error == 0);
    BASE_ASSERT((r->flags & ~(uint64_t)FLAGS_FREE) == (before->flags & ~(uint64_t)FLAGS_FREE));
    BASE_ASSERT(r->rip < MEMORY_PROGRAMS_END && r->rsp <= MEMORY_PROGRAMS_END);
    BASE_ASSERT(!(thread.blocked & SIGNALS_NEVER_BLOCKED));
}

/* Words of the frame and of the floats behind it, some of them where it matters. */
static void damage(uint64_t frame)
{
    static const unsigned places[] = {FRAME_FLAGS, FRAME_RIP, FRAME_FLOATS};
    const uint64_t end = (uintptr_t)stack + STACK_BYTES;
    for (uint64_t times = 1 + random_word() % 8; times; times--) {
        const uint64_t where = random_word() % 4 ? random_word() % 3000 : places[random_word() % 3];
        const uint64_t value = random_word() % 3 ? random_word() : (uint64_t)-(random_word() % 2);
        if (frame + where + sizeof value <= end)
            memcpy((char *)(uintptr_t)frame + where, &value, sizeof value);
    }
    const uint64_t size = random_word() % 4 ? 0 : random_word() % 4000;
    random_bytes((char *)(uintptr_t)frame, MIN(end - frame, size));
}

static void check_made(const struct registers *before, const struct registers *r,
                       bool on_signal_stack)
{
    const uint64_t base = (uintptr_t)stack;
    BASE_ASSERT(r->rsp >= base && r->rsp % 16 == 8 && r->error == 0);
    BASE_ASSERT(!(r->flags & (CPU_FLAG_TRAP | CPU_FLAG_DIRECTION)));
    if (on_signal_stack)
        BASE_ASSERT(r->rsp > thread.signal_stack);
    else
        BASE_ASSERT(r->rdx < before->rsp - RED_ZONE && r->rsp < before->rsp);
}

static bool round_once(void)
{
    struct registers before, r;
    const siginfo_t info = {.si_signo = 1 + (int)(random_word() % 64)};
    const struct signal_action action = {
        .handler = random_word() % MEMORY_PROGRAMS_END,
        .flags = 0x04000000 | (random_word() % 2 ? SA_ONSTACK : 0),
        .restorer = random_word(),
    };
    const uint64_t blocked = random_word() & ~SIGNALS_NEVER_BLOCKED;
    random_registers(&before);
    random_state();
    thread.signal_stack = random_word() % 3 ? 0 : (uintptr_t)stack + random_word() % 40000;
    thread.signal_stack_size = thread.signal_stack ? SIGNAL_STACK_LEAST + random_word() % 20000 : 0;
    const bool changes =
        (action.flags & SA_ONSTACK) && signal_stack_state(&thread, before.rsp) == 0;
    char red_zone[RED_ZONE];
    const bool has_red_zone = copy_in(red_zone, before.rsp - RED_ZONE, RED_ZONE);
    r = before;
    if (!signal_frame_make(&r, &action, &info, blocked))
        return false;
    check_made(&before, &r, changes);
    BASE_ASSERT(changes || !has_red_zone ||
                memcmp(red_zone, (char *)(uintptr_t)before.rsp - RED_ZONE, RED_ZONE) == 0);
    const bool damaged = random_word() % 4;
    if (damaged)
        damage(r.rsp);
    memcpy(kept, state, sizeof kept);
    struct registers end = r;
    end.rsp += 8; /* the handler's return */
    struct registers back = end;
    if (!signal_frame_load(&back)) {
        BASE_ASSERT(damaged);
        return true;
    }
    check_loaded(&end, &back);
    if (damaged)
        return true;
    BASE_ASSERT(same_registers(back, &before));
    BASE_ASSERT(thread.blocked == blocked);
    BASE_ASSERT((kept[LEGACY_HEADER] & 2) == 0 || memcmp(loaded + 160, kept + 160, 256) == 0);
    return true;
}

int main(int count, char **words)
{
    unsigned a, b, c, d, made = 0;
    if (count != 3 || !__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_OSXSAVE))
        return 2;
    __get_cpuid_count(13, 0, &a, &b, &c, &d);
    thread_floats_size = b;
    if (thread_floats_size > FLOATS_MOST)
        return 2;
    thread.floats = aligned_alloc(64, FLOATS_MOST);
    seed = strtoull(words[1], NULL, 10) * 2 + 1;
    const unsigned rounds = (unsigned)strtoul(words[2], NULL, 10);
    for (unsigned i = 0; i < rounds; i++)
        made += round_once();
    free(thread.floats);
    BASE_ASSERT(made > rounds / 2);
    return 0;
}
