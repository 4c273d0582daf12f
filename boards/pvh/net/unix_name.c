/* SPDX-License-Identifier: BSD-2-Clause */
/* Names of sockets between programs: paths, and those that are in no file system. */
#include <fcntl.h>

#include "unix.h"

static struct list named = {&named, &named};

#define PATH_OFFSET offsetof(struct sockaddr_un, sun_path)

/* Whether the name is one; a path gets a NUL at its end. */
static int check(const struct socket_address *address, struct socket_address *name)
{
    if (address->size < PATH_OFFSET || address->size > sizeof(struct sockaddr_un) ||
        address->any.sa_family != AF_UNIX)
        return -EINVAL;
    *name = *address;
    if (address->size > PATH_OFFSET && address->un.sun_path[0]) {
        name->bytes[address->size] = '\0';
        name->size = (socklen_t)(PATH_OFFSET + strlen(name->bytes + PATH_OFFSET) + 1);
    }
    return 0;
}

static struct unix_socket *find_name(const struct socket_address *name)
{
    LIST_EACH(place, &named) {
        struct unix_socket *socket = LIST_ENTRY(place, struct unix_socket, named);
        if (!socket->node && socket->name.size == name->size &&
            memcmp(socket->name.un.sun_path, name->un.sun_path, name->size - PATH_OFFSET) == 0)
            return socket;
    }
    return NULL;
}

/* A name that nobody has: five hexadecimal digits, as Linux gives them. */
static int choose_name(struct socket_address *name)
{
    static uint32_t last;
    for (uint32_t tries = 0; tries < 0x100000; tries++) {
        last = (last + 1) & 0xfffff;
        name->un.sun_path[0] = '\0';
        snprintf(name->un.sun_path + 1, 6, "%05x", (unsigned)last);
        name->size = PATH_OFFSET + 6;
        if (!find_name(name))
            return 0;
    }
    return -ENOSPC;
}

static int make_node(const char *path, struct node **made)
{
    struct node *from, *directory;
    const char *name;
    size_t length;
    int result = path_start(AT_FDCWD, path, &from);
    if (!result)
        result = path_find_parent(from, path, &directory, &name, &length);
    if (result)
        return result;
    struct node *there;
    if (directory->operations->find &&
        directory->operations->find(directory, name, length, &there) == 0) {
        node_drop(there);
        result = -EADDRINUSE;
    } else {
        const mode_t mode = (mode_t)(S_IFSOCK | (0777 & ~program_current()->umask));
        result = directory->operations->make
                   ? directory->operations->make(directory, name, length, mode, made)
                   : -EROFS;
    }
    node_drop(directory);
    return result == -EEXIST ? -EADDRINUSE : result;
}

int unix_bind(struct socket *base, const struct socket_address *address)
{
    struct unix_socket *socket = unix_of(base);
    struct socket_address name;
    int result = check(address, &name);
    if (result || socket->name.size)
        return result ? result : -EINVAL;
    if (name.size == PATH_OFFSET)
        result = choose_name(&name);
    else if (name.un.sun_path[0])
        result = make_node(name.un.sun_path, &socket->node);
    else if (find_name(&name))
        result = -EADDRINUSE;
    if (result)
        return result;
    socket->name = name;
    list_add_last(&named, &socket->named);
    return 0;
}

void unix_unname(struct unix_socket *socket)
{
    list_remove(&socket->named);
    if (socket->node)
        node_drop(socket->node);
    socket->node = NULL;
}

static int find_path(const char *path, struct unix_socket **found)
{
    struct node *from, *node;
    int result = path_start(AT_FDCWD, path, &from);
    if (!result)
        result = path_find(from, path, PATH_FOLLOW, &node);
    if (result)
        return result;
    /* Whoever connects must be allowed to write. */
    result = node->kind == NODE_FILE && node->system->read_only ? -EROFS : -ECONNREFUSED;
    LIST_EACH(place, &named) {
        struct unix_socket *socket = LIST_ENTRY(place, struct unix_socket, named);
        if (socket->node == node) {
            *found = socket;
            result = 0;
        }
    }
    node_drop(node);
    return result;
}

int unix_find(const struct socket_address *address, int type, struct unix_socket **found)
{
    struct socket_address name;
    int result = check(address, &name);
    if (result || name.size == PATH_OFFSET)
        return result ? result : -ECONNREFUSED;
    *found = NULL;
    if (name.un.sun_path[0])
        result = find_path(name.un.sun_path, found);
    else
        *found = find_name(&name);
    if (result || !*found)
        return result ? result : -ECONNREFUSED;
    return (*found)->socket.type == type ? 0 : -EPROTOTYPE;
}

void unix_part(struct unix_socket *socket)
{
    list_remove(&socket->sender);
    if (socket->socket.type == SOCK_DGRAM)
        socket->other = NULL;
    socket_wake(&socket->socket);
}

void unix_wake_senders(struct unix_socket *socket)
{
    LIST_EACH(place, &socket->senders)
        socket_wake(&LIST_ENTRY(place, struct unix_socket, sender)->socket);
}
