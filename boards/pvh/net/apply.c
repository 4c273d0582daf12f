/* SPDX-License-Identifier: BSD-2-Clause */
/* The configuration's section "net", with the meaning that boards/common/apply.h gives it. */
#include "net.h"

#include <errno.h>
#include <lwip/dhcp.h>
#include <lwip/nd6.h>

#include "config.h"
#include "resolv.h"

#define SECOND 1000000000u
#define DHCP_SECONDS 15u
#define INET6_SECONDS 8u
#define PAUSE 5000000u

/* Where to say what is wrong. */
struct words {
    char *message;
    size_t size;
};

__attribute__((format(printf, 2, 3))) static bool fail(const struct words *words,
                                                       const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(words->message, words->size, format, arguments);
    va_end(arguments);
    return false;
}

static void pause_shortly(void)
{
    struct wait_queue nobody = {NULL, NULL};
    (void)wait_on(&nobody, clock_now() + PAUSE);
}

static void read_address(const struct config_address *address, ip_addr_t *ip)
{
    if (address->family == CONFIG_INET) {
        uint32_t word;
        memcpy(&word, address->bytes, 4);
        ip_addr_set_ip4_u32(ip, word);
    } else {
        ip_addr_set_zero_ip6(ip);
        memcpy(ip_2_ip6(ip)->addr, address->bytes, 16);
    }
}

static bool add_inet(struct netif *netif, const struct config_interface_address *address,
                     const struct words *words)
{
    ip_addr_t ip;
    read_address(&address->address, &ip);
    const ip4_addr_t mask = {
        lwip_htonl(address->prefix ? UINT32_MAX << (32 - address->prefix) : 0)};
    if (!ip4_addr_isany_val(*netif_ip4_addr(netif)))
        return fail(words,
                    "net.interfaces.%s: a second address of IPv4, which this board cannot have",
                    net_name(netif));
    netif_set_addr(netif, ip_2_ip4(&ip), &mask, netif_ip4_gw(netif));
    return true;
}

static bool add_inet6(struct netif *netif, const struct config_interface_address *address,
                      const struct words *words)
{
    ip_addr_t ip;
    s8_t place;
    read_address(&address->address, &ip);
    ip6_addr_assign_zone(ip_2_ip6(&ip), IP6_UNICAST, netif);
    if (address->prefix != 64)
        return fail(
            words, "net.interfaces.%s: this board knows networks of IPv6 with a prefix of 64 alone",
            net_name(netif));
    if (netif_add_ip6_address(netif, ip_2_ip6(&ip), &place) != ERR_OK)
        return fail(words, "net.interfaces.%s: too many addresses of IPv6", net_name(netif));
    netif_ip6_addr_set_state(netif, place, IP6_ADDR_PREFERRED);
    return true;
}

static bool has(const struct config_interface *interface, enum config_family family,
                enum config_method method)
{
    for (size_t i = 0; i < interface->count; i++) {
        if (interface->addresses[i].family == family && interface->addresses[i].method == method)
            return true;
    }
    return false;
}

static bool bring_up(struct netif *netif, const struct config_interface *interface,
                     const struct words *words)
{
    const bool automatic = has(interface, CONFIG_INET6, CONFIG_AUTO);
    netif_set_ip6_autoconfig_enabled(netif, automatic);
    if (automatic || has(interface, CONFIG_INET6, CONFIG_STATIC))
        netif_create_ip6_linklocal_address(netif, 1);
    netif_set_up(netif);
    for (size_t i = 0; i < interface->count; i++) {
        const struct config_interface_address *address = &interface->addresses[i];
        if (address->method != CONFIG_STATIC)
            continue;
        if (!(address->family == CONFIG_INET ? add_inet : add_inet6)(netif, address, words))
            return false;
    }
    if (has(interface, CONFIG_INET, CONFIG_DHCP) && dhcp_start(netif) != ERR_OK)
        return fail(words, "net.interfaces.%s: no memory for DHCP", net_name(netif));
    return true;
}

/* The n-th interface that is not made has the machine's n-th device. */
static bool bring_all_up(const struct config_net *net, const struct words *words)
{
    size_t place = 0;
    for (size_t i = 0; i < net->interface_count; i++) {
        const struct config_interface *interface = &net->interfaces[i];
        if (strcmp(interface->name, "lo") == 0)
            continue;
        if (interface->create)
            return fail(words, "net.interfaces.%s: this board makes no interfaces",
                        interface->name);
        struct net_interface *one = net_interface_at(place++);
        if (!one)
            return fail(words, "net.interfaces.%s: the machine has no network device for it",
                        interface->name);
        snprintf(one->name, sizeof one->name, "%s", interface->name);
        if (!bring_up(&one->netif, interface, words))
            return false;
        if (!netif_default)
            netif_set_default(&one->netif);
    }
    return true;
}

static bool await_dhcp(const struct config_net *net, const struct words *words)
{
    const uint64_t until = clock_now() + (uint64_t)DHCP_SECONDS * SECOND;
    for (size_t i = 0; i < net->interface_count; i++) {
        struct netif *netif = net_find(net->interfaces[i].name);
        if (!has(&net->interfaces[i], CONFIG_INET, CONFIG_DHCP))
            continue;
        while (!dhcp_supplied_address(netif)) {
            if (clock_now() >= until)
                return fail(words,
                            "net.interfaces.%s: no DHCP server lent an address within %u seconds",
                            net->interfaces[i].name, DHCP_SECONDS);
            pause_shortly();
        }
    }
    return true;
}

static bool has_global(const struct netif *netif)
{
    for (int i = 0; i < LWIP_IPV6_NUM_ADDRESSES; i++) {
        if (ip6_addr_ispreferred(netif_ip6_addr_state(netif, i)) &&
            !ip6_addr_islinklocal(netif_ip6_addr(netif, i)))
            return true;
    }
    return false;
}

/* Then it is left to routers, which may speak later. */
static void await_inet6(const struct config_net *net)
{
    const uint64_t until = clock_now() + (uint64_t)INET6_SECONDS * SECOND;
    for (size_t i = 0; i < net->interface_count; i++) {
        const struct netif *netif = net_find(net->interfaces[i].name);
        while (has(&net->interfaces[i], CONFIG_INET6, CONFIG_AUTO) && !has_global(netif) &&
               clock_now() < until)
            pause_shortly();
    }
}

/* The interface in whose network the router is, or else the first. */
static struct netif *near(const ip4_addr_t *gateway)
{
    for (struct net_interface *one = net_interfaces; one; one = one->next) {
        if (ip4_addr_netcmp(gateway, netif_ip4_addr(&one->netif), netif_ip4_netmask(&one->netif)))
            return &one->netif;
    }
    return net_interfaces ? &net_interfaces->netif : NULL;
}

static bool add_gateways(const struct config_net *net, const struct words *words)
{
    bool done = false;
    for (size_t i = 0; i < net->gateway_count; i++) {
        ip_addr_t ip;
        read_address(&net->gateways[i], &ip);
        if (IP_IS_V6_VAL(ip))
            return fail(words, "net.gateways: routers of IPv6 have to announce themselves to this "
                               "board (method auto)");
        struct netif *netif = near(ip_2_ip4(&ip));
        if (!netif)
            return fail(words, "net.gateways: there is no interface");
        if (done)
            continue;
        done = true;
        netif_set_gw(netif, ip_2_ip4(&ip));
        netif_set_default(netif);
    }
    return true;
}

bool net_apply(const struct config_net *net, char *message, size_t size)
{
    const struct words words = {message, size};
    const bool up = bring_all_up(net, &words);
    net_settle();
    if (!up || !await_dhcp(net, &words) || !add_gateways(net, &words) ||
        !resolv_write(net, message, size))
        return false;
    await_inet6(net);
    return true;
}
