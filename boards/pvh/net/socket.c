/* SPDX-License-Identifier: BSD-2-Clause */
/* Sockets as open files, and how one waits for them. */
#include <fcntl.h>

#include "socket.h"

int socket_take_error(struct socket *socket)
{
    const int error = socket->error;
    socket->error = 0;
    return -error;
}

void socket_put(struct socket *socket)
{
    socket->operations->release(socket);
    net_settle();
}

static uint64_t deadline_of(uint64_t timeout)
{
    return timeout ? clock_now() + timeout : WAIT_FOR_EVER;
}

/* 0: try again. */
static int64_t wait_for(struct socket *socket, uint64_t deadline)
{
    const int result = wait_on(&socket->queue, deadline);
    return result == -ETIMEDOUT ? -EAGAIN : result;
}

int64_t socket_send(struct socket *socket, struct message *message, bool wait)
{
    const uint64_t deadline = deadline_of(socket->send_timeout);
    for (;;) {
        const size_t before = message->done;
        int64_t result = socket->operations->send(socket, message);
        net_settle();
        if (result >= 0 && message->done >= message->size)
            return (int64_t)message->done;
        if (result >= 0 && message->done > before)
            continue;
        if ((result == 0 || result == -EAGAIN) && wait)
            result = wait_for(socket, deadline);
        if (result < 0 || !wait)
            return message->done ? (int64_t)message->done : result ? result : -EAGAIN;
    }
}

int64_t socket_receive(struct socket *socket, struct message *message, bool wait)
{
    const uint64_t deadline = deadline_of(socket->receive_timeout);
    const bool all =
        socket->is_stream && message->flags & MSG_WAITALL && !(message->flags & MSG_PEEK);
    for (;;) {
        const size_t before = message->done;
        int64_t result = socket->operations->receive(socket, message);
        net_settle();
        const bool got = result >= 0 && message->done > before;
        if (got && (!all || message->done >= message->size))
            return result;
        if (result >= 0 && !got)
            return message->done ? (int64_t)message->done : result;
        if ((got || result == -EAGAIN) && wait)
            result = wait_for(socket, deadline);
        if (result < 0)
            return message->done ? (int64_t)message->done : result;
    }
}

static bool may_wait(const struct file *file) { return !(file->flags & O_NONBLOCK); }

static int64_t socket_read(struct file *file, void *bytes, size_t size, uint64_t *position)
{
    (void)position;
    const struct iovec part = {bytes, size};
    struct message message = {.parts = &part, .part_count = 1, .size = size};
    return size ? socket_receive(file->data, &message, may_wait(file)) : 0;
}

static int64_t socket_write(struct file *file, const void *bytes, size_t size, uint64_t *position)
{
    (void)position;
    const struct iovec part = {(void *)(uintptr_t)bytes, size};
    struct message message = {.parts = &part, .part_count = 1, .size = size};
    const int64_t result = socket_send(file->data, &message, may_wait(file));
    if (result == -EPIPE)
        signal_send_simple(program_current(), SIGPIPE, SI_USER);
    return result;
}

static unsigned socket_poll(struct file *file, struct poll_watch *watch)
{
    struct socket *socket = file->data;
    poll_add(watch, &socket->queue);
    return socket->operations->ready(socket) | (socket->error ? POLLERR : 0);
}

static int socket_facts(struct file *file, struct stat *facts)
{
    memset(facts, 0, sizeof *facts);
    facts->st_mode = S_IFSOCK | 0777;
    facts->st_nlink = 1;
    facts->st_blksize = PAGE_SIZE;
    facts->st_ino = (ino_t)((uintptr_t)file->data & 0xffffffff);
    return 0;
}

static void socket_release(struct file *file) { socket_put(file->data); }

static const struct file_operations operations = {
    .name = "socket",
    .read = socket_read,
    .write = socket_write,
    .poll = socket_poll,
    .control = socket_control,
    .facts = socket_facts,
    .release = socket_release,
};

int socket_descriptor(struct socket *socket, int flags)
{
    struct file *file =
        file_make(&operations, NULL, O_RDWR | (flags & SOCK_NONBLOCK ? O_NONBLOCK : 0), socket);
    if (!file) {
        socket_put(socket);
        return -ENOMEM;
    }
    const int number = descriptor_add(program_current(), file, 0, flags & SOCK_CLOEXEC);
    if (number < 0)
        file_drop(file);
    return number;
}

int socket_find(uint64_t descriptor, struct socket **socket, struct file **file)
{
    struct file *found = descriptor <= UINT32_MAX ? descriptor_file((unsigned)descriptor) : NULL;
    if (!found)
        return -EBADF;
    if (found->operations != &operations)
        return -ENOTSOCK;
    *socket = found->data;
    *file = found;
    return 0;
}
