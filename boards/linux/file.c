/* SPDX-License-Identifier: BSD-2-Clause */
/* Reading whole files, and writing. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "entrypoint.h"

/* What a file below /proc has: its size is not known before. */
#define FIRST_SIZE 4096u

/* -1 with errno; the bytes are in *content, which grows with them. */
static ssize_t read_all(int fd, size_t limit, char **content)
{
    size_t size = 0, have = 0;
    for (;;) {
        if (have == size) {
            size = size ? size * 2 : FIRST_SIZE;
            char *larger = realloc(*content, size + 1);
            if (!larger)
                return -1;
            *content = larger;
        }
        const ssize_t got = read(fd, *content + have, size - have);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return got < 0 ? -1 : (ssize_t)have;
        have += (size_t)got;
        if (have > limit) {
            errno = EFBIG;
            return -1;
        }
    }
}

char *file_read(const char *path, size_t limit, size_t *length)
{
    char *content = NULL;
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return NULL;
    const ssize_t got = read_all(fd, limit, &content);
    const int error = errno;
    close(fd);
    if (got < 0) {
        free(content);
        errno = error;
        return NULL;
    }
    content[got] = '\0';
    *length = (size_t)got;
    return content;
}

bool file_write(int fd, const void *bytes, size_t length)
{
    for (const char *next = bytes; length > 0;) {
        const ssize_t done = write(fd, next, length);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return false;
        next += done;
        length -= (size_t)done;
    }
    return true;
}

bool file_set(const char *path, const char *text)
{
    const int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    const bool done = file_write(fd, text, strlen(text));
    const int error = errno;
    close(fd);
    errno = error;
    return done;
}
