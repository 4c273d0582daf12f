/* SPDX-License-Identifier: BSD-2-Clause */
/* The processor's instructions, and its registers' bits (Intel SDM volumes 3 and 4). */
#ifndef RUMPRUN_CPU_H
#define RUMPRUN_CPU_H

#define CPU_CODE_SELECTOR 0x08
#define CPU_DATA_SELECTOR 0x10
#define CPU_TASK_SELECTOR 0x18

#define CPU_FLAG_ALWAYS 0x2
#define CPU_FLAG_TRAP 0x100
#define CPU_FLAG_INTERRUPT 0x200
#define CPU_FLAG_DIRECTION 0x400
#define CPU_FLAG_NESTED 0x4000
#define CPU_FLAG_ALIGNMENT 0x40000

#define CPU_CR0_PROTECTED 0x1
#define CPU_CR0_MONITOR 0x2
#define CPU_CR0_NUMERIC 0x20
#define CPU_CR0_WRITE_PROTECT 0x10000
#define CPU_CR0_PAGING 0x80000000
#define CPU_CR4_PAE 0x20
#define CPU_CR4_FXSR 0x200
#define CPU_CR4_XMM_EXCEPTIONS 0x400
#define CPU_CR4_XSAVE 0x40000

#define CPU_MSR_APIC_BASE 0x1b
#define CPU_MSR_EFER 0xc0000080
#define CPU_MSR_STAR 0xc0000081
#define CPU_MSR_LSTAR 0xc0000082
#define CPU_MSR_SYSCALL_MASK 0xc0000084
#define CPU_MSR_FS_BASE 0xc0000100
#define CPU_MSR_GS_BASE 0xc0000101

#define CPU_EFER_SYSCALL 0x1
#define CPU_EFER_LONG_MODE 0x100
#define CPU_EFER_NO_EXECUTE 0x800

#ifndef __ASSEMBLER__
#include <stdint.h>

static inline void cpu_out8(uint16_t port, uint8_t value)
{
    __asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}
static inline void cpu_out16(uint16_t port, uint16_t value)
{
    __asm__ volatile("outw %0, %1" : : "a"(value), "Nd"(port));
}
static inline void cpu_out32(uint16_t port, uint32_t value)
{
    __asm__ volatile("outl %0, %1" : : "a"(value), "Nd"(port));
}
static inline uint8_t cpu_in8(uint16_t port)
{
    uint8_t value;
    __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}
static inline uint16_t cpu_in16(uint16_t port)
{
    uint16_t value;
    __asm__ volatile("inw %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}
static inline uint32_t cpu_in32(uint16_t port)
{
    uint32_t value;
    __asm__ volatile("inl %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

static inline uint64_t cpu_read_msr(uint32_t number)
{
    uint32_t low, high;
    __asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(number));
    return (uint64_t)high << 32 | low;
}
static inline void cpu_write_msr(uint32_t number, uint64_t value)
{
    __asm__ volatile("wrmsr"
                     :
                     : "c"(number), "a"((uint32_t)value), "d"((uint32_t)(value >> 32))
                     : "memory");
}
static inline uint64_t cpu_read_cr0(void)
{
    uint64_t value;
    __asm__ volatile("mov %%cr0, %0" : "=r"(value));
    return value;
}
static inline void cpu_write_cr0(uint64_t value)
{
    __asm__ volatile("mov %0, %%cr0" : : "r"(value) : "memory");
}
static inline uint64_t cpu_read_cr2(void)
{
    uint64_t value;
    __asm__ volatile("mov %%cr2, %0" : "=r"(value));
    return value;
}
static inline uint64_t cpu_read_cr3(void)
{
    uint64_t value;
    __asm__ volatile("mov %%cr3, %0" : "=r"(value));
    return value;
}
static inline void cpu_write_cr3(uint64_t value)
{
    __asm__ volatile("mov %0, %%cr3" : : "r"(value) : "memory");
}
static inline uint64_t cpu_read_cr4(void)
{
    uint64_t value;
    __asm__ volatile("mov %%cr4, %0" : "=r"(value));
    return value;
}
static inline void cpu_write_cr4(uint64_t value)
{
    __asm__ volatile("mov %0, %%cr4" : : "r"(value) : "memory");
}
static inline void cpu_forget_page(uint64_t address)
{
    __asm__ volatile("invlpg (%0)" : : "r"(address) : "memory");
}
static inline uint64_t cpu_clock(void)
{
    uint32_t low, high;
    __asm__ volatile("lfence; rdtsc" : "=a"(low), "=d"(high));
    return (uint64_t)high << 32 | low;
}
struct cpu_id { uint32_t a, b, c, d; };
static inline struct cpu_id cpu_id(uint32_t leaf, uint32_t part)
{
    struct cpu_id id;
    __asm__ volatile("cpuid"
                     : "=a"(id.a), "=b"(id.b), "=c"(id.c), "=d"(id.d)
                     : "a"(leaf), "c"(part));
    return id;
}
static inline void cpu_pause(void) { __asm__ volatile("pause"); }
static inline void cpu_barrier(void) { __asm__ volatile("mfence" : : : "memory"); }
#endif

#endif
