/* SPDX-License-Identifier: BSD-2-Clause */
/* Files on tmpfs: opening, reading and writing, their end, holes, descriptors. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "check.h"

#define PAGE 4096

static void must(const char *what, long result)
{
    if (result == -1) {
        check_done(what, result);
        exit(1);
    }
}

static int opened(const char *path, int flags)
{
    const int file = open(path, flags, 0644);
    must(path, file);
    return file;
}

static long size_of(int file)
{
    struct stat facts;
    return fstat(file, &facts) == 0 ? (long)facts.st_size : -1;
}

static void try_open(const char *name, const char *path, int flags)
{
    const int file = open(path, flags, 0644);
    check_done(name, file);
    if (file >= 0)
        close(file);
}

static void opening(void)
{
    try_open("what is not there", "none", O_RDONLY);
    try_open("below what is not there", "none/file", O_CREAT | O_RDWR);
    try_open("O_CREAT", "file", O_CREAT | O_RDWR);
    try_open("O_CREAT again", "file", O_CREAT | O_RDWR);
    try_open("O_EXCL", "file", O_CREAT | O_EXCL | O_RDWR);
    try_open("below a file", "file/below", O_RDONLY);
    try_open("a file with a slash", "file/", O_RDONLY);
    try_open("O_DIRECTORY of a file", "file", O_DIRECTORY);
    must("mkdir", mkdir("directory", 0755));
    try_open("a directory", "directory", O_RDONLY);
    try_open("a directory with a slash", "directory/", O_RDONLY | O_DIRECTORY);
    try_open("a directory to write", "directory", O_WRONLY);
    try_open("O_CREAT of a directory", "directory", O_CREAT | O_RDWR);
    try_open("a new file with a slash", "new/", O_CREAT | O_RDWR);
    must("symlink", symlink("file", "link"));
    try_open("a link", "link", O_RDONLY);
    try_open("O_NOFOLLOW", "link", O_RDONLY | O_NOFOLLOW);
    try_open("O_NOFOLLOW of a file", "file", O_RDONLY | O_NOFOLLOW);
    try_open("O_EXCL of a link", "link", O_CREAT | O_EXCL | O_RDWR);
    must("symlink", symlink("made", "to new"));
    try_open("O_CREAT through a link", "to new", O_CREAT | O_RDWR);
    check_call("that made its goal", access("made", F_OK));
    try_open("no name", "", O_RDONLY);
    char *longest = calloc(5000, 1);
    memset(longest, 'x', 255);
    try_open("a name of 255", longest, O_CREAT | O_RDWR);
    check_call("unlink of it", unlink(longest));
    memset(longest, 'x', 256);
    try_open("a name of 256", longest, O_CREAT | O_RDWR);
    for (int i = 0; i < 4997; i++)
        longest[i] = "./"[i % 2];
    try_open("a path of 4997", longest, O_RDONLY);
    longest[4094] = '\0';
    try_open("a path of 4094", longest, O_RDONLY);
    free(longest);
    const int path = open("file", O_PATH);
    check_done("O_PATH", path);
    check_call("its read", read(path, &(char){0}, 1));
    check_value("its size", size_of(path));
    close(path);
}

static void reading(void)
{
    char text[20] = "";
    const int file = opened("file", O_RDWR | O_TRUNC);
    check_call("write", write(file, "hello, world", 12));
    check_call("read at the end", read(file, text, 10));
    check_call("lseek to the start", lseek(file, 0, SEEK_SET));
    check_call("read", read(file, text, 5));
    check_text("what it gave", text);
    check_call("lseek from here", lseek(file, 2, SEEK_CUR));
    check_call("read of more than there is", read(file, text, 19));
    check_text("what it gave", text);
    check_call("lseek from the end", lseek(file, -3, SEEK_END));
    check_call("lseek before the start", lseek(file, -1, SEEK_SET));
    check_call("lseek from nowhere", lseek(file, 0, 99));
    check_call("the position is as before", lseek(file, 0, SEEK_CUR));
    check_call("pread", pread(file, text, 5, 7));
    check_call("pread before the start", pread(file, text, 5, -1));
    check_call("pread behind the end", pread(file, text, 5, 100));
    check_call("pwrite", pwrite(file, "HE", 2, 0));
    check_call("they do not move it", lseek(file, 0, SEEK_CUR));
    struct iovec parts[] = {{text, 2}, {text + 10, 0}, {text + 2, 3}};
    memset(text, 0, sizeof text);
    lseek(file, 0, SEEK_SET);
    check_call("readv", readv(file, parts, 3));
    check_text("what it gave", text);
    check_call("writev", writev(file, parts, 3));
    check_call("preadv", preadv(file, parts, 3, 3));
    check_text("what it gave", text);
    check_call("readv of no parts", readv(file, parts, 0));
    check_call("readv of too many parts", readv(file, parts, 1025));
    check_call("read of nothing", read(file, text, 0));
    check_call("read to no address", read(file, (void *)8, 1));
    check_call("write from no address", write(file, (void *)8, 1));
    check_call("read of a directory", read(opened("directory", O_RDONLY), text, 1));
    check_call("write where it is read", write(opened("file", O_RDONLY), text, 1));
    check_call("read where it is written", read(opened("file", O_WRONLY), text, 1));
    close(file);
}

static void writing(void)
{
    char text[20] = "";
    const int one = opened("append", O_CREAT | O_RDWR | O_APPEND);
    const int other = opened("append", O_RDWR | O_APPEND);
    must("write", write(one, "one", 3));
    must("write", write(other, "two", 3));
    must("write", write(one, "three", 5));
    check_call("O_APPEND", pread(one, text, 19, 0));
    check_text("one behind the other", text);
    check_call("its position", lseek(one, 0, SEEK_CUR));
    check_call("O_APPEND taken away", fcntl(one, F_SETFL, 0));
    must("write", pwrite(one, "ONE", 3, 0));
    must("read", pread(one, text, 19, 0));
    check_text("it writes where it is", text);
    check_value("O_TRUNC", size_of(opened("append", O_RDWR | O_TRUNC)));
    check_value("for all who have it open", size_of(one));
    const int copy = dup(one);
    lseek(one, 1, SEEK_SET);
    check_call("dup has the same position", lseek(copy, 0, SEEK_CUR));
    check_call("another open has not", lseek(opened("append", O_RDWR), 0, SEEK_CUR));
    close(other);
}

static void ends(void)
{
    char text[3 * PAGE];
    const int file = opened("ends", O_CREAT | O_RDWR);
    check_call("ftruncate to more", ftruncate(file, 2 * PAGE + 100));
    check_value("the size", size_of(file));
    check_call("read of it", read(file, text, sizeof text));
    bool zeros = true;
    for (size_t i = 0; i < 2 * PAGE + 100; i++)
        zeros = zeros && !text[i];
    check_true("zeros", zeros);
    must("write", pwrite(file, "xyz", 3, PAGE - 1));
    check_call("ftruncate to less", ftruncate(file, PAGE));
    must("ftruncate", ftruncate(file, PAGE + 3));
    must("read", pread(file, text, 4, PAGE - 1));
    check_true("what was cut off is zero", memcmp(text, "x\0\0\0", 4) == 0);
    check_call("truncate", truncate("ends", 5));
    check_value("the size", size_of(file));
    check_call("truncate of nothing", truncate("none", 5));
    check_call("truncate of a directory", truncate("directory", 5));
    check_call("truncate below nothing", ftruncate(file, -1));
    check_call("ftruncate of what is read", ftruncate(opened("ends", O_RDONLY), 1));
    must("write", pwrite(file, "z", 1, 100000));
    check_value("a write behind the end", size_of(file));
    must("read", pread(file, text, 2, 99998));
    check_true("zeros before it", text[0] == 0 && text[1] == 0);
    check_call("fallocate", fallocate(file, 0, 0, 200000));
    check_value("the size", size_of(file));
    check_call("fsync", fsync(file));
    check_call("fdatasync", fdatasync(file));
    close(file);
}

static void holes(void)
{
    const int file = opened("holes", O_CREAT | O_RDWR);
    must("ftruncate", ftruncate(file, 100 * PAGE));
    check_call("a hole at the start", lseek(file, 0, SEEK_HOLE));
    check_call("no data", lseek(file, 0, SEEK_DATA));
    must("write", pwrite(file, "x", 1, 50 * PAGE + 7));
    check_call("the data", lseek(file, 0, SEEK_DATA));
    check_call("data within data", lseek(file, 50 * PAGE + 9, SEEK_DATA));
    check_call("the hole behind", lseek(file, 50 * PAGE, SEEK_HOLE));
    check_call("no data behind", lseek(file, 51 * PAGE, SEEK_DATA));
    check_call("a hole behind the end", lseek(file, 100 * PAGE, SEEK_HOLE));
    struct stat facts;
    fstat(file, &facts);
    check_value("blocks", facts.st_blocks);
    must("write", pwrite(file, "x", 1, 99 * PAGE));
    check_call("the end is a hole", lseek(file, 99 * PAGE, SEEK_HOLE));
    check_call("punching a hole", fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                                            50 * PAGE, PAGE));
    close(file);
}

static void descriptors(void)
{
    const int file = opened("file", O_RDWR | O_CLOEXEC);
    check_value("FD_CLOEXEC", fcntl(file, F_GETFD));
    const int copy = dup(file);
    check_value("not of a copy", fcntl(copy, F_GETFD));
    close(copy);
    check_true("the lowest is next", dup(file) == copy);
    check_call("dup2", dup2(file, 77));
    check_call("dup2 to itself", dup2(file, file) == file ? 0 : -1);
    check_call("dup2 of none", dup2(1000, 78));
    check_call("dup2 to too many", dup2(file, 1 << 20));
    check_call("dup3", dup3(file, 79, O_CLOEXEC));
    check_value("FD_CLOEXEC", fcntl(79, F_GETFD));
    check_call("dup3 to itself", dup3(file, file, 0));
    check_call("F_DUPFD", fcntl(file, F_DUPFD, 70));
    check_call("F_DUPFD, the next", fcntl(file, F_DUPFD, 77));
    check_call("F_DUPFD_CLOEXEC", fcntl(file, F_DUPFD_CLOEXEC, 90));
    check_call("F_SETFD", fcntl(79, F_SETFD, 0));
    check_value("F_GETFD", fcntl(79, F_GETFD));
    check_value("F_GETFL", fcntl(file, F_GETFL) & (O_ACCMODE | O_APPEND | O_NONBLOCK));
    check_call("F_SETFL", fcntl(file, F_SETFL, O_APPEND | O_NONBLOCK | O_WRONLY));
    check_true("F_GETFL", (fcntl(file, F_GETFL) & (O_ACCMODE | O_APPEND | O_NONBLOCK)) ==
                              (O_RDWR | O_APPEND | O_NONBLOCK));
    check_call("fcntl that is none", fcntl(file, 12345, 0));
    check_call("close", close(79));
    check_call("close again", close(79));
    check_call("close of all", (long)syscall(SYS_close_range, 60, 100, 0));
    check_call("none is left", fcntl(77, F_GETFD));
    check_call("ioctl that is none", ioctl(file, 0x1234, 0));
    check_call("isatty", isatty(file) ? 0 : -1);
    check_call("flock", syscall(SYS_flock, file, 2));
    char text[20] = "";
    const int goal = opened("goal", O_CREAT | O_RDWR);
    off_t from = 1;
    must("write", pwrite(file, "0123456789", 10, 0));
    check_call("sendfile", sendfile(goal, opened("ends", O_RDONLY), &from, 4));
    check_value("moves its position", (long)from);
    off_t in = 0, out = 4;
    check_call("copy_file_range", copy_file_range(opened("file", O_RDONLY), &in, goal, &out, 5, 0));
    check_call("what it gave", pread(goal, text, 19, 0));
    close(file);
}

static void limits(void)
{
    struct rlimit limit, before;
    getrlimit(RLIMIT_NOFILE, &before);
    limit = (struct rlimit){40, before.rlim_max};
    must("setrlimit", setrlimit(RLIMIT_NOFILE, &limit));
    int last = -1, next;
    while ((next = open("/dev/null", O_RDONLY)) >= 0)
        last = next;
    check_call("open with none left", next);
    check_value("the last", last);
    check_call("dup with none left", dup(0));
    check_call("pipe with none left", pipe((int[2]){0}));
    check_call("F_DUPFD at the limit", fcntl(0, F_DUPFD, 40));
    syscall(SYS_close_range, 20, 39, 0);
    check_done("open with some left", open("/dev/null", O_RDONLY));
    setrlimit(RLIMIT_NOFILE, &before);
}

int main(void)
{
    check_begin();
    must("mkdir", mkdir("/tmp/files", 0755));
    must("chdir", chdir("/tmp/files"));
    opening();
    reading();
    writing();
    ends();
    holes();
    descriptors();
    limits();
    return 0;
}
