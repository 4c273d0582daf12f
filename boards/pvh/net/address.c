/* SPDX-License-Identifier: BSD-2-Clause */
/* Addresses of the internet, as programs and as lwIP have them. */
#include <errno.h>

#include "socket.h"

static bool is_mapped(const uint8_t bytes[16])
{
    static const uint8_t prefix[12] = {[10] = 0xff, [11] = 0xff};
    return memcmp(bytes, prefix, sizeof prefix) == 0;
}

static void read_inet6(const struct socket *socket, const struct sockaddr_in6 *in6, ip_addr_t *ip)
{
    static const uint8_t any[16];
    if (!socket->only_v6 && is_mapped(in6->sin6_addr.s6_addr)) {
        uint32_t word;
        memcpy(&word, in6->sin6_addr.s6_addr + 12, 4);
        ip_addr_set_ip4_u32(ip, word);
        return;
    }
    if (!socket->only_v6 && memcmp(in6->sin6_addr.s6_addr, any, sizeof any) == 0) {
        *ip = *IP_ANY_TYPE;
        return;
    }
    ip_addr_set_zero_ip6(ip);
    memcpy(ip_2_ip6(ip)->addr, in6->sin6_addr.s6_addr, 16);
    struct netif *netif = NULL;
    if (in6->sin6_scope_id && in6->sin6_scope_id <= 0xff)
        netif = netif_get_by_index((u8_t)in6->sin6_scope_id);
    if (netif)
        ip6_addr_assign_zone(ip_2_ip6(ip), IP6_UNKNOWN, netif);
}

int address_read(const struct socket *socket, const struct socket_address *address, ip_addr_t *ip,
                 uint16_t *port)
{
    if (address->size < sizeof(sa_family_t))
        return -EINVAL;
    if (address->any.sa_family != socket->domain)
        return -EAFNOSUPPORT;
    if (socket->domain == AF_INET) {
        if (address->size < sizeof address->in)
            return -EINVAL;
        ip_addr_set_ip4_u32(ip, address->in.sin_addr.s_addr);
        *port = lwip_ntohs(address->in.sin_port);
        return 0;
    }
    if (address->size < offsetof(struct sockaddr_in6, sin6_scope_id))
        return -EINVAL;
    read_inet6(socket, &address->in6, ip);
    *port = lwip_ntohs(address->in6.sin6_port);
    return 0;
}

void address_write(const struct socket *socket, const ip_addr_t *ip, uint16_t port,
                   struct socket_address *address)
{
    memset(address, 0, sizeof *address);
    if (socket->domain == AF_INET) {
        address->size = sizeof address->in;
        address->in.sin_family = AF_INET;
        address->in.sin_port = lwip_htons(port);
        address->in.sin_addr.s_addr = IP_IS_V4_VAL(*ip) ? ip_addr_get_ip4_u32(ip) : 0;
        return;
    }
    address->size = sizeof address->in6;
    address->in6.sin6_family = AF_INET6;
    address->in6.sin6_port = lwip_htons(port);
    uint8_t *bytes = address->in6.sin6_addr.s6_addr;
    if (IP_IS_V4_VAL(*ip)) {
        const uint32_t word = ip_addr_get_ip4_u32(ip);
        bytes[10] = bytes[11] = 0xff;
        memcpy(bytes + 12, &word, 4);
    } else if (!IP_IS_ANY_TYPE_VAL(*ip)) {
        memcpy(bytes, ip_2_ip6(ip)->addr, 16);
        address->in6.sin6_scope_id = ip6_addr_zone(ip_2_ip6(ip));
    }
}

static bool netif_has(const struct netif *netif, const ip_addr_t *ip)
{
    if (IP_IS_V4(ip))
        return ip4_addr_cmp(ip_2_ip4(ip), netif_ip4_addr(netif));
    for (int i = 0; i < LWIP_IPV6_NUM_ADDRESSES; i++) {
        if (!ip6_addr_isinvalid(netif_ip6_addr_state(netif, i)) &&
            ip6_addr_cmp_zoneless(ip_2_ip6(ip), netif_ip6_addr(netif, i)))
            return true;
    }
    return false;
}

bool address_is_ours(const ip_addr_t *ip)
{
    const struct netif *netif;
    if (ip_addr_isany(ip) || ip_addr_ismulticast(ip) ||
        (IP_IS_V4(ip) && ip4_addr_isloopback(ip_2_ip4(ip))))
        return true;
    NETIF_FOREACH(netif) {
        if (netif_has(netif, ip))
            return true;
    }
    return false;
}

int address_error(err_t error)
{
    static const int errors[] = {
        [-ERR_OK] = 0,
        [-ERR_MEM] = ENOMEM,
        [-ERR_BUF] = ENOBUFS,
        [-ERR_TIMEOUT] = ETIMEDOUT,
        [-ERR_RTE] = ENETUNREACH,
        [-ERR_INPROGRESS] = EINPROGRESS,
        [-ERR_VAL] = EINVAL,
        [-ERR_WOULDBLOCK] = EAGAIN,
        [-ERR_USE] = EADDRINUSE,
        [-ERR_ALREADY] = EALREADY,
        [-ERR_ISCONN] = EISCONN,
        [-ERR_CONN] = ENOTCONN,
        [-ERR_IF] = ENETDOWN,
        [-ERR_ABRT] = ETIMEDOUT,
        [-ERR_RST] = ECONNRESET,
        [-ERR_CLSD] = ENOTCONN,
        [-ERR_ARG] = EINVAL,
    };
    return error <= 0 && -error < (int)ARRAY_SIZE(errors) ? -errors[-error] : -EIO;
}
