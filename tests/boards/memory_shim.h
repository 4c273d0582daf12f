/* SPDX-License-Identifier: BSD-2-Clause */
/* The pvh board's pages, heap and page tables, as far as a host's process can play them. */
#ifndef MEMORY_SHIM_H
#define MEMORY_SHIM_H

#include "memory.h"

/* How many pages and pieces of the heap are in use. */
extern size_t shim_pages, shim_pieces;
/* How many pages there are. */
extern size_t shim_all_pages;
/* One of so many requests for memory fails; 0: none does. */
extern unsigned shim_failures;
/* The same for what is mapped, which may want memory for a table. */
extern unsigned shim_table_failures;
/* What is mapped in a range. */
size_t shim_mapped(uint64_t start, uint64_t end);
/* Repeatable: xorshift. */
uint32_t shim_random(uint32_t below);
extern uint64_t shim_seed;

#endif
