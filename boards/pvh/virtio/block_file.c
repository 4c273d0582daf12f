/* SPDX-License-Identifier: BSD-2-Clause */
/* Block devices as files below /dev. */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/sysmacros.h>

#include "device.h"
#include "file.h"

#define SECTOR 512u
#define MAJOR 254u
/* At once, through memory of the base. */
#define PIECE 16384u

struct block_file {
    struct device_file file;
    struct block_file *next;
    struct block_device *device;
};

static struct block_file *files;
static unsigned file_count;

static uint64_t size_of(const struct block_device *device) { return device->sectors * SECTOR; }

/* Bytes from anywhere to anywhere; a sector that is written in part is read first. */
static int move_piece(struct block_device *device, uint64_t position, char *bytes, size_t size,
                      char *piece, bool write)
{
    const uint64_t first = position / SECTOR;
    const size_t before = position % SECTOR;
    const size_t sectors = round_up(before + size, SECTOR) / SECTOR;
    int result = 0;
    if (!write || before || (before + size) % SECTOR)
        result = device->transfer(device, first, piece, sectors, false);
    if (result)
        return result;
    if (!write)
        return copy_bytes(bytes, piece + before, size) ? 0 : -EFAULT;
    return copy_bytes(piece + before, bytes, size)
             ? device->transfer(device, first, piece, sectors, true)
             : -EFAULT;
}

static int64_t move(struct file *file, char *bytes, size_t size, uint64_t *position, bool write)
{
    struct block_device *device = file->data;
    const uint64_t end = size_of(device);
    if (write && device->read_only)
        return -EPERM;
    if (*position >= end)
        return write && size ? -ENOSPC : 0;
    const size_t wanted = MIN(size, end - *position);
    char *piece = heap_get(PIECE);
    size_t done = 0;
    int result = piece ? 0 : -ENOMEM;
    while (!result && done < wanted) {
        const size_t now = MIN(wanted - done, PIECE - *position % SECTOR);
        result = move_piece(device, *position, bytes + done, now, piece, write);
        if (!result) {
            done += now;
            *position += now;
        }
    }
    heap_put(piece);
    return done ? (int64_t)done : result;
}

static int64_t block_read(struct file *file, void *bytes, size_t size, uint64_t *position)
{
    return move(file, bytes, size, position, false);
}

static int64_t block_write(struct file *file, const void *bytes, size_t size, uint64_t *position)
{
    return move(file, (char *)(uintptr_t)bytes, size, position, true);
}

static int64_t block_seek(struct file *file, int64_t offset, int whence)
{
    const uint64_t end = size_of(file->data);
    const uint64_t base = whence == SEEK_CUR ? file->position : whence == SEEK_END ? end : 0;
    const int64_t place = (int64_t)base + offset;
    if ((whence != SEEK_SET && whence != SEEK_CUR && whence != SEEK_END) || place < 0 ||
        (uint64_t)place > end)
        return -EINVAL;
    file->position = (uint64_t)place;
    return place;
}

static int64_t block_control(struct file *file, unsigned request, uint64_t argument)
{
    struct block_device *device = file->data;
    const uint64_t bytes = size_of(device), sectors = device->sectors;
    const int sector = SECTOR, read_only = device->read_only;
    switch (request) {
    case BLKGETSIZE64:
        return copy_out(argument, &bytes, sizeof bytes) ? 0 : -EFAULT;
    case BLKGETSIZE:
        return copy_out(argument, &sectors, sizeof sectors) ? 0 : -EFAULT;
    case BLKSSZGET:
        return copy_out(argument, &sector, sizeof sector) ? 0 : -EFAULT;
    case BLKROGET:
        return copy_out(argument, &read_only, sizeof read_only) ? 0 : -EFAULT;
    case BLKFLSBUF:
        return device->flush(device);
    default:
        return -ENOTTY;
    }
}

static int block_sync(struct file *file)
{
    struct block_device *device = file->data;
    return device->flush(device);
}

static const struct file_operations operations = {
    .name = "block",
    .read = block_read,
    .write = block_write,
    .control = block_control,
    .seek = block_seek,
    .sync = block_sync,
};

static int open_block(struct node *node, int flags, struct file **opened)
{
    struct stat facts;
    const int result = node->operations->facts(node, &facts);
    if (result)
        return result;
    struct block_file *found = NULL;
    for (struct block_file *one = files; one; one = one->next)
        found = one->file.device == facts.st_rdev ? one : found;
    if (!found)
        return -ENXIO;
    *opened = file_make(&operations, node, flags, found->device);
    return *opened ? 0 : -ENOMEM;
}

void block_device_add(struct block_device *device)
{
    struct block_file *file = heap_get(sizeof *file);
    if (!file)
        return;
    file->device = device;
    file->file.name = device->name;
    file->file.mode = S_IFBLK | 0600;
    file->file.device = (uint32_t)makedev(MAJOR, file_count * 16);
    file_count++;
    file->file.open = open_block;
    file->next = files;
    files = file;
    device_file_add(&file->file);
}
