/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A program's memory against a model that keeps each page by itself:
 * space_model SEED STEPS FAILURES. With FAILURES, one of so many requests for memory fails, and
 * only what must always hold is looked at.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "file.h"
#include "memory_shim.h"
#include "program.h"
#include "space.h"

#define WINDOW 1024u
/* Where addresses are chosen by the model itself: full enough for things to meet. */
#define BUSY 96u
#define FILE_PAGES 40u
#define MOST_PAGES 24u

struct list programs = {&programs, &programs};

/* A page of the model: its bytes all have the same value. */
struct page {
    bool mapped, shared, touched;
    int protection;
    /* 0: none. */
    unsigned file, file_page;
    uint8_t value;
};

static struct space space;
static struct page model[WINDOW];
static uint64_t window;
static uint8_t contents[2][FILE_PAGES][PAGE_SIZE] __attribute__((aligned(PAGE_SIZE)));
static struct file files[2];

void file_drop(struct file *file) { file->references--; }

/* The first file's pages are mapped as they are, the second's are made for each mapping. */
static physical_t file_page(struct file *file, uint64_t offset, bool write, bool *owned)
{
    const size_t index = (size_t)(file - files);
    (void)write;
    if (offset / PAGE_SIZE >= FILE_PAGES)
        return 0;
    uint8_t *content = contents[index][offset / PAGE_SIZE];
    if (index == 0)
        return (uintptr_t)content - MEMORY_DIRECT;
    const physical_t page = page_get();
    if (page)
        memcpy(page_pointer(page), content, PAGE_SIZE);
    *owned = true;
    return page;
}

static const struct file_operations operations = {.name = "test", .page = file_page};

static uint64_t address_of(size_t page) { return window + page * PAGE_SIZE; }

static void expect(int64_t got, int64_t wanted, const char *what)
{
    if (got != wanted && !shim_failures)
        panic("%s: %lld, not %lld", what, (long long)got, (long long)wanted);
}

static bool is_free(size_t first, size_t count)
{
    for (size_t i = first; i < first + count; i++) {
        if (model[i].mapped)
            return false;
    }
    return true;
}

static bool is_full(size_t first, size_t count)
{
    for (size_t i = first; i < first + count; i++) {
        if (!model[i].mapped)
            return false;
    }
    return true;
}

static uint8_t fresh(const struct page *page)
{
    return page->file ? contents[page->file - 1][page->file_page][0] : 0;
}

/* The highest place where so many are free. */
static size_t choose(size_t count)
{
    size_t first = WINDOW - count;
    while (!is_free(first, count)) {
        BASE_ASSERT(first > 0);
        first--;
    }
    return first;
}

static int random_protection(void)
{
    static const int all[] = {PROT_NONE, PROT_READ, PROT_READ | PROT_WRITE, PROT_READ | PROT_WRITE,
                              PROT_READ | PROT_EXEC, PROT_READ | PROT_WRITE | PROT_EXEC};
    return all[shim_random(ARRAY_SIZE(all))];
}

static bool is_refused(int protection)
{
    return (protection & PROT_WRITE) && (protection & PROT_EXEC);
}

static void pick(size_t *first, size_t *count)
{
    *count = 1 + shim_random(8);
    *first = WINDOW - BUSY + shim_random(BUSY - (unsigned)*count);
}

static void map(void)
{
    static const int ways[] = {0, 0, MAP_FIXED, MAP_FIXED_NOREPLACE};
    size_t first, count;
    pick(&first, &count);
    const int protection = random_protection();
    const unsigned number = shim_random(3), file_first = shim_random(FILE_PAGES);
    /* Pages that are made for each mapping cannot be shared. */
    const bool shared = number != 2 && shim_random(3) == 0;
    const int way = ways[shim_random(ARRAY_SIZE(ways))];
    const int flags = way | (shared ? MAP_SHARED : MAP_PRIVATE) | (number ? 0 : MAP_ANONYMOUS);
    const bool hinted = way || shim_random(2);
    int64_t wanted;
    if (is_refused(protection))
        wanted = -EACCES;
    else if (way == MAP_FIXED_NOREPLACE && !is_free(first, count))
        wanted = -EEXIST;
    else {
        if (!hinted || (!way && !is_free(first, count)))
            first = choose(count);
        wanted = (int64_t)address_of(first);
    }
    const uint64_t hint = hinted ? address_of(first) : 0;
    const uint64_t size = count * PAGE_SIZE - shim_random(PAGE_SIZE);
    const int64_t got = space_map(&space, hint, size, protection, flags,
                                  number ? &files[number - 1] : NULL,
                                  number ? file_first * PAGE_SIZE : 0);
    expect(got, wanted, "map");
    for (size_t i = 0; wanted > 0 && i < count; i++) {
        struct page *page = &model[first + i];
        *page = (struct page){.mapped = true, .shared = shared, .protection = protection,
                              .file = number, .file_page = file_first + (unsigned)i};
    }
}

static void unmap(void)
{
    size_t first, count;
    pick(&first, &count);
    if (shim_random(30) == 0) {
        first = 0;
        count = WINDOW;
    }
    expect(space_unmap(&space, address_of(first), count * PAGE_SIZE), 0, "unmap");
    memset(&model[first], 0, count * sizeof *model);
}

static void protect(void)
{
    size_t first, count;
    pick(&first, &count);
    const int protection = random_protection();
    const int wanted = is_refused(protection) ? -EACCES : is_full(first, count) ? 0 : -ENOMEM;
    expect(space_protect(&space, address_of(first), count * PAGE_SIZE, protection), wanted,
           "protect");
    for (size_t i = first; wanted == 0 && i < first + count; i++)
        model[i].protection = protection;
}

static void drop(void)
{
    size_t first, count;
    pick(&first, &count);
    expect(space_drop(&space, address_of(first), count * PAGE_SIZE),
           is_full(first, count) ? 0 : -ENOMEM, "drop");
    for (size_t i = first; i < first + count; i++)
        model[i].touched = false;
}

/* Whether the pages are those of one region, as far as one can tell from outside. */
static bool is_one(size_t first, size_t count)
{
    for (size_t i = first; i < first + count; i++) {
        const struct page *one = &model[first], *page = &model[i];
        if (!page->mapped || page->protection != one->protection || page->shared != one->shared ||
            page->file != one->file ||
            (page->file && page->file_page != one->file_page + (i - first)))
            return false;
    }
    return true;
}

static void move(void)
{
    size_t first, count, to;
    pick(&first, &count);
    const size_t now = 1 + shim_random(10);
    const bool may_move = shim_random(3) != 0, fixed = may_move && shim_random(3) == 0;
    const int flags = (may_move ? MREMAP_MAYMOVE : 0) | (fixed ? MREMAP_FIXED : 0);
    const size_t goal = WINDOW - BUSY + shim_random(BUSY - 10);
    int64_t wanted = 0;
    if (first + now > WINDOW)
        return;
    to = first;
    if (fixed && (goal >= first ? goal - first < count : first - goal < now))
        wanted = -EINVAL;
    else if (!is_one(first, count))
        wanted = -EFAULT;
    else if (fixed)
        to = goal;
    else if (now > count && !is_free(first + count, now - count)) {
        if (may_move)
            to = choose(now);
        else
            wanted = -ENOMEM;
    }
    expect(space_move(&space, address_of(first), count * PAGE_SIZE, now * PAGE_SIZE, flags,
                      address_of(goal)),
           wanted ? wanted : (int64_t)address_of(to), "move");
    if (wanted)
        return;
    struct page moved[16];
    for (size_t i = 0; i < now; i++) {
        moved[i] = i < count ? model[first + i] : model[first];
        moved[i].file_page = model[first].file_page + (unsigned)i;
        moved[i].touched = i < count && moved[i].touched;
    }
    memset(&model[first], 0, count * sizeof *model);
    memcpy(&model[to], moved, now * sizeof *model);
}

static void touch(void)
{
    const size_t at = WINDOW - BUSY - 16 + shim_random(BUSY + 16);
    struct page *page = &model[at];
    const unsigned how = shim_random(4);
    const bool write = how < 2, execute = how == 2;
    const int needed = write ? PROT_WRITE : execute ? PROT_EXEC : PROT_READ;
    enum fault_result wanted = FAULT_MENDED;
    if (!page->mapped)
        wanted = FAULT_UNMAPPED;
    else if (!(page->protection & needed))
        wanted = FAULT_FORBIDDEN;
    else if (page->file && page->file_page >= FILE_PAGES && !page->touched)
        wanted = FAULT_BEYOND_FILE;
    const enum fault_result got =
        fault_mend(&space, address_of(at) + shim_random(PAGE_SIZE), write, execute);
    expect(got, wanted, "touch");
    if (got != FAULT_MENDED || shim_failures)
        return;
    uint8_t *bytes = page_pointer(paging_find(address_of(at), NULL));
    const uint8_t had = page->touched ? page->value : fresh(page);
    expect(bytes[0], had, "content");
    expect(bytes[PAGE_SIZE - 1], had, "content at the end");
    if (!write)
        return;
    const uint8_t value = (uint8_t)shim_random(256);
    memset(bytes, value, PAGE_SIZE);
    /* A shared file's content is wherever it is mapped. */
    page->touched = !(page->file && page->shared);
    page->value = value;
}

static void check_page(uint64_t address, void *with)
{
    const struct region *region = with;
    unsigned flags;
    BASE_ASSERT(paging_find(address, &flags));
    BASE_ASSERT(!(flags & PAGING_WRITE) || (region->protection & PROT_WRITE));
    BASE_ASSERT(!(flags & PAGING_WRITE) || !(flags & PAGING_EXECUTE));
    BASE_ASSERT(!(flags & PAGING_EXECUTE) == !(region->protection & PROT_EXEC));
    BASE_ASSERT(!(flags & PAGING_HIDDEN) == (region->protection != PROT_NONE));
    if (region->file == &files[0] && (region->flags & MAP_PRIVATE) && (flags & PAGING_WRITE))
        BASE_ASSERT(flags & PAGING_OWNED);
}

static void check(void)
{
    uint64_t mapped = 0, pages = 0;
    unsigned references = 0;
    const struct region *before = NULL;
    for (struct region *region = space.regions; region; before = region, region = region->next) {
        BASE_ASSERT(region->start < region->end && region->end <= space.end);
        BASE_ASSERT(!before || before->end <= region->start);
        mapped += region->end - region->start;
        references += region->file != NULL;
        paging_each(region->start, region->end, check_page, region);
        pages += shim_mapped(region->start, region->end);
    }
    BASE_ASSERT(mapped == space.mapped && pages == shim_mapped(0, UINT64_MAX));
    BASE_ASSERT(space.pages == shim_pages && space.pages <= space.most_pages);
    BASE_ASSERT(files[0].references + files[1].references == references);
    if (shim_failures)
        return;
    for (size_t i = 0; i < WINDOW; i++)
        BASE_ASSERT((space_find(&space, address_of(i)) != NULL) == model[i].mapped);
}

static void begin(void)
{
    space_begin(&space, 1);
    window = space.end - PROGRAM_STACK_SIZE - ((uint64_t)1 << 20) - WINDOW * PAGE_SIZE;
    for (size_t i = 0; i < 2; i++) {
        files[i] = (struct file){.operations = &operations, .flags = O_RDWR};
        for (size_t page = 0; page < FILE_PAGES; page++)
            memset(contents[i][page], (int)(1 + i * 100 + page), PAGE_SIZE);
    }
    if (shim_failures)
        space.most_pages = MOST_PAGES;
}

int main(int argc, char **argv)
{
    static void (*const steps[])(void) = {map, map, map, unmap, unmap, protect, protect, drop, move,
                                          touch, touch, touch, touch, touch, touch, touch};
    if (argc != 4)
        return 2;
    shim_seed = strtoull(argv[1], NULL, 10) * 0x9e3779b97f4a7c15u + 1;
    shim_failures = (unsigned)strtoul(argv[3], NULL, 10);
    begin();
    for (unsigned long left = strtoul(argv[2], NULL, 10); left > 0; left--) {
        steps[shim_random(ARRAY_SIZE(steps))]();
        check();
    }
    space_end(&space);
    BASE_ASSERT(!space.regions && shim_pages == 0 && shim_pieces == 0);
    BASE_ASSERT(files[0].references == 0 && files[1].references == 0);
    return 0;
}
