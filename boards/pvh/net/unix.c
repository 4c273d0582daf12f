/* SPDX-License-Identifier: BSD-2-Clause */
/* Sockets between programs of the machine: streams, datagrams, and datagrams in order. */
#include "unix.h"

#include <fcntl.h>

/* What waits to be read, as Linux has it; a stream is cut into pieces. */
#define MOST_WAITING 212992u
#define PIECE 16384u
#define MOST_BACKLOG 4096u

static bool has_connections(const struct unix_socket *socket)
{
    return socket->socket.type != SOCK_DGRAM;
}

struct unix_message *unix_message_make(const struct unix_socket *from, struct message *message,
                                       size_t size)
{
    struct unix_message *made = heap_get(sizeof *made + size);
    if (!made)
        return NULL;
    made->size = size;
    made->from = from->name;
    made->file_count = message->file_count;
    for (unsigned i = 0; i < message->file_count; i++)
        made->files[i] = message->files[i];
    message->file_count = 0;
    return made;
}

void unix_forget_message(struct unix_message *message)
{
    while (message->file_count)
        file_drop(message->files[--message->file_count]);
    heap_put(message);
}

static size_t room_of(const struct unix_socket *socket)
{
    return socket->waiting < MOST_WAITING ? MOST_WAITING - socket->waiting : 0;
}

static int whom(struct unix_socket *socket, struct message *message, struct unix_socket **other)
{
    *other = socket->other;
    if (message->address.size && has_connections(socket))
        return *other ? -EISCONN : -EOPNOTSUPP;
    if (message->address.size)
        return unix_find(&message->address, SOCK_DGRAM, other);
    if (!*other)
        return socket->was_connected ? (has_connections(socket) ? -EPIPE : -ECONNREFUSED)
                                     : -ENOTCONN;
    return 0;
}

/* Whoever has no lasting goal, or no connection yet, is told when there is room there. */
static void hear_of_room(struct unix_socket *socket, struct unix_socket *other)
{
    if (list_empty(&socket->sender))
        list_add_last(&other->senders, &socket->sender);
}

static int64_t unix_send(struct socket *base, struct message *message)
{
    struct unix_socket *socket = unix_of(base), *other;
    const bool stream = base->type == SOCK_STREAM;
    if (base->error)
        return socket_take_error(base);
    const int found = whom(socket, message, &other);
    if (found)
        return found;
    if (socket->no_writes || other->no_reads)
        return -EPIPE;
    if (!stream && message->size > MOST_WAITING)
        return -EMSGSIZE;
    const size_t room = room_of(other), wanted = message->size - message->done;
    if (room == 0 || (!stream && room < wanted)) {
        other->keeps_waiting = true;
        hear_of_room(socket, other);
        return -EAGAIN;
    }
    const size_t size = stream ? MIN(MIN(room, wanted), PIECE) : wanted;
    if (stream && size == 0)
        return 0;
    struct unix_message *made = unix_message_make(socket, message, size);
    if (!made)
        return -ENOBUFS;
    const struct message before = *message;
    if (!message_get(message, made->bytes, size)) {
        *message = before;
        unix_forget_message(made);
        return -EFAULT;
    }
    list_add_last(&other->messages, &made->place);
    other->waiting += size;
    socket_wake(&other->socket);
    return (int64_t)size;
}

static void made_room(struct unix_socket *socket)
{
    if (!socket->keeps_waiting)
        return;
    socket->keeps_waiting = false;
    if (socket->other)
        socket_wake(&socket->other->socket);
    unix_wake_senders(socket);
}

/* Files go with the first byte that was sent with them. */
static void take_files(struct unix_message *from, struct message *message)
{
    BASE_ASSERT(message->file_count == 0 || from->file_count == 0);
    for (unsigned i = 0; i < from->file_count; i++)
        message->files[message->file_count++] = from->files[i];
    from->file_count = 0;
}

static bool take(struct unix_socket *socket, struct unix_message *from, struct message *message)
{
    const bool stream = socket->socket.type == SOCK_STREAM, peek = message->flags & MSG_PEEK;
    const size_t now = MIN(from->size - from->done, message->size - message->done);
    if (!message_put(message, from->bytes + from->done, now))
        return false;
    message->address = from->from;
    message->result_flags |= !stream && now < from->size ? MSG_TRUNC : 0;
    if (peek)
        return true;
    take_files(from, message);
    from->done += now;
    socket->waiting -= stream ? now : from->size;
    if (!stream || from->done == from->size) {
        list_remove(&from->place);
        unix_forget_message(from);
    }
    made_room(socket);
    return true;
}

static int64_t unix_receive(struct socket *base, struct message *message)
{
    struct unix_socket *socket = unix_of(base);
    const size_t before = message->done;
    if (base->listening || (has_connections(socket) && !socket->other && !socket->was_connected))
        return base->listening ? -EINVAL : -ENOTCONN;
    if (list_empty(&socket->messages)) {
        if (base->error)
            return socket_take_error(base);
        return socket->no_reads || socket->ended ? 0 : -EAGAIN;
    }
    LIST_EACH(place, &socket->messages) {
        struct unix_message *from = LIST_ENTRY(place, struct unix_message, place);
        const size_t size = from->size;
        const bool had_files = from->file_count && message->done > before;
        if (had_files)
            break;
        if (!take(socket, from, message))
            return message->done > before ? (int64_t)(message->done - before) : -EFAULT;
        if (base->type != SOCK_STREAM)
            return (int64_t)(message->flags & MSG_TRUNC ? size : message->done);
        if (message->done == message->size || message->file_count)
            break;
    }
    return (int64_t)(message->done - before);
}

static int unix_shutdown(struct socket *base, bool reads, bool writes)
{
    struct unix_socket *socket = unix_of(base), *other = socket->other;
    if (!other && has_connections(socket) && !socket->was_connected)
        return -ENOTCONN;
    socket->no_reads |= reads;
    socket->no_writes |= writes;
    if (other && has_connections(socket)) {
        other->ended |= writes;
        other->no_writes |= reads;
        socket_wake(&other->socket);
    }
    socket_wake(base);
    return 0;
}

static unsigned unix_ready(struct socket *base)
{
    const struct unix_socket *socket = unix_of(base);
    unsigned ready = 0;
    if (base->listening)
        return list_empty(&socket->pending) ? 0 : POLLIN | POLLRDNORM;
    if (!list_empty(&socket->messages) || socket->no_reads || socket->ended)
        ready |= POLLIN | POLLRDNORM;
    if (socket->no_reads || socket->ended)
        ready |= POLLRDHUP;
    if (has_connections(socket) && ((socket->ended && socket->no_writes) || !socket->other))
        ready |= POLLHUP;
    if (!socket->other || room_of(socket->other) >= MOST_WAITING / 4)
        return ready | POLLOUT | POLLWRNORM;
    socket->other->keeps_waiting = true;
    return ready;
}

static size_t unix_waiting(struct socket *base)
{
    const struct unix_socket *socket = unix_of(base);
    if (base->type == SOCK_STREAM || list_empty(&socket->messages))
        return socket->waiting;
    return LIST_ENTRY(socket->messages.next, struct unix_message, place)->size;
}

static int unix_listen(struct socket *base, unsigned backlog)
{
    struct unix_socket *socket = unix_of(base);
    if (!has_connections(socket))
        return -EOPNOTSUPP;
    if (!socket->name.size || socket->other)
        return -EINVAL;
    base->listening = true;
    socket->backlog = MIN(MAX(backlog, 1u), MOST_BACKLOG);
    return 0;
}

static int unix_accept(struct socket *base, struct socket **accepted)
{
    struct unix_socket *socket = unix_of(base);
    if (!base->listening)
        return -EINVAL;
    if (list_empty(&socket->pending))
        return -EAGAIN;
    struct unix_socket *first = LIST_ENTRY(socket->pending.next, struct unix_socket, place);
    list_remove(&first->place);
    socket->pending_count--;
    unix_wake_senders(socket);
    *accepted = &first->socket;
    return 0;
}

void unix_join(struct unix_socket *one, struct unix_socket *other)
{
    one->other = other;
    one->was_connected = true;
    one->peer_id = program_current()->id;
}

static int unix_connect(struct socket *base, const struct socket_address *address)
{
    struct unix_socket *socket = unix_of(base), *other;
    if (!has_connections(socket) && address->size >= sizeof(sa_family_t) &&
        address->any.sa_family == AF_UNSPEC) {
        unix_part(socket);
        return 0;
    }
    if (has_connections(socket) && (socket->other || base->listening))
        return base->listening ? -EINVAL : -EISCONN;
    const int result = unix_find(address, base->type, &other);
    if (result)
        return result;
    if (!has_connections(socket)) {
        unix_part(socket);
        unix_join(socket, other);
        list_add_last(&other->senders, &socket->sender);
        return 0;
    }
    if (!other->socket.listening)
        return -ECONNREFUSED;
    if (other->pending_count >= other->backlog) {
        hear_of_room(socket, other);
        return -EAGAIN;
    }
    list_remove(&socket->sender);
    struct unix_socket *far = unix_socket_get(base->type);
    if (!far)
        return -ENOBUFS;
    far->name = other->name;
    unix_join(socket, far);
    socket->peer_id = other->owner;
    unix_join(far, socket);
    list_add_last(&other->pending, &far->place);
    other->pending_count++;
    socket_wake(&other->socket);
    return 0;
}

static int unix_name(struct socket *base, bool peer, struct socket_address *address)
{
    const struct unix_socket *socket = unix_of(base);
    if (peer && !socket->other)
        return -ENOTCONN;
    *address = peer ? socket->other->name : socket->name;
    if (!address->size)
        address->size = sizeof(sa_family_t);
    address->any.sa_family = AF_UNIX;
    return 0;
}

static int unix_set_option(struct socket *socket, int level, int name, int value)
{
    (void)socket;
    (void)name;
    (void)value;
    return level == SOL_SOCKET ? 0 : -EOPNOTSUPP;
}

static void unix_release(struct socket *base)
{
    struct unix_socket *socket = unix_of(base), *other = socket->other;
    LIST_EACH(place, &socket->pending) {
        unix_release(&LIST_ENTRY(place, struct unix_socket, place)->socket);
    }
    const bool unread = !list_empty(&socket->messages);
    LIST_EACH(place, &socket->messages) {
        list_remove(place);
        unix_forget_message(LIST_ENTRY(place, struct unix_message, place));
    }
    if (other && has_connections(socket)) {
        other->socket.error = unread ? ECONNRESET : other->socket.error;
        other->ended = other->no_writes = true;
        other->other = NULL;
        socket_wake(&other->socket);
    }
    list_remove(&socket->sender);
    LIST_EACH(place, &socket->senders)
        unix_part(LIST_ENTRY(place, struct unix_socket, sender));
    unix_unname(socket);
    list_remove(&socket->place);
    heap_put(socket);
}

static const struct socket_operations operations = {
    .bind = unix_bind,
    .listen = unix_listen,
    .accept = unix_accept,
    .connect = unix_connect,
    .send = unix_send,
    .receive = unix_receive,
    .shutdown = unix_shutdown,
    .name = unix_name,
    .ready = unix_ready,
    .waiting = unix_waiting,
    .set_option = unix_set_option,
    .release = unix_release,
};

struct unix_socket *unix_socket_get(int type)
{
    struct unix_socket *socket = heap_get(sizeof *socket);
    if (!socket)
        return NULL;
    socket->socket = (struct socket){.operations = &operations,
                                     .domain = AF_UNIX,
                                     .type = type,
                                     .is_stream = type == SOCK_STREAM};
    socket->owner = program_current()->id;
    list_begin(&socket->messages);
    list_begin(&socket->pending);
    list_begin(&socket->place);
    list_begin(&socket->senders);
    list_begin(&socket->sender);
    list_begin(&socket->named);
    return socket;
}

struct socket *unix_socket_make(int type)
{
    struct unix_socket *socket = unix_socket_get(type);
    return socket ? &socket->socket : NULL;
}

int unix_socket_pair(int type, struct socket **one, struct socket **other)
{
    if (type != SOCK_STREAM && type != SOCK_DGRAM && type != SOCK_SEQPACKET)
        return -ESOCKTNOSUPPORT;
    struct unix_socket *first = unix_socket_get(type), *second = unix_socket_get(type);
    if (!first || !second) {
        heap_put(first);
        heap_put(second);
        return -ENOMEM;
    }
    unix_join(first, second);
    unix_join(second, first);
    if (type == SOCK_DGRAM) {
        list_add_last(&second->senders, &first->sender);
        list_add_last(&first->senders, &second->sender);
    }
    *one = &first->socket;
    *other = &second->socket;
    return 0;
}
