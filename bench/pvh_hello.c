/* SPDX-License-Identifier: BSD-2-Clause */
/* Says hello, and what the time stamp counter was when main began. */
#include <stdio.h>
#include <x86intrin.h>

int main(void)
{
    const unsigned long long counter = __rdtsc();
    printf("hello %llx\n", counter);
    return 0;
}
