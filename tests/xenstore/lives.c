/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Many guests: lives lives N has N come one after the other, which use the store and die in the
 * midst of it; lives fill N has N at once, each of which writes as much as it may, until the store
 * refuses more; then all that was taken has to be there.
 */
#include "store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_DOMAIN 1000
#define DOMAINS 64
#define NODES 1000u
#define VALUE_SIZE 1800u

static struct link control;

static uint32_t ask(struct link *link, uint32_t type, uint32_t transaction, const void *bytes,
                    size_t size, struct message *answer)
{
    if (!link_ask(link, type, transaction, bytes, size, answer))
        fail("type %u is not answered", type);
    return answer->head.type;
}

static void home(domid_t id, bool is_there)
{
    struct message answer;
    char text[64];
    int size = snprintf(text, sizeof text, "/local/domain/%u", id);
    (void)ask(&control, is_there ? XS_MKDIR : XS_RM, 0, text, (size_t)size + 1, &answer);
    size = snprintf(text, sizeof text, "/local/domain/%u%cn%u", id, 0, id);
    if (is_there && ask(&control, XS_SET_PERMS, 0, text, (size_t)size + 1, &answer) == XS_ERROR)
        fail("domain %u gets no home: %s", id, answer.bytes);
}

static void begin(struct domain *domain, domid_t id)
{
    domain_make(domain, id, &control);
    if (!domain_introduce(domain, &control))
        fail("domain %u is not introduced", id);
    home(id, true);
}

static void end(struct domain *domain)
{
    domain_destroy(domain);
    domain_wait_forgotten(domain->id, &control);
    home(domain->id, false);
}

static void live(domid_t id)
{
    struct domain domain;
    struct message answer;
    char text[256] = {0};
    begin(&domain, id);
    for (unsigned i = 0; i < 5; i++) {
        const int size = snprintf(text, sizeof text, "data/%u", i);
        if (ask(&domain.link, XS_WRITE, 0, text, sizeof text, &answer) == XS_ERROR)
            fail("domain %u cannot write: %s", id, answer.bytes);
        memcpy(text + size + 1, "token", 6);
        (void)ask(&domain.link, XS_WATCH, 0, text, (size_t)size + 7, &answer);
    }
    if (ask(&domain.link, XS_TRANSACTION_START, 0, "", 1, &answer) == XS_TRANSACTION_START)
        (void)ask(&domain.link, XS_WRITE, (uint32_t)strtoul(answer.bytes, NULL, 10), text,
                  sizeof text, &answer);
    (void)link_put(&domain.link, "\2\0\0\0\1\0\0\0\0\0\0\0\100\0\0\0/loc", 20);
    link_kick(&control);
    end(&domain);
}

static size_t node(char *text, unsigned number)
{
    memset(text, 'a' + (int)(number % 26), VALUE_SIZE);
    return (size_t)snprintf(text, VALUE_SIZE, "n%u/%u", number / 50, number % 50) + 1;
}

static unsigned fill(struct domain *domain)
{
    struct message answer;
    char text[VALUE_SIZE];
    unsigned taken = 0;
    for (; taken < NODES; taken++) {
        (void)node(text, taken);
        if (ask(&domain->link, XS_WRITE, 0, text, sizeof text, &answer) == XS_ERROR)
            break;
    }
    printf("domain %u wrote %u nodes, then %s\n", domain->id, taken,
           taken < NODES ? answer.bytes : "ended");
    return taken;
}

static void verify(struct domain *domain, unsigned taken)
{
    struct message answer;
    char text[VALUE_SIZE];
    for (unsigned i = 0; i < taken; i++) {
        const size_t name = node(text, i);
        if (ask(&domain->link, XS_READ, 0, text, name, &answer) != XS_READ)
            fail("domain %u: node %u: %s", domain->id, i, answer.bytes);
        if (answer.head.len != VALUE_SIZE - name ||
            memcmp(answer.bytes, text + name, VALUE_SIZE - name) != 0)
            fail("domain %u: node %u is not what was written", domain->id, i);
    }
}

static void fill_all(unsigned count)
{
    static struct domain domains[DOMAINS];
    unsigned taken[DOMAINS];
    struct message answer;
    for (unsigned i = 0; i < count; i++)
        begin(&domains[i], (domid_t)(FIRST_DOMAIN + i));
    for (unsigned i = 0; i < count; i++)
        taken[i] = fill(&domains[i]);
    for (unsigned i = 0; i < count; i++)
        verify(&domains[i], taken[i]);
    for (unsigned i = 0; i < count; i++)
        end(&domains[i]);
    if (ask(&control, XS_CONTROL, 0, "check", 6, &answer) != XS_CONTROL)
        fail("the store's check says %s", answer.bytes);
    /* There is room again. */
    begin(&domains[0], FIRST_DOMAIN);
    verify(&domains[0], fill(&domains[0]));
    end(&domains[0]);
}

int main(int argc, char **argv)
{
    const unsigned count = argc == 3 ? (unsigned)strtoul(argv[2], NULL, 10) : 0;
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (count == 0)
        fail("usage: lives lives|fill N");
    link_open(&control, DEVICE);
    domains_begin();
    if (strcmp(argv[1], "fill") == 0 && count <= DOMAINS) {
        fill_all(count);
    } else {
        for (unsigned i = 0; i < count; i++)
            live((domid_t)(FIRST_DOMAIN + i % DOMAINS));
    }
    puts("end");
    return 0;
}
