/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the conformance programs share. A check prints one line, "name: what came out"; Linux and
 * the board are to print the same, so that nothing printed may depend on addresses, numbers of
 * processes, or how fast the machine is.
 */
#ifndef CHECK_H
#define CHECK_H

#include <stdbool.h>
#include <stddef.h>

/* Before anything else: lines come out one by one, so that the last one tells where it stopped. */
void check_begin(void);
void check_value(const char *name, long value);
void check_true(const char *name, bool value);
void check_text(const char *name, const char *text);
/* What a call returned: the value, or errno's words where it is -1. */
void check_call(const char *name, long result);
/* As before, where the value is none of our business. */
void check_done(const char *name, long result);
/* Of functions that return an error's number. */
void check_error(const char *name, int error);

/* How touching memory ends: "fine", or the signal and its code. */
const char *probe_read(const void *address);
const char *probe_write(void *address);
/* Calls what is there, which is to be a function without arguments and result. */
const char *probe_call(const void *address);
/* Calls function; how that ends. */
const char *probe(void (*function)(void *), void *with);
/* The address that the last of these faulted at, as the signal says. */
extern void *probe_address;

/* A signal's code for faults and the like, in words. */
const char *probe_code(int number, int code);

/* Nanoseconds of CLOCK_MONOTONIC. */
long long now(void);
void sleep_ms(long milliseconds);

#define MS 1000000LL

#endif
