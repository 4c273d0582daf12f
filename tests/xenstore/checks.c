/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a store has to do for domains, by itself and between them: checks. Prints a line for each
 * part that went well, and ends at the first that did not.
 */
#include "store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_DOMAIN 800
#define PATIENCE_MS 20000u
#define QUIET_MS 300u

static struct link control, watcher;
static struct domain one, two;
static domid_t next_id = FIRST_DOMAIN;

/* The error, or "" for none. */
static const char *ask(struct link *link, uint32_t type, uint32_t transaction, const void *bytes,
                       size_t size, struct message *answer)
{
    if (!link_ask(link, type, transaction, bytes, size, answer))
        fail("type %u is not answered", type);
    return answer->head.type == XS_ERROR ? answer->bytes : "";
}

static void expect(int line, struct link *link, uint32_t type, uint32_t transaction,
                   const void *bytes, size_t size, const char *error)
{
    struct message answer;
    const char *said = ask(link, type, transaction, bytes, size, &answer);
    if (strcmp(said, error) != 0)
        fail("line %d: \"%s\" instead of \"%s\"", line, said, error);
}

/* Literals, with NULs in them; the last is sent. */
#define DO(link, type, bytes, error) \
    expect(__LINE__, link, type, 0, bytes, sizeof(bytes), error)
#define DO_IN(link, transaction, type, bytes, error) \
    expect(__LINE__, link, type, transaction, bytes, sizeof(bytes), error)
/* A value has no NUL. */
#define WRITE(link, bytes, error) \
    expect(__LINE__, link, XS_WRITE, 0, bytes, sizeof(bytes) - 1, error)
#define WRITE_IN(link, transaction, bytes, error) \
    expect(__LINE__, link, XS_WRITE, transaction, bytes, sizeof(bytes) - 1, error)

static void expect_value(int line, struct link *link, uint32_t type, const char *name,
                         const void *value, size_t size)
{
    struct message answer;
    const char *said = ask(link, type, 0, name, strlen(name) + 1, &answer);
    if (*said || answer.head.len != size || memcmp(answer.bytes, value, size) != 0)
        fail("line %d: %s is \"%s\" %s", line, name, answer.bytes, said);
}

#define READ(link, name, value) \
    expect_value(__LINE__, link, XS_READ, name, value, sizeof(value) - 1)
#define PERMISSIONS(link, name, value) \
    expect_value(__LINE__, link, XS_GET_PERMS, name, value, sizeof(value))
#define LIST(link, name, value) \
    expect_value(__LINE__, link, XS_DIRECTORY, name, value, sizeof(value))

static uint32_t start(struct link *link)
{
    struct message answer;
    if (*ask(link, XS_TRANSACTION_START, 0, "", 1, &answer))
        fail("no transaction: %s", answer.bytes);
    return (uint32_t)strtoul(answer.bytes, NULL, 10);
}

/* The next message is an event; NULL for none at all. */
static void expect_event(int line, struct link *link, const char *path, const char *token)
{
    struct message event;
    const bool any = link_receive(link, &event, path ? PATIENCE_MS : QUIET_MS);
    if (!path && !any)
        return;
    if (!any || event.head.type != XS_WATCH_EVENT)
        fail("line %d: no event of %s", line, path ? path : "nothing");
    if (!path || strcmp(event.bytes, path) != 0 ||
        strcmp(event.bytes + strlen(event.bytes) + 1, token) != 0)
        fail("line %d: an event of %s", line, event.bytes);
}

#define EVENT(link, path, token) expect_event(__LINE__, link, path, token)
#define NO_EVENT(link) expect_event(__LINE__, link, NULL, NULL)

/* Fires once by itself; Linux tells of that before the answer, or after it. */
static void watch(int line, struct link *link, const void *bytes, size_t size, const char *path,
                  const char *token)
{
    bool is_answered = false, has_fired = false;
    if (!link_send(link, XS_WATCH, 1, 0, bytes, size))
        fail("line %d: a watch is not taken", line);
    while (!is_answered || !has_fired) {
        struct message message;
        if (!link_receive(link, &message, PATIENCE_MS) || message.head.type == XS_ERROR)
            fail("line %d: no watch", line);
        const char *end = message.bytes + strlen(message.bytes) + 1;
        has_fired = has_fired || (message.head.type == XS_WATCH_EVENT &&
                                  is_answer(&message, path) && strcmp(end, token) == 0);
        is_answered = is_answered || message.head.type == XS_WATCH;
    }
}

#define WATCH(link, bytes, path, token) watch(__LINE__, link, bytes, sizeof(bytes), path, token)

static void begin(struct domain *domain)
{
    struct message answer;
    char text[64];
    domain_make(domain, next_id++, &control);
    if (!domain_introduce(domain, &control))
        fail("domain %u is not introduced", domain->id);
    int size = snprintf(text, sizeof text, "/local/domain/%u", domain->id);
    (void)ask(&control, XS_MKDIR, 0, text, (size_t)size + 1, &answer);
    size = snprintf(text, sizeof text, "/local/domain/%u%cn%u", domain->id, 0, domain->id);
    (void)ask(&control, XS_SET_PERMS, 0, text, (size_t)size + 1, &answer);
}

static void end(struct domain *domain)
{
    domain_destroy(domain);
    domain_wait_forgotten(domain->id, &control);
}

static void values(void)
{
    static char long_value[2100];
    memset(long_value, 'x', sizeof long_value);
    memcpy(long_value, "long", 5);
    WRITE(&control, "/c/a\0", "");
    READ(&control, "/c/a", "");
    WRITE(&control, "/c/b/c\0any \0 bytes\377", "");
    READ(&control, "/c/b/c", "any \0 bytes\377");
    READ(&control, "/c/b", "");
    LIST(&control, "/c", "a\0b");
    DO(&control, XS_MKDIR, "/c/d/e/f", "");
    DO(&control, XS_MKDIR, "/c/d", "");
    LIST(&control, "/c/d/e", "f");
    DO(&control, XS_RM, "/c/d", "");
    DO(&control, XS_RM, "/c/d", "");
    DO(&control, XS_READ, "/c/d/e/f", "ENOENT");
    DO(&control, XS_RM, "/none/at/all", "ENOENT");
    DO(&control, XS_RM, "/", "EINVAL");
    DO(&control, XS_READ, "/c//a", "EINVAL");
    DO(&control, XS_READ, "/c/a/", "EINVAL");
    DO(&control, XS_READ, "/c/ ", "EINVAL");
    /* What limits guests does not limit domain 0. */
    expect(__LINE__, &control, XS_WRITE, 0, long_value, sizeof long_value, "");
    expect(__LINE__, &one.link, XS_WRITE, 0, long_value, sizeof long_value, "ENOSPC");
    DO(&control, XS_RM, "/local/domain/0/long", "");
    DO(&control, XS_RM, "/c", "");
}

static void watches(void)
{
    WATCH(&watcher, "/w/a\0below", "/w/a", "below");
    WRITE(&control, "/w/a/b/c\0001", "");
    EVENT(&watcher, "/w/a/b/c", "below");
    WRITE(&control, "/w/ab\0001", "");
    WRITE(&control, "/w/a/b\0002", "");
    EVENT(&watcher, "/w/a/b", "below");
    /* All that goes away is told of where it is watched itself. */
    WATCH(&watcher, "/w/a/b/c\0leaf", "/w/a/b/c", "leaf");
    DO(&control, XS_RM, "/w/a", "");
    EVENT(&watcher, "/w/a/b/c", "leaf");
    EVENT(&watcher, "/w/a", "below");
    DO(&watcher, XS_UNWATCH, "/w/a/b/c\0leaf", "");
    DO(&watcher, XS_UNWATCH, "/w/a\0below", "");
    WRITE(&control, "/w/a\0003", "");
    NO_EVENT(&watcher);
    WATCH(&one.link, "data\0relative", "data", "relative");
    DO(&one.link, XS_WATCH, "data\0relative", "EEXIST");
    WRITE(&one.link, "data/x\0001", "");
    EVENT(&one.link, "data/x", "relative");
    DO(&one.link, XS_UNWATCH, "data\0other", "ENOENT");
    DO(&one.link, XS_UNWATCH, "data\0relative", "");
    DO(&control, XS_RM, "/w", "");
}

static void transactions(void)
{
    WRITE(&control, "/t/a\0001", "");
    uint32_t first = start(&control), second = start(&control), third = start(&one.link);
    WRITE_IN(&control, first, "/t/a\0002", "");
    READ(&control, "/t/a", "1");
    DO_IN(&control, second, XS_READ, "/t/a", "");
    WRITE_IN(&control, second, "/t/b\0003", "");
    WRITE_IN(&one.link, third, "mine\0004", "");
    DO_IN(&control, first, XS_TRANSACTION_END, "T", "");
    READ(&control, "/t/a", "2");
    /* It has read what the other one wrote. */
    DO_IN(&control, second, XS_TRANSACTION_END, "T", "EAGAIN");
    DO(&control, XS_READ, "/t/b", "ENOENT");
    DO_IN(&one.link, third, XS_TRANSACTION_END, "T", "");
    READ(&one.link, "mine", "4");
    /* Its number is its connection's. */
    third = start(&one.link);
    DO_IN(&two.link, third + 100, XS_READ, "mine", "ENOENT");
    DO_IN(&one.link, third, XS_TRANSACTION_START, "", "EBUSY");
    DO_IN(&one.link, third, XS_TRANSACTION_END, "x", "EINVAL");
    WRITE_IN(&one.link, third, "mine\0005", "");
    DO_IN(&one.link, third, XS_TRANSACTION_END, "F", "");
    READ(&one.link, "mine", "4");
    DO_IN(&one.link, third, XS_TRANSACTION_END, "T", "ENOENT");
    /* Events come with the end, and only if it succeeds. */
    WATCH(&watcher, "/t\0t", "/t", "t");
    first = start(&control);
    WRITE_IN(&control, first, "/t/c\0005", "");
    NO_EVENT(&watcher);
    DO_IN(&control, first, XS_TRANSACTION_END, "T", "");
    EVENT(&watcher, "/t/c", "t");
    DO(&watcher, XS_UNWATCH, "/t\0t", "");
    DO(&control, XS_RM, "/t", "");
}

static void permissions(void)
{
    struct message answer;
    char text[64];
    WRITE(&control, "/p\0", "");
    DO(&control, XS_SET_PERMS, "/p\0w0", "");
    WRITE(&one.link, "/p/secret\0mine", "");
    /* Rights are inherited; the owner is who made it. */
    (void)snprintf(text, sizeof text, "w%u", one.id);
    expect_value(__LINE__, &one.link, XS_GET_PERMS, "/p/secret", text, strlen(text) + 1);
    int size = snprintf(text, sizeof text, "/p/secret%cn%u", 0, one.id);
    expect(__LINE__, &one.link, XS_SET_PERMS, 0, text, (size_t)size + 1, "");
    DO(&two.link, XS_READ, "/p/secret", "EACCES");
    DO(&two.link, XS_GET_PERMS, "/p/secret", "EACCES");
    WRITE(&two.link, "/p/secret\0yours", "EACCES");
    DO(&two.link, XS_RM, "/p/secret", "EACCES");
    READ(&control, "/p/secret", "mine");
    /* A watch tells nothing of what may not be read. */
    WATCH(&two.link, "/p/secret\0s", "/p/secret", "s");
    WRITE(&one.link, "/p/secret\0other", "");
    NO_EVENT(&two.link);
    size = snprintf(text, sizeof text, "/p/secret%cn%u%cr%u", 0, one.id, 0, two.id);
    expect(__LINE__, &one.link, XS_SET_PERMS, 0, text, (size_t)size + 1, "");
    EVENT(&two.link, "/p/secret", "s");
    READ(&two.link, "/p/secret", "other");
    WRITE(&two.link, "/p/secret\0yours", "EACCES");
    expect(__LINE__, &two.link, XS_SET_PERMS, 0, text, (size_t)size + 1, "EACCES");
    WRITE(&one.link, "/p/secret\0third", "");
    EVENT(&two.link, "/p/secret", "s");
    DO(&one.link, XS_SET_PERMS, "/p/secret\0n0", "EPERM");
    DO(&one.link, XS_CONTROL, "check", "EACCES");
    DO(&one.link, XS_INTRODUCE, "900\0001\0001", "EACCES");
    DO(&one.link, XS_RELEASE, "900", "EACCES");
    DO(&one.link, XS_SET_TARGET, "900\000901", "EACCES");
    DO(&one.link, XS_IS_DOMAIN_INTRODUCED, "900", "EACCES");
    /* Who has a target has its rights. */
    size = snprintf(text, sizeof text, "%u%c%u", two.id, 0, one.id);
    expect(__LINE__, &control, XS_SET_TARGET, 0, text, (size_t)size + 1, "");
    WRITE(&two.link, "/p/secret\0by two", "");
    READ(&one.link, "/p/secret", "by two");
    DO(&two.link, XS_UNWATCH, "/p/secret\0s", "");
    (void)ask(&control, XS_RM, 0, "/p", 3, &answer);
}

/* What a guest left behind is gone with it, and who asked is told. */
static void death(void)
{
    struct message answer;
    struct domain domain;
    char text[64];
    WATCH(&watcher, "@releaseDomain\0gone", "@releaseDomain", "gone");
    WATCH(&watcher, "@introduceDomain\0new", "@introduceDomain", "new");
    begin(&domain);
    EVENT(&watcher, "@introduceDomain", "new");
    WRITE(&domain.link, "data/own\0x", "");
    const uint32_t open = start(&domain.link);
    WRITE_IN(&domain.link, open, "data/half\0x", "");
    DO(&domain.link, XS_WATCH, "data\0d", "");
    domain_shutdown(&domain, 3);
    EVENT(&watcher, "@releaseDomain", "gone");
    if (!domain_is_known(domain.id, &control))
        fail("a domain that is shut down is forgotten");
    end(&domain);
    EVENT(&watcher, "@releaseDomain", "gone");
    (void)snprintf(text, sizeof text, "/local/domain/%u/data/own", domain.id);
    const char *said = ask(&control, XS_READ, 0, text, strlen(text) + 1, &answer);
    if (strcmp(said, "ENOENT") != 0)
        fail("%s: \"%s\"", text, said);
    DO(&watcher, XS_UNWATCH, "@introduceDomain\0new", "");
    DO(&watcher, XS_UNWATCH, "@releaseDomain\0gone", "");
}

/* By the guest itself, and by domain 0, as when it is resumed. */
static void again(void)
{
    struct message answer;
    WRITE(&one.link, "data/kept\0x", "");
    WATCH(&one.link, "data\0d", "data", "d");
    uint32_t open = start(&one.link);
    DO(&one.link, XS_RESET_WATCHES, "", "");
    DO_IN(&one.link, open, XS_READ, "data/kept", "ENOENT");
    WRITE(&one.link, "data/kept\0y", "");
    NO_EVENT(&one.link);
    WATCH(&one.link, "data\0d", "data", "d");
    open = start(&one.link);
    one.ring->connection = XENSTORE_RECONNECT;
    if (!domain_introduce(&one, &control))
        fail("domain %u is not introduced again", one.id);
    if (one.ring->connection != XENSTORE_CONNECTED || one.ring->req_prod != 0)
        fail("domain %u is not told that its ring begins again", one.id);
    DO_IN(&one.link, open, XS_READ, "data/kept", "ENOENT");
    READ(&one.link, "data/kept", "y");
    WRITE(&one.link, "data/kept\0z", "");
    NO_EVENT(&one.link);
    if (*ask(&control, XS_CONTROL, 0, "check", 6, &answer))
        fail("the store's check says %s", answer.bytes);
}

static const struct {
    const char *name;
    void (*try)(void);
} checks[] = {
    {"values", values},           {"watches", watches}, {"transactions", transactions},
    {"permissions", permissions}, {"death", death},     {"again", again},
};

int main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    link_open(&control, DEVICE);
    link_open(&watcher, DEVICE);
    domains_begin();
    begin(&one);
    begin(&two);
    for (size_t i = 0; i < sizeof checks / sizeof *checks; i++) {
        checks[i].try();
        printf("ok %s\n", checks[i].name);
    }
    /* Its target is the other one. */
    end(&two);
    end(&one);
    puts("end");
    return 0;
}
