/* SPDX-License-Identifier: BSD-2-Clause */
/* Network devices as lwIP's interfaces. */
#include "net.h"

#include <lwip/etharp.h>
#include <lwip/ethip6.h>
#include <lwip/priv/tcp_priv.h>

#define MOST_PARTS 16u

struct net_interface *net_interfaces;

static err_t output(struct netif *netif, struct pbuf *pbuf)
{
    struct net_interface *interface = netif->state;
    struct net_part parts[MOST_PARTS];
    size_t count = 0;
    for (const struct pbuf *part = pbuf; part; part = part->next) {
        if (count == MOST_PARTS)
            return ERR_BUF;
        parts[count++] = (struct net_part){part->payload, part->len};
    }
    if (!interface->device->send(interface->device, parts, count))
        return ERR_MEM;
    interface->sent++;
    interface->sent_bytes += pbuf->tot_len;
    return ERR_OK;
}

static void receive(struct net_device *device, const void *frame, size_t size)
{
    struct net_interface *interface = device->user;
    struct pbuf *pbuf = size <= 0xffff ? pbuf_alloc(PBUF_RAW, (u16_t)size, PBUF_RAM) : NULL;
    if (!pbuf) {
        interface->dropped++;
        return;
    }
    memcpy(pbuf->payload, frame, size);
    interface->received++;
    interface->received_bytes += size;
    if (interface->netif.input(pbuf, &interface->netif) != ERR_OK)
        pbuf_free(pbuf);
    net_settle();
}

static void room(struct net_device *device)
{
    (void)device;
    tcp_txnow();
}

static err_t begin(struct netif *netif)
{
    const struct net_interface *interface = netif->state;
    netif->name[0] = 'e';
    netif->name[1] = 't';
    netif->output = etharp_output;
    netif->output_ip6 = ethip6_output;
    netif->linkoutput = output;
    netif->mtu = interface->device->mtu;
    netif->hwaddr_len = sizeof interface->device->address;
    memcpy(netif->hwaddr, interface->device->address, sizeof interface->device->address);
    netif->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_ETHERNET |
                   NETIF_FLAG_IGMP | NETIF_FLAG_MLD6;
    return ERR_OK;
}

void net_device_add(struct net_device *device)
{
    struct net_interface *interface = heap_get(sizeof *interface), **end = &net_interfaces;
    net_begin();
    if (!interface)
        return;
    interface->device = device;
    snprintf(interface->name, sizeof interface->name, "%s", device->name);
    if (!netif_add_noaddr(&interface->netif, interface, begin, netif_input)) {
        heap_put(interface);
        return;
    }
    while (*end)
        end = &(*end)->next;
    *end = interface;
    device->user = interface;
    device->room = room;
    device->receive = receive;
    netif_set_link_up(&interface->netif);
}

struct net_interface *net_interface_at(size_t place)
{
    struct net_interface *interface = net_interfaces;
    while (interface && place--)
        interface = interface->next;
    return interface;
}

const char *net_name(const struct netif *netif)
{
    return netif->output == etharp_output ? ((const struct net_interface *)netif->state)->name
                                          : "lo";
}

struct netif *net_find(const char *name)
{
    struct netif *netif;
    NETIF_FOREACH(netif) {
        if (strcmp(net_name(netif), name) == 0)
            return netif;
    }
    return NULL;
}

bool net_is_up(const struct netif *netif)
{
    if (netif->output != etharp_output)
        return netif_is_up(netif);
    struct net_device *device = ((const struct net_interface *)netif->state)->device;
    return netif_is_up(netif) && (!device->carrier || device->carrier(device));
}
