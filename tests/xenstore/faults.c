/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Guests that do what they should not: faults NAME... (or all). Each time a domain of its own does
 * it; then the store has to serve another one and domain 0, and has to forget the offender. Prints
 * a line for each that went well, and ends at the first that did not.
 */
#include "store.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FIRST_DOMAIN 700
#define WATCHES 10000
#define AT_ONCE 10u
#define SHORT_MS 300u
#define PATIENCE_MS 30000u
#define ROUNDS 40

static struct link control;
static struct domain witness, offender;
static domid_t next_id = FIRST_DOMAIN;
static uint64_t dice = 88172645463325252ull;

static uint32_t roll(void)
{
    dice ^= dice << 13;
    dice ^= dice >> 7;
    dice ^= dice << 17;
    return (uint32_t)(dice >> 16);
}

static void make_home(domid_t id)
{
    struct message answer;
    char text[64];
    (void)snprintf(text, sizeof text, "/local/domain/%u", id);
    if (!link_ask_string(&control, XS_MKDIR, text, &answer) || answer.head.type != XS_MKDIR)
        fail("%s is not made: %s", text, answer.bytes);
    const int size = snprintf(text, sizeof text, "/local/domain/%u%cn%u", id, 0, id);
    if (!link_ask(&control, XS_SET_PERMS, 0, text, (size_t)size + 1, &answer) ||
        answer.head.type != XS_SET_PERMS)
        fail("domain %u does not get its home", id);
}

static void drop_home(domid_t id)
{
    struct message answer;
    char text[64];
    (void)snprintf(text, sizeof text, "/local/domain/%u", id);
    (void)link_ask_string(&control, XS_RM, text, &answer);
}

static void begin(struct domain *domain)
{
    domain_make(domain, next_id++, &control);
    if (!domain_introduce(domain, &control))
        fail("domain %u is not introduced", domain->id);
    make_home(domain->id);
}

static void end(struct domain *domain)
{
    domain_destroy(domain);
    domain_wait_forgotten(domain->id, &control);
    drop_home(domain->id);
}

static uint32_t ask(struct domain *domain, uint32_t type, uint32_t transaction, const void *bytes,
                    size_t size, struct message *answer)
{
    if (!link_ask(&domain->link, type, transaction, bytes, size, answer))
        fail("domain %u is not served", domain->id);
    return answer->head.type;
}

static void check_others(void)
{
    struct message answer;
    char text[32];
    const int size = snprintf(text, sizeof text, "good%c%u", 0, roll());
    if (ask(&witness, XS_WRITE, 0, text, (size_t)size, &answer) != XS_WRITE ||
        ask(&witness, XS_READ, 0, "good", 5, &answer) != XS_READ ||
        answer.head.len != (uint32_t)size - 5 || !is_answer(&answer, text + 5))
        fail("the other domain does not get what it wrote");
    if (!link_ask_string(&control, XS_DIRECTORY, "/local/domain", &answer) ||
        answer.head.type != XS_DIRECTORY)
        fail("domain 0 does not get a directory");
}

/* It gets no answer any more, and is told why. */
static void check_cut_off(uint32_t reason)
{
    struct message answer;
    if (link_send(&offender.link, XS_READ, 1, 0, "good", 5) &&
        link_receive(&offender.link, &answer, SHORT_MS))
        fail("domain %u is served on", offender.id);
    if (offender.ring->error != reason)
        fail("domain %u is told %u instead of %u", offender.id, offender.ring->error, reason);
}

static void put_head(uint32_t type, uint32_t size)
{
    const struct xsd_sockmsg head = {type, 1, 0, size};
    if (!link_put(&offender.link, &head, sizeof head))
        fail("there is no room in the ring");
    link_kick(&control);
    link_kick(&control);
}

static void oversize(void)
{
    static const uint32_t sizes[] = {XENSTORE_PAYLOAD_MAX + 1, 0x10000, 0x7fffffff, 0xffffffff};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        begin(&offender);
        put_head(XS_READ, sizes[i]);
        check_cut_off(XENSTORE_ERROR_PROTO);
        check_others();
        end(&offender);
    }
}

static void garbage(void)
{
    begin(&offender);
    for (unsigned i = 0; i < XENSTORE_RING_SIZE; i++)
        offender.ring->req[i] = (char)(roll() | 0x80);
    offender.ring->req_prod = XENSTORE_RING_SIZE;
    link_kick(&control);
    link_kick(&control);
    check_cut_off(XENSTORE_ERROR_PROTO);
    check_others();
    end(&offender);
}

/* Of any type, with a name that may be any: all is answered. */
static void nonsense(void)
{
    struct message answer;
    char bytes[256];
    begin(&offender);
    for (unsigned i = 0; i < 400; i++) {
        const size_t size = roll() % (sizeof bytes - 1);
        for (size_t at = 0; at < size; at++)
            bytes[at] = (char)(roll() % 255 + 1);
        bytes[size] = '\0';
        const uint32_t type = i % 4 ? roll() % 26 : roll();
        if (type != XS_TRANSACTION_START)
            (void)ask(&offender, type, i % 8 ? 0 : roll(), bytes, size + 1, &answer);
    }
    check_others();
    end(&offender);
}

static void indexes(void)
{
    for (unsigned i = 0; i < 6; i++) {
        begin(&offender);
        volatile struct xenstore_domain_interface *ring = offender.ring;
        if (i < 3) {
            ring->req_prod = ring->req_cons + (uint32_t[]){1025, 0x80000000u, 0xffffffffu}[i];
        } else {
            ring->rsp_cons = ring->rsp_prod + (uint32_t[]){1, 1024, 0x80000000u}[i - 3];
            put_head(XS_GET_DOMAIN_PATH, 2);
            (void)link_put(&offender.link, "0", 2);
        }
        link_kick(&control);
        link_kick(&control);
        if (ring->error != XENSTORE_ERROR_RINGIDX)
            fail("indexes %u: domain %u is told %u", i, offender.id, ring->error);
        check_others();
        end(&offender);
    }
}

static volatile bool stop;

static void *scribble(void *of)
{
    volatile struct xenstore_domain_interface *ring = ((struct domain *)of)->ring;
    uint64_t own = 1;
    while (!stop) {
        own = own * 6364136223846793005ull + 1442695040888963407ull;
        const uint32_t value = (uint32_t)(own >> 33);
        volatile uint32_t *const places[] = {&ring->req_cons, &ring->req_prod, &ring->rsp_cons,
                                             &ring->rsp_prod, &ring->connection, &ring->error};
        ring->req[value % XENSTORE_RING_SIZE] = (char)(own >> 56 | 0x80);
        *places[value % 6] = value >> 3 & 1 ? ring->req_cons + (value >> 8 & 63) : value >> 20;
        if (value % 64 == 0)
            usleep(100);
    }
    return NULL;
}

/* While the store looks at it. A length that is not too long with no NUL is never put there. */
static void moving(void)
{
    for (unsigned i = 0; i < ROUNDS; i++) {
        pthread_t thread;
        begin(&offender);
        stop = false;
        memset((void *)(uintptr_t)offender.ring->req, 0x80 + (int)i, XENSTORE_RING_SIZE);
        if (pthread_create(&thread, NULL, scribble, &offender) != 0)
            fail("no thread");
        for (unsigned kick = 0; kick < 20; kick++)
            link_kick(&control);
        check_others();
        stop = true;
        (void)pthread_join(thread, NULL);
        end(&offender);
    }
}

static void watches(void)
{
    struct message answer;
    unsigned taken = 0, refused = 0, sent = 0;
    begin(&offender);
    while (taken + refused < WATCHES) {
        char text[64];
        for (; sent < WATCHES && sent - taken - refused < AT_ONCE; sent++) {
            const int size = snprintf(text, sizeof text, "w%u%ct", sent, 0);
            if (!link_send(&offender.link, XS_WATCH, sent, 0, text, (size_t)size + 1))
                fail("watch %u is not read", sent);
        }
        if (!link_receive(&offender.link, &answer, PATIENCE_MS))
            fail("watch %u is not answered", taken + refused);
        taken += answer.head.type == XS_WATCH;
        refused += answer.head.type == XS_ERROR && is_answer(&answer, "E2BIG");
    }
    if (taken == 0 || taken > 200)
        fail("of %u watches %u were taken", WATCHES, taken);
    check_others();
    end(&offender);
}

static void transactions(void)
{
    struct message answer;
    unsigned taken = 0;
    begin(&offender);
    for (unsigned i = 0; i < 100; i++) {
        if (ask(&offender, XS_TRANSACTION_START, 0, "", 1, &answer) != XS_TRANSACTION_START)
            break;
        taken++;
        const uint32_t id = (uint32_t)strtoul(answer.bytes, NULL, 10);
        if (ask(&offender, XS_WRITE, id, "half\0done", 9, &answer) != XS_WRITE)
            fail("a transaction of domain %u takes no write", offender.id);
    }
    if (taken == 0 || taken > 20 || !is_answer(&answer, "ENOSPC"))
        fail("%u transactions, then %s", taken, answer.bytes);
    check_others();
    domain_destroy(&offender);
    domain_wait_forgotten(offender.id, &control);
    char text[64];
    (void)snprintf(text, sizeof text, "/local/domain/%u/half", offender.id);
    if (!link_ask_string(&control, XS_READ, text, &answer) || !is_answer(&answer, "ENOENT"))
        fail("what a dead domain's transactions wrote is there");
    drop_home(offender.id);
}

static void nodes(void)
{
    struct message answer;
    char text[2000];
    unsigned taken = 0;
    begin(&offender);
    memset(text, 'v', sizeof text);
    for (;; taken++) {
        /* A directory's list is limited, too. */
        const int size = snprintf(text, sizeof text, "n%u/%u", taken / 50, taken % 50);
        text[size + 1] = 'v';
        if (ask(&offender, XS_WRITE, 0, text, 1000, &answer) != XS_WRITE)
            break;
    }
    if (taken < 900 || taken > 1000 || !is_answer(&answer, "ENOSPC"))
        fail("%u nodes, then %s", taken, answer.bytes);
    check_others();
    end(&offender);
}

/* Answers are never taken: it is not read from any more, and nobody else waits. */
static void deaf(void)
{
    begin(&offender);
    volatile struct xenstore_domain_interface *ring = offender.ring;
    for (unsigned i = 0; i < 200; i++) {
        const struct xsd_sockmsg head = {XS_GET_DOMAIN_PATH, i, 0, 2};
        if (XENSTORE_RING_SIZE - (ring->req_prod - ring->req_cons) >= sizeof head + 2) {
            (void)link_put(&offender.link, &head, sizeof head);
            (void)link_put(&offender.link, "0", 2);
        }
        if (i % 10 == 0)
            link_kick(&control);
    }
    check_others();
    if (ring->req_prod == ring->req_cons)
        fail("domain %u takes no answers, and is read on", offender.id);
    end(&offender);
}

/* The rest of the message never comes. */
static void half(void)
{
    begin(&offender);
    (void)link_put(&offender.link, "\2\0\0\0\1\0\0", 7);
    link_kick(&control);
    check_others();
    (void)link_put(&offender.link, "\0\0\0\0\0\100\0\0\0/loc", 13);
    link_kick(&control);
    check_others();
    end(&offender);
}

/* Ends Xen 4.17.5's C xenstored (CVE-2026-23557), and is not part of "all". */
static void reset(void)
{
    struct message answer;
    begin(&offender);
    (void)ask(&offender, XS_TRANSACTION_START, 0, "", 1, &answer);
    const uint32_t id = (uint32_t)strtoul(answer.bytes, NULL, 10);
    (void)link_send(&offender.link, XS_RESET_WATCHES, 1, id, "", 1);
    check_others();
    end(&offender);
}

static const struct {
    const char *name;
    void (*try)(void);
} faults[] = {
    {"oversize", oversize}, {"garbage", garbage},           {"nonsense", nonsense},
    {"indexes", indexes},   {"moving", moving},             {"half", half},
    {"deaf", deaf},         {"transactions", transactions}, {"nodes", nodes},
    {"watches", watches},   {"reset", reset},
};
#define FAULTS (sizeof faults / sizeof *faults)
#define KNOWN 1

int main(int argc, char **argv)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    link_open(&control, DEVICE);
    domains_begin();
    begin(&witness);
    for (size_t i = 0; i < FAULTS; i++) {
        bool wanted = argc == 2 && strcmp(argv[1], "all") == 0 && i + KNOWN < FAULTS;
        for (int word = 1; word < argc; word++)
            wanted = wanted || strcmp(argv[word], faults[i].name) == 0;
        if (!wanted)
            continue;
        faults[i].try();
        printf("ok %s\n", faults[i].name);
    }
    end(&witness);
    puts("end");
    return 0;
}
