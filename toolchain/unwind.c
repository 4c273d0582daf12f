/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * _dl_find_object for musl. gcc's unwinder, as Debian builds it, asks glibc for the unwind table
 * of an address with this function and has no other way; musl does not have it. The layout of
 * struct dl_find_object is glibc's ABI for x86-64 (<dlfcn.h>, glibc 2.35 and later).
 */
#define _GNU_SOURCE
#include <link.h>
#include <stddef.h>
#include <stdint.h>

struct dl_find_object {
    unsigned long long flags;
    void *map_start;
    void *map_end;
    struct link_map *link_map;
    void *eh_frame; /* the PT_GNU_EH_FRAME segment */
    unsigned long long reserved[7];
};

_Static_assert(sizeof(struct dl_find_object) == 96, "glibc's layout");

int _dl_find_object(void *address, struct dl_find_object *result);

struct search {
    uintptr_t address;
    struct dl_find_object *result;
};

static int look_into(struct dl_phdr_info *info, size_t size, void *data) {
    struct search *search = data;
    struct dl_find_object *result = search->result;
    int covers = 0;

    (void)size;
    result->eh_frame = NULL;
    for (size_t i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
        uintptr_t start = info->dlpi_addr + segment->p_vaddr;

        if (segment->p_type == PT_GNU_EH_FRAME)
            result->eh_frame = (void *)start;
        if (segment->p_type == PT_LOAD && search->address >= start &&
            search->address - start < segment->p_memsz) {
            covers = 1;
            result->map_start = (void *)start;
            result->map_end = (void *)(start + segment->p_memsz);
        }
    }
    return covers && result->eh_frame != NULL;
}

int _dl_find_object(void *address, struct dl_find_object *result) {
    struct search search = {.address = (uintptr_t)address, .result = result};

    result->flags = 0;
    result->link_map = NULL;
    return dl_iterate_phdr(look_into, &search) ? 0 : -1;
}

/*
 * The unwinder refers to these weakly and takes one of them for all: together they are there. (A
 * relocation of this type puts nothing into the program.)
 */
__asm__(".reloc ., R_X86_64_NONE, __pthread_key_create\n\t"
        ".reloc ., R_X86_64_NONE, pthread_getspecific\n\t"
        ".reloc ., R_X86_64_NONE, pthread_mutex_lock\n\t"
        ".reloc ., R_X86_64_NONE, pthread_mutex_unlock\n\t"
        ".reloc ., R_X86_64_NONE, pthread_once\n\t"
        ".reloc ., R_X86_64_NONE, pthread_setspecific");
