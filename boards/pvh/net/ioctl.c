/* SPDX-License-Identifier: BSD-2-Clause */
/* ioctl(2) of sockets: what waits, and the interfaces (netdevice(7)). */
#include <fcntl.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <sys/ioctl.h>

#include "socket.h"

static int64_t give_number(uint64_t to, int value)
{
    return copy_out(to, &value, sizeof value) ? 0 : -EFAULT;
}

static void fill_address(struct sockaddr *address, uint32_t word)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = word};
    memcpy(address, &in, sizeof in);
}

static bool is_loopback(const struct netif *netif) { return strcmp(net_name(netif), "lo") == 0; }

static int fill(struct ifreq *request, const struct netif *netif, unsigned what)
{
    const uint32_t address = ip4_addr_get_u32(netif_ip4_addr(netif)),
                   mask = ip4_addr_get_u32(netif_ip4_netmask(netif));
    switch (what) {
    case SIOCGIFADDR:
        fill_address(&request->ifr_addr, address);
        return address ? 0 : -EADDRNOTAVAIL;
    case SIOCGIFNETMASK:
        fill_address(&request->ifr_netmask, mask);
        return address ? 0 : -EADDRNOTAVAIL;
    case SIOCGIFBRDADDR:
        fill_address(&request->ifr_broadaddr, is_loopback(netif) ? 0 : address | ~mask);
        return address ? 0 : -EADDRNOTAVAIL;
    case SIOCGIFFLAGS:
        request->ifr_flags =
            (short)((netif_is_up(netif) ? IFF_UP : 0) | (net_is_up(netif) ? IFF_RUNNING : 0) |
                    (is_loopback(netif) ? IFF_LOOPBACK : IFF_BROADCAST | IFF_MULTICAST));
        return 0;
    case SIOCGIFMTU:
        request->ifr_mtu = is_loopback(netif) ? 65536 : netif->mtu;
        return 0;
    case SIOCGIFINDEX:
        request->ifr_ifindex = netif_get_index(netif);
        return 0;
    case SIOCGIFHWADDR:
        memset(&request->ifr_hwaddr, 0, sizeof request->ifr_hwaddr);
        request->ifr_hwaddr.sa_family = is_loopback(netif) ? ARPHRD_LOOPBACK : ARPHRD_ETHER;
        memcpy(request->ifr_hwaddr.sa_data, netif->hwaddr, netif->hwaddr_len);
        return 0;
    default:
        return -ENOTTY;
    }
}

static int64_t of_interface(unsigned what, uint64_t argument)
{
    struct ifreq request;
    if (!copy_in(&request, argument, sizeof request))
        return -EFAULT;
    request.ifr_name[IFNAMSIZ - 1] = '\0';
    struct netif *netif;
    if (what == SIOCGIFNAME) {
        netif = request.ifr_ifindex > 0 && request.ifr_ifindex <= 0xff
                  ? netif_get_by_index((u8_t)request.ifr_ifindex)
                  : NULL;
        if (netif)
            snprintf(request.ifr_name, IFNAMSIZ, "%s", net_name(netif));
    } else {
        netif = net_find(request.ifr_name);
    }
    if (!netif)
        return -ENODEV;
    const int result = what == SIOCGIFNAME ? 0 : fill(&request, netif, what);
    return result ? result : copy_out(argument, &request, sizeof request) ? 0 : -EFAULT;
}

/* All that have an address. */
static int64_t list_interfaces(uint64_t argument)
{
    struct ifconf list;
    const struct netif *netif;
    int size = 0;
    if (!copy_in(&list, argument, sizeof list))
        return -EFAULT;
    const uint64_t to = (uint64_t)(uintptr_t)list.ifc_buf;
    NETIF_FOREACH(netif) {
        struct ifreq request = {.ifr_flags = 0};
        if (ip4_addr_isany_val(*netif_ip4_addr(netif)) ||
            (to && list.ifc_len - size < (int)sizeof request))
            continue;
        snprintf(request.ifr_name, IFNAMSIZ, "%s", net_name(netif));
        (void)fill(&request, netif, SIOCGIFADDR);
        if (to && !copy_out(to + (unsigned)size, &request, sizeof request))
            return -EFAULT;
        size += (int)sizeof request;
    }
    list.ifc_len = size;
    return copy_out(argument, &list, sizeof list) ? 0 : -EFAULT;
}

int64_t socket_control(struct file *file, unsigned request, uint64_t argument)
{
    struct socket *socket = file->data;
    int value;
    switch (request) {
    case FIONREAD:
        return socket->listening ? -EINVAL
                                 : give_number(argument, (int)socket->operations->waiting(socket));
    case FIONBIO:
        if (!copy_in(&value, argument, sizeof value))
            return -EFAULT;
        file->flags = value ? file->flags | O_NONBLOCK : file->flags & ~O_NONBLOCK;
        return 0;
    case SIOCGIFCONF:
        return list_interfaces(argument);
    default:
        return request >= SIOCGIFNAME && request <= SIOCGIFCOUNT ? of_interface(request, argument)
                                                                 : -ENOTTY;
    }
}
