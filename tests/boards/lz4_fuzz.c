/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lz4_unpack stays within its memory, whatever it is given. By itself lz4_fuzz FILE OUT SIZE MARGIN
 * SEED COUNT unpacks the file over itself, so that it ends MARGIN bytes behind the SIZE ones that it
 * becomes, writes those to OUT, and goes on with COUNT damaged copies; with -fsanitize=fuzzer and -DFUZZER
 * it is libFuzzer's.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unpack/lz4.h"

#define REPEATED 4u

/* Both in memory that has nothing around it; the result is a count that fits. */
static void try(const uint8_t *bytes, size_t size, size_t room)
{
    uint8_t *const from = malloc(size), *const to = malloc(room);
    if (!from || !to)
        abort();
    memcpy(from, bytes, size);
    const size_t done = lz4_unpack(from, size, to, room);
    if (done != SIZE_MAX && done > room)
        abort();
    free(from);
    free(to);
}

#ifdef FUZZER
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (size < 2)
        return 0;
    try(bytes + 2, size - 2, (size_t)bytes[0] << 8 | bytes[1]);
    return 0;
}
#else
static bool unpack_over(const uint8_t *packed, size_t packed_size, size_t size, size_t margin,
                        const char *out)
{
    const size_t all = size + margin;
    uint8_t *const memory = malloc(all);
    if (!memory || packed_size > all)
        abort();
    memcpy(memory + all - packed_size, packed, packed_size);
    const bool right = lz4_unpack(memory + all - packed_size, packed_size, memory, size) == size;
    FILE *const to = fopen(out, "wb");
    if (!to || fwrite(memory, 1, size, to) != size || fclose(to) != 0)
        abort();
    free(memory);
    return right;
}

int main(int argc, char **argv)
{
    static uint8_t file[1 << 20], damaged[sizeof file];
    FILE *from = argc == 7 ? fopen(argv[1], "rb") : NULL;
    if (!from)
        return 2;
    const size_t packed_size = fread(file, 1, sizeof file, from);
    const size_t size = strtoul(argv[3], NULL, 10), margin = strtoul(argv[4], NULL, 10);
    fclose(from);
    if (!unpack_over(file, packed_size, size, margin, argv[2]))
        return 1;
    srandom((unsigned)strtoul(argv[5], NULL, 10));
    for (unsigned long left = strtoul(argv[6], NULL, 10); left > 0; left--) {
        memcpy(damaged, file, packed_size);
        for (unsigned many = 0; many < REPEATED; many++)
            damaged[(size_t)random() % packed_size] = (uint8_t)(random() % 8 ? random() : 0xff);
        try(damaged, random() % 2 ? packed_size : (size_t)random() % packed_size,
            random() % 2 ? size : (size_t)random() % (size + 1));
    }
    return 0;
}
#endif
