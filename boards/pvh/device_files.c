/* SPDX-License-Identifier: BSD-2-Clause */
/* The file system /dev: the devices that have no driver, and whatever drivers add. */
#include <sys/statfs.h>

#include "files.h"

/* TMPFS_MAGIC of <linux/magic.h>, which a devtmpfs has too. */
#define TYPE_OF_SYSTEM 0x01021994
#define SECOND 1000000000u

/* A file, a directory, or a link to its goal. All of them stay. */
struct entry {
    struct node node;
    struct entry *next;
    const char *name;
    size_t length;
    struct device_file *file;
    const char *goal;
};

static struct entry root = {.name = ""};
static struct entry *entries, **entries_end = &entries;

static int device_system_facts(struct file_system *system, struct statfs *facts)
{
    (void)system;
    facts->f_type = TYPE_OF_SYSTEM;
    return 0;
}

static struct file_system devices = {
    .type = "devtmpfs", .root = &root.node, .facts = device_system_facts};

static struct entry *entry_of(struct node *node) { return CONTAINER_OF(node, struct entry, node); }

struct device_file *device_file_of(struct node *node) { return entry_of(node)->file; }

static struct entry *find_entry(const struct entry *directory, const char *name, size_t length)
{
    struct entry *entry = entries;
    while (entry && (entry->node.parent != &directory->node || entry->length != length ||
                     memcmp(entry->name, name, length) != 0))
        entry = entry->next;
    return entry;
}

static int find(struct node *directory, const char *name, size_t length, struct node **found)
{
    struct entry *entry = find_entry(entry_of(directory), name, length);
    if (!entry)
        return -ENOENT;
    *found = node_share(&entry->node);
    return 0;
}

static int64_t copy_name(const char *from, size_t length, char *to, size_t size)
{
    memcpy(to, from, MIN(length, size));
    return (int64_t)MIN(length, size);
}

static int64_t read_link(struct node *node, char *goal, size_t size)
{
    const char *from = entry_of(node)->goal;
    return copy_name(from, strlen(from), goal, size);
}

static int64_t name_of(struct node *node, char *name, size_t size)
{
    const struct entry *entry = entry_of(node);
    return copy_name(entry->name, entry->length, name, size);
}

static int64_t list(struct file *file, void *buffer, size_t size, uint64_t *position)
{
    struct listing listing = listing_begin(file, buffer, size, position);
    uint64_t after = 2;
    for (struct entry *entry = entries; entry; entry = entry->next) {
        if (entry->node.parent != file->node || after++ < *position)
            continue;
        if (!listing_add(&listing, entry->name, entry->length, entry->node.number, entry->node.kind,
                         after))
            break;
    }
    return listing_end(&listing);
}

static const struct file_operations directory_operations = {
    .name = "dev", .read = directory_read, .seek = file_seek, .list = list};

static int open_entry(struct node *node, int flags, struct file **opened)
{
    if (node->kind == NODE_DEVICE)
        return entry_of(node)->file->open(node, flags, opened);
    *opened = file_make(&directory_operations, node, flags, NULL);
    return *opened ? 0 : -ENOMEM;
}

static int facts_of(struct node *node, struct stat *facts)
{
    const struct entry *entry = entry_of(node);
    facts->st_atim.tv_sec = (time_t)(clock_stamp() / SECOND);
    facts->st_mtim = facts->st_ctim = facts->st_atim;
    if (entry->file) {
        facts->st_mode = S_IFCHR | entry->file->mode;
        facts->st_rdev = entry->file->device;
    } else if (entry->goal) {
        facts->st_mode = S_IFLNK | 0777;
        facts->st_size = (off_t)strlen(entry->goal);
    } else {
        facts->st_mode = S_IFDIR | 0755;
        facts->st_nlink = 2;
    }
    return 0;
}

static const struct node_operations operations = {
    .find = find, .read_link = read_link, .name = name_of, .open = open_entry, .facts = facts_of};

/* Every entry has one reference that is never dropped. */
static struct entry *add_entry(struct entry *directory, const char *name, size_t length,
                               enum node_kind kind)
{
    struct entry *entry = heap_get(sizeof *entry);
    if (!entry) {
        say("no memory for the device file %s", name);
        return NULL;
    }
    entry->name = name;
    entry->length = length;
    node_begin(&entry->node, &operations, kind, &devices, &directory->node);
    *entries_end = entry;
    entries_end = &entry->next;
    return entry;
}

/* The directory of a name of more than one part, which then is its last part. */
static struct entry *directory_of(const char **name)
{
    struct entry *directory = &root;
    if (!root.node.operations)
        node_begin(&root.node, &operations, NODE_DIRECTORY, &devices, NULL);
    for (const char *slash; directory && (slash = strchr(*name, '/')); *name = slash + 1) {
        const size_t length = (size_t)(slash - *name);
        struct entry *next = find_entry(directory, *name, length);
        directory = next ? next : add_entry(directory, *name, length, NODE_DIRECTORY);
    }
    return directory;
}

void device_file_add(struct device_file *file)
{
    const char *name = file->name;
    struct entry *directory = directory_of(&name);
    struct entry *entry =
        directory ? add_entry(directory, name, strlen(name), NODE_DEVICE) : NULL;
    if (entry)
        entry->file = file;
}

static void add_link(const char *name, const char *goal)
{
    struct entry *entry = add_entry(&root, name, strlen(name), NODE_LINK);
    if (entry)
        entry->goal = goal;
}

struct file_system *device_files_make(void)
{
    const char *inside = "shm/";
    devices_plain_add();
    (void)directory_of(&inside);
    add_link("fd", "/proc/self/fd");
    add_link("stdin", "/proc/self/fd/0");
    add_link("stdout", "/proc/self/fd/1");
    add_link("stderr", "/proc/self/fd/2");
    return &devices;
}
