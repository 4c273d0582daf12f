/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Backtraces. Programs have unwind tables for what their packages compiled; musl's own functions
 * have neither tables nor frame pointers, and are read instead. See unwind_table.c, unwind_code.c.
 */
#include <elf.h>
#include <string.h>

#include "unwind.h"

#define PAGE 4096u
#define SEGMENT_LIMIT 64

/* Each frame is above the one it called, and a program's stack is no larger than this. */
#define FRAME_LIMIT (UINT64_C(1) << 30)

int module_at(const struct memory *memory, uint64_t address, const char *name,
              struct module *module)
{
    Elf64_Ehdr header;
    Elf64_Phdr segment;
    int based = 0;

    memset(module, 0, sizeof *module);
    module->name = name;
    if (address % PAGE || memory_fetch(memory, address, &header, sizeof header) != 0 ||
        memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 || header.e_phnum > SEGMENT_LIMIT)
        return -1;
    for (unsigned i = 0; i < header.e_phnum; i++) {
        const uint64_t place = address + header.e_phoff + i * sizeof segment;
        if (memory_fetch(memory, place, &segment, sizeof segment) != 0)
            return -1;
        if (segment.p_type == PT_GNU_EH_FRAME)
            module->unwind_table = segment.p_vaddr;
        if (segment.p_type != PT_LOAD)
            continue;
        if (segment.p_offset == 0) {
            module->bias = address - segment.p_vaddr;
            based = 1;
        }
        if (!(segment.p_flags & PF_X))
            continue;
        if (module->code_end == 0)
            module->code_start = segment.p_vaddr;
        module->code_end = segment.p_vaddr + segment.p_memsz;
    }
    module->code_start += module->bias;
    module->code_end += module->bias;
    module->entry = header.e_entry + module->bias;
    if (module->unwind_table)
        module->unwind_table += module->bias;
    return based && module->code_start < module->code_end ? 0 : -1;
}

const struct module *module_of(const struct modules *modules, uint64_t address)
{
    for (size_t i = 0; i < modules->count; i++)
        if (address >= modules->of[i].code_start && address < modules->of[i].code_end)
            return &modules->of[i];
    return NULL;
}

struct frame frame_of(const struct user_regs_struct *registers)
{
    return (struct frame){
        .value = {registers->rax, registers->rdx, registers->rcx, registers->rbx, registers->rsi,
                  registers->rdi, registers->rbp, registers->rsp, registers->r8, registers->r9,
                  registers->r10, registers->r11, registers->r12, registers->r13, registers->r14,
                  registers->r15, registers->rip},
        .known = (1u << REG_COUNT) - 1,
        .exact = 1,
    };
}

uint64_t frame_address(const struct frame *frame)
{
    return frame->value[REG_PC] - (frame->exact ? 0 : 1);
}

/* The code that the kernel lets a signal handler return to: it asks for what was before. */
static int is_signal_return(const struct memory *memory, uint64_t pc)
{
    static const unsigned char with_eax[] = {0xb8, 15, 0, 0, 0, 0x0f, 0x05};
    static const unsigned char with_rax[] = {0x48, 0xc7, 0xc0, 15, 0, 0, 0, 0x0f, 0x05};
    unsigned char code[sizeof with_rax];

    return memory_fetch(memory, pc, code, sizeof code) == 0 &&
           (memcmp(code, with_eax, sizeof with_eax) == 0 ||
            memcmp(code, with_rax, sizeof with_rax) == 0);
}

/* struct rt_sigframe without its return address is a struct ucontext (arch/x86, asm/sigframe.h). */
static int signal_step(const struct memory *memory, struct frame *frame)
{
    /* The order in struct sigcontext_64: r8 to r15, di, si, bp, bx, dx, ax, cx, sp, ip. */
    static const unsigned char order[REG_COUNT] = {8, 9, 10, 11, 12, 13, 14, 15, 5,
                                                   4, 6, 3,  1,  0,  2,  7,  16};
    uint64_t saved[REG_COUNT];

    if (memory_fetch(memory, frame->value[REG_SP] + 40, saved, sizeof saved) != 0)
        return -1;
    for (size_t i = 0; i < REG_COUNT; i++)
        frame->value[order[i]] = saved[i];
    frame->known = (1u << REG_COUNT) - 1;
    frame->exact = 1;
    return 0;
}

/* What musl's clone() does with the result of a thread: exit. Nothing is above it. */
static int is_thread_start(const struct memory *memory, uint64_t pc)
{
    static const unsigned char ending[] = {0x89, 0xc7, 0x31, 0xc0, 0xb0, 60, 0x0f, 0x05, 0xf4};
    unsigned char code[sizeof ending];

    return memory_fetch(memory, pc, code, sizeof code) == 0 &&
           memcmp(code, ending, sizeof ending) == 0;
}

/* A function pointer that was no function: the caller's next instruction is on the stack. */
static int leave_nowhere(const struct memory *memory, const struct modules *modules,
                         struct frame *frame)
{
    uint64_t back;

    if (!frame->exact || memory_fetch(memory, frame->value[REG_SP], &back, sizeof back) != 0 ||
        !module_of(modules, back))
        return -1;
    frame->value[REG_SP] += sizeof back;
    frame->value[REG_PC] = back;
    frame->exact = 0;
    return 0;
}

/* The first code of a program calls the rest: nothing is above it. */
static int is_start(const struct module *module, uint64_t pc)
{
    return pc >= module->entry && pc - module->entry < 64;
}

int unwind_step(const struct memory *memory, const struct modules *modules, struct frame *frame)
{
    const struct module *module = module_of(modules, frame_address(frame));
    const uint64_t stack = frame->value[REG_SP];

    if (!(frame->known & 1u << REG_SP))
        return -1;
    if (is_signal_return(memory, frame->value[REG_PC]))
        return signal_step(memory, frame);
    if (!module)
        return leave_nowhere(memory, modules, frame);
    if (is_start(module, frame->value[REG_PC]) || is_thread_start(memory, frame->value[REG_PC]))
        return -1;
    frame->guessed = 0;
    if (table_step(memory, module, frame) != 0 && code_step(memory, module, frame) != 0)
        return -1;
    /* No call is before the code that a handler returns to. */
    frame->exact = is_signal_return(memory, frame->value[REG_PC]);
    /* Otherwise a damaged stack could lead in circles. */
    return frame->value[REG_SP] > stack && frame->value[REG_SP] - stack < FRAME_LIMIT ? 0 : -1;
}
