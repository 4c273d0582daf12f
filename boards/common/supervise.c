/* SPDX-License-Identifier: BSD-2-Clause */
/* See supervise.h. */
#include <assert.h>
#include <string.h>

#include "supervise.h"

static const struct config_entry *entry_of(const struct supervisor *supervisor, size_t place)
{
    assert(place < supervisor->rc->count);
    return &supervisor->rc->entries[place];
}

/* The last entry of the group says whether it is waited for. */
static bool is_foreground(const struct supervisor *supervisor, size_t place)
{
    while (entry_of(supervisor, place)->runmode == CONFIG_PIPE)
        place++;
    return entry_of(supervisor, place)->runmode == CONFIG_WAIT;
}

void supervise_begin(struct supervisor *supervisor, const struct config_rc *rc)
{
    assert(rc->count > 0 && rc->count <= CONFIG_ENTRIES);
    memset(supervisor, 0, sizeof *supervisor);
    supervisor->rc = rc;
    supervisor->culprit = rc->count;
}

static bool may_depend_on(const struct supervised *entry)
{
    return entry->state == SUPERVISE_ENDED || entry->ready;
}

/* Whether all that the group of this first entry waits for has come. */
static bool group_may_start(const struct supervisor *supervisor, unsigned group)
{
    const struct config_rc *rc = supervisor->rc;
    for (size_t i = 0; i < group; i++) {
        if (supervisor->entries[i].state != SUPERVISE_ENDED && is_foreground(supervisor, i))
            return false;
    }
    for (size_t i = group; i < rc->count && rc->entries[i].group == group; i++) {
        for (size_t j = 0; j < rc->count; j++) {
            if ((rc->entries[i].after >> j & 1) && !may_depend_on(&supervisor->entries[j]))
                return false;
        }
    }
    return true;
}

/* Whether everything that the image is there for has ended. */
static bool all_done(const struct supervisor *supervisor)
{
    bool foreground = false, foreground_runs = false, any_runs = false;
    for (size_t i = 0; i < supervisor->rc->count; i++) {
        const bool runs = supervisor->entries[i].state != SUPERVISE_ENDED;
        any_runs |= runs;
        if (is_foreground(supervisor, i)) {
            foreground = true;
            foreground_runs |= runs;
        }
    }
    return foreground ? !foreground_runs : !any_runs;
}

/* From here on nothing starts; what does not run has ended. */
static void finish(struct supervisor *supervisor, enum supervise_phase phase, uint64_t now)
{
    supervisor->phase = phase;
    supervisor->deadline = now + SUPERVISE_GRACE_MS;
    for (size_t i = 0; i < supervisor->rc->count; i++) {
        struct supervised *entry = &supervisor->entries[i];
        if (entry->state != SUPERVISE_RUNNING && !entry->ordered)
            entry->state = SUPERVISE_ENDED;
    }
}

static bool order_start(struct supervisor *supervisor, uint64_t now, struct supervise_order *order)
{
    for (size_t i = 0; i < supervisor->rc->count; i++) {
        struct supervised *entry = &supervisor->entries[i];
        const bool due = entry->state == SUPERVISE_PAUSED && entry->due <= now;
        if (entry->ordered)
            continue;
        if (due || (entry->state == SUPERVISE_WAITING &&
                    group_may_start(supervisor, entry_of(supervisor, i)->group))) {
            entry->ordered = true;
            *order = (struct supervise_order){SUPERVISE_START, i};
            return true;
        }
    }
    return false;
}

/* Asks what runs to stop, once; later kills it, once; and then has nothing left to try. */
static bool order_end(struct supervisor *supervisor, uint64_t now, struct supervise_order *order)
{
    const bool late = now >= supervisor->deadline;
    bool runs = false;
    if (late && !supervisor->killing) {
        supervisor->killing = true;
        supervisor->deadline = now + SUPERVISE_GRACE_MS;
    }
    for (size_t i = 0; i < supervisor->rc->count; i++) {
        struct supervised *entry = &supervisor->entries[i];
        if (entry->state != SUPERVISE_RUNNING)
            continue;
        runs = true;
        bool *done = supervisor->killing ? &entry->killed : &entry->asked;
        if (!*done) {
            *done = true;
            *order = (struct supervise_order){
                supervisor->killing ? SUPERVISE_KILL : SUPERVISE_TERMINATE, i};
            return true;
        }
        if (supervisor->killing && now >= supervisor->deadline) {
            *order = (struct supervise_order){SUPERVISE_GIVE_UP, i};
            return true;
        }
    }
    supervisor->over = !runs;
    return false;
}

bool supervise_next(struct supervisor *supervisor, uint64_t now, struct supervise_order *order)
{
    for (size_t i = 0; i < supervisor->rc->count; i++) {
        struct supervised *entry = &supervisor->entries[i];
        if (entry->state == SUPERVISE_RUNNING && entry->due <= now)
            entry->ready = true;
    }
    if (supervisor->phase == SUPERVISE_GOING && all_done(supervisor))
        finish(supervisor, SUPERVISE_FINISHING, now);
    if (supervisor->phase == SUPERVISE_GOING)
        return order_start(supervisor, now, order);
    return order_end(supervisor, now, order);
}

uint64_t supervise_wake(const struct supervisor *supervisor, uint64_t now)
{
    uint64_t wake = supervisor->phase == SUPERVISE_GOING ? SUPERVISE_NEVER : supervisor->deadline;
    for (size_t i = 0; i < supervisor->rc->count; i++) {
        const struct supervised *entry = &supervisor->entries[i];
        const bool timed = entry->state == SUPERVISE_PAUSED ||
                           (entry->state == SUPERVISE_RUNNING && !entry->ready);
        if (timed && entry->due < wake)
            wake = entry->due;
    }
    return wake < now ? now : wake;
}

void supervise_started(struct supervisor *supervisor, size_t place, uint64_t now)
{
    const struct config_entry *rules = entry_of(supervisor, place);
    struct supervised *entry = &supervisor->entries[place];
    assert(entry->ordered);
    entry->ordered = entry->ready = false;
    entry->state = SUPERVISE_RUNNING;
    entry->due = SUPERVISE_NEVER;
    if (rules->ready == CONFIG_READY_STARTED)
        entry->ready = true;
    else if (rules->ready == CONFIG_READY_TIME)
        entry->due = now + rules->ready_ms;
}

bool supervise_wants_probe(const struct supervisor *supervisor, size_t place)
{
    const enum config_ready ready = entry_of(supervisor, place)->ready;
    const struct supervised *entry = &supervisor->entries[place];
    return entry->state == SUPERVISE_RUNNING && !entry->ready &&
           supervisor->phase == SUPERVISE_GOING &&
           (ready == CONFIG_READY_FILE || ready == CONFIG_READY_PORT);
}

void supervise_ready(struct supervisor *supervisor, size_t place)
{
    assert(place < supervisor->rc->count);
    supervisor->entries[place].ready = true;
}

/* A writer whose reader had enough has not failed, as in a shell's pipe. */
static bool has_failed(const struct config_entry *rules, int status)
{
    return status != 0 && !(rules->runmode == CONFIG_PIPE && status == SUPERVISE_BROKEN_PIPE);
}

static bool wants_restart(const struct config_entry *rules, const struct supervised *entry,
                          bool failed)
{
    if (rules->restart == CONFIG_RESTART_NO ||
        (rules->restart == CONFIG_RESTART_ON_FAILURE && !failed))
        return false;
    return rules->restart_max == 0 || entry->restarts < rules->restart_max;
}

static uint64_t delay(uint32_t restarts)
{
    uint64_t wait = SUPERVISE_FIRST_DELAY_MS;
    while (restarts-- > 0 && wait < SUPERVISE_LONGEST_DELAY_MS)
        wait *= 2;
    return wait < SUPERVISE_LONGEST_DELAY_MS ? wait : SUPERVISE_LONGEST_DELAY_MS;
}

bool supervise_ended(struct supervisor *supervisor, size_t place, int status, uint64_t now)
{
    const struct config_entry *rules = entry_of(supervisor, place);
    struct supervised *entry = &supervisor->entries[place];
    const bool failed = has_failed(rules, status);
    entry->ordered = entry->ready = false;
    if (supervisor->phase == SUPERVISE_GOING && wants_restart(rules, entry, failed)) {
        entry->state = SUPERVISE_PAUSED;
        entry->due = now + delay(entry->restarts);
        if (entry->restarts < UINT32_MAX)
            entry->restarts++;
        return true;
    }
    entry->state = SUPERVISE_ENDED;
    const bool counts = supervisor->phase == SUPERVISE_GOING ||
                        (supervisor->phase == SUPERVISE_STOPPING &&
                         is_foreground(supervisor, place));
    if (failed && counts && supervisor->culprit == supervisor->rc->count) {
        supervisor->status = status;
        supervisor->culprit = place;
    }
    if (failed && supervisor->phase == SUPERVISE_GOING)
        finish(supervisor, SUPERVISE_FINISHING, now);
    return false;
}

void supervise_stop(struct supervisor *supervisor, uint64_t now)
{
    if (supervisor->phase == SUPERVISE_GOING)
        finish(supervisor, SUPERVISE_STOPPING, now);
}

bool supervise_may_run(const struct supervisor *supervisor, size_t place)
{
    const enum supervise_state state = supervisor->entries[place].state;
    assert(place < supervisor->rc->count);
    return state == SUPERVISE_WAITING || state == SUPERVISE_PAUSED ||
           (supervisor->phase == SUPERVISE_GOING &&
            entry_of(supervisor, place)->restart != CONFIG_RESTART_NO &&
            state == SUPERVISE_RUNNING);
}
