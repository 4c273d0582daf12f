/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Starts the baked programs as the configuration says, and makes the status of the one that failed
 * the machine's. Every way out ends in machine_end().
 */
#include "entrypoint.h"

void entrypoint(void)
{
    static struct table table;
    static struct config config;
    table_read(TABLE_PATH, &table);
    sources_read(&config, &table);
    configuration_apply(&config);
    machine_end(start_and_wait(&config, &table));
}
