/* SPDX-License-Identifier: BSD-2-Clause */
/* Checks an archive, and finds names in it. Depends on base.h alone. */
#include <sys/stat.h>

#include "root_parse.h"

#define ALIGNMENT 16u
#define PAGE 4096u
#define LONGEST_NAME 255u
#define LONGEST_PATH 4095u

struct root_head {
    char magic[16];
    uint64_t size;
    uint32_t count, names_size;
    uint64_t entries, names;
    int64_t time;
    uint64_t zero;
};

_Static_assert(sizeof(struct root_head) == 64, "as the document says");
_Static_assert(sizeof(struct root_entry) == 32, "as the document says");

static bool is_inside(uint64_t offset, uint64_t size, uint64_t whole)
{
    return offset % ALIGNMENT == 0 && offset <= whole && size <= whole - offset;
}

bool root_is_archive(const void *bytes, uint64_t size)
{
    static const char magic[16] = ROOT_MAGIC;
    return size >= sizeof(struct root_head) && memcmp(bytes, magic, sizeof magic) == 0;
}

/* As memcmp, where the shorter of two that are alike comes first. */
static int compare(const char *one, size_t one_length, const char *other, size_t other_length)
{
    const int order = memcmp(one, other, MIN(one_length, other_length));
    return order ? order : (one_length > other_length) - (one_length < other_length);
}

static size_t parent_length(const char *name, size_t length)
{
    while (length > 0 && name[length - 1] != '/')
        length--;
    return length > 0 ? length - 1 : 0;
}

/* No component that is empty, too long, "." or "..". */
static bool is_path(const char *name, size_t length)
{
    size_t start = 0;
    if (length == 0 || length > LONGEST_PATH || memchr(name, '\0', length) || name[length])
        return false;
    for (size_t i = 0; i <= length; i++) {
        if (i < length && name[i] != '/')
            continue;
        const size_t part = i - start;
        if (part == 0 || part > LONGEST_NAME ||
            (part <= 2 && memcmp(name + start, "..", part) == 0))
            return false;
        start = i + 1;
    }
    return true;
}

static const char *check_content(const struct root_archive *archive, const struct root_entry *entry)
{
    const bool is_file = S_ISREG(entry->mode);
    if (entry->mode & ~(uint32_t)(S_IFMT | 07777) || entry->zero ||
        !(is_file || S_ISDIR(entry->mode) || S_ISLNK(entry->mode)))
        return "an entry's mode";
    if (!is_inside(entry->content, entry->size, archive->size))
        return "an entry's content";
    if (S_ISDIR(entry->mode) && entry->size > 0)
        return "a directory's content";
    if (S_ISLNK(entry->mode) && (entry->size == 0 || entry->size > LONGEST_PATH ||
                                 memchr(archive->start + entry->content, '\0', entry->size)))
        return "a link's goal";
    if (is_file && entry->size >= PAGE &&
        (entry->content % PAGE || round_up(entry->size, PAGE) > archive->size - entry->content))
        return "the place of an entry's content";
    return NULL;
}

static const char *check_entry(const struct root_archive *archive, uint32_t names_size,
                               uint32_t index)
{
    const struct root_entry *const entry = &archive->entries[index];
    /* There is a NUL behind the name. */
    if (entry->name >= names_size || entry->name_length >= names_size - entry->name)
        return "an entry's name is outside";
    const char *const name = root_name(archive, entry);
    if (!is_path(name, entry->name_length))
        return "an entry's name";
    if (index > 0 && compare(root_name(archive, entry - 1), entry[-1].name_length, name,
                             entry->name_length) >= 0)
        return "the order of the entries";
    const size_t above = parent_length(name, entry->name_length);
    if (above > 0) {
        bool found;
        /* Those before this one are known to be in order. */
        const struct root_archive before = {
            .entries = archive->entries, .count = index, .names = archive->names};
        const uint32_t parent = root_search(&before, "", 0, name, above, &found);
        if (!found || !S_ISDIR(archive->entries[parent].mode))
            return "an entry is in no directory";
    }
    return check_content(archive, entry);
}

const char *root_parse(struct root_archive *archive, const void *bytes, uint64_t most)
{
    const struct root_head *const head = bytes;
    if (!root_is_archive(bytes, most))
        return "it is none";
    if ((uintptr_t)bytes % ALIGNMENT)
        return "where it is";
    if (head->size < sizeof *head || head->size > most || head->zero)
        return "its size";
    if (!is_inside(head->entries, (uint64_t)head->count * sizeof(struct root_entry), head->size) ||
        !is_inside(head->names, head->names_size, head->size))
        return "the place of its entries";
    if (head->time < 0)
        return "its time";
    *archive = (struct root_archive){
        .start = bytes,
        .size = head->size,
        .entries = (const struct root_entry *)(const void *)((const char *)bytes + head->entries),
        .count = head->count,
        .names = (const char *)bytes + head->names,
        .time = head->time,
    };
    for (uint32_t i = 0; i < archive->count; i++) {
        const char *const wrong = check_entry(archive, head->names_size, i);
        if (wrong)
            return wrong;
    }
    return NULL;
}

/* As compare, of an entry's name with a directory's path and a name in it. */
static int compare_entry(const struct root_archive *archive, const struct root_entry *entry,
                         const char *directory, size_t directory_length, const char *name,
                         size_t length)
{
    const char *const own = root_name(archive, entry);
    const size_t own_length = entry->name_length;
    if (directory_length == 0)
        return compare(own, own_length, name, length);
    const int order = memcmp(own, directory, MIN(own_length, directory_length));
    if (order || own_length <= directory_length)
        return order ? order : -1;
    if (own[directory_length] != '/')
        return (unsigned char)own[directory_length] < '/' ? -1 : 1;
    return compare(own + directory_length + 1, own_length - directory_length - 1, name, length);
}

uint32_t root_search(const struct root_archive *archive, const char *directory,
                     size_t directory_length, const char *name, size_t length, bool *found)
{
    uint32_t first = 0, last = archive->count;
    *found = false;
    while (first < last) {
        const uint32_t middle = first + (last - first) / 2;
        const int order = compare_entry(archive, &archive->entries[middle], directory,
                                        directory_length, name, length);
        if (order == 0) {
            *found = true;
            return middle;
        }
        if (order < 0)
            first = middle + 1;
        else
            last = middle;
    }
    return first;
}
