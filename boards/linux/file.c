/* SPDX-License-Identifier: BSD-2-Clause */
/* Reading whole files. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
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
