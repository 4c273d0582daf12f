/* SPDX-License-Identifier: BSD-2-Clause */
/* Shares each global name with upstream_one.c, and ends by exit(3). */
#include <stdio.h>
#include <stdlib.h>

int counter = 100;
int uncommon;

const char *who(void) {
    return "two";
}

int main(int argc, char *argv[]) {
    counter++;
    uncommon += 20;
    printf("%s: counter %d, uncommon %d, %d words, %s\n", who(), counter, uncommon, argc, argv[0]);
    fflush(stdout);
    exit(7);
}
