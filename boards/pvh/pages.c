/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pages of memory, by the buddy system: free blocks of 1 << order pages, aligned to their size, in
 * a list for each order. A byte for each page says whether a block begins there, and of what order.
 * Large blocks are not in their lists by their first bytes: a hypervisor has memory only where it was
 * touched, and often gives so much at once.
 */
#include "memory.h"

#define ORDERS 12u
#define LARGE_ORDER 9u
#define LARGE_SIZE ((uint64_t)PAGE_SIZE << LARGE_ORDER)
#define BLOCK_FREE 0x40u
#define BLOCK_USED 0x80u
#define BLOCK_ORDER 0x0fu

static struct list free_blocks[ORDERS];
static uint8_t *states;
/* Of the large blocks, by their places. */
static struct list *large;
static uint64_t state_count, free_count, total_count;

static uint8_t *state_of(physical_t page)
{
    BASE_ASSERT(page % PAGE_SIZE == 0 && page / PAGE_SIZE < state_count);
    return &states[page / PAGE_SIZE];
}

static struct list *block_at(physical_t page, unsigned order)
{
    return order < LARGE_ORDER ? page_pointer(page) : &large[page / LARGE_SIZE];
}

static physical_t block_page(struct list *block, unsigned order)
{
    return order < LARGE_ORDER ? (physical_t)(uintptr_t)block - MEMORY_DIRECT
                               : (physical_t)(block - large) * LARGE_SIZE;
}

static void add_block(physical_t page, unsigned order)
{
    *state_of(page) = (uint8_t)(BLOCK_FREE | order);
    list_add_last(&free_blocks[order], block_at(page, order));
    free_count += 1ull << order;
}

static void take_block(physical_t page, unsigned order)
{
    list_remove(block_at(page, order));
    *state_of(page) = 0;
    free_count -= 1ull << order;
}

/* Whether memory was added there at all is what the states say: 0 is never a free block. */
static bool is_free_block(physical_t page, unsigned order)
{
    return page / PAGE_SIZE < state_count && states[page / PAGE_SIZE] == (BLOCK_FREE | order);
}

static void put_block(physical_t page, unsigned order)
{
    for (; order + 1 < ORDERS; order++) {
        const physical_t buddy = page ^ ((physical_t)PAGE_SIZE << order);
        if (!is_free_block(buddy, order))
            break;
        take_block(buddy, order);
        page = MIN(page, buddy);
    }
    add_block(page, order);
}

uint64_t pages_table_size(uint64_t pages)
{
    return round_up(pages, sizeof *large) + (pages / (LARGE_SIZE / PAGE_SIZE) + 1) * sizeof *large;
}

void pages_begin(physical_t table, uint64_t pages)
{
    for (size_t i = 0; i < ORDERS; i++)
        list_begin(&free_blocks[i]);
    states = page_pointer(table);
    large = page_pointer(table + round_up(pages, sizeof *large));
    state_count = pages;
    memset(states, 0, pages);
}

void pages_add(physical_t start, physical_t end)
{
    start = round_up(MAX(start, PAGE_SIZE), PAGE_SIZE);
    end = MIN(round_down(end, PAGE_SIZE), state_count * PAGE_SIZE);
    while (start < end) {
        unsigned order = 0;
        while (order + 1 < ORDERS && start % ((physical_t)PAGE_SIZE << (order + 1)) == 0 &&
               start + ((physical_t)PAGE_SIZE << (order + 1)) <= end)
            order++;
        put_block(start, order);
        total_count += 1ull << order;
        start += (physical_t)PAGE_SIZE << order;
    }
}

physical_t pages_get(unsigned order)
{
    unsigned from = order;
    while (from < ORDERS && list_empty(&free_blocks[from]))
        from++;
    if (from >= ORDERS)
        return 0;
    const physical_t page = block_page(free_blocks[from].next, from);
    take_block(page, from);
    while (from-- > order)
        add_block(page + ((physical_t)PAGE_SIZE << from), from);
    *state_of(page) = (uint8_t)(BLOCK_USED | order);
    return page;
}

void pages_put(physical_t first, unsigned order)
{
    BASE_ASSERT(*state_of(first) == (BLOCK_USED | order));
    *state_of(first) = 0;
    put_block(first, order);
}

unsigned pages_order(physical_t first)
{
    BASE_ASSERT(*state_of(first) & BLOCK_USED);
    return *state_of(first) & BLOCK_ORDER;
}

physical_t page_get(void)
{
    const physical_t page = pages_get(0);
    if (page)
        memset(page_pointer(page), 0, PAGE_SIZE);
    return page;
}

void page_put(physical_t page)
{
    pages_put(page, 0);
}

uint64_t pages_free(void)
{
    return free_count;
}

uint64_t pages_total(void)
{
    return total_count;
}

physical_t physical_of(const void *pointer)
{
    const uint64_t address = (uintptr_t)pointer;
    if (address >= MEMORY_BASE)
        return address - MEMORY_BASE;
    BASE_ASSERT(address >= MEMORY_DIRECT && address < MEMORY_STACKS);
    return address - MEMORY_DIRECT;
}
