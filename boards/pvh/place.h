/* SPDX-License-Identifier: BSD-2-Clause */
/* What the system calls that take paths share. */
#ifndef RUMPRUN_PLACE_H
#define RUMPRUN_PLACE_H

#include <fcntl.h>

#include "call.h"
#include "file.h"

/* Where a name of the program's is, or is to be. */
struct place {
    char *text;
    struct node *directory;
    const char *name;
    size_t length;
};

/* Defines a call by the one that has a directory's descriptor in front of as many arguments. */
#define PLACE_CALL(name, at, count)                                                                \
    int64_t sys_##name(const struct call *call)                                                    \
    {                                                                                              \
        struct call here = {.a = {(uint64_t)AT_FDCWD}, .registers = call->registers};              \
        memcpy(&here.a[1], call->a, (count) * sizeof *call->a);                                    \
        return sys_##at(&here);                                                                    \
    }

static inline bool place_has_slash(const struct place *place)
{
    return place->name[place->length] == '/';
}
/* Whether it can have an entry at all: it is not the root, "." or "..". */
static inline bool place_is_entry(const struct place *place)
{
    return place->length > 2 ||
           (place->length > 0 && memcmp(place->name, "..", place->length) != 0);
}
static inline int place_entry(const struct place *place, struct node **found)
{
    return path_entry(place->directory, place->name, place->length, found);
}

/* sys_path.c */
int place_find(int descriptor, uint64_t address, struct place *place);
void place_put(struct place *place);

/* sys_facts.c: the node of a program's path, with a reference. Of flags, AT_EMPTY_PATH makes an
   empty path mean the descriptor, and AT_SYMLINK_NOFOLLOW is obeyed. */
int place_node(int descriptor, uint64_t address, int flags, struct node **found);

#endif
