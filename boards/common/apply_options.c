/* SPDX-License-Identifier: BSD-2-Clause */
/* Options of mount(8): flags of mount(2), and the rest for the file system. */
#include <string.h>
#include <sys/mount.h>

#include "apply_parts.h"

#ifndef MS_LAZYTIME
#define MS_LAZYTIME (1ul << 25)
#endif

/* Each option takes the flags of clear away and adds those of set. */
static const struct {
    const char *name;
    unsigned long clear, set;
} known[] = {
    {"defaults", 0, 0},
    {"ro", 0, MS_RDONLY},
    {"rw", MS_RDONLY, 0},
    {"nosuid", 0, MS_NOSUID},
    {"suid", MS_NOSUID, 0},
    {"nodev", 0, MS_NODEV},
    {"dev", MS_NODEV, 0},
    {"noexec", 0, MS_NOEXEC},
    {"exec", MS_NOEXEC, 0},
    {"sync", 0, MS_SYNCHRONOUS},
    {"async", MS_SYNCHRONOUS, 0},
    {"dirsync", 0, MS_DIRSYNC},
    {"noatime", MS_RELATIME | MS_STRICTATIME, MS_NOATIME},
    {"atime", MS_NOATIME, 0},
    {"nodiratime", 0, MS_NODIRATIME},
    {"diratime", MS_NODIRATIME, 0},
    {"relatime", MS_NOATIME | MS_STRICTATIME, MS_RELATIME},
    {"norelatime", MS_RELATIME, 0},
    {"strictatime", MS_NOATIME | MS_RELATIME, MS_STRICTATIME},
    {"nostrictatime", MS_STRICTATIME, 0},
    {"lazytime", 0, MS_LAZYTIME},
    {"nolazytime", MS_LAZYTIME, 0},
    {"silent", 0, MS_SILENT},
    {"loud", MS_SILENT, 0},
};

bool config_add_data(struct config_mount_options *result, const char *option)
{
    const size_t used = strlen(result->data), length = strlen(option);
    const size_t comma = used > 0;
    if (length >= sizeof result->data - used - comma)
        return false;
    if (comma)
        result->data[used] = ',';
    memcpy(result->data + used + comma, option, length + 1);
    return true;
}

static bool add_option(struct config_mount_options *result, const char *option)
{
    for (size_t i = 0; i < COUNT_OF(known); i++) {
        if (strcmp(known[i].name, option) == 0) {
            result->flags &= ~known[i].clear;
            result->flags |= known[i].set;
            return true;
        }
    }
    return config_add_data(result, option);
}

bool config_add_options(struct config_mount_options *result, const struct config_strings *options)
{
    for (size_t i = 0; i < options->count; i++) {
        if (!add_option(result, options->items[i]))
            return false;
    }
    return true;
}
