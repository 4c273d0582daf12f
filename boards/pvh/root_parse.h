/* SPDX-License-Identifier: BSD-2-Clause */
/* The archive of a root file system (doc/pvh-board.md), which somebody else may have written. */
#ifndef RUMPRUN_ROOT_PARSE_H
#define RUMPRUN_ROOT_PARSE_H

#include "base.h"

#define ROOT_MAGIC "rumprun-root 1"

/* As it is in the archive. */
struct root_entry {
    uint32_t name, name_length;
    uint32_t mode, zero;
    uint64_t content, size;
};

struct root_archive {
    const char *start;
    uint64_t size;
    const struct root_entry *entries;
    uint32_t count;
    const char *names;
    int64_t time;
};

/* Whether something that begins so is meant to be an archive. */
bool root_is_archive(const void *bytes, uint64_t size);
/* Checks all of it: afterwards every entry is what the document says. NULL, or what is wrong. */
const char *root_parse(struct root_archive *archive, const void *bytes, uint64_t most);
/* The first entry whose name is not below the path of a directory, a slash (if that is not empty),
   and a name; there, *found says whether it has just that name. */
uint32_t root_search(const struct root_archive *archive, const char *directory,
                     size_t directory_length, const char *name, size_t length, bool *found);

static inline const char *root_name(const struct root_archive *archive,
                                    const struct root_entry *entry)
{
    return archive->names + entry->name;
}

#endif
