/* SPDX-License-Identifier: BSD-2-Clause */
/* Compresses a megabyte with zlib, unpacks it again, and says whether the two are the same. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { SIZE = 1 << 20 };

static unsigned char original[SIZE], unpacked[SIZE];

/* Text that repeats, and numbers that do not: something to find, and something to keep. */
static void fill(void)
{
    unsigned long state = 1;

    for (size_t i = 0; i < SIZE; i++) {
        state = state * 6364136223846793005UL + 1442695040888963407UL;
        original[i] = i % 64 < 48 ? (unsigned char)('a' + i % 26) : (unsigned char)(state >> 56);
    }
}

int main(void)
{
    uLongf packed_size = compressBound(SIZE), unpacked_size = SIZE;
    unsigned char *packed = malloc(packed_size);

    fill();
    if (!packed || compress(packed, &packed_size, original, SIZE) != Z_OK ||
        uncompress(unpacked, &unpacked_size, packed, packed_size) != Z_OK) {
        fputs("zlib-roundtrip: zlib failed\n", stderr);
        return 1;
    }
    free(packed);
    if (unpacked_size != SIZE || memcmp(original, unpacked, SIZE) != 0) {
        fputs("zlib-roundtrip: what came out is not what went in\n", stderr);
        return 1;
    }
    printf("zlib-roundtrip: zlib %s: %d bytes, packed to %lu, and back: the same\n", zlibVersion(),
           SIZE, (unsigned long)packed_size);
    return 0;
}
