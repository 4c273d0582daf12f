/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ways into the base and out of it. Programs run at the same privilege, with a red zone below their
 * stack pointer: so a system call changes to the thread's stack in the base by itself, and faults
 * and interrupts come in on stacks of their own (trap.c). What may wait is continued on the
 * thread's stack.
 */
#include "cpu.h"
#include "thread.h"

#define REGISTERS_SIZE 176
#define REGISTERS_NUMBER 120
#define REGISTERS_RIP 136
#define REGISTERS_RSP 160

    .macro push_registers
    push %rdi
    push %rsi
    push %rdx
    push %rcx
    push %rax
    push %r8
    push %r9
    push %r10
    push %r11
    push %rbx
    push %rbp
    push %r12
    push %r13
    push %r14
    push %r15
    .endm

    .macro pop_registers
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbp
    pop %rbx
    pop %r11
    pop %r10
    pop %r9
    pop %r8
    pop %rax
    pop %rcx
    pop %rdx
    pop %rsi
    pop %rdi
    .endm

    .section .bss
    .balign 8
entry_stack_pointer: .skip 8

    .text
    /* The syscall instruction: rcx is where to go on, interrupts are off (CPU_MSR_SYSCALL_MASK). */
    .globl entry_call
    .balign 16
entry_call:
    mov %rsp, entry_stack_pointer(%rip)
    mov thread_current(%rip), %rsp
    mov THREAD_STACK_END(%rsp), %rsp
    push $CPU_DATA_SELECTOR
    push entry_stack_pointer(%rip)
    push %r11
    push $CPU_CODE_SELECTOR
    push %rcx
    push $-1
    push %rax
    push_registers
    xor %ebp, %ebp
    mov %rsp, %rdi
    call call_enter
    test %al, %al
    jnz entry_leave
    pop_registers
    mov REGISTERS_RIP-REGISTERS_NUMBER(%rsp), %rcx
    mov REGISTERS_RSP-REGISTERS_NUMBER(%rsp), %rsp
    /* Interrupts come in behind the jump. */
    sti
    jmp *%rcx

    .globl program_enter
program_enter:
    mov %rdi, %rsp
entry_leave:
    pop_registers
    add $16, %rsp
    iretq

    /* Exceptions and interrupts, each with its number; some with the processor's error code. */
    .globl entry_vectors
    .balign 16
entry_vectors:
    .set number, 0
    .rept 256
    .balign 16
    .if number != 8 && number != 10 && number != 11 && number != 12 && number != 13 && \
        number != 14 && number != 17 && number != 21
    push $0
    .endif
    push $number
    .if number < 32
    jmp entry_fault
    .else
    jmp entry_interrupt
    .endif
    .set number, number + 1
    .endr

entry_fault:
    push_registers
    cld
    xor %ebp, %ebp
    mov %rsp, %rdi
    call trap_fault
    mov $trap_fault_on, %rdx
    jmp entry_go_on

entry_interrupt:
    push_registers
    cld
    xor %ebp, %ebp
    mov %rsp, %rdi
    call trap_interrupt
    mov $trap_interrupt_on, %rdx

    /* If al is set: calls rdx with the registers moved to the thread's stack. */
entry_go_on:
    test %al, %al
    jz entry_leave
    mov thread_current(%rip), %rdi
    mov THREAD_STACK_END(%rdi), %rdi
    sub $REGISTERS_SIZE, %rdi
    mov %rsp, %rsi
    mov $(REGISTERS_SIZE / 8), %ecx
    mov %rdi, %rsp
    rep movsq
    mov %rsp, %rdi
    call *%rdx
    jmp entry_leave

    /* void cpu_idle(void): lets pending interrupts in, or waits for one. */
    .globl cpu_idle, cpu_idle_halt, cpu_idle_over
    .balign 16
cpu_idle:
    sti
cpu_idle_halt:
    hlt
cpu_idle_over:
    cli
    ret

    /* void thread_switch(struct thread *from, struct thread *to) */
    .globl thread_switch
    .balign 16
thread_switch:
    push %rbx
    push %rbp
    push %r12
    push %r13
    push %r14
    push %r15
    mov %rsp, THREAD_STACK_POINTER(%rdi)
    mov THREAD_STACK_POINTER(%rsi), %rsp
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbp
    pop %rbx
    ret

    /* Where a new thread returns to: rbx is its function, r12 what it gets. */
    .globl thread_first
thread_first:
    xor %ebp, %ebp
    mov %r12, %rdi
    call *%rbx
    ud2
    .section .note.GNU-stack, "", @progbits
