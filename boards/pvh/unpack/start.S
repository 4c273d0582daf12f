/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a packed image starts with (32 bits, paging off, the start info's address in ebx): unpacks
 * the base with its root archive, and goes on where that is entered. The baker puts it anywhere,
 * and says in it where everything is (lib/rumprun/bake/packed.py).
 */
#define SERIAL 0x3f8
#define DEBUG 0xe9

    .section .start, "ax"
    .code32
    .globl unpack_start
unpack_start:
    mov $0, %ebp                /* at 1: where this is */
    jmp 1f
    .balign 8
stack_end: .long 0              /* from 8 on */
packed: .long 0
packed_size: .long 0
place: .long 0
size: .long 0
entry: .long 0
1:  cld
    mov stack_end-unpack_start(%ebp), %esp
    push %ebx
    push size-unpack_start(%ebp)
    push place-unpack_start(%ebp)
    push packed_size-unpack_start(%ebp)
    push packed-unpack_start(%ebp)
    call lz4_unpack
    cmp size-unpack_start(%ebp), %eax
    jne damaged
    add $16, %esp
    pop %ebx
    jmp *entry-unpack_start(%ebp)

    /* Nobody hears of a processor's fault without a table: the machine ends. */
damaged:
    lea message-unpack_start(%ebp), %esi
2:  lodsb
    mov $SERIAL, %edx
    out %al, %dx
    out %al, $DEBUG
    test %al, %al
    jnz 2b
    push $0
    push $0
    lidt (%esp)
    ud2
message:
    .asciz "rumprun: panic:\nrumprun: the image is damaged\n"
    .section .note.GNU-stack, "", @progbits
