/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How many requests a store serves. Each of N clients does the same for a while:
 *
 *   client local PATH N MILLISECONDS   processes here, each by a connection of its own
 *   client guests MILLISECONDS ID...   the guests with those numbers, which run "client guest"
 *   client guest                       does what domain 0 writes
 *   client first                       waits until the store answers
 *
 * Printed is a line for each kind of request: its name, and how many a second all clients did.
 */
#include "store.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define ENTRIES 10
#define PATIENCE_MS 60000u

/* Where a client's names are. */
static char base[64];

static void name(char *text, size_t size, const char *last)
{
    (void)snprintf(text, size, "%s/%s", base, last);
}

static void ask(struct link *link, uint32_t type, uint32_t transaction, const char *last,
                const char *value, struct message *answer)
{
    char text[256];
    name(text, sizeof text - 128, last);
    size_t size = strlen(text) + 1;
    if (value) {
        memcpy(text + size, value, strlen(value));
        size += strlen(value);
    }
    if (!link_ask(link, type, transaction, text, size, answer) || answer->head.type == XS_ERROR)
        fail("type %u of %s: %s", type, text, answer->bytes);
}

static void do_read(struct link *link)
{
    struct message answer;
    ask(link, XS_READ, 0, "value", NULL, &answer);
}

static void do_write(struct link *link)
{
    struct message answer;
    ask(link, XS_WRITE, 0, "value", "twenty bytes of data", &answer);
}

static void do_directory(struct link *link)
{
    struct message answer;
    ask(link, XS_DIRECTORY, 0, "entries", NULL, &answer);
}

static void do_transaction(struct link *link)
{
    struct message answer;
    if (!link_ask(link, XS_TRANSACTION_START, 0, "", 1, &answer) ||
        answer.head.type != XS_TRANSACTION_START)
        fail("no transaction: %s", answer.bytes);
    const uint32_t id = (uint32_t)strtoul(answer.bytes, NULL, 10);
    ask(link, XS_READ, id, "value", NULL, &answer);
    ask(link, XS_WRITE, id, "value", "twenty bytes of data", &answer);
    if (!link_ask(link, XS_TRANSACTION_END, id, "T", 2, &answer))
        fail("a transaction does not end");
}

/* From a write to the event that tells of it. */
static void do_watch(struct link *link)
{
    struct message message;
    char text[128];
    name(text, sizeof text - 8, "watched");
    const size_t size = strlen(text) + 1;
    text[size] = 'v';
    bool is_answered = false, has_fired = false;
    if (!link_send(link, XS_WRITE, 1, 0, text, size + 1))
        fail("a write is not taken");
    while (!is_answered || !has_fired) {
        if (!link_receive(link, &message, PATIENCE_MS))
            fail("no event");
        has_fired = has_fired || message.head.type == XS_WATCH_EVENT;
        is_answered = is_answered || message.head.type == XS_WRITE;
    }
}

static const struct {
    const char *name;
    void (*once)(struct link *link);
} kinds[] = {
    {"read", do_read},
    {"write", do_write},
    {"directory", do_directory},
    {"transaction", do_transaction},
    {"watch", do_watch},
};
#define KINDS (sizeof kinds / sizeof *kinds)

static void prepare(struct link *link)
{
    struct message answer;
    char text[128];
    for (unsigned i = 0; i < ENTRIES; i++) {
        (void)snprintf(text, sizeof text, "entries/entry-%u", i);
        ask(link, XS_WRITE, 0, text, "x", &answer);
    }
    do_write(link);
    ask(link, XS_WRITE, 0, "watched", "x", &answer);
    name(text, sizeof text - 8, "watched");
    const size_t size = strlen(text) + 1;
    memcpy(text + size, "t", 2);
    if (!link_ask(link, XS_WATCH, 0, text, size + 2, &answer) || answer.head.type != XS_WATCH ||
        !link_receive(link, &answer, PATIENCE_MS))
        fail("no watch: %s", answer.bytes);
}

/* How many in 1000 seconds. */
static uint64_t measure(struct link *link, size_t kind, unsigned milliseconds)
{
    const uint64_t begin = now_ns();
    uint64_t count = 0, now;
    do {
        kinds[kind].once(link);
        count++;
        now = now_ns();
    } while (now - begin < milliseconds * 1000000ull);
    return count * 1000000000000ull / (now - begin);
}

static void print(size_t kind, uint64_t rate)
{
    printf("%s %llu.%03llu\n", kinds[kind].name, (unsigned long long)(rate / 1000),
           (unsigned long long)(rate % 1000));
}

struct shared {
    uint32_t ready, kind;
    uint64_t rates[KINDS];
};

static void child(struct shared *shared, const char *path, unsigned number, unsigned milliseconds)
{
    struct link link;
    link_open(&link, path);
    (void)snprintf(base, sizeof base, "/bench/%u", number);
    prepare(&link);
    for (size_t kind = 0; kind < KINDS; kind++) {
        (void)__atomic_add_fetch(&shared->ready, 1, __ATOMIC_SEQ_CST);
        while (__atomic_load_n(&shared->kind, __ATOMIC_SEQ_CST) <= kind)
            usleep(10000);
        const uint64_t rate = measure(&link, kind, milliseconds);
        (void)__atomic_add_fetch(&shared->rates[kind], rate, __ATOMIC_SEQ_CST);
    }
}

static void run_local(const char *path, unsigned clients, unsigned milliseconds)
{
    struct shared *shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE,
                                 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED)
        fail("no memory");
    for (unsigned i = 0; i < clients; i++) {
        if (fork() == 0) {
            child(shared, path, i, milliseconds);
            _exit(0);
        }
    }
    for (uint32_t kind = 0; kind < KINDS; kind++) {
        while (__atomic_load_n(&shared->ready, __ATOMIC_SEQ_CST) < clients * (kind + 1)) {
            if (waitpid(-1, NULL, WNOHANG) > 0)
                fail("a client has ended");
            usleep(10000);
        }
        __atomic_store_n(&shared->kind, kind + 1, __ATOMIC_SEQ_CST);
    }
    int status = 0;
    while (waitpid(-1, &status, 0) > 0) {
        if (status != 0)
            fail("a client has failed");
    }
    for (size_t kind = 0; kind < KINDS; kind++)
        print(kind, shared->rates[kind]);
}

/* Domain 0's side: a value is what the guest is told, and then what it answers. */
static void tell(struct link *link, const char *id, const char *text)
{
    struct message answer;
    (void)snprintf(base, sizeof base, "/local/domain/%s/data", id);
    ask(link, XS_WRITE, 0, "go", text, &answer);
}

static void forget(struct link *link, const char *id, size_t kind)
{
    struct message answer;
    char text[128];
    (void)snprintf(text, sizeof text, "/local/domain/%s/data/rate-%zu", id, kind);
    (void)link_ask_string(link, XS_RM, text, &answer);
}

static uint64_t hear(struct link *link, const char *id, size_t kind)
{
    const uint64_t end = now_ns() + PATIENCE_MS * 1000000ull;
    struct message answer;
    char text[128];
    (void)snprintf(text, sizeof text, "/local/domain/%s/data/rate-%zu", id, kind);
    while (now_ns() < end) {
        if (!link_ask_string(link, XS_READ, text, &answer))
            break;
        if (answer.head.type == XS_READ)
            return strtoull(answer.bytes, NULL, 10);
        usleep(50000);
    }
    fail("guest %s does not answer", id);
}

static void run_guests(char **ids, unsigned count, unsigned milliseconds)
{
    struct link link;
    char text[64];
    link_open(&link, DEVICE);
    for (unsigned i = 0; i < count; i++)
        (void)hear(&link, ids[i], KINDS);
    for (size_t kind = 0; kind < KINDS; kind++) {
        uint64_t rate = 0;
        (void)snprintf(text, sizeof text, "%zu %u", kind, milliseconds);
        for (unsigned i = 0; i < count; i++)
            forget(&link, ids[i], kind);
        for (unsigned i = 0; i < count; i++)
            tell(&link, ids[i], text);
        usleep(milliseconds * 1000);
        for (unsigned i = 0; i < count; i++)
            rate += hear(&link, ids[i], kind);
        print(kind, rate);
    }
}

static void answer_kind(struct link *link, size_t kind, uint64_t rate)
{
    struct message answer;
    char last[32], value[32];
    (void)snprintf(last, sizeof last, "rate-%zu", kind);
    (void)snprintf(value, sizeof value, "%llu", (unsigned long long)rate);
    ask(link, XS_WRITE, 0, last, value, &answer);
}

static void run_guest(void)
{
    struct link orders, link;
    struct message message;
    link_open(&orders, DEVICE);
    link_open(&link, DEVICE);
    strcpy(base, "data");
    prepare(&link);
    if (!link_ask(&orders, XS_WATCH, 0, "data/go\0t", 10, &message))
        fail("no watch");
    answer_kind(&link, KINDS, 0);
    for (;;) {
        char *milliseconds;
        if (!link_receive(&orders, &message, 3600000u))
            fail("no orders");
        if (!link_ask_string(&link, XS_READ, "data/go", &message) || message.head.type == XS_ERROR)
            continue;
        const size_t kind = strtoul(message.bytes, &milliseconds, 10);
        if (kind < KINDS)
            answer_kind(&link, kind,
                        measure(&link, kind, (unsigned)strtoul(milliseconds, NULL, 10)));
    }
}

static void wait_first(void)
{
    struct link link;
    struct message answer;
    int file;
    /* Until there is a store, it does not open. */
    while ((file = open(DEVICE, O_RDWR)) < 0)
        usleep(10000);
    (void)close(file);
    link_open(&link, DEVICE);
    if (!link_ask_string(&link, XS_READ, "/tool", &answer))
        fail("the store does not answer");
}

int main(int argc, char **argv)
{
    const char *mode = argc > 1 ? argv[1] : "";
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (strcmp(mode, "local") == 0 && argc == 5)
        run_local(argv[2], (unsigned)strtoul(argv[3], NULL, 10),
                  (unsigned)strtoul(argv[4], NULL, 10));
    else if (strcmp(mode, "guests") == 0 && argc > 3)
        run_guests(argv + 3, (unsigned)argc - 3, (unsigned)strtoul(argv[2], NULL, 10));
    else if (strcmp(mode, "guest") == 0)
        run_guest();
    else if (strcmp(mode, "first") == 0)
        wait_first();
    else
        fail("usage: client local|guests|guest|first ...");
    return 0;
}
