/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An image that ends as soon as it is entered, by the PVH entry like any other: what QEMU and its
 * firmware take by themselves. It says what the time stamp counter was then, in 16 hexadecimal
 * digits, on the first serial port; with -icount shift=0 that counts instructions.
 */
        .section .note.Xen, "a", @note
        .balign 4
        .long 4, 4, 18                  /* XEN_ELFNOTE_PHYS32_ENTRY */
        .asciz "Xen"
        .long entry

        .text
        .code32
        .globl entry
entry:  rdtsc
        movl %eax, %ebx
        movl %edx, %esi
        movl $16, %ecx
        movw $0x3f8, %dx
digit:  movl %esi, %eax
        shrl $28, %eax
        cmpb $10, %al
        jb show
        addb $'a' - '0' - 10, %al
show:   addb $'0', %al
        outb %al, %dx
        shldl $4, %ebx, %esi
        shll $4, %ebx
        loop digit
        movb $'\n', %al
        outb %al, %dx
        /* The keyboard controller's reset, which -no-reboot makes the end. */
        movb $0xfe, %al
        outb %al, $0x64
1:      hlt
        jmp 1b
