/* SPDX-License-Identifier: BSD-2-Clause */
/* Options of sockets. */
#include <sys/time.h>

#include "unix.h"

#define BUFFER_SIZE 212992
#define SECOND 1000000000u
#define MICROSECOND 1000u

static int read_timeout(uint64_t from, uint64_t size, uint64_t *timeout)
{
    struct timeval value;
    if (size < sizeof value)
        return -EINVAL;
    if (!copy_in(&value, from, sizeof value))
        return -EFAULT;
    if (value.tv_usec < 0 || value.tv_usec >= 1000000)
        return -EDOM;
    const uint64_t seconds = MIN((uint64_t)MAX(value.tv_sec, 0), UINT32_MAX);
    *timeout = seconds * SECOND + (uint64_t)value.tv_usec * MICROSECOND;
    return 0;
}

static int set_linger(struct socket *socket, uint64_t from, uint64_t size)
{
    struct linger value;
    if (size < sizeof value)
        return -EINVAL;
    if (!copy_in(&value, from, sizeof value))
        return -EFAULT;
    socket->linger = value.l_onoff;
    socket->linger_seconds = value.l_linger;
    return 0;
}

static int set_for_all(struct socket *socket, int name, int value)
{
    switch (name) {
    case SO_REUSEADDR:
        socket->reuse_address = value;
        break;
    case SO_KEEPALIVE:
        socket->keep_alive = value;
        break;
    case SO_BROADCAST:
        socket->broadcast = value;
        break;
    case SO_SNDBUF: /* The limits are what they are, as beyond Linux's own limits. */
    case SO_RCVBUF:
        return 0;
    default:
        return -ENOPROTOOPT;
    }
    return socket->operations->set_option(socket, SOL_SOCKET, name, value);
}

int64_t sys_setsockopt(const struct call *call)
{
    const int level = (int)call->a[1], name = (int)call->a[2];
    const uint32_t size = (uint32_t)call->a[4];
    struct socket *socket;
    struct file *file;
    int value;
    const int result = socket_find(call->a[0], &socket, &file);
    if (result)
        return result;
    if (level == SOL_SOCKET && name == SO_LINGER)
        return set_linger(socket, call->a[3], size);
    if (level == SOL_SOCKET && (name == SO_RCVTIMEO || name == SO_SNDTIMEO))
        return read_timeout(call->a[3], size,
                            name == SO_RCVTIMEO ? &socket->receive_timeout : &socket->send_timeout);
    if (size < sizeof value)
        return -EINVAL;
    if (!copy_in(&value, call->a[3], sizeof value))
        return -EFAULT;
    if (level == SOL_SOCKET)
        return set_for_all(socket, name, value);
    if (level == IPPROTO_IPV6 && name == IPV6_V6ONLY && socket->domain == AF_INET6) {
        socket->only_v6 = value;
        return 0;
    }
    return socket->operations->set_option(socket, level, name, value);
}

static int get_for_all(struct socket *socket, int name, int *value)
{
    switch (name) {
    case SO_ERROR:
        *value = -socket_take_error(socket);
        return 0;
    case SO_TYPE:
        *value = socket->type;
        return 0;
    case SO_DOMAIN:
        *value = socket->domain;
        return 0;
    case SO_PROTOCOL:
        *value = socket->protocol;
        return 0;
    case SO_ACCEPTCONN:
        *value = socket->listening;
        return 0;
    case SO_REUSEADDR:
        *value = socket->reuse_address;
        return 0;
    case SO_KEEPALIVE:
        *value = socket->keep_alive;
        return 0;
    case SO_BROADCAST:
        *value = socket->broadcast;
        return 0;
    case SO_SNDBUF:
    case SO_RCVBUF:
        *value = BUFFER_SIZE;
        return 0;
    default:
        return -ENOPROTOOPT;
    }
}

/* As much as there is room for, and how much that was. */
static int give(const struct call *call, const void *value, uint32_t size)
{
    int32_t room;
    if (!copy_in(&room, call->a[4], sizeof room))
        return -EFAULT;
    if (room < 0)
        return -EINVAL;
    size = MIN(size, (uint32_t)room);
    return copy_out(call->a[3], value, size) && copy_out(call->a[4], &size, sizeof size) ? 0
                                                                                         : -EFAULT;
}

int64_t sys_getsockopt(const struct call *call)
{
    const int level = (int)call->a[1], name = (int)call->a[2];
    struct socket *socket;
    struct file *file;
    int value, result = socket_find(call->a[0], &socket, &file);
    if (result)
        return result;
    if (level == SOL_SOCKET && name == SO_LINGER) {
        const struct linger linger = {socket->linger, socket->linger_seconds};
        return give(call, &linger, sizeof linger);
    }
    if (level == SOL_SOCKET && (name == SO_RCVTIMEO || name == SO_SNDTIMEO)) {
        const uint64_t timeout =
            name == SO_RCVTIMEO ? socket->receive_timeout : socket->send_timeout;
        const struct timeval time = {(time_t)(timeout / SECOND),
                                     (suseconds_t)(timeout % SECOND / MICROSECOND)};
        return give(call, &time, sizeof time);
    }
    if (level == SOL_SOCKET && name == SO_PEERCRED && socket->domain == AF_UNIX) {
        const struct ucred who = {.pid = unix_of(socket)->peer_id};
        return give(call, &who, sizeof who);
    }
    value = socket->only_v6;
    if (level == SOL_SOCKET)
        result = get_for_all(socket, name, &value);
    else if (level != IPPROTO_IPV6 || name != IPV6_V6ONLY || socket->domain != AF_INET6)
        result = socket->operations->get_option
                   ? socket->operations->get_option(socket, level, name, &value)
                   : -EOPNOTSUPP;
    return result ? result : give(call, &value, sizeof value);
}
