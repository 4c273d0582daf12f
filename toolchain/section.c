/* SPDX-License-Identifier: BSD-2-Clause */
#define _GNU_SOURCE
#include "section.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "words.h"

/* Bounds for what a linker has just written. */
#define MOST_SECTIONS 4096
#define LONGEST_NAMES (1 << 20)

struct program {
    int file;
    uint64_t size;
    Elf64_Ehdr header;
    Elf64_Shdr *sections; /* with room for one more */
    char *names;
};

static bool read_at(int file, void *data, size_t size, uint64_t offset) {
    return pread(file, data, size, (off_t)offset) == (ssize_t)size;
}

static bool is_within(uint64_t offset, uint64_t size, uint64_t whole) {
    return offset <= whole && size <= whole - offset;
}

static bool is_executable(const Elf64_Ehdr *header, uint64_t size) {
    return memcmp(header->e_ident, ELFMAG, SELFMAG) == 0 &&
           header->e_ident[EI_CLASS] == ELFCLASS64 && header->e_ident[EI_DATA] == ELFDATA2LSB &&
           (header->e_type == ET_EXEC || header->e_type == ET_DYN) &&
           header->e_shentsize == sizeof(Elf64_Shdr) && header->e_shnum > 0 &&
           header->e_shnum < MOST_SECTIONS && header->e_shstrndx < header->e_shnum &&
           is_within(header->e_shoff, header->e_shnum * sizeof(Elf64_Shdr), size);
}

static bool read_program(struct program *program) {
    const Elf64_Shdr *names;
    struct stat status;
    size_t headers;

    if (fstat(program->file, &status) != 0 || !S_ISREG(status.st_mode) ||
        !read_at(program->file, &program->header, sizeof(program->header), 0))
        return false;
    program->size = (uint64_t)status.st_size;
    if (!is_executable(&program->header, program->size))
        return false;
    headers = program->header.e_shnum * sizeof(Elf64_Shdr);
    program->sections = malloc(headers + sizeof(Elf64_Shdr));
    if (program->sections == NULL)
        die("no memory for a program's sections");
    if (!read_at(program->file, program->sections, headers, program->header.e_shoff))
        return false;
    names = &program->sections[program->header.e_shstrndx];
    if (names->sh_type != SHT_STRTAB || names->sh_size > LONGEST_NAMES ||
        !is_within(names->sh_offset, names->sh_size, program->size))
        return false;
    program->names = malloc(names->sh_size + 1);
    if (program->names == NULL)
        die("no memory for a program's sections");
    return read_at(program->file, program->names, names->sh_size, names->sh_offset);
}

/* Where to write: over the names and headers of sections where they are last, as ld puts them. */
static uint64_t first_free(const struct program *program) {
    const Elf64_Shdr *names = &program->sections[program->header.e_shstrndx];
    uint64_t place = names->sh_offset;

    if (program->header.e_shoff < place)
        return program->size;
    for (size_t i = 0; i < program->header.e_shnum; i++) {
        const Elf64_Shdr *section = &program->sections[i];

        if (section != names && section->sh_type != SHT_NOBITS &&
            section->sh_offset + section->sh_size > place)
            return program->size;
    }
    return place;
}

/* Writes and goes on to the next multiple of 8. */
static bool write_at(int file, const void *data, size_t size, uint64_t *offset) {
    static const char padding[8];
    size_t rest = -(*offset + size) % sizeof(padding);

    if (pwrite(file, data, size, (off_t)*offset) != (ssize_t)size ||
        pwrite(file, padding, rest, (off_t)(*offset + size)) != (ssize_t)rest)
        return false;
    *offset += size + rest;
    return true;
}

static bool write_program(struct program *program, const char *name, const void *data,
                          size_t size) {
    Elf64_Shdr *names = &program->sections[program->header.e_shstrndx];
    Elf64_Shdr *added = &program->sections[program->header.e_shnum];
    size_t length = strlen(name) + 1;
    uint64_t place = first_free(program);
    char *text = malloc(names->sh_size + length);

    if (text == NULL)
        die("no memory for a program's sections");
    memcpy(text, program->names, names->sh_size);
    memcpy(text + names->sh_size, name, length);
    *added = (Elf64_Shdr){
        .sh_name = (Elf64_Word)names->sh_size,
        .sh_type = SHT_PROGBITS,
        .sh_size = size,
        .sh_addralign = 1,
    };
    names->sh_offset = place;
    names->sh_size += length;
    if (!write_at(program->file, text, names->sh_size, &place))
        return false;
    added->sh_offset = place;
    if (!write_at(program->file, data, size, &place))
        return false;
    program->header.e_shoff = place;
    program->header.e_shnum++;
    return write_at(program->file, program->sections,
                    program->header.e_shnum * sizeof(Elf64_Shdr), &place) &&
           ftruncate(program->file, (off_t)place) == 0 &&
           pwrite(program->file, &program->header, sizeof(program->header), 0) ==
               (ssize_t)sizeof(program->header);
}

void add_section(const char *path, const char *name, const void *data, size_t size) {
    struct program program = {.file = open(path, O_RDWR | O_CLOEXEC)};

    if (program.file < 0)
        return;
    if (read_program(&program) && !write_program(&program, name, data, size)) {
        int reason = errno;

        unlink(path);
        die("%s: %s; see that it can be written", path, strerror(reason));
    }
    close(program.file);
}
