/* SPDX-License-Identifier: BSD-2-Clause */
/* Timers of CPU time, timers that have threads called, and clocks of others. */
#define _GNU_SOURCE
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/times.h>
#include <time.h>
#include <unistd.h>

#include "check.h"

static volatile sig_atomic_t seen, code, value;
static sem_t called;

static void note(int number, siginfo_t *info, void *context)
{
    (void)context;
    seen = number;
    code = info->si_code;
    value = info->si_value.sival_int;
}

static void on(int number)
{
    const struct sigaction action = {.sa_sigaction = note, .sa_flags = SA_SIGINFO};
    sigaction(number, &action, NULL);
    seen = code = value = 0;
}

static void call(union sigval with)
{
    value = with.sival_int;
    sem_post(&called);
}

static void intervals(int which, int number, const char *name)
{
    const struct itimerval time = {.it_value.tv_usec = 10000};
    struct itimerval left;
    on(number);
    check_call(name, setitimer(which, &time, NULL));
    while (!seen)
        continue;
    check_value("its signal", seen == number);
    check_value("its code", code);
    getitimer(which, &left);
    check_value("nothing is left", left.it_value.tv_sec + left.it_value.tv_usec);
}

static void of_cpu_time(clockid_t clock, const char *name)
{
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
    const struct itimerspec time = {.it_value.tv_nsec = 10 * MS};
    struct itimerspec left;
    timer_t timer;
    event.sigev_value.sival_int = 17;
    on(SIGUSR1);
    check_call(name, timer_create(clock, &event, &timer));
    check_call("timer_settime", timer_settime(timer, 0, &time, NULL));
    sleep_ms(30);
    check_value("asleep, no time passes", seen);
    while (!seen)
        continue;
    check_value("its code", code);
    check_value("its value", value);
    check_call("timer_gettime", timer_gettime(timer, &left));
    check_value("nothing is left", left.it_value.tv_sec + left.it_value.tv_nsec);
    check_call("timer_delete", timer_delete(timer));
    check_call("timer_delete again", timer_settime(timer, 0, &time, NULL));
}

static void of_threads(void)
{
    struct sigevent event = {.sigev_notify = SIGEV_THREAD, .sigev_notify_function = call};
    const struct itimerspec time = {{0, 5 * MS}, {0, 5 * MS}}, none = {{0, 0}, {0, 0}};
    struct itimerspec before;
    timer_t timer;
    sem_init(&called, 0, 0);
    event.sigev_value.sival_int = 21;
    check_call("SIGEV_THREAD", timer_create(CLOCK_MONOTONIC, &event, &timer));
    check_call("timer_settime", timer_settime(timer, 0, &time, NULL));
    for (int i = 0; i < 5; i++)
        sem_wait(&called);
    check_value("it was called with", value);
    check_call("timer_settime to never", timer_settime(timer, 0, &none, &before));
    check_value("what its interval was", before.it_interval.tv_nsec);
    check_call("timer_delete", timer_delete(timer));
    event.sigev_notify = SIGEV_SIGNAL;
    event.sigev_signo = 65;
    check_call("a signal that is none", timer_create(CLOCK_MONOTONIC, &event, &timer));
    event.sigev_notify = 99;
    check_call("a way that is none", timer_create(CLOCK_MONOTONIC, &event, &timer));
}

static void at_a_time(void)
{
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
    struct itimerspec time = {.it_interval = {0, 0}};
    timer_t timer;
    on(SIGUSR1);
    timer_create(CLOCK_REALTIME, &event, &timer);
    clock_gettime(CLOCK_REALTIME, &time.it_value);
    time.it_value.tv_sec--;
    check_call("a time that is over", timer_settime(timer, TIMER_ABSTIME, &time, NULL));
    while (!seen)
        continue;
    check_value("comes at once", seen == SIGUSR1);
    time.it_value.tv_nsec = 1000000000;
    check_call("a time that is none", timer_settime(timer, 0, &time, NULL));
    timer_delete(timer);
}

static void *work(void *with)
{
    struct timespec time;
    const long long begun = now();
    while (now() - begun < 20 * MS)
        continue;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    *(long long *)with = time.tv_sec * 1000 * MS + time.tv_nsec;
    return NULL;
}

static void clocks(void)
{
    struct timespec time;
    struct rusage usage;
    struct tms ticks;
    long long used = 0;
    clockid_t clock;
    pthread_t thread;
    pthread_create(&thread, NULL, work, &used);
    pthread_join(thread, NULL);
    check_true("a thread's time", used > 0);
    check_error("pthread_getcpuclockid", pthread_getcpuclockid(pthread_self(), &clock));
    check_call("that clock", clock_gettime(clock, &time));
    check_error("clock_getcpuclockid", clock_getcpuclockid(getpid(), &clock));
    check_call("that clock", clock_gettime(clock, &time));
    check_true("has the thread's, too", time.tv_sec * 1000 * MS + time.tv_nsec >= used);
    check_error("of nobody", clock_getcpuclockid(999999, &clock));
    check_call("getrusage", getrusage(RUSAGE_SELF, &usage));
    check_call("of a thread", getrusage(RUSAGE_THREAD, &usage));
    check_call("of children", getrusage(RUSAGE_CHILDREN, &usage));
    check_call("of nobody", getrusage(99, &usage));
    check_true("times", times(&ticks) != (clock_t)-1);
    check_error("sleeping by one's own time",
                clock_nanosleep(CLOCK_THREAD_CPUTIME_ID, 0, &time, NULL));
}

int main(void)
{
    check_begin();
    intervals(ITIMER_REAL, SIGALRM, "ITIMER_REAL");
    intervals(ITIMER_VIRTUAL, SIGVTALRM, "ITIMER_VIRTUAL");
    intervals(ITIMER_PROF, SIGPROF, "ITIMER_PROF");
    check_call("a timer that is none", setitimer(7, NULL, NULL));
    of_cpu_time(CLOCK_PROCESS_CPUTIME_ID, "CLOCK_PROCESS_CPUTIME_ID");
    of_cpu_time(CLOCK_THREAD_CPUTIME_ID, "CLOCK_THREAD_CPUTIME_ID");
    of_threads();
    at_a_time();
    clocks();
    return 0;
}
