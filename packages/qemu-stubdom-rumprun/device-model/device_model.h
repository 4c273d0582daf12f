/* SPDX-License-Identifier: BSD-2-Clause */
/* What comes before QEMU in its stub domain; see docs/misc/stubdom.txt in Xen's source. */
#ifndef DEVICE_MODEL_H
#define DEVICE_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct xs_handle;

/* main.c: one line on the console, which dom0 keeps in a log, and the end of the domain. */
_Noreturn void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* store.c: what libxl has written into xenstore for us. */

/* The domain that we are the device model of. */
uint32_t store_target(struct xs_handle *store);

/* More is no command line of libxl's. */
#define WORDS_MOST 512

struct words {
    size_t count;
    /* The last one is NULL. */
    char *word[WORDS_MOST + 1];
};

/* QEMU's arguments, without its name. */
void store_arguments(struct xs_handle *store, uint32_t target, struct words *words);
/* Text of its own, as of printf(). */
char *text(const char *format, ...) __attribute__((format(printf, 1, 2)));
void words_add(struct words *words, char *word);

/* device.c: devices that the kernel makes when their backends answer. */

/* Waits for the device's file. */
void device_wait(const char *path);
/* Waits for those that QEMU's arguments name: disks and serial lines. */
void device_wait_for_all(const struct words *words);
/* A console as a plain stream of bytes, which QEMU inherits. */
int device_stream(const char *path, int flags);

/* truncate.c: what QEMU saves its state to. */

/* Has attempts to make a file empty succeed, without doing so. */
void truncate_nothing(void);

/* network.c: the guest's emulated interfaces. */

/* Joins each TAP device that QEMU's arguments name with the interface that is its way out. */
void network_join(const struct words *words);

#endif
