/* SPDX-License-Identifier: BSD-2-Clause */
/* The system calls about a program as a process, and about the machine. */
#include <linux/reboot.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>

#include "call.h"

/* Of those that come after the entrypoint, which is nobody's child. */
#define PARENT 1
/* The C library's structures have more behind what the kernel knows. */
#define USAGE_SIZE 144
#define SYSINFO_SIZE 112
/* getpriority says 20 minus this one, so that it is never negative. */
#define NICE 0

char host_name[65] = "(none)";

#define ANSWER(name, answer)                                                                       \
    int64_t sys_##name(const struct call *call)                                                    \
    {                                                                                              \
        (void)call;                                                                                \
        return answer;                                                                             \
    }

ANSWER(getpid, program_current()->id)
ANSWER(getppid, PARENT)
ANSWER(wait4, -ECHILD)
ANSWER(waitid, -ECHILD)

/* Each program is a session and a process group of its own. */
ANSWER(getpgrp, program_current()->id)
ANSWER(setsid, -EPERM)

int64_t sys_getpgid(const struct call *call)
{
    const int id = (int)call->a[0];
    return id == 0 ? program_current()->id : program_find(id) ? id : -ESRCH;
}

int64_t sys_getsid(const struct call *call) { return sys_getpgid(call); }

/* A leader of a session stays where it is, and others are nobody's children. */
int64_t sys_setpgid(const struct call *call)
{
    const int id = (int)call->a[0], group = (int)call->a[1];
    if (group < 0)
        return -EINVAL;
    return id == 0 || id == program_current()->id ? -EPERM : -ESRCH;
}

/* Everybody is root, and cannot become anybody else. */
ANSWER(getuid, 0)
ANSWER(getgid, 0)
ANSWER(geteuid, 0)
ANSWER(getegid, 0)

int64_t sys_setuid(const struct call *call) { return (uint32_t)call->a[0] == 0 ? 0 : -EPERM; }
int64_t sys_setgid(const struct call *call) { return sys_setuid(call); }

/* The program of that id, or for 0 the current one. */
static struct program *find(uint64_t id)
{
    return (int)id == 0 ? program_current() : program_find((int)id);
}

int64_t sys_prlimit64(const struct call *call)
{
    struct program *program = find(call->a[0]);
    struct rlimit new;
    if (call->a[1] >= RLIM_NLIMITS)
        return -EINVAL;
    if (!program)
        return -ESRCH;
    const struct rlimit old = program->limits[call->a[1]];
    if (call->a[2]) {
        if (!copy_in(&new, call->a[2], sizeof new))
            return -EFAULT;
        if (new.rlim_cur > new.rlim_max)
            return -EINVAL;
        if (call->a[1] == RLIMIT_NOFILE && new.rlim_max > PROGRAM_DESCRIPTORS)
            return -EPERM;
        program->limits[call->a[1]] = new;
    }
    return call->a[3] && !copy_out(call->a[3], &old, sizeof old) ? -EFAULT : 0;
}

int64_t sys_getrlimit(const struct call *call)
{
    const struct call like = {.a = {0, call->a[0], 0, call->a[1]}};
    return call->a[1] ? sys_prlimit64(&like) : -EFAULT;
}

int64_t sys_setrlimit(const struct call *call)
{
    const struct call like = {.a = {0, call->a[0], call->a[1], 0}};
    return call->a[1] ? sys_prlimit64(&like) : -EFAULT;
}

int64_t sys_getrusage(const struct call *call)
{
    struct rusage usage = {0};
    uint64_t used = 0;
    switch ((int)call->a[0]) {
    case RUSAGE_SELF: used = time_of_program(program_current()); break;
    case RUSAGE_THREAD: used = time_of_thread(thread_current); break;
    case RUSAGE_CHILDREN: break;
    default: return -EINVAL;
    }
    usage.ru_utime.tv_sec = (time_t)(used / TIME_SECOND);
    usage.ru_utime.tv_usec = (suseconds_t)(used % TIME_SECOND / 1000);
    if ((int)call->a[0] != RUSAGE_CHILDREN)
        usage.ru_maxrss = (long)(program_current()->space.pages * PAGE_SIZE / 1024);
    return copy_out(call->a[1], &usage, USAGE_SIZE) ? 0 : -EFAULT;
}

int64_t sys_getpriority(const struct call *call)
{
    if (call->a[0] > PRIO_USER)
        return -EINVAL;
    return call->a[0] == PRIO_USER || find(call->a[1]) ? 20 - NICE : -ESRCH;
}

int64_t sys_setpriority(const struct call *call)
{
    const int64_t result = sys_getpriority(call);
    if (result < 0)
        return result;
    return (int)call->a[2] == NICE ? 0 : -EPERM;
}

int64_t sys_uname(const struct call *call)
{
    struct utsname names = {
        .sysname = "Linux",
        .release = BASE_RELEASE,
        .version = BASE_VERSION,
        .machine = "x86_64",
    };
    (void)snprintf(names.nodename, sizeof names.nodename, "%s", host_name);
    (void)snprintf(names.domainname, sizeof names.domainname, "(none)");
    return copy_out(call->a[0], &names, sizeof names) ? 0 : -EFAULT;
}

int64_t sys_sethostname(const struct call *call)
{
    char name[sizeof host_name] = "";
    if (call->a[1] >= sizeof name)
        return -EINVAL;
    if (!copy_in(name, call->a[0], call->a[1]))
        return -EFAULT;
    memcpy(host_name, name, sizeof name);
    return 0;
}

int64_t sys_sysinfo(const struct call *call)
{
    struct sysinfo info = {
        .uptime = clock_now() / TIME_SECOND,
        .totalram = pages_total() * PAGE_SIZE,
        .freeram = pages_free() * PAGE_SIZE,
        .mem_unit = 1,
    };
    uint64_t threads = 0;
    LIST_EACH(place, &programs)
        threads += LIST_ENTRY(place, struct program, all)->thread_count;
    info.procs = (unsigned short)MIN(threads, UINT16_MAX);
    return copy_out(call->a[0], &info, SYSINFO_SIZE) ? 0 : -EFAULT;
}

int64_t sys_getrandom(const struct call *call)
{
    const uint64_t size = MIN(call->a[1], (uint64_t)INT32_MAX);
    uint8_t bytes[256];
    if (call->a[2] & ~(uint64_t)(GRND_NONBLOCK | GRND_RANDOM | GRND_INSECURE))
        return -EINVAL;
    for (uint64_t done = 0; done < size;) {
        const size_t part = MIN(size - done, sizeof bytes);
        random_fill(bytes, part);
        if (!copy_out(call->a[0] + done, bytes, part))
            return done ? (int64_t)done : -EFAULT;
        done += part;
    }
    return (int64_t)size;
}

int64_t sys_reboot(const struct call *call)
{
    if ((uint32_t)call->a[0] != LINUX_REBOOT_MAGIC1 || (uint32_t)call->a[1] != LINUX_REBOOT_MAGIC2)
        return -EINVAL;
    switch ((uint32_t)call->a[2]) {
    case LINUX_REBOOT_CMD_RESTART:
    case LINUX_REBOOT_CMD_HALT:
    case LINUX_REBOOT_CMD_POWER_OFF: machine_end(0);
    default: return -EINVAL;
    }
}
