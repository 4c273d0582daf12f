/* SPDX-License-Identifier: BSD-2-Clause */
/* Setting up, then waiting: for the host, for jobs, and for processes that end. */
#include "agent.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* How often a port without a host is looked at. */
#define LOOK_MILLISECONDS 200

#define START_SCRIPT "/lab/start"
#define START_LOG "/lab/host/dom0.log"

static pid_t starter;

/* The daemons, by a script, as what is started is a matter of the lab's request. */
static void start_daemons(void)
{
    starter = fork();
    if (starter)
        return;
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    setsid();
    const int log = open(START_LOG, O_WRONLY | O_CREAT | O_APPEND, 0644);
    const int input = open("/dev/null", O_RDONLY);
    dup2(input, STDIN_FILENO);
    dup2(log, STDOUT_FILENO);
    dup2(log, STDERR_FILENO);
    execl("/bin/sh", "sh", START_SCRIPT, (char *)NULL);
    _exit(1);
}

static void reap(int signals)
{
    struct signalfd_siginfo said;
    while (read(signals, &said, sizeof said) > 0)
        ;
    int status;
    for (pid_t process; (process = waitpid(-1, &status, WNOHANG)) > 0;) {
        if (process == starter)
            channel_announce(status == 0 ? LAB_READY : LAB_FAILED);
        else
            job_reap(process, status);
    }
}

static int64_t milliseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static _Noreturn void serve(int signals)
{
    int64_t looked = 0;
    for (;;) {
        struct pollfd wait[1 + CHANNELS + 2 * JOBS];
        const int64_t now = milliseconds();
        const bool look = now - looked >= LOOK_MILLISECONDS;
        if (look)
            looked = now;
        wait[0] = (struct pollfd){.fd = signals, .events = POLLIN};
        for (unsigned index = 0; index < CHANNELS; index++)
            channel_poll(index, &wait[1 + index], look);
        const nfds_t count = 1 + CHANNELS + job_poll(wait + 1 + CHANNELS);
        if (poll(wait, count, look ? 0 : LOOK_MILLISECONDS) < 0)
            continue;
        if (wait[0].revents)
            reap(signals);
        for (unsigned index = 0; index < CHANNELS; index++)
            channel_serve(index, &wait[1 + index]);
        job_serve();
    }
}

int main(void)
{
    sigset_t children;
    sigemptyset(&children);
    sigaddset(&children, SIGCHLD);
    sigprocmask(SIG_BLOCK, &children, NULL);
    signal(SIGPIPE, SIG_IGN);
    const int signals = signalfd(-1, &children, SFD_CLOEXEC | SFD_NONBLOCK);
    int ports[CHANNELS];
    if (signals < 0 || !setup_machine() || !setup_ports(ports)) {
        setup_say("the lab cannot start");
        /* The end of the first process is a panic, which the host sees. */
        return 1;
    }
    for (unsigned index = 0; index < CHANNELS; index++)
        channel_open(index, ports[index]);
    start_daemons();
    serve(signals);
}
