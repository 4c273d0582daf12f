/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * System calls that change what names there are. Each finds fault in the order in which Linux does:
 * what cannot be named, what is there already, a read-only file system, and the rest.
 */
#include <unistd.h>

#include "place.h"

int path_text(uint64_t address, char **text)
{
    if (!program_range(address, 1))
        return -EFAULT;
    const char *const path = (const char *)(uintptr_t)address;
    const int64_t length = copy_length(path, MIN(PATH_LONGEST, MEMORY_PROGRAMS_END - address));
    if (length < 0)
        return -EFAULT;
    if (length >= PATH_LONGEST)
        return -ENAMETOOLONG;
    char *const copy = heap_get((size_t)length + 1);
    if (!copy)
        return -ENOMEM;
    /* The end may have changed since, or may not be there. */
    if (!copy_bytes(copy, path, (size_t)length)) {
        heap_put(copy);
        return -EFAULT;
    }
    *text = copy;
    return 0;
}

void path_text_put(char *text) { heap_put(text); }

int path_start(int descriptor, const char *path, struct node **from)
{
    *from = program_current()->directory;
    if (!*path)
        return -ENOENT;
    if (*path == '/' || descriptor == AT_FDCWD)
        return 0;
    const struct file *const file = descriptor_file((unsigned)descriptor);
    if (!file)
        return -EBADF;
    if (!file->node || file->node->kind != NODE_DIRECTORY)
        return -ENOTDIR;
    *from = file->node;
    return 0;
}

int place_find(int descriptor, uint64_t address, struct place *place)
{
    struct node *from;
    *place = (struct place){0};
    int error = path_text(address, &place->text);
    if (!error)
        error = path_start(descriptor, place->text, &from);
    if (!error)
        error =
            path_find_parent(from, place->text, &place->directory, &place->name, &place->length);
    return error;
}

void place_put(struct place *place)
{
    node_drop(place->directory);
    path_text_put(place->text);
}

/* The place where something is to be made: nothing is there yet. */
static int find_free(int descriptor, uint64_t address, bool is_directory, struct place *place)
{
    struct node *node;
    int error = place_find(descriptor, address, place);
    if (error)
        return error;
    if (!place_is_entry(place))
        return -EEXIST;
    error = place_entry(place, &node);
    if (error != -ENOENT) {
        if (!error)
            node_drop(node);
        return error ? error : -EEXIST;
    }
    if (place_has_slash(place) && !is_directory)
        return -ENOENT;
    if (place->directory->system->read_only)
        return -EROFS;
    return path_is_gone(place->directory) ? -ENOENT : 0;
}

static int64_t make_at(int descriptor, uint64_t address, mode_t mode)
{
    struct place place;
    struct node *made;
    int error = find_free(descriptor, address, S_ISDIR(mode), &place);
    if (!error && !place.directory->operations->make)
        error = -EPERM;
    if (!error)
        error = place.directory->operations->make(place.directory, place.name, place.length,
                                                  mode & ~program_current()->umask, &made);
    if (!error)
        node_drop(made);
    place_put(&place);
    return error;
}

int64_t sys_mkdirat(const struct call *call)
{
    return make_at((int)call->a[0], call->a[1], S_IFDIR | (call->a[2] & 01777));
}

PLACE_CALL(mkdir, mkdirat, 2)

int64_t sys_mknodat(const struct call *call)
{
    const mode_t given = (mode_t)call->a[2], type = given & S_IFMT;
    const mode_t mode = (given & 07777) | (type ? type : S_IFREG);
    if (S_ISREG(mode) || S_ISFIFO(mode) || S_ISSOCK(mode))
        return make_at((int)call->a[0], call->a[1], mode);
    /* Devices have their files below /dev, and nowhere else. */
    return S_ISDIR(mode) || S_ISCHR(mode) || S_ISBLK(mode) ? -EPERM : -EINVAL;
}

PLACE_CALL(mknod, mknodat, 3)

static int64_t symlink_at(uint64_t goal_address, int descriptor, uint64_t address)
{
    struct place place;
    char *goal;
    int error = path_text(goal_address, &goal);
    if (error)
        return error;
    if (!*goal) {
        path_text_put(goal);
        return -ENOENT;
    }
    error = find_free(descriptor, address, false, &place);
    if (!error)
        error = place.directory->operations->make_link
                    ? place.directory->operations->make_link(place.directory, place.name,
                                                             place.length, goal)
                    : -EPERM;
    place_put(&place);
    path_text_put(goal);
    return error;
}

int64_t sys_symlinkat(const struct call *call)
{
    return symlink_at(call->a[0], (int)call->a[1], call->a[2]);
}

int64_t sys_symlink(const struct call *call)
{
    return symlink_at(call->a[0], AT_FDCWD, call->a[1]);
}

static int may_link(const struct node *directory, const struct node *node)
{
    if (directory->system != node->system)
        return -EXDEV;
    return directory->operations->link && node->kind != NODE_DIRECTORY ? 0 : -EPERM;
}

static int64_t link_at(int from, uint64_t old, int to, uint64_t new, int flags)
{
    struct place place;
    struct node *node;
    if (flags & ~(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH))
        return -EINVAL;
    const int follow = flags & AT_SYMLINK_FOLLOW ? 0 : AT_SYMLINK_NOFOLLOW;
    int error = place_node(from, old, follow | (flags & AT_EMPTY_PATH), &node);
    if (error)
        return error;
    error = find_free(to, new, false, &place);
    if (!error)
        error = may_link(place.directory, node);
    if (!error)
        error = place.directory->operations->link(place.directory, place.name, place.length, node);
    place_put(&place);
    node_drop(node);
    return error;
}

int64_t sys_linkat(const struct call *call)
{
    return link_at((int)call->a[0], call->a[1], (int)call->a[2], call->a[3], (int)call->a[4]);
}

int64_t sys_link(const struct call *call)
{
    return link_at(AT_FDCWD, call->a[0], AT_FDCWD, call->a[1], 0);
}

static int may_remove(const struct place *place, const struct node *node, bool is_directory)
{
    const bool was_directory = node->kind == NODE_DIRECTORY;
    if (place_has_slash(place) && !is_directory)
        return was_directory ? -EISDIR : -ENOTDIR;
    if (was_directory != is_directory)
        return is_directory ? -ENOTDIR : -EISDIR;
    if (node->mounted)
        return -EBUSY;
    return place->directory->operations->unlink ? 0 : -EPERM;
}

static int remove_entry(const struct place *place, bool is_directory)
{
    struct node *node;
    if (!place_is_entry(place)) {
        if (!is_directory)
            return -EISDIR;
        return place->length == 0 ? -EBUSY : place->length == 1 ? -EINVAL : -ENOTEMPTY;
    }
    if (place->directory->system->read_only)
        return -EROFS;
    int error = place_entry(place, &node);
    if (error)
        return error;
    error = may_remove(place, node, is_directory);
    node_drop(node);
    return error ? error
                 : place->directory->operations->unlink(place->directory, place->name,
                                                        place->length, is_directory);
}

static int64_t remove_at(int descriptor, uint64_t address, bool is_directory)
{
    struct place place;
    int error = place_find(descriptor, address, &place);
    if (!error)
        error = remove_entry(&place, is_directory);
    place_put(&place);
    return error;
}

int64_t sys_unlinkat(const struct call *call)
{
    if ((int)call->a[2] & ~AT_REMOVEDIR)
        return -EINVAL;
    return remove_at((int)call->a[0], call->a[1], (int)call->a[2] & AT_REMOVEDIR);
}

PLACE_CALL(unlink, unlinkat, 1)

int64_t sys_rmdir(const struct call *call) { return remove_at(AT_FDCWD, call->a[0], true); }
