/* SPDX-License-Identifier: BSD-2-Clause */
/* The section hostname. */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "apply_parts.h"

bool config_apply_hostname(const char *hostname, struct config_apply_error *error)
{
    config_apply_at(error, "hostname", NULL, NULL);
    if (hostname && sethostname(hostname, strlen(hostname)) != 0)
        return config_apply_fail(error, "cannot call the machine %s: %s", hostname,
                                 strerror(errno));
    return true;
}
