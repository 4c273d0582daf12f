/* SPDX-License-Identifier: BSD-2-Clause */
/* What threads wait at: mutexes of all kinds, conditions, read-write locks, barriers, semaphores. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include "check.h"

#define THREADS 8
#define ROUNDS 5000

static pthread_t start(void *(*begin)(void *), void *with)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, begin, with))
        exit(1);
    return thread;
}

static void run_all(void *(*begin)(void *), void *with)
{
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        threads[i] = start(begin, with);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
}

/* What a function returns when another thread calls it. */
struct elsewhere {
    int (*function)(pthread_mutex_t *);
    pthread_mutex_t *mutex;
};

static void *call(void *with)
{
    const struct elsewhere *what = with;
    return (void *)(intptr_t)what->function(what->mutex);
}

static int in_thread(int (*function)(pthread_mutex_t *), pthread_mutex_t *mutex)
{
    void *result;
    pthread_join(start(call, &(struct elsewhere){function, mutex}), &result);
    return (int)(intptr_t)result;
}

static struct timespec in_ms(clockid_t clock, long milliseconds)
{
    struct timespec time;
    clock_gettime(clock, &time);
    time.tv_nsec += milliseconds * MS;
    time.tv_sec += time.tv_nsec / 1000000000;
    time.tv_nsec %= 1000000000;
    return time;
}

static pthread_mutex_t mutex_of(int type, int robust)
{
    pthread_mutex_t mutex;
    pthread_mutexattr_t how;
    pthread_mutexattr_init(&how);
    pthread_mutexattr_settype(&how, type);
    pthread_mutexattr_setrobust(&how, robust);
    pthread_mutex_init(&mutex, &how);
    return mutex;
}

static pthread_mutex_t counted = PTHREAD_MUTEX_INITIALIZER;
static long count;

static void *add(void *with)
{
    for (int i = 0; i < ROUNDS; i++) {
        pthread_mutex_lock(with);
        count++;
        pthread_mutex_unlock(with);
    }
    return NULL;
}

static void mutexes(void)
{
    run_all(add, &counted);
    check_value("threads that count", count);
    pthread_mutex_lock(&counted);
    check_error("a mutex that is taken", in_thread(pthread_mutex_trylock, &counted));
    struct timespec soon = in_ms(CLOCK_REALTIME, 30);
    const long long before = now();
    check_error("it does not come free", pthread_mutex_timedlock(&counted, &soon));
    check_true("that takes its time", now() - before > 20 * MS);
    soon.tv_nsec = -1;
    check_error("a time that is none", pthread_mutex_timedlock(&counted, &soon));
    pthread_mutex_unlock(&counted);
    check_error("a free mutex", pthread_mutex_trylock(&counted));
    pthread_mutex_unlock(&counted);
}

static void kinds(void)
{
    static pthread_mutex_t mutex;
    mutex = mutex_of(PTHREAD_MUTEX_RECURSIVE, PTHREAD_MUTEX_STALLED);
    pthread_mutex_lock(&mutex);
    check_error("recursive: again", pthread_mutex_lock(&mutex));
    pthread_mutex_unlock(&mutex);
    check_error("recursive: taken until all unlocked", in_thread(pthread_mutex_trylock, &mutex));
    pthread_mutex_unlock(&mutex);
    check_error("recursive: unlocked by nobody", pthread_mutex_unlock(&mutex));
    count = 0;
    run_all(add, &mutex);
    check_value("recursive: counting", count);
    mutex = mutex_of(PTHREAD_MUTEX_ERRORCHECK, PTHREAD_MUTEX_STALLED);
    check_error("checked: unlocked by nobody", pthread_mutex_unlock(&mutex));
    pthread_mutex_lock(&mutex);
    check_error("checked: again", pthread_mutex_lock(&mutex));
    check_error("checked: unlocked by another", in_thread(pthread_mutex_unlock, &mutex));
    check_error("checked: unlocked", pthread_mutex_unlock(&mutex));
    count = 0;
    run_all(add, &mutex);
    check_value("checked: counting", count);
}

static void robust(void)
{
    static pthread_mutex_t mutex;
    mutex = mutex_of(PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_ROBUST);
    check_error("robust: its owner ends", in_thread(pthread_mutex_lock, &mutex));
    check_error("robust: so it is told", pthread_mutex_lock(&mutex));
    check_error("robust: made good", pthread_mutex_consistent(&mutex));
    pthread_mutex_unlock(&mutex);
    check_error("robust: as good as new", pthread_mutex_lock(&mutex));
    check_error("robust: nothing to make good", pthread_mutex_consistent(&mutex));
    pthread_mutex_unlock(&mutex);
    in_thread(pthread_mutex_lock, &mutex);
    pthread_mutex_lock(&mutex);
    pthread_mutex_unlock(&mutex);
    check_error("robust: not made good", pthread_mutex_lock(&mutex));
}

static void inheriting(void)
{
    pthread_mutexattr_t how;
    static pthread_mutex_t mutex;
    pthread_mutexattr_init(&how);
    check_error("priorities inherited", pthread_mutexattr_setprotocol(&how, PTHREAD_PRIO_INHERIT));
    pthread_mutex_init(&mutex, &how);
    check_error("inheriting: locked", pthread_mutex_lock(&mutex));
    check_error("inheriting: taken", in_thread(pthread_mutex_trylock, &mutex));
    check_error("inheriting: unlocked by another", in_thread(pthread_mutex_unlock, &mutex));
    pthread_mutex_unlock(&mutex);
    count = 0;
    run_all(add, &mutex);
    check_value("inheriting: counting", count);
}

static pthread_mutex_t guard = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int turn, waiting;

static void *take_turns(void *with)
{
    const int mine = *(int *)with;
    for (int i = 0; i < 500; i++) {
        pthread_mutex_lock(&guard);
        while (turn % 2 != mine)
            pthread_cond_wait(&changed, &guard);
        turn++;
        pthread_cond_signal(&changed);
        pthread_mutex_unlock(&guard);
    }
    return NULL;
}

static void *wait_for_go(void *with)
{
    pthread_mutex_lock(&guard);
    waiting++;
    while (turn >= 0)
        pthread_cond_wait(&changed, &guard);
    waiting--;
    pthread_mutex_unlock(&guard);
    return with;
}

static void conditions(void)
{
    int zero = 0, one = 1;
    pthread_t even = start(take_turns, &zero), odd = start(take_turns, &one);
    pthread_join(even, NULL);
    pthread_join(odd, NULL);
    check_value("two that take turns", turn);
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        threads[i] = start(wait_for_go, NULL);
    for (int there = 0; there < THREADS; sleep_ms(1)) {
        pthread_mutex_lock(&guard);
        there = waiting;
        pthread_mutex_unlock(&guard);
    }
    pthread_mutex_lock(&guard);
    turn = -1;
    check_error("pthread_cond_broadcast", pthread_cond_broadcast(&changed));
    pthread_mutex_unlock(&guard);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    check_value("those that wait on", waiting);
    pthread_mutex_lock(&guard);
    struct timespec soon = in_ms(CLOCK_REALTIME, 30);
    const long long before = now();
    check_error("nobody signals", pthread_cond_timedwait(&changed, &guard, &soon));
    check_true("that takes its time", now() - before > 20 * MS);
    check_error("a time that is over", pthread_cond_timedwait(&changed, &guard, &soon));
    pthread_cond_t monotonic;
    pthread_condattr_t how;
    pthread_condattr_init(&how);
    check_error("another clock", pthread_condattr_setclock(&how, CLOCK_MONOTONIC));
    pthread_cond_init(&monotonic, &how);
    soon = in_ms(CLOCK_MONOTONIC, 10);
    check_error("nobody signals", pthread_cond_timedwait(&monotonic, &guard, &soon));
    pthread_mutex_unlock(&guard);
}

static pthread_rwlock_t shared = PTHREAD_RWLOCK_INITIALIZER;

static void *try_read(void *with)
{
    (void)with;
    const int error = pthread_rwlock_tryrdlock(&shared);
    if (!error)
        pthread_rwlock_unlock(&shared);
    return (void *)(intptr_t)error;
}

static void *try_write(void *with)
{
    (void)with;
    const int error = pthread_rwlock_trywrlock(&shared);
    if (!error)
        pthread_rwlock_unlock(&shared);
    return (void *)(intptr_t)error;
}

static void *read_or_write(void *with)
{
    for (int i = 0; i < 1000; i++) {
        if (i % 10) {
            pthread_rwlock_rdlock(&shared);
        } else {
            pthread_rwlock_wrlock(&shared);
            ++*(long *)with;
        }
        pthread_rwlock_unlock(&shared);
    }
    return NULL;
}

static int elsewhere(void *(*function)(void *))
{
    void *result;
    pthread_join(start(function, NULL), &result);
    return (int)(intptr_t)result;
}

static void read_write(void)
{
    pthread_rwlock_rdlock(&shared);
    check_error("read: another reads", elsewhere(try_read));
    check_error("read: another writes", elsewhere(try_write));
    pthread_rwlock_unlock(&shared);
    pthread_rwlock_wrlock(&shared);
    check_error("written: another reads", elsewhere(try_read));
    check_error("written: another writes", elsewhere(try_write));
    pthread_rwlock_unlock(&shared);
    check_error("free: another writes", elsewhere(try_write));
    long writes = 0;
    run_all(read_or_write, &writes);
    check_value("writes among reads", writes);
}

static pthread_barrier_t barrier;
static atomic_int serial, behind;

static void *meet(void *with)
{
    for (int i = 0; i < 20; i++) {
        if (pthread_barrier_wait(&barrier) == PTHREAD_BARRIER_SERIAL_THREAD)
            serial++;
        behind++;
        pthread_barrier_wait(&barrier);
        if (behind != THREADS * (i + 1))
            *(bool *)with = false;
        pthread_barrier_wait(&barrier);
    }
    return NULL;
}

static sem_t full, room;
static long sum;

static void *give(void *with)
{
    for (int i = 1; i <= 1000; i++) {
        sem_wait(&room);
        *(int *)with = i;
        sem_post(&full);
    }
    return NULL;
}

static void semaphores(void)
{
    bool together = true;
    check_error("pthread_barrier_init", pthread_barrier_init(&barrier, NULL, THREADS));
    run_all(meet, &together);
    check_true("nobody goes ahead", together);
    check_value("one of each round is told", serial);
    check_error("a barrier for nobody", pthread_barrier_init(&barrier, NULL, 0));
    int given = 0, value = -1;
    sem_init(&full, 0, 0);
    sem_init(&room, 0, 1);
    pthread_t giver = start(give, &given);
    for (int i = 0; i < 1000; i++) {
        sem_wait(&full);
        sum += given;
        sem_post(&room);
    }
    pthread_join(giver, NULL);
    check_value("what was given", sum);
    check_call("sem_trywait", sem_trywait(&room));
    check_call("sem_trywait again", sem_trywait(&room));
    struct timespec soon = in_ms(CLOCK_REALTIME, 30);
    check_call("sem_timedwait", sem_timedwait(&room, &soon));
    sem_post(&room);
    sem_post(&room);
    sem_getvalue(&room, &value);
    check_value("sem_getvalue", value);
    check_call("a semaphore too large", sem_init(&room, 0, 1u << 31));
    pthread_spinlock_t spin;
    pthread_spin_init(&spin, 0);
    pthread_spin_lock(&spin);
    check_error("a spin lock that is taken", pthread_spin_trylock(&spin));
    check_error("pthread_spin_unlock", pthread_spin_unlock(&spin));
}

int main(void)
{
    check_begin();
    mutexes();
    kinds();
    robust();
    inheriting();
    conditions();
    read_write();
    semaphores();
    return 0;
}
