/* SPDX-License-Identifier: BSD-2-Clause */
#include "memory_shim.h"
#include "panic_shim.h"

#include <stdio.h>
#include <stdlib.h>

#define MOST_MAPPED 4096

size_t shim_pages, shim_pieces, shim_all_pages = 100000;
unsigned shim_failures, shim_table_failures;
uint64_t shim_seed = 1;

/* Sorted by address. */
static struct {
    uint64_t address;
    physical_t page;
    unsigned flags;
} mapped[MOST_MAPPED];
static size_t mapped_count;

uint32_t shim_random(uint32_t below)
{
    shim_seed ^= shim_seed << 13;
    shim_seed ^= shim_seed >> 7;
    shim_seed ^= shim_seed << 17;
    return (uint32_t)(shim_seed >> 16) % below;
}

static bool one_of(unsigned count) { return count && shim_random(count) == 0; }
static bool fails(void) { return one_of(shim_failures); }

physical_t page_get(void)
{
    const bool is_there = shim_pages < shim_all_pages && !fails();
    void *page = is_there ? aligned_alloc(PAGE_SIZE, PAGE_SIZE) : NULL;
    if (!page)
        return 0;
    shim_pages++;
    memset(page, 0, PAGE_SIZE);
    /* page_pointer adds it again. */
    return (uintptr_t)page - MEMORY_DIRECT;
}

void page_put(physical_t page)
{
    shim_pages--;
    free(page_pointer(page));
}

uint64_t pages_free(void) { return shim_all_pages - shim_pages; }
uint64_t pages_total(void) { return shim_all_pages; }

void *heap_get(size_t size)
{
    void *memory = fails() ? NULL : calloc(1, size);
    shim_pieces += memory != NULL;
    return memory;
}

void heap_put(void *memory)
{
    shim_pieces -= memory != NULL;
    free(memory);
}

static size_t place(uint64_t address)
{
    size_t low = 0, high = mapped_count;
    while (low < high) {
        const size_t middle = (low + high) / 2;
        if (mapped[middle].address < address)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool is_mapped(size_t at, uint64_t address)
{
    return at < mapped_count && mapped[at].address == address;
}

bool paging_map(uint64_t address, physical_t page, unsigned flags)
{
    const size_t at = place(address);
    BASE_ASSERT(address % PAGE_SIZE == 0 && !is_mapped(at, address) && page % PAGE_SIZE == 0);
    BASE_ASSERT(!((flags & PAGING_WRITE) && (flags & PAGING_EXECUTE)));
    BASE_ASSERT(mapped_count < MOST_MAPPED);
    if (one_of(shim_table_failures))
        return false;
    memmove(&mapped[at + 1], &mapped[at], (mapped_count - at) * sizeof *mapped);
    mapped[at].address = address;
    mapped[at].page = page;
    mapped[at].flags = flags;
    mapped_count++;
    return true;
}

physical_t paging_find(uint64_t address, unsigned *flags)
{
    const size_t at = place(address);
    if (!is_mapped(at, address))
        return 0;
    if (flags)
        *flags = mapped[at].flags;
    return mapped[at].page;
}

physical_t paging_unmap(uint64_t address, unsigned *flags)
{
    const physical_t page = paging_find(address, flags);
    const size_t at = place(address);
    if (page) {
        mapped_count--;
        memmove(&mapped[at], &mapped[at + 1], (mapped_count - at) * sizeof *mapped);
    }
    return page;
}

void paging_protect(uint64_t address, unsigned flags)
{
    const size_t at = place(address);
    BASE_ASSERT(!((flags & PAGING_WRITE) && (flags & PAGING_EXECUTE)));
    if (is_mapped(at, address))
        mapped[at].flags = (flags & ~PAGING_OWNED) | (mapped[at].flags & PAGING_OWNED);
}

void paging_each(uint64_t start, uint64_t end, void (*visit)(uint64_t address, void *with),
                 void *with)
{
    size_t at;
    while ((at = place(start)) < mapped_count && mapped[at].address < end) {
        start = mapped[at].address + PAGE_SIZE;
        visit(mapped[at].address, with);
    }
}

size_t shim_mapped(uint64_t start, uint64_t end) { return place(end) - place(start); }

void paging_trim(uint64_t start, uint64_t end) { BASE_ASSERT(shim_mapped(start, end) == 0); }
