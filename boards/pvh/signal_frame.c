/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a signal handler finds on its stack, and what becomes of it when the handler returns: laid
 * out as Linux does for x86-64, since programs read and change it.
 */
#include "cpu.h"
#include "memory.h"
#include "program.h"

/* In uc_flags: there is state behind the first 512 bytes; ss is saved. */
#define UC_EXTENDED_FLOATS 1u
#define UC_STACK_SEGMENT 2u

#define MAGIC_SOFTWARE 0x46505853u
#define MAGIC_END 0x46505845u

/* FXSAVE's area, which XSAVE's begins with; x87 and SSE. */
#define LEGACY_SIZE 512u
#define FEATURES_LEGACY 3u

#define HAS_RESTORER 0x04000000u
#define RED_ZONE 128u
/* Carry, parity, adjust, zero, sign, trap, direction, overflow, resume, alignment check. */
#define FLAGS_OF_PROGRAM 0x50dd5u
#define FLAG_RESUME 0x10000u
#define EXCEPTIONS 32u

struct legacy_floats {
    uint8_t other[24];
    uint32_t control, control_mask;
    uint8_t values[LEGACY_SIZE - 32 - 48];
    struct {
        uint32_t magic, extended_size;
        uint64_t features;
        uint32_t size, padding[7];
    } software;
};
_Static_assert(sizeof(struct legacy_floats) == LEGACY_SIZE, "as FXSAVE writes it");

struct extended_floats {
    struct legacy_floats legacy;
    uint64_t features, compacted, reserved[6];
};

struct frame {
    uint64_t restorer;
    uint64_t flags, link;
    uint64_t stack_start;
    int32_t stack_state, padding;
    uint64_t stack_size;
    uint64_t r8, r9, r10, r11, r12, r13, r14, r15, rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip;
    uint64_t processor_flags;
    uint16_t cs, gs, fs, ss;
    uint64_t error, number, old_mask, address, floats, reserved[8];
    uint64_t blocked;
    siginfo_t info;
};
_Static_assert(sizeof(struct frame) == 440, "as Linux has it");

/* The components of floating point state that XSAVE knows here; 0: there is FXSAVE only. */
static uint64_t float_features(void)
{
    uint32_t low, high;
    if (thread_floats_size == LEGACY_SIZE)
        return 0;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (uint64_t)high << 32 | low;
}

/* thread->floats is free for this use while the thread runs. */
static bool floats_out(uint64_t address)
{
    const uint64_t features = float_features();
    const uint32_t size = thread_floats_size, end = MAGIC_END;
    struct extended_floats *floats = thread_current->floats;
    thread_save_floats(floats);
    memset(&floats->legacy.software, 0, sizeof floats->legacy.software);
    if (features) {
        floats->legacy.software.magic = MAGIC_SOFTWARE;
        floats->legacy.software.extended_size = size + (uint32_t)sizeof end;
        floats->legacy.software.features = features;
        floats->legacy.software.size = size;
    }
    return copy_out(address, floats, size) &&
           (!features || copy_out(address + size, &end, sizeof end));
}

/* Whether what the program's frame has behind FXSAVE's part is what floats_out had put there. */
static bool has_extended(uint64_t address, const struct legacy_floats *legacy, uint32_t size)
{
    uint32_t end;
    return legacy->software.magic == MAGIC_SOFTWARE && legacy->software.size == size &&
           copy_in(&end, address + size, sizeof end) && end == MAGIC_END;
}

/* Only what the processor takes without a fault. */
static bool floats_in(uint64_t address)
{
    const uint64_t features = float_features();
    const uint32_t size = thread_floats_size;
    struct extended_floats *floats = thread_current->floats;
    thread_save_floats(floats);
    const uint32_t mask = floats->legacy.control_mask ? floats->legacy.control_mask : 0xffbf;

    if (!copy_in(&floats->legacy, address, sizeof floats->legacy))
        return false;
    if (features) {
        const bool extended = has_extended(address, &floats->legacy, size);
        if (extended &&
            !copy_in(&floats->features, address + LEGACY_SIZE, size - LEGACY_SIZE))
            return false;
        if (!extended)
            floats->features = FEATURES_LEGACY;
        floats->features &= features;
        floats->compacted = 0;
        memset(floats->reserved, 0, sizeof floats->reserved);
    }
    floats->legacy.control &= mask;
    thread_load_floats(floats);
    return true;
}

/* As a thread begins. */
static void floats_reset(void)
{
    const uint64_t features = float_features();
    struct extended_floats *floats = thread_current->floats;
    memset(floats, 0, features ? sizeof *floats : sizeof floats->legacy);
    floats->legacy.control = 0x1f80;
    floats->legacy.other[0] = 0x7f;
    floats->legacy.other[1] = 0x03;
    if (features)
        floats->features = FEATURES_LEGACY & features;
    thread_load_floats(floats);
}

int signal_stack_state(const struct thread *thread, uint64_t stack_pointer)
{
    if (thread->signal_stack_size == 0)
        return SS_DISABLE;
    return stack_pointer > thread->signal_stack &&
                   stack_pointer - thread->signal_stack <= thread->signal_stack_size
               ? SS_ONSTACK
               : 0;
}

static void fill(struct frame *frame, const struct registers *r, const siginfo_t *info)
{
    const struct thread *thread = thread_current;
    const bool fault = r->error != REGISTERS_CALL && r->number < EXCEPTIONS && info->si_code > 0;
    frame->stack_start = thread->signal_stack;
    frame->stack_state = thread->signal_stack_size == 0 ? SS_DISABLE : 0;
    frame->stack_size = thread->signal_stack_size;
    frame->r8 = r->r8, frame->r9 = r->r9, frame->r10 = r->r10, frame->r11 = r->r11;
    frame->r12 = r->r12, frame->r13 = r->r13, frame->r14 = r->r14, frame->r15 = r->r15;
    frame->rdi = r->rdi, frame->rsi = r->rsi, frame->rbp = r->rbp, frame->rbx = r->rbx;
    frame->rdx = r->rdx, frame->rax = r->rax, frame->rcx = r->rcx, frame->rsp = r->rsp;
    frame->rip = r->rip, frame->processor_flags = r->flags;
    frame->cs = (uint16_t)r->cs, frame->ss = (uint16_t)r->ss;
    if (fault) {
        frame->error = r->error;
        frame->number = r->number;
        frame->address = (uintptr_t)info->si_addr;
    }
    frame->info = *info;
}

bool signal_frame_make(struct registers *registers, const struct signal_action *action,
                       const siginfo_t *info, uint64_t blocked)
{
    const struct thread *thread = thread_current;
    const uint64_t features = float_features();
    const uint32_t float_bytes = thread_floats_size + (features ? 4 : 0);
    const int state = signal_stack_state(thread, registers->rsp);
    const bool change_stack = (action->flags & SA_ONSTACK) && state == 0;
    const uint64_t top =
        change_stack ? thread->signal_stack + thread->signal_stack_size : registers->rsp - RED_ZONE;
    const uint64_t floats = round_down(top - float_bytes, 64);
    const uint64_t address = round_down(floats - sizeof(struct frame), 16) - 8;
    struct frame frame = {
        .restorer = action->restorer,
        .flags = UC_STACK_SEGMENT | (features ? UC_EXTENDED_FLOATS : 0),
        .floats = floats,
        .blocked = blocked,
        .old_mask = blocked,
    };

    /* Also where it went below an end of the address space. */
    if (address >= top || action->handler >= MEMORY_PROGRAMS_END ||
        !(action->flags & HAS_RESTORER) ||
        ((change_stack || state == SS_ONSTACK) && address <= thread->signal_stack))
        return false;
    fill(&frame, registers, info);
    if (!floats_out(floats) || !copy_out(address, &frame, sizeof frame))
        return false;
    floats_reset();
    registers->rdi = (uint64_t)info->si_signo;
    registers->rsi = address + offsetof(struct frame, info);
    registers->rdx = address + offsetof(struct frame, flags);
    registers->rax = 0;
    registers->rip = action->handler;
    registers->rsp = address;
    registers->flags &= ~(uint64_t)(CPU_FLAG_TRAP | CPU_FLAG_DIRECTION | FLAG_RESUME);
    registers->error = 0;
    return true;
}

/* As sigaltstack does: what the handler was told, it may have changed. */
static void take_signal_stack(const struct frame *frame)
{
    struct thread *thread = thread_current;
    if (signal_stack_state(thread, frame->rsp) == SS_ONSTACK)
        return;
    const bool none = frame->stack_state & SS_DISABLE;
    if (!none && frame->stack_size < SIGNAL_STACK_LEAST)
        return;
    thread->signal_stack = none ? 0 : frame->stack_start;
    thread->signal_stack_size = none ? 0 : frame->stack_size;
}

bool signal_frame_load(struct registers *registers)
{
    struct frame f;
    struct registers *r = registers;
    r->error = 0;
    if (!copy_in(&f, r->rsp - 8, sizeof f) || f.rsp > MEMORY_PROGRAMS_END)
        return false;
    if (f.rip >= MEMORY_PROGRAMS_END && !vdso_has(f.rip))
        return false;
    if (f.floats == 0)
        floats_reset();
    else if (!floats_in(f.floats))
        return false;
    r->r8 = f.r8, r->r9 = f.r9, r->r10 = f.r10, r->r11 = f.r11;
    r->r12 = f.r12, r->r13 = f.r13, r->r14 = f.r14, r->r15 = f.r15;
    r->rdi = f.rdi, r->rsi = f.rsi, r->rbp = f.rbp, r->rbx = f.rbx;
    r->rdx = f.rdx, r->rax = f.rax, r->rcx = f.rcx, r->rsp = f.rsp, r->rip = f.rip;
    r->flags = (r->flags & ~(uint64_t)FLAGS_OF_PROGRAM) | (f.processor_flags & FLAGS_OF_PROGRAM);
    thread_current->blocked = f.blocked & ~SIGNALS_NEVER_BLOCKED;
    take_signal_stack(&f);
    return true;
}
