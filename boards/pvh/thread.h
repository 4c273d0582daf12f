/* SPDX-License-Identifier: BSD-2-Clause */
/* Threads, of programs and of the base, and how they wait. */
#ifndef RUMPRUN_THREAD_H
#define RUMPRUN_THREAD_H

/* Offsets into struct thread that assembly uses. */
#define THREAD_STACK_POINTER 0
#define THREAD_STACK_END 8
#define THREAD_FLOATS 16
#define THREAD_FS_BASE 24

#ifndef __ASSEMBLER__
#include "base.h"

struct program;

/* What a program's thread had in its registers when it entered the base, in the order in which
   entry.S pushes them; the end is what the processor itself pushes. */
struct registers {
    uint64_t r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi;
    /* The number of the exception or interrupt; of a system call, its number. */
    uint64_t number;
    uint64_t error;
    uint64_t rip, cs, flags, rsp, ss;
};
/* The error of a system call, which no exception has. Once a handler is to run, or one has ended,
   it is 0: then all of the registers have to be loaded. */
#define REGISTERS_CALL UINT64_MAX

/* Calls its function, which must not wait, when its time has come. All zeros is a timer at rest. */
struct timer {
    struct timer *next;
    uint64_t deadline;
    bool armed;
    void (*expire)(struct timer *timer);
};

enum thread_state { THREAD_READY, THREAD_WAITING, THREAD_ENDED };

struct thread {
    /* Where the base left off when another thread took over. */
    uint64_t stack_pointer;
    uint64_t stack_end;
    /* The program's floating point state, aligned as XSAVE wants it. */
    void *floats;
    uint64_t fs_base;

    enum thread_state state;
    /* In the queue of those that are ready, and in all of the program's. */
    struct list ready, siblings;
    /* NULL for the base's own threads. */
    struct program *program;
    int id;
    /* Armed while it waits with a deadline. */
    struct timer timer;
    bool timed_out, woken;
    /* The program's registers; valid while the thread is in the base. */
    struct registers *registers;
    /* Signals (signal.c): blocked, and pending for this thread alone. */
    uint64_t blocked, pending;
    /* What is to be blocked again once a handler ran that interrupted sigsuspend and its like. */
    uint64_t blocked_before;
    bool restore_blocked;
    uint64_t signal_stack, signal_stack_size;
    struct signal_details *details;
    /* The program's: a word to clear and wake at the end (CLONE_CHILD_CLEARTID), robust futexes. */
    uint64_t clear_at_end, robust_list;
    /* Its wait ends early for a signal that is not blocked. */
    bool interruptible;
    /* It is to end as soon as it would go back to its program. */
    bool must_end;
    /* On the processor, in ticks of cpu_clock(); and since when, while it is there. */
    uint64_t ran, since;
    /* Of its share of the processor, what it has had. */
    uint64_t share;
    char name[16];
};

_Static_assert(offsetof(struct thread, stack_pointer) == THREAD_STACK_POINTER, "entry.S uses it");
_Static_assert(offsetof(struct thread, stack_end) == THREAD_STACK_END, "entry.S uses it");
_Static_assert(offsetof(struct thread, floats) == THREAD_FLOATS, "entry.S uses it");
_Static_assert(offsetof(struct thread, fs_base) == THREAD_FS_BASE, "entry.S uses it");

/* thread.c: threads. */

extern struct thread *thread_current;

/* The running flow of control becomes the first thread. */
void threads_begin(void);
/* A thread that calls begin, which must not return, in the base; NULL without memory. It is not
   ready yet: thread_ready. */
struct thread *thread_make(struct program *program, void (*begin)(void *), void *with);
/* Puts back a thread that never went. */
void thread_unmake(struct thread *thread);
/* The current one ends; of a program's, program_thread_ends (program.h) hears first. */
_Noreturn void thread_end(void);
/* Others go on, until the current one is made ready by thread_ready(). */
void thread_wait(void);
void thread_ready(struct thread *thread);
/* How long the machine had nothing to do, in ticks of cpu_clock(). */
extern uint64_t threads_idle;
/* Whether others are ready. */
bool thread_others(void);
/* Lets others run. */
void thread_yield(void);
/* The thread of the running programs with that id, or NULL. */
struct thread *thread_find(int id);
/* Called where a program is about to be entered again: it may have had its share. */
void thread_preempt(void);
/* The current thread goes on with its share as soon as those are served that an interrupt woke. */
void thread_preempt_for_woken(void);
/* From the clock: the current thread has had its share. */
void thread_share_over(void);
/* When a thread that begins now has had it. */
#define THREAD_SHARE 10000000u
/* The current thread's fs register, which the program's thread pointer is. */
void thread_set_fs(uint64_t base);
/* Of the floating point state at thread->floats, as XSAVE stores it. */
extern uint32_t thread_floats_size;
void thread_save_floats(void *floats);
void thread_load_floats(const void *floats);

/* wait.c: waiting for something. */

#define WAIT_FOR_EVER UINT64_MAX

/* A place where threads wait, or others want to be told. All zeros is none waiting. */
struct wait_queue {
    struct waiter *first, *last;
};

/* One that waits in one queue. */
struct waiter {
    struct waiter *next, *previous;
    struct wait_queue *queue;
    struct thread *thread;
    bool woken;
    /* Called instead of waking the thread, if not NULL; the waiter stays in the queue. */
    void (*notify)(struct waiter *waiter);
};

/* Waiting in several queues: add to each, look whether there is something to wait for, sleep,
   remove from each. */
void wait_add(struct waiter *waiter, struct wait_queue *queue);
void wait_remove(struct waiter *waiter);
/* Sleeps until one of this thread's waiters is woken; 0 (now and then too early: look again),
   -ETIMEDOUT, or -EINTR for a signal. The deadline is in nanoseconds of clock_now(). */
int wait_sleep(uint64_t deadline);
/* All of it, for one queue. */
int wait_on(struct wait_queue *queue, uint64_t deadline);
/* As wait_on, but a signal does not end it. */
void wait_on_surely(struct wait_queue *queue);
/* Wakes at most so many, the longest waiting first; returns how many. */
unsigned wait_wake(struct wait_queue *queue, unsigned most);
static inline void wait_wake_all(struct wait_queue *queue) { (void)wait_wake(queue, UINT32_MAX); }
/* Ends a thread's interruptible wait as a signal does. */
void wait_interrupt(struct thread *thread);

/* clock.c: time, in nanoseconds. */

/* How a clock is read without the base (vdso.c); all zeros until the time was first asked for. */
struct clock_reading {
    /* Nanoseconds of a tick of cpu_clock(), times 1 << 32; and the tick of time 0. */
    uint64_t scale, first;
    /* clock_epoch(), or 0: nobody has asked for it yet. */
    uint64_t epoch;
};
extern struct clock_reading clock_reading;
static inline uint64_t clock_scale(uint64_t ticks, uint64_t scale)
{
    return (uint64_t)(((unsigned __int128)ticks * scale) >> 32);
}

/* Since the machine started. */
uint64_t clock_now(void);
/* The same of ticks of cpu_clock(), such as thread->ran. */
uint64_t clock_of_ticks(uint64_t ticks);
/* What to add for the time since 1970. */
uint64_t clock_epoch(void);
void clock_set_epoch(uint64_t epoch);
/* Since 1970. */
uint64_t clock_real(void);
/* The same for files, whose times need no measuring before the first program. */
uint64_t clock_stamp(void);
/* Has the processor interrupted at the earliest deadline, or where another thread is ready and the
   current one has had its share. */
void clock_arm(void);

void timer_arm(struct timer *timer, uint64_t deadline);
void timer_disarm(struct timer *timer);

/* entry.S: leaves the base for the program whose registers these are; the thread's stack in the
   base is empty then. */
_Noreturn void program_enter(struct registers *registers);
void thread_switch(struct thread *from, struct thread *to);
#endif

#endif
