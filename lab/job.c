/* SPDX-License-Identifier: BSD-2-Clause */
/* Commands: each is a session of its own, with its input in a file and its output in two pipes. */
/* memfd_create(), ptsname_r() */
#define _GNU_SOURCE
#include "agent.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#define STATUS_NOT_STARTED 126
#define STATUS_OF_SIGNAL 128

static struct job {
    bool used, running;
    unsigned channel;
    uint32_t id;
    pid_t process;
    int status;
    /* Of the input until it starts, then of its terminal if it has one; of its output. */
    int input, terminal, output, errors;
} jobs[JOBS];

static struct job *find(unsigned channel, uint32_t id)
{
    for (struct job *job = jobs; job < jobs + JOBS; job++) {
        if (job->used && job->channel == channel && job->id == id)
            return job;
    }
    return NULL;
}

/* A new one; NULL where there are too many. */
static struct job *make(unsigned channel, uint32_t id)
{
    for (struct job *job = jobs; job < jobs + JOBS; job++) {
        if (!job->used) {
            *job = (struct job){.used = true, .channel = channel, .id = id, .input = -1,
                                .terminal = -1, .output = -1, .errors = -1};
            return job;
        }
    }
    return NULL;
}

static void shut(int *descriptor)
{
    if (*descriptor >= 0)
        close(*descriptor);
    *descriptor = -1;
}

static void forget(struct job *job)
{
    shut(&job->input);
    shut(&job->terminal);
    shut(&job->output);
    shut(&job->errors);
    job->used = false;
}

void job_input(unsigned channel, const struct frame *frame)
{
    struct job *job = find(channel, frame->job);
    if (!job)
        job = make(channel, frame->job);
    if (!job)
        return;
    int to = job->terminal;
    if (!job->process && to < 0) {
        if (job->input < 0)
            job->input = memfd_create("input", MFD_CLOEXEC);
        to = job->input;
    }
    size_t done = 0;
    while (to >= 0 && done < frame->length) {
        /* A terminal takes no more than its program reads: the rest is lost, as on a serial line. */
        const ssize_t count = write(to, frame->payload + done, frame->length - done);
        if (count <= 0)
            break;
        done += (size_t)count;
    }
}

/* The child's side: no return. */
static _Noreturn void run(const struct job *job, const int output[2], const int errors[2],
                          const char *terminal, const char *command)
{
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    setsid();
    if (terminal) {
        const int slave = open(terminal, O_RDWR);
        ioctl(slave, TIOCSCTTY, 0);
        for (int descriptor = 0; descriptor <= 2; descriptor++)
            dup2(slave, descriptor);
        if (slave > 2)
            close(slave);
    } else {
        const int input = job->input >= 0 ? job->input : open("/dev/null", O_RDONLY);
        lseek(input, 0, SEEK_SET);
        dup2(input, STDIN_FILENO);
        dup2(output[1], STDOUT_FILENO);
        dup2(errors[1], STDERR_FILENO);
    }
    execl("/bin/sh", "sh", "-c", command, (char *)NULL);
    _exit(STATUS_NOT_STARTED);
}

/* A terminal's two sides: the descriptor of ours, and the name of the other. */
static int open_terminal(char *name, size_t size)
{
    const int terminal = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
    if (terminal >= 0 && !grantpt(terminal) && !unlockpt(terminal) &&
        !ptsname_r(terminal, name, size))
        return terminal;
    if (terminal >= 0)
        close(terminal);
    return -1;
}

static void refuse(struct job *job)
{
    static const char why[] = "the lab's agent cannot start it: too many jobs, or no memory\n";
    channel_send(job->channel, FRAME_ERRORS, job->id, why, sizeof why - 1);
    job->status = STATUS_NOT_STARTED;
    job->running = false;
}

static void start(struct job *job, bool with_terminal, const char *command)
{
    int output[2] = {-1, -1}, errors[2] = {-1, -1};
    char name[64] = "";
    if (with_terminal)
        job->terminal = open_terminal(name, sizeof name);
    const bool ready = with_terminal ? job->terminal >= 0
                                     : !pipe2(output, O_CLOEXEC) && !pipe2(errors, O_CLOEXEC);
    const pid_t process = ready ? fork() : -1;
    if (process == 0)
        run(job, output, errors, with_terminal ? name : NULL, command);
    shut(&output[1]);
    shut(&errors[1]);
    shut(&job->input);
    job->output = with_terminal ? job->terminal : output[0];
    job->errors = errors[0];
    if (process < 0) {
        refuse(job);
        return;
    }
    if (!with_terminal) {
        fcntl(job->output, F_SETFL, O_NONBLOCK);
        fcntl(job->errors, F_SETFL, O_NONBLOCK);
    } else {
        /* One descriptor, one owner. */
        job->output = fcntl(job->terminal, F_DUPFD_CLOEXEC, 0);
    }
    job->process = process;
    job->running = true;
}

void job_start(unsigned channel, const struct frame *frame)
{
    char command[FRAME_PAYLOAD];
    struct job *job = find(channel, frame->job);
    if (frame->length < 1 || (job && job->process))
        return;
    if (!job)
        job = make(channel, frame->job);
    if (!job) {
        struct job none = {.channel = channel, .id = frame->job};
        const unsigned char status[4] = {STATUS_NOT_STARTED};
        refuse(&none);
        channel_send(channel, FRAME_EXIT, frame->job, status, sizeof status);
        return;
    }
    memcpy(command, frame->payload + 1, frame->length - 1);
    command[frame->length - 1] = '\0';
    start(job, frame->payload[0] & START_TERMINAL, command);
}

void job_kill(unsigned channel, const struct frame *frame)
{
    const struct job *job = find(channel, frame->job);
    if (job && job->running && frame->length == 1)
        kill(-job->process, frame->payload[0]);
}

void job_size(unsigned channel, const struct frame *frame)
{
    const struct job *job = find(channel, frame->job);
    if (!job || job->terminal < 0 || frame->length != 4)
        return;
    const struct winsize size = {
        .ws_row = (unsigned short)(frame->payload[0] | frame->payload[1] << 8),
        .ws_col = (unsigned short)(frame->payload[2] | frame->payload[3] << 8),
    };
    ioctl(job->terminal, TIOCSWINSZ, &size);
}

void job_end_all(unsigned channel)
{
    for (struct job *job = jobs; job < jobs + JOBS; job++) {
        if (!job->used || job->channel != channel)
            continue;
        if (job->running)
            kill(-job->process, SIGKILL);
        forget(job);
    }
}

void job_reap(pid_t process, int status)
{
    for (struct job *job = jobs; job < jobs + JOBS; job++) {
        if (!job->used || !job->running || job->process != process)
            continue;
        job->running = false;
        job->status = WIFSIGNALED(status) ? STATUS_OF_SIGNAL + WTERMSIG(status)
                                          : WEXITSTATUS(status);
    }
}

nfds_t job_poll(struct pollfd wait[2 * JOBS])
{
    nfds_t count = 0;
    for (const struct job *job = jobs; job < jobs + JOBS; job++) {
        if (!job->used || !channel_has_room(job->channel))
            continue;
        if (job->output >= 0)
            wait[count++] = (struct pollfd){.fd = job->output, .events = POLLIN};
        if (job->errors >= 0)
            wait[count++] = (struct pollfd){.fd = job->errors, .events = POLLIN};
    }
    return count;
}

/* Passes on what there is; the descriptor is closed where no more can come. */
static void pass_on(struct job *job, int *descriptor, uint8_t type)
{
    unsigned char bytes[FRAME_PAYLOAD];
    while (*descriptor >= 0 && channel_has_room(job->channel)) {
        const ssize_t count = read(*descriptor, bytes, sizeof bytes);
        if (count > 0)
            channel_send(job->channel, type, job->id, bytes, (size_t)count);
        else if (count < 0 && errno == EAGAIN && job->running)
            return;
        else if (count < 0 && errno == EINTR)
            continue;
        else
            /* What a job that has ended left running may hold the pipe open: that is not its. */
            shut(descriptor);
    }
}

void job_serve(void)
{
    for (struct job *job = jobs; job < jobs + JOBS; job++) {
        /* One that has its input only, so far, has no process. */
        if (!job->used || (!job->process && job->status != STATUS_NOT_STARTED))
            continue;
        pass_on(job, &job->output, FRAME_OUTPUT);
        pass_on(job, &job->errors, FRAME_ERRORS);
        if (job->running || job->output >= 0 || job->errors >= 0 ||
            !channel_has_room(job->channel))
            continue;
        const unsigned char status[4] = {(unsigned char)job->status};
        channel_send(job->channel, FRAME_EXIT, job->id, status, sizeof status);
        forget(job);
    }
}
