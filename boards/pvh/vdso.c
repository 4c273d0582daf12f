/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What Linux calls a vDSO (vdso(7)): a clock that programs read by a call, rather than a system
 * call. It is an ELF file of which there is in memory what a libc looks at; the function is in the
 * base, where programs may call it, since no privilege lies between.
 */
#include <elf.h>
#include <errno.h>
#include <time.h>

#include "cpu.h"
#include "program.h"

#define SECOND 1000000000u

extern char vdso_text[], vdso_text_end[];

int __vdso_clock_gettime(clockid_t clock, struct timespec *time);

/* Runs as the program does: on its stack, interrupted at any time. What it does not know, the
   system call does. */
__attribute__((section(".vdso"))) int __vdso_clock_gettime(clockid_t clock, struct timespec *time)
{
    const bool real = clock == CLOCK_REALTIME;
    if (!real && clock != CLOCK_MONOTONIC && clock != CLOCK_MONOTONIC_RAW &&
        clock != CLOCK_BOOTTIME)
        return -ENOSYS;
    if (!clock_reading.scale || (real && !clock_reading.epoch))
        return -ENOSYS;
    const uint64_t now = clock_scale(cpu_clock() - clock_reading.first, clock_reading.scale) +
                         (real ? clock_reading.epoch : 0);
    *time = (struct timespec){.tv_sec = (time_t)(now / SECOND), .tv_nsec = (long)(now % SECOND)};
    return 0;
}

/* Addresses in it are those that it has: it is "linked" to where it is. */
static const char names[] = "\0__vdso_clock_gettime";
static const Elf64_Sym symbols[] = {
    {0},
    {
        .st_name = 1,
        .st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC),
        .st_shndx = SHN_ABS,
        .st_value = (uintptr_t)__vdso_clock_gettime,
    },
};
/* One bucket, which begins with the function; and the chain's links. */
static const Elf64_Word hashes[] = {1, ARRAY_SIZE(symbols), 1, 0, 0};

static const struct {
    Elf64_Ehdr head;
    Elf64_Phdr segments[2];
    Elf64_Dyn dynamic[4];
} file = {
    .head =
        {
            .e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
            .e_type = ET_DYN,
            .e_machine = EM_X86_64,
            .e_version = EV_CURRENT,
            .e_phoff = sizeof(Elf64_Ehdr),
            .e_ehsize = sizeof(Elf64_Ehdr),
            .e_phentsize = sizeof(Elf64_Phdr),
            .e_phnum = 2,
        },
    .segments =
        {
            {.p_type = PT_LOAD, .p_flags = PF_R | PF_X, .p_vaddr = (uintptr_t)&file},
            {.p_type = PT_DYNAMIC,
             .p_flags = PF_R,
             .p_offset = sizeof file.head + sizeof file.segments},
        },
    .dynamic =
        {
            {DT_STRTAB, {(uintptr_t)names}},
            {DT_SYMTAB, {(uintptr_t)symbols}},
            {DT_HASH, {(uintptr_t)hashes}},
            {DT_NULL, {0}},
        },
};

uint64_t vdso_address(void)
{
    return (uintptr_t)&file;
}

bool vdso_has(uint64_t address)
{
    return address >= (uintptr_t)vdso_text && address < (uintptr_t)vdso_text_end;
}
