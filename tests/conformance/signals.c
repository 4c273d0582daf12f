/* SPDX-License-Identifier: BSD-2-Clause */
/* Signals: handlers and their flags, masks, queues, waiting for them, stacks of their own. */
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "check.h"

static volatile sig_atomic_t seen, last, code, value, depth, deepest;
static volatile sig_atomic_t order[10];

static void note(int number)
{
    if (seen < 10)
        order[seen] = number;
    seen++;
    last = number;
}

static void note_info(int number, siginfo_t *info, void *context)
{
    (void)context;
    note(number);
    code = info->si_code;
    value = info->si_value.sival_int;
}

static void on(int number, void (*handler)(int), int flags)
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = flags};
    sigaction(number, &action, NULL);
    seen = last = 0;
}

static void on_info(int number, int flags)
{
    struct sigaction action = {.sa_sigaction = note_info, .sa_flags = SA_SIGINFO | flags};
    sigaction(number, &action, NULL);
    seen = last = code = value = 0;
}

static sigset_t set_of(int number)
{
    sigset_t set;
    sigemptyset(&set);
    if (number)
        sigaddset(&set, number);
    return set;
}

static void block(int number)
{
    const sigset_t set = set_of(number);
    sigprocmask(SIG_BLOCK, &set, NULL);
}

static void unblock(int number)
{
    const sigset_t set = set_of(number);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
}

static bool is_blocked(int number)
{
    sigset_t set;
    sigprocmask(SIG_SETMASK, NULL, &set);
    return sigismember(&set, number);
}

static bool is_pending(int number)
{
    sigset_t set;
    sigpending(&set);
    return sigismember(&set, number);
}

static void handlers(void)
{
    on(SIGUSR1, note, 0);
    check_call("raise", raise(SIGUSR1));
    check_value("the handler ran", seen);
    check_true("for that signal", last == SIGUSR1);
    check_call("kill", kill(getpid(), SIGUSR1));
    check_value("it ran again", seen);
    check_call("kill with nothing", kill(getpid(), 0));
    check_call("kill with no signal", kill(getpid(), 65));
    check_call("kill of nobody", kill(999999, SIGUSR1));
    check_call("tgkill", syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), SIGUSR1));
    check_call("tgkill of nobody", syscall(SYS_tgkill, getpid(), 999999, SIGUSR1));
    check_call("tkill", syscall(SYS_tkill, syscall(SYS_gettid), SIGUSR1));
    check_value("those who ran", seen);
    struct sigaction found;
    check_call("sigaction", sigaction(SIGUSR1, NULL, &found));
    check_true("tells the handler", found.sa_handler == note);
    on_info(SIGUSR1, 0);
    raise(SIGUSR1);
    check_value("raise: si_code", code);
    kill(getpid(), SIGUSR1);
    check_value("kill: si_code", code);
    check_call("sigqueue", sigqueue(getpid(), SIGUSR1, (union sigval){.sival_int = 17}));
    check_value("sigqueue: si_code", code);
    check_value("its value", value);
    check_call("sigaction for SIGKILL", sigaction(SIGKILL, &found, NULL));
    check_call("for SIGSTOP", sigaction(SIGSTOP, &found, NULL));
    check_call("for no signal", sigaction(0, &found, NULL));
    check_call("for 65", sigaction(65, &found, NULL));
    signal(SIGUSR1, SIG_IGN);
    seen = 0;
    raise(SIGUSR1);
    check_value("ignored", seen);
    signal(SIGCHLD, SIG_DFL);
    raise(SIGCHLD);
    raise(SIGURG);
    raise(SIGWINCH);
    raise(SIGCONT);
    check_text("those that do nothing by default", "done");
    check_true("signal returns the old one", signal(SIGUSR1, note) == SIG_IGN);
}

static void nested(int number)
{
    depth++;
    if (depth > deepest)
        deepest = depth;
    seen++;
    if (seen < 3)
        raise(number);
    depth--;
}

static void see_mask(int number)
{
    note(number);
    value = is_blocked(SIGUSR1) + 10 * is_blocked(SIGUSR2) + 100 * is_blocked(SIGTERM);
}

static void flags(void)
{
    on(SIGUSR1, nested, 0);
    raise(SIGUSR1);
    check_value("a signal in its own handler", seen);
    check_value("comes when it is over", deepest);
    deepest = 0;
    on(SIGUSR1, nested, SA_NODEFER);
    raise(SIGUSR1);
    check_value("SA_NODEFER", seen);
    check_value("comes within it", deepest);
    struct sigaction action = {.sa_handler = see_mask};
    action.sa_mask = set_of(SIGUSR2);
    sigaction(SIGUSR1, &action, NULL);
    raise(SIGUSR1);
    check_value("blocked in the handler", value);
    check_true("and not behind it", !is_blocked(SIGUSR1) && !is_blocked(SIGUSR2));
    action.sa_flags = SA_NODEFER;
    sigaction(SIGUSR1, &action, NULL);
    raise(SIGUSR1);
    check_value("blocked with SA_NODEFER", value);
    on(SIGUSR1, note, SA_RESETHAND);
    raise(SIGUSR1);
    struct sigaction found;
    sigaction(SIGUSR1, NULL, &found);
    check_true("SA_RESETHAND", seen == 1 && found.sa_handler == SIG_DFL);
    on_info(SIGUSR1, SA_RESTART | SA_ONSTACK);
    sigaction(SIGUSR1, NULL, &found);
    check_value("the flags", found.sa_flags & (SA_RESTART | SA_ONSTACK | SA_SIGINFO | SA_NODEFER) &
                                 ~0x04000000);
}

static void masks(void)
{
    on(SIGUSR1, note, 0);
    block(SIGUSR1);
    raise(SIGUSR1);
    raise(SIGUSR1);
    check_value("blocked", seen);
    check_true("pending", is_pending(SIGUSR1));
    unblock(SIGUSR1);
    check_value("it comes once", seen);
    check_true("not pending", !is_pending(SIGUSR1));
    sigset_t before = set_of(0), all;
    sigfillset(&all);
    check_call("SIG_SETMASK", sigprocmask(SIG_SETMASK, &all, NULL));
    check_true("SIGKILL cannot be blocked", !is_blocked(SIGKILL) && !is_blocked(SIGSTOP));
    check_true("others can", is_blocked(SIGTERM) && is_blocked(SIGRTMIN));
    sigprocmask(SIG_SETMASK, &before, &all);
    check_value("the old mask", sigismember(&all, SIGTERM));
    check_call("a way that is none", sigprocmask(9, &before, NULL));
    block(SIGUSR1);
    raise(SIGUSR1);
    signal(SIGUSR1, SIG_IGN);
    check_true("ignoring takes what is pending", !is_pending(SIGUSR1));
    unblock(SIGUSR1);
    on(SIGUSR1, note, 0);
    on(SIGUSR2, note, 0);
    on(SIGTERM, note, 0);
    block(SIGUSR1), block(SIGUSR2), block(SIGTERM);
    raise(SIGTERM), raise(SIGUSR2), raise(SIGUSR1);
    check_true("sigsuspend", sigsuspend(&before) == -1 && errno == EINTR);
    check_value("all came", seen);
    check_true("and are blocked again", is_blocked(SIGUSR1) && is_blocked(SIGUSR2));
    unblock(SIGUSR1), unblock(SIGUSR2), unblock(SIGTERM);
    check_call("sigprocmask at no address", syscall(SYS_rt_sigprocmask, SIG_BLOCK, 8, 0, 8));
    check_call("masks of another size", syscall(SYS_rt_sigprocmask, SIG_BLOCK, &all, 0, 4));
}

static void queues(void)
{
    on_info(SIGRTMIN, 0);
    on_info(SIGRTMIN + 1, 0);
    block(SIGRTMIN), block(SIGRTMIN + 1);
    for (int i = 0; i < 3; i++) {
        sigqueue(getpid(), SIGRTMIN + 1, (union sigval){.sival_int = 10 + i});
        sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = i});
    }
    check_value("none while blocked", seen);
    siginfo_t info;
    const sigset_t wanted = set_of(SIGRTMIN);
    check_true("sigwaitinfo", sigwaitinfo(&wanted, &info) == SIGRTMIN);
    check_value("the first one's value", info.si_value.sival_int);
    check_value("its code", info.si_code);
    check_true("its sender", info.si_pid == getpid());
    unblock(SIGRTMIN);
    check_value("those of real time are queued", seen);
    check_value("the last one's value", value);
    unblock(SIGRTMIN + 1);
    check_value("all came", seen);
    check_value("the last one's value", value);
}

static void *kill_later(void *with)
{
    sleep_ms(30);
    pthread_kill(*(pthread_t *)with, SIGUSR1);
    return NULL;
}

static pthread_t later(void)
{
    static pthread_t self;
    pthread_t thread;
    self = pthread_self();
    if (pthread_create(&thread, NULL, kill_later, &self))
        exit(1);
    return thread;
}

static void waiting(void)
{
    on(SIGUSR1, note, 0);
    pthread_t thread = later();
    check_true("pause", pause() == -1 && errno == EINTR);
    pthread_join(thread, NULL);
    const sigset_t wanted = set_of(SIGUSR1);
    siginfo_t info;
    block(SIGUSR1);
    struct timespec time = {0, 20 * MS};
    const long long before = now();
    check_call("sigtimedwait for nothing", sigtimedwait(&wanted, NULL, &time));
    check_true("it takes its time", now() - before >= 20 * MS);
    thread = later();
    time.tv_sec = 10;
    check_true("sigtimedwait", sigtimedwait(&wanted, &info, &time) == SIGUSR1);
    check_value("its code", info.si_code);
    pthread_join(thread, NULL);
    int number = 0;
    thread = later();
    check_error("sigwait", sigwait(&wanted, &number));
    check_true("its number", number == SIGUSR1);
    pthread_join(thread, NULL);
    time.tv_nsec = -1;
    check_call("a time that is none", sigtimedwait(&wanted, NULL, &time));
    unblock(SIGUSR1);
    int ends[2];
    char byte;
    if (pipe(ends) != 0)
        exit(1);
    thread = later();
    check_call("read and a signal", read(ends[0], &byte, 1));
    pthread_join(thread, NULL);
}

static char *handler_at;

static void where(int number)
{
    char here;
    note(number);
    handler_at = (char *)(uintptr_t)&here;
    stack_t now_used;
    sigaltstack(NULL, &now_used);
    value = now_used.ss_flags;
}

/* Runs out of stack long before it is deep enough. */
static int overflow(int deep)
{
    volatile char room[4096];
    room[0] = (char)deep;
    return deep == INT_MAX ? 0 : overflow(deep + 1) + room[0];
}

static void stacks(void)
{
    static char own[65536];
    stack_t stack = {.ss_sp = own, .ss_size = sizeof own}, found;
    check_call("sigaltstack", sigaltstack(&stack, &found));
    check_value("there was none", found.ss_flags);
    on(SIGUSR1, where, SA_ONSTACK);
    raise(SIGUSR1);
    check_true("SA_ONSTACK", handler_at >= own && handler_at < own + sizeof own);
    check_value("it says so", value);
    on(SIGUSR1, where, 0);
    raise(SIGUSR1);
    check_true("without", handler_at < own || handler_at >= own + sizeof own);
    check_call("a stack too small", sigaltstack(&(stack_t){.ss_sp = own, .ss_size = 100}, NULL));
    check_call("wrong flags", sigaltstack(&(stack_t){.ss_flags = 0x1000}, NULL));
    check_call("SS_DISABLE", sigaltstack(&(stack_t){.ss_flags = SS_DISABLE}, &found));
    check_true("what it was", found.ss_sp == own && found.ss_size == sizeof own);
    on(SIGUSR1, where, SA_ONSTACK);
    raise(SIGUSR1);
    check_true("none to be on", handler_at < own || handler_at >= own + sizeof own);
}

static sigjmp_buf back;

static void jump(int number)
{
    note(number);
    siglongjmp(back, number);
}

static void jumping(void)
{
    static char own[65536];
    stack_t stack = {.ss_sp = own, .ss_size = sizeof own};
    sigaltstack(&stack, NULL);
    on(SIGUSR1, jump, 0);
    int number = sigsetjmp(back, 1);
    if (!number)
        raise(SIGUSR1);
    check_true("siglongjmp", number == SIGUSR1);
    check_true("the mask is as before", !is_blocked(SIGUSR1));
    number = sigsetjmp(back, 0);
    if (!number)
        raise(SIGUSR1);
    check_true("without the mask", is_blocked(SIGUSR1));
    unblock(SIGUSR1);
    on(SIGSEGV, jump, SA_ONSTACK);
    for (volatile int i = 0; i < 2; i++) {
        number = sigsetjmp(back, 1);
        if (!number)
            seen = overflow(0);
        check_true("a stack that is full", number == SIGSEGV);
    }
    signal(SIGSEGV, SIG_DFL);
    on(SIGABRT, jump, 0);
    number = sigsetjmp(back, 1);
    if (!number)
        abort();
    check_true("abort", number == SIGABRT);
    signal(SIGABRT, SIG_DFL);
}

int main(void)
{
    check_begin();
    handlers();
    flags();
    masks();
    queues();
    waiting();
    stacks();
    jumping();
    return 0;
}
