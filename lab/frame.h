/* SPDX-License-Identifier: BSD-2-Clause */
/* Frames on a stream of bytes that may start anywhere; lib/rumprun/lab/frames.py is the host's side. */
#ifndef RUMPRUN_LAB_FRAME_H
#define RUMPRUN_LAB_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The most that a frame carries, and the most that it takes on the wire: each byte escaped. */
#define FRAME_PAYLOAD 16384
#define FRAME_HEADER 5
#define FRAME_WHOLE (FRAME_HEADER + FRAME_PAYLOAD + 4)
#define FRAME_WIRE (2 * FRAME_WHOLE + 2)

enum frame_type {
    /* From the host: a number to be returned, which ends all jobs of an earlier connection. */
    FRAME_HELLO = 1,
    /* A job's input, gathered up to FRAME_START; with a terminal, also what is typed later. */
    FRAME_INPUT = 2,
    /* One byte of flags, then a command for sh -c. */
    FRAME_START = 3,
    /* One byte, the signal for all processes of the job. */
    FRAME_KILL = 4,
    /* Rows and columns of the job's terminal, two 16-bit numbers. */
    FRAME_SIZE = 5,

    /* To the host: the number from FRAME_HELLO, then the state of the lab as in FRAME_STATE. */
    FRAME_WELCOME = 16,
    /* One byte, see enum lab_state. */
    FRAME_STATE = 17,
    FRAME_OUTPUT = 18,
    FRAME_ERRORS = 19,
    /* Four bytes: the exit status, 128 and the signal's number where one ended it. */
    FRAME_EXIT = 20,
};

/* Flags of FRAME_START. */
#define START_TERMINAL 1

struct frame {
    uint8_t type;
    uint32_t job;
    const unsigned char *payload;
    size_t length;
};

/* What is there of a frame that is not whole yet. */
struct frame_reader {
    size_t length;
    bool escaped, spoiled;
    unsigned char bytes[FRAME_WHOLE];
};

/* One more byte; true where it ends a frame, which is in the reader until the next byte. */
bool frame_take(struct frame_reader *reader, unsigned char byte, struct frame *frame);

/* The frame as it goes over the wire, at most FRAME_WIRE bytes; payloads are not longer than that. */
size_t frame_write(const struct frame *frame, unsigned char *wire);

#endif
