/* SPDX-License-Identifier: BSD-2-Clause */
/* The section mount: file systems on block devices, in memory, of the kernel and of the host. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>

#include "apply_parts.h"

static const char types_file[] = "/proc/filesystems";

/* The type of a line of the file, or NULL where it needs no device. Overwrites the line. */
static const char *type_of(char *line)
{
    /* "nodev\tproc\n", "\text4\n" */
    if (line[0] != '\t')
        return NULL;
    line[strcspn(line, "\n")] = '\0';
    /* Programs of user space serve these; none runs here. */
    return strncmp(line + 1, "fuse", 4) == 0 ? NULL : line + 1;
}

/* Mounts the device as the first type that takes it. */
static bool mount_as_any(const char *device, const char *path,
                         const struct config_mount_options *options,
                         struct config_apply_error *error)
{
    char line[128], tried[160] = "";
    int reason = EINVAL;
    FILE *types = fopen(types_file, "re");
    if (!types)
        return config_apply_fail(error, "cannot read %s: %s", types_file, strerror(errno));
    while (reason == EINVAL && fgets(line, sizeof line, types)) {
        const char *type = type_of(line);
        if (!type)
            continue;
        const size_t used = strlen(tried);
        snprintf(tried + used, sizeof tried - used, "%s%s", used ? ", " : "", type);
        reason = mount(device, path, type, options->flags | MS_SILENT, options->data) == 0
                     ? 0
                     : errno;
    }
    fclose(types);
    if (reason == EINVAL)
        return config_apply_fail(error, "no file system that the kernel knows (%s) is on %s, or "
                                        "it does not know the options", tried, device);
    return !reason ||
           config_apply_fail(error, "cannot mount %s: %s", device, strerror(reason));
}

static bool mount_block(const struct config_one_mount *one, const struct config_devices *devices,
                        struct config_mount_options *options, struct config_apply_error *error)
{
    const char *device = config_device_path(devices, one->block);
    if (one->block->readonly)
        options->flags |= MS_RDONLY;
    if (!one->fstype)
        return mount_as_any(device, one->path, options, error);
    if (mount(device, one->path, one->fstype, options->flags, options->data) == 0)
        return true;
    if (errno == ENODEV)
        return config_apply_fail(error, "the kernel has no file system %s", one->fstype);
    return config_apply_fail(error, "cannot mount %s as %s: %s", device, one->fstype,
                             strerror(errno));
}

/* 0 or an errno. */
static int mount_share(const struct config_one_mount *one, const char *transport,
                       const struct config_mount_options *options)
{
    struct config_mount_options with = *options;
    if (!config_add_data(&with, transport))
        return E2BIG;
    return mount(one->tag, one->path, "9p", with.flags, with.data) == 0 ? 0 : errno;
}

static bool mount_9p(const struct config_one_mount *one,
                     const struct config_mount_options *options, struct config_apply_error *error)
{
    bool chosen = false;
    for (size_t i = 0; i < one->options.count; i++)
        chosen = chosen || strncmp(one->options.items[i], "trans=", 6) == 0;
    int reason = 0;
    if (chosen) {
        if (mount(one->tag, one->path, "9p", options->flags, options->data) != 0)
            reason = errno;
    } else {
        /* EINVAL: the kernel has no such transport; ENOENT: it has, without this share. */
        reason = mount_share(one, "trans=virtio", options);
        if (reason == EINVAL || reason == ENOENT) {
            const int other = mount_share(one, "trans=xen", options);
            reason = other == EINVAL ? reason : other;
        }
    }
    if (reason == ENODEV)
        return config_apply_fail(error, "the kernel has no 9p");
    if (reason == ENOENT)
        return config_apply_fail(error, "the machine has no share %s", one->tag);
    return !reason || config_apply_fail(error, "cannot mount the share %s: %s", one->tag,
                                        strerror(reason));
}

static bool mount_kernfs(const struct config_one_mount *one,
                         const struct config_mount_options *options,
                         struct config_apply_error *error)
{
    /* Over the one that is on /proc already: each has options of its own. */
    return mount("proc", one->path, "proc", options->flags, options->data) == 0 ||
           config_apply_fail(error, "cannot mount proc: %s", strerror(errno));
}

static bool apply_one(const struct config_one_mount *one, const struct config_devices *devices,
                      struct config_apply_error *error)
{
    struct config_mount_options options = {0};
    if (one->source == CONFIG_KERNFS)
        options.flags = MS_NOSUID | MS_NODEV | MS_NOEXEC;
    if (!config_add_options(&options, &one->options))
        return config_apply_fail(error, "the options are longer than the %d bytes that mount takes",
                                 CONFIG_MOUNT_DATA_SIZE - 1);
    const int reason = config_make_directories(one->path, true);
    if (reason)
        return config_apply_fail(error, "cannot make the directory: %s", strerror(reason));
    switch (one->source) {
    case CONFIG_BLK:
        return mount_block(one, devices, &options, error);
    case CONFIG_9P:
        return mount_9p(one, &options, error);
    case CONFIG_KERNFS:
        return mount_kernfs(one, &options, error);
    case CONFIG_TMPFS:
        break;
    }
    return mount("tmpfs", one->path, "tmpfs", options.flags, options.data) == 0 ||
           config_apply_fail(error, "cannot mount tmpfs: %s", strerror(errno));
}

bool config_apply_mount(const struct config_mount *mount, const struct config_devices *devices,
                        struct config_apply_error *error)
{
    for (size_t i = 0; i < mount->count; i++) {
        config_apply_at(error, "mount", mount->mounts[i].path, NULL);
        if (!apply_one(&mount->mounts[i], devices, error))
            return false;
    }
    return true;
}
