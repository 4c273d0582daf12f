/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory. All of it that may be written is mapped once for the base, at MEMORY_DIRECT; the image's
 * text and read-only data are not writable there either. The base itself is at MEMORY_BASE.
 * Programs have the lower half, each a slot of its own (program.h).
 */
#ifndef RUMPRUN_MEMORY_H
#define RUMPRUN_MEMORY_H

#define PAGE_SIZE 4096
/* Of a thread in the base, in bytes. */
#define STACK_SIZE 16384
#define MEMORY_BASE 0xffffffff80000000
#define MEMORY_DIRECT 0xffff800000000000
/* Stacks of threads in the base, with unmapped pages between them; and devices. */
#define MEMORY_STACKS 0xffffa00000000000
#define MEMORY_DEVICES 0xffffb00000000000
/* The end of what programs can have. */
#define MEMORY_PROGRAMS_END 0x0000800000000000

#ifndef __ASSEMBLER__
#include "base.h"

/* An address of the machine's memory, not of a mapping. 0 is none. */
typedef uint64_t physical_t;

/* pages.c: pages of memory. */

/* What pages_begin wants for so many pages. */
uint64_t pages_table_size(uint64_t pages);
/* The table for so many pages is there; none is free yet. */
void pages_begin(physical_t table, uint64_t pages);
/* Takes over a range of free memory; partial pages at its ends are left out. */
void pages_add(physical_t start, physical_t end);
/* A page full of zeros, or 0 where there is none left. */
physical_t page_get(void);
void page_put(physical_t page);
/* 1 << order pages in a row, aligned to their size, not cleared; 0 where there are none. */
physical_t pages_get(unsigned order);
void pages_put(physical_t first, unsigned order);
/* Of what pages_get gave. */
unsigned pages_order(physical_t first);
/* In pages. */
uint64_t pages_free(void);
uint64_t pages_total(void);

static inline void *page_pointer(physical_t page)
{
    return (void *)(uintptr_t)(MEMORY_DIRECT + page);
}
/* Of a pointer into MEMORY_DIRECT or MEMORY_BASE, such as heap_get gives. */
physical_t physical_of(const void *pointer);

/* heap.c: the base's own memory, filled with zeros. NULL where there is none left. */
void *heap_get(size_t size);
/* NULL is allowed. */
void heap_put(void *memory);
/* The old memory stays as it is where there is no new one. */
void *heap_resize(void *memory, size_t size);

/* paging.c: what is mapped where. */

#define PAGING_WRITE 1u
#define PAGING_EXECUTE 2u
#define PAGING_UNCACHED 4u
/* The page belongs to the mapping, which puts it back when it goes. */
#define PAGING_OWNED 8u
/* Nobody can touch it, but it is there (mprotect PROT_NONE). */
#define PAGING_HIDDEN 16u

/* Replaces the boot's tables by those that know what is text and what is data. The ranges, in
   order, are all of memory; the root archive lies behind the base. */
void paging_begin(const struct range *ranges, size_t count, uint64_t root_size);
/* False where there is no memory for a table. The page must not be mapped; write and execute
   exclude each other. */
bool paging_map(uint64_t address, physical_t page, unsigned flags);
/* The page that was mapped there, or 0; flags, if not NULL, gets how. */
physical_t paging_unmap(uint64_t address, unsigned *flags);
physical_t paging_find(uint64_t address, unsigned *flags);
/* Other flags for what is mapped there, if it is; PAGING_OWNED stays. */
void paging_protect(uint64_t address, unsigned flags);
/* Calls visit for each page mapped in [start, end), in order; it may unmap that page. */
void paging_each(uint64_t start, uint64_t end, void (*visit)(uint64_t address, void *with),
                 void *with);
/* Puts back the tables of a range in which nothing is mapped any more. */
void paging_trim(uint64_t start, uint64_t end);
/* A device's registers, uncached, for ever; NULL where there is no memory for a table. */
void *paging_map_device(physical_t start, uint64_t size);
/* A stack in the base, one unmapped page below it: its end, or 0. */
uint64_t stack_get(void);
void stack_put(uint64_t end);

/* copy.S: to and from memory of a program, which may not be there: false then. The caller has
   checked that the range lies in the program's half (program_range). */
bool copy_bytes(void *to, const void *from, size_t size);
/* The length of a string without its NUL; size where there is none in so many; -1: not there. */
int64_t copy_length(const char *string, size_t size);

static inline bool program_range(uint64_t start, uint64_t size)
{
    return start < MEMORY_PROGRAMS_END && size <= MEMORY_PROGRAMS_END - start;
}
static inline bool copy_in(void *to, uint64_t from, size_t size)
{
    return program_range(from, size) && copy_bytes(to, (const void *)(uintptr_t)from, size);
}
static inline bool copy_out(uint64_t to, const void *from, size_t size)
{
    return program_range(to, size) && copy_bytes((void *)(uintptr_t)to, from, size);
}
#endif

#endif
