/* SPDX-License-Identifier: BSD-2-Clause */
/* Devices that need no driver: /dev/null, zero, full, random, urandom; and the console's names. */
#include "files.h"

#define DEVICE(major, minor) ((major) << 8 | (minor))

static int64_t read_nothing(struct file *file, void *bytes, size_t size, uint64_t *position)
{
    (void)file, (void)bytes, (void)size, (void)position;
    return 0;
}

static int64_t write_anything(struct file *file, const void *bytes, size_t size, uint64_t *position)
{
    (void)file, (void)bytes, (void)position;
    return (int64_t)size;
}

static int64_t write_nothing(struct file *file, const void *bytes, size_t size, uint64_t *position)
{
    (void)file, (void)bytes, (void)size, (void)position;
    return -ENOSPC;
}

/* In pieces; make fills one in, or it has been filled in before. */
static int64_t read_pieces(char *to, size_t size, char *piece, size_t piece_size,
                           void (*make)(void *piece, size_t size))
{
    for (size_t done = 0; done < size;) {
        const size_t part = MIN(size - done, piece_size);
        if (make)
            make(piece, part);
        if (!copy_bytes(to + done, piece, part))
            return done ? (int64_t)done : -EFAULT;
        done += part;
    }
    return (int64_t)size;
}

static int64_t read_zeros(struct file *file, void *bytes, size_t size, uint64_t *position)
{
    static char zeros[1024];
    (void)file, (void)position;
    return read_pieces(bytes, size, zeros, sizeof zeros, NULL);
}

static int64_t read_random(struct file *file, void *bytes, size_t size, uint64_t *position)
{
    char piece[256];
    (void)file, (void)position;
    return read_pieces(bytes, size, piece, sizeof piece, random_fill);
}

static int64_t stay(struct file *file, int64_t offset, int whence)
{
    (void)file, (void)offset, (void)whence;
    return 0;
}

static physical_t page_of_zeros(struct file *file, uint64_t offset, bool write, bool *owned)
{
    (void)file, (void)offset, (void)write;
    *owned = true;
    return page_get();
}

struct plain {
    struct device_file file;
    struct file_operations operations;
};

static int open_plain(struct node *node, int flags, struct file **opened);

#define PLAIN(path, number, reads, writes, maps)                                                   \
    {                                                                                              \
        .file = {.name = path, .mode = 0666, .device = DEVICE(1, number), .open = open_plain},     \
        .operations = {.name = path, .read = reads, .write = writes, .seek = stay, .page = maps},  \
    }
static struct plain plain[] = {
    PLAIN("null", 3, read_nothing, write_anything, NULL),
    PLAIN("zero", 5, read_zeros, write_anything, page_of_zeros),
    PLAIN("full", 7, read_zeros, write_nothing, NULL),
    PLAIN("random", 8, read_random, write_anything, NULL),
    PLAIN("urandom", 9, read_random, write_anything, NULL),
};

static int open_plain(struct node *node, int flags, struct file **opened)
{
    const struct plain *found = CONTAINER_OF(device_file_of(node), struct plain, file);
    *opened = file_make(&found->operations, node, flags, NULL);
    return *opened ? 0 : -ENOMEM;
}

static struct device_file consoles[] = {
    {.name = "console", .mode = 0600, .device = DEVICE(5, 1), .open = console_open},
    {.name = "tty", .mode = 0666, .device = DEVICE(5, 0), .open = console_open},
};

void devices_plain_add(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(plain); i++)
        device_file_add(&plain[i].file);
    for (size_t i = 0; i < ARRAY_SIZE(consoles); i++)
        device_file_add(&consoles[i]);
}
