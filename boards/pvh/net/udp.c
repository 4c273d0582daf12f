/* SPDX-License-Identifier: BSD-2-Clause */
/* UDP. */
#include "socket.h"

#include <lwip/udp.h>

/* What waits to be read, with what each takes besides: as Linux has it. */
#define MOST_WAITING 212992u
#define MOST_SIZE 65507u

struct datagram {
    struct datagram *next;
    struct pbuf *pbuf;
    ip_addr_t ip;
    uint16_t port;
};

struct udp_socket {
    struct socket socket;
    struct udp_pcb *pcb;
    struct datagram *first, *last;
    size_t used;
    bool connected, no_reads, no_writes;
};

static struct udp_socket *udp_of(struct socket *socket)
{
    return CONTAINER_OF(socket, struct udp_socket, socket);
}

static void on_received(void *with, struct udp_pcb *pcb, struct pbuf *pbuf, const ip_addr_t *ip,
                        u16_t port)
{
    struct udp_socket *socket = with;
    (void)pcb;
    const size_t takes = pbuf->tot_len + sizeof(struct datagram);
    struct datagram *datagram =
        socket->used + takes <= MOST_WAITING ? heap_get(sizeof *datagram) : NULL;
    if (!datagram || socket->no_reads) {
        heap_put(datagram);
        pbuf_free(pbuf);
        return;
    }
    *datagram = (struct datagram){.pbuf = pbuf, .ip = *ip, .port = port};
    if (socket->first)
        socket->last->next = datagram;
    else
        socket->first = datagram;
    socket->last = datagram;
    socket->used += takes;
    socket_wake(&socket->socket);
}

static void forget_first(struct udp_socket *socket)
{
    struct datagram *datagram = socket->first;
    socket->first = datagram->next;
    socket->used -= datagram->pbuf->tot_len + sizeof *datagram;
    pbuf_free(datagram->pbuf);
    heap_put(datagram);
}

static int udp_socket_bind(struct socket *base, const struct socket_address *address)
{
    struct udp_socket *socket = udp_of(base);
    ip_addr_t ip;
    uint16_t port;
    const int result = address_read(base, address, &ip, &port);
    if (result)
        return result;
    if (socket->pcb->local_port)
        return -EINVAL;
    if (!address_is_ours(&ip))
        return -EADDRNOTAVAIL;
    return address_error(udp_bind(socket->pcb, &ip, port));
}

static int udp_socket_connect(struct socket *base, const struct socket_address *address)
{
    struct udp_socket *socket = udp_of(base);
    ip_addr_t ip;
    uint16_t port;
    if (address->size >= sizeof(sa_family_t) && address->any.sa_family == AF_UNSPEC) {
        udp_disconnect(socket->pcb);
        socket->connected = false;
        return 0;
    }
    const int result = address_read(base, address, &ip, &port);
    if (result)
        return result;
    if (ip_addr_isany(&ip))
        ip_addr_set_loopback(IP_IS_V6_VAL(ip) && !IP_IS_ANY_TYPE_VAL(ip), &ip);
    struct netif *netif = ip_route(&socket->pcb->local_ip, &ip);
    if (!netif)
        return -ENETUNREACH;
    /* From then on the socket has an address of its own. */
    if (ip_addr_isany(&socket->pcb->local_ip)) {
        const ip_addr_t *here = ip_netif_get_local_ip(netif, &ip);
        if (here)
            ip_addr_copy(socket->pcb->local_ip, *here);
    }
    socket->connected = true;
    return address_error(udp_connect(socket->pcb, &ip, port));
}

static int64_t udp_socket_send(struct socket *base, struct message *message)
{
    struct udp_socket *socket = udp_of(base);
    ip_addr_t ip = socket->pcb->remote_ip;
    uint16_t port = socket->pcb->remote_port;
    if (base->error)
        return socket_take_error(base);
    if (socket->no_writes)
        return -EPIPE;
    if (message->address.size) {
        const int result = address_read(base, &message->address, &ip, &port);
        if (result)
            return result;
    } else if (!socket->connected) {
        return -EDESTADDRREQ;
    }
    if (message->size > MOST_SIZE)
        return -EMSGSIZE;
    if (ip_addr_isany(&ip))
        ip_addr_set_loopback(IP_IS_V6_VAL(ip) && !IP_IS_ANY_TYPE_VAL(ip), &ip);
    struct pbuf *pbuf = pbuf_alloc(PBUF_TRANSPORT, (u16_t)message->size, PBUF_RAM);
    if (!pbuf)
        return -ENOBUFS;
    const bool there = message_get(message, pbuf->payload, message->size);
    const err_t error = there ? udp_sendto(socket->pcb, pbuf, &ip, port) : ERR_ARG;
    pbuf_free(pbuf);
    if (!there) {
        message->done = 0;
        return -EFAULT;
    }
    /* A full ring loses it, as networks do. */
    return error == ERR_OK || error == ERR_MEM || error == ERR_IF ? (int64_t)message->size
         : error == ERR_VAL                                       ? -EACCES
                                                                  : address_error(error);
}

static int64_t udp_socket_receive(struct socket *base, struct message *message)
{
    struct udp_socket *socket = udp_of(base);
    if (base->error)
        return socket_take_error(base);
    if (!socket->first)
        return socket->no_reads ? 0 : -EAGAIN;
    const struct datagram *datagram = socket->first;
    const size_t size = datagram->pbuf->tot_len;
    size_t left = MIN(size, message->size);
    bool there = true;
    for (const struct pbuf *pbuf = datagram->pbuf; pbuf && left && there; pbuf = pbuf->next) {
        const size_t now = MIN((size_t)pbuf->len, left);
        there = message_put(message, pbuf->payload, now);
        left -= now;
    }
    address_write(base, &datagram->ip, datagram->port, &message->address);
    message->result_flags |= size > message->size ? MSG_TRUNC : 0;
    if (!(message->flags & MSG_PEEK))
        forget_first(socket);
    if (!there) {
        message->done = 0;
        return -EFAULT;
    }
    return (int64_t)(message->flags & MSG_TRUNC ? size : message->done);
}

static int udp_socket_shutdown(struct socket *base, bool reads, bool writes)
{
    struct udp_socket *socket = udp_of(base);
    if (!socket->connected)
        return -ENOTCONN;
    socket->no_reads |= reads;
    socket->no_writes |= writes;
    socket_wake(base);
    return 0;
}

static int udp_socket_name(struct socket *base, bool peer, struct socket_address *address)
{
    const struct udp_pcb *pcb = udp_of(base)->pcb;
    if (peer && !udp_of(base)->connected)
        return -ENOTCONN;
    address_write(base, peer ? &pcb->remote_ip : &pcb->local_ip,
                  peer ? pcb->remote_port : pcb->local_port, address);
    return 0;
}

static unsigned udp_socket_ready(struct socket *base)
{
    const struct udp_socket *socket = udp_of(base);
    return POLLOUT | POLLWRNORM | (socket->first || socket->no_reads ? POLLIN | POLLRDNORM : 0) |
           (socket->no_reads ? POLLRDHUP : 0);
}

static size_t udp_socket_waiting(struct socket *base)
{
    const struct udp_socket *socket = udp_of(base);
    return socket->first ? socket->first->pbuf->tot_len : 0;
}

static int udp_set_option(struct socket *base, int level, int name, int value)
{
    struct udp_pcb *pcb = udp_of(base)->pcb;
    (void)value;
    (void)name;
    if (base->reuse_address)
        ip_set_option(pcb, SOF_REUSEADDR);
    else
        ip_reset_option(pcb, SOF_REUSEADDR);
    if (base->broadcast)
        ip_set_option(pcb, SOF_BROADCAST);
    return level == SOL_SOCKET ? 0 : -ENOPROTOOPT;
}

static void udp_socket_release(struct socket *base)
{
    struct udp_socket *socket = udp_of(base);
    while (socket->first)
        forget_first(socket);
    udp_remove(socket->pcb);
    heap_put(socket);
}

static const struct socket_operations operations = {
    .bind = udp_socket_bind,
    .connect = udp_socket_connect,
    .send = udp_socket_send,
    .receive = udp_socket_receive,
    .shutdown = udp_socket_shutdown,
    .name = udp_socket_name,
    .ready = udp_socket_ready,
    .waiting = udp_socket_waiting,
    .set_option = udp_set_option,
    .release = udp_socket_release,
};

struct socket *udp_socket_make(int domain)
{
    struct udp_socket *socket = heap_get(sizeof *socket);
    if (!socket)
        return NULL;
    socket->socket = (struct socket){
        .operations = &operations, .domain = domain, .type = SOCK_DGRAM, .protocol = IPPROTO_UDP};
    socket->pcb = udp_new_ip_type(domain == AF_INET ? IPADDR_TYPE_V4 : IPADDR_TYPE_ANY);
    if (!socket->pcb) {
        heap_put(socket);
        return NULL;
    }
    udp_recv(socket->pcb, on_received, socket);
    return &socket->socket;
}
