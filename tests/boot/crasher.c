/* SPDX-License-Identifier: BSD-2-Clause */
/* A program that ends badly, in the way that its first argument names. */
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define OWN_FRAME __attribute__((noinline, noclone))

static volatile int depth;

OWN_FRAME static int innermost(volatile int *where, int value)
{
    *where = value;
    return *where + 1;
}

/* A variable amount of stack, which makes a compiler keep a frame pointer. */
OWN_FRAME static int middle(volatile int *where, int value)
{
    char room[value + 16];
    memset(room, value, sizeof room);
    return innermost(where, room[3]) + room[2] + depth;
}

OWN_FRAME static int outermost(volatile int *where, int value)
{
    return middle(where, value + 1) + depth;
}

OWN_FRAME static int overflow(int value)
{
    char room[4096];
    memset(room, value, sizeof room);
    return overflow(value + 1) + room[value & 4095] + depth;
}

OWN_FRAME static void give_up(void)
{
    abort();
}

OWN_FRAME static int compare(const void *left, const void *right)
{
    return *(const int *)left - *(const int *)right + *(volatile int *)(uintptr_t)depth;
}

OWN_FRAME static int sorted(void)
{
    int numbers[] = {3, 1, 2};
    qsort(numbers, 3, sizeof *numbers, compare);
    return numbers[0] + depth;
}

OWN_FRAME static size_t length_of_nothing(void)
{
    return strlen((const char *)(uintptr_t)depth) + (size_t)depth;
}

OWN_FRAME static void formatted(void)
{
    char room[64];
    snprintf(room, sizeof room, "%s %.3f", (const char *)(uintptr_t)(8 + depth), 1.5);
}

OWN_FRAME static void handler(int number)
{
    outermost(0, number);
}

OWN_FRAME static void interrupted(void)
{
    signal(SIGUSR1, handler);
    raise(SIGUSR1);
    depth++;
}

OWN_FRAME static int nowhere(int (*function)(void))
{
    return function() + depth;
}

static void *thread(void *argument)
{
    outermost(argument, 1);
    return NULL;
}

static void *idle(void *argument)
{
    (void)argument;
    for (;;)
        pause();
}

static int in_thread(void)
{
    pthread_t other, waiting;
    pthread_create(&waiting, NULL, idle, NULL);
    pthread_create(&other, NULL, thread, NULL);
    return pthread_join(other, NULL);
}

static int in_child(void)
{
    int status;
    const pid_t child = fork();
    if (child == 0)
        _exit(outermost(0, 1));
    waitpid(child, &status, 0);
    printf("the child: %d\n", WTERMSIG(status));
    return 5;
}

static int hungry(void)
{
    for (;;) {
        char *room = malloc(1 << 20);
        memset(room, 1, 1 << 20);
    }
}

static int hungry_child(void)
{
    const pid_t child = fork();
    if (child == 0)
        _exit(hungry());
    waitpid(child, NULL, 0);
    return 6;
}

static int crowd(void)
{
    for (int i = 0; i < 4; i++)
        if (fork() == 0)
            _exit(outermost(0, i));
    while (wait(NULL) > 0)
        continue;
    return 7;
}

int main(int argc, char **argv)
{
    const char *how = argc > 1 ? argv[1] : "";
    if (strcmp(how, "write") == 0)
        return outermost(0, argc);
    /* The kernel takes such a process for one with secrets (proc(5), suid_dumpable). */
    if (strcmp(how, "other user") == 0)
        return setuid(1000) == 0 ? outermost(0, argc) : 1;
    if (strcmp(how, "overflow") == 0)
        return overflow(argc);
    if (strcmp(how, "abort") == 0)
        give_up();
    if (strcmp(how, "thread") == 0)
        return in_thread();
    if (strcmp(how, "child") == 0)
        return in_child();
    if (strcmp(how, "sort") == 0)
        return sorted();
    if (strcmp(how, "strlen") == 0)
        return (int)length_of_nothing();
    if (strcmp(how, "printf") == 0)
        formatted();
    if (strcmp(how, "handler") == 0)
        interrupted();
    if (strcmp(how, "nowhere") == 0)
        return nowhere(NULL);
    if (strcmp(how, "crowd") == 0)
        return crowd();
    if (strcmp(how, "hungry") == 0)
        return hungry();
    if (strcmp(how, "hungry child") == 0)
        return hungry_child();
    return 0;
}
