/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What an ELF file for x86-64 asks for: a static program, at a fixed address or movable.
 *
 * The file is somebody else's: what is handed out here has been checked to be in the file, in the
 * programs' half of the address space, in order, without overlap, and never both writable and
 * executable.
 */
#ifndef RUMPRUN_ELF_PARSE_H
#define RUMPRUN_ELF_PARSE_H

#include "base.h"

/* So many bytes from the beginning of the file have to hold all of its headers. */
#define ELF_HEADERS_SIZE 4096
#define ELF_SEGMENTS 16

/* What is mapped: whole pages, from offset - address % page size on. */
struct elf_segment {
    uint64_t address, offset, file_size, memory_size;
    bool write, execute;
};

struct elf {
    /* It can be anywhere: its own start code relocates it. */
    bool movable;
    uint64_t entry;
    /* Where the program headers are in memory, and how many there are of what size. */
    uint64_t headers, header_count, header_size;
    /* The first page's address, and the end of the last one. */
    uint64_t start, end;
    size_t segment_count;
    struct elf_segment segments[ELF_SEGMENTS];
};

/* Of the first size bytes of a file of file_size; false where it is no such program. */
bool elf_parse(const void *bytes, size_t size, uint64_t file_size, struct elf *elf);

#endif
