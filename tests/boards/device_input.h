/* SPDX-License-Identifier: BSD-2-Clause */
/* What device_fuzz.c plays, out of the input's bytes: numbers, addresses, requests. */
#ifndef DEVICE_INPUT_H
#define DEVICE_INPUT_H

#include "device_shim.h"

/* Where requests have their arguments, and where mappings are asked for. */
#define ARGUMENTS (PROGRAM_SLOT_SIZE + ((uint64_t)1 << 30))
#define ARGUMENTS_SIZE ((uint64_t)2 * PAGE_SIZE)
#define WINDOW (ARGUMENTS + ARGUMENTS_SIZE)

#define OFFERS 4

/* An open file, and what it said that can be mapped. */
struct slot {
    struct file *file;
    struct offer {
        uint64_t offset;
        uint32_t count;
    } offers[OFFERS];
    unsigned offered;
};

void input_begin(const uint8_t *bytes, size_t size);
bool input_left(void);
/* Zeros where there is no more. */
uint64_t take(unsigned bytes);
/* Any number, but mostly a small one. */
uint32_t number(void);
/* Mostly one that was made. */
struct offer any_offer(const struct slot *slot);
void add_offer(struct slot *slot, uint64_t from, uint32_t count);
/* Of a mapping, or behind one, or nowhere; and mostly where arguments are. */
uint64_t any_address(void);
uint64_t argument_address(void);
/* What a request is to read at that address, where it may be written. */
void put_argument(uint64_t at, const void *bytes, size_t size);
/* A request to the file, which gets mostly those of its kind. */
void ask(struct slot *slot, unsigned kind);

#endif
