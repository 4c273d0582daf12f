/* SPDX-License-Identifier: BSD-2-Clause */
/* Sockets: what calls, files and the families (tcp.c, udp.c, unix.c) share. */
#ifndef RUMPRUN_SOCKET_H
#define RUMPRUN_SOCKET_H

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>

#include "call.h"
#include "file.h"
#include "net.h"

#define SOCKET_FILES 16

struct socket_address {
    socklen_t size;
    union {
        struct sockaddr any;
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
        struct sockaddr_un un;
        char bytes[128];
    };
};

/* What is sent or received at once. */
struct message {
    /* Addresses have been checked to be the program's. */
    const struct iovec *parts;
    size_t part_count;
    /* MSG_PEEK and so on; and what recvmsg says, such as MSG_TRUNC. */
    int flags, result_flags;
    /* How much of it is moved; where in the parts that is. */
    size_t size, done, part, offset;
    /* Where to, or where from. size 0: not given. */
    struct socket_address address;
    /* Files that go along (SCM_RIGHTS), each with a reference. */
    struct file *files[SOCKET_FILES];
    unsigned file_count;
};

struct socket;

/* All that may have to wait give -EAGAIN, and wake the socket's queue once it may be different. */
struct socket_operations {
    int (*bind)(struct socket *socket, const struct socket_address *address);
    int (*listen)(struct socket *socket, unsigned backlog);
    /* A socket, with its address as peer. */
    int (*accept)(struct socket *socket, struct socket **accepted);
    /* -EINPROGRESS: has begun. Called again: what became of it. */
    int (*connect)(struct socket *socket, const struct socket_address *address);
    /* May move a part only, and then be called again. */
    int64_t (*send)(struct socket *socket, struct message *message);
    int64_t (*receive)(struct socket *socket, struct message *message);
    int (*shutdown)(struct socket *socket, bool reads, bool writes);
    int (*name)(struct socket *socket, bool peer, struct socket_address *address);
    /* POLLIN and so on. */
    unsigned (*ready)(struct socket *socket);
    /* How many bytes can be read at once. */
    size_t (*waiting)(struct socket *socket);
    /* Below SOL_SOCKET: -ENOPROTOOPT where there is none of that name. Above: told of a change. */
    int (*set_option)(struct socket *socket, int level, int name, int value);
    int (*get_option)(struct socket *socket, int level, int name, int *value);
    void (*release)(struct socket *socket);
};

struct socket {
    const struct socket_operations *operations;
    int domain, type, protocol;
    /* What SO_ERROR and the next call give, as a positive number. */
    int error;
    bool listening;
    struct wait_queue queue;
    /* In nanoseconds; 0: for ever. */
    uint64_t receive_timeout, send_timeout;
    bool reuse_address, keep_alive, broadcast, only_v6, linger;
    int linger_seconds;
    /* The stream goes on to be sent as a whole, or a datagram. */
    bool is_stream;
};

/* Each makes one of its family, or gives NULL without memory. */
struct socket *tcp_socket_make(int domain);
struct socket *udp_socket_make(int domain);
struct socket *unix_socket_make(int type);
int unix_socket_pair(int type, struct socket **one, struct socket **other);

/* socket.c */

/* A descriptor of the current program for the socket, which is put back where there is none. */
int socket_descriptor(struct socket *socket, int flags);
/* -EBADF or -ENOTSOCK. The file stays the descriptor's. */
int socket_find(uint64_t descriptor, struct socket **socket, struct file **file);
void socket_put(struct socket *socket);
/* All of a message, waiting if the file and the flags let it. */
int64_t socket_send(struct socket *socket, struct message *message, bool wait);
int64_t socket_receive(struct socket *socket, struct message *message, bool wait);
/* The error that the socket has, once; as -errno. */
int socket_take_error(struct socket *socket);
static inline void socket_wake(struct socket *socket) { wait_wake_all(&socket->queue); }

/* ioctl.c */
int64_t socket_control(struct file *file, unsigned request, uint64_t argument);

/* message.c: moves bytes of the base to and from the program's parts; false: not there. */
bool message_put(struct message *message, const void *bytes, size_t size);
bool message_get(struct message *message, void *bytes, size_t size);

/* address.c: addresses of the internet. */

/* Of the socket's family, as lwIP has it; -errno. v4 in v6 becomes v4. */
int address_read(const struct socket *socket, const struct socket_address *address, ip_addr_t *ip,
                 uint16_t *port);
void address_write(const struct socket *socket, const ip_addr_t *ip, uint16_t port,
                   struct socket_address *address);
/* Whether one of our interfaces has it, or it stands for all. */
bool address_is_ours(const ip_addr_t *ip);
/* What lwIP says, as -errno. */
int address_error(err_t error);

#endif
