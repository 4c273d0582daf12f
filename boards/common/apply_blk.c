/* SPDX-License-Identifier: BSD-2-Clause */
/* The section blk: disks are awaited, files get loop devices. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/loop.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "apply_parts.h"

#define PAUSE_MS 20
/* Others may take the device that was free a moment ago. */
#define LOOP_TRIES 16

/* 0 once the device can be opened, otherwise an errno. */
static int open_device(const char *path, int how, int *result)
{
    struct stat facts;
    const int fd = open(path, how | O_CLOEXEC);
    if (fd < 0)
        return errno;
    if (fstat(fd, &facts) != 0 || !S_ISBLK(facts.st_mode)) {
        close(fd);
        return ENOTBLK;
    }
    *result = fd;
    return 0;
}

/* Drivers make their devices late, and a device is busy with itself at first. */
static int await_device(const char *path, int how, int *result)
{
    const int64_t end = config_now() + CONFIG_DEVICE_SECONDS * 1000;
    for (;;) {
        const int reason = open_device(path, how, result);
        if ((reason != ENOENT && reason != ENXIO && reason != ENODEV) || config_now() >= end)
            return reason;
        config_sleep(PAUSE_MS);
    }
}

static bool apply_disk(const struct config_block *block, struct config_apply_error *error)
{
    int fd = -1;
    const int on = 1;
    const int reason = await_device(block->path, O_RDONLY, &fd);
    if (reason == ENOENT || reason == ENXIO || reason == ENODEV)
        return config_apply_fail(error, "the machine has no disk %s, not within %d seconds",
                                 block->path, CONFIG_DEVICE_SECONDS);
    if (reason)
        return config_apply_fail(error, "cannot use %s as a disk: %s", block->path,
                                 strerror(reason));
    const bool done = !block->readonly || ioctl(fd, BLKROSET, &on) == 0;
    if (!done)
        config_apply_fail(error, "cannot make %s read-only: %s", block->path, strerror(errno));
    close(fd);
    return done;
}

/* Older kernels, and others that present Linux's system calls, lack the call that does both. */
static int configure(int loop, const struct loop_config *config)
{
    if (ioctl(loop, LOOP_CONFIGURE, config) == 0)
        return 0;
    if (errno != EINVAL && errno != ENOTTY && errno != ENOSYS)
        return errno;
    if (ioctl(loop, LOOP_SET_FD, config->fd) != 0)
        return errno;
    if (ioctl(loop, LOOP_SET_STATUS64, &config->info) == 0)
        return 0;
    const int reason = errno;
    ioctl(loop, LOOP_CLR_FD, 0);
    return reason;
}

/* 0 or an errno; EBUSY where another process was faster. */
static int attach(int control, int file, bool readonly, char device[CONFIG_DEVICE_SIZE])
{
    const int number = ioctl(control, LOOP_CTL_GET_FREE);
    int loop = -1;
    if (number < 0)
        return errno;
    snprintf(device, CONFIG_DEVICE_SIZE, "/dev/loop%d", number);
    const int missing = await_device(device, readonly ? O_RDONLY : O_RDWR, &loop);
    if (missing)
        return missing;
    struct loop_config config = {.fd = (uint32_t)file};
    config.info.lo_flags = readonly ? LO_FLAGS_READ_ONLY : 0;
    const int reason = configure(loop, &config);
    close(loop);
    return reason;
}

static bool apply_file(const struct config_block *block, char device[CONFIG_DEVICE_SIZE],
                       struct config_apply_error *error)
{
    const int file = open(block->path, (block->readonly ? O_RDONLY : O_RDWR) | O_CLOEXEC);
    if (file < 0)
        return config_apply_fail(error, "cannot open %s: %s", block->path, strerror(errno));
    const int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
    int reason = control < 0 ? errno : EBUSY;
    for (int i = 0; i < LOOP_TRIES && reason == EBUSY; i++)
        reason = attach(control, file, block->readonly, device);
    if (control >= 0)
        close(control);
    close(file);
    if (!reason)
        return true;
    device[0] = '\0';
    return config_apply_fail(error, "no loop device for %s: %s", block->path, strerror(reason));
}

bool config_apply_blk(const struct config_blk *blk, struct config_devices *devices,
                      struct config_apply_error *error)
{
    memset(devices, 0, sizeof *devices);
    devices->blk = blk;
    for (size_t i = 0; i < blk->count; i++) {
        const struct config_block *block = &blk->blocks[i];
        config_apply_at(error, "blk", block->name, NULL);
        const bool done = block->type == CONFIG_FILE
                              ? apply_file(block, devices->own[i], error)
                              : apply_disk(block, error);
        if (!done)
            return false;
    }
    return true;
}

const char *config_device_path(const struct config_devices *devices,
                               const struct config_block *block)
{
    for (size_t i = 0; devices->blk && i < devices->blk->count; i++) {
        if (block == &devices->blk->blocks[i] && devices->own[i][0] != '\0')
            return devices->own[i];
    }
    return block->path;
}
