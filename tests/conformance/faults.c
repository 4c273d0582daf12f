/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What faults tell a handler, and what a handler may change; registers kept over interruptions. No
 * faults of SSE's floats: QEMU's emulation has none.
 */
#define _GNU_SOURCE
#include <fenv.h>
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <ucontext.h>
#include <unistd.h>

#include "check.h"

static volatile int zero, one = 1;

static void divide(void *with) { *(volatile int *)with = one / zero; }
static void divide_least(void *with) { *(volatile int *)with = INT32_MIN / -one; }
static void illegal(void *with)
{
    (void)with;
    __asm__ volatile("ud2");
}
static void breakpoint(void *with)
{
    (void)with;
    __asm__ volatile("int3");
}
static void no_address(void *with)
{
    (void)with;
    *(volatile char *)0xdead000000000000 = 1;
}
static void divide_by_coprocessor(void *with)
{
    unsigned short control = 0x37b;
    __asm__ volatile("fninit; fldcw %0" : : "m"(control));
    __asm__ volatile("fldz; fld1; fdiv %%st(1), %%st; fwait; fstpl %0" : "=m"(*(double *)with));
}

static void codes(void)
{
    double result;
    check_text("division by zero", probe(divide, &result));
    check_text("a quotient too large", probe(divide_least, &result));
    check_text("an illegal instruction", probe(illegal, NULL));
    check_text("a breakpoint", probe(breakpoint, NULL));
    check_text("an address that is none", probe(no_address, NULL));
    check_text("division by the coprocessor", probe(divide_by_coprocessor, &result));
    __asm__ volatile("fninit");
    check_text("no function", probe_call(NULL));
    check_true("the fault's address", probe_address == NULL);
    check_text("a function that is data", probe_call((void *)(uintptr_t)&zero));
    check_true("the fault's address", probe_address == (void *)(uintptr_t)&zero);
}

static char *page;

static void mend(int number, siginfo_t *info, void *context)
{
    (void)number, (void)context;
    if (info->si_addr == page + 123)
        mprotect(page, 4096, PROT_READ | PROT_WRITE);
    else
        _exit(99);
}

static void step_over(int number, siginfo_t *info, void *context)
{
    (void)number, (void)info;
    ucontext_t *found = context;
    found->uc_mcontext.gregs[REG_RIP] += 2;
    found->uc_mcontext.gregs[REG_RAX] = 4242;
}

static void changes(void)
{
    struct sigaction action = {.sa_sigaction = mend, .sa_flags = SA_SIGINFO};
    sigaction(SIGSEGV, &action, NULL);
    page = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    page[123] = 'x';
    check_value("a handler that mends the fault", page[123]);
    signal(SIGSEGV, SIG_DFL);
    action.sa_sigaction = step_over;
    sigaction(SIGILL, &action, NULL);
    long result = 1;
    __asm__ volatile("ud2" : "+a"(result));
    check_value("a handler that changes registers", result);
    signal(SIGILL, SIG_DFL);
}

static volatile sig_atomic_t ticks, go_on;

static void disturb(int number)
{
    (void)number;
    ticks++;
    /* All that a handler can spoil. */
    volatile double spoiled = (double)ticks;
    for (int i = 0; i < 10; i++)
        spoiled = sqrt(spoiled) * 3.0;
    __asm__ volatile("pxor %%xmm0, %%xmm0; pxor %%xmm1, %%xmm1; pxor %%xmm7, %%xmm7;"
                     "pxor %%xmm8, %%xmm8; pxor %%xmm15, %%xmm15; fninit"
                     :
                     :
                     : "xmm0", "xmm1", "xmm7", "xmm8", "xmm15");
}

/* The sum of a row, which comes out the same whatever happens meanwhile. */
static double row(int terms)
{
    double sum = 0;
    for (int i = 1; i <= terms; i++)
        sum += 1.0 / ((double)i * i) * sin((double)i);
    return sum;
}

static long double long_row(int terms)
{
    long double sum = 0;
    for (int i = 1; i <= terms; i++)
        sum += 1.0L / i;
    return sum;
}

struct work {
    double expected;
    long rounds, wrong;
};

static void *adds_up(void *with)
{
    struct work *work = with;
    while (go_on) {
        work->wrong += row(2000) != work->expected;
        work->rounds++;
    }
    return NULL;
}

static void *rounds_up(void *with)
{
    long *wrong = with;
    fesetround(FE_UPWARD);
    while (go_on)
        *wrong += fegetround() != FE_UPWARD;
    return NULL;
}

static void floats(void)
{
    struct sigaction action = {.sa_handler = disturb, .sa_flags = SA_RESTART};
    sigaction(SIGALRM, &action, NULL);
    const struct itimerval often = {{0, 1000}, {0, 1000}}, never = {{0, 0}, {0, 0}};
    const double expected = row(2000);
    const long double long_expected = long_row(2000);
    setitimer(ITIMER_REAL, &often, NULL);
    long wrong = 0, long_wrong = 0;
    while (ticks < 50) {
        wrong += row(2000) != expected;
        long_wrong += long_row(2000) != long_expected;
    }
    setitimer(ITIMER_REAL, &never, NULL);
    check_value("floats over signals: wrong", wrong);
    check_value("long doubles over signals: wrong", long_wrong);
    struct work work[3];
    pthread_t threads[4];
    go_on = 1;
    for (int i = 0; i < 3; i++) {
        work[i] = (struct work){.expected = expected};
        pthread_create(&threads[i], NULL, adds_up, &work[i]);
    }
    wrong = 0;
    pthread_create(&threads[3], NULL, rounds_up, &wrong);
    sleep_ms(400);
    go_on = 0;
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    check_value("floats over preemption: wrong", work[0].wrong + work[1].wrong + work[2].wrong);
    check_true("all had a turn", work[0].rounds && work[1].rounds && work[2].rounds);
    check_value("another thread's rounding: wrong", wrong);
    check_true("not ours", fegetround() == FE_TONEAREST);
}

static void whole_registers(void)
{
    ticks = 0;
    const struct itimerval often = {{0, 1000}, {0, 1000}}, never = {{0, 0}, {0, 0}};
    setitimer(ITIMER_REAL, &often, NULL);
    unsigned long wrong = 0;
    while (ticks < 30)
        for (int i = 0; i < 1000; i++) {
            unsigned long sum;
            __asm__ volatile("movq $1, %%r8; movq $2, %%r9; movq $3, %%r10; movq $4, %%r11;"
                             "movq $5, %%r12; movq $6, %%r13; movq $7, %%r14; movq $8, %%r15;"
                             "movq $200, %%rcx; 1: decq %%rcx; jnz 1b; movq $0, %0;"
                             "addq %%r8, %0; addq %%r9, %0; addq %%r10, %0; addq %%r11, %0;"
                             "addq %%r12, %0; addq %%r13, %0; addq %%r14, %0; addq %%r15, %0;"
                             : "=&a"(sum)
                             :
                             : "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "rcx", "cc");
            wrong += sum != 36;
        }
    check_value("registers over signals: wrong", (long)wrong);
    /* Below its stack pointer, a function may keep things (the red zone). */
    wrong = 0;
    ticks = 0;
    while (ticks < 30) {
        unsigned long kept;
        __asm__ volatile("movq $1234567, -64(%%rsp); movq $20000, %%rcx; 1: decq %%rcx; jnz 1b;"
                         "movq -64(%%rsp), %0"
                         : "=r"(kept)
                         :
                         : "rcx", "memory", "cc");
        wrong += kept != 1234567;
    }
    setitimer(ITIMER_REAL, &never, NULL);
    check_value("the red zone over signals: wrong", (long)wrong);
}

int main(void)
{
    check_begin();
    codes();
    changes();
    floats();
    whole_registers();
    return 0;
}
