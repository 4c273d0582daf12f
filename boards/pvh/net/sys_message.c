/* SPDX-License-Identifier: BSD-2-Clause */
/* System calls that send and receive, and what goes along with a message. */
#include <fcntl.h>
#include <time.h>

#include "socket.h"

/* Behind memory.h: the C library has a PAGE_SIZE of its own. */
#include <limits.h>

/* As many as most programs use, on the stack; more than that come from the heap. */
#define FEW_PARTS 8

/* The kernel's idea of struct msghdr, whose sizes are of 64 bits without musl's padding. */
struct header {
    uint64_t name;
    uint32_t name_size, zero;
    uint64_t parts, part_count;
    uint64_t control, control_size;
    int flags;
    uint32_t zero_too;
};

struct many {
    struct header header;
    uint32_t size, zero;
};

static bool may_wait(const struct file *file, const struct message *message)
{
    return !(file->flags & O_NONBLOCK) && !(message->flags & MSG_DONTWAIT);
}

static void drop_files(struct message *message)
{
    while (message->file_count)
        file_drop(message->files[--message->file_count]);
}

/* The parts of a message, read once; *parts may have to be put back by heap_put. */
static int read_parts(const struct header *header, struct message *message,
                      struct iovec few[FEW_PARTS], struct iovec **more)
{
    *more = NULL;
    if (header->part_count > IOV_MAX)
        return -EMSGSIZE;
    struct iovec *parts = few;
    const size_t size = header->part_count * sizeof *parts;
    if (header->part_count > FEW_PARTS)
        parts = *more = heap_get(size);
    if (!parts)
        return -ENOMEM;
    if (!copy_in(parts, header->parts, size))
        return -EFAULT;
    for (uint64_t i = 0; i < header->part_count; i++) {
        if (!program_range((uint64_t)(uintptr_t)parts[i].iov_base, parts[i].iov_len))
            return -EFAULT;
        message->size += parts[i].iov_len;
    }
    message->parts = parts;
    message->part_count = header->part_count;
    return message->size > (size_t)INT_MAX ? -EMSGSIZE : 0;
}

static int read_address(uint64_t from, uint32_t size, struct socket_address *address)
{
    if (size > sizeof address->bytes)
        return -EINVAL;
    address->size = from ? size : 0;
    return !from || copy_in(address->bytes, from, size) ? 0 : -EFAULT;
}

static int add_files(uint64_t numbers, size_t count, struct message *message)
{
    for (size_t i = 0; i < count; i++) {
        int number;
        if (message->file_count == SOCKET_FILES)
            return -EINVAL;
        if (!copy_in(&number, numbers + i * sizeof number, sizeof number))
            return -EFAULT;
        struct file *file = number < 0 ? NULL : descriptor_file((unsigned)number);
        if (!file)
            return -EBADF;
        message->files[message->file_count++] = file_share(file);
    }
    return 0;
}

/* What goes along: files. */
static int read_control(const struct header *header, struct message *message)
{
    uint64_t at = header->control;
    uint64_t left = header->control_size;
    while (left >= sizeof(struct cmsghdr)) {
        struct cmsghdr control;
        if (!copy_in(&control, at, sizeof control))
            return -EFAULT;
        if (control.cmsg_len < sizeof control || control.cmsg_len > left)
            return -EINVAL;
        if (control.cmsg_level != SOL_SOCKET || control.cmsg_type != SCM_RIGHTS)
            return -EINVAL;
        const int result = add_files(at + sizeof control,
                                     (control.cmsg_len - sizeof control) / sizeof(int), message);
        if (result)
            return result;
        const uint64_t step = round_up(control.cmsg_len, sizeof(uint64_t));
        at += step;
        left -= MIN(step, left);
    }
    return 0;
}

/* Descriptors for the files that came along, as far as there is room. */
static int write_control(struct header *header, struct message *message)
{
    int numbers[SOCKET_FILES];
    unsigned count = 0;
    const uint64_t room = header->control_size;
    const size_t most =
        room < sizeof(struct cmsghdr) ? 0 : (room - sizeof(struct cmsghdr)) / sizeof(int);
    header->control_size = 0;
    while (count < message->file_count && count < most) {
        const bool close = message->flags & MSG_CMSG_CLOEXEC;
        const int number =
            descriptor_add(program_current(), file_share(message->files[count]), 0, close);
        if (number < 0) {
            file_drop(message->files[count]);
            break;
        }
        numbers[count++] = number;
    }
    header->flags |= count < message->file_count ? MSG_CTRUNC : 0;
    drop_files(message);
    if (count == 0)
        return 0;
    const struct cmsghdr control = {.cmsg_len = (socklen_t)(sizeof control + count * sizeof(int)),
                                    .cmsg_level = SOL_SOCKET,
                                    .cmsg_type = SCM_RIGHTS};
    header->control_size = MIN(round_up(control.cmsg_len, sizeof(uint64_t)), room);
    return copy_out(header->control, &control, sizeof control) &&
                   copy_out(header->control + sizeof control, numbers, count * sizeof(int))
             ? 0
             : -EFAULT;
}

static int64_t send_on(struct socket *socket, struct file *file, struct message *message)
{
    if (message->flags & MSG_OOB)
        return -EOPNOTSUPP;
    file_share(file);
    const int64_t result = socket_send(socket, message, may_wait(file, message));
    file_drop(file);
    if (result == -EPIPE && !(message->flags & MSG_NOSIGNAL) && socket->type != SOCK_DGRAM)
        signal_send_simple(program_current(), SIGPIPE, SI_USER);
    return result;
}

static int64_t receive_on(struct socket *socket, struct file *file, struct message *message)
{
    if (message->flags & MSG_OOB)
        return -EINVAL;
    file_share(file);
    const int64_t result = socket_receive(socket, message, may_wait(file, message));
    file_drop(file);
    return result;
}

int64_t sys_sendto(const struct call *call)
{
    struct iovec part = {(void *)(uintptr_t)call->a[1], MIN(call->a[2], (uint64_t)INT_MAX)};
    struct message message = {
        .parts = &part, .part_count = 1, .size = part.iov_len, .flags = (int)call->a[3]};
    struct socket *socket;
    struct file *file;
    int result = socket_find(call->a[0], &socket, &file);
    if (!result && !program_range(call->a[1], part.iov_len))
        result = -EFAULT;
    if (!result)
        result = read_address(call->a[4], (uint32_t)call->a[5], &message.address);
    return result ? result : send_on(socket, file, &message);
}

/* Its address where the program asked for one: as much as there is room for. */
static int write_name(uint64_t to, uint32_t *room, const struct socket_address *address)
{
    if (to && !copy_out(to, address->bytes, MIN(*room, address->size)))
        return -EFAULT;
    *room = address->size;
    return 0;
}

int64_t sys_recvfrom(const struct call *call)
{
    struct iovec part = {(void *)(uintptr_t)call->a[1], MIN(call->a[2], (uint64_t)INT_MAX)};
    struct message message = {
        .parts = &part, .part_count = 1, .size = part.iov_len, .flags = (int)call->a[3]};
    struct socket *socket;
    struct file *file;
    uint32_t room = 0;
    const int found = socket_find(call->a[0], &socket, &file);
    if (found)
        return found;
    if (!program_range(call->a[1], part.iov_len) ||
        (call->a[4] && !copy_in(&room, call->a[5], sizeof room)))
        return -EFAULT;
    const int64_t result = receive_on(socket, file, &message);
    drop_files(&message);
    if (result < 0 || !call->a[4])
        return result;
    const int error = write_name(call->a[4], &room, &message.address);
    return error ? error : copy_out(call->a[5], &room, sizeof room) ? result : -EFAULT;
}

static int64_t send_header(struct socket *socket, struct file *file, const struct header *header,
                           int flags)
{
    struct iovec few[FEW_PARTS], *more;
    struct message message = {.flags = flags};
    int64_t result = read_parts(header, &message, few, &more);
    if (!result)
        result = read_address(header->name, header->name_size, &message.address);
    if (!result && header->control)
        result = read_control(header, &message);
    if (!result)
        result = send_on(socket, file, &message);
    drop_files(&message);
    heap_put(more);
    return result;
}

static int64_t receive_header(struct socket *socket, struct file *file, struct header *header,
                              int flags)
{
    struct iovec few[FEW_PARTS], *more;
    struct message message = {.flags = flags};
    int64_t result = read_parts(header, &message, few, &more);
    if (!result)
        result = receive_on(socket, file, &message);
    heap_put(more);
    if (result < 0)
        return result;
    header->flags = message.result_flags | (flags & MSG_CMSG_CLOEXEC);
    int error = write_name(header->name, &header->name_size, &message.address);
    const int other = write_control(header, &message);
    error = error ? error : other;
    return error ? error : result;
}

static int64_t one_header(const struct call *call, bool send)
{
    struct header header;
    struct socket *socket;
    struct file *file;
    const int found = socket_find(call->a[0], &socket, &file);
    if (found)
        return found;
    if (!copy_in(&header, call->a[1], sizeof header))
        return -EFAULT;
    if (send)
        return send_header(socket, file, &header, (int)call->a[2]);
    const int64_t result = receive_header(socket, file, &header, (int)call->a[2]);
    return result < 0 || copy_out(call->a[1], &header, sizeof header) ? result : -EFAULT;
}

int64_t sys_sendmsg(const struct call *call) { return one_header(call, true); }
int64_t sys_recvmsg(const struct call *call) { return one_header(call, false); }

/* Several: how many went before the first that did not. */
static int64_t many_headers(const struct call *call, bool send, uint64_t deadline)
{
    struct socket *socket;
    struct file *file;
    int flags = (int)call->a[3];
    int64_t result = socket_find(call->a[0], &socket, &file);
    uint32_t count = 0;
    for (; !result && count < MIN((uint32_t)call->a[2], (uint32_t)IOV_MAX); count++) {
        struct many many;
        if (count && clock_now() >= deadline)
            break;
        const uint64_t place = call->a[1] + count * sizeof many;
        if (!copy_in(&many, place, sizeof many))
            result = -EFAULT;
        else
            result = send ? send_header(socket, file, &many.header, flags)
                          : receive_header(socket, file, &many.header, flags & ~MSG_WAITFORONE);
        if (result < 0)
            break;
        many.size = (uint32_t)result;
        result = copy_out(place, &many, sizeof many) ? 0 : -EFAULT;
        flags |= !send && flags & MSG_WAITFORONE ? MSG_DONTWAIT : 0;
    }
    return count ? (int64_t)count : result;
}

int64_t sys_sendmmsg(const struct call *call) { return many_headers(call, true, WAIT_FOR_EVER); }

int64_t sys_recvmmsg(const struct call *call)
{
    struct timespec most;
    if (!call->a[4])
        return many_headers(call, false, WAIT_FOR_EVER);
    if (!copy_in(&most, call->a[4], sizeof most))
        return -EFAULT;
    if (most.tv_sec < 0 || most.tv_nsec < 0 || most.tv_nsec >= 1000000000)
        return -EINVAL;
    const uint64_t seconds = MIN((uint64_t)most.tv_sec, UINT32_MAX);
    return many_headers(call, false, clock_now() + seconds * 1000000000 + (uint64_t)most.tv_nsec);
}
