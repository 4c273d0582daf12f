/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Timers that send signals: alarm, setitimer, timer_create. Those of CPU time look again when so
 * much time has passed as is left, since CPU time is never faster.
 */
#include <sys/time.h>
#include <time.h>

#include "call.h"

/* No timer interrupts more often; what it misses counts as overrun. */
#define SHORTEST 50000u
#define TIMERS_MOST 1024

struct interval {
    struct interval *next;
    struct timer timer;
    struct program *program;
    /* timer_create's; those of setitimer have -1 - which. */
    int id;
    int clock;
    /* Gets the signal, and is whose time is measured; 0: the program. */
    int receiver, measured;
    bool silent;
    /* On its clock; 0: at rest. */
    uint64_t due;
    uint64_t period;
    int overrun;
    siginfo_t info;
};

static uint64_t now_of(const struct interval *interval)
{
    uint64_t now = 0;
    const struct thread *thread;
    switch (interval->clock) {
    case CLOCK_PROCESS_CPUTIME_ID: return time_of_program(interval->program);
    case CLOCK_THREAD_CPUTIME_ID:
        thread = thread_find(interval->measured);
        return thread ? time_of_thread(thread) : 0;
    default: (void)time_of_clock(interval->clock, &now); return now;
    }
}

static void send(struct interval *interval, int overrun)
{
    struct thread *thread = interval->receiver ? thread_find(interval->receiver) : NULL;
    if (interval->silent || (interval->receiver && !thread))
        return;
    if (interval->id >= 0) {
        if (signal_count_overrun(interval->program, thread, interval->id, overrun + 1)) {
            interval->overrun += overrun + 1;
            return;
        }
        interval->info.si_overrun = interval->overrun = overrun;
    }
    (void)signal_send(interval->program, thread, &interval->info);
}

static void arm(struct interval *interval, uint64_t now)
{
    const uint64_t left = interval->due > now ? interval->due - now : 0;
    timer_arm(&interval->timer, clock_now() + MAX(left, SHORTEST));
}

static void expire(struct timer *timer)
{
    struct interval *interval = CONTAINER_OF(timer, struct interval, timer);
    const uint64_t now = now_of(interval);
    if (now < interval->due) {
        arm(interval, now);
        return;
    }
    const uint64_t more = interval->period ? (now - interval->due) / interval->period : 0;
    interval->due = interval->period ? interval->due + (more + 1) * interval->period : 0;
    if (interval->due)
        arm(interval, now);
    send(interval, (int)MIN(more, INT32_MAX / 2));
}

static void set(struct interval *interval, uint64_t value, uint64_t period, bool absolute)
{
    const uint64_t now = now_of(interval);
    timer_disarm(&interval->timer);
    interval->period = period;
    interval->due = value && !absolute ? now + value : value;
    if (interval->due)
        arm(interval, now);
}

/* What is left: at least something where it is armed. */
static uint64_t left_of(const struct interval *interval)
{
    const uint64_t now = now_of(interval);
    if (!interval->due)
        return 0;
    return interval->due > now ? interval->due - now : 1;
}

static struct interval *find(int id)
{
    struct interval *interval = program_current()->intervals;
    while (interval && interval->id != id)
        interval = interval->next;
    return interval;
}

static struct interval *make(int id, int clock, int signal, int code)
{
    struct program *program = program_current();
    struct interval *interval = heap_get(sizeof *interval);
    if (!interval)
        return NULL;
    *interval = (struct interval){
        .next = program->intervals,
        .timer = {.expire = expire},
        .program = program,
        .id = id,
        .clock = clock,
        .measured = thread_current->id,
        .info = {.si_signo = signal, .si_code = code},
    };
    program->intervals = interval;
    return interval;
}

static void drop(struct interval **place)
{
    struct interval *interval = *place;
    *place = interval->next;
    timer_disarm(&interval->timer);
    heap_put(interval);
}

void intervals_end(struct program *program)
{
    while (program->intervals)
        drop(&program->intervals);
}

/* setitimer's, which are made when they are first set; NULL without memory. */
static struct interval *make_interval(int which)
{
    static const int clocks[] = {
        CLOCK_MONOTONIC, CLOCK_PROCESS_CPUTIME_ID, CLOCK_PROCESS_CPUTIME_ID};
    static const int signals[] = {SIGALRM, SIGVTALRM, SIGPROF};
    struct interval *interval = find(-1 - which);
    return interval ? interval : make(-1 - which, clocks[which], signals[which], SI_KERNEL);
}

static struct timeval microseconds(uint64_t time)
{
    return (struct timeval){.tv_sec = (time_t)(time / TIME_SECOND),
                            .tv_usec = (suseconds_t)(time % TIME_SECOND / 1000)};
}

static bool is_time(const struct timeval *time)
{
    return time->tv_sec >= 0 && (uint64_t)time->tv_usec < 1000000;
}

static uint64_t nanoseconds(const struct timeval *time)
{
    const uint64_t seconds = MIN((uint64_t)time->tv_sec, TIME_LONGEST / TIME_SECOND);
    return seconds * TIME_SECOND + (uint64_t)time->tv_usec * 1000;
}

int64_t sys_getitimer(const struct call *call)
{
    if (call->a[0] > ITIMER_PROF)
        return -EINVAL;
    const struct interval *interval = find(-1 - (int)call->a[0]);
    struct itimerval old = {0};
    if (interval) {
        const uint64_t left = left_of(interval);
        old.it_interval = microseconds(interval->period);
        /* What is armed has something left. */
        old.it_value = microseconds(left ? MAX(left, 1000u) : 0);
    }
    return copy_out(call->a[1], &old, sizeof old) ? 0 : -EFAULT;
}

int64_t sys_setitimer(const struct call *call)
{
    const struct call get = {.a = {call->a[0], call->a[2]}};
    struct itimerval new = {0};
    if (call->a[0] > ITIMER_PROF)
        return -EINVAL;
    if (call->a[1] && !copy_in(&new, call->a[1], sizeof new))
        return -EFAULT;
    if (!is_time(&new.it_value) || !is_time(&new.it_interval))
        return -EINVAL;
    const int64_t result = call->a[2] ? sys_getitimer(&get) : 0;
    if (result < 0)
        return result;
    struct interval *interval = make_interval((int)call->a[0]);
    if (!interval)
        return -ENOMEM;
    set(interval, nanoseconds(&new.it_value), nanoseconds(&new.it_interval), false);
    return 0;
}

int64_t sys_alarm(const struct call *call)
{
    struct interval *interval = make_interval(ITIMER_REAL);
    if (!interval)
        return -ENOMEM;
    const uint64_t left = left_of(interval);
    set(interval, (uint64_t)(uint32_t)call->a[0] * TIME_SECOND, 0, false);
    /* To the nearest second, but not to none. */
    return left ? (int64_t)MAX((left + TIME_SECOND / 2) / TIME_SECOND, 1u) : 0;
}

/* The kernel's struct sigevent. */
struct event {
    uint64_t value;
    int32_t signal, how, thread, padding[11];
};
_Static_assert(sizeof(struct event) == 64, "as Linux has it");

static int event_in(uint64_t address, struct event *event, int id)
{
    *event = (struct event){.value = (uint64_t)id, .signal = SIGALRM, .how = SIGEV_SIGNAL};
    if (!address)
        return 0;
    if (!copy_in(event, address, sizeof *event))
        return -EFAULT;
    if (event->how == SIGEV_NONE)
        return 0;
    const struct thread *thread = thread_find(event->thread);
    if (event->how == SIGEV_THREAD_ID && (!thread || thread->program != program_current()))
        return -EINVAL;
    if (event->how != SIGEV_SIGNAL && event->how != SIGEV_THREAD_ID)
        return -EINVAL;
    return event->signal >= 1 && event->signal <= 64 ? 0 : -EINVAL;
}

int64_t sys_timer_create(const struct call *call)
{
    const int clock = (int)call->a[0];
    struct event event;
    uint64_t now;
    int id = 0;
    while (find(id))
        id++;
    int result = clock < 0 ? -EINVAL : time_of_clock(clock, &now);
    if (result == 0)
        result = event_in(call->a[1], &event, id);
    if (result < 0)
        return result;
    if (id >= TIMERS_MOST)
        return -EAGAIN;
    if (!copy_out(call->a[2], &id, sizeof id))
        return -EFAULT;
    struct interval *interval = make(id, clock, event.signal, SI_TIMER);
    if (!interval)
        return -EAGAIN;
    interval->silent = event.how == SIGEV_NONE;
    interval->receiver = event.how == SIGEV_THREAD_ID ? event.thread : 0;
    interval->info.si_timerid = id;
    interval->info.si_value.sival_ptr = (void *)(uintptr_t)event.value;
    return 0;
}

static struct interval *find_timer(const struct call *call)
{
    const int id = (int)call->a[0];
    return id < 0 ? NULL : find(id);
}

static int64_t write_timer(const struct interval *interval, uint64_t address)
{
    const int result = time_out(address, interval->period);
    return result < 0 ? result : time_out(address + sizeof(struct timespec), left_of(interval));
}

int64_t sys_timer_settime(const struct call *call)
{
    struct interval *interval = find_timer(call);
    uint64_t period, value;
    if (!interval)
        return -EINVAL;
    int64_t result = time_in(call->a[2], &period);
    if (result == 0)
        result = time_in(call->a[2] + sizeof(struct timespec), &value);
    if (result == 0 && call->a[3])
        result = write_timer(interval, call->a[3]);
    if (result == 0)
        set(interval, value, period, call->a[1] & TIMER_ABSTIME);
    return result;
}

int64_t sys_timer_gettime(const struct call *call)
{
    const struct interval *interval = find_timer(call);
    return interval ? write_timer(interval, call->a[1]) : -EINVAL;
}

int64_t sys_timer_getoverrun(const struct call *call)
{
    const struct interval *interval = find_timer(call);
    return interval ? interval->overrun : -EINVAL;
}

int64_t sys_timer_delete(const struct call *call)
{
    const int id = (int)call->a[0];
    struct interval **place = &program_current()->intervals;
    while (*place && (id < 0 || (*place)->id != id))
        place = &(*place)->next;
    if (!*place)
        return -EINVAL;
    drop(place);
    return 0;
}
