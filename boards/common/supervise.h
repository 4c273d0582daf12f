/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which program starts when, and when all is over: the decisions of an entrypoint, without any
 * system call. A board's loop performs what it is told and reports what happened:
 *
 *     supervise_begin(&supervisor, &config.rc);
 *     for (;;) {
 *         while (supervise_next(&supervisor, now, &order))
 *             perform(order);
 *         if (supervisor.over)
 *             end(supervisor.status);
 *         wait, at most until supervise_wake(&supervisor, now);
 *         tell what happened by supervise_started, _ready, _ended and _stop
 *     }
 *
 * Times are milliseconds of a clock that only goes forward. Entries are called by their place.
 *
 * An entry that fails (a status that is not 0, or a signal) and that its restart policy does not
 * start again ends the whole, with its status. Otherwise the whole ends when the last entry ended
 * that is waited for; where none is, when all have. What still runs then is asked to stop.
 */
#ifndef RUMPRUN_SUPERVISE_H
#define RUMPRUN_SUPERVISE_H

#include "config.h"

/* How long programs may take to end after they were asked to, and again after they were killed. */
#define SUPERVISE_GRACE_MS 10000u
/* Before an entry starts again; twice as long each time, up to the longest. */
#define SUPERVISE_FIRST_DELAY_MS 100u
#define SUPERVISE_LONGEST_DELAY_MS 10000u
#define SUPERVISE_NEVER UINT64_MAX

/* An exit status as the machine's: a program that a signal ended has 128 + signal. */
#define SUPERVISE_SIGNAL_BASE 128
#define SUPERVISE_BROKEN_PIPE (SUPERVISE_SIGNAL_BASE + 13)

enum supervise_state {
    SUPERVISE_WAITING,
    SUPERVISE_RUNNING,
    /* Ended, and about to start again. */
    SUPERVISE_PAUSED,
    SUPERVISE_ENDED,
};

enum supervise_verb { SUPERVISE_START, SUPERVISE_TERMINATE, SUPERVISE_KILL, SUPERVISE_GIVE_UP };

struct supervise_order {
    enum supervise_verb verb;
    size_t entry;
};

struct supervised {
    enum supervise_state state;
    /* Whether the start was ordered and not yet reported, and whether the stop was. */
    bool ordered, asked, killed;
    bool ready;
    uint32_t restarts;
    /* Of a running entry, when it is ready by time; of a paused one, when it starts. */
    uint64_t due;
};

enum supervise_phase {
    SUPERVISE_GOING,
    /* All was done, or an entry failed: what ends from here on does not count. */
    SUPERVISE_FINISHING,
    /* The machine was asked to stop: a failure of what is waited for still counts. */
    SUPERVISE_STOPPING,
};

struct supervisor {
    const struct config_rc *rc;
    struct supervised entries[CONFIG_ENTRIES];
    enum supervise_phase phase;
    uint64_t deadline;
    bool killing;
    /* Valid when over is set. */
    bool over;
    int status;
    /* The entry that the status is of, or rc->count. */
    size_t culprit;
};

/* The entries of rc, which has at least one, stay the caller's. */
void supervise_begin(struct supervisor *supervisor, const struct config_rc *rc);

/* What to do next; false: nothing for now. */
bool supervise_next(struct supervisor *supervisor, uint64_t now, struct supervise_order *order);

/* When supervise_next has to be called again though nothing happened, or SUPERVISE_NEVER. */
uint64_t supervise_wake(const struct supervisor *supervisor, uint64_t now);

/* The entry that was to start runs. One that could not be started has ended, see below. */
void supervise_started(struct supervisor *supervisor, size_t entry, uint64_t now);

/* Whether the board has to find out if the file or port of this entry is there. */
bool supervise_wants_probe(const struct supervisor *supervisor, size_t entry);
void supervise_ready(struct supervisor *supervisor, size_t entry);

/* Returns whether the entry will start again. */
bool supervise_ended(struct supervisor *supervisor, size_t entry, int status, uint64_t now);

/* The machine was asked to stop. */
void supervise_stop(struct supervisor *supervisor, uint64_t now);

/* Whether the entry, ended or not, may yet run again; its ends of pipes stay open so long. */
bool supervise_may_run(const struct supervisor *supervisor, size_t entry);

#endif
