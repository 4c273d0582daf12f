/* SPDX-License-Identifier: BSD-2-Clause */
/* Reads frames from standard input with lab/frame.c, and writes what it read back as frames. */
#include <stdio.h>

#include "frame.h"

int main(void)
{
    static struct frame_reader reader;
    static unsigned char wire[FRAME_WIRE];
    struct frame frame;
    for (int byte; (byte = getchar()) != EOF;) {
        if (frame_take(&reader, (unsigned char)byte, &frame))
            fwrite(wire, 1, frame_write(&frame, wire), stdout);
    }
    return 0;
}
