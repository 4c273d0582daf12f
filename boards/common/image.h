/* SPDX-License-Identifier: BSD-2-Clause */
/* What the entrypoints of all boards agree on: where things are in an image, and what is to run. */
#ifndef RUMPRUN_IMAGE_H
#define RUMPRUN_IMAGE_H

#include "config.h"
#include "table.h"

/* Where the baker puts the table, see table.h. */
#define TABLE_PATH "/rumprun/table"
/* The baked configuration, and that of a boot module. */
#define BAKED_CONFIG_PATH "/rumprun/config.json"
#define BOOT_CONFIG_PATH "/rumprun/boot.json"
/* What follows this on the command line is a document. */
#define COMMAND_LINE_MARK " -- {"
/* The configuration's key in xenstore, below the domain's own directory. */
#define XENSTORE_CONFIG_KEY "rumprun/config"

/* Exit statuses of our own, as env(1) uses them. A program that a signal ended gives 128+signal. */
#define STATUS_OWN_FAILURE 125
#define STATUS_NOT_RUNNABLE 126
#define STATUS_NOT_FOUND 127

/*
 * Completes what all documents together say: without rc, all programs of the table run, each after
 * the one before. Returns the place of the first entry of rc whose program the image does not have;
 * rc.count where it has them all.
 */
size_t image_complete(struct config *config, const struct table *table);

#endif
