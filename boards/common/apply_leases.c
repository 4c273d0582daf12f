/* SPDX-License-Identifier: BSD-2-Clause */
/* Keeping what DHCP servers lent (RFC 2131, 4.4.5). */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "apply_net.h"
#include "apply_netlink.h"

/* How long an answer is awaited, and the least between two requests, whatever a lease says. */
#define ANSWER_MS 4000
#define LEAST_MS 2000
/* Between two attempts to get a new lease. */
#define AGAIN_MS 60000
#define NEVER INT64_MAX

/* What becomes of one lease. */
struct keeper {
    bool held;
    /* When there is something to do. */
    int64_t next;
};

static int64_t end_of(const struct config_lease *lease, uint32_t seconds)
{
    return seconds == UINT32_MAX ? NEVER : lease->since + (int64_t)seconds * 1000;
}

static int64_t later(int64_t one, int64_t other)
{
    return one > other ? one : other;
}

/* When to renew a lease that was just lent. */
static int64_t next_of(const struct config_lease *lease)
{
    return lease->seconds == UINT32_MAX
               ? NEVER
               : later(end_of(lease, lease->renew), config_now() + LEAST_MS);
}

/* Puts a lease to use; the one before it is where it was. */
static bool install(struct net *net, struct config_leases *leases, struct config_lease *place,
                    const struct config_lease *lease)
{
    const struct config_lease before = *place;
    const char *name = net->document->interfaces[lease->place].name;
    *place = *lease;
    config_apply_at(net->error, "net", "interfaces", name);
    const int reason = config_net_apply_lease(net, lease);
    if (reason)
        return config_apply_fail(net->error, "cannot use what DHCP gave: %s", strerror(reason));
    const bool same = before.nameserver_count == lease->nameserver_count &&
                      memcmp(before.nameservers, lease->nameservers, sizeof before.nameservers) ==
                          0 &&
                      strcmp(before.domain, lease->domain) == 0;
    return same || config_net_write_resolv(net, leases);
}

/* Whether the kernel has to forget the old lease before the new one comes. */
static bool is_elsewhere(const struct config_lease *before, const struct config_lease *after)
{
    return memcmp(before->address, after->address, 4) != 0 || before->prefix != after->prefix ||
           before->has_router != after->has_router ||
           memcmp(before->router, after->router, 4) != 0;
}

static bool withdraw(struct net *net, const struct config_lease *lease)
{
    const int reason = config_net_withdraw_lease(net, lease);
    return !reason || config_apply_fail(net->error, "cannot take an address away that is no "
                                                    "longer lent: %s", strerror(reason));
}

/* While the lease is held, and it is time to renew it. */
static bool renew(struct net *net, struct config_leases *leases, struct config_lease *lease,
                  struct keeper *keeper)
{
    struct config_lease fresh = *lease;
    const int64_t now = config_now(), end = end_of(lease, lease->seconds);
    const int64_t rebind = end_of(lease, lease->rebind);
    const bool all = now >= rebind;
    enum dhcp_outcome outcome = DHCP_SILENCE;
    if (now < end)
        outcome = config_dhcp_renew(net, all, now + ANSWER_MS < end ? now + ANSWER_MS : end,
                                    &fresh);
    if (outcome == DHCP_FAILED)
        return false;
    if (outcome == DHCP_LENT) {
        keeper->next = next_of(&fresh);
        return (!is_elsewhere(lease, &fresh) || withdraw(net, lease)) &&
               install(net, leases, lease, &fresh);
    }
    if (outcome == DHCP_REFUSED || config_now() >= end) {
        keeper->held = false;
        keeper->next = config_now();
        return withdraw(net, lease);
    }
    /* Half of the time that is left, as the standard has it. */
    const int64_t limit = all ? end : rebind;
    const int64_t half = config_now() + (limit - config_now()) / 2;
    keeper->next = later(half, config_now() + LEAST_MS);
    return true;
}

/* The lease is over: from the beginning. */
static bool acquire(struct net *net, struct config_leases *leases, struct config_lease *lease,
                    struct keeper *keeper)
{
    struct config_lease fresh;
    const int64_t until = config_now() + CONFIG_DHCP_SECONDS * 1000;
    const enum dhcp_outcome outcome = config_dhcp_acquire(net, lease->place, until, &fresh);
    if (outcome != DHCP_LENT) {
        keeper->next = config_now() + AGAIN_MS;
        return outcome == DHCP_SILENCE;
    }
    keeper->held = true;
    keeper->next = next_of(&fresh);
    return install(net, leases, lease, &fresh);
}

static bool keep(struct net *net, struct config_leases *leases)
{
    struct keeper keepers[CONFIG_INTERFACES];
    for (size_t i = 0; i < leases->count; i++) {
        const struct config_lease *lease = &leases->leases[i];
        const bool ends = lease->seconds != UINT32_MAX;
        keepers[i] = (struct keeper){.held = true,
                                     .next = ends ? end_of(lease, lease->renew) : NEVER};
    }
    for (;;) {
        size_t first = 0;
        for (size_t i = 1; i < leases->count; i++)
            first = keepers[i].next < keepers[first].next ? i : first;
        if (leases->count == 0 || keepers[first].next == NEVER)
            return true;
        config_sleep(keepers[first].next - config_now());
        struct config_lease *lease = &leases->leases[first];
        config_apply_at(net->error, "net", "interfaces", lease->interface);
        const bool done = keepers[first].held ? renew(net, leases, lease, &keepers[first])
                                              : acquire(net, leases, lease, &keepers[first]);
        if (!done)
            return false;
    }
}

bool config_keep_leases(const struct config_net *document, struct config_leases *leases,
                        struct config_apply_error *error)
{
    struct net net = {.document = document, .error = error};
    config_apply_at(error, "net", NULL, NULL);
    net.fd = config_netlink_open();
    if (net.fd < 0)
        return config_apply_fail(error, "cannot ask the kernel for interfaces: %s",
                                 strerror(errno));
    const int reason = config_net_find_names(&net);
    const bool done = reason ? config_apply_fail(error, "cannot find the interfaces: %s",
                                                 strerror(reason))
                             : keep(&net, leases);
    close(net.fd);
    return done;
}
