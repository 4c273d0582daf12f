/* SPDX-License-Identifier: BSD-2-Clause */
/* Connections to a xenstore, and domains that are nothing but a connection to one. */
#ifndef STORE_H
#define STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <xen/xen.h>
#include <xen/io/xs_wire.h>

#define DEVICE "/dev/xen/xenbus"

struct message {
    struct xsd_sockmsg head;
    char bytes[XENSTORE_PAYLOAD_MAX + 1];
};

struct kept {
    struct kept *next;
    struct message message;
};

/* Either a file, or a ring. */
struct link {
    int file;
    volatile struct xenstore_domain_interface *ring;
    /* Makes the store look at all rings. */
    struct link *kicker;
    uint32_t sent;
    size_t got;
    struct message partial;
    /* Events that came before an answer that was waited for, the first first. */
    struct kept *events;
};

/* Says what, and ends the program. */
_Noreturn void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
uint64_t now_ns(void);

/* link.c */
void link_open(struct link *link, const char *path);
void link_ring(struct link *link, volatile struct xenstore_domain_interface *ring,
               struct link *kicker);
void link_close(struct link *link);
/* Waits for room; false after a while without any. */
bool link_put(struct link *link, const void *bytes, size_t size);
bool link_send(struct link *link, uint32_t type, uint32_t request, uint32_t transaction,
               const void *bytes, size_t size);
/* The next message, which an event may be; false where none came. */
bool link_receive(struct link *link, struct message *message, unsigned milliseconds);
/* The answer to a request that is sent now; events that come before it are received later. */
bool link_ask(struct link *link, uint32_t type, uint32_t transaction, const void *bytes,
              size_t size, struct message *answer);
/* The same, of one string, whose NUL is sent. */
bool link_ask_string(struct link *link, uint32_t type, const char *string, struct message *answer);
void link_kick(struct link *kicker);
bool is_answer(const struct message *message, const char *text);

/* domain.c: a domain without a processor or a kernel; it has a page of memory, which is its ring. */
struct domain {
    domid_t id;
    uint32_t port;
    uint64_t frame;
    volatile struct xenstore_domain_interface *ring;
    struct link link;
};

/* Must be called first. */
void domains_begin(void);
/* The domain that serves the store: 0 if that is a daemon. */
domid_t domain_of_store(void);
void domain_make(struct domain *domain, domid_t id, struct link *kicker);
/* Tells the store of it; false where it refuses. */
bool domain_introduce(struct domain *domain, struct link *control);
void domain_shutdown(const struct domain *domain, unsigned reason);
void domain_destroy(struct domain *domain);
/* The store's view; the domain's end comes to it as an event. */
bool domain_is_known(domid_t id, struct link *control);
void domain_wait_forgotten(domid_t id, struct link *control);

#endif
