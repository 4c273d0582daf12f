/* SPDX-License-Identifier: BSD-2-Clause */
/* What all file systems share: references, facts, the entries that getdents64 gives. */
#include <errno.h>
#include <sys/statfs.h>

#include "file.h"

void node_begin(struct node *node, const struct node_operations *operations, enum node_kind kind,
                struct file_system *system, struct node *parent)
{
    static uint64_t last_number;
    node->operations = operations;
    node->kind = kind;
    node->references = 1;
    node->system = system;
    node->parent = parent ? node_share(parent) : node;
    node->number = ++last_number;
}

/* Each node holds its parent, so that the last of a deep tree takes all of it along. */
void node_drop(struct node *node)
{
    while (node) {
        BASE_ASSERT(node->references > 0);
        if (--node->references > 0)
            return;
        struct node *const parent = node->parent == node ? NULL : node->parent;
        if (node->operations->release)
            node->operations->release(node);
        node = parent;
    }
}

struct timespec node_time(void)
{
    const uint64_t time = clock_stamp();
    return (struct timespec){.tv_sec = (time_t)(time / 1000000000),
                             .tv_nsec = (long)(time % 1000000000)};
}

int node_facts(struct node *node, struct stat *facts)
{
    *facts = (struct stat){
        .st_dev = node->system->device,
        .st_ino = node->number,
        .st_nlink = 1,
        .st_blksize = PAGE_SIZE,
    };
    return node->operations->facts(node, facts);
}

int node_change(struct node *node, const struct stat *facts, unsigned valid)
{
    if (node->system->read_only)
        return -EROFS;
    return node->operations->change ? node->operations->change(node, facts, valid) : -EPERM;
}

int system_facts(struct file_system *system, struct statfs *facts)
{
    *facts = (struct statfs){
        .f_bsize = PAGE_SIZE, .f_frsize = PAGE_SIZE, .f_namelen = PATH_NAME_LONGEST};
    facts->f_fsid.__val[0] = (int)system->device;
    /* ST_VALID, and ST_RDONLY. */
    facts->f_flags = 0x20 | system->read_only;
    return system->facts(system, facts);
}

int64_t directory_read(struct file *file, void *bytes, size_t size, uint64_t *position)
{
    (void)file, (void)bytes, (void)size, (void)position;
    return -EISDIR;
}

struct listing listing_begin(struct file *file, void *entries, size_t size, uint64_t *position)
{
    struct listing listing = {.entries = entries, .size = size, .position = position};
    struct node *const node = file->node;
    if (*position == 0 && !listing_add(&listing, ".", 1, node->number, NODE_DIRECTORY, 1))
        return listing;
    if (*position == 1)
        (void)listing_add(&listing, "..", 2, node->parent->number, NODE_DIRECTORY, 2);
    return listing;
}

bool listing_add(struct listing *listing, const char *name, size_t length, uint64_t number,
                 enum node_kind kind, uint64_t after)
{
    const size_t used = listing->full
                            ? listing->used
                            : file_list_entry(listing->entries, listing->size, listing->used,
                                              number, after, kind, name, length);
    listing->full = used == listing->used;
    listing->used = used;
    if (!listing->full)
        *listing->position = after;
    return !listing->full;
}

int64_t listing_end(const struct listing *listing)
{
    return listing->full && listing->used == 0 ? -EINVAL : (int64_t)listing->used;
}
