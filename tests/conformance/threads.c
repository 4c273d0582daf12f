/* SPDX-License-Identifier: BSD-2-Clause */
/* Threads: making and ending them, what each has for itself, cancelling, signals to one. */
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "check.h"

#define MANY 200

static pthread_t start(void *(*begin)(void *), void *with)
{
    pthread_t thread;
    const int error = pthread_create(&thread, NULL, begin, with);
    if (error) {
        check_error("pthread_create that the checks need", error);
        exit(1);
    }
    return thread;
}

static void *twice(void *with) { return (void *)(2 * (uintptr_t)with); }

static void *leave(void *with)
{
    pthread_exit((char *)with + 1);
    return NULL;
}

static void *own_id(void *with)
{
    *(long *)with = syscall(SYS_gettid);
    return NULL;
}

static void making(void)
{
    void *result;
    pthread_t thread = start(twice, (void *)21);
    check_error("pthread_join", pthread_join(thread, &result));
    check_value("a thread's result", (long)(uintptr_t)result);
    pthread_join(start(leave, (void *)6), &result);
    check_value("the result of pthread_exit", (long)(uintptr_t)result);
    pthread_t threads[MANY];
    uintptr_t sum = 0;
    for (uintptr_t i = 0; i < MANY; i++)
        threads[i] = start(twice, (void *)i);
    for (size_t i = 0; i < MANY; i++) {
        pthread_join(threads[i], &result);
        sum += (uintptr_t)result;
    }
    check_value("the sum of many threads", (long)sum);
    long id = 0;
    pthread_join(start(own_id, &id), NULL);
    check_true("the first thread's id is the program's", syscall(SYS_gettid) == getpid());
    check_true("another thread's is not", id != getpid() && id > 0);
    check_true("pthread_self is oneself", pthread_equal(pthread_self(), pthread_self()));
    for (int i = 0; i < 2000; i++)
        pthread_join(start(twice, NULL), NULL);
    check_text("2000 threads one after the other", "done");
}

static sem_t detached_ran;

static void *detached(void *with)
{
    (void)with;
    sem_post(&detached_ran);
    return NULL;
}

static void *has_stack(void *with)
{
    volatile char room[200 << 10];
    memset((char *)room, 'x', sizeof room);
    return (void *)(uintptr_t)(room[sizeof room / 2] == 'x' && with == NULL);
}

static void attributes(void)
{
    pthread_attr_t how;
    pthread_t thread;
    pthread_attr_init(&how);
    sem_init(&detached_ran, 0, 0);
    pthread_attr_setdetachstate(&how, PTHREAD_CREATE_DETACHED);
    check_error("a detached thread", pthread_create(&thread, &how, detached, NULL));
    check_call("it runs", sem_wait(&detached_ran));
    thread = start(detached, NULL);
    check_error("pthread_detach", pthread_detach(thread));
    check_call("it runs, too", sem_wait(&detached_ran));
    pthread_attr_setdetachstate(&how, PTHREAD_CREATE_JOINABLE);
    check_error("a stack of 256 KiB", pthread_attr_setstacksize(&how, 256 << 10));
    void *result = NULL;
    pthread_create(&thread, &how, has_stack, NULL);
    pthread_join(thread, &result);
    check_value("it can be used", (long)(uintptr_t)result);
    check_error("a stack of 100 bytes", pthread_attr_setstacksize(&how, 100));
    void *own = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    check_error("a stack of one's own", pthread_attr_setstack(&how, own, 1 << 20));
    pthread_create(&thread, &how, has_stack, NULL);
    pthread_join(thread, &result);
    check_value("it can be used", (long)(uintptr_t)result);
    pthread_attr_t found;
    size_t size = 0;
    check_error("pthread_getattr_np", pthread_getattr_np(pthread_self(), &found));
    check_error("its stack", pthread_attr_getstack(&found, &own, &size));
    check_true("is where we are", (char *)&found >= (char *)own && (char *)&found < (char *)own + size);
}

static _Thread_local int of_thread = 5;
static _Thread_local char of_thread_zero[5000];
static pthread_key_t key;
static atomic_int destroyed;

static void destroy(void *value) { destroyed += *(int *)value; }

static void *keys_of_thread(void *with)
{
    static int seven = 7;
    const bool fresh = of_thread == 5 && of_thread_zero[4999] == 0 && !pthread_getspecific(key);
    of_thread = 6;
    of_thread_zero[4999] = 1;
    pthread_setspecific(key, &seven);
    return fresh ? with : NULL;
}

static int once_count;
static void count_once(void) { once_count++; }
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void *do_once(void *with)
{
    pthread_once(&once, count_once);
    return with;
}

static void own(void)
{
    static int mine = 100;
    check_error("pthread_key_create", pthread_key_create(&key, destroy));
    check_true("a key begins with nothing", pthread_getspecific(key) == NULL);
    pthread_setspecific(key, &mine);
    int fresh = 0;
    for (int i = 0; i < 10; i++) {
        void *result;
        pthread_join(start(keys_of_thread, &fresh), &result);
        fresh += result == &fresh;
    }
    check_value("threads whose variables are new", fresh);
    check_value("what the keys' destructor saw", destroyed);
    check_value("a thread's variable is its own", of_thread);
    check_true("a key's value is its own", pthread_getspecific(key) == &mine);
    check_error("pthread_key_delete", pthread_key_delete(key));
    pthread_t threads[8];
    for (int i = 0; i < 8; i++)
        threads[i] = start(do_once, NULL);
    for (int i = 0; i < 8; i++)
        pthread_join(threads[i], NULL);
    check_value("pthread_once", once_count);
}

static atomic_int cleaned, passed;
static sem_t waits, never;

static void clean(void *with) { cleaned += (int)(uintptr_t)with; }

static void *sleeps(void *with)
{
    pthread_cleanup_push(clean, (void *)1);
    pthread_cleanup_push(clean, (void *)10);
    sem_post(&waits);
    if (with)
        sem_wait(&never);
    else
        pause();
    passed++;
    pthread_cleanup_pop(1);
    pthread_cleanup_pop(1);
    return NULL;
}

static void *refuses(void *with)
{
    int before;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before);
    sem_post(&waits);
    sem_wait(with);
    pthread_testcancel();
    passed++;
    pthread_setcancelstate(before, NULL);
    pthread_testcancel();
    passed += 100;
    return NULL;
}

static void *spins(void *with)
{
    int before;
    pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &before);
    sem_post(&waits);
    for (volatile int i = 0; with == NULL; i++)
        continue;
    return NULL;
}

static void cancelling(void)
{
    void *result;
    sem_init(&waits, 0, 0);
    sem_init(&never, 0, 0);
    for (uintptr_t how = 0; how < 2; how++) {
        pthread_t thread = start(sleeps, (void *)how);
        sem_wait(&waits);
        sleep_ms(20);
        check_error("pthread_cancel of one that waits", pthread_cancel(thread));
        pthread_join(thread, &result);
        check_true("it was cancelled", result == PTHREAD_CANCELED);
        check_value("it cleaned up", cleaned);
    }
    pthread_t thread = start(refuses, &never);
    sem_wait(&waits);
    pthread_cancel(thread);
    sem_post(&never);
    pthread_join(thread, &result);
    check_true("cancelled when it allows it", result == PTHREAD_CANCELED);
    check_value("it passed where it did not", passed);
    thread = start(spins, NULL);
    sem_wait(&waits);
    pthread_cancel(thread);
    pthread_join(thread, &result);
    check_true("cancelled while it runs", result == PTHREAD_CANCELED);
    thread = start(twice, NULL);
    sleep_ms(20);
    check_error("pthread_cancel of one that ended", pthread_cancel(thread));
    pthread_join(thread, NULL);
}

static _Thread_local volatile sig_atomic_t got;
static volatile sig_atomic_t stop;

static void note(int number) { got = number; }

static void *waits_for_signal(void *with)
{
    sem_post(&waits);
    while (!got)
        usleep(100);
    *(int *)with = got;
    return NULL;
}

static void signals(void)
{
    struct sigaction action = {.sa_handler = note};
    sigaction(SIGUSR1, &action, NULL);
    int seen = 0;
    pthread_t thread = start(waits_for_signal, &seen);
    sem_wait(&waits);
    check_error("pthread_kill", pthread_kill(thread, SIGUSR1));
    pthread_join(thread, NULL);
    check_true("the thread ran the handler", seen == SIGUSR1);
    check_value("and no other did", got);
    check_error("pthread_kill with nothing", pthread_kill(pthread_self(), 0));
    check_error("pthread_kill with no signal", pthread_kill(pthread_self(), 1000));
    sigset_t set, inherited;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    check_error("pthread_sigmask", pthread_sigmask(SIG_BLOCK, &set, NULL));
    pthread_sigmask(SIG_SETMASK, NULL, &inherited);
    check_value("what it blocks", sigismember(&inherited, SIGUSR2));
}

static void *adds(void *with)
{
    while (!stop)
        (*(volatile long *)with)++;
    return NULL;
}

static void *stops(void *with)
{
    (void)with;
    stop = 1;
    return NULL;
}

static void running(void)
{
    static long counts[2];
    pthread_t threads[] = {start(adds, &counts[0]), start(adds, &counts[1])};
    sleep_ms(300);
    pthread_join(start(stops, NULL), NULL);
    pthread_join(threads[0], NULL);
    pthread_join(threads[1], NULL);
    check_true("those that never wait share the time", counts[0] > 0 && counts[1] > 0);
    check_call("sched_yield", sched_yield());
    char name[16] = "";
    check_error("pthread_setname_np", pthread_setname_np(pthread_self(), "fifteen letters"));
    check_error("pthread_getname_np", pthread_getname_np(pthread_self(), name, sizeof name));
    check_text("the name", name);
    check_error("a name too long", pthread_setname_np(pthread_self(), "sixteen letters."));
    cpu_set_t processors;
    check_call("sched_getaffinity", sched_getaffinity(0, sizeof processors, &processors));
    check_true("on some processor", CPU_COUNT(&processors) > 0);
    check_call("sched_getscheduler", syscall(SYS_sched_getscheduler, 0));
}

int main(void)
{
    check_begin();
    making();
    attributes();
    own();
    cancelling();
    signals();
    running();
    return 0;
}
