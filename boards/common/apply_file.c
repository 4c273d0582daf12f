/* SPDX-License-Identifier: BSD-2-Clause */
/* Small files and directories. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "apply_parts.h"

/* 0 where a directory is there in the end. */
static int make_directory(const char *path)
{
    struct stat facts;
    if (mkdir(path, 0755) == 0)
        return 0;
    /* Of a directory that is there, a read-only file system may say something else. */
    const int reason = errno;
    if (stat(path, &facts) != 0)
        return reason;
    return S_ISDIR(facts.st_mode) ? 0 : ENOTDIR;
}

int config_make_directories(const char *path, bool last)
{
    char part[PATH_MAX];
    const size_t length = strlen(path);
    if (length >= sizeof part)
        return ENAMETOOLONG;
    memcpy(part, path, length + 1);
    for (size_t i = 1; i < length; i++) {
        if (part[i] != '/')
            continue;
        part[i] = '\0';
        const int reason = make_directory(part);
        if (reason)
            return reason;
        part[i] = '/';
    }
    return last ? make_directory(part) : 0;
}

static int write_all(int fd, const char *text, size_t length)
{
    while (length > 0) {
        const ssize_t done = write(fd, text, length);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return done < 0 ? errno : EIO;
        text += done;
        length -= (size_t)done;
    }
    return 0;
}

/* Writes, closes, and returns the first error. */
static int write_and_close(int fd, const char *text, size_t length)
{
    const int reason = write_all(fd, text, length);
    const int closing = close(fd) == 0 ? 0 : errno;
    return reason ? reason : closing;
}

int config_write_existing(const char *path, const char *text)
{
    const int fd = open(path, O_WRONLY | O_CLOEXEC);
    return fd < 0 ? errno : write_and_close(fd, text, strlen(text));
}

int config_write_whole(const char *path, const char *text, size_t length)
{
    char other[PATH_MAX];
    const int size = snprintf(other, sizeof other, "%s.new", path);
    if (size < 0 || (size_t)size >= sizeof other)
        return ENAMETOOLONG;
    const int missing = config_make_directories(path, false);
    if (missing)
        return missing;
    const int fd = open(other, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (fd < 0)
        return errno;
    int reason = write_and_close(fd, text, length);
    if (!reason && rename(other, path) != 0)
        reason = errno;
    if (reason)
        unlink(other);
    return reason;
}
