/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The pvh board's root of some archives: root_list ARCHIVE ..., the image's own last. Says of each
 * entry its path, mode, size, a sum of what is read and one of what would be mapped; then, of each
 * path on standard input, what opening it gives.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device.h"
#include "files.h"
#include "memory_shim.h"

#define MOST_SIZE (1u << 20)

_Alignas(PAGE_SIZE) const char base_end[PAGE_SIZE];
static struct start_module archives[8];
static size_t archive_count;

/* What the tree needs of others. */
uint64_t clock_stamp(void) { return (uint64_t)1700000000 * 1000000000; }
void say(const char *format, ...) { (void)format; }
bool copy_bytes(void *to, const void *from, size_t size) { return memcpy(to, from, size); }
void locks_end(const struct file *file) { (void)file; }
void epoll_forget(struct file *file) { (void)file; }
/* The image's archive is the last of those read, wherever the base ends. */
physical_t physical_of(const void *pointer)
{
    return pointer == base_end ? archives[archive_count].start : (uintptr_t)pointer - MEMORY_DIRECT;
}
uint64_t start_root_size(void) { return archives[archive_count].size; }
size_t start_modules(struct start_module *modules, size_t most)
{
    memcpy(modules, archives, MIN(most, archive_count) * sizeof *modules);
    return MIN(most, archive_count);
}

static struct start_module read_archive(const char *path)
{
    FILE *const file = fopen(path, "rb");
    char *const bytes = aligned_alloc(PAGE_SIZE, MOST_SIZE);
    if (!file || !bytes)
        exit(2);
    memset(bytes, 0xaa, MOST_SIZE);
    const size_t size = fread(bytes, 1, MOST_SIZE, file);
    fclose(file);
    return (struct start_module){.start = (uintptr_t)bytes - MEMORY_DIRECT, .size = size};
}

static unsigned sum_of(unsigned sum, const char *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        sum = sum * 31 + (unsigned char)bytes[i];
    return sum;
}

static unsigned read_sum(struct file *file)
{
    char bytes[100];
    unsigned sum = 0;
    int64_t got;
    while ((got = file->operations->read(file, bytes, sizeof bytes, &file->position)) > 0)
        sum = sum_of(sum, bytes, (size_t)got);
    return sum;
}

/* What a program would see there: zeros behind the end. */
static unsigned mapped_sum(struct file *file, size_t size)
{
    unsigned sum = 0;
    for (size_t at = 0; at < size; at += PAGE_SIZE) {
        const size_t used = MIN(size - at, PAGE_SIZE);
        bool owned = false;
        const physical_t page = file->operations->page(file, at, false, &owned);
        BASE_ASSERT(page % PAGE_SIZE == 0 && page);
        const char *const bytes = page_pointer(page);
        sum = sum_of(sum, bytes, used);
        for (size_t i = used; i < PAGE_SIZE; i++)
            BASE_ASSERT(!bytes[i]);
        if (owned)
            page_put(page);
    }
    return sum;
}

static void show(const char *path);

static void show_entries(struct file *directory, const char *path)
{
    char bytes[64 + 256], below[PATH_LONGEST];
    int64_t got;
    while ((got = directory->operations->list(directory, bytes, sizeof bytes,
                                              &directory->position)) > 0) {
        for (int64_t at = 0; at < got;) {
            const struct dirent *const entry = (const void *)(bytes + at);
            at += entry->d_reclen;
            (void)snprintf(below, sizeof below, "%s/%s", path, entry->d_name);
            if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
                show(below);
        }
    }
    BASE_ASSERT(got == 0);
}

static void show(const char *path)
{
    char text[PATH_LONGEST];
    struct node *node;
    struct file *file;
    struct stat facts;
    BASE_ASSERT(path_find(path_root, *path ? path : "/", 0, &node) == 0 &&
                node_facts(node, &facts) == 0);
    BASE_ASSERT(path_of(node, text, sizeof text) > 0 && strcmp(text, *path ? path : "/") == 0);
    printf("%s %o %ld", text, facts.st_mode, (long)facts.st_size);
    if (node->kind == NODE_LINK) {
        const int64_t length = node->operations->read_link(node, text, sizeof text);
        printf(" -> %.*s\n", (int)length, text);
    } else {
        BASE_ASSERT(path_open(path_root, *path ? path : "/", O_RDONLY, 0, &file) == 0);
        if (node->kind == NODE_FILE)
            printf(" %u %u", read_sum(file), mapped_sum(file, (size_t)facts.st_size));
        puts("");
        if (node->kind == NODE_DIRECTORY)
            show_entries(file, path);
        file_drop(file);
    }
    node_drop(node);
}

int main(int argc, char **argv)
{
    char line[PATH_LONGEST];
    for (int i = 1; i < argc; i++)
        archives[i - 1] = read_archive(argv[i]);
    archive_count = (size_t)argc - 2;
    struct file_system *const root = root_make();
    path_root = root->root;
    const size_t pieces = shim_pieces;
    show("");
    while (fgets(line, sizeof line, stdin)) {
        struct file *file;
        line[strcspn(line, "\n")] = '\0';
        const int error = path_open(path_root, line, O_RDONLY, 0, &file);
        if (!error)
            file_drop(file);
        printf("%s: %d\n", line, error);
    }
    BASE_ASSERT(shim_pieces == pieces && shim_pages == 0);
    return 0;
}
