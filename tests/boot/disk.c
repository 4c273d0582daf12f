/* SPDX-License-Identifier: BSD-2-Clause */
/* Reads and writes /dev/vda in pieces that begin and end where no sector does. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define PLACE 12345

int main(void)
{
    static char bytes[100000], back[sizeof bytes];
    unsigned long long size = 0;
    const int disk = open("/dev/vda", O_RDWR | O_CLOEXEC);
    printf("open: %s\n", disk >= 0 ? "fine" : strerror(errno));
    printf("BLKGETSIZE64: %d\n", ioctl(disk, BLKGETSIZE64, &size));
    printf("bytes: %llu\n", size);
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (char)(i % 251);
    printf("write: %zd\n", pwrite(disk, bytes, sizeof bytes, PLACE));
    printf("fsync: %d\n", fsync(disk));
    printf("read: %zd\n", pread(disk, back, sizeof back, PLACE));
    printf("same: %d\n", memcmp(bytes, back, sizeof bytes) == 0);
    printf("end: %lld\n", (long long)lseek(disk, 0, SEEK_END));
    printf("read at the end: %zd\n", read(disk, back, 1));
    printf("write at the end: %s\n", write(disk, back, 1) < 0 ? strerror(errno) : "fine");
    return 0;
}
