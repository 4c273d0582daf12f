/* SPDX-License-Identifier: BSD-2-Clause */
/* What is to run of what is in the image. */
#include "image.h"

/* What runs where no document says so. */
static void run_all(struct config_rc *rc, const struct table *table)
{
    for (unsigned i = 0; i < table->count; i++) {
        const char *name = table->programs[i].name;
        rc->entries[i] =
            (struct config_entry){.name = name, .bin = name, .workdir = "/", .group = i};
    }
    rc->count = table->count;
}

size_t image_complete(struct config *config, const struct table *table)
{
    struct config_rc *const rc = &config->rc;
    size_t place = 0;
    if (config_delegate_of(config, "env"))
        config->env.count = 0;
    if (rc->count == 0 || config_delegate_of(config, "rc"))
        run_all(rc, table);
    while (place < rc->count && table_find(table, rc->entries[place].bin))
        place++;
    return place;
}
