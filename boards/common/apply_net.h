/* SPDX-License-Identifier: BSD-2-Clause */
/* The parts of the section net; nobody else includes it. */
#ifndef RUMPRUN_APPLY_NET_H
#define RUMPRUN_APPLY_NET_H

#include "apply_parts.h"

/* What is known while the section is applied. */
struct net {
    /* Of rtnetlink(7). */
    int fd;
    const struct config_net *document;
    /* The kernel's number of each interface of the document. */
    int index[CONFIG_INTERFACES];
    struct config_apply_error *error;
};

/* All that return a bool have filled in the error where it is false. */

/* apply_link.c: interfaces. */

/* Brings the loopback interface up. */
bool config_net_apply_loopback(struct net *net);
/* Finds, renames and makes the interfaces of the document; sets the numbers. */
bool config_net_find_links(struct net *net);
/* Sets the numbers where the interfaces have their names; 0 or an errno. */
int config_net_find_names(struct net *net);
/* Brings the interface of that place up. */
bool config_net_bring_up(struct net *net, size_t place);
/* Whether it can send and receive, waiting until the time is over. */
bool config_net_await_carrier(struct net *net, size_t place, int64_t until);
/* Of an Ethernet interface; false: it is none. */
bool config_net_read_hardware(struct net *net, size_t place, uint8_t hardware[6]);
/* 0 or an errno. */
int config_net_set_mtu(struct net *net, size_t place, uint16_t mtu);

/* apply_address.c: addresses and routes. */

/* Says to the kernel whether to listen to routers' advertisements. */
bool config_net_prepare_inet6(struct net *net, size_t place);
bool config_net_add_static(struct net *net, size_t place);
/* 0 or an errno. */
int config_net_change_address(struct net *net, size_t place, const struct config_address *address,
                              uint8_t prefix, bool add);
/* The document's own routers. */
bool config_net_add_gateways(struct net *net);
/* The address and the router of a lease, where the document has none; 0 or an errno. */
int config_net_apply_lease(struct net *net, const struct config_lease *lease);
int config_net_withdraw_lease(struct net *net, const struct config_lease *lease);
/* Until addresses can be used that are to be had; fails where another machine has one. */
bool config_net_await_inet6(struct net *net);

/* apply_resolv.c: /etc/resolv.conf. */
bool config_net_write_resolv(struct net *net, const struct config_leases *leases);

/* apply_dhcp.c: the client. Both ask until the time is over. */
enum dhcp_outcome {
    DHCP_LENT,
    /* Nobody answered. */
    DHCP_SILENCE,
    /* The server takes the address back. */
    DHCP_REFUSED,
    /* The error is filled in. */
    DHCP_FAILED,
};

enum dhcp_outcome config_dhcp_acquire(struct net *net, size_t place, int64_t until,
                                      struct config_lease *lease);
/* Asks the server that lent it, or all. */
enum dhcp_outcome config_dhcp_renew(struct net *net, bool all, int64_t until,
                                    struct config_lease *lease);

#endif
