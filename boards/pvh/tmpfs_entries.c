/* SPDX-License-Identifier: BSD-2-Clause */
/* The entries of tmpfs's directories: in a list for each, and all of them by their names' hashes.
 */
#include <errno.h>

#include "tmpfs.h"

struct tmpfs_entry {
    struct list siblings;
    struct tmpfs_entry *next_in_bucket;
    struct node *directory;
    struct tmpfs_node *node;
    uint64_t place;
    unsigned length;
    char name[];
};

/* Entries hold their node and their directory; nodes hold their parent. */
static void hold(struct tmpfs_node *node)
{
    (void)node_share(&node->node);
    node->held++;
}

static void let_go(struct tmpfs_node *node)
{
    node->held--;
    node_drop(&node->node);
}

static struct tmpfs_entry **bucket_of(const struct node *directory, const char *name, size_t length)
{
    uint64_t hash = directory->number;
    for (size_t i = 0; i < length; i++)
        hash = hash * 31 + (unsigned char)name[i];
    return &tmpfs_of(directory)->entries[(hash ^ hash >> 8) % TMPFS_BUCKETS];
}

static struct tmpfs_entry *find_entry(const struct node *directory, const char *name, size_t length)
{
    struct tmpfs_entry *entry = *bucket_of(directory, name, length);
    while (entry && (entry->directory != directory || entry->length != length ||
                     memcmp(entry->name, name, length) != 0))
        entry = entry->next_in_bucket;
    return entry;
}

int tmpfs_find(struct node *directory, const char *name, size_t length, struct node **found)
{
    struct tmpfs_entry *const entry = find_entry(directory, name, length);
    if (!entry)
        return -ENOENT;
    *found = node_share(&entry->node->node);
    return 0;
}

/* What counts as a link to a directory, besides its own names. */
static unsigned counts_above(const struct tmpfs_node *node)
{
    return node->node.kind == NODE_DIRECTORY;
}

/* The entry's node is named once more. */
static void name_node(struct tmpfs_entry *entry, struct tmpfs_node *node)
{
    struct tmpfs_node *const directory = tmpfs_node(entry->directory);
    entry->node = node;
    hold(node);
    if (node->links == 0) {
        node->links = counts_above(node);
        tmpfs_of(&node->node)->nameless--;
    }
    node->links++;
    directory->links += counts_above(node);
    node->changed = node_time();
    tmpfs_touch(directory);
}

static void unname_node(struct tmpfs_entry *entry)
{
    struct tmpfs_node *const directory = tmpfs_node(entry->directory), *const node = entry->node;
    directory->links -= counts_above(node);
    if (--node->links == counts_above(node)) {
        node->links = 0;
        tmpfs_of(&node->node)->nameless++;
    }
    node->changed = node_time();
    tmpfs_touch(directory);
    let_go(node);
}

int tmpfs_add(struct node *directory, const char *name, size_t length, struct tmpfs_node *node)
{
    if (tmpfs_node(directory)->links == 0 || tmpfs_of(directory)->unmounted)
        return -ENOENT;
    struct tmpfs_entry *const entry = heap_get(sizeof *entry + length);
    if (!entry)
        return -ENOMEM;
    struct tmpfs_entry **const bucket = bucket_of(directory, name, length);
    entry->next_in_bucket = *bucket;
    *bucket = entry;
    entry->directory = directory;
    hold(tmpfs_node(directory));
    entry->place = ++tmpfs_of(directory)->last_place;
    entry->length = (unsigned)length;
    memcpy(entry->name, name, length);
    list_add_last(&tmpfs_node(directory)->entries, &entry->siblings);
    tmpfs_node(directory)->size++;
    name_node(entry, node);
    return 0;
}

static void remove_entry(struct tmpfs_entry *entry)
{
    struct tmpfs_entry **place = bucket_of(entry->directory, entry->name, entry->length);
    while (*place != entry)
        place = &(*place)->next_in_bucket;
    *place = entry->next_in_bucket;
    list_remove(&entry->siblings);
    tmpfs_node(entry->directory)->size--;
    unname_node(entry);
    let_go(tmpfs_node(entry->directory));
    heap_put(entry);
}

static void set_parent(struct tmpfs_node *node, struct node *directory)
{
    struct node *const before = node->node.parent;
    hold(tmpfs_node(directory));
    node->node.parent = directory;
    let_go(tmpfs_node(before));
}

/* A file that has lost its name in the directory, and has others, is where one of those is. */
static void settle(struct tmpfs_node *node, const struct node *directory)
{
    const struct tmpfs_entry *entry = NULL;
    if (node->node.kind == NODE_DIRECTORY || node->links == 0 || node->node.parent != directory)
        return;
    for (unsigned i = 0; i < TMPFS_BUCKETS && !entry; i++)
        for (entry = tmpfs_of(directory)->entries[i]; entry && entry->node != node;)
            entry = entry->next_in_bucket;
    set_parent(node, entry->directory);
}

int tmpfs_unlink(struct node *directory, const char *name, size_t length, bool is_directory)
{
    struct tmpfs_entry *const entry = find_entry(directory, name, length);
    if (!entry)
        return -ENOENT;
    if (is_directory && entry->node->size > 0)
        return -ENOTEMPTY;
    struct tmpfs_node *const node = entry->node;
    hold(node);
    remove_entry(entry);
    settle(node, directory);
    let_go(node);
    return 0;
}

/* The entry gets another node. */
static void replace_node(struct tmpfs_entry *entry, struct tmpfs_node *node)
{
    unname_node(entry);
    name_node(entry, node);
    set_parent(node, entry->directory);
}

int tmpfs_rename(struct node *from, const char *name, size_t length, struct node *to,
                 const char *new_name, size_t new_length, unsigned flags)
{
    struct tmpfs_entry *const old = find_entry(from, name, length);
    struct tmpfs_entry *const there = find_entry(to, new_name, new_length);
    if (!old || (flags & NODE_RENAME_EXCHANGE && !there))
        return -ENOENT;
    struct tmpfs_node *const node = old->node;
    if (flags & NODE_RENAME_EXCHANGE) {
        struct tmpfs_node *const other = there->node;
        hold(other);
        replace_node(there, node);
        replace_node(old, other);
        let_go(other);
        return 0;
    }
    if (there && there->node->node.kind == NODE_DIRECTORY && there->node->size > 0)
        return -ENOTEMPTY;
    if (there) {
        struct tmpfs_node *const replaced = there->node;
        hold(replaced);
        replace_node(there, node);
        settle(replaced, to);
        let_go(replaced);
    } else {
        const int error = tmpfs_add(to, new_name, new_length, node);
        if (error)
            return error;
        set_parent(node, to);
    }
    remove_entry(old);
    return 0;
}

int64_t tmpfs_name(struct node *node, char *name, size_t size)
{
    LIST_EACH(place, &tmpfs_node(node->parent)->entries) {
        const struct tmpfs_entry *const entry = LIST_ENTRY(place, struct tmpfs_entry, siblings);
        if (&entry->node->node == node) {
            memcpy(name, entry->name, MIN(size, entry->length));
            return entry->length;
        }
    }
    return -ENOENT;
}

int64_t tmpfs_list(struct file *file, void *entries, size_t size, uint64_t *position)
{
    struct listing listing;
    if (tmpfs_node(file->node)->links == 0)
        return -ENOENT;
    listing = listing_begin(file, entries, size, position);
    LIST_EACH(place, &tmpfs_node(file->node)->entries) {
        const struct tmpfs_entry *const entry = LIST_ENTRY(place, struct tmpfs_entry, siblings);
        const struct node *const node = &entry->node->node;
        if (entry->place + 2 <= *position)
            continue;
        if (!listing_add(&listing, entry->name, entry->length, node->number, node->kind,
                         entry->place + 2))
            break;
    }
    return listing_end(&listing);
}

bool tmpfs_busy(struct file_system *known)
{
    const struct tmpfs *const system = CONTAINER_OF(known, struct tmpfs, system);
    if (system->nameless > 0 || known->root->references > tmpfs_node(known->root)->held)
        return true;
    for (unsigned i = 0; i < TMPFS_BUCKETS; i++)
        for (const struct tmpfs_entry *entry = system->entries[i]; entry;
             entry = entry->next_in_bucket)
            if (entry->node->node.references > entry->node->held)
                return true;
    return false;
}

void tmpfs_empty(struct tmpfs *system)
{
    system->unmounted = true;
    for (unsigned i = 0; i < TMPFS_BUCKETS; i++)
        while (system->entries[i])
            remove_entry(system->entries[i]);
}
