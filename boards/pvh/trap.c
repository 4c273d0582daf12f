/* SPDX-License-Identifier: BSD-2-Clause */
/* The processor's tables, and what it reports: faults of programs, and of the base. */
#include "trap.h"

#include <signal.h>

#include "call.h"
#include "cpu.h"
#include "program.h"

#define VECTORS 256u
/* Interrupt stack table entries: faults may happen while an interrupt is seen to, and the worst
   ones at any time. */
#define STACK_FAULT 1u
#define STACK_INTERRUPT 2u
#define STACK_WORST 3u
#define GATE_INTERRUPT 0x8eu
#define GATE_PRESENT 0x80u
#define FIRST_INTERRUPT 32u
#define WORST ((1u << FAULT_NMI) | (1u << FAULT_DOUBLE) | (1u << FAULT_MACHINE))

enum {
    FAULT_DIVIDE = 0,
    FAULT_DEBUG = 1,
    FAULT_NMI = 2,
    FAULT_BREAKPOINT = 3,
    FAULT_INSTRUCTION = 6,
    FAULT_DOUBLE = 8,
    FAULT_NOT_PRESENT = 11,
    FAULT_PAGE = 14,
    FAULT_X87 = 16,
    FAULT_ALIGNMENT = 17,
    FAULT_MACHINE = 18,
    FAULT_SIMD = 19,
};
/* The baker puts this in the place of hlt, which is not forbidden here, and with which musl ends
   programs that do wrong. Linux forbids it. */
#define FAULT_HALT 0x06
#define PAGE_FAULT_WRITE 2u
#define PAGE_FAULT_EXECUTE 16u

struct gate {
    uint16_t offset_low, selector;
    uint8_t stack, kind;
    uint16_t offset_middle;
    uint32_t offset_high, reserved;
};

struct task_state {
    uint32_t reserved;
    uint64_t stacks[3], reserved_2, interrupt_stacks[7];
    uint64_t reserved_3;
    uint16_t reserved_4, ports;
} __attribute__((packed));

struct table_pointer {
    uint16_t limit;
    uint64_t table;
} __attribute__((packed));

extern char entry_vectors[], entry_call[];
extern char copy_begin[], copy_length_begin[], copy_end[], copy_failed[], copy_length_failed[];

static struct gate gates[VECTORS];
static struct task_state task;
static uint64_t descriptors[5] = {0, 0x00af9b000000ffff, 0x00cf93000000ffff};
static uint8_t stacks[3][8192] __attribute__((aligned(16)));
static uint64_t fault_address;
static enum fault_result fault_result;

static void begin_task(void)
{
    const uint64_t base = (uintptr_t)&task;
    for (size_t i = 0; i < ARRAY_SIZE(stacks); i++)
        task.interrupt_stacks[i] = (uintptr_t)(stacks[i] + sizeof stacks[i]);
    task.ports = sizeof task;
    descriptors[3] =
        (sizeof task - 1) | (base & 0xffffff) << 16 | 0x89ull << 40 | (base >> 24 & 0xff) << 56;
    descriptors[4] = base >> 32;
    const struct table_pointer pointer = {sizeof descriptors - 1, (uintptr_t)descriptors};
    __asm__ volatile("lgdt %0; ltr %w1" : : "m"(pointer), "r"(CPU_TASK_SELECTOR));
}

static void begin_gates(void)
{
    for (size_t i = 0; i < VECTORS; i++) {
        const uint64_t address = (uintptr_t)entry_vectors + i * 16;
        const bool worst = i < FIRST_INTERRUPT && (WORST >> i & 1);
        gates[i] = (struct gate){
            .offset_low = (uint16_t)address,
            .selector = CPU_CODE_SELECTOR,
            .stack = worst ? STACK_WORST : i < FIRST_INTERRUPT ? STACK_FAULT : STACK_INTERRUPT,
            .kind = GATE_INTERRUPT,
            .offset_middle = (uint16_t)(address >> 16),
            .offset_high = (uint32_t)(address >> 32),
        };
    }
    const struct table_pointer pointer = {sizeof gates - 1, (uintptr_t)gates};
    __asm__ volatile("lidt %0" : : "m"(pointer));
}

void interrupts_by_fault(void)
{
    for (size_t i = FIRST_INTERRUPT; i < VECTORS; i++)
        gates[i].kind &= (uint8_t)~GATE_PRESENT;
    gates[FAULT_NOT_PRESENT].stack = STACK_INTERRUPT;
}

void trap_begin(void)
{
    begin_task();
    begin_gates();
    cpu_write_msr(CPU_MSR_STAR, (uint64_t)CPU_CODE_SELECTOR << 32);
    cpu_write_msr(CPU_MSR_LSTAR, (uintptr_t)entry_call);
    cpu_write_msr(CPU_MSR_SYSCALL_MASK, CPU_FLAG_TRAP | CPU_FLAG_INTERRUPT | CPU_FLAG_DIRECTION |
                                            CPU_FLAG_NESTED | CPU_FLAG_ALIGNMENT);
}

bool trap_has_stack(void)
{
    const uint64_t here = (uintptr_t)__builtin_frame_address(0);
    return here >= (uintptr_t)stacks && here < (uintptr_t)stacks + sizeof stacks;
}

static _Noreturn void panic_at(const struct registers *r)
{
    panic("fault %lu (error 0x%lx, address 0x%lx) at 0x%lx, stack 0x%lx, rax 0x%lx rdi 0x%lx rsi "
          "0x%lx",
          r->number, r->error, fault_address, r->rip, r->rsp, r->rax, r->rdi, r->rsi);
}

static bool is_copy(const struct registers *registers)
{
    return registers->rip >= (uintptr_t)copy_begin && registers->rip < (uintptr_t)copy_end;
}

/* A page that is to come in, or an address that a call was given. */
static bool page_fault(struct registers *registers)
{
    fault_address = cpu_read_cr2();
    const bool by_call = is_copy(registers);
    if (!by_call && !trap_is_program(registers))
        panic_at(registers);
    fault_result = fault_address < MEMORY_PROGRAMS_END && program_current()
                       ? fault_mend(&program_current()->space, fault_address,
                                    registers->error & PAGE_FAULT_WRITE,
                                    registers->error & PAGE_FAULT_EXECUTE)
                       : FAULT_UNMAPPED;
    if (fault_result == FAULT_MENDED)
        return false;
    if (!by_call)
        return true;
    registers->rip = (uintptr_t)(registers->rip >= (uintptr_t)copy_length_begin ? copy_length_failed
                                                                                : copy_failed);
    return false;
}

bool trap_fault(struct registers *registers)
{
    if (registers->number == FAULT_PAGE)
        return page_fault(registers);
    if (registers->number == FAULT_NOT_PRESENT && interrupt_of_fault(registers))
        return trap_interrupt(registers);
    if (WORST >> registers->number & 1)
        panic_at(registers);
    fault_address = registers->rip;
    if (!trap_is_program(registers))
        panic_at(registers);
    return true;
}

static void page_fault_on(struct registers *registers)
{
    switch (fault_result) {
    case FAULT_NO_MEMORY:
        say("%s: out of memory", program_current()->name);
        program_kill(program_current(), SIGKILL);
        break;
    case FAULT_BEYOND_FILE:
        signal_fault(registers, SIGBUS, BUS_ADRERR, fault_address);
        break;
    case FAULT_FORBIDDEN:
        signal_fault(registers, SIGSEGV, SEGV_ACCERR, fault_address);
        break;
    default:
        signal_fault(registers, SIGSEGV, SEGV_MAPERR, fault_address);
    }
}

/* Which of the unmasked exceptions it was; the bits are the same in x87's and SSE's status. */
static int float_code(const struct registers *registers)
{
    uint32_t status = 0;
    if (registers->number == FAULT_SIMD) {
        __asm__ volatile("stmxcsr %0" : "=m"(status));
        status &= ~(status >> 7);
    } else {
        uint16_t word = 0;
        __asm__ volatile("fnstsw %0" : "=m"(word));
        status = word;
    }
    return status & 1 ? FPE_FLTINV : status & 4 ? FPE_FLTDIV : status & 8 ? FPE_FLTOVF
           : status & 0x12 ? FPE_FLTUND : FPE_FLTRES;
}

static void instruction_fault_on(struct registers *registers)
{
    uint8_t instruction;
    if (copy_in(&instruction, registers->rip, 1) && instruction == FAULT_HALT)
        signal_fault(registers, SIGSEGV, SI_KERNEL, 0);
    else
        signal_fault(registers, SIGILL, ILL_ILLOPN, registers->rip);
}

void trap_fault_on(struct registers *registers)
{
    if (registers->number >= FIRST_INTERRUPT) {
        trap_interrupt_on(registers);
        return;
    }
    thread_current->registers = registers;
    switch (registers->number) {
    case FAULT_PAGE:
        page_fault_on(registers);
        break;
    case FAULT_DIVIDE:
        signal_fault(registers, SIGFPE, FPE_INTDIV, registers->rip);
        break;
    case FAULT_X87:
    case FAULT_SIMD:
        signal_fault(registers, SIGFPE, float_code(registers), registers->rip);
        break;
    case FAULT_DEBUG:
    case FAULT_BREAKPOINT:
        signal_fault(registers, SIGTRAP, SI_KERNEL, registers->rip);
        break;
    case FAULT_INSTRUCTION:
        instruction_fault_on(registers);
        break;
    case FAULT_ALIGNMENT:
        signal_fault(registers, SIGBUS, BUS_ADRALN, registers->rip);
        break;
    default:
        signal_fault(registers, SIGSEGV, SI_KERNEL, 0);
    }
    call_leave(registers);
}
