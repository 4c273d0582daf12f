/* SPDX-License-Identifier: BSD-2-Clause */
/* Wrong arguments of system calls, as they are: none may do harm, each has its error. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "check.h"

/* No descriptor; nothing is mapped there; not an address of a program at all. */
#define NONE 99
#define NOWHERE 8
#define BASE (-4096l * 1024)
#define HERE AT_FDCWD

struct wrong {
    const char *name;
    long number, a[6];
};

static void check_all(const struct wrong *all)
{
    for (; all->name; all++)
        check_call(all->name, syscall((int)all->number, all->a[0], all->a[1], all->a[2], all->a[3],
                                      all->a[4], all->a[5]));
}

static char buffer[8192];

static void descriptors(void)
{
    const long b = (long)buffer;
    check_all((struct wrong[]){
        {"read: no descriptor", SYS_read, {NONE, b, 1}},
        {"read: descriptor -1", SYS_read, {-1, b, 1}},
        {"write: no descriptor", SYS_write, {NONE, b, 1}},
        {"close: no descriptor", SYS_close, {NONE}},
        {"close: descriptor -1", SYS_close, {-1}},
        {"fstat: no descriptor", SYS_fstat, {NONE, b}},
        {"lseek: no descriptor", SYS_lseek, {NONE, 0, 0}},
        {"mmap: no descriptor", SYS_mmap, {0, 4096, PROT_READ, MAP_PRIVATE, NONE, 0}},
        {"ioctl: no descriptor", SYS_ioctl, {NONE, 0x5401, b}},
        {"pread64: no descriptor", SYS_pread64, {NONE, b, 1, 0}},
        {"pwrite64: no descriptor", SYS_pwrite64, {NONE, b, 1, 0}},
        {"readv: no descriptor", SYS_readv, {NONE, b, 1}},
        {"writev: no descriptor", SYS_writev, {NONE, b, 1}},
        {"dup: no descriptor", SYS_dup, {NONE}},
        {"dup2: no descriptor", SYS_dup2, {NONE, 5}},
        {"dup2: to -1", SYS_dup2, {1, -1}},
        {"dup3: to -1", SYS_dup3, {1, -1, 0}},
        {"dup3: wrong flags", SYS_dup3, {1, 50, 1}},
        {"fcntl: no descriptor", SYS_fcntl, {NONE, F_GETFD}},
        {"fsync: no descriptor", SYS_fsync, {NONE}},
        {"ftruncate: no descriptor", SYS_ftruncate, {NONE, 0}},
        {"fchmod: no descriptor", SYS_fchmod, {NONE, 0}},
        {"fchown: no descriptor", SYS_fchown, {NONE, 0, 0}},
        {"getdents64: no descriptor", SYS_getdents64, {NONE, b, 100}},
        {"fallocate: no descriptor", SYS_fallocate, {NONE, 0, 0, 1}},
        {"sendfile: no descriptor", SYS_sendfile, {NONE, NONE, 0, 1}},
        {"epoll_ctl: no descriptor", SYS_epoll_ctl, {NONE, 1, NONE, b}},
        {"epoll_wait: no descriptor", SYS_epoll_wait, {NONE, b, 1, 0}},
        {"timerfd_gettime: no descriptor", SYS_timerfd_gettime, {NONE, b}},
        {"signalfd4: no descriptor", SYS_signalfd4, {NONE, b, 8, 0}},
        {"fadvise64: no descriptor", SYS_fadvise64, {NONE, 0, 0, 0}},
        {"openat: no descriptor", SYS_openat, {NONE, (long)"x", O_RDONLY}},
        {"close_range: the wrong way", SYS_close_range, {90, 80, 0}},
        {"close_range: wrong flags", SYS_close_range, {90, 95, 0x100}},
        {0},
    });
}

static void addresses(void)
{
    const long b = (long)buffer;
    check_all((struct wrong[]){
        {"open: no address", SYS_open, {NOWHERE, O_RDONLY}},
        {"open: the base", SYS_open, {BASE, O_RDONLY}},
        {"open: no pointer", SYS_open, {0x1234567890abcdef, O_RDONLY}},
        {"stat: no address for the name", SYS_stat, {NOWHERE, b}},
        {"stat: no address for the result", SYS_stat, {(long)"/tmp", NOWHERE}},
        {"stat: the base for the result", SYS_stat, {(long)"/tmp", BASE}},
        {"lstat: no address", SYS_lstat, {(long)"/tmp", NOWHERE}},
        {"fstat: no address", SYS_fstat, {1, NOWHERE}},
        {"access: no address", SYS_access, {NOWHERE, 0}},
        {"mkdir: no address", SYS_mkdir, {NOWHERE, 0}},
        {"rename: no address", SYS_rename, {(long)"/tmp/x", NOWHERE}},
        {"readlink: no address", SYS_readlink, {(long)"/proc/self/exe", NOWHERE, 10}},
        {"readlink: no room", SYS_readlink, {(long)"/proc/self/exe", b, 0}},
        {"getcwd: no address", SYS_getcwd, {NOWHERE, 100}},
        {"chdir: no address", SYS_chdir, {NOWHERE}},
        {"uname: no address", SYS_uname, {NOWHERE}},
        {"pipe2: no address", SYS_pipe2, {NOWHERE, 0}},
        {"nanosleep: no address", SYS_nanosleep, {NOWHERE, 0}},
        {"clock_gettime: no address", SYS_clock_gettime, {0, NOWHERE}},
        {"clock_gettime: the base", SYS_clock_gettime, {0, BASE}},
        {"clock_nanosleep: no address", SYS_clock_nanosleep, {1, 0, NOWHERE, 0}},
        {"gettimeofday: no address", SYS_gettimeofday, {NOWHERE, 0}},
        {"setitimer: no address", SYS_setitimer, {0, NOWHERE, 0}},
        {"getitimer: no address", SYS_getitimer, {0, NOWHERE}},
        {"timerfd_settime: no address", SYS_timerfd_settime, {1, 0, NOWHERE, 0}},
        {"timer_create: no address", SYS_timer_create, {0, NOWHERE, b}},
        {"rt_sigaction: no address", SYS_rt_sigaction, {SIGUSR1, NOWHERE, 0, 8}},
        {"rt_sigaction: another size", SYS_rt_sigaction, {SIGUSR1, 0, b, 4}},
        {"rt_sigpending: no address", SYS_rt_sigpending, {NOWHERE, 8}},
        {"rt_sigsuspend: no address", SYS_rt_sigsuspend, {NOWHERE, 8}},
        {"rt_sigtimedwait: no address", SYS_rt_sigtimedwait, {NOWHERE, 0, 0, 8}},
        {"sigaltstack: no address", SYS_sigaltstack, {NOWHERE, 0}},
        {"poll: no address", SYS_poll, {NOWHERE, 1, 0}},
        {"select: no address", SYS_select, {1, NOWHERE, 0, 0, 0}},
        {"ppoll: no address", SYS_ppoll, {0, 0, NOWHERE, 0, 8}},
        {"getrlimit: no address", SYS_getrlimit, {0, NOWHERE}},
        {"getrusage: no address", SYS_getrusage, {0, NOWHERE}},
        {"sysinfo: no address", SYS_sysinfo, {NOWHERE}},
        {"times: no address", SYS_times, {NOWHERE}},
        {"getrandom: no address", SYS_getrandom, {NOWHERE, 8, 0}},
        {"statfs: no address", SYS_statfs, {(long)"/tmp", NOWHERE}},
        {"sched_getaffinity: no address", SYS_sched_getaffinity, {0, 128, NOWHERE}},
        {"futex: the base", SYS_futex, {BASE, FUTEX_WAIT, 0, 0, 0, 0}},
        {"memfd_create: no address", SYS_memfd_create, {NOWHERE, 0}},
        {"utimensat: no address", SYS_utimensat, {HERE, NOWHERE, 0, 0}},
        {"munmap: the base", SYS_munmap, {BASE, 4096}},
        {"mprotect: the base", SYS_mprotect, {BASE, 4096, PROT_READ}},
        {"mmap: the base", SYS_mmap, {BASE, 4096, 3, MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS, -1, 0}},
        {"madvise: the base", SYS_madvise, {BASE, 4096, MADV_DONTNEED}},
        {0},
    });
}

static void values(void)
{
    const long b = (long)buffer;
    static const struct timespec wrong_time = {1, -5}, zero_time = {0, 0};
    check_all((struct wrong[]){
        {"lseek: from nowhere", SYS_lseek, {1, 0, 77}},
        {"clock_gettime: no clock", SYS_clock_gettime, {NONE, b}},
        {"clock_getres: no clock", SYS_clock_getres, {NONE, b}},
        {"clock_nanosleep: no time", SYS_clock_nanosleep, {1, 0, (long)&wrong_time, 0}},
        {"clock_nanosleep: a thread's clock", SYS_clock_nanosleep, {3, 0, (long)&zero_time, 0}},
        {"nanosleep: no time", SYS_nanosleep, {(long)&wrong_time, 0}},
        {"timerfd_create: no clock", SYS_timerfd_create, {NONE, 0}},
        {"timer_create: no clock", SYS_timer_create, {NONE, 0, b}},
        {"timer_delete: no timer", SYS_timer_delete, {12345}},
        {"timer_settime: no timer", SYS_timer_settime, {12345, 0, (long)&buffer, 0}},
        {"getitimer: no timer", SYS_getitimer, {NONE, b}},
        {"rt_sigaction: no signal", SYS_rt_sigaction, {65, 0, 0, 8}},
        {"rt_sigprocmask: no way", SYS_rt_sigprocmask, {77, (long)&buffer, 0, 8}},
        {"kill: no signal", SYS_kill, {getpid(), 65}},
        {"kill: nobody", SYS_kill, {0x3fffffff, 0}},
        {"tkill: no thread", SYS_tkill, {-1, 0}},
        {"tgkill: no thread", SYS_tgkill, {getpid(), 0, 0}},
        {"rt_sigqueueinfo: nobody", SYS_rt_sigqueueinfo, {0x3fffffff, 10, b}},
        {"getrlimit: no limit", SYS_getrlimit, {NONE, b}},
        {"prlimit64: nobody", SYS_prlimit64, {0x3fffffff, 0, 0, b}},
        {"getrusage: nobody", SYS_getrusage, {NONE, b}},
        {"getpriority: no kind", SYS_getpriority, {NONE, 0}},
        {"sched_getscheduler: nobody", SYS_sched_getscheduler, {0x3fffffff}},
        {"sched_get_priority_max: no way", SYS_sched_get_priority_max, {NONE}},
        {"sched_get_priority_max: the usual way", SYS_sched_get_priority_max, {0}},
        {"sched_get_priority_max: FIFO", SYS_sched_get_priority_max, {SCHED_FIFO}},
        {"epoll_create: none", SYS_epoll_create, {0}},
        {"epoll_create1: wrong flags", SYS_epoll_create1, {1}},
        {"eventfd2: wrong flags", SYS_eventfd2, {0, 2}},
        {"signalfd4: wrong flags", SYS_signalfd4, {-1, b, 8, 1}},
        {"signalfd4: another size", SYS_signalfd4, {-1, b, 4, 0}},
        {"pipe2: wrong flags", SYS_pipe2, {b, 1}},
        {"memfd_create: wrong flags", SYS_memfd_create, {(long)"x", 0x1000}},
        {"futex: no operation", SYS_futex, {b, 77, 0, 0, 0, 0}},
        {"membarrier: no command", SYS_membarrier, {0x7000, 0, 0}},
        {"arch_prctl: no code", SYS_arch_prctl, {0x9999, 0}},
        {"prctl: no option", SYS_prctl, {12345, 0, 0, 0, 0}},
        {"faccessat: no rights", SYS_faccessat, {HERE, (long)"/tmp", 9}},
        {"unlinkat: wrong flags", SYS_unlinkat, {HERE, (long)"/tmp/x", 1}},
        {"fstatat: wrong flags", SYS_newfstatat, {HERE, (long)"/tmp", b, 1}},
        {"linkat: wrong flags", SYS_linkat, {HERE, (long)"/tmp", HERE, (long)"/tmp/y", 1}},
        {"renameat2: wrong flags", SYS_renameat2, {HERE, (long)"/tmp/x", HERE, (long)"/tmp/y", 99}},
        {"utimensat: wrong flags", SYS_utimensat, {HERE, (long)"/tmp", 0, 1}},
        {"mknod: a kind that is none", SYS_mknod, {(long)"/tmp/node", 0170000, 0}},
        {"mremap: the wrong flags", SYS_mremap, {b & -4096, 4096, 4096, 64, 0}},
        {"msync: the wrong flags", SYS_msync, {b & -4096, 4096, 64}},
        {"sethostname: too long", SYS_sethostname, {b, 1000}},
        {"mount: of no type", SYS_mount, {0, (long)"/tmp", (long)"nothing", 0, 0}},
        {"umount2: of nothing", SYS_umount2, {(long)"/tmp/none", 0}},
        {"a call that is none", 999, {0}},
        {"a negative call", -5, {0}},
        {0},
    });
}

static void kinds(void)
{
    const long b = (long)buffer;
    const int file = open("/tmp/file", O_CREAT | O_RDWR, 0600);
    int ends[2];
    if (file < 0 || pipe(ends) != 0)
        return;
    check_all((struct wrong[]){
        {"openat: below a file", SYS_openat, {file, (long)"x", O_RDONLY}},
        {"mkdirat: below a file", SYS_mkdirat, {file, (long)"x", 0700}},
        {"unlinkat: below a file", SYS_unlinkat, {file, (long)"x", 0}},
        {"fchdir: a file", SYS_fchdir, {file}},
        {"getdents64: a file", SYS_getdents64, {file, b, 100}},
        {"ioctl: a file", SYS_ioctl, {file, 0x5401, b}},
        {"epoll_wait: a file", SYS_epoll_wait, {file, b, 1, 0}},
        {"timerfd_gettime: a file", SYS_timerfd_gettime, {file, b}},
        {"signalfd4: a file", SYS_signalfd4, {file, b, 8, 0}},
        {"lseek: a pipe", SYS_lseek, {ends[0], 0, 0}},
        {"pread64: a pipe", SYS_pread64, {ends[0], b, 1, 0}},
        {"ftruncate: a pipe", SYS_ftruncate, {ends[1], 0}},
        {"fsync: a pipe", SYS_fsync, {ends[1]}},
        {"fallocate: a pipe", SYS_fallocate, {ends[1], 0, 0, 10}},
        {"mmap: a pipe", SYS_mmap, {0, 4096, PROT_READ, MAP_PRIVATE, ends[0], 0}},
        {"sendfile: of a pipe", SYS_sendfile, {file, ends[1], 0, 1}},
        {"pread64: before the start", SYS_pread64, {file, b, 1, -1}},
        {"fallocate: nothing", SYS_fallocate, {file, 0, 0, 0}},
        {"fallocate: before the start", SYS_fallocate, {file, 0, -1, 10}},
        {"fadvise64: no advice", SYS_fadvise64, {file, 0, 0, 77}},
        {"fadvise64: a pipe", SYS_fadvise64, {ends[0], 0, 0, 0}},
        {"readv: no parts' address", SYS_readv, {file, NOWHERE, 1}},
        {"writev: parts below none", SYS_writev, {file, b, -1}},
        {"write: the base", SYS_write, {file, BASE, 10}},
        {"write: a large piece", SYS_write, {file, b, 8000}},
        {"read: into a function", SYS_pread64, {file, (long)check_all, 100, 0}},
        {"read: into a constant", SYS_pread64, {file, (long)"constant", 4, 0}},
        {"stat: into a constant", SYS_stat, {(long)"/tmp", (long)"constant"}},
        {0},
    });
    close(file);
}

int main(void)
{
    check_begin();
    descriptors();
    addresses();
    values();
    kinds();
    return 0;
}
