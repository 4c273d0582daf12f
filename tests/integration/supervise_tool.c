/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Plays a board that has a clock of its own: supervise_tool CONFIG, and on standard input lines
 *
 *     life NAME MS STATUS...   each run of the entry takes MS, and ends with the next status
 *     ready NAME MS            its file or port is there MS after each start
 *     stubborn NAME            does not end when it is asked to
 *     stop MS                  the machine is asked to stop
 *
 * Prints what happens, one line each with the time; NAME without a life runs until it is asked.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "supervise.h"

#define MOST_RUNS 16

struct life {
    uint64_t takes, ready;
    bool stubborn;
    int statuses[MOST_RUNS];
    size_t runs, run;
    uint64_t ends, is_ready;
    bool alive;
};

static struct config_storage storage;
static struct config config;
static struct life lives[CONFIG_ENTRIES];
static uint64_t stop = SUPERVISE_NEVER;

static void load(const char *path)
{
    static char text[CONFIG_LONGEST_TEXT];
    struct config_error error;
    FILE *file = fopen(path, "r");
    assert(file);
    const size_t length = fread(text, 1, sizeof text, file);
    fclose(file);
    if (!config_parse(text, length, &storage, &config, &error)) {
        fprintf(stderr, "%s: %s\n", error.path, error.message);
        exit(2);
    }
}

static struct life *life_of(const char *name)
{
    for (size_t i = 0; i < config.rc.count; i++) {
        if (strcmp(config.rc.entries[i].name, name) == 0)
            return &lives[i];
    }
    fprintf(stderr, "no entry %s\n", name);
    exit(2);
}

static void read_scenario(void)
{
    char line[512];
    while (fgets(line, sizeof line, stdin)) {
        const char *what = strtok(line, " \n"), *name = strtok(NULL, " \n"), *word;
        if (strcmp(what, "stop") == 0) {
            stop = strtoull(name, NULL, 10);
            continue;
        }
        struct life *life = life_of(name);
        if (strcmp(what, "stubborn") == 0) {
            life->stubborn = true;
        } else if (strcmp(what, "ready") == 0) {
            life->ready = strtoull(strtok(NULL, " \n"), NULL, 10);
        } else {
            life->takes = strtoull(strtok(NULL, " \n"), NULL, 10);
            while ((word = strtok(NULL, " \n")) && life->runs < MOST_RUNS)
                life->statuses[life->runs++] = atoi(word);
        }
    }
}

static void say(uint64_t now, const char *what, size_t place)
{
    printf("%llu %s %s\n", (unsigned long long)now, what, config.rc.entries[place].name);
}

static void perform(struct supervisor *supervisor, const struct supervise_order *order,
                    uint64_t now)
{
    struct life *life = &lives[order->entry];
    switch (order->verb) {
    case SUPERVISE_START:
        assert(!life->alive);
        say(now, "start", order->entry);
        life->alive = true;
        life->ends = life->runs ? now + life->takes : SUPERVISE_NEVER;
        life->is_ready = now + life->ready;
        supervise_started(supervisor, order->entry, now);
        break;
    case SUPERVISE_TERMINATE:
        say(now, "ask", order->entry);
        if (!life->stubborn) {
            life->ends = now;
            life->statuses[life->run < MOST_RUNS ? life->run : MOST_RUNS - 1] = 143;
        }
        break;
    case SUPERVISE_KILL:
        say(now, "kill", order->entry);
        life->ends = now;
        life->statuses[life->run < MOST_RUNS ? life->run : MOST_RUNS - 1] = 137;
        break;
    case SUPERVISE_GIVE_UP:
        say(now, "give up", order->entry);
        exit(1);
    }
}

/* Lets happen what is due. */
static void happen(struct supervisor *supervisor, uint64_t now)
{
    for (size_t i = 0; i < config.rc.count; i++) {
        struct life *life = &lives[i];
        if (life->alive && life->is_ready <= now && supervise_wants_probe(supervisor, i)) {
            say(now, "ready", i);
            supervise_ready(supervisor, i);
        }
        if (life->alive && life->ends <= now) {
            const size_t last = life->runs ? life->runs - 1 : 0;
            const int status = life->statuses[life->run < last ? life->run : last];
            life->alive = false;
            life->run++;
            printf("%llu end %s %d%s\n", (unsigned long long)now, config.rc.entries[i].name,
                   status, supervise_ended(supervisor, i, status, now) ? " again" : "");
        }
    }
    if (stop <= now) {
        stop = SUPERVISE_NEVER;
        printf("%llu stop\n", (unsigned long long)now);
        supervise_stop(supervisor, now);
    }
}

static uint64_t next_time(const struct supervisor *supervisor, uint64_t now)
{
    uint64_t next = supervise_wake(supervisor, now);
    if (stop < next)
        next = stop;
    for (size_t i = 0; i < config.rc.count; i++) {
        if (lives[i].alive && lives[i].ends < next)
            next = lives[i].ends;
        if (lives[i].alive && lives[i].is_ready < next && supervise_wants_probe(supervisor, i))
            next = lives[i].is_ready;
    }
    return next;
}

int main(int argc, char **argv)
{
    static struct supervisor supervisor;
    struct supervise_order order;
    uint64_t now = 0;
    if (argc != 2)
        return 2;
    load(argv[1]);
    read_scenario();
    supervise_begin(&supervisor, &config.rc);
    for (int turns = 0; turns < 10000; turns++) {
        while (supervise_next(&supervisor, now, &order))
            perform(&supervisor, &order, now);
        if (supervisor.over) {
            printf("%llu over %d\n", (unsigned long long)now, supervisor.status);
            return 0;
        }
        now = next_time(&supervisor, now);
        if (now == SUPERVISE_NEVER)
            break;
        happen(&supervisor, now);
    }
    puts("stuck");
    return 1;
}
