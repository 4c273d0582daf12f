/* SPDX-License-Identifier: BSD-2-Clause */
/* Devices whose backends are in another domain, so that the kernel makes them when those answer. */
/* cfmakeraw() */
#define _DEFAULT_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/syscall.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "device_model.h"

/* libxl gives up after 30 seconds: it is to find our message in the log by then. */
#define LOOKS 2000
#define LOOK_NANOSECONDS 10000000

#define DEVICES "/dev/"

void device_wait(const char *path)
{
    const struct timespec pause = {.tv_nsec = LOOK_NANOSECONDS};
    for (int look = 0; access(path, F_OK); look++) {
        if (look == LOOKS)
            fail("%s does not appear: its backend in the other domain does not answer", path);
        nanosleep(&pause, NULL);
    }
}

/* The path in a word: all of it ("/dev/hvc3"), or what is behind "file=" in a drive's options. */
static const char *path_in(const char *word)
{
    if (!strncmp(word, DEVICES, strlen(DEVICES)))
        return word;
    const char *file = strstr(word, "file=" DEVICES);
    return file ? file + strlen("file=") : NULL;
}

void device_wait_for_all(const struct words *words)
{
    for (size_t place = 0; place < words->count; place++) {
        const char *path = path_in(words->word[place]);
        if (path)
            device_wait(text("%.*s", (int)strcspn(path, ","), path));
    }
}

/* Nothing else runs until we wait, in a domain with one processor. */
static void run_alone(bool alone)
{
    const struct sched_param priority = {.sched_priority = alone ? 1 : 0};
    /* musl's own function does nothing. */
    if (syscall(SYS_sched_setscheduler, 0, alone ? SCHED_FIFO : SCHED_OTHER, &priority))
        fail("cannot change the priority: %s", strerror(errno));
}

int device_stream(const char *path, int flags)
{
    struct termios settings;
    device_wait(path);
    /* What has come already must find the line raw, and not be edited as what somebody types. */
    run_alone(true);
    const int stream = open(path, flags | O_NOCTTY);
    if (stream < 0 || tcgetattr(stream, &settings))
        fail("%s: %s", path, strerror(errno));
    cfmakeraw(&settings);
    if (tcsetattr(stream, TCSANOW, &settings))
        fail("%s: %s", path, strerror(errno));
    run_alone(false);
    return stream;
}
