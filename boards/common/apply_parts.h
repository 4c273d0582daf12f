/* SPDX-License-Identifier: BSD-2-Clause */
/* What the appliers of the sections share; nobody else includes it. */
#ifndef RUMPRUN_APPLY_PARTS_H
#define RUMPRUN_APPLY_PARTS_H

#include "apply.h"
/* For COUNT_OF and config_write_path. */
#include "config_reader.h"

/* apply_error.c */

/* The place that later failures are about: up to three keys, the last of which may be NULL. */
void config_apply_at(struct config_apply_error *error, const char *section, const char *key,
                     const char *below);
/* Sets the message; always false. */
__attribute__((format(printf, 2, 3))) bool config_apply_fail(struct config_apply_error *error,
                                                             const char *format, ...);

/* apply_time.c */

/* Milliseconds of CLOCK_BOOTTIME, which goes on while the machine is suspended. */
int64_t config_now(void);
void config_sleep(int64_t milliseconds);

/* apply_file.c: small files. All return 0 or an errno. */

/* Makes the directories of an absolute path; with the last part, or without. */
int config_make_directories(const char *path, bool last);
/* Of a file that is there already, such as those of /proc. */
int config_write_existing(const char *path, const char *text);
/* The whole file in one step: a reader finds the old one, the new one, or none if none was. */
int config_write_whole(const char *path, const char *text, size_t length);

/* apply_options.c: options of mount(8). */

#define CONFIG_MOUNT_DATA_SIZE 4096

struct config_mount_options {
    unsigned long flags;
    /* For the file system, separated by commas. */
    char data[CONFIG_MOUNT_DATA_SIZE];
};

/* Adds the options to what is there; false: there are more than the kernel takes. */
bool config_add_options(struct config_mount_options *result, const struct config_strings *options);
/* Adds one for the file system. */
bool config_add_data(struct config_mount_options *result, const char *option);

#endif
