/* SPDX-License-Identifier: BSD-2-Clause */
/* The system calls about time, and what others need: clocks, times in programs' memory. */
#include <sys/time.h>
#include <sys/times.h>
#include <time.h>

#include "call.h"
#include "cpu.h"

/* times(2) counts so many a second. */
#define TICKS 100

/* A clock of a thread or a program other than the caller: ~id << 3, with these bits. */
#define CLOCK_OF_THREAD 4
#define CLOCK_OF_OTHERS 3

static uint64_t ticks_of(const struct thread *thread)
{
    const bool runs = thread == thread_current && thread->state == THREAD_READY;
    return thread->ran + (runs ? cpu_clock() - thread->since : 0);
}

uint64_t time_of_thread(const struct thread *thread) { return clock_of_ticks(ticks_of(thread)); }

uint64_t time_of_program(const struct program *program)
{
    uint64_t ticks = program->ran;
    LIST_EACH(place, &program->threads)
        ticks += ticks_of(LIST_ENTRY(place, struct thread, siblings));
    return clock_of_ticks(ticks);
}

static int time_of_other(int clock, uint64_t *now)
{
    const int id = ~(clock >> 3);
    if (clock & CLOCK_OF_THREAD) {
        const struct thread *thread = id ? thread_find(id) : thread_current;
        if (!thread || thread->program != program_current())
            return -EINVAL;
        *now = time_of_thread(thread);
        return 0;
    }
    const struct program *program = id ? program_find(id) : program_current();
    if (!program || (clock & CLOCK_OF_OTHERS) == CLOCK_OF_OTHERS)
        return -EINVAL;
    *now = time_of_program(program);
    return 0;
}

int time_of_clock(int clock, uint64_t *now)
{
    switch (clock) {
    case CLOCK_MONOTONIC:
    case CLOCK_MONOTONIC_RAW:
    case CLOCK_MONOTONIC_COARSE:
    case CLOCK_BOOTTIME:
    case CLOCK_BOOTTIME_ALARM: *now = clock_now(); return 0;
    case CLOCK_REALTIME:
    case CLOCK_REALTIME_COARSE:
    case CLOCK_REALTIME_ALARM:
    case CLOCK_TAI: *now = clock_real(); return 0;
    case CLOCK_PROCESS_CPUTIME_ID: *now = time_of_program(program_current()); return 0;
    case CLOCK_THREAD_CPUTIME_ID: *now = time_of_thread(thread_current); return 0;
    default: return clock < 0 ? time_of_other(clock, now) : -EINVAL;
    }
}

int time_in(uint64_t address, uint64_t *nanoseconds)
{
    struct timespec time;
    if (!copy_in(&time, address, sizeof time))
        return -EFAULT;
    if (time.tv_sec < 0 || (uint64_t)time.tv_nsec >= TIME_SECOND)
        return -EINVAL;
    *nanoseconds = (uint64_t)time.tv_sec >= TIME_LONGEST / TIME_SECOND
                       ? TIME_LONGEST
                       : (uint64_t)time.tv_sec * TIME_SECOND + (uint64_t)time.tv_nsec;
    return 0;
}

int time_out(uint64_t address, uint64_t nanoseconds)
{
    const struct timespec time = {.tv_sec = (time_t)(nanoseconds / TIME_SECOND),
                                  .tv_nsec = (long)(nanoseconds % TIME_SECOND)};
    return copy_out(address, &time, sizeof time) ? 0 : -EFAULT;
}

int64_t sys_clock_gettime(const struct call *call)
{
    uint64_t now;
    const int result = time_of_clock((int)call->a[0], &now);
    return result < 0 ? result : time_out(call->a[1], now);
}

int64_t sys_clock_getres(const struct call *call)
{
    uint64_t now;
    const int result = time_of_clock((int)call->a[0], &now);
    return result < 0 || !call->a[1] ? result : time_out(call->a[1], 1);
}

int64_t sys_clock_settime(const struct call *call)
{
    uint64_t time;
    const int result = time_in(call->a[1], &time);
    if (call->a[0] != CLOCK_REALTIME)
        return -EINVAL;
    if (result < 0)
        return result;
    if (time < clock_now())
        return -EINVAL;
    clock_set_epoch(time - clock_now());
    return 0;
}

int64_t sys_clock_nanosleep(const struct call *call)
{
    static struct wait_queue nothing;
    const int clock = (int)call->a[0];
    const bool absolute = call->a[1] & TIMER_ABSTIME;
    uint64_t now, time, start;
    int result = clock == CLOCK_THREAD_CPUTIME_ID ? -EOPNOTSUPP : time_of_clock(clock, &start);
    if (result < 0)
        return result;
    result = time_in(call->a[2], &time);
    if (result < 0)
        return result;
    const uint64_t end = absolute ? time : start + time;
    do {
        /* A clock of CPU time may be slower than the deadline is. */
        (void)time_of_clock(clock, &now);
        if (now >= end)
            return 0;
        result = wait_on(&nothing, clock_now() + (end - now));
    } while (result == -ETIMEDOUT || result == 0);
    (void)time_of_clock(clock, &now);
    if (call->a[3] && !absolute) {
        const int written = time_out(call->a[3], now < end ? end - now : 0);
        return written < 0 ? written : result;
    }
    return result;
}

int64_t sys_nanosleep(const struct call *call)
{
    const struct call like = {.a = {CLOCK_MONOTONIC, 0, call->a[0], call->a[1]}};
    return sys_clock_nanosleep(&like);
}

int64_t sys_gettimeofday(const struct call *call)
{
    const uint64_t now = clock_real();
    const struct timeval time = {.tv_sec = (time_t)(now / TIME_SECOND),
                                 .tv_usec = (suseconds_t)(now % TIME_SECOND / 1000)};
    const struct timezone zone = {0};
    if (call->a[0] && !copy_out(call->a[0], &time, sizeof time))
        return -EFAULT;
    return call->a[1] && !copy_out(call->a[1], &zone, sizeof zone) ? -EFAULT : 0;
}

int64_t sys_time(const struct call *call)
{
    const time_t now = (time_t)(clock_real() / TIME_SECOND);
    return call->a[0] && !copy_out(call->a[0], &now, sizeof now) ? -EFAULT : now;
}

int64_t sys_times(const struct call *call)
{
    const uint64_t used = time_of_program(program_current());
    const struct tms times = {.tms_utime = (clock_t)(used / (TIME_SECOND / TICKS))};
    if (call->a[0] && !copy_out(call->a[0], &times, sizeof times))
        return -EFAULT;
    return (int64_t)(clock_now() / (TIME_SECOND / TICKS));
}
