/* SPDX-License-Identifier: BSD-2-Clause */
/* Files in memory: nodes, and the file systems that they make up. */
#include <errno.h>
#include <fcntl.h>
#include <sys/statfs.h>

#include "tmpfs.h"

#define TMPFS_MAGIC 0x01021994

static const struct node_operations operations;
void tmpfs_touch(struct tmpfs_node *node) { node->modified = node->changed = node_time(); }

static int make_node(struct tmpfs *system, struct node *directory, mode_t mode,
                     struct tmpfs_node **made)
{
    const enum node_kind kind = S_ISDIR(mode)    ? NODE_DIRECTORY
                                : S_ISLNK(mode)  ? NODE_LINK
                                : S_ISREG(mode)  ? NODE_FILE
                                : S_ISSOCK(mode) ? NODE_SOCKET
                                                 : NODE_PIPE;
    if (system->most_nodes && system->nodes >= system->most_nodes)
        return -ENOSPC;
    struct tmpfs_node *const node = tmpfs_has_memory() ? heap_get(sizeof *node) : NULL;
    if (!node)
        return -ENOMEM;
    node_begin(&node->node, &operations, kind, &system->system, directory);
    if (directory)
        tmpfs_node(directory)->held++;
    if (kind == NODE_DIRECTORY)
        list_begin(&node->entries);
    node->mode = mode;
    node->accessed = node->modified = node->changed = node_time();
    system->nodes++;
    system->nameless++;
    *made = node;
    return 0;
}

static void release(struct node *released)
{
    struct tmpfs_node *const node = tmpfs_node(released);
    struct tmpfs *const system = tmpfs_of(released);
    if (released->kind == NODE_FILE)
        tmpfs_cut(node, 0);
    else if (released->kind == NODE_LINK)
        heap_put(node->goal);
    if (released->parent != released)
        tmpfs_node(released->parent)->held--;
    system->nodes--;
    system->nameless--;
    heap_put(node);
    if (system->unmounted && system->nodes == 0)
        heap_put(system);
}

static int make(struct node *directory, const char *name, size_t length, mode_t mode,
                struct node **made)
{
    struct tmpfs_node *node;
    int error = make_node(tmpfs_of(directory), directory, mode, &node);
    if (error)
        return error;
    error = tmpfs_add(directory, name, length, node);
    if (error)
        node_drop(&node->node);
    else
        *made = &node->node;
    return error;
}

static int make_link(struct node *directory, const char *name, size_t length, const char *goal)
{
    const size_t size = strlen(goal);
    struct node *made;
    char *const copy = heap_get(size + 1);
    if (!copy)
        return -ENOMEM;
    const int error = make(directory, name, length, S_IFLNK | 0777, &made);
    if (error) {
        heap_put(copy);
        return error;
    }
    tmpfs_node(made)->goal = memcpy(copy, goal, size);
    tmpfs_node(made)->size = size;
    node_drop(made);
    return 0;
}

static int add_link(struct node *directory, const char *name, size_t length, struct node *node)
{
    return tmpfs_node(node)->links == 0 ? -ENOENT
                                        : tmpfs_add(directory, name, length, tmpfs_node(node));
}

static int64_t read_link(struct node *node, char *goal, size_t size)
{
    const size_t length = MIN(size, tmpfs_node(node)->size);
    memcpy(goal, tmpfs_node(node)->goal, length);
    return (int64_t)length;
}

static int facts_of(struct node *known, struct stat *facts)
{
    const struct tmpfs_node *const node = tmpfs_node(known);
    facts->st_mode = node->mode;
    facts->st_nlink = node->links;
    facts->st_uid = node->owner;
    facts->st_gid = node->group;
    facts->st_size = (off_t)(known->kind == NODE_DIRECTORY ? (node->size + 2) * 20 : node->size);
    facts->st_blocks = known->kind == NODE_FILE ? (blkcnt_t)(node->pages * (PAGE_SIZE / 512)) : 0;
    facts->st_atim = node->accessed;
    facts->st_mtim = node->modified;
    facts->st_ctim = node->changed;
    return 0;
}

static int change(struct node *changed, const struct stat *facts, unsigned valid)
{
    struct tmpfs_node *const node = tmpfs_node(changed);
    node->changed = node_time();
    if (valid & NODE_CHANGE_MODE)
        node->mode = (node->mode & S_IFMT) | (facts->st_mode & 07777);
    if (valid & NODE_CHANGE_OWNER) {
        node->owner = facts->st_uid == (uid_t)-1 ? node->owner : facts->st_uid;
        node->group = facts->st_gid == (gid_t)-1 ? node->group : facts->st_gid;
    }
    if (valid & NODE_CHANGE_SIZE) {
        tmpfs_cut(node, (uint64_t)facts->st_size);
        node->modified = node->changed;
    }
    if (valid & NODE_CHANGE_ACCESSED)
        node->accessed = facts->st_atim;
    if (valid & NODE_CHANGE_MODIFIED)
        node->modified = facts->st_mtim;
    return 0;
}

static const struct file_operations directory_operations = {
    .name = "tmpfs",
    .read = directory_read,
    .seek = file_seek,
    .list = tmpfs_list,
};

static int open_node(struct node *node, int flags, struct file **opened)
{
    if (node->kind == NODE_PIPE)
        return pipe_open(node, flags, opened);
    *opened =
        file_make(node->kind == NODE_DIRECTORY ? &directory_operations : &tmpfs_file_operations,
                  node, flags, NULL);
    return *opened ? 0 : -ENOMEM;
}

static const struct node_operations operations = {
    .find = tmpfs_find,
    .make = make,
    .make_link = make_link,
    .link = add_link,
    .unlink = tmpfs_unlink,
    .rename = tmpfs_rename,
    .read_link = read_link,
    .name = tmpfs_name,
    .open = open_node,
    .facts = facts_of,
    .change = change,
    .release = release,
};

int tmpfs_make_nameless(struct file_system *system, mode_t mode, struct node **made)
{
    struct tmpfs_node *node;
    const int error = make_node(CONTAINER_OF(system, struct tmpfs, system), NULL, mode, &node);
    if (!error)
        *made = &node->node;
    return error;
}

static int system_facts_of(struct file_system *known, struct statfs *facts)
{
    const struct tmpfs *const system = CONTAINER_OF(known, struct tmpfs, system);
    facts->f_type = TMPFS_MAGIC;
    facts->f_blocks = system->most_pages;
    facts->f_bfree = facts->f_bavail = system->most_pages ? system->most_pages - system->pages : 0;
    facts->f_files = system->most_nodes;
    facts->f_ffree = system->most_nodes ? system->most_nodes - system->nodes : 0;
    return 0;
}

static void release_system(struct file_system *system)
{
    tmpfs_empty(CONTAINER_OF(system, struct tmpfs, system));
    tmpfs_node(system->root)->held--;
    node_drop(system->root);
}

/* A number, with a unit of bytes behind it, or % of the machine's memory; false if it is none. */
static bool take_number(const char **text, unsigned base, uint64_t *number)
{
    static const char units[] = "kmgt";
    const char *next = *text;
    uint64_t value = 0;
    for (; *next >= '0' && *next < (char)('0' + base); next++)
        if (__builtin_mul_overflow(value, base, &value) ||
            __builtin_add_overflow(value, (uint64_t)(*next - '0'), &value))
            return false;
    if (next == *text)
        return false;
    const char *const unit = *next ? strchr(units, *next | 0x20) : NULL;
    if (unit) {
        const unsigned shift = 10 * (unsigned)(unit - units + 1);
        if (value >> (64 - shift))
            return false;
        value <<= shift;
        next++;
    } else if (*next == '%') {
        value = MIN(value, 100) * pages_total() * PAGE_SIZE / 100;
        next++;
    }
    *number = value;
    *text = next;
    return *next == ',' || *next == '\0';
}

static int take_option(struct tmpfs *system, struct tmpfs_node *root, const char **text)
{
    static const char *const names[] = {
        "size=", "nr_blocks=", "nr_inodes=", "mode=", "uid=", "gid="};
    unsigned option = 0;
    uint64_t value;
    while (option < ARRAY_SIZE(names) && strncmp(*text, names[option], strlen(names[option])) != 0)
        option++;
    if (option == ARRAY_SIZE(names))
        return -EINVAL;
    *text += strlen(names[option]);
    if (!take_number(text, option == 3 ? 8 : 10, &value))
        return -EINVAL;
    switch (option) {
    case 0: system->most_pages = value / PAGE_SIZE + (value % PAGE_SIZE > 0); break;
    case 1: system->most_pages = value; break;
    case 2: system->most_nodes = value; break;
    case 3: root->mode = S_IFDIR | (value & 07777); break;
    case 4: root->owner = (uid_t)value; break;
    default: root->group = (gid_t)value;
    }
    return 0;
}

int tmpfs_make(const char *options, struct file_system **made)
{
    struct tmpfs *const system = heap_get(sizeof *system);
    struct tmpfs_node *root;
    if (!system)
        return -ENOMEM;
    int error = make_node(system, NULL, S_IFDIR | 01777, &root);
    if (error) {
        heap_put(system);
        return error;
    }
    system->system = (struct file_system){.type = "tmpfs",
                                          .root = &root->node,
                                          .facts = system_facts_of,
                                          .busy = tmpfs_busy,
                                          .release = release_system};
    system->most_pages = system->most_nodes = pages_total() / 2;
    system->nameless = 0;
    root->links = 2;
    root->held = 1;
    while (!error && options && *options) {
        error = take_option(system, root, &options);
        if (*options == ',')
            options++;
    }
    system->unmounted = error;
    if (error)
        node_drop(&root->node);
    else
        *made = &system->system;
    return error;
}
