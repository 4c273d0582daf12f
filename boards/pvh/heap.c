/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The base's own memory: small pieces of a few sizes, cut from pages that each have pieces of one
 * size; whole pages for what is larger. A piece never begins with its page, so the two are told
 * apart by their address.
 */
#include "memory.h"

struct sheet {
    struct list link;
    void *free;
    uint16_t size, used, count;
};

#define SHEET_HEAD 48u
#define LARGEST_ORDER 11u

static const uint16_t sizes[] = {32, 64, 96, 144, 192, 256, 400, 576, 1008, 2016};
/* Sheets of each size that have a free piece. */
static struct list sheets[ARRAY_SIZE(sizes)];
static bool begun;

_Static_assert(sizeof(struct sheet) <= SHEET_HEAD, "the head has its room");

static void begin(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(sizes); i++)
        list_begin(&sheets[i]);
    begun = true;
}

static size_t kind_of(size_t size)
{
    size_t kind = 0;
    while (kind < ARRAY_SIZE(sizes) && sizes[kind] < size)
        kind++;
    return kind;
}

static unsigned order_of(size_t size)
{
    unsigned order = 0;
    while (order <= LARGEST_ORDER && ((size_t)PAGE_SIZE << order) < size)
        order++;
    return order;
}

static struct sheet *make_sheet(size_t kind)
{
    const physical_t page = pages_get(0);
    if (!page)
        return NULL;
    struct sheet *sheet = page_pointer(page);
    *sheet = (struct sheet){.size = sizes[kind]};
    char *const start = (char *)sheet;
    for (size_t place = SHEET_HEAD; place + sizes[kind] <= PAGE_SIZE; place += sizes[kind]) {
        *(void **)(void *)(start + place) = sheet->free;
        sheet->free = start + place;
        sheet->count++;
    }
    list_add_last(&sheets[kind], &sheet->link);
    return sheet;
}

static void *get_pages(size_t size)
{
    const unsigned order = order_of(size);
    const physical_t first = order <= LARGEST_ORDER ? pages_get(order) : 0;
    return first ? memset(page_pointer(first), 0, (size_t)PAGE_SIZE << order) : NULL;
}

void *heap_get(size_t size)
{
    if (!begun)
        begin();
    const size_t kind = kind_of(size);
    if (kind == ARRAY_SIZE(sizes))
        return get_pages(size);
    struct sheet *sheet = list_empty(&sheets[kind])
                              ? make_sheet(kind)
                              : LIST_ENTRY(sheets[kind].next, struct sheet, link);
    if (!sheet)
        return NULL;
    void *const piece = sheet->free;
    sheet->free = *(void **)piece;
    if (++sheet->used == sheet->count)
        list_remove(&sheet->link);
    return memset(piece, 0, sheet->size);
}

static struct sheet *sheet_of(void *memory)
{
    struct sheet *sheet = (struct sheet *)(round_down((uintptr_t)memory, PAGE_SIZE));
    BASE_ASSERT(sheet->used > 0 && sheet->used <= sheet->count);
    return sheet;
}

static bool is_pages(const void *memory)
{
    return (uintptr_t)memory % PAGE_SIZE == 0;
}

void heap_put(void *memory)
{
    if (!memory)
        return;
    if (is_pages(memory)) {
        const physical_t first = physical_of(memory);
        pages_put(first, pages_order(first));
        return;
    }
    struct sheet *sheet = sheet_of(memory);
    *(void **)memory = sheet->free;
    sheet->free = memory;
    if (sheet->used-- == sheet->count)
        list_add_last(&sheets[kind_of(sheet->size)], &sheet->link);
    /* One is kept, so that a piece that comes and goes is not a page that does. */
    if (sheet->used == 0 && sheet->link.next != sheet->link.previous) {
        list_remove(&sheet->link);
        page_put(physical_of(sheet));
    }
}

void *heap_resize(void *memory, size_t size)
{
    if (!memory)
        return heap_get(size);
    const size_t old = is_pages(memory) ? (size_t)PAGE_SIZE << pages_order(physical_of(memory))
                                        : sheet_of(memory)->size;
    if (size <= old && size > old / 4)
        return memory;
    void *const other = heap_get(size);
    if (other) {
        memcpy(other, memory, MIN(old, size));
        heap_put(memory);
    }
    return other;
}
