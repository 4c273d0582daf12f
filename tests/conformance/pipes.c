/* SPDX-License-Identifier: BSD-2-Clause */
/* What threads of a program talk by: pipes, eventfd; waiting for them by poll, ppoll, select. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "check.h"

static int ends[2];

static void new_pipe(int flags)
{
    if (pipe2(ends, flags) != 0) {
        check_done("pipe2 that the checks need", -1);
        exit(1);
    }
}

static void close_both(void)
{
    close(ends[0]);
    close(ends[1]);
}

static void *write_later(void *with)
{
    sleep_ms(30);
    if (write(ends[1], with, strlen(with)) < 0)
        return with;
    return NULL;
}

static void *close_later(void *with)
{
    sleep_ms(30);
    close(ends[1]);
    return with;
}

static void *read_later(void *with)
{
    static char sink[65536];
    sleep_ms(30);
    while (read(ends[0], sink, sizeof sink) > 0)
        continue;
    return with;
}

static pthread_t start(void *(*begin)(void *), void *with)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, begin, with))
        exit(1);
    return thread;
}

static volatile sig_atomic_t alarms, broken;

static void count(int number)
{
    alarms += number == SIGALRM;
    broken += number == SIGPIPE;
}

static void pipes(void)
{
    char text[20] = "";
    check_call("pipe", pipe(ends));
    check_call("write", write(ends[1], "hello", 5));
    int waiting = 0;
    check_call("FIONREAD", ioctl(ends[0], FIONREAD, &waiting));
    check_value("bytes", waiting);
    check_call("read of a part", read(ends[0], text, 2));
    check_call("read of more than there is", read(ends[0], text + 2, 10));
    check_text("what it gave", text);
    pthread_t thread = start(write_later, "later");
    check_call("read that waits", read(ends[0], text, 10));
    pthread_join(thread, NULL);
    check_call("lseek", lseek(ends[0], 0, SEEK_SET));
    check_call("pread", pread(ends[0], text, 1, 0));
    check_call("read from the end that writes", read(ends[1], text, 1));
    check_call("write to the end that reads", write(ends[0], text, 1));
    check_call("write from no address", write(ends[1], (void *)8, 5));
    check_call("write of nothing", write(ends[1], text, 0));
    thread = start(close_later, NULL);
    check_call("read until the other end is closed", read(ends[0], text, 10));
    pthread_join(thread, NULL);
    check_call("read again", read(ends[0], text, 10));
    close(ends[0]);
    new_pipe(O_NONBLOCK | O_CLOEXEC);
    check_value("FD_CLOEXEC", fcntl(ends[0], F_GETFD));
    check_call("read of nothing", read(ends[0], text, 1));
    static char page[4096];
    long total = 0;
    for (ssize_t size; (size = write(ends[1], page, sizeof page)) > 0;)
        total += size;
    check_value("what fits", total);
    check_call("write to a full one", write(ends[1], page, 1));
    check_call("F_GETPIPE_SZ", fcntl(ends[0], F_GETPIPE_SZ));
    check_call("read", read(ends[0], page, 100));
    check_call("write of a page, not whole", write(ends[1], page, sizeof page));
    struct sigaction action = {.sa_handler = count};
    sigaction(SIGPIPE, &action, NULL);
    close(ends[0]);
    check_call("write to nobody", write(ends[1], page, 1));
    check_value("SIGPIPE", broken);
    signal(SIGPIPE, SIG_IGN);
    check_call("write to nobody again", write(ends[1], page, 1));
    close(ends[1]);
    check_call("pipe2 with flags that are none", pipe2(ends, 0x100));
    check_call("pipe to no address", syscall(SYS_pipe, 8));
}

static void large(void)
{
    static char lot[300000];
    new_pipe(0);
    pthread_t thread = start(read_later, NULL);
    check_call("a write that waits for its reader", write(ends[1], lot, sizeof lot));
    close(ends[1]);
    pthread_join(thread, NULL);
    close(ends[0]);
    check_call("mkfifo", mkfifo("/tmp/fifo", 0600));
    check_done("a FIFO to write to, nobody reads", open("/tmp/fifo", O_WRONLY | O_NONBLOCK));
    const int reader = open("/tmp/fifo", O_RDONLY | O_NONBLOCK);
    check_done("to read from", reader);
    const int writer = open("/tmp/fifo", O_WRONLY);
    check_done("to write to", writer);
    check_call("write", write(writer, "fifo", 4));
    check_call("read", read(reader, lot, 10));
    close(writer);
    check_call("read when it is closed", read(reader, lot, 10));
    close(reader);
}

static void events(void)
{
    uint64_t value = 0;
    int file = eventfd(3, EFD_NONBLOCK | EFD_CLOEXEC);
    check_done("eventfd", file);
    check_call("read", read(file, &value, sizeof value));
    check_value("its value", (long)value);
    check_call("read of nothing", read(file, &value, sizeof value));
    value = 5;
    check_call("write", write(file, &value, sizeof value));
    check_call("write again", write(file, &value, sizeof value));
    check_call("read", read(file, &value, sizeof value));
    check_value("their sum", (long)value);
    value = UINT64_MAX;
    check_call("write of too much", write(file, &value, sizeof value));
    value = UINT64_MAX - 1;
    check_call("write of the most", write(file, &value, sizeof value));
    value = 1;
    check_call("and one more", write(file, &value, sizeof value));
    struct pollfd wait = {.fd = file, .events = POLLIN | POLLOUT};
    check_call("poll", poll(&wait, 1, 0));
    check_value("a full one", wait.revents);
    check_call("read of too few bytes", read(file, &value, 4));
    check_call("write of too few bytes", write(file, &value, 4));
    close(file);
    file = eventfd(2, EFD_SEMAPHORE);
    check_call("EFD_SEMAPHORE", read(file, &value, sizeof value));
    check_value("its value", (long)value);
    check_call("again", read(file, &value, sizeof value));
    wait = (struct pollfd){.fd = file, .events = POLLIN | POLLOUT};
    check_call("poll", poll(&wait, 1, 0));
    check_value("an empty one", wait.revents);
    close(file);
    check_done("flags that are none", eventfd(0, 0x10));
}

static int poll_one(int file, short what, int timeout)
{
    struct pollfd wait = {.fd = file, .events = what, .revents = 77};
    const int result = poll(&wait, 1, timeout);
    return result < 0 ? result : wait.revents;
}

static void *kill_later(void *with)
{
    sleep_ms(50);
    pthread_kill(*(pthread_t *)with, SIGALRM);
    return NULL;
}

static void polling(void)
{
    new_pipe(0);
    check_call("poll of an empty pipe", poll_one(ends[0], POLLIN, 0));
    check_call("its other end", poll_one(ends[1], POLLOUT, 0));
    long long before = now();
    check_call("poll that waits", poll_one(ends[0], POLLIN, 40));
    check_true("it takes its time", now() - before >= 39 * MS);
    pthread_t thread = start(write_later, "x");
    check_call("poll until something comes", poll_one(ends[0], POLLIN, 10000));
    pthread_join(thread, NULL);
    check_call("POLLIN | POLLRDNORM", poll_one(ends[0], POLLIN | POLLRDNORM, 0));
    check_call("poll of no descriptor", poll_one(99, POLLIN, 0));
    check_call("poll of none", poll_one(-1, POLLIN, 0));
    check_call("poll of nothing", poll(NULL, 0, 10));
    check_call("poll at no address", poll((void *)8, 1, 0));
    check_call("poll of too many", poll(&(struct pollfd){0}, 1 << 24, 0));
    check_call("poll of a FIFO", poll_one(open("/tmp/fifo", O_RDONLY | O_NONBLOCK), POLLIN, 0));
    check_call("poll of a directory", poll_one(open("/tmp", O_RDONLY), POLLIN | POLLOUT, 0));
    struct pollfd both[] = {{ends[0], POLLIN, 0}, {ends[1], POLLOUT, 0}, {ends[1], 0, 0}};
    check_call("poll of three", poll(both, 3, -1));
    close(ends[1]);
    check_call("poll of a closed pipe with a byte", poll_one(ends[0], POLLIN, 0));
    check_call("which is read", read(ends[0], &(char){0}, 1));
    check_call("poll of a closed pipe", poll_one(ends[0], POLLIN, 0));
    close(ends[0]);
    new_pipe(0);
    close(ends[0]);
    check_call("poll of a pipe that nobody reads", poll_one(ends[1], POLLOUT, 0));
    close(ends[1]);
    struct sigaction action = {.sa_handler = count};
    sigaction(SIGALRM, &action, NULL);
    pthread_t self = pthread_self();
    thread = start(kill_later, &self);
    new_pipe(0);
    check_call("poll and a signal", poll_one(ends[0], POLLIN, 10000));
    pthread_join(thread, NULL);
    sigset_t blocked, none;
    sigemptyset(&none);
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGALRM);
    sigprocmask(SIG_BLOCK, &blocked, NULL);
    raise(SIGALRM);
    alarms = 0;
    struct pollfd wait = {.fd = ends[0], .events = POLLIN};
    check_call("poll, the signal blocked", poll(&wait, 1, 20));
    check_call("ppoll that lets it in", ppoll(&wait, 1, &(struct timespec){10, 0}, &none));
    check_value("it came", alarms);
    sigprocmask(SIG_UNBLOCK, &blocked, NULL);
    check_call("a time that is none", ppoll(&wait, 1, &(struct timespec){0, -1}, NULL));
    close_both();
}

static void selecting(void)
{
    fd_set in, out;
    new_pipe(0);
    FD_ZERO(&in);
    FD_ZERO(&out);
    FD_SET(ends[0], &in);
    FD_SET(ends[1], &out);
    struct timeval soon = {0, 20000};
    check_call("select", select(ends[1] + 1, &in, &out, NULL, &soon));
    check_value("to be read", FD_ISSET(ends[0], &in));
    check_value("to be written", FD_ISSET(ends[1], &out));
    FD_SET(ends[0], &in);
    soon = (struct timeval){0, 20000};
    check_call("select that waits", select(ends[0] + 1, &in, NULL, NULL, &soon));
    check_value("the time that is left", soon.tv_sec + soon.tv_usec);
    check_value("to be read", FD_ISSET(ends[0], &in));
    FD_SET(ends[0], &in);
    pthread_t thread = start(write_later, "x");
    check_call("select until something comes", select(ends[0] + 1, &in, NULL, NULL, NULL));
    pthread_join(thread, NULL);
    check_value("to be read", FD_ISSET(ends[0], &in));
    struct timespec time = {0, 0};
    check_call("pselect", pselect(ends[0] + 1, &in, NULL, NULL, &time, NULL));
    check_call("select of nothing", select(0, NULL, NULL, NULL, &(struct timeval){0, 1000}));
    check_call("fewer than none", select(-1, NULL, NULL, NULL, &(struct timeval){0, 0}));
    FD_ZERO(&in);
    FD_SET(40, &in);
    check_call("of no descriptor", select(41, &in, NULL, NULL, &(struct timeval){0, 0}));
    check_call("a time that is none", select(0, NULL, NULL, NULL, &(struct timeval){-1, 0}));
    close_both();
}

int main(void)
{
    check_begin();
    pipes();
    large();
    events();
    polling();
    selecting();
    return 0;
}
