/* SPDX-License-Identifier: BSD-2-Clause */
/* TCP: what calls ask of a socket. */
#include "tcp.h"

#include <lwip/priv/tcp_priv.h>

/* Connections that are over but remembered, for late packets; the oldest is forgotten then. */
#define MOST_REMEMBERED 64u
#define MOST_BACKLOG 255u

/* What is about to be sent: the program's memory may not be there, so lwIP must not read it.
   Nothing else happens between filling it and its use. */
static char piece[16384];

static struct tcp_pcb *pcb_make(struct tcp_socket *socket)
{
    struct tcp_pcb *pcb = tcp_new_ip_type(socket->socket.domain == AF_INET ? IPADDR_TYPE_V4
                                          : socket->socket.only_v6         ? IPADDR_TYPE_V6
                                                                           : IPADDR_TYPE_ANY);
    if (!pcb)
        return NULL;
    tcp_attach(socket, pcb);
    tcp_apply_options(socket);
    return pcb;
}

static int tcp_socket_bind(struct socket *base, const struct socket_address *address)
{
    struct tcp_socket *socket = tcp_of(base);
    ip_addr_t ip;
    uint16_t port;
    const int result = address_read(base, address, &ip, &port);
    if (result)
        return result;
    if (socket->state != TCP_FRESH || (socket->pcb && socket->pcb->local_port))
        return -EINVAL;
    if (!address_is_ours(&ip) || ip_addr_ismulticast(&ip))
        return -EADDRNOTAVAIL;
    if (!socket->pcb && !pcb_make(socket))
        return -ENOBUFS;
    return address_error(tcp_bind(socket->pcb, &ip, port));
}

static int tcp_socket_listen(struct socket *base, unsigned backlog)
{
    struct tcp_socket *socket = tcp_of(base);
    const uint8_t most = (uint8_t)MIN(MAX(backlog, 1u), MOST_BACKLOG);
    if (socket->state == TCP_LISTENING) {
        tcp_backlog_set(socket->pcb, most);
        return 0;
    }
    if (socket->state != TCP_FRESH)
        return -EINVAL;
    if (!socket->pcb && !pcb_make(socket))
        return -ENOBUFS;
    err_t error = ERR_OK;
    if (socket->pcb->local_port == 0)
        error = tcp_bind(socket->pcb, base->domain == AF_INET ? IP4_ADDR_ANY : IP_ANY_TYPE, 0);
    struct tcp_pcb *pcb =
        error == ERR_OK ? tcp_listen_with_backlog_and_err(socket->pcb, most, &error) : NULL;
    if (!pcb)
        return address_error(error);
    socket->pcb = pcb;
    socket->state = TCP_LISTENING;
    base->listening = true;
    tcp_listen_events(socket);
    return 0;
}

static int tcp_socket_accept(struct socket *base, struct socket **accepted)
{
    struct tcp_socket *socket = tcp_of(base);
    if (socket->state != TCP_LISTENING)
        return -EINVAL;
    if (list_empty(&socket->pending))
        return -EAGAIN;
    struct tcp_socket *first = LIST_ENTRY(socket->pending.next, struct tcp_socket, place);
    list_remove(&first->place);
    if (first->pcb)
        tcp_backlog_accepted(first->pcb);
    *accepted = &first->socket;
    return 0;
}

static int tcp_socket_connect(struct socket *base, const struct socket_address *address)
{
    struct tcp_socket *socket = tcp_of(base);
    ip_addr_t ip;
    uint16_t port;
    const int result = address_read(base, address, &ip, &port);
    if (result || socket->state == TCP_CONNECTING)
        return result ? result : -EALREADY;
    if (socket->state == TCP_CONNECTED || socket->state == TCP_LISTENING)
        return -EISCONN;
    if (ip_addr_isany(&ip) && IP_IS_V6_VAL(ip) && !IP_IS_ANY_TYPE_VAL(ip))
        ip_addr_set_loopback(true, &ip);
    else if (ip_addr_isany(&ip))
        ip_addr_set_loopback(false, &ip);
    if (!socket->pcb && !pcb_make(socket))
        return -ENOBUFS;
    const err_t error = tcp_connect(socket->pcb, &ip, port, tcp_on_connected);
    if (error != ERR_OK)
        return error == ERR_BUF || error == ERR_USE ? -EADDRNOTAVAIL : address_error(error);
    socket->state = TCP_CONNECTING;
    socket->ended = false;
    return -EINPROGRESS;
}

/* Why nothing can be sent now; 0: it can. */
static int why_not_send(struct tcp_socket *socket)
{
    if (socket->socket.error)
        return socket_take_error(&socket->socket);
    if (socket->state == TCP_CONNECTING)
        return -EAGAIN;
    return socket->no_writes || socket->state != TCP_CONNECTED || !socket->pcb ? -EPIPE : 0;
}

static int64_t send_piece(struct tcp_socket *socket, struct message *message)
{
    const struct message before = *message;
    const size_t room = socket->pcb->snd_buf,
                 size = MIN(MIN(room, message->size - message->done), sizeof piece);
    if (size == 0 || tcp_sndqueuelen(socket->pcb) >= TCP_SND_QUEUELEN - 64) {
        socket->full = true;
        return -EAGAIN;
    }
    if (!message_get(message, piece, size)) {
        *message = before;
        return -EFAULT;
    }
    const bool more = message->done < message->size || message->flags & MSG_MORE || socket->corked;
    const err_t error = tcp_write(socket->pcb, piece, (u16_t)size,
                                  (u8_t)(TCP_WRITE_FLAG_COPY | (more ? TCP_WRITE_FLAG_MORE : 0)));
    if (error == ERR_OK)
        return (int64_t)size;
    *message = before;
    socket->full = true;
    return error == ERR_MEM ? -EAGAIN : address_error(error);
}

static int64_t tcp_socket_send(struct socket *base, struct message *message)
{
    struct tcp_socket *socket = tcp_of(base);
    int64_t result = why_not_send(socket);
    const size_t before = message->done;
    if (result)
        return result;
    while (message->done < message->size && (result = send_piece(socket, message)) > 0)
        ;
    /* What is held back goes with what comes next; or it would wait for it for ever. */
    if (!(message->flags & MSG_MORE || socket->corked) || result == -EAGAIN)
        tcp_output(socket->pcb);
    return message->done > before ? (int64_t)(message->done - before) : result;
}

/* The bytes may be taken, or looked at only. */
static int64_t take_received(struct tcp_socket *socket, struct message *message)
{
    const bool peek = message->flags & MSG_PEEK;
    size_t taken = 0;
    struct pbuf *pbuf = socket->first;
    while (pbuf && message->done < message->size) {
        const size_t now = MIN((size_t)pbuf->len, message->size - message->done);
        if (!message_put(message, pbuf->payload, now))
            break;
        taken += now;
        struct pbuf *next = pbuf->next;
        if (!peek && now < pbuf->len) {
            pbuf->payload = (char *)pbuf->payload + now;
            pbuf->len = (u16_t)(pbuf->len - now);
        } else if (!peek) {
            socket->first = next;
            socket->last = next ? socket->last : NULL;
            pbuf->next = NULL;
            pbuf->tot_len = pbuf->len;
            pbuf_free(pbuf);
        }
        pbuf = next;
    }
    if (taken == 0)
        return -EFAULT;
    socket->waiting -= peek ? 0 : taken;
    for (size_t left = peek || !socket->pcb ? 0 : taken; left;) {
        const u16_t now = (u16_t)MIN(left, 0xffffu);
        tcp_recved(socket->pcb, now);
        left -= now;
    }
    return (int64_t)taken;
}

static int64_t tcp_socket_receive(struct socket *base, struct message *message)
{
    struct tcp_socket *socket = tcp_of(base);
    if (socket->state == TCP_FRESH || socket->state == TCP_LISTENING)
        return -ENOTCONN;
    if (socket->first)
        return message->size ? take_received(socket, message) : 0;
    if (base->error)
        return socket_take_error(base);
    return socket->ended || socket->no_reads || socket->state == TCP_OVER ? 0 : -EAGAIN;
}

static int tcp_socket_shutdown(struct socket *base, bool reads, bool writes)
{
    struct tcp_socket *socket = tcp_of(base);
    if (socket->state != TCP_CONNECTED && socket->state != TCP_OVER)
        return -ENOTCONN;
    socket->no_reads |= reads;
    if (writes && !socket->no_writes) {
        socket->no_writes = true;
        if (socket->pcb)
            tcp_shutdown(socket->pcb, 0, 1);
    }
    socket_wake(base);
    return 0;
}

static int tcp_socket_name(struct socket *base, bool peer, struct socket_address *address)
{
    const struct tcp_socket *socket = tcp_of(base);
    const bool is_fresh = socket->state == TCP_FRESH || socket->state == TCP_LISTENING ||
                          socket->state == TCP_CONNECTING;
    if (peer && (is_fresh || socket->state == TCP_OVER))
        return -ENOTCONN;
    if (peer)
        address_write(base, &socket->there, socket->there_port, address);
    else if (is_fresh && socket->pcb)
        address_write(base, &socket->pcb->local_ip, socket->pcb->local_port, address);
    else
        address_write(base, is_fresh ? IP_ANY_TYPE : &socket->here,
                      is_fresh ? 0 : socket->here_port, address);
    return 0;
}

static unsigned tcp_socket_ready(struct socket *base)
{
    struct tcp_socket *socket = tcp_of(base);
    unsigned ready = 0;
    if (socket->state == TCP_LISTENING)
        return list_empty(&socket->pending) ? 0 : POLLIN | POLLRDNORM;
    if (socket->state == TCP_FRESH)
        return POLLOUT | POLLWRNORM | POLLHUP;
    if (socket->state == TCP_CONNECTING)
        return 0;
    if (socket->first || socket->ended || socket->no_reads)
        ready |= POLLIN | POLLRDNORM;
    if (socket->ended || socket->no_reads)
        ready |= POLLRDHUP;
    if (socket->state == TCP_OVER || (socket->ended && socket->no_writes))
        ready |= POLLHUP;
    if (!socket->pcb || socket->no_writes)
        return ready | POLLOUT | POLLWRNORM;
    if (socket->pcb->snd_buf > TCP_SNDLOWAT && tcp_sndqueuelen(socket->pcb) < TCP_SNDQUEUELOWAT)
        return ready | POLLOUT | POLLWRNORM;
    socket->full = true;
    return ready;
}

static size_t tcp_socket_waiting(struct socket *socket) { return tcp_of(socket)->waiting; }

/* Each takes memory, and time of all that come in. */
static void limit_remembered(void)
{
    unsigned count = 0;
    struct tcp_pcb *oldest = NULL;
    for (struct tcp_pcb *pcb = tcp_tw_pcbs; pcb; pcb = pcb->next, count++)
        oldest = !oldest || (u32_t)(tcp_ticks - pcb->tmr) >= (u32_t)(tcp_ticks - oldest->tmr)
                   ? pcb
                   : oldest;
    if (count > MOST_REMEMBERED)
        tcp_abort(oldest);
}

static void tcp_socket_release(struct socket *base)
{
    struct tcp_socket *socket = tcp_of(base);
    LIST_EACH(place, &socket->pending) {
        struct tcp_socket *pending = LIST_ENTRY(place, struct tcp_socket, place);
        pending->socket.linger = true;
        pending->socket.linger_seconds = 0;
        tcp_socket_release(&pending->socket);
    }
    struct tcp_pcb *pcb = tcp_detach(socket);
    tcp_forget_received(socket);
    list_remove(&socket->place);
    if (pcb && base->linger && base->linger_seconds == 0 && pcb->state != LISTEN)
        tcp_abort(pcb);
    else if (pcb && tcp_close(pcb) != ERR_OK)
        tcp_abort(pcb);
    limit_remembered();
    heap_put(socket);
}

static const struct socket_operations operations = {
    .bind = tcp_socket_bind,
    .listen = tcp_socket_listen,
    .accept = tcp_socket_accept,
    .connect = tcp_socket_connect,
    .send = tcp_socket_send,
    .receive = tcp_socket_receive,
    .shutdown = tcp_socket_shutdown,
    .name = tcp_socket_name,
    .ready = tcp_socket_ready,
    .waiting = tcp_socket_waiting,
    .set_option = tcp_set_option,
    .get_option = tcp_get_option,
    .release = tcp_socket_release,
};

struct tcp_socket *tcp_socket_get(int domain)
{
    struct tcp_socket *socket = heap_get(sizeof *socket);
    if (!socket)
        return NULL;
    socket->socket = (struct socket){.operations = &operations,
                                     .domain = domain,
                                     .type = SOCK_STREAM,
                                     .protocol = IPPROTO_TCP,
                                     .is_stream = true};
    socket->here = *IP_ANY_TYPE;
    list_begin(&socket->pending);
    list_begin(&socket->place);
    return socket;
}

struct socket *tcp_socket_make(int domain)
{
    struct tcp_socket *socket = tcp_socket_get(domain);
    return socket ? &socket->socket : NULL;
}
