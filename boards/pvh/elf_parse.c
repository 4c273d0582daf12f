/* SPDX-License-Identifier: BSD-2-Clause */
/* See elf_parse.h. */
#include <elf.h>

#include "elf_parse.h"

#define PAGE ((uint64_t)4096)
/* The end of the programs' half. */
#define ADDRESS_END ((uint64_t)1 << 47)

static bool identify(const Elf64_Ehdr *header)
{
    return memcmp(header->e_ident, ELFMAG, SELFMAG) == 0 &&
           header->e_ident[EI_CLASS] == ELFCLASS64 && header->e_ident[EI_DATA] == ELFDATA2LSB &&
           header->e_ident[EI_VERSION] == EV_CURRENT && header->e_machine == EM_X86_64 &&
           (header->e_type == ET_EXEC || header->e_type == ET_DYN) &&
           header->e_phentsize == sizeof(Elf64_Phdr) && header->e_phnum != 0;
}

static bool segment_is_good(const Elf64_Phdr *from, uint64_t file_size)
{
    const bool write = from->p_flags & PF_W;
    return from->p_filesz <= from->p_memsz && from->p_offset <= file_size &&
           from->p_filesz <= file_size - from->p_offset && from->p_vaddr < ADDRESS_END &&
           from->p_memsz <= ADDRESS_END - PAGE - from->p_vaddr &&
           (from->p_vaddr - from->p_offset) % PAGE == 0 && !(write && (from->p_flags & PF_X)) &&
           /* What is zeros only would have to be written first. */
           (write || from->p_filesz == from->p_memsz);
}

/* No page may belong to two of them: it could not be protected as both say. */
static bool add_segment(struct elf *elf, const Elf64_Phdr *from, uint64_t file_size)
{
    if (from->p_memsz == 0)
        return true;
    if (elf->segment_count == ELF_SEGMENTS || !segment_is_good(from, file_size))
        return false;
    if (elf->segment_count == 0)
        elf->start = round_down(from->p_vaddr, PAGE);
    else if (round_down(from->p_vaddr, PAGE) < elf->end)
        return false;
    elf->end = round_up(from->p_vaddr + from->p_memsz, PAGE);
    elf->segments[elf->segment_count++] = (struct elf_segment){
        .address = from->p_vaddr,
        .offset = from->p_offset,
        .file_size = from->p_filesz,
        .memory_size = from->p_memsz,
        .write = from->p_flags & PF_W,
        .execute = from->p_flags & PF_X,
    };
    return true;
}

/* Where a range of the file is in memory, or 0. */
static uint64_t address_of(const struct elf *elf, uint64_t offset, uint64_t size)
{
    for (size_t i = 0; i < elf->segment_count; i++) {
        const struct elf_segment *segment = &elf->segments[i];
        if (offset >= segment->offset && size <= segment->file_size &&
            offset - segment->offset <= segment->file_size - size)
            return segment->address + (offset - segment->offset);
    }
    return 0;
}

static bool entry_is_code(const struct elf *elf)
{
    for (size_t i = 0; i < elf->segment_count; i++) {
        const struct elf_segment *segment = &elf->segments[i];
        if (segment->execute && elf->entry >= segment->address &&
            elf->entry - segment->address < segment->file_size)
            return true;
    }
    return false;
}

bool elf_parse(const void *bytes, size_t size, uint64_t file_size, struct elf *elf)
{
    Elf64_Ehdr header;
    bool dynamic = false;
    memset(elf, 0, sizeof *elf);
    if (size < sizeof header)
        return false;
    memcpy(&header, bytes, sizeof header);
    const uint64_t headers_size = (uint64_t)header.e_phnum * sizeof(Elf64_Phdr);
    if (!identify(&header) || header.e_phoff > size || headers_size > size - header.e_phoff)
        return false;
    for (size_t i = 0; i < header.e_phnum; i++) {
        Elf64_Phdr from;
        memcpy(&from, (const char *)bytes + header.e_phoff + i * sizeof from, sizeof from);
        /* Nobody is here who would load its libraries. */
        if (from.p_type == PT_INTERP)
            return false;
        dynamic |= from.p_type == PT_DYNAMIC;
        if (from.p_type == PT_LOAD && !add_segment(elf, &from, file_size))
            return false;
    }
    /* Only the start code of a static-pie program looks for its dynamic section. */
    elf->movable = dynamic;
    elf->entry = header.e_entry;
    elf->header_count = header.e_phnum;
    elf->header_size = sizeof(Elf64_Phdr);
    elf->headers = address_of(elf, header.e_phoff, headers_size);
    return entry_is_code(elf) && elf->headers != 0 && (dynamic || header.e_type == ET_EXEC);
}
