/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel starts the reporter with the core of a process that crashed (core(5)), and keeps the
 * process as it is until the reporter has ended: its memory is read there and not from the core,
 * which has no code.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "crash.h"
#include "entrypoint.h"

/* The entrypoint itself, where the kernel finds it; also what reporters lock, one at a time. */
#define REPORTER "/init"

/* How long one report may take: an emulated machine needs a tenth of it for a large program. */
#define REPORT_SECONDS 10
/* How often, every tenth of a second, to look whether a reporter has ended. */
#define WAIT_ATTEMPTS 50

/* Pages that are kept: a system call for each word would take most of the time. */
#define PAGE 4096u
#define PAGES 32u

void crash_arm(void)
{
    /* A kernel without core dumps has none of these files: its machines run without reports. */
    if (!file_set("/proc/sys/kernel/core_pattern", "|" REPORTER " " CRASH_OPTION " %P")) {
        if (errno != ENOENT)
            console_say("no reports of crashes: %s", strerror(errno));
        return;
    }
    /* From 1 on, the kernel waits for reporters; no more than these run at a time. */
    (void)file_set("/proc/sys/kernel/core_pipe_limit", "8");
    /* Also of programs that have changed their user. */
    (void)file_set("/proc/sys/fs/suid_dumpable", "2");
}

static int lock_reporter(int how)
{
    const int fd = open(REPORTER, O_RDONLY | O_CLOEXEC);
    if (fd >= 0 && flock(fd, how) == 0)
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
}

void crash_wait(void)
{
    const struct timespec pause = {.tv_nsec = 100000000};
    for (int i = 0; i < WAIT_ATTEMPTS; i++) {
        const int fd = lock_reporter(LOCK_EX | LOCK_NB);
        if (fd >= 0)
            close(fd);
        if (fd >= 0 || errno != EWOULDBLOCK)
            return;
        nanosleep(&pause, NULL);
    }
}

int crash_memory_ran_out(void)
{
    static unsigned long long seen;
    unsigned long long kills = 0;
    char line[128];
    FILE *counters = fopen("/proc/vmstat", "re");

    while (counters && fgets(line, sizeof line, counters))
        if (strncmp(line, "oom_kill ", 9) == 0)
            kills = strtoull(line + 9, NULL, 10);
    if (counters)
        fclose(counters);
    const int more = kills > seen;
    seen = kills;
    return more;
}

/* The page of the process's memory that the address is in; NULL where it cannot be read. */
static const char *page_at(int descriptor, uint64_t address)
{
    static struct {
        uint64_t start;
        char content[PAGE];
    } pages[PAGES];
    const uint64_t start = address & ~(uint64_t)(PAGE - 1);
    const size_t place = (size_t)(start / PAGE % PAGES);

    /* No program has the first page, so that 0 stands for none. */
    if (start == 0 || start > INT64_MAX)
        return NULL;
    if (pages[place].start != start) {
        pages[place].start = 0;
        if (pread(descriptor, pages[place].content, PAGE, (off_t)start) != PAGE)
            return NULL;
        pages[place].start = start;
    }
    return pages[place].content;
}

static int fetch(const struct memory *memory, uint64_t address, void *to, size_t size)
{
    char *next = to;
    while (size > 0) {
        const size_t offset = (size_t)(address % PAGE);
        const size_t part = size < PAGE - offset ? size : PAGE - offset;
        const char *page = page_at(memory->descriptor, address);
        if (!page)
            return -1;
        memcpy(next, page + offset, part);
        next += part;
        address += part;
        size -= part;
    }
    return 0;
}

/* The name of the file that the process runs, as the kernel knows it. */
static void read_name(int process, char *name, size_t room)
{
    char link[64], path[4096];

    snprintf(link, sizeof link, "/proc/%d/exe", process);
    const ssize_t length = readlink(link, path, sizeof path - 1);
    path[length < 0 ? 0 : length] = '\0';
    const char *slash = strrchr(path, '/');
    const char *from = slash ? slash + 1 : path;
    size_t used = 0;
    /* A program can give its file any name, and " (deleted)" follows that of one that is gone. */
    for (; used < room - 1 && from[used] > ' ' && from[used] <= '~'; used++)
        name[used] = from[used];
    name[used] = '\0';
}

int crash_main(const char *process)
{
    char path[64], name[128], *end;
    const long number = strtol(process, &end, 10);

    /* The kernel gives a reporter its standard input only. */
    const int console = open("/dev/console", O_WRONLY | O_NOCTTY);
    if (console < 0 || *end || number <= 1 || number > INT32_MAX)
        return STATUS_OWN_FAILURE;
    if (console != STDOUT_FILENO && dup2(console, STDOUT_FILENO) < 0)
        return STATUS_OWN_FAILURE;
    alarm(REPORT_SECONDS);
    (void)lock_reporter(LOCK_EX);
    snprintf(path, sizeof path, "/proc/%ld/mem", number);
    const struct memory memory = {.fetch = fetch, .descriptor = open(path, O_RDONLY | O_CLOEXEC)};
    read_name((int)number, name, sizeof name);
    return crash_report(STDIN_FILENO, &memory, name, (int)number);
}
