/* SPDX-License-Identifier: BSD-2-Clause */
/* Files in memory: names and directories (tmpfs.c), and what is in files (tmpfs_data.c). */
#ifndef RUMPRUN_TMPFS_H
#define RUMPRUN_TMPFS_H

#include "space.h"

#define TMPFS_BUCKETS 64u

struct tmpfs_entry;

struct tmpfs {
    struct file_system system;
    /* 0: no limit. */
    uint64_t most_pages, most_nodes;
    uint64_t pages, nodes;
    /* Nodes that have no name, and are there because somebody uses them. */
    uint64_t nameless;
    /* Of the last entry made: listings go on behind the place they stopped at. */
    uint64_t last_place;
    bool unmounted;
    struct tmpfs_entry *entries[TMPFS_BUCKETS];
};

struct tmpfs_node {
    struct node node;
    mode_t mode;
    uid_t owner;
    gid_t group;
    unsigned links;
    /* How many of the references are the tree's own. */
    unsigned held;
    struct timespec accessed, modified, changed;
    /* In bytes; of a directory, its entries. */
    uint64_t size;
    union {
        struct {
            /* A page, or with a height of 1 and more, a table of tables of ... of pages. */
            physical_t top;
            unsigned height;
            uint64_t pages;
        };
        struct list entries;
        char *goal;
    };
};

static inline struct tmpfs_node *tmpfs_node(struct node *node)
{
    return CONTAINER_OF(node, struct tmpfs_node, node);
}
static inline struct tmpfs *tmpfs_of(const struct node *node)
{
    return CONTAINER_OF(node->system, struct tmpfs, system);
}

/* Files come to the end of memory before programs do, which can remove some then. */
static inline bool tmpfs_has_memory(void) { return pages_free() > 2 * PAGES_KEPT; }

/* tmpfs.c */
/* A file without a name, with one reference. */
int tmpfs_make_nameless(struct file_system *system, mode_t mode, struct node **made);
void tmpfs_touch(struct tmpfs_node *node);

/* tmpfs_entries.c: node_operations and so on; what they do to directories. */
int tmpfs_find(struct node *directory, const char *name, size_t length, struct node **found);
int tmpfs_add(struct node *directory, const char *name, size_t length, struct tmpfs_node *node);
int tmpfs_unlink(struct node *directory, const char *name, size_t length, bool is_directory);
int tmpfs_rename(struct node *from, const char *name, size_t length, struct node *to,
                 const char *new_name, size_t new_length, unsigned flags);
int64_t tmpfs_name(struct node *node, char *name, size_t size);
int64_t tmpfs_list(struct file *file, void *entries, size_t size, uint64_t *position);
bool tmpfs_busy(struct file_system *system);
/* Forgets all names. */
void tmpfs_empty(struct tmpfs *system);

/* tmpfs_data.c */
extern const struct file_operations tmpfs_file_operations;
void tmpfs_cut(struct tmpfs_node *file, uint64_t size);

#endif
