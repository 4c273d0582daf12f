/* SPDX-License-Identifier: BSD-2-Clause */
/* The section net, in the order in which its parts need one another. */
#define _GNU_SOURCE
#include "apply_net.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "apply_netlink.h"

static bool bring_up(struct net *net)
{
    for (size_t i = 0; i < net->document->interface_count; i++) {
        config_apply_at(net->error, "net", "interfaces", net->document->interfaces[i].name);
        if (!config_net_prepare_inet6(net, i) || !config_net_bring_up(net, i) ||
            !config_net_add_static(net, i))
            return false;
    }
    return true;
}

static bool lend(struct net *net, size_t place, struct config_lease *lease)
{
    const int64_t until = config_now() + CONFIG_DHCP_SECONDS * 1000;
    switch (config_dhcp_acquire(net, place, until, lease)) {
    case DHCP_FAILED:
        return false;
    case DHCP_SILENCE:
    case DHCP_REFUSED:
        return config_apply_fail(net->error, "no DHCP server lent an address within %d seconds",
                                 CONFIG_DHCP_SECONDS);
    case DHCP_LENT:
        break;
    }
    const int reason = config_net_apply_lease(net, lease);
    return !reason || config_apply_fail(net->error, "cannot use what DHCP gave: %s",
                                        strerror(reason));
}

static bool wants_dhcp(const struct config_interface *interface)
{
    for (size_t i = 0; i < interface->count; i++) {
        if (interface->addresses[i].method == CONFIG_DHCP)
            return true;
    }
    return false;
}

static bool acquire(struct net *net, struct config_leases *leases)
{
    for (size_t i = 0; i < net->document->interface_count; i++) {
        config_apply_at(net->error, "net", "interfaces", net->document->interfaces[i].name);
        if (!wants_dhcp(&net->document->interfaces[i]))
            continue;
        if (!lend(net, i, &leases->leases[leases->count]))
            return false;
        leases->count++;
    }
    return true;
}

static bool apply(struct net *net, struct config_leases *leases)
{
    return config_net_apply_loopback(net) && config_net_find_links(net) && bring_up(net) &&
           acquire(net, leases) && config_net_add_gateways(net) &&
           config_net_write_resolv(net, leases) && config_net_await_inet6(net);
}

bool config_apply_net(const struct config_net *document, struct config_leases *leases,
                      struct config_apply_error *error)
{
    struct net net = {.document = document, .error = error};
    memset(leases, 0, sizeof *leases);
    config_apply_at(error, "net", NULL, NULL);
    net.fd = config_netlink_open();
    if (net.fd < 0) {
        /* A kernel without a network is fine for who wants none. */
        if (!document->given && errno == EAFNOSUPPORT)
            return true;
        return config_apply_fail(error, "cannot ask the kernel for interfaces: %s",
                                 strerror(errno));
    }
    const bool done = apply(&net, leases);
    close(net.fd);
    return done;
}
