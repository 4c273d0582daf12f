/* SPDX-License-Identifier: BSD-2-Clause */
/* Says on the console, each second, how much memory of its machine is free. */
#include <stdio.h>
#include <unistd.h>

int main(void)
{
    for (;;) {
        char line[128];
        FILE *file = fopen("/proc/meminfo", "r");
        unsigned long free_kib = 0;
        while (file && fgets(line, sizeof line, file))
            (void)sscanf(line, "MemFree: %lu kB", &free_kib);
        if (file)
            (void)fclose(file);
        printf("free %lu\n", free_kib);
        (void)fflush(stdout);
        (void)sleep(1);
    }
}
