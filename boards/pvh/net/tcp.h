/* SPDX-License-Identifier: BSD-2-Clause */
/* A TCP socket: tcp.c has what calls ask of it, tcp_events.c what lwIP tells. */
#ifndef RUMPRUN_TCP_H
#define RUMPRUN_TCP_H

#include "socket.h"

#include <lwip/tcp.h>

enum tcp_socket_state { TCP_FRESH, TCP_CONNECTING, TCP_CONNECTED, TCP_LISTENING, TCP_OVER };

struct tcp_socket {
    struct socket socket;
    enum tcp_socket_state state;
    /* NULL once lwIP has let go of it. */
    struct tcp_pcb *pcb;
    /* What has come in: a chain whose tot_len means nothing, as it may be longer than that can say.
     */
    struct pbuf *first, *last;
    size_t waiting;
    /* The other side sends no more; this side reads, or writes, no more; nothing to send for now.
     */
    bool ended, no_reads, no_writes, full, corked, no_delay;
    ip_addr_t here, there;
    uint16_t here_port, there_port;
    unsigned keep_idle, keep_interval, keep_count;
    /* Connections that nobody has accepted; and in whose list this one is. */
    struct list pending, place;
};

static inline struct tcp_socket *tcp_of(struct socket *socket)
{
    return CONTAINER_OF(socket, struct tcp_socket, socket);
}

/* tcp.c: without a connection yet. */
struct tcp_socket *tcp_socket_get(int domain);

/* tcp_events.c */

/* lwIP tells this socket what happens to its connection. */
void tcp_attach(struct tcp_socket *socket, struct tcp_pcb *pcb);
/* What happens from now on to the connection is nobody's business. */
struct tcp_pcb *tcp_detach(struct tcp_socket *socket);
void tcp_listen_events(struct tcp_socket *socket);
err_t tcp_on_connected(void *with, struct tcp_pcb *pcb, err_t error);
/* Puts back what has come in. */
void tcp_forget_received(struct tcp_socket *socket);

/* tcp_options.c */
void tcp_apply_options(struct tcp_socket *socket);
int tcp_set_option(struct socket *socket, int level, int name, int value);
int tcp_get_option(struct socket *socket, int level, int name, int *value);

#endif
