/* SPDX-License-Identifier: BSD-2-Clause */
/* Reads the start info. Whoever started the machine wrote it: nothing of it is believed. */
#include "start.h"

#include <xen/arch-x86/hvm/start_info.h>

#define MOST_ENTRIES 1024u
#define LAST_ADDRESS (1ull << 46)

static bool is_range(uint64_t start, uint64_t size)
{
    return start < LAST_ADDRESS && size <= LAST_ADDRESS - start;
}

/* Keeps the ranges in order; one that overlaps another is joined with it. */
static const char *add_range(struct start *start, struct range range)
{
    size_t place = 0, end;
    while (place < start->range_count && start->ranges[place].end < range.start)
        place++;
    for (end = place; end < start->range_count && start->ranges[end].start <= range.end; end++) {
        range.start = MIN(range.start, start->ranges[end].start);
        range.end = MAX(range.end, start->ranges[end].end);
    }
    if (end == place && start->range_count == START_RANGES)
        return "too many ranges of memory";
    memmove(&start->ranges[place + 1], &start->ranges[end],
            (start->range_count - end) * sizeof *start->ranges);
    start->range_count = start->range_count - (end - place) + 1;
    start->ranges[place] = range;
    return NULL;
}

static const char *parse_memory(start_memory *memory, const struct hvm_start_info *info,
                                struct start *start)
{
    if (info->version < 1 || info->memmap_entries == 0)
        return "no memory map";
    if (info->memmap_entries > MOST_ENTRIES)
        return "too many entries in the memory map";
    for (uint32_t i = 0; i < info->memmap_entries; i++) {
        struct hvm_memmap_table_entry entry;
        const void *from = memory(info->memmap_paddr + i * sizeof entry, sizeof entry);
        if (!from)
            return "the memory map is outside of memory";
        memcpy(&entry, from, sizeof entry);
        if (entry.type != XEN_HVM_MEMMAP_TYPE_RAM || entry.size == 0)
            continue;
        if (!is_range(entry.addr, entry.size))
            return "an entry of the memory map is too large";
        const struct range range = {entry.addr, entry.addr + entry.size};
        const char *wrong = add_range(start, range);
        if (wrong)
            return wrong;
    }
    return start->range_count ? NULL : "no memory at all";
}

static const char *parse_modules(start_memory *memory, const struct hvm_start_info *info,
                                 struct start *start)
{
    if (info->nr_modules > START_MODULES)
        return "too many boot modules";
    for (uint32_t i = 0; i < info->nr_modules; i++) {
        struct hvm_modlist_entry entry;
        const void *from = memory(info->modlist_paddr + i * sizeof entry, sizeof entry);
        if (!from)
            return "the list of boot modules is outside of memory";
        memcpy(&entry, from, sizeof entry);
        if (!is_range(entry.paddr, entry.size))
            return "a boot module is too large";
        start->modules[i] = (struct range){entry.paddr, entry.paddr + entry.size};
    }
    start->module_count = info->nr_modules;
    return NULL;
}

static const char *parse_words(start_memory *memory, uint64_t address, struct start *start)
{
    if (address == 0)
        return NULL;
    for (uint64_t length = 0; length < START_WORDS; length++) {
        const char *byte = memory(address + length, 1);
        if (!byte)
            return "the command line is outside of memory";
        if (!*byte) {
            start->words = (struct range){address, address + length};
            return NULL;
        }
    }
    return "the command line has no end";
}

const char *start_parse(start_memory *memory, uint64_t address, struct start *start)
{
    struct hvm_start_info info;
    *start = (struct start){0};
    const void *from = memory(address, sizeof info);
    if (!from)
        return "the start info is outside of memory";
    memcpy(&info, from, sizeof info);
    if (info.magic != XEN_HVM_START_MAGIC_VALUE)
        return "no start info: this is no PVH boot";
    const char *wrong = parse_memory(memory, &info, start);
    if (!wrong)
        wrong = parse_modules(memory, &info, start);
    if (!wrong)
        wrong = parse_words(memory, info.cmdline_paddr, start);
    start->acpi = info.rsdp_paddr;
    return wrong;
}
