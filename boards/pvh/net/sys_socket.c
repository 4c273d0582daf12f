/* SPDX-License-Identifier: BSD-2-Clause */
/* System calls that make and join sockets. */
#include <fcntl.h>

#include "socket.h"

#define TYPE_MASK 0xf
#define MAKING_FLAGS (SOCK_NONBLOCK | SOCK_CLOEXEC)
#define MOST_BACKLOG 4096

static int make(int domain, int type, int protocol, struct socket **made)
{
    *made = NULL;
    if (domain == AF_UNIX && protocol == 0 &&
        (type == SOCK_STREAM || type == SOCK_DGRAM || type == SOCK_SEQPACKET))
        *made = unix_socket_make(type);
    else if (domain == AF_UNIX)
        return protocol ? -EPROTONOSUPPORT : -ESOCKTNOSUPPORT;
    else if (domain != AF_INET && domain != AF_INET6)
        return -EAFNOSUPPORT;
    else if (type == SOCK_STREAM && (protocol == 0 || protocol == IPPROTO_TCP))
        *made = tcp_socket_make(domain);
    else if (type == SOCK_DGRAM && (protocol == 0 || protocol == IPPROTO_UDP))
        *made = udp_socket_make(domain);
    else
        return type == SOCK_STREAM || type == SOCK_DGRAM ? -EPROTONOSUPPORT : -ESOCKTNOSUPPORT;
    return *made ? 0 : -ENOBUFS;
}

int64_t sys_socket(const struct call *call)
{
    const int type = (int)call->a[1];
    struct socket *socket;
    if (type & ~(TYPE_MASK | MAKING_FLAGS))
        return -EINVAL;
    const int result = make((int)call->a[0], type & TYPE_MASK, (int)call->a[2], &socket);
    return result ? result : socket_descriptor(socket, type);
}

int64_t sys_socketpair(const struct call *call)
{
    const int type = (int)call->a[1];
    struct socket *sockets[2];
    int numbers[2];
    if (type & ~(TYPE_MASK | MAKING_FLAGS))
        return -EINVAL;
    if ((int)call->a[0] != AF_UNIX)
        return (int)call->a[0] == AF_INET || (int)call->a[0] == AF_INET6 ? -EOPNOTSUPP
                                                                         : -EAFNOSUPPORT;
    const int result = unix_socket_pair(type & TYPE_MASK, &sockets[0], &sockets[1]);
    if (result)
        return result;
    numbers[0] = socket_descriptor(sockets[0], type);
    if (numbers[0] < 0) {
        socket_put(sockets[1]);
        return numbers[0];
    }
    numbers[1] = socket_descriptor(sockets[1], type);
    const int error = numbers[1] < 0                                ? numbers[1]
                    : copy_out(call->a[3], numbers, sizeof numbers) ? 0
                                                                    : -EFAULT;
    if (!error)
        return 0;
    descriptor_close(program_current(), (unsigned)numbers[0]);
    if (numbers[1] >= 0)
        descriptor_close(program_current(), (unsigned)numbers[1]);
    return error;
}

static int read_address(uint64_t from, uint64_t size, struct socket_address *address)
{
    memset(address, 0, sizeof *address);
    if (size > sizeof address->bytes)
        return -EINVAL;
    address->size = (socklen_t)size;
    return copy_in(address->bytes, from, size) ? 0 : -EFAULT;
}

/* As much as there is room for; the size says how much there would be. */
static int write_address(uint64_t to, uint64_t size_at, const struct socket_address *address)
{
    socklen_t room;
    if (!copy_in(&room, size_at, sizeof room))
        return -EFAULT;
    if ((int)room < 0)
        return -EINVAL;
    return copy_out(to, address->bytes, MIN(room, address->size)) &&
                   copy_out(size_at, &address->size, sizeof address->size)
             ? 0
             : -EFAULT;
}

int64_t sys_bind(const struct call *call)
{
    struct socket_address address;
    struct socket *socket;
    struct file *file;
    int result = socket_find(call->a[0], &socket, &file);
    if (!result)
        result = read_address(call->a[1], (uint32_t)call->a[2], &address);
    return result ? result : socket->operations->bind(socket, &address);
}

int64_t sys_listen(const struct call *call)
{
    struct socket *socket;
    struct file *file;
    const int result = socket_find(call->a[0], &socket, &file);
    if (result)
        return result;
    const int backlog = (int)call->a[1];
    return socket->operations->listen
             ? socket->operations->listen(socket, (unsigned)(backlog < 0 ? MOST_BACKLOG : backlog))
             : -EOPNOTSUPP;
}

static int64_t accept_one(const struct call *call, int flags)
{
    struct socket *socket, *accepted;
    struct socket_address address;
    struct file *file;
    int result = socket_find(call->a[0], &socket, &file);
    if (result || flags & ~MAKING_FLAGS)
        return result ? result : -EINVAL;
    if (!socket->operations->accept)
        return -EOPNOTSUPP;
    const uint64_t deadline =
        socket->receive_timeout ? clock_now() + socket->receive_timeout : WAIT_FOR_EVER;
    file_share(file);
    while ((result = socket->operations->accept(socket, &accepted)) == -EAGAIN &&
           !(file->flags & O_NONBLOCK)) {
        const int waited = wait_on(&socket->queue, deadline);
        if (waited == 0)
            continue;
        result = waited == -ETIMEDOUT ? -EAGAIN : waited;
        break;
    }
    file_drop(file);
    if (result)
        return result;
    if (call->a[1]) {
        result = accepted->operations->name(accepted, true, &address) ? -ECONNABORTED : 0;
        if (!result)
            result = write_address(call->a[1], call->a[2], &address);
    }
    if (result) {
        socket_put(accepted);
        return result;
    }
    return socket_descriptor(accepted, flags);
}

int64_t sys_accept(const struct call *call) { return accept_one(call, 0); }
int64_t sys_accept4(const struct call *call) { return accept_one(call, (int)call->a[3]); }

/* What became of what has begun. */
static int await_connection(struct socket *socket, const struct socket_address *address, int result)
{
    const uint64_t deadline =
        socket->send_timeout ? clock_now() + socket->send_timeout : WAIT_FOR_EVER;
    while (result == -EINPROGRESS || result == -EALREADY || result == -EAGAIN) {
        if (result != -EAGAIN && (socket->error || socket->operations->ready(socket)))
            return socket_take_error(socket);
        const int waited = wait_on(&socket->queue, deadline);
        if (waited)
            return waited == -ETIMEDOUT ? -EINPROGRESS : waited;
        if (result == -EAGAIN)
            result = socket->operations->connect(socket, address);
    }
    return result;
}

int64_t sys_connect(const struct call *call)
{
    struct socket_address address;
    struct socket *socket;
    struct file *file;
    int result = socket_find(call->a[0], &socket, &file);
    if (!result)
        result = read_address(call->a[1], (uint32_t)call->a[2], &address);
    if (result)
        return result;
    file_share(file);
    result = socket->operations->connect(socket, &address);
    net_settle();
    if (!(file->flags & O_NONBLOCK))
        result = await_connection(socket, &address, result);
    file_drop(file);
    return result;
}

int64_t sys_shutdown(const struct call *call)
{
    struct socket *socket;
    struct file *file;
    const int how = (int)call->a[1], result = socket_find(call->a[0], &socket, &file);
    if (result || how < SHUT_RD || how > SHUT_RDWR)
        return result ? result : -EINVAL;
    const int done = socket->operations->shutdown(socket, how != SHUT_WR, how != SHUT_RD);
    net_settle();
    return done;
}

static int64_t name(const struct call *call, bool peer)
{
    struct socket_address address;
    struct socket *socket;
    struct file *file;
    int result = socket_find(call->a[0], &socket, &file);
    if (!result)
        result = socket->operations->name(socket, peer, &address);
    return result ? result : write_address(call->a[1], call->a[2], &address);
}

int64_t sys_getsockname(const struct call *call) { return name(call, false); }
int64_t sys_getpeername(const struct call *call) { return name(call, true); }
