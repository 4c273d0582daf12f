/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory in bulk. What lies between copy_begin and copy_end may touch a program's memory that is
 * not there: trap.c goes on at copy_failed or copy_length_failed then.
 */
    .text
    .globl memcpy
    .balign 16
memcpy:
    mov %rdi, %rax
    mov %rdx, %rcx
    shr $3, %rcx
    rep movsq
    mov %edx, %ecx
    and $7, %ecx
    rep movsb
    ret

    .globl memset
    .balign 16
memset:
    mov %rdi, %r8
    movzbl %sil, %eax
    movabs $0x0101010101010101, %rcx
    imul %rcx, %rax
    mov %rdx, %rcx
    shr $3, %rcx
    rep stosq
    mov %edx, %ecx
    and $7, %ecx
    rep stosb
    mov %r8, %rax
    ret

    .globl copy_begin, copy_failed
copy_begin:
    .globl copy_bytes
    .balign 16
copy_bytes:
    mov %rdx, %rcx
    shr $3, %rcx
    rep movsq
    mov %edx, %ecx
    and $7, %ecx
    rep movsb
    mov $1, %eax
    ret

    /* int64_t copy_length(const char *string, size_t size) */
    .globl copy_length, copy_length_begin
copy_length_begin:
    .balign 16
copy_length:
    xor %eax, %eax
1:  cmp %rsi, %rax
    je 2f
    cmpb $0, (%rdi,%rax)
    je 2f
    inc %rax
    jmp 1b
2:  ret
    .globl copy_end
copy_end:

copy_failed:
    xor %eax, %eax
    ret
    .globl copy_length_failed
copy_length_failed:
    mov $-1, %rax
    ret
    .section .note.GNU-stack, "", @progbits
