/* SPDX-License-Identifier: BSD-2-Clause */
/* epoll: by level, by edge, once; within itself; and signalfd. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "check.h"

static int ends[2];
static struct epoll_event events[10];

static void new_pipe(void)
{
    if (pipe2(ends, O_NONBLOCK) != 0)
        exit(1);
}

static long control(int set, int what, int file, uint32_t wanted, uint64_t data)
{
    struct epoll_event event = {.events = wanted, .data.u64 = data};
    return epoll_ctl(set, what, file, &event);
}

/* How many are ready; of the first, events and data are printed, too. */
static void check_wait(const char *name, int set, int timeout)
{
    const int count = epoll_wait(set, events, 10, timeout);
    check_call(name, count);
    if (count > 0) {
        check_value("  events", events[0].events);
        check_value("  data", (long)events[0].data.u64);
    }
}

static void write_byte(int file)
{
    if (write(file, "x", 1) != 1)
        exit(1);
}

static void read_byte(int file)
{
    char byte;
    if (read(file, &byte, 1) != 1)
        exit(1);
}

static void *write_later(void *with)
{
    sleep_ms(30);
    write_byte(ends[1]);
    return with;
}

static void by_level(int set)
{
    new_pipe();
    check_call("EPOLL_CTL_ADD", control(set, EPOLL_CTL_ADD, ends[0], EPOLLIN, 42));
    check_call("again", control(set, EPOLL_CTL_ADD, ends[0], EPOLLIN, 43));
    const long long before = now();
    check_wait("nothing", set, 30);
    check_true("it takes its time", now() - before >= 29 * MS);
    write_byte(ends[1]);
    check_wait("a byte", set, 0);
    check_wait("it is there still", set, 0);
    read_byte(ends[0]);
    check_wait("when it is read", set, 0);
    pthread_t thread;
    pthread_create(&thread, NULL, write_later, NULL);
    check_wait("one that comes later", set, 10000);
    pthread_join(thread, NULL);
    check_call("EPOLL_CTL_MOD", control(set, EPOLL_CTL_MOD, ends[0], 0, 44));
    check_wait("wanted no more", set, 0);
    check_call("EPOLL_CTL_MOD", control(set, EPOLL_CTL_MOD, ends[0], EPOLLIN, 45));
    check_wait("wanted again", set, 0);
    check_call("EPOLL_CTL_ADD", control(set, EPOLL_CTL_ADD, ends[1], EPOLLOUT, 46));
    check_call("both", epoll_wait(set, events, 10, 0));
    check_call("at most one", epoll_wait(set, events, 1, 0));
    const uint64_t first = events[0].data.u64;
    epoll_wait(set, events, 1, 0);
    check_true("they take turns", events[0].data.u64 != first);
    check_call("EPOLL_CTL_DEL", control(set, EPOLL_CTL_DEL, ends[1], 0, 0));
    check_call("again", control(set, EPOLL_CTL_DEL, ends[1], 0, 0));
    close(ends[1]);
    check_wait("the other end is closed", set, 0);
    close(ends[0]);
    check_wait("what is closed is not there", set, 0);
}

static void by_edge(int set)
{
    new_pipe();
    control(set, EPOLL_CTL_ADD, ends[0], EPOLLIN | EPOLLET, 1);
    write_byte(ends[1]);
    check_wait("EPOLLET", set, 0);
    check_wait("said once", set, 0);
    write_byte(ends[1]);
    check_wait("another byte", set, 0);
    check_call("EPOLL_CTL_MOD", control(set, EPOLL_CTL_MOD, ends[0], EPOLLIN | EPOLLET, 2));
    check_wait("says it again", set, 0);
    control(set, EPOLL_CTL_DEL, ends[0], 0, 0);
    control(set, EPOLL_CTL_ADD, ends[0], EPOLLIN | EPOLLONESHOT, 3);
    check_wait("EPOLLONESHOT", set, 0);
    write_byte(ends[1]);
    check_wait("said once", set, 0);
    control(set, EPOLL_CTL_MOD, ends[0], EPOLLIN | EPOLLONESHOT, 4);
    check_wait("asked again", set, 0);
    close(ends[0]);
    close(ends[1]);
}

static void within(int set)
{
    new_pipe();
    const int inner = epoll_create1(EPOLL_CLOEXEC);
    check_value("FD_CLOEXEC", fcntl(inner, F_GETFD));
    control(inner, EPOLL_CTL_ADD, ends[0], EPOLLIN, 5);
    check_call("epoll in epoll", control(set, EPOLL_CTL_ADD, inner, EPOLLIN, 6));
    check_wait("nothing", set, 0);
    write_byte(ends[1]);
    check_wait("a byte", set, 1000);
    check_wait("the inner one", inner, 0);
    struct pollfd wait = {.fd = inner, .events = POLLIN};
    check_call("poll of it", poll(&wait, 1, 0));
    read_byte(ends[0]);
    check_wait("when it is read", set, 0);
    check_call("a circle", control(inner, EPOLL_CTL_ADD, set, EPOLLIN, 7));
    close(inner);
    const int copy = dup(ends[0]);
    control(set, EPOLL_CTL_ADD, ends[0], EPOLLIN, 8);
    control(set, EPOLL_CTL_ADD, copy, EPOLLIN, 9);
    write_byte(ends[1]);
    check_call("both of a dup", epoll_wait(set, events, 10, 0));
    close(copy);
    close(ends[0]);
    close(ends[1]);
    check_call("when all are closed", epoll_wait(set, events, 10, 0));
}

static void kinds(int set)
{
    const int event = eventfd(0, EFD_NONBLOCK), timer = timerfd_create(CLOCK_MONOTONIC, 0);
    control(set, EPOLL_CTL_ADD, event, EPOLLIN | EPOLLOUT | EPOLLET, 10);
    check_wait("eventfd", set, 0);
    check_call("write", write(event, &(uint64_t){1}, 8));
    check_wait("it can be read", set, 0);
    close(event);
    control(set, EPOLL_CTL_ADD, timer, EPOLLIN, 11);
    struct itimerspec when = {.it_value = {0, 20 * MS}};
    timerfd_settime(timer, 0, &when, NULL);
    check_wait("timerfd", set, 10000);
    close(timer);
}

static void refused(int set)
{
    const int file = open("/tmp", O_RDONLY);
    check_call("a directory", control(set, EPOLL_CTL_ADD, file, EPOLLIN, 0));
    check_call("a file", control(set, EPOLL_CTL_ADD, open("/proc/self/exe", O_RDONLY), EPOLLIN, 0));
    check_call("no descriptor", control(set, EPOLL_CTL_ADD, 99, EPOLLIN, 0));
    check_call("itself", control(set, EPOLL_CTL_ADD, set, EPOLLIN, 0));
    new_pipe();
    check_call("into no epoll", control(file, EPOLL_CTL_ADD, ends[0], EPOLLIN, 0));
    check_call("MOD of what is not in it", control(set, EPOLL_CTL_MOD, ends[0], EPOLLIN, 0));
    check_call("an operation that is none", control(set, 9, ends[0], EPOLLIN, 0));
    check_call("at no address", epoll_ctl(set, EPOLL_CTL_ADD, ends[0], NULL));
    check_call("wait for none", epoll_wait(set, events, 0, 0));
    check_call("wait at no epoll", epoll_wait(file, events, 1, 0));
    write_byte(ends[1]);
    control(set, EPOLL_CTL_ADD, ends[0], EPOLLIN, 1);
    check_call("wait at no address", epoll_wait(set, (void *)8, 1, 0));
    check_done("epoll_create1 with wrong flags", epoll_create1(0x10));
    close(ends[0]);
    close(ends[1]);
}

static volatile sig_atomic_t caught;
static void catch(int number) { caught = number; }

static void *signal_later(void *with)
{
    sleep_ms(50);
    pthread_kill(*(pthread_t *)with, SIGUSR1);
    return NULL;
}

static void signals(int set)
{
    sigset_t blocked, none;
    sigemptyset(&none);
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGUSR1);
    struct sigaction action = {.sa_handler = catch, .sa_flags = SA_RESTART};
    sigaction(SIGUSR1, &action, NULL);
    pthread_t self = pthread_self(), thread;
    pthread_create(&thread, NULL, signal_later, &self);
    check_call("epoll_wait and a signal", epoll_wait(set, events, 1, 10000));
    pthread_join(thread, NULL);
    sigprocmask(SIG_BLOCK, &blocked, NULL);
    raise(SIGUSR1);
    check_call("while it is blocked", epoll_wait(set, events, 1, 10));
    check_call("epoll_pwait lets it in", epoll_pwait(set, events, 1, 10000, &none));
    int file = signalfd(-1, &blocked, SFD_NONBLOCK | SFD_CLOEXEC);
    check_done("signalfd", file);
    struct signalfd_siginfo info;
    check_call("read of nothing", read(file, &info, sizeof info));
    control(set, EPOLL_CTL_ADD, file, EPOLLIN, 12);
    caught = 0;
    sigqueue(getpid(), SIGUSR1, (union sigval){.sival_int = 99});
    check_wait("a signal", set, 1000);
    check_call("read", read(file, &info, sizeof info));
    check_true("its number", info.ssi_signo == SIGUSR1);
    check_value("its value", info.ssi_int);
    check_true("its sender", (int)info.ssi_pid == getpid());
    check_value("its code", info.ssi_code);
    check_call("read again", read(file, &info, sizeof info));
    check_value("its handler did not run", caught);
    check_call("read of too few bytes", read(file, &info, 10));
    sigaddset(&blocked, SIGUSR2);
    sigprocmask(SIG_BLOCK, &blocked, NULL);
    check_true("signalfd with another", signalfd(file, &blocked, 0) == file);
    raise(SIGUSR2);
    check_call("read", read(file, &info, sizeof info));
    check_true("its number", info.ssi_signo == SIGUSR2);
    check_done("signalfd of no such file", signalfd(set, &blocked, 0));
    close(file);
}

int main(void)
{
    check_begin();
    const int set = epoll_create1(0);
    check_done("epoll_create1", set);
    by_level(set);
    by_edge(set);
    within(set);
    kinds(set);
    refused(set);
    close(set);
    const int another = epoll_create1(0);
    signals(another);
    return 0;
}
