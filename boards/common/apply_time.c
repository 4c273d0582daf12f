/* SPDX-License-Identifier: BSD-2-Clause */
/* Time, for all that has to be awaited. */
#define _GNU_SOURCE
#include <errno.h>
#include <time.h>

#include "apply_parts.h"

int64_t config_now(void)
{
    struct timespec now = {0};
    clock_gettime(CLOCK_BOOTTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void config_sleep(int64_t milliseconds)
{
    if (milliseconds <= 0)
        return;
    struct timespec left = {.tv_sec = (time_t)(milliseconds / 1000),
                            .tv_nsec = (long)(milliseconds % 1000) * 1000000};
    while (clock_nanosleep(CLOCK_BOOTTIME, 0, &left, &left) == EINTR)
        ;
}
