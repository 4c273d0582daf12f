/* SPDX-License-Identifier: BSD-2-Clause */
/* What a program's most usual requests take: one line each, its name and nanoseconds. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define PART 4096
#define LEAST_NS 200000000ull

typedef void work(unsigned count);

static uint64_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

/* Does it more and more often until that takes long enough to be measured. */
static void measure(const char *name, work *function)
{
    function(10);
    for (unsigned count = 100;; count *= 2) {
        const uint64_t start = now();
        function(count);
        const uint64_t taken = now() - start;
        if (taken >= LEAST_NS) {
            printf("%s %.1f\n", name, (double)taken / count);
            return;
        }
    }
}

static void must(int succeeded)
{
    if (!succeeded) {
        puts("failed");
        exit(1);
    }
}

static void call(unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        syscall(SYS_getppid);
}

static unsigned rounds;

static void *give_way(void *with)
{
    for (unsigned i = 0; i < rounds; i++)
        sched_yield();
    return with;
}

/* Each of two gives way count times: so many switches and back. */
static void switch_threads(unsigned count)
{
    pthread_t other;
    rounds = count;
    must(pthread_create(&other, NULL, give_way, NULL) == 0);
    give_way(NULL);
    pthread_join(other, NULL);
}

static int there[2], back[2];

static void *echo(void *with)
{
    char byte;
    for (unsigned i = 0; i < rounds; i++)
        must(read(there[0], &byte, 1) == 1 && write(back[1], &byte, 1) == 1);
    return with;
}

static void pipe_and_back(unsigned count)
{
    pthread_t other;
    char byte = 'x';
    rounds = count;
    must(pthread_create(&other, NULL, echo, NULL) == 0);
    for (unsigned i = 0; i < count; i++)
        must(write(there[1], &byte, 1) == 1 && read(back[0], &byte, 1) == 1);
    pthread_join(other, NULL);
}

static atomic_int turn;

static void hand_over(int mine, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        while (turn != mine)
            syscall(SYS_futex, &turn, FUTEX_WAIT_PRIVATE, !mine, NULL, NULL, 0);
        turn = !mine;
        syscall(SYS_futex, &turn, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
    }
}

static void *second(void *with)
{
    hand_over(1, rounds);
    return with;
}

static void futex_and_back(unsigned count)
{
    pthread_t other;
    rounds = count;
    turn = 0;
    must(pthread_create(&other, NULL, second, NULL) == 0);
    hand_over(0, count);
    pthread_join(other, NULL);
}

/* Sizes from bytes to what malloc asks the system for. */
static void allocate(unsigned count)
{
    static const size_t sizes[] = {24, 200, 1000, 5000, 40000, 300000};
    static void *held[64];
    for (unsigned i = 0; i < count; i++) {
        void **block = &held[i * 7 % 64];
        free(*block);
        *block = malloc(sizes[i % 6]);
        must(*block != NULL);
        *(char *)*block = 'x';
    }
}

static void read_file(unsigned count)
{
    static char part[PART];
    static int file = -1;
    if (file < 0) {
        file = open("/tmp/file", O_CREAT | O_RDWR, 0600);
        for (int i = 0; i < 64; i++)
            must(write(file, part, sizeof part) == PART);
    }
    for (unsigned i = 0; i < count; i++)
        must(pread(file, part, sizeof part, (off_t)(i % 64) * PART) == PART);
}

static void *nothing(void *with) { return with; }

static void start_thread(unsigned count)
{
    pthread_t other;
    for (unsigned i = 0; i < count; i++) {
        must(pthread_create(&other, NULL, nothing, NULL) == 0);
        pthread_join(other, NULL);
    }
}

int main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    must(pipe(there) == 0 && pipe(back) == 0);
    measure("call", call);
    measure("switch", switch_threads);
    measure("pipe", pipe_and_back);
    measure("futex", futex_and_back);
    measure("malloc", allocate);
    measure("read", read_file);
    measure("thread", start_thread);
    return 0;
}
