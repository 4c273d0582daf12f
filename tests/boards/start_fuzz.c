/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What start_parse hands out is sound, whatever it is given. By itself start_fuzz FILE takes the
 * file for memory from address 0 on, with the start info there, and says what it read; with
 * -fsanitize=fuzzer and -DFUZZER it is libFuzzer's.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "start.h"
#include "panic_shim.h"

static const uint8_t *bytes;
static uint64_t byte_count;

static const void *at(uint64_t address, uint64_t size)
{
    return address <= byte_count && size <= byte_count - address ? bytes + address : NULL;
}

static void check(const struct start *start)
{
    uint64_t before = 0;
    BASE_ASSERT(start->range_count > 0 && start->range_count <= START_RANGES);
    BASE_ASSERT(start->module_count <= START_MODULES);
    for (size_t i = 0; i < start->range_count; i++) {
        BASE_ASSERT(start->ranges[i].start < start->ranges[i].end);
        BASE_ASSERT(i == 0 || start->ranges[i].start > before);
        before = start->ranges[i].end;
    }
    for (size_t i = 0; i < start->module_count; i++)
        BASE_ASSERT(start->modules[i].start <= start->modules[i].end);
    BASE_ASSERT(start->words.end >= start->words.start);
    BASE_ASSERT(start->words.end == 0 || bytes[start->words.end] == '\0');
}

#ifdef FUZZER
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct start start;
    bytes = data;
    byte_count = size;
    if (!start_parse(at, 0, &start))
        check(&start);
    return 0;
}
#else
int main(int argc, char **argv)
{
    static uint8_t file[1 << 20];
    struct start start;
    FILE *stream = argc == 2 ? fopen(argv[1], "rb") : NULL;
    if (!stream)
        return 2;
    byte_count = fread(file, 1, sizeof file, stream);
    bytes = file;
    const char *wrong = start_parse(at, 0, &start);
    if (wrong) {
        puts(wrong);
        return 1;
    }
    check(&start);
    for (size_t i = 0; i < start.range_count; i++)
        printf("memory %" PRIx64 " %" PRIx64 "\n", start.ranges[i].start, start.ranges[i].end);
    for (size_t i = 0; i < start.module_count; i++)
        printf("module %" PRIx64 " %" PRIx64 "\n", start.modules[i].start, start.modules[i].end);
    printf("words %.*s\n", (int)(start.words.end - start.words.start),
           (const char *)bytes + start.words.start);
    return 0;
}
#endif
