/* SPDX-License-Identifier: BSD-2-Clause */
/* Starting the program, and waiting for it as a first process must. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "entrypoint.h"

/* How long a program may take to end after it was asked to. */
#define GRACE_SECONDS 10

static void must(int error, const char *what)
{
    if (error)
        console_fail("cannot %s: %s", what, strerror(error));
}

/* 0 or the errno of what kept the program from starting. */
static int spawn(const struct program *program, const sigset_t *blocked, pid_t *pid)
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    sigset_t none;

    sigemptyset(&none);
    must(posix_spawn_file_actions_init(&files), "prepare a program");
    must(posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0),
         "prepare a program's standard input");
    must(posix_spawnattr_init(&attributes), "prepare a program");
    must(posix_spawnattr_setsigmask(&attributes, &none), "prepare a program's signals");
    must(posix_spawnattr_setsigdefault(&attributes, blocked), "prepare a program's signals");
    must(posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
                                                   POSIX_SPAWN_SETSID),
         "prepare a program");
    const int error =
        posix_spawn(pid, program->path, &files, &attributes, program->argv, program->env);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&files);
    return error;
}

/* Reaps everything that has exited; whether the one we wait for was among it. */
static int reap(pid_t wanted, int *wait_status)
{
    int found = 0, status;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
        if (pid == wanted) {
            *wait_status = status;
            found = 1;
        }
    return found;
}

static time_t seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec;
}

/*
 * Waits for the program and returns its wait status. TERM, INT and PWR are passed on as they come;
 * from the first on, the program has GRACE_SECONDS to end, and as long again once it was killed.
 */
static int wait_for(const struct program *program, pid_t pid, const sigset_t *awaited)
{
    enum { UNASKED, ASKED, KILLED } state = UNASKED;
    time_t deadline = 0;
    int wait_status = 0;

    while (!reap(pid, &wait_status)) {
        const time_t left = state == UNASKED ? GRACE_SECONDS : deadline - seconds_now();
        if (left <= 0) {
            if (state == KILLED)
                console_fail("%s cannot be killed", program->argv[0]);
            console_say("%s: no end %d s after it was asked to", program->argv[0], GRACE_SECONDS);
            kill(pid, SIGKILL);
            state = KILLED;
            deadline = seconds_now() + GRACE_SECONDS;
            continue;
        }
        const struct timespec patience = {.tv_sec = left};
        const int number = sigtimedwait(awaited, NULL, &patience);
        if (number != SIGTERM && number != SIGINT && number != SIGPWR)
            continue;
        /* A program knows nothing of SIGPWR, which a host's power button means as TERM. */
        kill(pid, number == SIGPWR ? SIGTERM : number);
        if (state == UNASKED) {
            state = ASKED;
            deadline = seconds_now() + GRACE_SECONDS;
        }
    }
    return wait_status;
}

int start_and_wait(const struct program *program)
{
    sigset_t awaited;
    pid_t pid;

    sigemptyset(&awaited);
    sigaddset(&awaited, SIGCHLD);
    sigaddset(&awaited, SIGTERM);
    sigaddset(&awaited, SIGINT);
    sigaddset(&awaited, SIGPWR);
    sigprocmask(SIG_BLOCK, &awaited, NULL);

    const int error = spawn(program, &awaited, &pid);
    if (error) {
        console_say("cannot start %s: %s", program->path, strerror(error));
        return error == ENOENT ? STATUS_NOT_FOUND : STATUS_NOT_RUNNABLE;
    }
    const int wait_status = wait_for(program, pid, &awaited);
    if (WIFSIGNALED(wait_status)) {
        const int number = WTERMSIG(wait_status);
        console_say("%s: ended by signal %d (%s)", program->argv[0], number, strsignal(number));
        return STATUS_SIGNAL_BASE + number;
    }
    return WEXITSTATUS(wait_status);
}
