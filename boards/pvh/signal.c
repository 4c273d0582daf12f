/* SPDX-License-Identifier: BSD-2-Clause */
/* Signals: what is pending, for whom, and what becomes of it. */
#include <errno.h>
#include <sys/syscall.h>

#include "memory.h"
#include "program.h"

/* siginfo_t that a program may have waiting; a standard signal comes through without. */
#define DETAILS_MOST 1024

#define IGNORED_BY_DEFAULT                                                                         \
    (SIGNAL_BIT(SIGCHLD) | SIGNAL_BIT(SIGCONT) | SIGNAL_BIT(SIGURG) | SIGNAL_BIT(SIGWINCH))
#define STOPS                                                                                      \
    (SIGNAL_BIT(SIGSTOP) | SIGNAL_BIT(SIGTSTP) | SIGNAL_BIT(SIGTTIN) | SIGNAL_BIT(SIGTTOU))
/* What a thread itself brings about comes first. */
#define SYNCHRONOUS                                                                                \
    (SIGNAL_BIT(SIGSEGV) | SIGNAL_BIT(SIGBUS) | SIGNAL_BIT(SIGILL) | SIGNAL_BIT(SIGTRAP) |         \
     SIGNAL_BIT(SIGFPE) | SIGNAL_BIT(SIGSYS))
/* Those that make a core elsewhere. */
#define CRASHES                                                                                    \
    (SYNCHRONOUS | SIGNAL_BIT(SIGABRT) | SIGNAL_BIT(SIGQUIT) | SIGNAL_BIT(SIGXCPU) |               \
     SIGNAL_BIT(SIGXFSZ))

#define FIRST_REAL_TIME 32

struct signal_details {
    struct signal_details *next;
    struct program *program;
    siginfo_t info;
};

uint64_t signal_stops;

static bool is_default(const struct program *program, int number)
{
    return program->actions[number - 1].handler == (uintptr_t)SIG_DFL;
}

bool signal_is_ignored(const struct program *program, int number)
{
    return program->actions[number - 1].handler == (uintptr_t)SIG_IGN ||
           (is_default(program, number) && (IGNORED_BY_DEFAULT & SIGNAL_BIT(number)));
}

static bool somebody_blocks(const struct program *program, int number)
{
    LIST_EACH(place, &program->threads)
        if (LIST_ENTRY(place, struct thread, siblings)->blocked & SIGNAL_BIT(number))
            return true;
    return false;
}

/* Ends one thread's wait, unless there is one that meets the signal anyway. */
static void interrupt_one(struct program *program, int number)
{
    struct thread *chosen = NULL;
    LIST_EACH(place, &program->threads) {
        struct thread *thread = LIST_ENTRY(place, struct thread, siblings);
        if ((thread->blocked & SIGNAL_BIT(number)) || thread->state == THREAD_ENDED)
            continue;
        if (thread->state == THREAD_READY)
            return;
        if (!chosen && thread->interruptible)
            chosen = thread;
    }
    if (chosen)
        wait_interrupt(chosen);
}

/* Whether the details are kept. */
static bool keep_details(struct program *program, struct signal_details **details,
                         const siginfo_t *info)
{
    if (program->details_count >= DETAILS_MOST)
        return false;
    struct signal_details *one = heap_get(sizeof *one);
    if (!one)
        return false;
    *one = (struct signal_details){.program = program, .info = *info};
    while (*details)
        details = &(*details)->next;
    *details = one;
    program->details_count++;
    return true;
}

int signal_send(struct program *program, struct thread *thread, const siginfo_t *info)
{
    const int number = info->si_signo;
    const uint64_t bit = SIGNAL_BIT(number);
    uint64_t *pending = thread ? &thread->pending : &program->pending;

    if (program->ending)
        return 0;
    if ((STOPS & bit) && is_default(program, number)) {
        signal_stops++;
        return 0;
    }
    if (signal_is_ignored(program, number) && !somebody_blocks(program, number))
        return 0;
    if (number < FIRST_REAL_TIME && (*pending & bit))
        return 0;
    if (!keep_details(program, thread ? &thread->details : &program->details, info) &&
        number >= FIRST_REAL_TIME && info->si_code != SI_USER)
        return -EAGAIN;
    *pending |= bit;
    if (!thread)
        interrupt_one(program, number);
    else if (thread->state == THREAD_WAITING && thread->interruptible && !(thread->blocked & bit))
        wait_interrupt(thread);
    wait_wake_all(&program->signalled);
    return 0;
}

bool signal_count_overrun(struct program *program, struct thread *thread, int timer, int more)
{
    struct signal_details *one = thread ? thread->details : program->details;
    while (one && (one->info.si_code != SI_TIMER || one->info.si_timerid != timer))
        one = one->next;
    if (one)
        one->info.si_overrun += more;
    return one;
}

void signal_send_simple(struct program *program, int number, int code)
{
    const siginfo_t info = {.si_signo = number, .si_code = code};
    (void)signal_send(program, NULL, &info);
}

static void drop_details(struct signal_details **place)
{
    struct signal_details *one = *place;
    *place = one->next;
    one->program->details_count--;
    heap_put(one);
}

void signals_forget(struct signal_details **details)
{
    while (*details)
        drop_details(details);
}

static void flush(uint64_t *pending, struct signal_details **details, int number)
{
    if (!(*pending & SIGNAL_BIT(number)))
        return;
    *pending &= ~SIGNAL_BIT(number);
    while (*details)
        if ((*details)->info.si_signo == number)
            drop_details(details);
        else
            details = &(*details)->next;
}

void signal_flush(struct program *program, int number)
{
    flush(&program->pending, &program->details, number);
    LIST_EACH(place, &program->threads) {
        struct thread *thread = LIST_ENTRY(place, struct thread, siblings);
        flush(&thread->pending, &thread->details, number);
    }
}

static int take(uint64_t *pending, struct signal_details **details, uint64_t set, siginfo_t *info)
{
    uint64_t found = *pending & set;
    if (!found)
        return 0;
    if (found & SYNCHRONOUS)
        found &= SYNCHRONOUS;
    const int number = __builtin_ctzll(found) + 1;
    bool more = false;
    *info = (siginfo_t){.si_signo = number, .si_code = SI_USER};
    while (*details && (*details)->info.si_signo != number)
        details = &(*details)->next;
    if (*details) {
        *info = (*details)->info;
        drop_details(details);
        for (const struct signal_details *one = *details; one && !more; one = one->next)
            more = one->info.si_signo == number;
    }
    if (!more)
        *pending &= ~SIGNAL_BIT(number);
    return number;
}

int signal_take(uint64_t set, siginfo_t *info)
{
    struct thread *thread = thread_current;
    const int number = take(&thread->pending, &thread->details, set, info);
    if (number)
        return number;
    return take(&thread->program->pending, &thread->program->details, set, info);
}

bool signal_waits(const struct thread *thread)
{
    const struct program *program = thread->program;
    uint64_t found = program ? (thread->pending | program->pending) & ~thread->blocked : 0;
    for (; found; found &= found - 1)
        if (!signal_is_ignored(program, __builtin_ctzll(found) + 1))
            return true;
    return false;
}

void signal_mask_for_wait(uint64_t blocked)
{
    struct thread *thread = thread_current;
    thread->blocked_before = thread->blocked;
    thread->restore_blocked = true;
    thread->blocked = blocked & ~SIGNALS_NEVER_BLOCKED;
}

void signal_mask_after_wait(int64_t result)
{
    struct thread *thread = thread_current;
    if (result == -EINTR || !thread->restore_blocked)
        return;
    thread->blocked = thread->blocked_before;
    thread->restore_blocked = false;
}

/* Where it crashed, in a line that "rumpdeb symbolize" reads, then the program's end. */
static _Noreturn void end_program(const struct registers *registers, const siginfo_t *info)
{
    struct program *program = program_current();
    const int number = info->si_signo;
    const bool by_fault = info->si_code > 0 && (SYNCHRONOUS & SIGNAL_BIT(number));
    if (CRASHES & SIGNAL_BIT(number))
        say("crash: %s: signal %d, code %d, address 0x%lx, at 0x%lx", program->name, number,
            info->si_code, by_fault ? (unsigned long)(uintptr_t)info->si_addr : 0ul,
            (unsigned long)registers->rip);
    program_kill(program, number);
    panic("a program that was ended goes on");
}

/* Calls that a handler with SA_RESTART does not end. */
static bool is_restarted(const struct registers *registers)
{
    static const uint16_t calls[] = {
        SYS_read, SYS_write, SYS_readv, SYS_writev, SYS_pread64, SYS_pwrite64, SYS_preadv,
        SYS_pwritev, SYS_preadv2, SYS_pwritev2, SYS_sendfile, SYS_open, SYS_openat, SYS_ioctl,
        SYS_fcntl, SYS_flock, SYS_accept, SYS_accept4, SYS_connect, SYS_recvfrom, SYS_recvmsg,
        SYS_recvmmsg, SYS_sendto, SYS_sendmsg, SYS_sendmmsg, SYS_wait4, SYS_waitid, SYS_getrandom,
    };
    /* A relative timeout would begin anew. */
    if (registers->number == SYS_futex)
        return registers->r10 == 0;
    for (size_t i = 0; i < ARRAY_SIZE(calls); i++)
        if (registers->number == calls[i])
            return true;
    return false;
}

/* The handler runs next, or the program ends. */
static void handle(struct registers *registers, const siginfo_t *info)
{
    struct thread *thread = thread_current;
    const int number = info->si_signo;
    struct signal_action *action = &thread->program->actions[number - 1];
    const struct signal_action now = *action;
    const uint64_t before = thread->restore_blocked ? thread->blocked_before : thread->blocked;

    if (now.handler == (uintptr_t)SIG_DFL || now.handler == (uintptr_t)SIG_IGN)
        end_program(registers, info);
    if (now.flags & SA_RESETHAND)
        action->handler = (uintptr_t)SIG_DFL;
    if (registers->error == REGISTERS_CALL && registers->rax == (uint64_t)-EINTR &&
        (now.flags & SA_RESTART) && is_restarted(registers)) {
        registers->rax = registers->number;
        registers->rip -= 2; /* the syscall instruction */
    }
    if (!signal_frame_make(registers, &now, info, before)) {
        if (number == SIGSEGV)
            end_program(registers, info);
        signal_fault(registers, SIGSEGV, SI_KERNEL, 0);
        return;
    }
    thread->restore_blocked = false;
    thread->blocked |= now.mask | (now.flags & SA_NODEFER ? 0 : SIGNAL_BIT(number));
    thread->blocked &= ~SIGNALS_NEVER_BLOCKED;
}

void signal_fault(struct registers *registers, int number, int code, uint64_t address)
{
    const siginfo_t info = {
        .si_signo = number, .si_code = code, .si_addr = (void *)(uintptr_t)address};
    if (thread_current->blocked & SIGNAL_BIT(number))
        end_program(registers, &info);
    handle(registers, &info);
}

static void deliver(struct registers *registers)
{
    struct thread *thread = thread_current;
    siginfo_t info;
    int number;
    while ((number = signal_take(~thread->blocked, &info)) != 0)
        if (!signal_is_ignored(thread->program, number))
            handle(registers, &info);
    if (thread->restore_blocked) {
        thread->blocked = thread->blocked_before;
        thread->restore_blocked = false;
        if (signal_waits(thread))
            deliver(registers);
    }
}

void signal_deliver(struct registers *registers)
{
    if (thread_current->must_end)
        thread_end();
    deliver(registers);
}
