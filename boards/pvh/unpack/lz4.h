/* SPDX-License-Identifier: BSD-2-Clause */
/* A block of LZ4: what of an image is behind unpack.S. */
#ifndef RUMPRUN_LZ4_H
#define RUMPRUN_LZ4_H

#include <stddef.h>
#include <stdint.h>

/* Unpacks a block into at most so many bytes. Returns how many they are, or SIZE_MAX where the block
   is damaged. Both may share memory where no byte is written before it was read. */
size_t lz4_unpack(const uint8_t *from, size_t size, uint8_t *to, size_t room);

#endif
