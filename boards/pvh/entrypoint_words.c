/* SPDX-License-Identifier: BSD-2-Clause */
/* The words for errors and signals that the base's own messages may have. */
#include <errno.h>

#include "entrypoint.h"

static const struct {
    int error;
    const char *words;
} errors[] = {
    {E2BIG, "Argument list too long"},
    {EACCES, "Permission denied"},
    {EAGAIN, "Resource temporarily unavailable"},
    {EBUSY, "Resource busy"},
    {EFBIG, "File too large"},
    {EINVAL, "Invalid argument"},
    {EIO, "I/O error"},
    {EISDIR, "Is a directory"},
    {ELOOP, "Symbolic link loop"},
    {ENAMETOOLONG, "Filename too long"},
    {ENODEV, "No such device"},
    {ENOENT, "No such file or directory"},
    {ENOEXEC, "Exec format error"},
    {ENOMEM, "Out of memory"},
    {ENOSPC, "No space left on device"},
    {ENOTDIR, "Not a directory"},
    {EROFS, "Read-only file system"},
};

static const char *const signals[] = {
    [SIGHUP] = "Hangup",
    [SIGINT] = "Interrupt",
    [SIGQUIT] = "Quit",
    [SIGILL] = "Illegal instruction",
    [SIGTRAP] = "Trace/breakpoint trap",
    [SIGABRT] = "Aborted",
    [SIGBUS] = "Bus error",
    [SIGFPE] = "Arithmetic exception",
    [SIGKILL] = "Killed",
    [SIGUSR1] = "User defined signal 1",
    [SIGSEGV] = "Segmentation fault",
    [SIGUSR2] = "User defined signal 2",
    [SIGPIPE] = "Broken pipe",
    [SIGALRM] = "Alarm clock",
    [SIGTERM] = "Terminated",
    [SIGSTKFLT] = "Stack fault",
    [SIGXCPU] = "CPU time limit exceeded",
    [SIGXFSZ] = "File size limit exceeded",
    [SIGVTALRM] = "Virtual timer expired",
    [SIGPROF] = "Profiling timer expired",
    [SIGIO] = "I/O possible",
    [SIGPWR] = "Power failure",
    [SIGSYS] = "Bad system call",
};

const char *words_of_error(int error)
{
    static char other[24];
    for (size_t i = 0; i < ARRAY_SIZE(errors); i++) {
        if (errors[i].error == -error)
            return errors[i].words;
    }
    (void)snprintf(other, sizeof other, "error %d", -error);
    return other;
}

const char *words_of_signal(int number)
{
    const bool known = number > 0 && number < (int)ARRAY_SIZE(signals) && signals[number];
    return known ? signals[number] : "Unknown signal";
}
