/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What runs in an HVM guest whose devices a stub domain emulates: it does what lines on its serial
 * console say, and answers each with a line.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/io.h>
#include <sys/reboot.h>
#include <time.h>
#include <unistd.h>

/* The first IDE channel; its second disk. */
#define ATA_DATA 0x1f0
#define ATA_COUNT 0x1f2
#define ATA_LBA 0x1f3
#define ATA_DRIVE 0x1f6
#define ATA_COMMAND 0x1f7
#define ATA_STATUS 0x1f7
#define ATA_SLAVE_LBA 0xf0
#define ATA_READ 0x20
#define ATA_BUSY 0x80
#define ATA_REQUEST 0x08

#define SECTOR 512
#define SECTORS_MOST 256
#define BLOCK (1 << 20)

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

/* Reads of a port that the device model answers. */
static void ports(unsigned count)
{
    const double begin = now();
    for (unsigned number = 0; number < count; number++)
        (void)inb(ATA_STATUS);
    printf("ports %u %.6f\n", count, now() - begin);
}

static bool ata_wait(void)
{
    for (unsigned look = 0; look < 1000000; look++) {
        const uint8_t status = inb(ATA_STATUS);
        if (!(status & ATA_BUSY) && status & ATA_REQUEST)
            return true;
    }
    return false;
}

static bool ata_read(uint32_t first, uint8_t *bytes)
{
    outb((uint8_t)(ATA_SLAVE_LBA | (first >> 24 & 15)), ATA_DRIVE);
    outb(0, ATA_COUNT);
    for (int byte = 0; byte < 3; byte++)
        outb((uint8_t)(first >> 8 * byte), (uint16_t)(ATA_LBA + byte));
    outb(ATA_READ, ATA_COMMAND);
    for (unsigned sector = 0; sector < SECTORS_MOST; sector++) {
        if (!ata_wait())
            return false;
        insl(ATA_DATA, bytes + sector * SECTOR, SECTOR / 4);
    }
    return true;
}

static uint32_t sum_of(const uint8_t *bytes, size_t size, uint32_t sum)
{
    while (size--)
        sum = sum * 31 + *bytes++;
    return sum;
}

/* The emulated disk, by the processor's own hand. */
static void ata(unsigned requests)
{
    static uint8_t bytes[SECTORS_MOST * SECTOR];
    const double begin = now();
    double summing = 0;
    uint32_t sum = 0;
    for (unsigned number = 0; number < requests; number++) {
        if (!ata_read(number * SECTORS_MOST, bytes)) {
            puts("ata failed");
            return;
        }
        const double read = now();
        sum = sum_of(bytes, sizeof bytes, sum);
        summing += now() - read;
    }
    printf("ata %zu %.6f %08x\n", requests * sizeof bytes, now() - begin - summing, sum);
}

/* A disk by the kernel's driver, without its cache. */
static void disk(const char *path, unsigned blocks)
{
    uint8_t *bytes = aligned_alloc(4096, BLOCK);
    const int file = open(path, O_RDONLY | O_DIRECT);
    double took = 0;
    uint32_t sum = 0;
    for (unsigned number = 0; bytes && number < blocks; number++) {
        const double begin = now();
        if (read(file, bytes, BLOCK) != BLOCK) {
            printf("disk %s\n", strerror(errno));
            return;
        }
        took += now() - begin;
        sum = sum_of(bytes, BLOCK, sum);
    }
    printf("disk %u %.6f %08x\n", blocks * BLOCK, took, sum);
    close(file);
    free(bytes);
}

static void obey(const char *line)
{
    unsigned count;
    char path[64];
    if (sscanf(line, "ports %u", &count) == 1)
        ports(count);
    else if (sscanf(line, "ata %u", &count) == 1)
        ata(count);
    else if (sscanf(line, "disk %63s %u", path, &count) == 2)
        disk(path, count);
    else if (!strncmp(line, "off", 3))
        reboot(RB_POWER_OFF);
    else if (!strncmp(line, "again", 5))
        reboot(RB_AUTOBOOT);
    else
        printf("heard %s", line);
}

int main(void)
{
    char line[256];
    setvbuf(stdout, NULL, _IONBF, 0);
    /* A program of an image has no input of its own. */
    if (!freopen("/dev/console", "r", stdin))
        return 1;
    if (iopl(3))
        perror("iopl");
    puts("guest is up");
    while (printf("login: "), fgets(line, sizeof line, stdin))
        obey(line);
    return 0;
}
