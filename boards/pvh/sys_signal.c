/* SPDX-License-Identifier: BSD-2-Clause */
/* The system calls about signals. */
#include "call.h"

#define SET_SIZE 8
#define NUMBER_MOST 64

static bool is_signal(uint64_t number) { return number >= 1 && number <= NUMBER_MOST; }

int64_t sys_rt_sigaction(const struct call *call)
{
    struct program *program = program_current();
    struct signal_action new;
    if (!is_signal(call->a[0]) || call->a[3] != SET_SIZE)
        return -EINVAL;
    const int number = (int)call->a[0];
    struct signal_action *action = &program->actions[number - 1];
    const struct signal_action old = *action;
    if (call->a[1]) {
        if (SIGNAL_BIT(number) & SIGNALS_NEVER_BLOCKED)
            return -EINVAL;
        if (!copy_in(&new, call->a[1], sizeof new))
            return -EFAULT;
        new.mask &= ~SIGNALS_NEVER_BLOCKED;
        *action = new;
        if (signal_is_ignored(program, number))
            signal_flush(program, number);
    }
    return call->a[2] && !copy_out(call->a[2], &old, sizeof old) ? -EFAULT : 0;
}

int64_t sys_rt_sigprocmask(const struct call *call)
{
    struct thread *thread = thread_current;
    const uint64_t old = thread->blocked;
    uint64_t set;
    if (call->a[3] != SET_SIZE)
        return -EINVAL;
    if (call->a[1]) {
        if (!copy_in(&set, call->a[1], sizeof set))
            return -EFAULT;
        if (call->a[0] == SIG_BLOCK)
            set |= old;
        else if (call->a[0] == SIG_UNBLOCK)
            set = old & ~set;
        else if (call->a[0] != SIG_SETMASK)
            return -EINVAL;
        thread->blocked = set & ~SIGNALS_NEVER_BLOCKED;
    }
    return call->a[2] && !copy_out(call->a[2], &old, sizeof old) ? -EFAULT : 0;
}

int64_t sys_rt_sigreturn(const struct call *call)
{
    if (!signal_frame_load(call->registers))
        signal_fault(call->registers, SIGSEGV, SI_KERNEL, 0);
    return (int64_t)call->registers->rax;
}

int64_t sys_rt_sigpending(const struct call *call)
{
    const struct thread *thread = thread_current;
    const uint64_t set = (thread->pending | thread->program->pending) & thread->blocked;
    if (call->a[1] > SET_SIZE)
        return -EINVAL;
    return copy_out(call->a[0], &set, call->a[1]) ? 0 : -EFAULT;
}

int64_t sys_rt_sigtimedwait(const struct call *call)
{
    uint64_t set, deadline = WAIT_FOR_EVER, time;
    siginfo_t info;
    if (call->a[3] != SET_SIZE)
        return -EINVAL;
    if (!copy_in(&set, call->a[0], sizeof set))
        return -EFAULT;
    if (call->a[2]) {
        const int result = time_in(call->a[2], &time);
        if (result < 0)
            return result;
        deadline = clock_now() + time;
    }
    for (int result = 0;;) {
        const int number = signal_take(set & ~SIGNALS_NEVER_BLOCKED, &info);
        if (number)
            return call->a[1] && !copy_out(call->a[1], &info, sizeof info) ? -EFAULT : number;
        if (result < 0)
            return result == -ETIMEDOUT ? -EAGAIN : result;
        result = wait_on(&program_current()->signalled, deadline);
    }
}

int64_t sys_rt_sigsuspend(const struct call *call)
{
    uint64_t set;
    if (call->a[1] != SET_SIZE)
        return -EINVAL;
    if (!copy_in(&set, call->a[0], sizeof set))
        return -EFAULT;
    signal_mask_for_wait(set);
    return sys_pause(call);
}

int64_t sys_pause(const struct call *call)
{
    static struct wait_queue nothing;
    (void)call;
    while (wait_on(&nothing, WAIT_FOR_EVER) != -EINTR)
        ;
    return -EINTR;
}

/* As the kernel has stack_t. */
struct signal_stack {
    uint64_t start;
    int32_t flags, padding;
    uint64_t size;
};

int64_t sys_sigaltstack(const struct call *call)
{
    struct thread *thread = thread_current;
    const int state = signal_stack_state(thread, call->registers->rsp);
    const struct signal_stack old = {
        .start = thread->signal_stack, .flags = state, .size = thread->signal_stack_size};
    struct signal_stack new;
    if (call->a[0]) {
        if (!copy_in(&new, call->a[0], sizeof new))
            return -EFAULT;
        if (state == SS_ONSTACK)
            return -EPERM;
        if (new.flags != 0 && new.flags != SS_DISABLE && new.flags != SS_ONSTACK)
            return -EINVAL;
        const bool none = new.flags == SS_DISABLE;
        if (!none && new.size < SIGNAL_STACK_LEAST)
            return -ENOMEM;
        if (!none && !program_range(new.start, new.size))
            return -EFAULT;
        thread->signal_stack = none ? 0 : new.start;
        thread->signal_stack_size = none ? 0 : new.size;
    }
    return call->a[1] && !copy_out(call->a[1], &old, sizeof old) ? -EFAULT : 0;
}

/* Signal 0 asks only whether there is somebody. */
static int64_t send(struct program *program, struct thread *thread, const siginfo_t *info)
{
    return info->si_signo == 0 ? 0 : signal_send(program, thread, info);
}

static siginfo_t from_here(uint64_t number, int code)
{
    return (siginfo_t){.si_signo = (int)number, .si_code = code, .si_pid = program_current()->id};
}

int64_t sys_kill(const struct call *call)
{
    const int id = (int)call->a[0];
    const siginfo_t info = from_here(call->a[1], SI_USER);
    if (call->a[1] > NUMBER_MOST)
        return -EINVAL;
    if (id != -1) {
        /* Each program is a process group of its own. */
        struct program *program = id == 0 ? program_current() : program_find(id < 0 ? -id : id);
        return program ? send(program, NULL, &info) : -ESRCH;
    }
    int64_t result = -ESRCH;
    LIST_EACH(place, &programs) {
        struct program *program = LIST_ENTRY(place, struct program, all);
        if (program != program_current())
            result = send(program, NULL, &info);
    }
    return result;
}

/* The thread of that id, of the program of that id unless that is 0. */
static struct thread *find(uint64_t program, uint64_t id)
{
    struct thread *thread = (int)id > 0 ? thread_find((int)id) : NULL;
    if (!thread || !thread->program || (program && thread->program->id != (int)program))
        return NULL;
    return thread;
}

static int64_t send_to_thread(uint64_t program, uint64_t id, const siginfo_t *info)
{
    struct thread *thread = find(program, id);
    return thread ? send(thread->program, thread, info) : -ESRCH;
}

int64_t sys_tkill(const struct call *call)
{
    const siginfo_t info = from_here(call->a[1], SI_TKILL);
    if (call->a[1] > NUMBER_MOST || (int)call->a[0] <= 0)
        return -EINVAL;
    return send_to_thread(0, call->a[0], &info);
}

int64_t sys_tgkill(const struct call *call)
{
    const siginfo_t info = from_here(call->a[2], SI_TKILL);
    if (call->a[2] > NUMBER_MOST || (int)call->a[0] <= 0 || (int)call->a[1] <= 0)
        return -EINVAL;
    return send_to_thread(call->a[0], call->a[1], &info);
}

/* What a program says itself of a signal must not look like the base's word to others. */
static int64_t info_in(uint64_t address, uint64_t number, int receiver, siginfo_t *info)
{
    if (!copy_in(info, address, sizeof *info))
        return -EFAULT;
    if (number > NUMBER_MOST)
        return -EINVAL;
    if ((info->si_code >= 0 || info->si_code == SI_TKILL) && receiver != program_current()->id)
        return -EPERM;
    info->si_signo = (int)number;
    return 0;
}

int64_t sys_rt_sigqueueinfo(const struct call *call)
{
    siginfo_t info;
    const int64_t result = info_in(call->a[2], call->a[1], (int)call->a[0], &info);
    struct program *program = program_find((int)call->a[0]);
    if (result < 0)
        return result;
    return program ? send(program, NULL, &info) : -ESRCH;
}

int64_t sys_rt_tgsigqueueinfo(const struct call *call)
{
    siginfo_t info;
    const int64_t result = info_in(call->a[3], call->a[2], (int)call->a[0], &info);
    if ((int)call->a[0] <= 0 || (int)call->a[1] <= 0)
        return -EINVAL;
    return result < 0 ? result : send_to_thread(call->a[0], call->a[1], &info);
}
