/* SPDX-License-Identifier: BSD-2-Clause */
#include <greet.h>
#include <stdio.h>

int main(int argc, char *argv[])
{
    return puts(greet(argc > 1 ? argv[1] : "world")) < 0;
}
