/* SPDX-License-Identifier: BSD-2-Clause */
/* Addresses and routes. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_addr.h>
#include <stdio.h>
#include <string.h>

#include "apply_net.h"
#include "apply_netlink.h"

#define PAUSE_MS 20
/* Where the kernel starts by itself; smaller is preferred. */
#define INET6_METRIC 1024u

static uint8_t kernel_family(enum config_family family)
{
    return family == CONFIG_INET ? AF_INET : AF_INET6;
}

static size_t address_size(enum config_family family)
{
    return family == CONFIG_INET ? 4 : 16;
}

static const char *address_text(const struct config_address *address,
                                char text[INET6_ADDRSTRLEN])
{
    const char *result =
        inet_ntop(kernel_family(address->family), address->bytes, text, INET6_ADDRSTRLEN);
    return result ? result : "?";
}

static bool has_inet6(const struct config_interface *interface, bool automatic)
{
    for (size_t i = 0; i < interface->count; i++) {
        const struct config_interface_address *one = &interface->addresses[i];
        if (one->family == CONFIG_INET6 && (!automatic || one->method == CONFIG_AUTO))
            return true;
    }
    return false;
}

/* Of an interface of the kernel's IPv6: 0 or an errno. */
static int set_inet6(const char *interface, const char *setting, const char *value)
{
    char path[96];
    snprintf(path, sizeof path, "/proc/sys/net/ipv6/conf/%s/%s", interface, setting);
    return config_write_existing(path, value);
}

bool config_net_prepare_inet6(struct net *net, size_t place)
{
    const struct config_interface *interface = &net->document->interfaces[place];
    const char *listen = has_inet6(interface, true) ? "1" : "0";
    int reason = set_inet6(interface->name, "accept_ra", listen);
    if (!reason)
        reason = set_inet6(interface->name, "autoconf", listen);
    if (!has_inet6(interface, false))
        return true;
    if (!reason)
        reason = set_inet6(interface->name, "disable_ipv6", "0");
    return !reason || config_apply_fail(net->error, "cannot set IPv6 up in /proc/sys/net/ipv6: %s",
                                        strerror(reason));
}

/* The last address of a network of IPv4, where it has one for all. */
static bool find_broadcast(const struct config_address *address, uint8_t prefix, uint8_t result[4])
{
    if (address->family != CONFIG_INET || prefix > 30)
        return false;
    for (unsigned i = 0; i < 4; i++) {
        const unsigned before = prefix > i * 8 ? prefix - i * 8u : 0;
        result[i] = (uint8_t)(address->bytes[i] | (before < 8 ? 0xffu >> before : 0));
    }
    return true;
}

int config_net_change_address(struct net *net, size_t place, const struct config_address *address,
                              uint8_t prefix, bool add)
{
    const struct ifaddrmsg body = {.ifa_family = kernel_family(address->family),
                                   .ifa_prefixlen = prefix,
                                   .ifa_index = (uint32_t)net->index[place]};
    const size_t size = address_size(address->family);
    struct netlink_request request;
    uint8_t broadcast[4];
    config_netlink_begin(&request, add ? RTM_NEWADDR : RTM_DELADDR,
                         add ? NLM_F_CREATE | NLM_F_REPLACE : 0, &body, sizeof body);
    config_netlink_put(&request, IFA_LOCAL, address->bytes, size);
    config_netlink_put(&request, IFA_ADDRESS, address->bytes, size);
    if (find_broadcast(address, prefix, broadcast))
        config_netlink_put(&request, IFA_BROADCAST, broadcast, sizeof broadcast);
    return config_netlink_do(net->fd, &request);
}

bool config_net_add_static(struct net *net, size_t place)
{
    const struct config_interface *interface = &net->document->interfaces[place];
    char text[INET6_ADDRSTRLEN];
    for (size_t i = 0; i < interface->count; i++) {
        const struct config_interface_address *one = &interface->addresses[i];
        if (one->method != CONFIG_STATIC)
            continue;
        const int reason = config_net_change_address(net, place, &one->address, one->prefix, true);
        if (reason)
            return config_apply_fail(net->error, "cannot add the address %s: %s",
                                     address_text(&one->address, text), strerror(reason));
    }
    return true;
}

/* A route to all that is not near. */
struct route {
    struct config_address gateway;
    uint8_t protocol;
    uint32_t metric;
    /* 0: the kernel finds it by the addresses that the interfaces have. */
    int index;
};

static int change_route(struct net *net, const struct route *route, bool add)
{
    const struct rtmsg body = {.rtm_family = kernel_family(route->gateway.family),
                               .rtm_table = RT_TABLE_MAIN,
                               .rtm_protocol = route->protocol,
                               .rtm_scope = RT_SCOPE_UNIVERSE,
                               .rtm_type = RTN_UNICAST,
                               /* Lent addresses may have routers outside of their network. */
                               .rtm_flags = route->index ? RTNH_F_ONLINK : 0};
    struct netlink_request request;
    config_netlink_begin(&request, add ? RTM_NEWROUTE : RTM_DELROUTE,
                         add ? NLM_F_CREATE | NLM_F_REPLACE : 0, &body, sizeof body);
    config_netlink_put(&request, RTA_GATEWAY, route->gateway.bytes,
                       address_size(route->gateway.family));
    config_netlink_put_number(&request, RTA_PRIORITY, route->metric);
    if (route->index)
        config_netlink_put_number(&request, RTA_OIF, (uint32_t)route->index);
    return config_netlink_do(net->fd, &request);
}

static bool is_link_local(const struct config_address *address)
{
    return address->family == CONFIG_INET6 && address->bytes[0] == 0xfe &&
           (address->bytes[1] & 0xc0) == 0x80;
}

/* An address that is in every network is meant in that of the first interface with IPv6. */
static int link_local_index(const struct net *net)
{
    for (size_t i = 0; i < net->document->interface_count; i++) {
        if (has_inet6(&net->document->interfaces[i], false))
            return net->index[i];
    }
    return 0;
}

bool config_net_add_gateways(struct net *net)
{
    char text[INET6_ADDRSTRLEN];
    config_apply_at(net->error, "net", "gateways", NULL);
    for (size_t i = 0; i < net->document->gateway_count; i++) {
        const struct config_address *gateway = &net->document->gateways[i];
        const uint32_t first = gateway->family == CONFIG_INET ? 0 : INET6_METRIC;
        const struct route route = {.gateway = *gateway,
                                    .protocol = RTPROT_STATIC,
                                    .metric = first + (uint32_t)i,
                                    .index = is_link_local(gateway) ? link_local_index(net) : 0};
        const int reason = change_route(net, &route, true);
        if (reason == ENETUNREACH || reason == EHOSTUNREACH)
            return config_apply_fail(net->error, "the router %s is in no network of the interfaces",
                                     address_text(gateway, text));
        if (reason)
            return config_apply_fail(net->error, "cannot use the router %s: %s",
                                     address_text(gateway, text), strerror(reason));
    }
    return true;
}

/* Whether the route of the lease is ours to set. */
static bool wants_router(const struct net *net, const struct config_lease *lease)
{
    for (size_t i = 0; i < net->document->gateway_count; i++) {
        if (net->document->gateways[i].family == CONFIG_INET)
            return false;
    }
    return lease->has_router;
}

static int change_lease(struct net *net, const struct config_lease *lease, bool add)
{
    struct config_address address = {.family = CONFIG_INET};
    struct route route = {.gateway = {.family = CONFIG_INET},
                          .protocol = RTPROT_DHCP,
                          .metric = (uint32_t)lease->place,
                          .index = net->index[lease->place]};
    memcpy(address.bytes, lease->address, sizeof lease->address);
    memcpy(route.gateway.bytes, lease->router, sizeof lease->router);
    /* The route first where it goes: it needs the address. */
    if (!add && wants_router(net, lease))
        change_route(net, &route, false);
    int reason = config_net_change_address(net, lease->place, &address, lease->prefix, add);
    if (!reason && add && wants_router(net, lease))
        reason = change_route(net, &route, true);
    return reason;
}

int config_net_apply_lease(struct net *net, const struct config_lease *lease)
{
    const int reason = lease->mtu ? config_net_set_mtu(net, lease->place, lease->mtu) : 0;
    /* More than the device can: it stays as it is. */
    if (reason && reason != EINVAL && reason != ERANGE)
        return reason;
    return change_lease(net, lease, true);
}

int config_net_withdraw_lease(struct net *net, const struct config_lease *lease)
{
    const int reason = change_lease(net, lease, false);
    return reason == EADDRNOTAVAIL ? 0 : reason;
}

/* What there is of addresses of IPv6 on one interface. */
struct found {
    int index;
    bool usable, tentative, failed;
};

static void take_address(void *context, const struct netlink_answer *answer)
{
    struct found *found = context;
    struct ifaddrmsg body;
    size_t size = 0;
    if (answer->type != RTM_NEWADDR || answer->length < sizeof body)
        return;
    memcpy(&body, answer->body, sizeof body);
    if ((int)body.ifa_index != found->index || body.ifa_family != AF_INET6)
        return;
    uint32_t flags = body.ifa_flags;
    const void *all = config_netlink_find(answer, sizeof body, IFA_FLAGS, sizeof flags, &size);
    if (all)
        memcpy(&flags, all, sizeof flags);
    if (flags & IFA_F_DADFAILED)
        found->failed = true;
    else if (flags & IFA_F_TENTATIVE)
        found->tentative = true;
    else if (body.ifa_scope < RT_SCOPE_LINK)
        found->usable = true;
}

static int find_inet6(struct net *net, struct found *found)
{
    const struct ifaddrmsg any = {.ifa_family = AF_INET6};
    struct netlink_request request;
    found->usable = found->tentative = found->failed = false;
    config_netlink_begin(&request, RTM_GETADDR, 0, &any, sizeof any);
    return config_netlink_list(net->fd, &request, take_address, found);
}

static bool await_inet6(struct net *net, size_t place, int64_t until)
{
    const struct config_interface *interface = &net->document->interfaces[place];
    struct found found = {.index = net->index[place]};
    config_apply_at(net->error, "net", "interfaces", interface->name);
    if (!has_inet6(interface, false))
        return true;
    /* Without a carrier nothing comes of it, and what we made has one when a program opens it. */
    if (!config_net_await_carrier(net, place, interface->create ? config_now() : until))
        return true;
    for (;;) {
        const int reason = find_inet6(net, &found);
        if (reason)
            return config_apply_fail(net->error, "cannot list addresses: %s", strerror(reason));
        if (found.failed)
            return config_apply_fail(net->error, "another machine has its address of IPv6");
        const bool whole = !found.tentative && (found.usable || !has_inet6(interface, true));
        if (whole || config_now() >= until)
            return true;
        config_sleep(PAUSE_MS);
    }
}

bool config_net_await_inet6(struct net *net)
{
    const int64_t until = config_now() + CONFIG_INET6_SECONDS * 1000;
    for (size_t i = 0; i < net->document->interface_count; i++) {
        if (!await_inet6(net, i, until))
            return false;
    }
    return true;
}
