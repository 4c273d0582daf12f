/* SPDX-License-Identifier: BSD-2-Clause */
/* What lwIP tells of connections. */
#include "tcp.h"

void tcp_forget_received(struct tcp_socket *socket)
{
    while (socket->first) {
        struct pbuf *pbuf = socket->first;
        socket->first = pbuf->next;
        pbuf->next = NULL;
        pbuf->tot_len = pbuf->len;
        pbuf_free(pbuf);
    }
    socket->last = NULL;
    socket->waiting = 0;
}

struct tcp_pcb *tcp_detach(struct tcp_socket *socket)
{
    struct tcp_pcb *pcb = socket->pcb;
    socket->pcb = NULL;
    if (!pcb)
        return NULL;
    tcp_arg(pcb, NULL);
    if (pcb->state == LISTEN) {
        tcp_accept(pcb, NULL);
        return pcb;
    }
    tcp_recv(pcb, NULL);
    tcp_sent(pcb, NULL);
    tcp_err(pcb, NULL);
    return pcb;
}

static err_t on_received(void *with, struct tcp_pcb *pcb, struct pbuf *pbuf, err_t error)
{
    struct tcp_socket *socket = with;
    (void)error;
    if (!pbuf) {
        socket->ended = true;
        /* This side is through as well: lwIP frees the connection without a word. */
        if (pcb->state != CLOSE_WAIT) {
            tcp_detach(socket);
            socket->state = TCP_OVER;
        }
    } else if (socket->no_reads) {
        tcp_recved(pcb, pbuf->tot_len);
        pbuf_free(pbuf);
        return ERR_OK;
    } else {
        struct pbuf *last = pbuf;
        socket->waiting += pbuf->tot_len;
        while (last->next)
            last = last->next;
        if (socket->last)
            socket->last->next = pbuf;
        else
            socket->first = pbuf;
        socket->last = last;
    }
    socket_wake(&socket->socket);
    return ERR_OK;
}

static err_t on_sent(void *with, struct tcp_pcb *pcb, u16_t size)
{
    struct tcp_socket *socket = with;
    (void)size;
    if (socket->full && pcb->snd_buf > TCP_SNDLOWAT && tcp_sndqueuelen(pcb) < TCP_SNDQUEUELOWAT) {
        socket->full = false;
        socket_wake(&socket->socket);
    }
    return ERR_OK;
}

/* The connection is not there any more. */
static void on_error(void *with, err_t error)
{
    struct tcp_socket *socket = with;
    if (!socket)
        return;
    socket->pcb = NULL;
    if (error != ERR_CLSD)
        socket->socket.error = error == ERR_RST && socket->state == TCP_CONNECTING
                                 ? ECONNREFUSED
                                 : -address_error(error);
    socket->state = TCP_OVER;
    socket->ended = true;
    socket_wake(&socket->socket);
}

void tcp_attach(struct tcp_socket *socket, struct tcp_pcb *pcb)
{
    socket->pcb = pcb;
    tcp_arg(pcb, socket);
    tcp_recv(pcb, on_received);
    tcp_sent(pcb, on_sent);
    tcp_err(pcb, on_error);
}

static void remember(struct tcp_socket *socket, const struct tcp_pcb *pcb)
{
    socket->state = TCP_CONNECTED;
    socket->here = pcb->local_ip;
    socket->there = pcb->remote_ip;
    socket->here_port = pcb->local_port;
    socket->there_port = pcb->remote_port;
}

err_t tcp_on_connected(void *with, struct tcp_pcb *pcb, err_t error)
{
    struct tcp_socket *socket = with;
    (void)error;
    remember(socket, pcb);
    socket_wake(&socket->socket);
    return ERR_OK;
}

static err_t on_accept(void *with, struct tcp_pcb *pcb, err_t error)
{
    struct tcp_socket *listener = with;
    if (error != ERR_OK || !pcb)
        return ERR_VAL;
    struct tcp_socket *socket = listener ? tcp_socket_get(listener->socket.domain) : NULL;
    if (!socket) {
        tcp_abort(pcb);
        return ERR_ABRT;
    }
    socket->socket.only_v6 = listener->socket.only_v6;
    socket->socket.reuse_address = listener->socket.reuse_address;
    socket->socket.keep_alive = listener->socket.keep_alive;
    socket->socket.linger = listener->socket.linger;
    socket->no_delay = listener->no_delay;
    socket->keep_idle = listener->keep_idle;
    socket->keep_interval = listener->keep_interval;
    socket->keep_count = listener->keep_count;
    tcp_attach(socket, pcb);
    tcp_apply_options(socket);
    tcp_backlog_delayed(pcb);
    remember(socket, pcb);
    list_add_last(&listener->pending, &socket->place);
    socket_wake(&listener->socket);
    return ERR_OK;
}

void tcp_listen_events(struct tcp_socket *socket)
{
    tcp_arg(socket->pcb, socket);
    tcp_accept(socket->pcb, on_accept);
}
