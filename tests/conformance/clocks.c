/* SPDX-License-Identifier: BSD-2-Clause */
/* Time: the clocks, sleeping, timerfd, interval timers, timers of POSIX. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/times.h>
#include <time.h>
#include <unistd.h>

#include "check.h"

static volatile sig_atomic_t alarms;
static volatile sig_atomic_t last_value;

static void count(int number, siginfo_t *info, void *context)
{
    (void)number, (void)context;
    alarms++;
    last_value = info->si_value.sival_int;
}

static void handle(int number)
{
    struct sigaction action = {.sa_sigaction = count, .sa_flags = SA_SIGINFO};
    sigaction(number, &action, NULL);
    alarms = 0;
}

static long long in_ns(struct timespec time) { return time.tv_sec * 1000000000LL + time.tv_nsec; }

static struct timespec of_ns(long long ns)
{
    return (struct timespec){ns / 1000000000, ns % 1000000000};
}

static long long clock_ns(clockid_t clock)
{
    struct timespec time = {0};
    return clock_gettime(clock, &time) == 0 ? in_ns(time) : -1;
}

static void one_clock(const char *name, clockid_t clock)
{
    struct timespec time, unit = {9, 9};
    check_call(name, clock_gettime(clock, &time));
    check_true("its nanoseconds", time.tv_nsec >= 0 && time.tv_nsec < 1000000000);
    const long long before = clock_ns(clock);
    for (volatile int i = 0; i < 3000000; i++)
        continue;
    check_true("it does not go back", clock_ns(clock) >= before);
    check_call("its resolution", clock_getres(clock, &unit));
    check_true("is no second", unit.tv_sec == 0 && unit.tv_nsec > 0);
}

static void clocks(void)
{
    one_clock("CLOCK_REALTIME", CLOCK_REALTIME);
    one_clock("CLOCK_MONOTONIC", CLOCK_MONOTONIC);
    one_clock("CLOCK_BOOTTIME", CLOCK_BOOTTIME);
    one_clock("CLOCK_PROCESS_CPUTIME_ID", CLOCK_PROCESS_CPUTIME_ID);
    one_clock("CLOCK_THREAD_CPUTIME_ID", CLOCK_THREAD_CPUTIME_ID);
    one_clock("CLOCK_MONOTONIC_RAW", CLOCK_MONOTONIC_RAW);
    one_clock("CLOCK_REALTIME_COARSE", CLOCK_REALTIME_COARSE);
    one_clock("CLOCK_MONOTONIC_COARSE", CLOCK_MONOTONIC_COARSE);
    struct timespec found;
    check_call("a clock that is none", clock_gettime(77, &found));
    check_call("its resolution", clock_getres(77, &found));
    struct timeval day;
    check_call("gettimeofday", gettimeofday(&day, NULL));
    check_true("agrees with the clock", day.tv_sec - time(NULL) <= 1);
}

static void sleeping(void)
{
    struct timespec time = {0, 50 * MS}, rest = {5, 5};
    long long before = now();
    const long long used = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
    check_call("nanosleep", nanosleep(&time, NULL));
    check_true("it takes its time", now() - before >= 50 * MS);
    check_true("but none of the processor's",
               clock_ns(CLOCK_PROCESS_CPUTIME_ID) - used < 40 * MS);
    time.tv_nsec = -1;
    check_call("a time that is none", nanosleep(&time, NULL));
    time = of_ns(now() + 40 * MS);
    before = now();
    check_error("until a time", clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL));
    check_true("it is that time", now() >= in_ns(time));
    check_error("until one that is over",
                clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL));
    time = of_ns(clock_ns(CLOCK_REALTIME) + 10 * MS);
    check_error("by the wall's clock", clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &time, NULL));
    check_error("by no clock", clock_nanosleep(77, 0, &time, NULL));
    handle(SIGALRM);
    const struct itimerval soon = {.it_value = {0, 30000}};
    setitimer(ITIMER_REAL, &soon, NULL);
    time = (struct timespec){10, 0};
    before = now();
    check_call("nanosleep and an alarm", nanosleep(&time, &rest));
    check_true("the rest", in_ns(rest) > 0 && in_ns(rest) <= 10000 * MS - 20 * MS);
    check_true("that came early", now() - before < 9000 * MS);
    check_value("the alarm came", alarms);
    setitimer(ITIMER_REAL, &soon, NULL);
    time = of_ns(now() + 10000 * MS);
    check_error("the same, until a time",
                clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL));
}

static long read_count(int timer)
{
    uint64_t expirations = 99;
    const ssize_t got = read(timer, &expirations, sizeof expirations);
    return got == sizeof expirations ? (long)expirations : -1;
}

static void timer_files(void)
{
    const int timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    check_done("timerfd_create", timer);
    check_value("O_NONBLOCK", !!(fcntl(timer, F_GETFL) & O_NONBLOCK));
    check_value("FD_CLOEXEC", fcntl(timer, F_GETFD));
    check_call("one that is not set", read_count(timer));
    struct itimerspec when = {.it_value = {0, 20 * MS}}, found;
    check_call("timerfd_settime", timerfd_settime(timer, 0, &when, NULL));
    check_call("too early", read_count(timer));
    struct pollfd wait = {.fd = timer, .events = POLLIN};
    check_call("poll", poll(&wait, 1, 5000));
    check_call("it came once", read_count(timer));
    check_call("and no more", read_count(timer));
    when = (struct itimerspec){.it_interval = {0, 20 * MS}, .it_value = {0, 20 * MS}};
    timerfd_settime(timer, 0, &when, NULL);
    sleep_ms(130);
    check_true("one that comes again", read_count(timer) >= 5);
    check_call("timerfd_gettime", timerfd_gettime(timer, &found));
    check_value("its interval", found.it_interval.tv_nsec);
    check_true("its value", found.it_value.tv_sec == 0 && found.it_value.tv_nsec <= 20 * MS);
    char small[4];
    fcntl(timer, F_SETFL, 0);
    check_call("read of 4 bytes", read(timer, small, 4));
    check_true("read that waits", read_count(timer) >= 1);
    when = (struct itimerspec){.it_value = of_ns(now() + 30 * MS)};
    check_call("at a time", timerfd_settime(timer, TFD_TIMER_ABSTIME, &when, &found));
    check_value("what was set before", found.it_interval.tv_nsec);
    check_call("it came once", read_count(timer));
    check_true("at that time", now() >= in_ns(when.it_value));
    when = (struct itimerspec){.it_value = {0, 1}};
    check_call("timerfd_settime, soon", timerfd_settime(timer, 0, &when, NULL));
    when.it_value.tv_nsec = 0;
    check_call("and never", timerfd_settime(timer, 0, &when, NULL));
    wait.revents = 0;
    check_call("poll of one that is off", poll(&wait, 1, 10));
    when.it_value.tv_nsec = 1000000000;
    check_call("a time that is none", timerfd_settime(timer, 0, &when, NULL));
    check_call("write", write(timer, "12345678", 8));
    check_done("timerfd of no clock", timerfd_create(CLOCK_THREAD_CPUTIME_ID, 0));
    check_done("timerfd with flags that are none", timerfd_create(CLOCK_MONOTONIC, 0x10));
    when.it_value.tv_nsec = 1;
    check_call("timerfd_settime of no timer", timerfd_settime(0, 0, &when, NULL));
    check_call("timerfd_settime of no descriptor", timerfd_settime(99, 0, &when, NULL));
    close(timer);
}

static void interval_timers(void)
{
    handle(SIGALRM);
    struct itimerval found, when = {.it_interval = {0, 10000}, .it_value = {0, 10000}};
    check_call("setitimer", setitimer(ITIMER_REAL, &when, NULL));
    while (alarms < 3)
        sleep_ms(1);
    check_call("getitimer", getitimer(ITIMER_REAL, &found));
    check_value("its interval", found.it_interval.tv_usec);
    when = (struct itimerval){0};
    check_call("setitimer to never", setitimer(ITIMER_REAL, &when, &found));
    check_value("what it was", found.it_interval.tv_usec);
    alarms = 0;
    sleep_ms(30);
    check_value("none comes", alarms);
    check_call("alarm", alarm(100));
    check_call("alarm again", alarm(1));
    while (!alarms)
        sleep_ms(1);
    check_value("it comes", alarms);
    check_call("nothing left", alarm(0));
    check_call("a timer that is none", setitimer(7, &when, NULL));
    when.it_value.tv_usec = 1000000;
    check_call("a time that is none", setitimer(ITIMER_REAL, &when, NULL));
}

static void posix_timers(void)
{
    handle(SIGUSR1);
    timer_t timer;
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
    event.sigev_value.sival_int = 42;
    check_call("timer_create", timer_create(CLOCK_MONOTONIC, &event, &timer));
    struct itimerspec found, when = {.it_value = {0, 10 * MS}};
    check_call("timer_settime", timer_settime(timer, 0, &when, NULL));
    while (!alarms)
        sleep_ms(1);
    check_value("it comes", alarms);
    check_value("with its value", last_value);
    check_call("timer_gettime", timer_gettime(timer, &found));
    check_value("it is over", found.it_value.tv_nsec + found.it_value.tv_sec);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    when.it_interval.tv_nsec = 5 * MS;
    timer_settime(timer, 0, &when, NULL);
    sleep_ms(100);
    alarms = 0;
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    check_true("one signal for many", alarms >= 1 && alarms < 5);
    check_true("timer_getoverrun", timer_getoverrun(timer) >= 5 || alarms > 1);
    check_call("timer_delete", timer_delete(timer));
    event.sigev_notify = SIGEV_NONE;
    check_call("one without a signal", timer_create(CLOCK_REALTIME, &event, &timer));
    when = (struct itimerspec){.it_value = {100, 0}};
    timer_settime(timer, 0, &when, NULL);
    timer_gettime(timer, &found);
    check_true("what is left", found.it_value.tv_sec >= 90 && found.it_value.tv_sec <= 100);
    timer_delete(timer);
    check_call("a timer of no clock", timer_create(77, &event, &timer));
}

int main(void)
{
    check_begin();
    clocks();
    sleeping();
    timer_files();
    interval_timers();
    posix_timers();
    struct tms spent;
    check_done("times", times(&spent));
    struct tm parts = {0};
    time_t moment = 1000000000;
    gmtime_r(&moment, &parts);
    char text[40];
    strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &parts);
    check_text("gmtime", text);
    check_value("timegm", timegm(&parts));
    return 0;
}
