/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * /proc: the files that are registered, by their names. A directory is the first so many bytes of
 * the name of a file in it; those of a program are below "self", and have the program's number
 * besides.
 */
#include <errno.h>
#include <sys/statfs.h>

#include "proc.h"

#define PROC_MAGIC 0x9fa0
/* The first of entries, behind "." and ".."; and of programs, in the root behind its other entries.
 */
#define FIRST_POSITION 3u
#define PROGRAM_POSITION 1000u

/* A link to the program's own directory; and with a program's number, that directory. */
struct proc_file proc_self = {.name = "self"};
static struct proc_file root_file = {.name = ""}, *first_file = &proc_self;
static struct file_system proc_system;
static const struct node_operations operations;
struct program *proc_program;

void proc_file_add(struct proc_file *file)
{
    struct proc_file **place = &first_file;
    while (*place)
        place = &(*place)->next;
    *place = file;
}

static bool is_whole(const struct proc_place *place) { return !place->file->name[place->length]; }

static bool has_text(const struct proc_file *file)
{
    return file->write || file->text || file->open;
}

/* "self/fd", which has no text: what is in it are a program's descriptors. */
static bool has_descriptors(const struct proc_place *place)
{
    const struct proc_file *const file = place->file;
    return is_whole(place) && file != &root_file && file != &proc_self && !has_text(file) &&
           !file->follow;
}

static enum node_kind kind_of(const struct proc_place *place)
{
    if (proc_is_self(place) || place->descriptor != PROC_NONE)
        return NODE_LINK;
    if (place->file->follow && is_whole(place))
        return NODE_LINK;
    return is_whole(place) && has_text(place->file) ? NODE_FILE : NODE_DIRECTORY;
}

/* The same for the same place, and rarely for another. */
static uint64_t number_of(const struct proc_place *place)
{
    const uint64_t name = (uint32_t)(uintptr_t)place->file->name + place->length;
    return ((uint64_t)place->program << 40) + ((uint64_t)(place->descriptor + 1) << 32) + name;
}

int proc_node_make(struct node *directory, const struct proc_place *place, struct node **found)
{
    struct proc_node *const node = heap_get(sizeof *node);
    if (!node)
        return -ENOMEM;
    node_begin(&node->node, &operations, kind_of(place), &proc_system, directory);
    node->node.number = number_of(place);
    node->place = *place;
    *found = &node->node;
    return 0;
}

void proc_release(struct node *node) { heap_put(CONTAINER_OF(node, struct proc_node, node)); }

/* The entry that a file's name has in a directory, if it is in there; its length. */
static const char *entry_in(const struct proc_file *file, const struct proc_place *directory,
                            size_t *length)
{
    const size_t above = directory->length;
    if (strncmp(file->name, directory->file->name, above) != 0 ||
        (above && file->name[above] != '/'))
        return NULL;
    const char *const entry = file->name + above + (above > 0);
    *length = strcspn(entry, "/");
    return entry;
}

/* The file with the first entry of that name, and the entry's place. */
static bool find_entry(const struct proc_place *directory, const char *name, size_t length,
                       struct proc_place *found)
{
    for (const struct proc_file *file = first_file; file; file = file->next) {
        size_t own_length;
        const char *const own = entry_in(file, directory, &own_length);
        if (own && own_length == length && memcmp(own, name, length) == 0) {
            *found = (struct proc_place){.file = file,
                                         .length = (size_t)(own - file->name) + length,
                                         .program = directory->program,
                                         .descriptor = PROC_NONE};
            return true;
        }
    }
    return false;
}

struct proc_place proc_program_place(int program)
{
    return (struct proc_place){&proc_self, strlen(proc_self.name), program, PROC_NONE};
}

/* A number without zeros in front; PROC_NONE for whatever else. */
static int take_number(const char *name, size_t length)
{
    int number = 0;
    if (length == 0 || length > 9 || (name[0] == '0' && length > 1))
        return PROC_NONE;
    for (size_t i = 0; i < length; i++) {
        if (name[i] < '0' || name[i] > '9')
            return PROC_NONE;
        number = number * 10 + (name[i] - '0');
    }
    return number;
}

static bool find_place(const struct proc_place *directory, const char *name, size_t length,
                       struct proc_place *found)
{
    const int number = take_number(name, length);
    if (has_descriptors(directory)) {
        *found = *directory;
        found->descriptor = number;
        return number != PROC_NONE && proc_file_at(found);
    }
    if (directory->file != &root_file || number == PROC_NONE)
        return find_entry(directory, name, length, found);
    *found = proc_program_place(number);
    return program_find(number);
}

static int find(struct node *directory, const char *name, size_t length, struct node **found)
{
    struct proc_place place;
    return find_place(proc_place(directory), name, length, &place)
               ? proc_node_make(directory, &place, found)
               : -ENOENT;
}

/* Nothing else can ever be there: Linux says so, rather than that it may not be made. */
static int make(struct node *directory, const char *name, size_t length, mode_t mode,
                struct node **made)
{
    (void)directory, (void)name, (void)length, (void)mode, (void)made;
    return -ENOENT;
}

static int64_t name_of(struct node *node, char *name, size_t size)
{
    const struct proc_place *const place = proc_place(node);
    const bool is_number = place->program && place->file == &proc_self;
    if (is_number || place->descriptor != PROC_NONE)
        return snprintf(name, size, "%d", is_number ? place->program : place->descriptor);
    size_t length = 0;
    while (length < place->length && place->file->name[place->length - length - 1] != '/')
        length++;
    memcpy(name, place->file->name + place->length - length, MIN(size, length));
    return (int64_t)length;
}

static int facts_of(struct node *node, struct stat *facts)
{
    static const mode_t modes[] = {[NODE_DIRECTORY] = S_IFDIR | 0555,
                                   [NODE_FILE] = S_IFREG | 0444,
                                   [NODE_LINK] = S_IFLNK | 0777};
    facts->st_mode = modes[node->kind];
    facts->st_atim = facts->st_mtim = facts->st_ctim = node_time();
    return 0;
}

static void list_place(struct listing *listing, const struct proc_place *place, const char *name,
                       size_t length, uint64_t after)
{
    if (*listing->position < after)
        (void)listing_add(listing, name, length, number_of(place), kind_of(place), after);
}

static void list_number(struct listing *listing, const struct proc_place *place, int number,
                        uint64_t after)
{
    char name[12];
    list_place(listing, place, name, (size_t)snprintf(name, sizeof name, "%d", number), after);
}

static void list_descriptors(struct listing *listing, struct proc_place place)
{
    const struct program *const program = program_find(place.program);
    for (unsigned i = 0; program && i < program->descriptor_count && !listing->full; i++) {
        place.descriptor = (int)i;
        if (proc_file_at(&place))
            list_number(listing, &place, (int)i, FIRST_POSITION + i);
    }
}

/* Each name once: for the first file that has it. */
static void list_files(struct listing *listing, const struct proc_place *directory)
{
    uint64_t after = FIRST_POSITION;
    for (const struct proc_file *file = first_file; file && !listing->full; file = file->next) {
        struct proc_place place;
        size_t length;
        const char *const name = entry_in(file, directory, &length);
        if (name && find_entry(directory, name, length, &place) && place.file == file)
            list_place(listing, &place, name, length, after);
        after++;
    }
}

static int64_t list(struct file *file, void *entries, size_t size, uint64_t *position)
{
    const struct proc_place *const directory = proc_place(file->node);
    struct listing listing = listing_begin(file, entries, size, position);
    struct proc_place own;
    if (has_descriptors(directory))
        list_descriptors(&listing, *directory);
    else
        list_files(&listing, directory);
    if (directory->file == &root_file)
        LIST_EACH(place, &programs) {
            own = proc_program_place(LIST_ENTRY(place, struct program, all)->id);
            list_number(&listing, &own, own.program, PROGRAM_POSITION + (uint64_t)own.program);
        }
    return listing_end(&listing);
}

static const struct file_operations directory_operations = {
    .name = "proc",
    .read = directory_read,
    .seek = file_seek,
    .list = list,
};

static int open_node(struct node *node, int flags, struct file **opened)
{
    const struct proc_file *const known = proc_place(node)->file;
    if (node->kind == NODE_FILE && known->open)
        return known->open(node, flags, opened);
    if (node->kind == NODE_FILE)
        return proc_text_open(node, flags, opened);
    *opened = file_make(&directory_operations, node, flags, NULL);
    return *opened ? 0 : -ENOMEM;
}

static const struct node_operations operations = {
    .find = find,
    .make = make,
    .read_link = proc_read_link,
    .follow = proc_follow,
    .name = name_of,
    .open = open_node,
    .facts = facts_of,
    .release = proc_release,
};

static int system_facts_of(struct file_system *system, struct statfs *facts)
{
    (void)system;
    facts->f_type = PROC_MAGIC;
    return 0;
}

static struct file_system proc_system = {.type = "proc", .facts = system_facts_of};

struct file_system *proc_make(void)
{
    const struct proc_place place = {&root_file, 0, 0, PROC_NONE};
    proc_files_begin();
    proc_program_begin();
    return proc_node_make(NULL, &place, &proc_system.root) == 0 ? &proc_system : NULL;
}
