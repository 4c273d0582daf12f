/* SPDX-License-Identifier: BSD-2-Clause */
/* What handlers find in their frames, what they may change there, and who gets a signal. */
#define _GNU_SOURCE
#include <fenv.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include "check.h"

static volatile sig_atomic_t seen, depth, deepest, rounding;
static volatile greg_t registers[23];
static volatile int on_stack[2];
static volatile pthread_t receiver;
static char other_stack[65536];

static void on(int number, void (*handler)(int, siginfo_t *, void *), int flags)
{
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | flags};
    sigaction(number, &action, NULL);
    seen = 0;
}

static void keep(int number, siginfo_t *info, void *context)
{
    const ucontext_t *frame = context;
    (void)info;
    for (int i = 0; i < 23; i++)
        registers[i] = frame->uc_mcontext.gregs[i];
    receiver = pthread_self();
    seen = number;
}

static void change(int number, siginfo_t *info, void *context)
{
    ucontext_t *frame = context;
    (void)number, (void)info;
    sigaddset(&frame->uc_sigmask, SIGUSR2);
    sigaddset(&frame->uc_sigmask, SIGKILL);
    frame->uc_mcontext.gregs[REG_R12] = 12;
    frame->uc_mcontext.gregs[REG_RIP] += 2;
    frame->uc_mcontext.gregs[REG_EFL] |= 1;
}

static void round_up_there(int number, siginfo_t *info, void *context)
{
    ucontext_t *frame = context;
    uint32_t control;
    (void)number, (void)info;
    rounding = fegetround();
    fesetround(FE_DOWNWARD);
    memcpy(&control, &frame->uc_mcontext.fpregs->mxcsr, sizeof control);
    control = (control & ~0x6000u) | 0x4000u;
    memcpy(&frame->uc_mcontext.fpregs->mxcsr, &control, sizeof control);
}

static void nest(int number, siginfo_t *info, void *context)
{
    (void)info, (void)context;
    deepest = ++depth > deepest ? depth : deepest;
    if (depth < 20)
        raise(number);
    depth--;
}

static void look_at_stack(int number, siginfo_t *info, void *context)
{
    const char *here = (const char *)__builtin_frame_address(0);
    const ucontext_t *frame = context;
    (void)info;
    on_stack[number == SIGUSR2] = here > other_stack && here < other_stack + sizeof other_stack;
    if (number == SIGUSR1) {
        check_value("its flags in the frame", frame->uc_stack.ss_flags);
        raise(SIGUSR2);
    } else {
        check_value("and in the frame of a handler that is on it", frame->uc_stack.ss_flags);
    }
}

static void contexts(void)
{
    sigset_t mask;
    long carry, value;
    on(SIGILL, change, 0);
    __asm__ volatile("xor %%r12d, %%r12d; clc; ud2; mov %%r12, %0; sbb %1, %1"
                     : "=r"(value), "=r"(carry) : : "r12", "cc");
    check_value("a register that a handler set", value);
    check_value("a flag that it set", carry);
    sigprocmask(SIG_BLOCK, NULL, &mask);
    check_true("a signal that it blocked", sigismember(&mask, SIGUSR2));
    check_true("one that cannot be", sigismember(&mask, SIGKILL));
    sigdelset(&mask, SIGUSR2);
    sigprocmask(SIG_SETMASK, &mask, NULL);
    on(SIGUSR1, round_up_there, 0);
    fesetround(FE_TOWARDZERO);
    raise(SIGUSR1);
    check_value("a handler begins with the usual rounding", rounding == FE_TONEAREST);
    __asm__ volatile("stmxcsr %0" : "=m"(on_stack[0]));
    check_value("and may set the one behind it", on_stack[0] >> 13 & 3);
    fesetround(FE_TONEAREST);
}

static void faults(void)
{
    on(SIGTRAP, keep, 0);
    __asm__ volatile("mov $5, %%r13d; int3" : : : "r13");
    check_value("a breakpoint's number", registers[REG_TRAPNO]);
    check_value("its registers", registers[REG_R13]);
    check_value("its error", registers[REG_ERR]);
    probe_write((void *)16);
    check_call("a frame whose handler is gone is no matter", raise(SIGTRAP));
}

static void stacks(void)
{
    const stack_t stack = {.ss_sp = other_stack, .ss_size = sizeof other_stack};
    const stack_t none = {.ss_flags = SS_DISABLE};
    on(SIGUSR1, nest, SA_NODEFER);
    raise(SIGUSR1);
    check_value("handlers in handlers", deepest);
    check_call("sigaltstack", sigaltstack(&stack, NULL));
    on(SIGUSR1, look_at_stack, SA_ONSTACK);
    on(SIGUSR2, look_at_stack, SA_ONSTACK);
    raise(SIGUSR1);
    check_value("a handler on it", on_stack[0]);
    check_value("one within that one", on_stack[1]);
    sigaltstack(&none, NULL);
}

static void *spin(void *until)
{
    while (!*(volatile int *)until)
        continue;
    return NULL;
}

static void *wait_for_signal(void *number)
{
    sigset_t set;
    int found = 0;
    sigemptyset(&set);
    sigaddset(&set, *(int *)number);
    sigwait(&set, &found);
    *(int *)number = -found;
    return NULL;
}

static void receivers(void)
{
    volatile int stop = 0;
    int number = SIGUSR2;
    pthread_t thread;
    sigset_t set, before;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    on(SIGUSR1, keep, 0);
    pthread_create(&thread, NULL, spin, (void *)&stop);
    pthread_sigmask(SIG_BLOCK, &set, &before);
    kill(getpid(), SIGUSR1);
    while (!seen)
        sleep_ms(1);
    check_true("the one that does not block it", pthread_equal(receiver, thread));
    stop = 1;
    pthread_join(thread, NULL);
    seen = 0;
    kill(getpid(), SIGUSR1);
    check_value("nobody", seen);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    check_value("whoever unblocks it", seen);
    check_true("that is oneself", pthread_equal(receiver, pthread_self()));
    sigaddset(&set, SIGUSR2);
    pthread_sigmask(SIG_BLOCK, &set, &before);
    pthread_create(&thread, NULL, wait_for_signal, &number);
    sleep_ms(20);
    kill(getpid(), SIGUSR2);
    pthread_join(thread, NULL);
    check_value("the one that waits for it", -number);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

int main(void)
{
    check_begin();
    contexts();
    faults();
    stacks();
    receivers();
    return 0;
}
