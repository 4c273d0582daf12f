/* SPDX-License-Identifier: BSD-2-Clause */
/* Whether what an entry is ready by is there. */
#include <stdio.h>
#include <unistd.h>

#include "entrypoint.h"

/* proc(5): a socket that listens, in the column st of /proc/net/tcp. */
#define TCP_LISTEN 0x0a

/* Looking at the kernel's list, rather than connecting, is nothing that a server would notice. */
static bool listens(const char *list, unsigned port)
{
    char line[256];
    unsigned local, state;
    bool found = false;
    FILE *file = fopen(list, "re");
    if (!file)
        return false;
    while (!found && fgets(line, sizeof line, file))
        found = sscanf(line, " %*u: %*[0-9A-F]:%x %*[0-9A-F]:%*x %x", &local, &state) == 2 &&
                local == port && state == TCP_LISTEN;
    fclose(file);
    return found;
}

bool probe(const struct config_entry *entry)
{
    if (entry->ready == CONFIG_READY_FILE)
        return access(entry->ready_file, F_OK) == 0;
    return listens("/proc/net/tcp", entry->ready_port) ||
           listens("/proc/net/tcp6", entry->ready_port);
}
