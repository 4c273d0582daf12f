/* SPDX-License-Identifier: BSD-2-Clause */
/* What the machine was started with: its memory, modules and words. */
#include "device.h"
#include "start.h"

/* What boot.S has mapped. */
#define MAPPED_AT_BOOT (4ull << 30)
#define MOST_RESERVED (START_MODULES + 3)
#define LOW_MEMORY 0x100000

extern char base_start[], base_end[], boot_tables[], boot_tables_end[];

static struct start start;
static struct range reserved[MOST_RESERVED];
static size_t reserved_count;

const char *start_words = "";
physical_t start_acpi;

static const void *at(uint64_t address, uint64_t size)
{
    const bool mapped = address < MAPPED_AT_BOOT && size <= MAPPED_AT_BOOT - address;
    return mapped ? page_pointer(address) : NULL;
}

static void reserve(uint64_t first, uint64_t end)
{
    BASE_ASSERT(reserved_count < MOST_RESERVED);
    reserved[reserved_count++] = (struct range){first, end};
}

/* Adds what is free of the range: around everything that is reserved. */
static void add_free(uint64_t first, uint64_t end)
{
    for (size_t i = 0; i < reserved_count; i++) {
        const struct range r = {round_down(reserved[i].start, PAGE_SIZE),
                                round_up(reserved[i].end, PAGE_SIZE)};
        if (r.start >= end || r.end <= first)
            continue;
        if (first < r.start)
            add_free(first, r.start);
        if (r.end < end)
            add_free(r.end, end);
        return;
    }
    pages_add(first, end);
}

/* Free memory for the allocator's own table, of so many bytes; it is reserved then. */
static uint64_t find_room(uint64_t size)
{
    for (size_t i = 0; i < start.range_count; i++) {
        uint64_t place = round_up(MAX(start.ranges[i].start, LOW_MEMORY), PAGE_SIZE);
        for (size_t j = 0; j < reserved_count; j++) {
            if (place < reserved[j].end && place + size > reserved[j].start) {
                place = round_up(reserved[j].end, PAGE_SIZE);
                j = SIZE_MAX;
            }
        }
        if (place + size <= MIN(start.ranges[i].end, MAPPED_AT_BOOT)) {
            reserve(place, place + size);
            return place;
        }
    }
    panic("not enough memory for the list of pages");
}

static void begin_pages(void)
{
    const uint64_t pages = start.ranges[start.range_count - 1].end / PAGE_SIZE;
    pages_begin(find_room(pages_table_size(pages)), pages);
    for (size_t i = 0; i < start.range_count; i++)
        add_free(start.ranges[i].start, MIN(start.ranges[i].end, MAPPED_AT_BOOT));
}

void start_begin(physical_t info)
{
    if (xen_complete_start && info < MAPPED_AT_BOOT - PAGE_SIZE)
        xen_complete_start(info);
    const char *const wrong = start_parse(at, info, &start);
    if (wrong)
        panic("%s", wrong);
    start_acpi = start.acpi;
    const uint64_t end = physical_of(base_end) + start_root_size();
    reserve(physical_of(base_start), end);
    for (size_t i = 0; i < start.module_count; i++)
        reserve(start.modules[i].start, start.modules[i].end);
    if (start.words.end) {
        start_words = page_pointer(start.words.start);
        consoles_choose();
        reserve(start.words.start, start.words.end + 1);
    }
    begin_pages();
    paging_begin(start.ranges, start.range_count, start_root_size());
    for (size_t i = 0; i < start.range_count; i++) {
        if (start.ranges[i].end > MAPPED_AT_BOOT)
            add_free(MAX(start.ranges[i].start, MAPPED_AT_BOOT), start.ranges[i].end);
    }
}

uint64_t start_root_size(void)
{
    static const char magic[16] = "rumprun-root 1";
    uint64_t size;
    const physical_t end = physical_of(base_end);
    bool in_memory = false;
    for (size_t i = 0; i < start.range_count; i++)
        in_memory |= end >= start.ranges[i].start && end + PAGE_SIZE <= start.ranges[i].end;
    if (!in_memory || memcmp(page_pointer(end), magic, sizeof magic) != 0)
        panic("the image has no root archive");
    memcpy(&size, (char *)page_pointer(end) + sizeof magic, sizeof size);
    for (size_t i = 0; i < start.range_count; i++) {
        if (end >= start.ranges[i].start && end < start.ranges[i].end &&
            size <= start.ranges[i].end - end && end + size <= MAPPED_AT_BOOT)
            return size;
    }
    panic("the image's root archive is larger than memory");
}

int64_t start_option(const char *name, const char **value)
{
    const size_t length = strlen(name);
    for (const char *word = start_words; *word; word += strspn(word, " ")) {
        const size_t size = strcspn(word, " ");
        if (size > length && word[length] == '=' && memcmp(word, name, length) == 0) {
            *value = word + length + 1;
            return (int64_t)(size - length - 1);
        }
        /* Behind it is a document, not options. */
        if (size == 2 && memcmp(word, "--", 2) == 0)
            break;
        word += size;
    }
    return -1;
}

size_t start_modules(struct start_module *modules, size_t most)
{
    const size_t count = MIN(most, start.module_count);
    for (size_t i = 0; i < count; i++)
        modules[i] = (struct start_module){
            .start = start.modules[i].start,
            .size = start.modules[i].end - start.modules[i].start,
        };
    return count;
}
