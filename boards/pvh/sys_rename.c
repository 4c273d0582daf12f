/* SPDX-License-Identifier: BSD-2-Clause */
/* rename(2): many things can be wrong with two names. */
#include "place.h"

struct renaming {
    struct place from, to;
    struct node *old, *new;
    bool exchange;
};

/* Whether the node is the directory, or above it in the same file system. */
static bool is_above(const struct node *node, const struct node *directory)
{
    while (directory != node && directory->parent != directory)
        directory = directory->parent;
    return directory == node;
}

static bool is_directory(const struct node *node) { return node->kind == NODE_DIRECTORY; }

/* Both names are known; new may be NULL. */
static int may_rename(const struct renaming *r)
{
    const struct node *const old = r->old, *const new = r->new;
    if (r->exchange && !is_directory(new) && place_has_slash(&r->to))
        return -ENOTDIR;
    if (!is_directory(old) &&
        (place_has_slash(&r->from) || (!r->exchange && place_has_slash(&r->to))))
        return -ENOTDIR;
    if (is_above(old, r->to.directory))
        return -EINVAL;
    if (new && is_above(new, r->from.directory))
        return r->exchange ? -EINVAL : -ENOTEMPTY;
    if (old == new)
        return 0;
    if (new && !r->exchange && is_directory(old) != is_directory(new))
        return is_directory(old) ? -ENOTDIR : -EISDIR;
    if (!r->from.directory->operations->rename)
        return -EPERM;
    return old->mounted || (new && new->mounted) ? -EBUSY : 0;
}

static int rename_found(struct renaming *r, unsigned flags)
{
    struct place *const from = &r->from, *const to = &r->to;
    int error = place_entry(from, &r->old);
    if (error)
        return error;
    error = place_entry(to, &r->new);
    if (error && (error != -ENOENT || r->exchange || path_is_gone(to->directory)))
        return error;
    if (r->new && flags & NODE_RENAME_KEEP)
        return -EEXIST;
    error = may_rename(r);
    if (error || r->old == r->new)
        return error;
    return from->directory->operations->rename(from->directory, from->name, from->length,
                                               to->directory, to->name, to->length, flags);
}

static int rename_places(struct renaming *r, unsigned flags)
{
    if (r->from.directory->system != r->to.directory->system)
        return -EXDEV;
    if (!place_is_entry(&r->from))
        return -EBUSY;
    if (!place_is_entry(&r->to))
        return flags & NODE_RENAME_KEEP ? -EEXIST : -EBUSY;
    return r->from.directory->system->read_only ? -EROFS : rename_found(r, flags);
}

static int64_t rename_at(int from, uint64_t old, int to, uint64_t new, unsigned flags)
{
    struct renaming r = {.exchange = flags & NODE_RENAME_EXCHANGE};
    if (flags & ~(NODE_RENAME_KEEP | NODE_RENAME_EXCHANGE) ||
        flags == (NODE_RENAME_KEEP | NODE_RENAME_EXCHANGE))
        return -EINVAL;
    int error = place_find(from, old, &r.from);
    if (!error)
        error = place_find(to, new, &r.to);
    if (!error)
        error = rename_places(&r, flags);
    node_drop(r.old);
    node_drop(r.new);
    place_put(&r.from);
    place_put(&r.to);
    return error;
}

int64_t sys_renameat2(const struct call *call)
{
    return rename_at((int)call->a[0], call->a[1], (int)call->a[2], call->a[3],
                     (unsigned)call->a[4]);
}

int64_t sys_renameat(const struct call *call)
{
    return rename_at((int)call->a[0], call->a[1], (int)call->a[2], call->a[3], 0);
}

int64_t sys_rename(const struct call *call)
{
    return rename_at(AT_FDCWD, call->a[0], AT_FDCWD, call->a[1], 0);
}
