/* SPDX-License-Identifier: BSD-2-Clause */
/* Page tables (Intel SDM volume 3, 4.5), of four levels; one set for the base and all programs. */
#include "memory.h"
#include "cpu.h"

#define PRESENT 0x1ull
#define WRITABLE 0x2ull
#define WRITE_THROUGH 0x8ull
#define NOT_CACHED 0x10ull
#define LARGE 0x80ull
/* Bits that are the system's own. */
#define OWNED 0x200ull
#define HIDDEN 0x400ull
#define NO_EXECUTE (1ull << 63)
#define ADDRESS 0x000ffffffffff000ull
#define ENTRIES 512u
#define LARGE_SIZE (2ull << 20)
#define TOP_LEVEL 3u

static uint64_t *top;
static uint64_t devices_end = MEMORY_DEVICES;

static uint64_t size_at(unsigned level)
{
    return (uint64_t)PAGE_SIZE << (9 * level);
}

static uint64_t *entry_in(uint64_t *table, uint64_t address, unsigned level)
{
    return &table[address / size_at(level) % ENTRIES];
}

static uint64_t *table_of(uint64_t entry)
{
    return page_pointer(entry & ADDRESS);
}

/* The entry of the lowest level for a page, or NULL: there is no table, and none was to be made. */
static uint64_t *find_entry(uint64_t address, bool make)
{
    uint64_t *table = top;
    for (unsigned level = TOP_LEVEL; level > 0; level--) {
        uint64_t *entry = entry_in(table, address, level);
        if (!(*entry & PRESENT)) {
            const physical_t page = make ? page_get() : 0;
            if (!page)
                return NULL;
            *entry = page | PRESENT | WRITABLE;
        }
        BASE_ASSERT(!(*entry & LARGE));
        table = table_of(*entry);
    }
    return entry_in(table, address, 0);
}

static uint64_t bits_of(unsigned flags)
{
    BASE_ASSERT((flags & (PAGING_WRITE | PAGING_EXECUTE)) != (PAGING_WRITE | PAGING_EXECUTE));
    uint64_t bits = flags & PAGING_HIDDEN ? HIDDEN : PRESENT;
    bits |= flags & PAGING_WRITE ? WRITABLE : 0;
    bits |= flags & PAGING_EXECUTE ? 0 : NO_EXECUTE;
    bits |= flags & PAGING_UNCACHED ? NOT_CACHED | WRITE_THROUGH : 0;
    bits |= flags & PAGING_OWNED ? OWNED : 0;
    return bits;
}

static unsigned flags_of(uint64_t entry)
{
    return (entry & HIDDEN ? PAGING_HIDDEN : 0u) | (entry & WRITABLE ? PAGING_WRITE : 0u) |
           (entry & NO_EXECUTE ? 0u : PAGING_EXECUTE) |
           (entry & NOT_CACHED ? PAGING_UNCACHED : 0u) | (entry & OWNED ? PAGING_OWNED : 0u);
}

bool paging_map(uint64_t address, physical_t page, unsigned flags)
{
    uint64_t *entry = find_entry(address, true);
    if (!entry)
        return false;
    BASE_ASSERT(*entry == 0 && (page & ~ADDRESS) == 0);
    *entry = page | bits_of(flags);
    return true;
}

physical_t paging_find(uint64_t address, unsigned *flags)
{
    const uint64_t *entry = find_entry(address, false);
    if (!entry || *entry == 0)
        return 0;
    if (flags)
        *flags = flags_of(*entry);
    return *entry & ADDRESS;
}

physical_t paging_unmap(uint64_t address, unsigned *flags)
{
    uint64_t *entry = find_entry(address, false);
    if (!entry || *entry == 0)
        return 0;
    const uint64_t old = *entry;
    *entry = 0;
    if (old & PRESENT)
        cpu_forget_page(address);
    if (flags)
        *flags = flags_of(old);
    return old & ADDRESS;
}

void paging_protect(uint64_t address, unsigned flags)
{
    uint64_t *entry = find_entry(address, false);
    if (!entry || *entry == 0)
        return;
    *entry = (*entry & (ADDRESS | OWNED)) | bits_of(flags);
    cpu_forget_page(address);
}

void paging_each(uint64_t start, uint64_t end, void (*visit)(uint64_t address, void *with),
                 void *with)
{
    for (uint64_t address = start; address < end;) {
        uint64_t *table = top;
        unsigned level = TOP_LEVEL;
        uint64_t entry = *entry_in(table, address, level);
        while (level > 0 && entry & PRESENT) {
            table = table_of(entry);
            entry = *entry_in(table, address, --level);
        }
        if (level == 0 && entry != 0)
            visit(address, with);
        address = round_down(address, size_at(level)) + size_at(level);
    }
}

static bool is_empty(const uint64_t *table)
{
    for (size_t i = 0; i < ENTRIES; i++) {
        if (table[i])
            return false;
    }
    return true;
}

/* Puts back what is empty of the tables below this one, of the given level, that have a part of the
   range; whether there was any. */
static bool trim(uint64_t *table, unsigned level, uint64_t start, uint64_t end)
{
    bool any = false;
    while (start < end) {
        uint64_t *entry = entry_in(table, start, level);
        const uint64_t next = MIN(round_down(start, size_at(level)) + size_at(level), end);
        if (*entry & PRESENT) {
            if (level > 1)
                any |= trim(table_of(*entry), level - 1, start, next);
            if (is_empty(table_of(*entry))) {
                page_put(*entry & ADDRESS);
                *entry = 0;
                any = true;
            }
        }
        start = next;
    }
    return any;
}

void paging_trim(uint64_t start, uint64_t end)
{
    /* Tables may be remembered as pages are. */
    if (trim(top, TOP_LEVEL, start, end))
        cpu_write_cr3(cpu_read_cr3());
}

void *paging_map_device(physical_t start, uint64_t size)
{
    const physical_t first = round_down(start, PAGE_SIZE);
    const physical_t end = round_up(start + size, PAGE_SIZE);
    const uint64_t address = devices_end;
    for (physical_t page = first; page < end; page += PAGE_SIZE) {
        if (!paging_map(devices_end, page, PAGING_WRITE | PAGING_UNCACHED))
            return NULL;
        devices_end += PAGE_SIZE;
    }
    return (void *)(uintptr_t)(address + (start - first));
}

/* The base's parts, by base.ld. */
extern char base_start[], base_text[], base_data[], base_end[];

static void must_map(uint64_t address, physical_t page, unsigned flags)
{
    if (!paging_map(address, page, flags))
        panic("not enough memory for the page tables");
}

static void map_large(physical_t start)
{
    uint64_t *table = top;
    const uint64_t address = MEMORY_DIRECT + start;
    for (unsigned level = TOP_LEVEL; level > 1; level--) {
        uint64_t *entry = entry_in(table, address, level);
        if (!*entry) {
            const physical_t page = page_get();
            if (!page)
                panic("not enough memory for the page tables");
            *entry = page | PRESENT | WRITABLE;
        }
        table = table_of(*entry);
    }
    *entry_in(table, address, 1) = start | PRESENT | WRITABLE | LARGE | NO_EXECUTE;
}

/* Maps 2 MiB of memory for the base; those in which the image is, page by page. */
static void map_directly(physical_t start, physical_t image, physical_t data, physical_t data_end,
                         physical_t image_end)
{
    if (start >= image_end || start + LARGE_SIZE <= image) {
        map_large(start);
        return;
    }
    for (physical_t page = start; page < start + LARGE_SIZE; page += PAGE_SIZE) {
        const bool fixed = page >= image && page < image_end && (page < data || page >= data_end);
        if (page)
            must_map(MEMORY_DIRECT + page, page, fixed ? 0 : PAGING_WRITE);
    }
}

void paging_begin(const struct range *ranges, size_t count, uint64_t root_size)
{
    const physical_t image = physical_of(base_start), data = physical_of(base_data);
    const physical_t end = physical_of(base_end), image_end = end + round_up(root_size, PAGE_SIZE);
    const physical_t table = page_get();
    if (!table)
        panic("not enough memory for the page tables");
    top = page_pointer(table);
    for (physical_t page = image; page < image_end; page += PAGE_SIZE) {
        const bool is_text = page >= physical_of(base_text) && page < data;
        const bool is_data = page >= data && page < end;
        must_map(MEMORY_BASE + page, page, is_text ? PAGING_EXECUTE : is_data ? PAGING_WRITE : 0);
    }
    physical_t done = 0;
    for (size_t i = 0; i < count; i++) {
        physical_t start = MAX(round_down(ranges[i].start, LARGE_SIZE), done);
        for (; start < ranges[i].end; start += LARGE_SIZE)
            map_directly(start, image, data, end, image_end);
        done = MAX(done, start);
    }
    cpu_write_cr3(table);
}

#define MOST_STACKS 8192u
#define STACK_DISTANCE (STACK_SIZE + PAGE_SIZE)
#define KEPT_STACKS 16u

/* Which of those in a row there are. */
static bool stacks[MOST_STACKS];
static struct list *free_stacks;
static size_t free_stack_count;

static bool map_stack(uint64_t start)
{
    for (uint64_t address = start; address < start + STACK_SIZE; address += PAGE_SIZE) {
        const physical_t page = pages_get(0);
        if (page && paging_map(address, page, PAGING_WRITE | PAGING_OWNED))
            continue;
        if (page)
            page_put(page);
        while (address > start)
            page_put(paging_unmap(address -= PAGE_SIZE, NULL));
        return false;
    }
    return true;
}

uint64_t stack_get(void)
{
    if (free_stacks) {
        struct list *stack = free_stacks;
        free_stacks = stack->next;
        free_stack_count--;
        return (uint64_t)(uintptr_t)(stack + 1);
    }
    for (size_t i = 0; i < MOST_STACKS; i++) {
        const uint64_t start = MEMORY_STACKS + i * STACK_DISTANCE + PAGE_SIZE;
        if (stacks[i])
            continue;
        stacks[i] = map_stack(start);
        return stacks[i] ? start + STACK_SIZE : 0;
    }
    return 0;
}

/* Some are kept for the next threads, with the list's link at their ends. */
void stack_put(uint64_t end)
{
    if (free_stack_count == KEPT_STACKS) {
        for (uint64_t address = end - STACK_SIZE; address < end; address += PAGE_SIZE)
            page_put(paging_unmap(address, NULL));
        stacks[(end - MEMORY_STACKS) / STACK_DISTANCE - 1] = false;
        return;
    }
    struct list *stack = (struct list *)(uintptr_t)end - 1;
    stack->next = free_stacks;
    free_stacks = stack;
    free_stack_count++;
}
