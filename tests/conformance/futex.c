/* SPDX-License-Identifier: BSD-2-Clause */
/* The system call futex as it is, and the lists that the kernel walks when a thread ends. */
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "check.h"

#define SLEEPERS 5

static atomic_int word, asleep, woken;

static long futex(void *at, int what, int value, const void *other, void *second, int third)
{
    return syscall(SYS_futex, at, what, value, other, second, third);
}

static pthread_t start(void *(*begin)(void *), void *with)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, begin, with))
        exit(1);
    return thread;
}

static void *sleeper(void *with)
{
    const unsigned mask = (unsigned)(uintptr_t)with;
    asleep++;
    const int what = mask ? FUTEX_WAIT_BITSET : FUTEX_WAIT;
    if (futex(&word, what | FUTEX_PRIVATE_FLAG, 0, NULL, NULL, (int)mask) == 0)
        woken++;
    return NULL;
}

/* Nobody can see from outside whether a thread is in the call already; it has plenty of time. */
static void start_sleepers(pthread_t *threads, const unsigned *masks)
{
    asleep = woken = 0;
    for (int i = 0; i < SLEEPERS; i++)
        threads[i] = start(sleeper, (void *)(uintptr_t)(masks ? masks[i] : 0));
    while (asleep < SLEEPERS)
        sleep_ms(1);
    sleep_ms(100);
}

static void join_sleepers(const pthread_t *threads)
{
    for (int i = 0; i < SLEEPERS; i++)
        pthread_join(threads[i], NULL);
}

static void waiting(void)
{
    struct timespec time = {0, 30 * MS};
    check_call("another value", futex(&word, FUTEX_WAIT, 1, NULL, NULL, 0));
    long long before = now();
    check_call("nobody wakes", futex(&word, FUTEX_WAIT, 0, &time, NULL, 0));
    check_true("that takes its time", now() - before >= 30 * MS);
    check_call("nobody to wake", futex(&word, FUTEX_WAKE, 1, NULL, NULL, 0));
    clock_gettime(CLOCK_MONOTONIC, &time);
    check_call("a time that is over",
               futex(&word, FUTEX_WAIT_BITSET, 0, &time, NULL, FUTEX_BITSET_MATCH_ANY));
    clock_gettime(CLOCK_REALTIME, &time);
    check_call("by the clock of the wall",
               futex(&word, FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME, 0, &time, NULL,
                     FUTEX_BITSET_MATCH_ANY));
    time = (struct timespec){0, 1000000000};
    check_call("a time that is none", futex(&word, FUTEX_WAIT, 0, &time, NULL, 0));
    check_call("no bits", futex(&word, FUTEX_WAIT_BITSET, 0, NULL, NULL, 0));
    check_call("beside a word", futex((char *)&word + 1, FUTEX_WAIT, 0, NULL, NULL, 0));
    check_call("at no address", futex((void *)8, FUTEX_WAIT, 0, NULL, NULL, 0));
    check_call("a time at no address", futex(&word, FUTEX_WAIT, 0, (void *)8, NULL, 0));
    check_call("an operation that is none", futex(&word, 99, 0, NULL, NULL, 0));
}

static void waking(void)
{
    pthread_t threads[SLEEPERS];
    start_sleepers(threads, NULL);
    check_call("waking one", futex(&word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0));
    check_call("waking two", futex(&word, FUTEX_WAKE_PRIVATE, 2, NULL, NULL, 0));
    check_call("waking all", futex(&word, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0));
    join_sleepers(threads);
    check_value("all were woken", woken);
    static const unsigned masks[SLEEPERS] = {1, 2, 3, 4, 8};
    start_sleepers(threads, masks);
    check_call("waking by a bit", futex(&word, FUTEX_WAKE_BITSET_PRIVATE, 10, NULL, NULL, 1));
    check_call("by other bits", futex(&word, FUTEX_WAKE_BITSET_PRIVATE, 10, NULL, NULL, 12));
    check_call("by any", futex(&word, FUTEX_WAKE_PRIVATE, 10, NULL, NULL, 0));
    join_sleepers(threads);
}

static void moving(void)
{
    static atomic_int other;
    pthread_t threads[SLEEPERS];
    start_sleepers(threads, NULL);
    check_call("FUTEX_REQUEUE: one woken, two moved",
               futex(&word, FUTEX_REQUEUE_PRIVATE, 1, (void *)2, &other, 0));
    check_call("those who stayed", futex(&word, FUTEX_WAKE_PRIVATE, 10, NULL, NULL, 0));
    check_call("those who were moved", futex(&other, FUTEX_WAKE_PRIVATE, 10, NULL, NULL, 0));
    join_sleepers(threads);
    start_sleepers(threads, NULL);
    check_call("FUTEX_CMP_REQUEUE: another value",
               futex(&word, FUTEX_CMP_REQUEUE_PRIVATE, 1, (void *)9, &other, 7));
    check_call("FUTEX_CMP_REQUEUE",
               futex(&word, FUTEX_CMP_REQUEUE_PRIVATE, 1, (void *)9, &other, 0));
    check_call("all were moved", futex(&other, FUTEX_WAKE_PRIVATE, 10, NULL, NULL, 0));
    join_sleepers(threads);
    check_value("all were woken", woken);
}

static void nothing(int number) { (void)number; }

static void *interrupted(void *with)
{
    asleep = 1;
    const long result = futex(&word, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
    *(int *)with = result == -1 ? errno : 0;
    return NULL;
}

static void interrupting(void)
{
    struct sigaction action = {.sa_handler = nothing};
    sigaction(SIGUSR1, &action, NULL);
    int error = 0;
    asleep = 0;
    pthread_t thread = start(interrupted, &error);
    while (!asleep)
        sleep_ms(1);
    sleep_ms(50);
    pthread_kill(thread, SIGUSR1);
    pthread_join(thread, NULL);
    check_error("a signal ends it", error);
}

static struct robust_list_head head;
static struct owned {
    struct robust_list link;
    atomic_uint word;
} held;

static void *ends_holding(void *with)
{
    head.list.next = &held.link;
    held.link.next = &head.list;
    head.futex_offset = (long)offsetof(struct owned, word) - (long)offsetof(struct owned, link);
    held.word = (unsigned)syscall(SYS_gettid);
    *(long *)with = syscall(SYS_set_robust_list, &head, sizeof head);
    return NULL;
}

static void at_the_end(void)
{
    long result = -2;
    pthread_join(start(ends_holding, &result), NULL);
    check_value("set_robust_list", result);
    check_true("the word says that its owner died", held.word & FUTEX_OWNER_DIED);
    check_value("and no longer who that was", held.word & FUTEX_TID_MASK);
    check_call("a list of another size", syscall(SYS_set_robust_list, &head, 3));
}

int main(void)
{
    check_begin();
    waiting();
    waking();
    moving();
    interrupting();
    at_the_end();
    return 0;
}
