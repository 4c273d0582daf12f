/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading from xenstore through the kernel's device. The messages are those of Xen's
 * docs/misc/xenstore.txt; a path without a slash before it is below the domain's own directory.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "entrypoint.h"

#define DEVICE "/dev/xen/xenbus"
/* xs_wire.h: XS_READ, XS_ERROR and XENSTORE_PAYLOAD_MAX. */
#define XS_READ 2u
#define XS_ERROR 16u
#define LARGEST_PAYLOAD 4096u

struct message {
    uint32_t type, request, transaction, length;
};

static bool read_all(int fd, void *bytes, size_t length)
{
    for (char *next = bytes; length > 0;) {
        const ssize_t got = read(fd, next, length);
        if (got < 0 && errno == EINTR)
            continue;
        if (got == 0)
            errno = EIO;
        if (got <= 0)
            return false;
        next += got;
        length -= (size_t)got;
    }
    return true;
}

/* The answer to the request just sent, or NULL with errno. */
static char *receive(int fd, size_t limit, size_t *length)
{
    struct message head;
    if (!read_all(fd, &head, sizeof head))
        return NULL;
    if (head.length > LARGEST_PAYLOAD || head.length > limit) {
        errno = EFBIG;
        return NULL;
    }
    char *value = malloc((size_t)head.length + 1);
    if (!value)
        return NULL;
    if (!read_all(fd, value, head.length)) {
        const int error = errno;
        free(value);
        errno = error;
        return NULL;
    }
    value[head.length] = '\0';
    if (head.type == XS_READ) {
        *length = head.length;
        return value;
    }
    const int error = head.type == XS_ERROR && strcmp(value, "ENOENT") == 0 ? ENOENT : EIO;
    free(value);
    errno = error;
    return NULL;
}

char *xenstore_read(const char *key, size_t limit, size_t *length)
{
    const size_t size = strlen(key) + 1;
    const struct message head = {.type = XS_READ, .length = (uint32_t)size};
    const int fd = open(DEVICE, O_RDWR | O_CLOEXEC);
    if (fd < 0) {
        /* The kernel makes the device in domains only; without a driver, opening it fails so. */
        errno = errno == ENODEV || errno == ENXIO ? ENOENT : errno;
        return NULL;
    }
    char *value = NULL;
    if (file_write(fd, &head, sizeof head) && file_write(fd, key, size))
        value = receive(fd, limit, length);
    const int error = errno;
    close(fd);
    errno = error;
    return value;
}
