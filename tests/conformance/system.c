/* SPDX-License-Identifier: BSD-2-Clause */
/* The process and its machine: limits, names, numbers, use of resources, what there is not. */
#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <link.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "check.h"

static void limits(void)
{
    struct rlimit found, wanted;
    check_call("getrlimit", getrlimit(RLIMIT_NOFILE, &found));
    check_true("RLIMIT_NOFILE", found.rlim_cur >= 256 && found.rlim_cur <= found.rlim_max);
    wanted = (struct rlimit){100, found.rlim_max};
    check_call("setrlimit", setrlimit(RLIMIT_NOFILE, &wanted));
    getrlimit(RLIMIT_NOFILE, &found);
    check_value("what it is now", (long)found.rlim_cur);
    check_call("dup2 above it", dup2(1, 100));
    check_call("dup2 below it", dup2(1, 99));
    wanted = (struct rlimit){200, 100};
    check_call("more than the most", setrlimit(RLIMIT_NOFILE, &wanted));
    check_call("prlimit64", syscall(SYS_prlimit64, 0, RLIMIT_STACK, NULL, &found));
    check_true("RLIMIT_STACK", found.rlim_cur >= 1 << 20);
    check_call("sysconf(_SC_OPEN_MAX)", sysconf(_SC_OPEN_MAX));
    check_call("RLIMIT_CORE", setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0}));
    getrlimit(RLIMIT_CORE, &found);
    check_value("what it is now", (long)found.rlim_cur);
}

static void names(void)
{
    struct utsname name;
    check_call("uname", uname(&name));
    check_text("sysname", name.sysname);
    check_text("machine", name.machine);
    check_true("release", name.release[0] >= '3' && strchr(name.release, '.'));
    check_true("version", name.version[0] != '\0');
    char host[70];
    check_call("gethostname", gethostname(host, sizeof host));
    check_true("is the node's name", strcmp(host, name.nodename) == 0);
}

static void numbers(void)
{
    check_true("getpid", getpid() > 0);
    check_true("gettid", syscall(SYS_gettid) == getpid());
    check_true("getppid", getppid() >= 0);
    check_value("getuid", getuid());
    check_value("geteuid", geteuid());
    check_value("getgid", getgid());
    check_value("getegid", getegid());
    check_call("setuid to what it is", setuid(0));
    check_call("setgid to what it is", setgid(0));
    check_true("set_tid_address", syscall(SYS_set_tid_address, &(int){0}) == getpid());
    check_true("getpgrp", getpgrp() >= 0);
    errno = 0;
    getpriority(PRIO_PROCESS, 0);
    check_error("getpriority", errno);
    unsigned processor = 1000;
    check_call("getcpu", syscall(SYS_getcpu, &processor, NULL, NULL));
    check_true("its number", processor < 1000);
    check_call("PR_GET_NAME", prctl(PR_GET_NAME, (char[16]){0}));
}

static void resources(void)
{
    struct rusage before, after;
    check_call("getrusage", getrusage(RUSAGE_SELF, &before));
    const long long until = now() + 60 * MS;
    while (now() < until)
        continue;
    getrusage(RUSAGE_SELF, &after);
    const long used = (after.ru_utime.tv_sec - before.ru_utime.tv_sec) * 1000000 +
                      after.ru_utime.tv_usec - before.ru_utime.tv_usec +
                      (after.ru_stime.tv_sec - before.ru_stime.tv_sec) * 1000000 +
                      after.ru_stime.tv_usec - before.ru_stime.tv_usec;
    check_true("it counts", used > 5000 && used < 1000000);
    check_true("memory", after.ru_maxrss >= 0);
    check_call("of a thread", getrusage(RUSAGE_THREAD, &after));
    check_call("of children", getrusage(RUSAGE_CHILDREN, &after));
    check_true("clock", clock() >= 0);
    struct sysinfo info;
    check_call("sysinfo", sysinfo(&info));
    check_true("memory", info.totalram > 0 && info.freeram <= info.totalram && info.mem_unit > 0);
    check_true("processes", info.procs > 0);
    time_t present;
    check_true("time", time(&present) == present);
}

static int find_self(struct dl_phdr_info *info, size_t size, void *with)
{
    (void)size;
    for (size_t i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *part = &info->dlpi_phdr[i];
        const uintptr_t start = info->dlpi_addr + part->p_vaddr;
        if (part->p_type == PT_LOAD && (part->p_flags & PF_X) &&
            (uintptr_t)find_self - start < part->p_memsz)
            *(bool *)with = !(part->p_flags & PF_W);
    }
    return 0;
}

static void beginning(int argc, char **argv)
{
    check_value("argc", argc);
    check_true("argv", argv[argc] == NULL);
    check_value("AT_PAGESZ", (long)getauxval(AT_PAGESZ));
    check_value("AT_SECURE", (long)getauxval(AT_SECURE));
    check_value("AT_UID", (long)getauxval(AT_UID));
    check_value("AT_PHENT", (long)getauxval(AT_PHENT));
    const uint64_t *random = (const uint64_t *)getauxval(AT_RANDOM);
    check_true("AT_RANDOM", random && random[0] != 0 && random[1] != random[0]);
    check_true("AT_ENTRY", getauxval(AT_ENTRY) != 0);
    const ElfW(Phdr) *headers = (const ElfW(Phdr) *)getauxval(AT_PHDR);
    check_true("AT_PHDR", headers && getauxval(AT_PHNUM) > 3);
    bool executable = false;
    dl_iterate_phdr(find_self, &executable);
    check_true("dl_iterate_phdr", executable);
    uintptr_t canary;
    __asm__("movq %%fs:0x28, %0" : "=r"(canary));
    check_true("the stack protector's word", canary != 0);
    check_text("no variable", getenv("NOT_SET") ? "is set" : "is set not");
    setenv("SET", "value", 1);
    check_text("setenv", getenv("SET"));
    check_true("the stack is aligned", (uintptr_t)__builtin_frame_address(0) % 16 == 0);
}

static int exits;
static void first(void) { check_value("atexit, called last", ++exits); }
static void second(void) { check_value("atexit, called first", ++exits); }

int main(int argc, char **argv)
{
    check_begin();
    beginning(argc, argv);
    limits();
    names();
    numbers();
    resources();
    atexit(first);
    atexit(second);
    exit(7);
}
