/* SPDX-License-Identifier: BSD-2-Clause */
/* Timers that are files. */
#include <sys/timerfd.h>

#include "files.h"

#define SECOND 1000000000ull
/* Expirations that follow each other sooner are counted together: programs have to run, too. */
#define SHORTEST 50000u

struct alarm {
    struct timer timer;
    /* The clock counts from 1970 on. */
    bool since_epoch;
    uint64_t due, interval, expirations;
    struct wait_queue readable;
};

static void expire(struct timer *timer)
{
    struct alarm *alarm = CONTAINER_OF(timer, struct alarm, timer);
    uint64_t times = 1;
    if (alarm->interval) {
        const uint64_t now = clock_now();
        if (now > alarm->due)
            times += (now - alarm->due) / alarm->interval;
        alarm->due += times * alarm->interval;
        timer_arm(timer, MAX(alarm->due, now + SHORTEST));
    }
    alarm->expirations += times;
    wait_wake_all(&alarm->readable);
}

static int64_t alarm_read(struct file *file, void *bytes, size_t size, uint64_t *position)
{
    struct alarm *alarm = file->data;
    (void)position;
    if (size < sizeof alarm->expirations)
        return -EINVAL;
    while (!alarm->expirations) {
        if (file->flags & O_NONBLOCK)
            return -EAGAIN;
        const int result = wait_on(&alarm->readable, WAIT_FOR_EVER);
        if (result < 0)
            return result;
    }
    const uint64_t expirations = alarm->expirations;
    alarm->expirations = 0;
    size = sizeof expirations;
    return copy_bytes(bytes, &expirations, size) ? (int64_t)size : -EFAULT;
}

static unsigned alarm_poll(struct file *file, struct poll_watch *watch)
{
    struct alarm *alarm = file->data;
    poll_add(watch, &alarm->readable);
    return alarm->expirations ? POLLIN : 0;
}

static void alarm_release(struct file *file)
{
    struct alarm *alarm = file->data;
    timer_disarm(&alarm->timer);
    heap_put(alarm);
}

static const struct file_operations alarm_operations = {
    .name = "timerfd",
    .read = alarm_read,
    .poll = alarm_poll,
    .seek = file_seek_nowhere,
    .release = alarm_release,
};

int64_t sys_timerfd_create(const struct call *call)
{
    const int clock = (int)call->a[0], flags = (int)call->a[1];
    const bool since_epoch = clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_ALARM;
    if (flags & ~(TFD_CLOEXEC | TFD_NONBLOCK) ||
        (!since_epoch && clock != CLOCK_MONOTONIC && clock != CLOCK_BOOTTIME &&
         clock != CLOCK_BOOTTIME_ALARM))
        return -EINVAL;
    struct alarm *alarm = heap_get(sizeof *alarm);
    if (!alarm)
        return -ENOMEM;
    alarm->timer.expire = expire;
    alarm->since_epoch = since_epoch;
    struct file *file = file_make(&alarm_operations, NULL, O_RDWR | (flags & TFD_NONBLOCK), alarm);
    if (!file) {
        heap_put(alarm);
        return -ENOMEM;
    }
    return descriptor_give(file, flags & TFD_CLOEXEC);
}

static struct alarm *alarm_of(uint64_t number, int64_t *error)
{
    struct file *file = descriptor_open_file(number);
    *error = !file ? -EBADF : file->operations != &alarm_operations ? -EINVAL : 0;
    return *error ? NULL : file->data;
}

static bool is_time(const struct timespec *time)
{
    return time->tv_sec >= 0 && time->tv_nsec >= 0 && (uint64_t)time->tv_nsec < SECOND;
}

/* As much as there is room for. */
static uint64_t nanoseconds(const struct timespec *time)
{
    const uint64_t seconds = (uint64_t)time->tv_sec;
    return seconds >= INT64_MAX / SECOND ? INT64_MAX : seconds * SECOND + (uint64_t)time->tv_nsec;
}

static struct timespec timespec_of(uint64_t time)
{
    return (struct timespec){.tv_sec = (time_t)(time / SECOND), .tv_nsec = (long)(time % SECOND)};
}

static struct itimerspec state(const struct alarm *alarm)
{
    const uint64_t now = clock_now(), due = alarm->due;
    /* One that is overdue has not been told yet. */
    const uint64_t rest = !alarm->timer.armed ? 0 : due > now ? due - now : 1;
    return (struct itimerspec){timespec_of(alarm->interval), timespec_of(rest)};
}

int64_t sys_timerfd_gettime(const struct call *call)
{
    int64_t error;
    const struct alarm *alarm = alarm_of(call->a[0], &error);
    if (!alarm)
        return error;
    const struct itimerspec now = state(alarm);
    return copy_out(call->a[1], &now, sizeof now) ? 0 : -EFAULT;
}

/* Sets the timer anew; what had expired is forgotten. */
static void set(struct alarm *alarm, const struct itimerspec *spec, bool absolute)
{
    const uint64_t value = nanoseconds(&spec->it_value);
    const uint64_t epoch = alarm->since_epoch ? clock_epoch() : 0;
    timer_disarm(&alarm->timer);
    alarm->expirations = 0;
    alarm->interval = nanoseconds(&spec->it_interval);
    alarm->due = !absolute ? deadline_after(value) : value > epoch ? value - epoch : 0;
    if (value)
        timer_arm(&alarm->timer, alarm->due);
}

int64_t sys_timerfd_settime(const struct call *call)
{
    int64_t error;
    struct itimerspec spec;
    const int flags = (int)call->a[1];
    if (!copy_in(&spec, call->a[2], sizeof spec))
        return -EFAULT;
    if (flags & ~TFD_TIMER_ABSTIME || !is_time(&spec.it_value) || !is_time(&spec.it_interval))
        return -EINVAL;
    struct alarm *alarm = alarm_of(call->a[0], &error);
    if (!alarm)
        return error;
    const struct itimerspec before = state(alarm);
    set(alarm, &spec, flags & TFD_TIMER_ABSTIME);
    return !call->a[3] || copy_out(call->a[3], &before, sizeof before) ? 0 : -EFAULT;
}
