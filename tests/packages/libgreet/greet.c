/* SPDX-License-Identifier: BSD-2-Clause */
#include "greet.h"

#include <stdio.h>

const char *greeting(const char *name)
{
    static char text[80];

    snprintf(text, sizeof text, "Hello, %s, from %s!", name, GREET_FLAVOUR);
    return text;
}
