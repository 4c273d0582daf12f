/* SPDX-License-Identifier: BSD-2-Clause */
/* The network: lwIP, without threads, and what joins it with devices and time. */
#ifndef RUMPRUN_NET_H
#define RUMPRUN_NET_H

#include "base.h"
#include "device.h"

/* Behind memory.h: the C library has a PAGE_SIZE of its own. */
#include <lwip/ip_addr.h>
#include <lwip/netif.h>

/* An interface, and what went through it. lwIP's loopback has no device. */
struct net_interface {
    struct netif netif;
    struct net_device *device;
    char name[16];
    uint64_t received, received_bytes, sent, sent_bytes, dropped;
    struct net_interface *next;
};

/* interface.c */

extern struct net_interface *net_interfaces;
/* The n-th of them, in the order of the devices; or NULL. */
struct net_interface *net_interface_at(size_t place);
/* Its name as Linux has it: "lo", "eth0". */
const char *net_name(const struct netif *netif);
struct netif *net_find(const char *name);
/* Whether it is up and connected. */
bool net_is_up(const struct netif *netif);

/* begin.c */

/* After whatever was asked of lwIP: delivers what goes to this machine itself, sets the timer. */
void net_settle(void);

/* proc.c: /proc/net. */
void net_proc_begin(void);

#endif
