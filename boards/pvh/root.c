/* SPDX-License-Identifier: BSD-2-Clause */
/* The root: what is in the archives of boot modules, and in the image's own behind those. */
#include <errno.h>
#include <sys/statfs.h>

#include "device.h"
#include "file.h"
#include "root_parse.h"

#define MOST_ARCHIVES 5u
#define RAMFS_MAGIC 0x858458f6

extern const char base_end[];

/* Those whose files come first are first. */
static struct root {
    struct root_archive archive;
    /* How many entries there are in those before it. */
    uint64_t before;
} roots[MOST_ARCHIVES];
static size_t root_count;
/* The nodes that are in use, by their entries. */
static struct node **live;

static const struct node_operations operations;
static struct file_system root_system;

static const struct root_entry *entry_of(const struct node *node) { return node->data; }

static const struct root *root_of(const struct node *node)
{
    const struct root *root = roots;
    while (node->number - 2 - root->before >= root->archive.count)
        root++;
    return root;
}

/* A directory's path; the root's is empty. */
static const char *path_within(const struct node *node, size_t *length)
{
    const struct root_entry *const entry = entry_of(node);
    *length = entry ? entry->name_length : 0;
    return entry ? root_name(&root_of(node)->archive, entry) : "";
}

static enum node_kind kind_of(const struct root_entry *entry)
{
    return S_ISDIR(entry->mode) ? NODE_DIRECTORY : S_ISLNK(entry->mode) ? NODE_LINK : NODE_FILE;
}

static int get_node(struct node *directory, const struct root *root, uint32_t index,
                    struct node **found)
{
    const struct root_entry *const entry = &root->archive.entries[index];
    struct node **const place = &live[root->before + index];
    if (*place) {
        *found = node_share(*place);
        return 0;
    }
    struct node *const node = heap_get(sizeof *node);
    if (!node)
        return -ENOMEM;
    node_begin(node, &operations, kind_of(entry), &root_system, directory);
    node->data = (void *)(uintptr_t)entry;
    node->number = root->before + index + 2;
    *found = *place = node;
    return 0;
}

static void release(struct node *node)
{
    live[node->number - 2] = NULL;
    heap_put(node);
}

static int find(struct node *directory, const char *name, size_t length, struct node **found)
{
    size_t path_length;
    const char *const path = path_within(directory, &path_length);
    for (const struct root *root = roots; root < roots + root_count; root++) {
        bool is_there;
        const uint32_t index =
            root_search(&root->archive, path, path_length, name, length, &is_there);
        if (is_there)
            return get_node(directory, root, index, found);
    }
    return -ENOENT;
}

static int64_t read_link(struct node *node, char *goal, size_t size)
{
    const struct root_entry *const entry = entry_of(node);
    const size_t length = MIN(size, entry->size);
    memcpy(goal, root_of(node)->archive.start + entry->content, length);
    return (int64_t)length;
}

static const char *last_name(const struct root_archive *archive, const struct root_entry *entry,
                             size_t *length)
{
    const char *const end = root_name(archive, entry) + entry->name_length;
    *length = 0;
    while (*length < entry->name_length && end[-1 - (ptrdiff_t)*length] != '/')
        ++*length;
    return end - *length;
}

static int64_t name_of(struct node *node, char *name, size_t size)
{
    size_t length;
    const char *const own = last_name(&root_of(node)->archive, entry_of(node), &length);
    memcpy(name, own, MIN(size, length));
    return (int64_t)length;
}

static int facts_of(struct node *node, struct stat *facts)
{
    const struct root_entry *const entry = entry_of(node);
    facts->st_mode = entry ? entry->mode : S_IFDIR | 0755;
    facts->st_size = entry ? (off_t)entry->size : 0;
    facts->st_blocks = (facts->st_size + 511) / 512;
    facts->st_atim.tv_sec = facts->st_mtim.tv_sec = facts->st_ctim.tv_sec =
        entry ? root_of(node)->archive.time : roots[0].archive.time;
    return 0;
}

static int64_t read_file(struct file *file, void *bytes, size_t size, uint64_t *position)
{
    const struct root_entry *const entry = entry_of(file->node);
    if (*position >= entry->size)
        return 0;
    size = MIN(size, entry->size - *position);
    if (!copy_bytes(bytes, root_of(file->node)->archive.start + entry->content + *position, size))
        return -EFAULT;
    *position += size;
    return (int64_t)size;
}

/* Whether all that a mapping of this page would show is the file's, and zeros. */
static bool is_whole_page(const struct root_archive *archive, const char *page, size_t used)
{
    if ((uintptr_t)page % PAGE_SIZE ||
        (uint64_t)(page - archive->start) + PAGE_SIZE > archive->size)
        return false;
    while (used < PAGE_SIZE && !page[used])
        used++;
    return used >= PAGE_SIZE;
}

static physical_t map_page(struct file *file, uint64_t offset, bool write, bool *owned)
{
    const struct root_entry *const entry = entry_of(file->node);
    const struct root_archive *const archive = &root_of(file->node)->archive;
    if (offset >= entry->size || write)
        return 0;
    const char *const content = archive->start + entry->content + offset;
    const size_t used = MIN(entry->size - offset, PAGE_SIZE);
    *owned = !is_whole_page(archive, content, used);
    if (!*owned)
        return physical_of(content);
    const physical_t page = page_get();
    if (page)
        memcpy(page_pointer(page), content, used);
    return page;
}

/* Whether an archive that comes before has the name as well. */
static bool is_hidden(const struct root *last, const char *path, size_t path_length,
                      const char *name, size_t length)
{
    bool found = false;
    for (const struct root *root = roots; root < last && !found; root++)
        (void)root_search(&root->archive, path, path_length, name, length, &found);
    return found;
}

/* Adds an archive's entries that are in the directory; false: there is no room for one. */
static bool list_root(struct listing *listing, const struct root *root, const char *path,
                      size_t path_length)
{
    const struct root_archive *const archive = &root->archive;
    bool found;
    uint64_t index = root_search(archive, path, path_length, "", 0, &found);
    if (*listing->position - 2 > root->before)
        index = MAX(index, *listing->position - 2 - root->before);
    for (; index < archive->count; index++) {
        const struct root_entry *const entry = &archive->entries[index];
        size_t length;
        const char *const name = last_name(archive, entry, &length);
        const size_t above = entry->name_length - length;
        if (memcmp(root_name(archive, entry), path, MIN(path_length, entry->name_length)) != 0)
            break;
        if (above != (path_length ? path_length + 1 : 0) ||
            is_hidden(root, path, path_length, name, length))
            continue;
        const uint64_t number = root->before + index;
        if (!listing_add(listing, name, length, number + 2, kind_of(entry), number + 3))
            return false;
    }
    return true;
}

static int64_t list(struct file *file, void *entries, size_t size, uint64_t *position)
{
    struct listing listing = listing_begin(file, entries, size, position);
    size_t path_length;
    const char *const path = path_within(file->node, &path_length);
    for (const struct root *root = roots; root < roots + root_count && !listing.full; root++)
        if (!list_root(&listing, root, path, path_length))
            break;
    return listing_end(&listing);
}

static const struct file_operations file_operations = {
    .name = "root",
    .read = read_file,
    .seek = file_seek,
    .page = map_page,
};

static const struct file_operations directory_operations = {
    .name = "root",
    .read = directory_read,
    .seek = file_seek,
    .list = list,
};

static int open_node(struct node *node, int flags, struct file **opened)
{
    *opened = file_make(node->kind == NODE_DIRECTORY ? &directory_operations : &file_operations,
                        node, flags, NULL);
    return *opened ? 0 : -ENOMEM;
}

static const struct node_operations operations = {
    .find = find,
    .read_link = read_link,
    .name = name_of,
    .open = open_node,
    .facts = facts_of,
    .release = release,
};

static int system_facts_of(struct file_system *system, struct statfs *facts)
{
    (void)system;
    facts->f_type = RAMFS_MAGIC;
    for (size_t i = 0; i < root_count; i++) {
        facts->f_blocks += roots[i].archive.size / PAGE_SIZE;
        facts->f_files += roots[i].archive.count;
    }
    return 0;
}

static void add_root(const char *what, physical_t start, uint64_t size)
{
    struct root *const root = &roots[root_count];
    const char *const wrong = root_parse(&root->archive, page_pointer(start), size);
    if (wrong)
        panic("%s is no archive: %s", what, wrong);
    root->before = root_count ? root[-1].before + root[-1].archive.count : 0;
    root_count++;
}

static struct file_system root_system = {
    .type = "rootfs", .read_only = true, .facts = system_facts_of};

struct file_system *root_make(void)
{
    static struct node root;
    struct start_module modules[MOST_ARCHIVES - 1];
    const size_t count = start_modules(modules, ARRAY_SIZE(modules));
    for (size_t i = 0; i < count; i++)
        if (root_is_archive(page_pointer(modules[i].start), modules[i].size))
            add_root("a boot module", modules[i].start, modules[i].size);
    add_root("the image's root", physical_of(base_end), start_root_size());
    const struct root *const last = &roots[root_count - 1];
    live = heap_get((last->before + last->archive.count + 1) * sizeof(struct node *));
    if (!live)
        return NULL;
    node_begin(&root, &operations, NODE_DIRECTORY, &root_system, NULL);
    root.number = 1;
    root_system.root = &root;
    return &root_system;
}
