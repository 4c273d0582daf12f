/* SPDX-License-Identifier: BSD-2-Clause */
/* A socket between programs: unix.c has what calls ask of it, unix_name.c its name. */
#ifndef RUMPRUN_UNIX_H
#define RUMPRUN_UNIX_H

#include "socket.h"

/* What was sent and is not read yet. */
struct unix_message {
    struct list place;
    size_t size, done;
    struct socket_address from;
    struct file *files[SOCKET_FILES];
    unsigned file_count;
    char bytes[];
};

struct unix_socket {
    struct socket socket;
    /* The other end; of datagrams, where they go if nothing else is said. */
    struct unix_socket *other;
    bool was_connected, ended, no_reads, no_writes;
    /* Somebody has been told that there is no room. */
    bool keeps_waiting;
    struct list messages;
    size_t waiting;
    /* Connections that nobody has accepted; and in whose list this one is. */
    struct list pending, place;
    unsigned pending_count, backlog;
    /* Sockets whose datagrams come here if nothing else is said; and in whose list this one is. */
    struct list senders, sender;
    /* Among all that have a name; the node in the tree, if it has one there. */
    struct list named;
    struct socket_address name;
    struct node *node;
    /* Whose socket it is, and who is at the other end. */
    int owner, peer_id;
};

static inline struct unix_socket *unix_of(struct socket *socket)
{
    return CONTAINER_OF(socket, struct unix_socket, socket);
}

/* unix.c */
struct unix_socket *unix_socket_get(int type);
void unix_join(struct unix_socket *one, struct unix_socket *other);

/* unix_name.c */
int unix_bind(struct socket *socket, const struct socket_address *address);
void unix_unname(struct unix_socket *socket);
/* The socket of that name and type; -ECONNREFUSED where nobody has it (any more). */
int unix_find(const struct socket_address *address, int type, struct unix_socket **found);
/* From now on, datagrams have no goal. */
void unix_part(struct unix_socket *socket);
/* Those whose datagrams come here: there is room. */
void unix_wake_senders(struct unix_socket *socket);

#endif
