/* SPDX-License-Identifier: BSD-2-Clause */
/* The program table, which stays in memory as long as the machine runs. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "entrypoint.h"

void table_read(const char *path, struct table *table)
{
    size_t size = 0;
    char *bytes = file_read(path, TABLE_LIMIT, &size);
    if (!bytes)
        console_fail("cannot read %s: %s", path, strerror(errno));
    char **pointers = calloc(table_strings(bytes, size) + 1, sizeof *pointers);
    if (!pointers)
        console_fail("no memory for %s", path);
    const char *error = table_parse(bytes, size, pointers, table);
    if (error)
        console_fail("%s is damaged: %s", path, error);
}
