/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An archive that root_parse takes is sound, whatever it was. By itself root_fuzz FILE SEED DAMAGED
 * says what it thinks of the file, then of as many copies with a few bytes changed; with
 * -fsanitize=fuzzer and -DFUZZER it is libFuzzer's.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "root_parse.h"
#include "panic_shim.h"

/* Touches all that it has, and finds each entry by its directory and name. */
static unsigned check(const struct root_archive *archive)
{
    unsigned sum = 0;
    for (uint32_t i = 0; i < archive->count; i++) {
        const struct root_entry *const entry = &archive->entries[i];
        const char *const name = root_name(archive, entry), *last = strrchr(name, '/');
        bool found;
        BASE_ASSERT(strlen(name) == entry->name_length && *name && *name != '/');
        const size_t above = last ? (size_t)(last - name) : 0;
        last = last ? last + 1 : name;
        BASE_ASSERT(root_search(archive, name, above, last, strlen(last), &found) == i && found);
        BASE_ASSERT(!above || (root_search(archive, "", 0, name, above, &found) < i && found));
        BASE_ASSERT(!S_ISDIR(entry->mode) || entry->size == 0);
        for (uint64_t at = 0; at < entry->size; at++)
            sum = sum * 31 + (unsigned char)archive->start[entry->content + at];
    }
    return sum;
}

/* In a copy of exactly this size, so that the sanitizer sees what is read beyond. */
static const char *judge(const uint8_t *bytes, size_t size)
{
    struct root_archive archive;
    uint8_t *const copy = malloc(size);
    memcpy(copy, bytes, size);
    const char *const wrong = root_parse(&archive, copy, size);
    volatile unsigned sum = wrong ? 0 : check(&archive);
    (void)sum;
    free(copy);
    return wrong;
}

#ifdef FUZZER
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    (void)judge(data, size);
    return 0;
}
#else
static uint64_t seed;
static uint32_t below(uint32_t most)
{
    seed = seed * 6364136223846793005 + 1442695040888963407;
    return (uint32_t)(seed >> 33) % most;
}

int main(int argc, char **argv)
{
    static uint8_t bytes[1 << 20], damaged[1 << 20];
    FILE *const file = argc == 4 ? fopen(argv[1], "rb") : NULL;
    if (!file)
        return 2;
    const size_t size = fread(bytes, 1, sizeof bytes, file);
    const char *const wrong = judge(bytes, size);
    puts(wrong ? wrong : "taken");
    seed = strtoull(argv[2], NULL, 0);
    for (unsigned long i = strtoul(argv[3], NULL, 0); i > 0; i--) {
        /* What is not content comes first. */
        const uint32_t part = (uint32_t)MIN(size, 1000);
        memcpy(damaged, bytes, size);
        for (uint32_t j = below(4); j < 4; j++)
            damaged[below(part)] =
                below(3) ? (uint8_t)below(256) : (uint8_t)(bytes[below(part)] + 1);
        (void)judge(damaged, below(8) ? size : below((uint32_t)size));
    }
    return 0;
}
#endif
