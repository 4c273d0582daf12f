/* SPDX-License-Identifier: BSD-2-Clause */
/* TCP's options, which a socket may get before it has a connection. */
#include <netinet/tcp.h>

#undef TCP_MSS
#include "tcp.h"

/* What lwIP has where nobody says anything, in seconds. */
#define IDLE_DEFAULT 7200u
#define INTERVAL_DEFAULT 75u
#define COUNT_DEFAULT 9u
#define MOST_SECONDS 32767
#define MOST_COUNT 127

void tcp_apply_options(struct tcp_socket *socket)
{
    struct tcp_pcb *pcb = socket->pcb;
    if (!pcb)
        return;
    if (socket->socket.reuse_address)
        ip_set_option(pcb, SOF_REUSEADDR);
    else
        ip_reset_option(pcb, SOF_REUSEADDR);
    if (socket->socket.keep_alive)
        ip_set_option(pcb, SOF_KEEPALIVE);
    else
        ip_reset_option(pcb, SOF_KEEPALIVE);
    if (pcb->state == LISTEN)
        return;
    if (socket->no_delay)
        tcp_nagle_disable(pcb);
    else
        tcp_nagle_enable(pcb);
    pcb->keep_idle = (socket->keep_idle ? socket->keep_idle : IDLE_DEFAULT) * 1000;
    pcb->keep_intvl = (socket->keep_interval ? socket->keep_interval : INTERVAL_DEFAULT) * 1000;
    pcb->keep_cnt = socket->keep_count ? socket->keep_count : COUNT_DEFAULT;
}

static int set_number(unsigned *place, int value, int most)
{
    if (value < 1 || value > most)
        return -EINVAL;
    *place = (unsigned)value;
    return 0;
}

int tcp_set_option(struct socket *base, int level, int name, int value)
{
    struct tcp_socket *socket = tcp_of(base);
    int result = level == SOL_SOCKET || level == IPPROTO_TCP ? 0 : -ENOPROTOOPT;
    const bool was_corked = socket->corked;
    if (level == IPPROTO_TCP) {
        switch (name) {
        case TCP_NODELAY:
            socket->no_delay = value;
            break;
        case TCP_CORK:
            socket->corked = value;
            break;
        case TCP_KEEPIDLE:
            result = set_number(&socket->keep_idle, value, MOST_SECONDS);
            break;
        case TCP_KEEPINTVL:
            result = set_number(&socket->keep_interval, value, MOST_SECONDS);
            break;
        case TCP_KEEPCNT:
            result = set_number(&socket->keep_count, value, MOST_COUNT);
            break;
        default:
            result = -ENOPROTOOPT;
        }
    }
    tcp_apply_options(socket);
    if (socket->pcb && socket->state == TCP_CONNECTED &&
        (name == TCP_NODELAY || (was_corked && !socket->corked)))
        tcp_output(socket->pcb);
    return result;
}

int tcp_get_option(struct socket *base, int level, int name, int *value)
{
    const struct tcp_socket *socket = tcp_of(base);
    if (level != IPPROTO_TCP)
        return -ENOPROTOOPT;
    switch (name) {
    case TCP_NODELAY:
        *value = socket->no_delay;
        return 0;
    case TCP_CORK:
        *value = socket->corked;
        return 0;
    case TCP_MAXSEG:
        *value = socket->pcb && socket->state != TCP_LISTENING ? socket->pcb->mss : 536;
        return 0;
    case TCP_KEEPIDLE:
        *value = (int)(socket->keep_idle ? socket->keep_idle : IDLE_DEFAULT);
        return 0;
    case TCP_KEEPINTVL:
        *value = (int)(socket->keep_interval ? socket->keep_interval : INTERVAL_DEFAULT);
        return 0;
    case TCP_KEEPCNT:
        *value = (int)(socket->keep_count ? socket->keep_count : COUNT_DEFAULT);
        return 0;
    default:
        return -ENOPROTOOPT;
    }
}
