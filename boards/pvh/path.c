/* SPDX-License-Identifier: BSD-2-Clause */
/* Paths: from names to nodes, and back. */
#include <errno.h>
#include <fcntl.h>

#include "file.h"

#define MOST_LINKS 40u
/* For walk_last: the last component is to be made if it is not there. */
#define PATH_MAKE 4u

struct node *path_root;

/* On the way along a path. */
struct walk {
    /* The directory in which the current component is, with a reference. */
    struct node *at;
    const char *name;
    size_t length;
    /* Behind the component and its slashes, if it has some. */
    const char *rest;
    bool slash;
    /* What a link led to, if one did: name and rest are in it. */
    char *text;
    unsigned links;
};

static int walk_begin(struct walk *walk, struct node *from, const char *path)
{
    if (strnlen(path, PATH_LONGEST) == PATH_LONGEST)
        return -ENAMETOOLONG;
    if (!*path)
        return -ENOENT;
    *walk = (struct walk){.at = node_share(*path == '/' ? path_root : from), .rest = path};
    return 0;
}

static void walk_end(struct walk *walk)
{
    node_drop(walk->at);
    heap_put(walk->text);
}

static void take_component(struct walk *walk)
{
    const char *next = walk->rest;
    while (*next == '/')
        next++;
    walk->name = next;
    while (*next && *next != '/')
        next++;
    walk->length = (size_t)(next - walk->name);
    walk->slash = *next == '/';
    while (*next == '/')
        next++;
    walk->rest = next;
}

/* Where a file system's root is mounted; other nodes are where they are. */
static struct node *uncovered(struct node *node)
{
    while (node == node->system->root && node->system->covered)
        node = node->system->covered;
    return node;
}

bool path_is_gone(struct node *directory)
{
    struct stat facts;
    return node_facts(directory, &facts) == 0 && facts.st_nlink == 0;
}

int path_entry(struct node *directory, const char *name, size_t length, struct node **found)
{
    if (length > PATH_NAME_LONGEST)
        return path_is_gone(directory) ? -ENOENT : -ENAMETOOLONG;
    return directory->operations->find(directory, name, length, found);
}

/* Whether the component is so many dots. None are a path's without a component. */
static bool is_dots(const struct walk *walk, size_t count)
{
    return walk->length == count && memcmp(walk->name, "..", count) == 0;
}

static int find_component(const struct walk *walk, struct node **found)
{
    struct node *const at = walk->at;
    struct node *node = NULL;
    if (is_dots(walk, 0) || is_dots(walk, 1)) {
        *found = node_share(at);
        return 0;
    }
    if (is_dots(walk, 2)) {
        node = node_share(uncovered(at)->parent);
    } else {
        const int error = path_entry(at, walk->name, walk->length, &node);
        if (error)
            return error;
    }
    while (node->mounted) {
        struct node *const covering = node_share(node->mounted->root);
        node_drop(node);
        node = covering;
    }
    *found = node;
    return 0;
}

/* The link's goal and what is behind the link become what is left of the way. */
static int take_goal(struct walk *walk, struct node *link)
{
    const size_t left = strlen(walk->rest);
    char *const text = heap_get(PATH_LONGEST + left + 2);
    if (!text)
        return -ENOMEM;
    const int64_t size = link->operations->read_link(link, text, PATH_LONGEST);
    if (size <= 0 || size == PATH_LONGEST) {
        heap_put(text);
        return size < 0 ? (int)size : size == 0 ? -ENOENT : -ENAMETOOLONG;
    }
    if (walk->slash)
        text[size] = '/';
    memcpy(text + size + walk->slash, walk->rest, left + 1);
    heap_put(walk->text);
    walk->rest = walk->text = text;
    if (*text == '/') {
        node_drop(walk->at);
        walk->at = node_share(path_root);
    }
    return 0;
}

/* Puts what the link leads to in its place; or NULL, and the walk is on its way there. */
static int follow_link(struct walk *walk, struct node **link)
{
    struct node *const node = *link;
    int error = -ELOOP;
    *link = NULL;
    if (++walk->links <= MOST_LINKS)
        error =
            node->operations->follow ? node->operations->follow(node, link) : take_goal(walk, node);
    node_drop(node);
    return error;
}

/* Goes to the directory of the last component. */
static int walk_on(struct walk *walk)
{
    for (;;) {
        take_component(walk);
        if (!*walk->rest)
            return 0;
        struct node *node;
        int error = find_component(walk, &node);
        if (!error && node->kind == NODE_LINK)
            error = follow_link(walk, &node);
        if (error)
            return error;
        if (!node)
            continue;
        struct node *const before = node->kind == NODE_DIRECTORY ? walk->at : node;
        if (node->kind == NODE_DIRECTORY)
            walk->at = node;
        else
            error = -ENOTDIR;
        node_drop(before);
        if (error)
            return error;
    }
}

/* Finds the last component. Where that alone is missing, the walk's rest is empty. */
static int walk_last(struct walk *walk, unsigned how, struct node **found)
{
    struct node *node;
    do {
        int error = walk_on(walk);
        if (error)
            return error;
        if (walk->slash && how & PATH_MAKE && !is_dots(walk, 1) && !is_dots(walk, 2))
            return -EISDIR;
        error = find_component(walk, &node);
        if (!error && node->kind == NODE_LINK && (how & PATH_FOLLOW || walk->slash))
            error = follow_link(walk, &node);
        if (error)
            return error;
    } while (!node);
    if ((how & PATH_DIRECTORY || walk->slash) && node->kind != NODE_DIRECTORY) {
        node_drop(node);
        return -ENOTDIR;
    }
    *found = node;
    return 0;
}

int path_find(struct node *from, const char *path, unsigned how, struct node **found)
{
    struct walk walk;
    int error = walk_begin(&walk, from, path);
    if (error)
        return error;
    error = walk_last(&walk, how, found);
    walk_end(&walk);
    return error;
}

int path_find_parent(struct node *from, const char *path, struct node **directory,
                     const char **name, size_t *length)
{
    struct walk walk;
    int error = walk_begin(&walk, from, path);
    if (error)
        return error;
    error = walk_on(&walk);
    if (!error) {
        *directory = node_share(walk.at);
        /* No link was followed for the last component: it is the path's own. */
        const char *end = path + strlen(path);
        while (end > path && end[-1] == '/')
            end--;
        *length = walk.length;
        *name = end - walk.length;
    }
    walk_end(&walk);
    return error;
}

static const struct file_operations place_operations = {.name = "path"};

static int make_file(const struct walk *walk, mode_t mode, struct node **made)
{
    struct node *const directory = walk->at;
    if (directory->system->read_only)
        return -EROFS;
    if (!directory->operations->make)
        return -EACCES;
    return directory->operations->make(directory, walk->name, walk->length,
                                       S_IFREG | (mode & 07777), made);
}

/* In the order in which Linux finds fault with it. */
static int may_open(const struct node *node, int flags, bool made)
{
    const bool writes = (flags & O_ACCMODE) != O_RDONLY || flags & O_TRUNC;
    if (flags & O_CREAT && flags & O_EXCL && !made)
        return -EEXIST;
    if (node->kind == NODE_DIRECTORY && flags & O_CREAT)
        return -EISDIR;
    if (flags & O_DIRECTORY && node->kind != NODE_DIRECTORY)
        return -ENOTDIR;
    if (node->kind == NODE_LINK)
        return -ELOOP;
    if (node->kind == NODE_DIRECTORY && writes)
        return -EISDIR;
    if (node->kind == NODE_FILE && writes && node->system->read_only)
        return -EROFS;
    return node->kind == NODE_SOCKET || !node->operations->open ? -ENXIO : 0;
}

static int open_node(struct node *node, int flags, bool made, struct file **opened)
{
    if (flags & O_PATH) {
        *opened = file_make(&place_operations, node, flags, NULL);
        return *opened ? 0 : -ENOMEM;
    }
    int error = may_open(node, flags, made);
    /* To what is made as it is read, it makes no difference. */
    if (!error && flags & O_TRUNC && !made && node->kind == NODE_FILE && node->operations->change)
        error = node_change(node, &(struct stat){.st_size = 0}, NODE_CHANGE_SIZE);
    return error ? error : node->operations->open(node, flags, opened);
}

int path_open(struct node *from, const char *path, int flags, mode_t mode, struct file **opened)
{
    struct walk walk;
    struct node *node = NULL;
    int error = walk_begin(&walk, from, path);
    if (error)
        return error;
    const bool make = flags & O_CREAT && !(flags & O_PATH);
    const bool follow = !(flags & O_NOFOLLOW) && !(make && flags & O_EXCL);
    error = walk_last(&walk, (follow ? PATH_FOLLOW : 0) | (make ? PATH_MAKE : 0), &node);
    const bool missing = error == -ENOENT && make && !*walk.rest;
    if (missing)
        error = make_file(&walk, mode, &node);
    walk_end(&walk);
    if (error)
        return error;
    if (flags & O_PATH && flags & O_DIRECTORY && node->kind != NODE_DIRECTORY)
        error = -ENOTDIR;
    else
        error = open_node(node, flags, missing, opened);
    node_drop(node);
    return error;
}

int64_t path_of(struct node *node, char *path, size_t size)
{
    size_t start = size;
    if (size < 2)
        return -ERANGE;
    path[--start] = '\0';
    while ((node = uncovered(node)) != path_root) {
        char name[PATH_NAME_LONGEST];
        if (node->parent == node || !node->operations->name)
            return -ENOENT;
        const int64_t length = node->operations->name(node, name, sizeof name);
        if (length < 0)
            return length;
        if ((size_t)length + 1 > start)
            return -ERANGE;
        start -= (size_t)length;
        memcpy(path + start, name, (size_t)length);
        path[--start] = '/';
        node = node->parent;
    }
    if (!path[start])
        path[--start] = '/';
    memmove(path, path + start, size - start);
    return (int64_t)(size - start);
}
