/* SPDX-License-Identifier: BSD-2-Clause */
/* What all file systems share: references, facts, the entries that getdents64 gives. */
#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/statfs.h>
#include <unistd.h>

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

int file_facts(struct file *file, struct stat *facts)
{
    if (file->node)
        return node_facts(file->node, facts);
    *facts = (struct stat){.st_nlink = 1, .st_blksize = PAGE_SIZE};
    return file->operations->facts ? file->operations->facts(file, facts) : 0;
}

int system_facts(struct file_system *system, struct statfs *facts)
{
    *facts = (struct statfs){.f_bsize = PAGE_SIZE, .f_frsize = PAGE_SIZE, .f_namelen = PATH_NAME_LONGEST};
    facts->f_fsid.__val[0] = (int)system->device;
    /* ST_VALID, and ST_RDONLY. */
    facts->f_flags = 0x20 | system->read_only;
    return system->facts(system, facts);
}

int64_t node_seek(struct file *file, int64_t offset, int whence)
{
    struct stat facts;
    int64_t base = 0;
    if (whence == SEEK_CUR)
        base = (int64_t)file->position;
    else if (whence != SEEK_SET) {
        const int error = node_facts(file->node, &facts);
        if (error)
            return error;
        /* To a file system that knows no holes, all is data up to the end. */
        if ((whence == SEEK_DATA || whence == SEEK_HOLE) && (offset < 0 || offset >= facts.st_size))
            return -ENXIO;
        base = whence == SEEK_DATA ? 0 : facts.st_size;
        if (whence == SEEK_HOLE)
            offset = 0;
        else if (whence != SEEK_DATA && whence != SEEK_END)
            return -EINVAL;
    }
    int64_t result;
    if (__builtin_add_overflow(base, offset, &result) || result < 0)
        return -EINVAL;
    file->position = (uint64_t)result;
    return result;
}

int64_t directory_read(struct file *file, void *bytes, size_t size, uint64_t *position)
{
    (void)file, (void)bytes, (void)size, (void)position;
    return -EISDIR;
}

struct listing listing_begin(struct file *file, void *entries, size_t size, uint64_t *position)
{
    struct listing listing = {.next = entries, .left = size, .position = position};
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
    static const unsigned char types[] = {
        [NODE_DIRECTORY] = DT_DIR, [NODE_FILE] = DT_REG,  [NODE_LINK] = DT_LNK,
        [NODE_DEVICE] = DT_CHR,    [NODE_PIPE] = DT_FIFO, [NODE_SOCKET] = DT_SOCK,
    };
    const size_t head = offsetof(struct dirent, d_name);
    const size_t size = round_up(head + length + 1, 8);
    struct dirent entry = {.d_ino = number, .d_off = (int64_t)after, .d_reclen = (uint16_t)size,
                           .d_type = types[kind]};
    BASE_ASSERT(length < sizeof entry.d_name);
    memcpy(entry.d_name, name, length);
    if (listing->error == 0 && size > listing->left)
        listing->error = -EINVAL;
    if (listing->error == 0 && !copy_bytes(listing->next, &entry, size))
        listing->error = -EFAULT;
    if (listing->error)
        return false;
    listing->next += size;
    listing->left -= size;
    listing->used += size;
    *listing->position = after;
    return true;
}

int64_t listing_end(const struct listing *listing)
{
    return listing->used ? (int64_t)listing->used : listing->error;
}
