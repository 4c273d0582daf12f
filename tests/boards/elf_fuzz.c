/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What elf_parse hands out is sound, whatever it is given. By itself elf_fuzz FILE SEED COUNT says
 * whether the file is taken, and goes on with COUNT damaged copies; with -fsanitize=fuzzer and
 * -DFUZZER it is libFuzzer's.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "elf_parse.h"
#include "panic_shim.h"

#define PAGE 4096u

static void check(const struct elf *elf, uint64_t file_size)
{
    uint64_t before = elf->start;
    BASE_ASSERT(elf->segment_count > 0 && elf->segment_count <= ELF_SEGMENTS);
    BASE_ASSERT(elf->start % PAGE == 0 && elf->end % PAGE == 0 && elf->start < elf->end);
    BASE_ASSERT(elf->end <= (uint64_t)1 << 47);
    for (size_t i = 0; i < elf->segment_count; i++) {
        const struct elf_segment *segment = &elf->segments[i];
        BASE_ASSERT(!(segment->write && segment->execute));
        BASE_ASSERT(segment->file_size <= segment->memory_size && segment->memory_size > 0);
        BASE_ASSERT(segment->offset + segment->file_size <= file_size);
        BASE_ASSERT(segment->offset % PAGE == segment->address % PAGE);
        BASE_ASSERT(segment->address / PAGE * PAGE >= before);
        before = segment->address + segment->memory_size;
        BASE_ASSERT(before <= elf->end);
    }
    BASE_ASSERT(elf->entry >= elf->start && elf->entry < elf->end);
    BASE_ASSERT(elf->headers >= elf->start && elf->headers < elf->end);
}

static bool parse(const void *bytes, size_t size)
{
    struct elf elf;
    /* A copy without anything behind it. */
    const size_t part = MIN(size, (size_t)ELF_HEADERS_SIZE);
    void *copy = malloc(part);
    memcpy(copy, bytes, part);
    const bool taken = elf_parse(copy, part, size, &elf);
    free(copy);
    if (taken)
        check(&elf, size);
    return taken;
}

#ifdef FUZZER
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    (void)parse(bytes, size);
    return 0;
}
#else
int main(int argc, char **argv)
{
    static const uint8_t values[] = {0, 1, 2, 7, 16, 0x7f, 0x80, 0xff};
    static uint8_t file[4 * ELF_HEADERS_SIZE], damaged[sizeof file];
    FILE *from = argc == 4 ? fopen(argv[1], "rb") : NULL;
    if (!from)
        return 2;
    const size_t size = fread(file, 1, sizeof file, from);
    fclose(from);
    printf("%s\n", parse(file, size) ? "taken" : "refused");
    srandom((unsigned)strtoul(argv[2], NULL, 10));
    for (unsigned long left = strtoul(argv[3], NULL, 10); left > 0; left--) {
        memcpy(damaged, file, size);
        for (long many = 1 + random() % 4; many > 0; many--)
            damaged[(size_t)random() % MIN(size, (size_t)512)] =
                values[(size_t)random() % sizeof values];
        (void)parse(damaged, random() % 8 ? size : (size_t)random() % size);
    }
    return 0;
}
#endif
