/* SPDX-License-Identifier: BSD-2-Clause */
/* What is said of files: stat, mode, owner, times, umask, access, statfs. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/stat.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
#include <utime.h>

#include "check.h"

static void must(const char *what, long result)
{
    if (result == -1) {
        check_done(what, result);
        exit(1);
    }
}

static struct stat facts_of(const char *path)
{
    struct stat facts = {0};
    must(path, lstat(path, &facts));
    return facts;
}

/* Kind and mode, as in ls. */
static const char *mode_of(const char *path)
{
    static char text[20];
    const mode_t mode = facts_of(path).st_mode;
    const char kind = S_ISREG(mode)    ? '-'
                      : S_ISDIR(mode)  ? 'd'
                      : S_ISLNK(mode)  ? 'l'
                      : S_ISCHR(mode)  ? 'c'
                      : S_ISFIFO(mode) ? 'p'
                      : S_ISSOCK(mode) ? 's'
                                       : '?';
    snprintf(text, sizeof text, "%c %o", kind, mode & 07777);
    return text;
}

static void kinds(void)
{
    check_text("a file", mode_of("file"));
    check_text("a directory", mode_of("."));
    check_text("/", facts_of("/").st_nlink > 0 ? "is there" : "");
    check_text("/tmp", mode_of("/tmp"));
    check_text("/dev/null", mode_of("/dev/null"));
    struct stat facts = facts_of("/dev/null");
    check_value("its major number", major(facts.st_rdev));
    check_value("its minor number", minor(facts.st_rdev));
    facts = facts_of("/dev/zero");
    check_value("/dev/zero's minor number", minor(facts.st_rdev));
    int ends[2];
    must("pipe", pipe(ends));
    check_call("fstat of a pipe", fstat(ends[0], &facts));
    check_true("it is one", S_ISFIFO(facts.st_mode));
    facts = facts_of("file");
    check_value("size", (long)facts.st_size);
    check_value("links", facts.st_nlink);
    check_value("owner", facts.st_uid);
    check_value("group", facts.st_gid);
    check_value("block size", facts.st_blksize);
    check_value("blocks", facts.st_blocks);
    check_true("a number", facts.st_ino != 0);
    check_true("other files have others", facts.st_ino != facts_of(".").st_ino);
    check_true("the same file system", facts.st_dev == facts_of(".").st_dev);
    check_true("another one", facts.st_dev != facts_of("/proc").st_dev);
    must("symlink", symlink("file", "link"));
    check_text("a link", mode_of("link"));
    struct stat through;
    check_call("stat", stat("link", &through));
    check_true("is the file's", through.st_ino == facts.st_ino && through.st_dev == facts.st_dev);
    struct statx extended;
    check_call("statx", syscall(SYS_statx, AT_FDCWD, "file", 0, STATX_BASIC_STATS, &extended));
    check_value("size", (long)extended.stx_size);
    check_value("mode", extended.stx_mode);
    check_call("statx of nothing",
               syscall(SYS_statx, AT_FDCWD, "none", 0, STATX_BASIC_STATS, &extended));
}

static void modes(void)
{
    check_call("chmod", chmod("file", 04751));
    check_text("the mode", mode_of("file"));
    check_call("chmod through a link", chmod("link", 0600));
    check_text("the mode", mode_of("file"));
    const int file = open("file", O_RDONLY);
    check_call("fchmod", fchmod(file, 0640));
    check_text("the mode", mode_of("file"));
    check_call("fchmodat", fchmodat(AT_FDCWD, "file", 0444, 0));
    check_text("the mode", mode_of("file"));
    check_call("chmod of nothing", chmod("none", 0600));
    check_call("fchmod of no descriptor", fchmod(99, 0600));
    check_call("chown", chown("file", 12, 34));
    check_value("owner", facts_of("file").st_uid);
    check_value("group", facts_of("file").st_gid);
    check_call("chown of one", chown("file", (uid_t)-1, 0));
    check_value("owner", facts_of("file").st_uid);
    check_value("group", facts_of("file").st_gid);
    check_call("fchown", fchown(file, 0, 0));
    check_call("lchown", lchown("link", 56, 78));
    check_value("the link's owner", facts_of("link").st_uid);
    check_value("the file's", facts_of("file").st_uid);
    check_call("chown of nothing", chown("none", 0, 0));
    close(file);
    check_value("umask", umask(027));
    close(open("masked", O_CREAT | O_RDWR, 0666));
    check_text("a file's mode", mode_of("masked"));
    must("mkdir", mkdir("masked directory", 0777));
    check_text("a directory's mode", mode_of("masked directory"));
    check_value("umask", umask(07777));
    check_value("its bits", umask(022));
    must("mkdir", mkdir("sticky", 01777));
    check_text("a sticky directory", mode_of("sticky"));
    check_call("mkfifo", mkfifo("fifo", 0600));
    check_text("its mode", mode_of("fifo"));
}

static void access_rights(void)
{
    must("chmod", chmod("file", 0600));
    check_call("F_OK", access("file", F_OK));
    check_call("R_OK | W_OK", access("file", R_OK | W_OK));
    check_call("X_OK", access("file", X_OK));
    must("chmod", chmod("file", 0500));
    check_call("X_OK where it may be run", access("file", X_OK));
    check_call("X_OK of a directory", access(".", X_OK));
    check_call("of nothing", access("none", F_OK));
    check_call("below a file", access("file/x", F_OK));
    check_call("rights that are none", access("file", 8));
    check_call("a program", access("/proc/self/exe", X_OK));
    check_call("AT_EACCESS", faccessat(AT_FDCWD, "file", R_OK, AT_EACCESS));
}

static bool recent(struct timespec time)
{
    struct timespec present;
    clock_gettime(CLOCK_REALTIME, &present);
    return present.tv_sec - time.tv_sec <= 60 && present.tv_sec >= time.tv_sec;
}

static bool before(struct timespec one, struct timespec other)
{
    return one.tv_sec < other.tv_sec || (one.tv_sec == other.tv_sec && one.tv_nsec < other.tv_nsec);
}

static void times(void)
{
    struct stat old = facts_of("file"), new;
    check_true("a new file's times", recent(old.st_mtim) && recent(old.st_atim) && recent(old.st_ctim));
    sleep_ms(30);
    const int file = open("file", O_RDWR);
    must("write", write(file, "more", 4));
    new = facts_of("file");
    check_true("a write changes mtime", before(old.st_mtim, new.st_mtim));
    old = new;
    sleep_ms(30);
    must("chmod", chmod("file", 0600));
    new = facts_of("file");
    check_true("chmod changes ctime", before(old.st_ctim, new.st_ctim));
    check_true("but not mtime", !before(old.st_mtim, new.st_mtim));
    old = facts_of(".");
    sleep_ms(30);
    close(open("another", O_CREAT | O_RDWR, 0600));
    check_true("a new file changes its directory", before(old.st_mtim, facts_of(".").st_mtim));
    const struct timespec given[] = {{1000, 123456789}, {2000, 987654321}};
    check_call("utimensat", utimensat(AT_FDCWD, "file", given, 0));
    new = facts_of("file");
    check_value("atime", new.st_atim.tv_sec);
    check_value("its nanoseconds", new.st_atim.tv_nsec);
    check_value("mtime", new.st_mtim.tv_sec);
    check_value("its nanoseconds", new.st_mtim.tv_nsec);
    const struct timespec one[] = {{5, UTIME_OMIT}, {3000, 0}};
    check_call("UTIME_OMIT", futimens(file, one));
    check_value("atime", facts_of("file").st_atim.tv_sec);
    check_value("mtime", facts_of("file").st_mtim.tv_sec);
    const struct timespec present[] = {{0, UTIME_NOW}, {0, UTIME_OMIT}};
    check_call("UTIME_NOW", futimens(file, present));
    check_true("atime", recent(facts_of("file").st_atim));
    check_value("mtime", facts_of("file").st_mtim.tv_sec);
    check_call("no times", utimensat(AT_FDCWD, "file", NULL, 0));
    check_true("are the present", recent(facts_of("file").st_mtim));
    const struct timespec wrong[] = {{0, 1000000000}, {0, 0}};
    check_call("a time that is none", utimensat(AT_FDCWD, "file", wrong, 0));
    check_call("times of nothing", utimensat(AT_FDCWD, "none", given, 0));
    check_call("of a link", utimensat(AT_FDCWD, "link", given, AT_SYMLINK_NOFOLLOW));
    check_value("mtime", facts_of("link").st_mtim.tv_sec);
    const struct timeval in_us[] = {{7, 8}, {9, 10}};
    check_call("utimes", utimes("file", in_us));
    check_value("atime's nanoseconds", facts_of("file").st_atim.tv_nsec);
    const struct utimbuf in_s = {11, 12};
    check_call("utime", utime("file", &in_s));
    check_value("mtime", facts_of("file").st_mtim.tv_sec);
    close(file);
}

static void systems(void)
{
    struct statfs facts;
    check_call("statfs", statfs("/tmp", &facts));
    check_value("type", (long)facts.f_type);
    check_value("block size", (long)facts.f_bsize);
    check_value("longest name", (long)facts.f_namelen);
    check_true("room", facts.f_blocks > 0 && facts.f_bfree <= facts.f_blocks && facts.f_bfree > 0);
    check_call("statfs of /proc", statfs("/proc", &facts));
    check_value("type", (long)facts.f_type);
    check_call("statfs of nothing", statfs("/tmp/none", &facts));
    check_call("fstatfs", fstatfs(open("file", O_RDONLY), &facts));
    check_value("type", (long)facts.f_type);
    check_call("fstatfs of no descriptor", fstatfs(99, &facts));
    struct statvfs other;
    check_call("statvfs", statvfs("/tmp", &other));
    check_value("read-only", !!(other.f_flag & ST_RDONLY));
    check_call("pathconf", pathconf("/tmp", _PC_NAME_MAX));
    struct statfs old;
    statfs("/tmp", &old);
    static char megabyte[1 << 20];
    memset(megabyte, 'x', sizeof megabyte);
    const int file = open("large", O_CREAT | O_RDWR, 0600);
    check_call("a megabyte", write(file, megabyte, sizeof megabyte));
    statfs("/tmp", &facts);
    check_true("takes it", old.f_bfree - facts.f_bfree == sizeof megabyte / 4096);
    close(file);
    must("unlink", unlink("large"));
    statfs("/tmp", &facts);
    check_true("and gives it back", old.f_bfree == facts.f_bfree);
}

int main(void)
{
    check_begin();
    umask(022);
    must("mkdir", mkdir("/tmp/facts", 0755));
    must("chdir", chdir("/tmp/facts"));
    const int file = open("file", O_CREAT | O_RDWR, 0644);
    must("write", write(file, "hello", 5));
    close(file);
    kinds();
    modes();
    access_rights();
    times();
    systems();
    return 0;
}
