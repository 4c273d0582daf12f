/* SPDX-License-Identifier: BSD-2-Clause */
/* The programs' lives: performs what supervise.h decides, and tells it what happened. */
#include "device.h"
#include "entrypoint.h"
#include "file.h"
#include "supervise.h"

/* How often files and ports are looked for that somebody waits for. */
#define PROBE_MS 20u
#define MILLISECOND 1000000u

struct lives {
    const struct config *config;
    const struct table *table;
    struct supervisor supervisor;
    struct program *programs[CONFIG_ENTRIES];
    /* Pipe i leads from entry i to entry i + 1; NULL: not open, or not any more. */
    struct file *readers[CONFIG_ENTRIES], *writers[CONFIG_ENTRIES];
    /* Something happened, which those who wait here want to know. */
    bool news;
    struct wait_queue queue;
    /* The machine is to stop; until that is seen to. And whether it ever was. */
    bool stop, asked_to_stop;
};

static struct lives lives;

/* One program that is not started again needs no time, whose measurement would take longer than all
   of the machine's start; until it is to stop. */
static uint64_t milliseconds_now(void)
{
    const struct config_entry *first = lives.config->rc.entries;
    const bool timed = lives.asked_to_stop || lives.config->rc.count != 1 ||
                       first->restart != CONFIG_RESTART_NO || first->ready != CONFIG_READY_STARTED;
    return timed ? clock_now() / MILLISECOND : 0;
}

static void tell_news(void)
{
    lives.news = true;
    wait_wake_all(&lives.queue);
}

static void take_end(struct program *program)
{
    (void)program;
    tell_news();
}

void machine_stop(void)
{
    lives.stop = lives.asked_to_stop = true;
    tell_news();
}

static void close_end(struct file **file)
{
    if (*file)
        file_drop(*file);
    *file = NULL;
}

/*
 * The entrypoint keeps an end of a pipe open only while a program may yet come for it: otherwise
 * readers would never see the end, and writers never that nobody reads.
 */
static void close_pipes(void)
{
    for (size_t i = 0; i + 1 < lives.config->rc.count; i++) {
        if (!supervise_may_run(&lives.supervisor, i))
            close_end(&lives.writers[i]);
        if (!supervise_may_run(&lives.supervisor, i + 1))
            close_end(&lives.readers[i]);
    }
}

static void open_pipe(size_t place)
{
    if (lives.readers[place] || lives.writers[place])
        return;
    const int error = pipe_make(&lives.readers[place], &lives.writers[place], 0);
    if (error)
        ENTRYPOINT_FAIL("%s: cannot make a pipe: %s", lives.config->rc.entries[place].name,
                        words_of_error(error));
}

static void start(size_t place)
{
    const struct config_entry *entry = &lives.config->rc.entries[place];
    const bool from_pipe = place > 0 && entry[-1].runmode == CONFIG_PIPE;
    const bool to_pipe = entry->runmode == CONFIG_PIPE;
    if (to_pipe)
        open_pipe(place);
    const struct process process = {
        .program = table_find(lives.table, entry->bin),
        .entry = entry,
        .env = &lives.config->env,
        .input = from_pipe ? lives.readers[place - 1] : NULL,
        .output = to_pipe ? lives.writers[place] : NULL,
        .serves = place == 0 && xen_store_serves && xen_store_serves(),
    };
    const int status = process_start(&process, &lives.programs[place]);
    if (status == 0) {
        supervise_started(&lives.supervisor, place, milliseconds_now());
    } else {
        lives.programs[place] = NULL;
        supervise_ended(&lives.supervisor, place, status, milliseconds_now());
    }
    close_pipes();
}

/* A program that has ended, and that nobody has asked about yet, gets no signal any more. */
static void ask(size_t place, int number)
{
    struct program *program = lives.programs[place];
    if (program && !program->ended)
        signal_send_simple(program, number, SI_USER);
}

static void perform(const struct supervise_order *order)
{
    const struct config_entry *entry = &lives.config->rc.entries[order->entry];
    switch (order->verb) {
    case SUPERVISE_START:
        start(order->entry);
        break;
    case SUPERVISE_TERMINATE:
        ask(order->entry, SIGTERM);
        break;
    case SUPERVISE_KILL:
        say("%s: no end %u s after it was asked to", entry->name, SUPERVISE_GRACE_MS / 1000);
        ask(order->entry, SIGKILL);
        break;
    case SUPERVISE_GIVE_UP:
        ENTRYPOINT_FAIL("%s cannot be killed", entry->name);
    }
}

/* Says what the console's reader would miss otherwise. */
static void tell(size_t place, int status, int number, bool again)
{
    const char *name = lives.config->rc.entries[place].name;
    const char *suffix = again ? "; it starts again" : "";
    const bool alone = lives.config->rc.count == 1;
    if (number) {
        const bool asked = lives.supervisor.entries[place].asked && number == SIGTERM;
        const bool unread = number == SIGPIPE &&
                            lives.config->rc.entries[place].runmode == CONFIG_PIPE;
        if ((!asked || alone) && !unread)
            say("%s: ended by signal %d (%s)%s", name, number, words_of_signal(number), suffix);
    } else if (again || (status != 0 && !alone)) {
        say("%s: exit status %d%s", name, status, suffix);
    }
}

static void reap(void)
{
    for (size_t place = 0; place < lives.config->rc.count; place++) {
        struct program *program = lives.programs[place];
        if (!program || !program->ended)
            continue;
        const int status = program->status, number = program->signal;
        program_forget(program);
        lives.programs[place] = NULL;
        const bool again =
            supervise_ended(&lives.supervisor, place, status, milliseconds_now());
        tell(place, status, number, again);
        close_pipes();
    }
}

/* Whether an entry waits for a file or port that has to be looked for. */
static bool wants_probe(void)
{
    for (size_t i = 0; i < lives.config->rc.count; i++) {
        if (supervise_wants_probe(&lives.supervisor, i))
            return true;
    }
    return false;
}

static void look_for_ready(void)
{
    for (size_t i = 0; i < lives.config->rc.count; i++) {
        if (supervise_wants_probe(&lives.supervisor, i) && probe(&lives.config->rc.entries[i]))
            supervise_ready(&lives.supervisor, i);
    }
}

/* That the machine is to stop is passed on as it comes, each time. */
static void take_stop(void)
{
    if (!lives.stop)
        return;
    lives.stop = false;
    for (size_t i = 0; i < lives.config->rc.count; i++) {
        if (lives.supervisor.entries[i].asked)
            ask(i, SIGTERM);
    }
    supervise_stop(&lives.supervisor, milliseconds_now());
}

static void wait_for_something(void)
{
    const uint64_t now = milliseconds_now();
    uint64_t wake = supervise_wake(&lives.supervisor, now);
    if (wants_probe() && wake > now + PROBE_MS)
        wake = now + PROBE_MS;
    if (!lives.news)
        (void)wait_on(&lives.queue, wake == SUPERVISE_NEVER ? WAIT_FOR_EVER : wake * MILLISECOND);
    lives.news = false;
    take_stop();
    reap();
}

int start_and_wait(const struct config *config, const struct table *table)
{
    struct supervise_order order;
    lives.config = config;
    lives.table = table;
    program_on_end = take_end;
    supervise_begin(&lives.supervisor, &config->rc);
    for (;;) {
        look_for_ready();
        while (supervise_next(&lives.supervisor, milliseconds_now(), &order))
            perform(&order);
        if (lives.supervisor.over)
            return lives.supervisor.status;
        wait_for_something();
    }
}
