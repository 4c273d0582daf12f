/* SPDX-License-Identifier: BSD-2-Clause */
/* Files that are mapped: shared and private, their end, and who sees what. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"

#define PAGE 4096ul
#define RW (PROT_READ | PROT_WRITE)

static long outcome(const void *mapped) { return mapped == MAP_FAILED ? -1 : 0; }

static char *map(size_t size, int protection, int flags, int file, off_t offset)
{
    char *mapped = mmap(NULL, size, protection, flags, file, offset);
    if (mapped == MAP_FAILED) {
        check_done("mmap that the checks need", -1);
        exit(1);
    }
    return mapped;
}

/* A file of so many pages: the first full of a, the second of b, and so on. */
static int make_file(const char *path, int pages)
{
    const int file = open(path, O_CREAT | O_TRUNC | O_RDWR, 0644);
    char page[PAGE];
    for (int i = 0; i < pages; i++) {
        memset(page, 'a' + i, sizeof page);
        if (write(file, page, sizeof page) != (ssize_t)sizeof page)
            exit(1);
    }
    return file;
}

static char byte_at(int file, off_t offset)
{
    char byte = '?';
    return pread(file, &byte, 1, offset) == 1 ? byte : '-';
}

static void check_char(const char *name, char value) { check_text(name, (char[2]){value}); }

static void shared(void)
{
    const int file = make_file("shared", 3);
    char *one = map(3 * PAGE, RW, MAP_SHARED, file, 0), *other = map(PAGE, RW, MAP_SHARED, file, PAGE);
    check_char("the first page", one[0]);
    check_char("the last byte", one[3 * PAGE - 1]);
    check_char("from an offset", other[0]);
    one[PAGE] = 'X';
    check_char("another mapping sees it", other[0]);
    check_char("read sees it", byte_at(file, PAGE));
    check_call("write", pwrite(file, "W", 1, PAGE + 5));
    check_char("the mapping sees it", one[PAGE + 5]);
    check_call("msync", msync(one, 3 * PAGE, MS_SYNC));
    close(file);
    one[0] = 'C';
    const int again = open("shared", O_RDONLY);
    check_char("it stays when the file is closed", byte_at(again, 0));
    munmap(one, 3 * PAGE);
    check_char("and when it is unmapped", byte_at(again, 0));
    check_done("written, but the file is not",
               outcome(mmap(NULL, PAGE, RW, MAP_SHARED, again, 0)));
    one = map(PAGE, PROT_READ, MAP_SHARED, again, 0);
    check_call("mprotect to write it", mprotect(one, PAGE, RW));
    check_text("writing it", probe_write(one));
    unlink("shared");
    check_char("it stays when it is unlinked", other[1]);
}

static void private(void)
{
    const int file = make_file("private", 2);
    char *mine = map(2 * PAGE, RW, MAP_PRIVATE, file, 0), *other = map(PAGE, RW, MAP_PRIVATE, file, 0);
    mine[0] = 'X';
    check_char("written by one", mine[0]);
    check_char("the page's rest", mine[1]);
    check_char("not seen by another", other[0]);
    check_char("nor by read", byte_at(file, 0));
    check_char("a page that was not written", mine[PAGE]);
    check_call("MADV_DONTNEED", madvise(mine, PAGE, MADV_DONTNEED));
    check_char("it is the file's again", mine[0]);
    const int constant = open("private", O_RDONLY);
    mine = map(PAGE, RW, MAP_PRIVATE, constant, PAGE);
    check_text("written, though the file is not", probe_write(mine));
    check_char("its content", mine[7]);
    check_done("execute", outcome(mmap(NULL, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE, file, 0)));
    char text[10] = "";
    mine = map(PAGE, PROT_READ, MAP_PRIVATE, file, 0);
    check_call("a mapping as goal of read", pread(file, mine, 1, 0));
    check_call("and as source of write", pwrite(file, mine, 5, 2 * PAGE));
    check_call("which arrived", pread(file, text, 9, 2 * PAGE));
    check_text("whole", text);
    close(file);
}

static void ends(void)
{
    const int file = make_file("ends", 1);
    if (pwrite(file, "end", 3, PAGE) != 3)
        exit(1);
    char *mapped = map(4 * PAGE, RW, MAP_SHARED, file, 0);
    check_char("the last byte", mapped[PAGE + 2]);
    check_value("behind it", mapped[PAGE + 3]);
    check_text("writing behind it", probe_write(mapped + PAGE + 100));
    check_text("the page behind", probe_read(mapped + 2 * PAGE));
    check_true("the fault's address", probe_address == mapped + 2 * PAGE);
    if (ftruncate(file, (off_t)(3 * PAGE)) != 0)
        exit(1);
    check_text("when the file has grown", probe_read(mapped + 2 * PAGE));
    mapped[2 * PAGE] = 'Z';
    check_char("it is the file's", byte_at(file, 2 * PAGE));
    if (ftruncate(file, (off_t)PAGE) != 0)
        exit(1);
    check_text("when it was cut off", probe_read(mapped + PAGE));
    check_text("what is left", probe_read(mapped));
    check_call("read into what is cut off", pread(file, mapped + PAGE, 1, 0));
    close(file);
}

static void refused(void)
{
    const int file = make_file("refused", 2), writer = open("refused", O_WRONLY);
    check_done("an offset beside a page", outcome(mmap(NULL, PAGE, RW, MAP_SHARED, file, 100)));
    check_done("a file that is not read",
               outcome(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, writer, 0)));
    check_done("no descriptor", outcome(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, 99, 0)));
    check_done("a directory",
               outcome(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, open(".", O_RDONLY), 0)));
    int ends_of[2];
    if (pipe(ends_of) == 0)
        check_done("a pipe", outcome(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, ends_of[0], 0)));
    check_done("no bytes", outcome(mmap(NULL, 0, RW, MAP_SHARED, file, 0)));
    check_done("a mapping behind the end",
               outcome(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, file, 100 * PAGE)));
}

static void others(void)
{
    char *zero = map(PAGE, RW, MAP_PRIVATE, open("/dev/zero", O_RDWR), 0);
    check_value("/dev/zero", zero[100]);
    check_text("written", probe_write(zero));
    const int memory = memfd_create("memory", MFD_CLOEXEC);
    check_done("memfd_create", memory);
    check_value("FD_CLOEXEC", fcntl(memory, F_GETFD));
    check_call("ftruncate", ftruncate(memory, 2 * PAGE));
    char *one = map(2 * PAGE, RW, MAP_SHARED, memory, 0);
    one[PAGE] = 'm';
    check_char("read", byte_at(memory, PAGE));
    const int named = shm_open("/name", O_CREAT | O_EXCL | O_RDWR, 0600);
    check_done("shm_open", named);
    check_call("ftruncate", ftruncate(named, PAGE));
    one = map(PAGE, RW, MAP_SHARED, named, 0);
    char *other = map(PAGE, RW, MAP_SHARED, shm_open("/name", O_RDWR, 0600), 0);
    one[9] = 's';
    check_char("shared by its name", other[9]);
    check_call("shm_unlink", shm_unlink("/name"));
    check_done("it is gone", shm_open("/name", O_RDWR, 0600));
    const int file = make_file("large", 0);
    const size_t size = 16ul << 20;
    if (ftruncate(file, (off_t)size) != 0)
        exit(1);
    one = map(size, RW, MAP_SHARED, file, 0);
    for (size_t at = 0; at < size; at += 64 * PAGE)
        one[at] = (char)(at / (64 * PAGE) + 1);
    bool same = true;
    for (size_t at = 0; at < size; at += 64 * PAGE)
        same = same && byte_at(file, (off_t)at) == (char)(at / (64 * PAGE) + 1);
    check_true("a large file that is mostly holes", same);
    struct stat facts;
    fstat(file, &facts);
    check_value("its blocks", (long)facts.st_blocks);
}

int main(void)
{
    check_begin();
    if (mkdir("/tmp/mapping", 0755) != 0 || chdir("/tmp/mapping") != 0)
        return 1;
    shared();
    private();
    ends();
    refused();
    others();
    return 0;
}
