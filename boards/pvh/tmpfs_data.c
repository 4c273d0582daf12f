/* SPDX-License-Identifier: BSD-2-Clause */
/* What is in the files of tmpfs: pages, in a tree of tables that has holes where nothing is. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "tmpfs.h"

#define TABLE_BITS 9u
#define TABLE_SIZE (1u << TABLE_BITS)
#define NO_PAGE UINT64_MAX

/* Where the page with that index is noted; NULL: nowhere, or there is no memory to note it. */
static physical_t *find_place(struct tmpfs_node *file, uint64_t index, bool make)
{
    while (index >> (TABLE_BITS * file->height)) {
        if (!make)
            return NULL;
        if (file->top) {
            const physical_t table = page_get();
            if (!table)
                return NULL;
            *(physical_t *)page_pointer(table) = file->top;
            file->top = table;
        }
        file->height++;
    }
    physical_t *place = &file->top;
    for (unsigned level = file->height; level-- > 0;) {
        if (!*place && (!make || !(*place = page_get())))
            return NULL;
        physical_t *const table = page_pointer(*place);
        place = &table[index >> (TABLE_BITS * level) & (TABLE_SIZE - 1)];
    }
    return place;
}

static int make_page(struct tmpfs_node *file, uint64_t index, physical_t *made)
{
    struct tmpfs *const system = tmpfs_of(&file->node);
    physical_t *const place = find_place(file, index, true);
    if (!place)
        return -ENOMEM;
    if (!*place) {
        if (system->most_pages && system->pages >= system->most_pages)
            return -ENOSPC;
        *place = tmpfs_has_memory() ? page_get() : 0;
        if (!*place)
            return -ENOMEM;
        system->pages++;
        file->pages++;
    }
    *made = *place;
    return 0;
}

/* Puts back the pages from first on that are below place, and tables that have none left. */
static void put_pages(struct tmpfs_node *file, physical_t *place, unsigned level, uint64_t first)
{
    if (!*place)
        return;
    if (level > 0) {
        physical_t *const table = page_pointer(*place);
        const unsigned shift = TABLE_BITS * (level - 1);
        uint64_t within = first & (((uint64_t)1 << shift) - 1);
        for (uint64_t i = first >> shift; i < TABLE_SIZE; i++, within = 0)
            put_pages(file, &table[i], level - 1, within);
    }
    if (first > 0)
        return;
    page_put(*place);
    *place = 0;
    if (level == 0) {
        file->pages--;
        tmpfs_of(&file->node)->pages--;
    }
}

void tmpfs_cut(struct tmpfs_node *file, uint64_t size)
{
    const uint64_t end = round_up(size, PAGE_SIZE);
    if (file->size > size && file->node.references > 0)
        spaces_forget(&file->node, end);
    put_pages(file, &file->top, file->height, end / PAGE_SIZE);
    physical_t *const last = end > size ? find_place(file, size / PAGE_SIZE, false) : NULL;
    if (last && *last)
        memset((char *)page_pointer(*last) + size % PAGE_SIZE, 0, end - size);
    if (!file->top)
        file->height = 0;
    file->size = size;
}

/* The first page from first on that is there, below a table of that level; NO_PAGE: none. */
static uint64_t next_page(physical_t at, unsigned level, uint64_t first)
{
    if (!at || level == 0)
        return at ? first : NO_PAGE;
    const physical_t *const table = page_pointer(at);
    const unsigned shift = TABLE_BITS * (level - 1);
    uint64_t within = first & (((uint64_t)1 << shift) - 1);
    for (uint64_t i = first >> shift; i < TABLE_SIZE; i++, within = 0) {
        const uint64_t found = next_page(table[i], level - 1, within);
        if (found != NO_PAGE)
            return (i << shift) + found;
    }
    return NO_PAGE;
}

static int64_t seek_file(struct file *file, int64_t offset, int whence)
{
    struct tmpfs_node *const node = tmpfs_node(file->node);
    uint64_t at = (uint64_t)offset, index = at / PAGE_SIZE;
    if (whence != SEEK_DATA && whence != SEEK_HOLE)
        return file_seek(file, offset, whence);
    if (offset < 0 || at >= node->size)
        return -ENXIO;
    if (whence == SEEK_DATA) {
        index = index >> (TABLE_BITS * node->height) ? NO_PAGE
                                                     : next_page(node->top, node->height, index);
        if (index == NO_PAGE || index * PAGE_SIZE >= node->size)
            return -ENXIO;
    } else {
        for (const physical_t *place; (place = find_place(node, index, false)) && *place;)
            index++;
    }
    at = MIN(MAX(at, index * PAGE_SIZE), node->size);
    return file_seek(file, (int64_t)at, SEEK_SET);
}

static int64_t read_file(struct file *file, void *bytes, size_t size, uint64_t *position)
{
    static const char zeros[512];
    struct tmpfs_node *const node = tmpfs_node(file->node);
    size_t done = 0;
    while (done < size && *position < node->size) {
        const size_t within = *position % PAGE_SIZE;
        uint64_t part = MIN(MIN(size - done, PAGE_SIZE - within), node->size - *position);
        physical_t *const place = find_place(node, *position / PAGE_SIZE, false);
        const char *from = zeros;
        if (place && *place)
            from = (const char *)page_pointer(*place) + within;
        else
            part = MIN(part, sizeof zeros);
        if (!copy_bytes((char *)bytes + done, from, part))
            return done ? (int64_t)done : -EFAULT;
        done += part;
        *position += part;
    }
    return (int64_t)done;
}

static int64_t write_file(struct file *file, const void *bytes, size_t size, uint64_t *position)
{
    struct tmpfs_node *const node = tmpfs_node(file->node);
    size_t done = 0;
    int error = 0;
    const uint64_t before = *position;
    if (file->flags & O_APPEND)
        *position = node->size;
    if (size && *position >= INT64_MAX)
        return -EFBIG;
    size = MIN(size, INT64_MAX - *position);
    while (done < size && !error) {
        const size_t within = *position % PAGE_SIZE;
        const size_t part = MIN(size - done, PAGE_SIZE - within);
        physical_t page;
        error = make_page(node, *position / PAGE_SIZE, &page);
        if (!error &&
            !copy_bytes((char *)page_pointer(page) + within, (const char *)bytes + done, part))
            error = -EFAULT;
        if (error)
            break;
        done += part;
        *position += part;
        node->size = MAX(node->size, *position);
    }
    if (done)
        tmpfs_touch(node);
    else
        *position = before;
    return done ? (int64_t)done : error;
}

static physical_t map_page(struct file *file, uint64_t offset, bool write, bool *owned)
{
    struct tmpfs_node *const node = tmpfs_node(file->node);
    physical_t page;
    (void)write;
    *owned = false;
    return offset < node->size && make_page(node, offset / PAGE_SIZE, &page) == 0 ? page : 0;
}

static int truncate_file(struct file *file, uint64_t size)
{
    const struct stat facts = {.st_size = (off_t)size};
    return node_change(file->node, &facts, NODE_CHANGE_SIZE);
}

const struct file_operations tmpfs_file_operations = {
    .name = "tmpfs",
    .read = read_file,
    .write = write_file,
    .seek = seek_file,
    .page = map_page,
    .truncate = truncate_file,
};
