/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From the PVH entry (32 bits, paging off, the start info's address in ebx: Xen's
 * docs/misc/pvh.pandoc) to base_main in C. The first tables map the lowest 4 GiB three times: where
 * they are, at MEMORY_DIRECT and at MEMORY_BASE; paging_begin() replaces them.
 */
#include <xen/elfnote.h>

#include "cpu.h"
#include "memory.h"

#define PHYSICAL(symbol) (symbol - MEMORY_BASE)
#define TABLE_PRESENT 0x3
#define TABLE_LARGE 0x83
#define GIGABYTES 4
#define CR0 (CPU_CR0_PAGING | CPU_CR0_WRITE_PROTECT | CPU_CR0_NUMERIC | \
             CPU_CR0_MONITOR | CPU_CR0_PROTECTED)

    .section .note.Xen, "a", @note
    .balign 4
    .long 4, 4, XEN_ELFNOTE_PHYS32_ENTRY
    .asciz "Xen"
    .long PHYSICAL(boot_start)

    /* As in toolchain/xen-abi.h; the baker fills it in where a program has one. */
    .section .note.rumprun.xen, "a", @note
    .balign 4
    .long 8, 4, 1
    .asciz "rumprun"
    .long 0

    .section .bss
    .balign 4096
    .globl boot_tables, boot_tables_end
boot_tables:
boot_level4: .skip 4096
boot_level3: .skip 4096
boot_level3_base: .skip 4096
boot_level2: .skip 4096 * GIGABYTES
boot_tables_end:
    .globl boot_stack_end
boot_stack: .skip STACK_SIZE
boot_stack_end:

    .section .rodata
    .balign 8
boot_descriptors:
    .quad 0
    .quad 0x00af9b000000ffff
    .quad 0x00cf93000000ffff
boot_descriptors_end:
boot_descriptors_pointer:
    .word boot_descriptors_end - boot_descriptors - 1
    .long PHYSICAL(boot_descriptors)

    .text
    .code32
    .globl boot_start
boot_start:
    cld
    mov %ebx, %ebp
    mov $PHYSICAL(boot_level2), %edi
    mov $TABLE_LARGE, %eax
    mov $(512 * GIGABYTES), %ecx
1:  mov %eax, (%edi)
    add $0x200000, %eax
    adcl $0, 4(%edi)
    add $8, %edi
    loop 1b
    /* Each gigabyte's table, for the low and the direct map; the first two for the base as well. */
    mov $PHYSICAL(boot_level3), %edi
    mov $(PHYSICAL(boot_level2) + TABLE_PRESENT), %eax
    mov $GIGABYTES, %ecx
2:  mov %eax, (%edi)
    add $4096, %eax
    add $8, %edi
    loop 2b
    movl $(PHYSICAL(boot_level2) + TABLE_PRESENT), PHYSICAL(boot_level3_base) + 510 * 8
    movl $(PHYSICAL(boot_level3) + TABLE_PRESENT), PHYSICAL(boot_level4)
    movl $(PHYSICAL(boot_level3) + TABLE_PRESENT), PHYSICAL(boot_level4) + 256 * 8
    movl $(PHYSICAL(boot_level3_base) + TABLE_PRESENT), PHYSICAL(boot_level4) + 511 * 8

    mov $PHYSICAL(boot_level4), %eax
    mov %eax, %cr3
    mov %cr4, %eax
    or $(CPU_CR4_PAE | CPU_CR4_FXSR | CPU_CR4_XMM_EXCEPTIONS), %eax
    mov %eax, %cr4
    mov $CPU_MSR_EFER, %ecx
    rdmsr
    or $(CPU_EFER_LONG_MODE | CPU_EFER_SYSCALL | CPU_EFER_NO_EXECUTE), %eax
    wrmsr
    mov $CR0, %eax
    mov %eax, %cr0
    lgdt PHYSICAL(boot_descriptors_pointer)
    ljmp $CPU_CODE_SELECTOR, $PHYSICAL(boot_long)

    .code64
boot_long:
    mov $CPU_DATA_SELECTOR, %eax
    mov %eax, %ds
    mov %eax, %es
    mov %eax, %ss
    xor %eax, %eax
    mov %eax, %fs
    mov %eax, %gs
    mov $boot_stack_end, %rsp
    mov %ebp, %edi
    xor %ebp, %ebp
    movabs $base_main, %rax
    call *%rax
    ud2
    .section .note.GNU-stack, "", @progbits
