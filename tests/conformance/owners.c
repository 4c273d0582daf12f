/* SPDX-License-Identifier: BSD-2-Clause */
/* Mutexes whose word says who owns them (PTHREAD_PRIO_INHERIT), and two futexes in one call. */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "check.h"

#define WAITERS 4

static int word, other;
static volatile int woken;
static pthread_mutex_t mutex;
static sem_t taken;
static int counter;

static long futex(int *address, int operation, int value, long time, int *second, int third)
{
    return syscall(SYS_futex, address, operation, value, time, second, third);
}

static void *hold(void *with)
{
    pthread_mutex_lock(&mutex);
    sem_post(&taken);
    sleep_ms(50);
    if (!with)
        pthread_mutex_unlock(&mutex);
    return with;
}

static void *count(void *with)
{
    for (int i = 0; i < 500; i++) {
        pthread_mutex_lock(&mutex);
        const int seen = counter;
        if (i % 50 == 0)
            sched_yield();
        counter = seen + 1;
        pthread_mutex_unlock(&mutex);
    }
    return with;
}

static void *wait_at(void *address)
{
    futex(address, FUTEX_WAIT_PRIVATE, *(int *)address, 0, NULL, 0);
    __atomic_add_fetch(&woken, 1, __ATOMIC_SEQ_CST);
    return NULL;
}

static void bare(void)
{
    check_call("FUTEX_LOCK_PI of a free one", futex(&word, FUTEX_LOCK_PI, 0, 0, NULL, 0));
    check_true("the word says so", word == (int)syscall(SYS_gettid));
    check_call("FUTEX_LOCK_PI again", futex(&word, FUTEX_LOCK_PI, 0, 0, NULL, 0));
    check_call("FUTEX_TRYLOCK_PI", futex(&word, FUTEX_TRYLOCK_PI, 0, 0, NULL, 0));
    check_call("FUTEX_UNLOCK_PI", futex(&word, FUTEX_UNLOCK_PI, 0, 0, NULL, 0));
    check_value("the word", word);
    check_call("FUTEX_UNLOCK_PI again", futex(&word, FUTEX_UNLOCK_PI, 0, 0, NULL, 0));
    check_call("FUTEX_TRYLOCK_PI", futex(&word, FUTEX_TRYLOCK_PI, 0, 0, NULL, 0));
    check_call("FUTEX_UNLOCK_PI", futex(&word, FUTEX_UNLOCK_PI, 0, 0, NULL, 0));
    word = 999999;
    check_call("an owner that is none", futex(&word, FUTEX_LOCK_PI, 0, 0, NULL, 0));
}

static struct timespec soon(void)
{
    struct timespec time;
    clock_gettime(CLOCK_REALTIME, &time);
    time.tv_nsec += 10 * MS;
    time.tv_sec += time.tv_nsec / 1000000000;
    time.tv_nsec %= 1000000000;
    return time;
}

static void mutexes(void)
{
    pthread_mutexattr_t kind;
    pthread_t threads[8];
    pthread_mutexattr_init(&kind);
    check_error("PTHREAD_PRIO_INHERIT", pthread_mutexattr_setprotocol(&kind, PTHREAD_PRIO_INHERIT));
    pthread_mutex_init(&mutex, &kind);
    sem_init(&taken, 0, 0);
    pthread_create(threads, NULL, hold, NULL);
    sem_wait(&taken);
    check_error("one that another has", pthread_mutex_trylock(&mutex));
    const struct timespec time = soon();
    check_error("with a deadline", pthread_mutex_timedlock(&mutex, &time));
    check_error("without", pthread_mutex_lock(&mutex));
    check_error("pthread_mutex_unlock", pthread_mutex_unlock(&mutex));
    pthread_join(threads[0], NULL);
    for (int i = 0; i < 8; i++)
        pthread_create(&threads[i], NULL, count, NULL);
    for (int i = 0; i < 8; i++)
        pthread_join(threads[i], NULL);
    check_value("threads that count", counter);
    pthread_mutexattr_setrobust(&kind, PTHREAD_MUTEX_ROBUST);
    pthread_mutex_init(&mutex, &kind);
    pthread_create(threads, NULL, hold, &word);
    sem_wait(&taken);
    check_error("one whose owner ends meanwhile", pthread_mutex_lock(&mutex));
    check_error("pthread_mutex_consistent", pthread_mutex_consistent(&mutex));
    check_error("pthread_mutex_unlock", pthread_mutex_unlock(&mutex));
    pthread_join(threads[0], NULL);
}

static void wake_both(const char *name, int operation, int comparison)
{
    pthread_t threads[WAITERS];
    word = 0;
    other = 6;
    woken = 0;
    for (int i = 0; i < WAITERS; i++)
        pthread_create(&threads[i], NULL, wait_at, i < WAITERS / 2 ? &word : &other);
    sleep_ms(50);
    check_call(name, futex(&word, FUTEX_WAKE_OP_PRIVATE, 1, 5, &other,
                           FUTEX_OP(operation, 3, comparison, 6)));
    check_value("the second word", other);
    while (woken < WAITERS) {
        futex(&word, FUTEX_WAKE_PRIVATE, WAITERS, 0, NULL, 0);
        futex(&other, FUTEX_WAKE_PRIVATE, WAITERS, 0, NULL, 0);
        sleep_ms(1);
    }
    for (int i = 0; i < WAITERS; i++)
        pthread_join(threads[i], NULL);
}

int main(void)
{
    check_begin();
    bare();
    mutexes();
    wake_both("set, equal", FUTEX_OP_SET, FUTEX_OP_CMP_EQ);
    wake_both("add, not equal", FUTEX_OP_ADD, FUTEX_OP_CMP_NE);
    wake_both("or, less", FUTEX_OP_OR, FUTEX_OP_CMP_LT);
    wake_both("and not, at most", FUTEX_OP_ANDN, FUTEX_OP_CMP_LE);
    wake_both("exclusive or, greater", FUTEX_OP_XOR, FUTEX_OP_CMP_GT);
    wake_both("shifted, at least", FUTEX_OP_SET | FUTEX_OP_OPARG_SHIFT, FUTEX_OP_CMP_GE);
    check_call("beside a word", futex(&word, FUTEX_WAKE_OP, 1, 1, (int *)((char *)&other + 1), 0));
    check_call("an operation that is none", futex(&word, FUTEX_WAKE_OP, 1, 1, &other, 7 << 28));
    return 0;
}
