/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The crash reporter on the build machine, for a core in a file: crash_reader CORE [SEED COUNT].
 * With a count, that many more reports, of a core in which bytes were changed; nothing is printed of
 * those, and the sanitizers or the bounds below end the program where something is wrong.
 */
#define _GNU_SOURCE
#include <elf.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "crash.h"
#include "entrypoint.h"

#define CORE_LIMIT (8u << 20)
/* 16 threads of 48 frames, each with a line for repeats, and the rest. */
#define LINE_LIMIT 2000
#define PART_LIMIT 100000

static unsigned char core[CORE_LIMIT], changed[CORE_LIMIT];
static size_t core_size;
static int quiet, lines;

void console_say(const char *format, ...)
{
    char line[512];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    if (!quiet)
        printf("rumprun: %s\n", line);
    if (++lines > LINE_LIMIT)
        abort();
}

/* A part of the core that a report depends on. */
static struct part {
    size_t start, size;
} parts[PART_LIMIT];
static size_t part_count;

static void log_part(size_t start, size_t size)
{
    if (part_count < PART_LIMIT && size > 0 && start + size <= core_size)
        parts[part_count++] = (struct part){start, size};
}

/* The memory that the core has, by the unchanged program headers. */
static int fetch(const struct memory *memory, uint64_t address, void *to, size_t size)
{
    const unsigned char *content = quiet ? changed : core;
    const Elf64_Ehdr *header = (const void *)core;
    const Elf64_Phdr *segments = (const void *)(core + header->e_phoff);

    (void)memory;
    for (unsigned i = 0; i < header->e_phnum; i++) {
        const Elf64_Phdr *segment = &segments[i];
        if (segment->p_type != PT_LOAD || address < segment->p_vaddr ||
            address - segment->p_vaddr >= segment->p_filesz)
            continue;
        const uint64_t offset = address - segment->p_vaddr;
        if (size > segment->p_filesz - offset || segment->p_offset + offset + size > core_size)
            return -1;
        if (!quiet)
            log_part(segment->p_offset + offset, size);
        memcpy(to, content + segment->p_offset + offset, size);
        return 0;
    }
    return -1;
}

static int report(const unsigned char *content)
{
    const struct memory memory = {.fetch = fetch, .descriptor = -1};
    const int file = memfd_create("core", 0);

    if (file < 0 || write(file, content, core_size) != (ssize_t)core_size ||
        lseek(file, 0, SEEK_SET) != 0)
        exit(2);
    lines = 0;
    const int status = crash_report(file, &memory, "subject", 42);
    close(file);
    return status;
}

/* The heads of the notes, which say how large they are, and the start of each. */
static void log_notes(void)
{
    const Elf64_Phdr *segment = (const void *)(core + sizeof(Elf64_Ehdr));
    size_t place = segment->p_offset;
    const size_t end = place + segment->p_filesz;
    Elf64_Nhdr note;

    while (place + sizeof note <= end && end <= core_size) {
        memcpy(&note, core + place, sizeof note);
        log_part(place, sizeof note);
        place += sizeof note + ((note.n_namesz + 3u) & ~3u);
        log_part(place, note.n_descsz < 160 ? note.n_descsz : 160);
        place += (note.n_descsz + 3u) & ~3u;
    }
}

/* Changes are where they matter: in what was read when nothing was changed. */
static void change(void)
{
    static const unsigned char values[] = {0x00, 0x01, 0x0a, 0x7f, 0x80, 0xff};
    const int count = 1 + rand() % 8;

    memcpy(changed, core, core_size);
    for (int i = 0; i < count; i++) {
        const struct part *part = &parts[(size_t)rand() % part_count];
        unsigned char *byte = &changed[part->start + (size_t)rand() % part->size];
        *byte = (unsigned char)(rand() % 2 ? rand() : values[rand() % sizeof values]);
    }
}

int main(int argc, char **argv)
{
    FILE *file = argc > 1 ? fopen(argv[1], "rb") : NULL;

    if (!file)
        return 2;
    core_size = fread(core, 1, sizeof core, file);
    fclose(file);
    const int status = report(core);
    if (argc != 4)
        return status;
    log_part(0, sizeof(Elf64_Ehdr) + 2 * sizeof(Elf64_Phdr));
    log_notes();
    quiet = 1;
    srand((unsigned)atoi(argv[2]));
    for (int i = 0; i < atoi(argv[3]); i++) {
        change();
        report(changed);
    }
    return 0;
}
