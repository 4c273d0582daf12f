/* SPDX-License-Identifier: BSD-2-Clause */
/* Says what the machine's kernel can do; the first argument says what to look at. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#define REPORT "/tmp/report"

static void tell(const char *what, int result)
{
    printf("%s: %s\n", what, result < 0 ? strerror(errno) : "ok");
}

static int calls(void)
{
    sigset_t none;
    sigemptyset(&none);
    tell("unix", socket(AF_UNIX, SOCK_STREAM, 0));
    tell("inet", socket(AF_INET, SOCK_STREAM, 0));
    tell("inet6", socket(AF_INET6, SOCK_DGRAM, 0));
    tell("packet", socket(AF_PACKET, SOCK_DGRAM, 0));
    tell("netlink", socket(AF_NETLINK, SOCK_RAW, 0));
    tell("epoll", epoll_create1(0));
    tell("eventfd", eventfd(0, 0));
    tell("timerfd", timerfd_create(CLOCK_MONOTONIC, 0));
    tell("signalfd", signalfd(-1, &none, 0));
    tell("inotify", inotify_init1(0));
    return 0;
}

/* Copies a file to standard output. */
static int print(const char *path)
{
    char bytes[4096];
    ssize_t got;
    const int fd = open(path, O_RDONLY);
    if (fd < 0) {
        printf("%s: %s\n", path, strerror(errno));
        return 1;
    }
    while ((got = read(fd, bytes, sizeof bytes)) > 0)
        if (write(STDOUT_FILENO, bytes, (size_t)got) != got)
            return 1;
    close(fd);
    return got < 0;
}

/* The kernel starts this for a program that crashed, with the core dump as standard input. */
static int take_core(const char *pid)
{
    char start[4];
    FILE *report = fopen(REPORT, "w");
    if (!report || fread(start, 1, sizeof start, stdin) != sizeof start)
        return 1;
    fprintf(report, "core of %s, ELF %d\n", pid, memcmp(start, "\177ELF", sizeof start) == 0);
    /* The dump goes on until it has all been read. */
    while (getchar() != EOF)
        ;
    return fclose(report);
}

static int crash(void)
{
    const char pattern[] = "|/bin/kernel_facts core %p";
    const struct rlimit limit = {RLIM_INFINITY, RLIM_INFINITY};
    const int fd = open("/proc/sys/kernel/core_pattern", O_WRONLY);
    if (fd < 0 || write(fd, pattern, sizeof pattern - 1) < 0 || setrlimit(RLIMIT_CORE, &limit))
        return 1;
    close(fd);
    const pid_t pid = fork();
    if (pid == 0)
        raise(SIGSEGV);
    int status = 0;
    waitpid(pid, &status, 0);
    printf("child %d, dumped %d\n", (int)pid, WCOREDUMP(status) != 0);
    fflush(stdout);
    /* The helper runs on for a moment. */
    for (int i = 0; i < 100 && access(REPORT, F_OK) != 0; i++)
        usleep(50000);
    usleep(500000);
    return print(REPORT);
}

static int mount_at(const char *what, const char *type, const char *options)
{
    mkdir("/tmp/place", 0755);
    tell(type, mount(what, "/tmp/place", type, 0, options));
    return print("/tmp/place/note");
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (strcmp(what, "calls") == 0)
        return calls();
    if (strcmp(what, "crash") == 0)
        return crash();
    if (strcmp(what, "core") == 0 && argc == 3)
        return take_core(argv[2]);
    if (strcmp(what, "mount") == 0 && argc == 5)
        return mount_at(argv[2], argv[3], argv[4]);
    if (strcmp(what, "print") == 0) {
        int bad = 0;
        for (int i = 2; i < argc; i++)
            bad |= print(argv[i]);
        return bad;
    }
    if (strcmp(what, "there") == 0) {
        for (int i = 2; i < argc; i++)
            tell(argv[i], access(argv[i], F_OK));
        return 0;
    }
    puts("hello, world");
    return 0;
}
