/* SPDX-License-Identifier: BSD-2-Clause */
/* The programs' lives: performs what supervise.h decides, and tells it what happened. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "crash.h"
#include "entrypoint.h"
#include "supervise.h"

/* How often files and ports are looked for that somebody waits for. */
#define PROBE_MS 20u

struct lives {
    const struct config *config;
    const struct table *table;
    struct supervisor supervisor;
    pid_t pids[CONFIG_ENTRIES];
    /* Pipe i leads from entry i to entry i + 1; -1: not open, or not any more. */
    int readers[CONFIG_ENTRIES], writers[CONFIG_ENTRIES];
    sigset_t awaited;
    /* What programs are asked to stop with. */
    int stop_signal;
};

static uint64_t milliseconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void close_end(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

/*
 * The entrypoint keeps an end of a pipe open only while a program may yet come for it: otherwise
 * readers would never see the end, and writers never that nobody reads.
 */
static void close_pipes(struct lives *lives)
{
    for (size_t i = 0; i + 1 < lives->config->rc.count; i++) {
        if (!supervise_may_run(&lives->supervisor, i))
            close_end(&lives->writers[i]);
        if (!supervise_may_run(&lives->supervisor, i + 1))
            close_end(&lives->readers[i]);
    }
}

static void open_pipe(struct lives *lives, size_t place)
{
    int ends[2];
    if (lives->readers[place] >= 0 || lives->writers[place] >= 0)
        return;
    if (pipe2(ends, O_CLOEXEC) != 0)
        console_fail("%s: cannot make a pipe: %s", lives->config->rc.entries[place].name,
                     strerror(errno));
    lives->readers[place] = ends[0];
    lives->writers[place] = ends[1];
}

static void start(struct lives *lives, size_t place)
{
    const struct config_entry *entry = &lives->config->rc.entries[place];
    const bool from_pipe = place > 0 && entry[-1].runmode == CONFIG_PIPE;
    const bool to_pipe = entry->runmode == CONFIG_PIPE;
    if (to_pipe)
        open_pipe(lives, place);
    const struct process process = {
        .program = table_find(lives->table, entry->bin),
        .entry = entry,
        .env = &lives->config->env,
        .input = from_pipe ? lives->readers[place - 1] : -1,
        .output = to_pipe ? lives->writers[place] : -1,
        .blocked = &lives->awaited,
    };
    const int status = process_start(&process, &lives->pids[place]);
    if (status == 0) {
        supervise_started(&lives->supervisor, place, milliseconds_now());
    } else {
        lives->pids[place] = 0;
        supervise_ended(&lives->supervisor, place, status, milliseconds_now());
    }
    close_pipes(lives);
}

static void perform(struct lives *lives, const struct supervise_order *order)
{
    const struct config_entry *entry = &lives->config->rc.entries[order->entry];
    const pid_t pid = lives->pids[order->entry];
    switch (order->verb) {
    case SUPERVISE_START:
        start(lives, order->entry);
        break;
    case SUPERVISE_TERMINATE:
        kill(pid, lives->stop_signal);
        break;
    case SUPERVISE_KILL:
        console_say("%s: no end %u s after it was asked to", entry->name,
                    SUPERVISE_GRACE_MS / 1000);
        kill(pid, SIGKILL);
        break;
    case SUPERVISE_GIVE_UP:
        console_fail("%s cannot be killed", entry->name);
    }
}

/* Says what the console's reader would miss otherwise. */
static void tell(const struct lives *lives, size_t place, int wait_status, bool again)
{
    const char *name = lives->config->rc.entries[place].name;
    const char *suffix = again ? "; it starts again" : "";
    if (WIFSIGNALED(wait_status)) {
        const int number = WTERMSIG(wait_status);
        const bool asked = lives->supervisor.entries[place].asked && number == lives->stop_signal;
        const bool unread = number == SIGPIPE &&
                            lives->config->rc.entries[place].runmode == CONFIG_PIPE;
        if (number == SIGKILL && crash_memory_ran_out())
            console_say("the machine ran out of memory: give it more, or let programs use less");
        if ((!asked || lives->config->rc.count == 1) && !unread)
            console_say("%s: ended by signal %d (%s)%s", name, number, strsignal(number), suffix);
    } else if (again || (WEXITSTATUS(wait_status) != 0 && lives->config->rc.count > 1)) {
        console_say("%s: exit status %d%s", name, WEXITSTATUS(wait_status), suffix);
    }
}

/* Reaps everything that has exited, orphans too. */
static void reap(struct lives *lives)
{
    int wait_status;
    pid_t pid;
    while ((pid = waitpid(-1, &wait_status, WNOHANG)) > 0) {
        size_t place = 0;
        while (place < lives->config->rc.count && lives->pids[place] != pid)
            place++;
        if (place == lives->config->rc.count)
            continue;
        lives->pids[place] = 0;
        const bool again = supervise_ended(&lives->supervisor, place,
                                           process_status(wait_status), milliseconds_now());
        tell(lives, place, wait_status, again);
        close_pipes(lives);
    }
}

/* Whether an entry waits for a file or port that has to be looked for. */
static bool wants_probe(const struct lives *lives)
{
    for (size_t i = 0; i < lives->config->rc.count; i++) {
        if (supervise_wants_probe(&lives->supervisor, i))
            return true;
    }
    return false;
}

static void look_for_ready(struct lives *lives)
{
    for (size_t i = 0; i < lives->config->rc.count; i++) {
        if (supervise_wants_probe(&lives->supervisor, i) && probe(&lives->config->rc.entries[i]))
            supervise_ready(&lives->supervisor, i);
    }
}

/* A signal that asks the machine to stop is passed on as it comes, each time. */
static void take_signal(struct lives *lives, int number)
{
    if (number != SIGTERM && number != SIGINT && number != SIGPWR)
        return;
    /* A program knows nothing of SIGPWR, which a host's power button means as TERM. */
    lives->stop_signal = number == SIGPWR ? SIGTERM : number;
    for (size_t i = 0; i < lives->config->rc.count; i++) {
        if (lives->pids[i] > 0 && lives->supervisor.entries[i].asked)
            kill(lives->pids[i], lives->stop_signal);
    }
    supervise_stop(&lives->supervisor, milliseconds_now());
}

static void wait_for_something(struct lives *lives)
{
    const uint64_t now = milliseconds_now();
    uint64_t wake = supervise_wake(&lives->supervisor, now);
    if (wants_probe(lives) && wake > now + PROBE_MS)
        wake = now + PROBE_MS;
    const uint64_t left = wake - now;
    const struct timespec patience = {.tv_sec = (time_t)(left / 1000),
                                      .tv_nsec = (long)(left % 1000) * 1000000};
    const int number = wake == SUPERVISE_NEVER
                           ? sigwaitinfo(&lives->awaited, NULL)
                           : sigtimedwait(&lives->awaited, NULL, &patience);
    take_signal(lives, number);
    reap(lives);
}

static void begin(struct lives *lives, const struct config *config, const struct table *table)
{
    static const int numbers[] = {SIGCHLD, SIGTERM, SIGINT, SIGPWR};
    lives->config = config;
    lives->table = table;
    lives->stop_signal = SIGTERM;
    for (size_t i = 0; i < CONFIG_ENTRIES; i++)
        lives->readers[i] = lives->writers[i] = -1;
    sigemptyset(&lives->awaited);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        sigaddset(&lives->awaited, numbers[i]);
    sigprocmask(SIG_BLOCK, &lives->awaited, NULL);
    supervise_begin(&lives->supervisor, &config->rc);
}

int start_and_wait(const struct config *config, const struct table *table)
{
    static struct lives lives;
    struct supervise_order order;
    begin(&lives, config, table);
    for (;;) {
        look_for_ready(&lives);
        while (supervise_next(&lives.supervisor, milliseconds_now(), &order))
            perform(&lives, &order);
        if (lives.supervisor.over)
            return lives.supervisor.status;
        wait_for_something(&lives);
    }
}
