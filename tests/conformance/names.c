/* SPDX-License-Identifier: BSD-2-Clause */
/* Names: directories and their entries, links, rename, calls relative to a directory. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "check.h"

static void must(const char *what, long result)
{
    if (result == -1) {
        check_done(what, result);
        exit(1);
    }
}

static void make_file(const char *path, const char *content)
{
    const int file = open(path, O_CREAT | O_WRONLY | O_TRUNC, 0644);
    must(path, file);
    must(path, write(file, content, strlen(content)));
    close(file);
}

static const char *content(const char *path)
{
    static char text[100];
    const int file = open(path, O_RDONLY);
    const ssize_t size = file < 0 ? -1 : read(file, text, sizeof text - 1);
    const int error = errno;
    if (file >= 0)
        close(file);
    if (size < 0)
        return strerror(error);
    text[size] = '\0';
    return text;
}

static long links_of(const char *path)
{
    struct stat facts;
    return lstat(path, &facts) == 0 ? (long)facts.st_nlink : -1;
}

static int by_name(const void *one, const void *other)
{
    return strcmp(*(char *const *)one, *(char *const *)other);
}

/* The names in a directory in their order, each with its kind. */
static const char *list(const char *path)
{
    static char text[1000];
    char *names[50];
    size_t count = 0;
    DIR *directory = opendir(path);
    if (!directory)
        return strerror(errno);
    for (struct dirent *entry; count < 50 && (entry = readdir(directory));) {
        const char kind = entry->d_type == DT_DIR   ? '/'
                          : entry->d_type == DT_LNK ? '@'
                          : entry->d_type == DT_REG ? ' '
                                                    : '?';
        if (asprintf(&names[count], "%s%c", entry->d_name, kind) < 0)
            break;
        count++;
    }
    closedir(directory);
    qsort(names, count, sizeof *names, by_name);
    text[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        strcat(text, names[i]);
        free(names[i]);
    }
    return text;
}

static void directories(void)
{
    check_call("mkdir", mkdir("d", 0755));
    check_call("mkdir again", mkdir("d", 0755));
    check_call("mkdir with a slash", mkdir("d/below/", 0755));
    check_call("mkdir below nothing", mkdir("none/below", 0755));
    check_value("a directory's links", links_of("d"));
    make_file("d/file", "x");
    check_call("mkdir below a file", mkdir("d/file/below", 0755));
    check_call("mkdir over a file", mkdir("d/file", 0755));
    check_call("rmdir of a file", rmdir("d/file"));
    check_call("rmdir of what is not empty", rmdir("d"));
    check_call("unlink of a directory", unlink("d"));
    check_text("what is in it", list("d"));
    check_call("rmdir", rmdir("d/below"));
    check_value("a directory's links", links_of("d"));
    check_call("rmdir of nothing", rmdir("d/below"));
    check_call("rmdir of .", rmdir("d/."));
    check_call("rmdir of ..", rmdir("d/.."));
    check_call("unlink with a slash", unlink("d/file/"));
    check_call("unlink", unlink("d/file"));
    check_call("unlink of nothing", unlink("d/file"));
    check_call("unlink of no name", unlink(""));
    check_text("what is in it", list("d"));
    check_text("what is in nothing", list("none"));
    check_call("rmdir of the root", rmdir("/"));
    check_call("rmdir with a slash", rmdir("d/"));
}

static void many(void)
{
    must("mkdir", mkdir("many", 0755));
    char path[40];
    for (int i = 0; i < 500; i++) {
        snprintf(path, sizeof path, "many/a name, number %d", i);
        make_file(path, "");
    }
    DIR *directory = opendir("many");
    int count = 0, again = 0;
    for (struct dirent *entry; (entry = readdir(directory)); count++)
        if (entry->d_name[0] == 'a') {
            snprintf(path, sizeof path, "many/%.30s", entry->d_name);
            must("unlink", unlink(path));
        }
    check_value("entries, each unlinked where it was seen", count);
    rewinddir(directory);
    while (readdir(directory))
        again++;
    check_value("what is left", again);
    closedir(directory);
    check_call("rmdir of it", rmdir("many"));
    must("mkdir", mkdir("gone", 0755));
    directory = opendir("gone");
    must("rmdir", rmdir("gone"));
    errno = 0;
    check_true("readdir of what is gone", readdir(directory) == NULL);
    check_done("making a file in what is gone",
               openat(dirfd(directory), "x", O_CREAT | O_RDWR, 0644));
    closedir(directory);
    const int file = open("/tmp/names", O_RDONLY | O_DIRECTORY);
    char small[10];
    check_call("getdents64 with no room", syscall(SYS_getdents64, file, small, sizeof small));
    close(file);
    check_call("getdents64 of a file",
               syscall(SYS_getdents64, open("/proc/self/exe", O_RDONLY), path, sizeof path));
}

static void hard_links(void)
{
    make_file("one", "first");
    check_call("link", link("one", "two"));
    check_value("links", links_of("one"));
    check_text("content", content("two"));
    check_call("link over what is there", link("one", "two"));
    check_call("link of nothing", link("none", "three"));
    check_call("link of a directory", link(".", "three"));
    check_call("link into nothing", link("one", "none/three"));
    check_call("link to another file system", link("one", "/dev/shm/three"));
    must("unlink", unlink("one"));
    check_text("the other name stays", content("two"));
    check_value("links", links_of("two"));
    const int file = open("two", O_RDWR);
    must("unlink", unlink("two"));
    struct stat facts;
    fstat(file, &facts);
    check_value("unlinked while open: links", facts.st_nlink);
    check_call("it can be written", pwrite(file, "still", 5, 0));
    char text[6] = "";
    check_call("and read", pread(file, text, 5, 0));
    check_text("content", text);
    check_text("by its name it is gone", content("two"));
    close(file);
}

static void soft_links(void)
{
    char goal[100] = "";
    make_file("file", "content");
    check_call("symlink", symlink("file", "link"));
    check_text("through it", content("link"));
    check_call("readlink", readlink("link", goal, sizeof goal));
    check_text("its goal", goal);
    check_call("readlink with little room", readlink("link", goal, 2));
    check_call("readlink of a file", readlink("file", goal, sizeof goal));
    check_call("readlink of nothing", readlink("none", goal, sizeof goal));
    check_call("readlink into no room", readlink("link", goal, 0));
    check_call("symlink over what is there", symlink("x", "link"));
    check_call("symlink to nothing", symlink("", "empty"));
    struct stat facts;
    check_call("lstat", lstat("link", &facts));
    check_true("it is a link", S_ISLNK(facts.st_mode));
    check_value("its size", (long)facts.st_size);
    check_value("its mode", facts.st_mode & 07777);
    check_call("stat", stat("link", &facts));
    check_true("it is a file", S_ISREG(facts.st_mode));
    must("symlink", symlink("nowhere", "dangling"));
    check_text("a link to nothing", content("dangling"));
    must("symlink", symlink("loop b", "loop a"));
    must("symlink", symlink("loop a", "loop b"));
    check_text("a loop", content("loop a"));
    must("symlink", symlink(".", "here"));
    check_text("links on the way", content("here/here/here/link"));
    must("symlink", symlink("/tmp/names/file", "absolute"));
    check_text("an absolute link", content("absolute"));
    must("symlink", symlink("chain00", "chain"));
    char name[20], next[20];
    for (int i = 0; i < 39; i++) {
        snprintf(name, sizeof name, "chain%02d", i);
        snprintf(next, sizeof next, "chain%02d", i + 1);
        must("symlink", symlink(i < 38 ? next : "file", name));
    }
    check_text("40 links", content("chain"));
    must("symlink", symlink("chain", "chain more"));
    check_text("41 links", content("chain more"));
    check_call("unlink takes the link", unlink("link"));
    check_text("its goal stays", content("file"));
    check_text("a link with a slash", content("absolute/"));
    check_call("realpath", realpath("here/./../names/absolute", goal) ? 0 : -1);
    check_text("what it is", goal);
}

static void renaming(void)
{
    make_file("a", "A");
    make_file("b", "B");
    check_call("rename", rename("a", "c"));
    check_text("the old name", content("a"));
    check_text("the new name", content("c"));
    check_call("rename over a file", rename("c", "b"));
    check_text("what was there is gone", content("b"));
    check_call("rename of nothing", rename("none", "x"));
    check_call("rename to itself", rename("b", "b"));
    must("link", link("b", "same"));
    check_call("rename to another link of it", rename("b", "same"));
    check_text("both stay", content("b"));
    must("mkdir", mkdir("d1", 0755));
    must("mkdir", mkdir("d2", 0755));
    make_file("d1/in", "in");
    check_call("rename of a directory over a file", rename("d1", "b"));
    check_call("rename of a file over a directory", rename("b", "d1"));
    check_call("rename into itself", rename("d1", "d1/below"));
    check_call("rename over an empty directory", rename("d1", "d2"));
    check_text("with what is in it", content("d2/in"));
    must("mkdir", mkdir("d3", 0755));
    check_call("rename over a full directory", rename("d3", "d2"));
    check_call("rename over what is above", rename("d2/in", "d2"));
    check_call("rename to another directory", rename("d2", "d3/moved"));
    check_value("the links of where it went", links_of("d3"));
    check_text("whose .. is another", list("d3/moved/.."));
    check_call("rename to another file system", rename("b", "/dev/shm/b"));
    check_call("rename of .", rename(".", "x"));
    check_call("rename with slashes", rename("d3/", "d4/"));
    check_call("rename of a file with a slash", rename("b/", "e"));
    check_call("RENAME_NOREPLACE", syscall(SYS_renameat2, AT_FDCWD, "b", AT_FDCWD, "same", 1));
    check_call("RENAME_NOREPLACE, free", syscall(SYS_renameat2, AT_FDCWD, "b", AT_FDCWD, "f", 1));
    check_call("renameat2 with wrong flags", syscall(SYS_renameat2, AT_FDCWD, "f", AT_FDCWD, "g", 64));
    must("symlink", symlink("f", "l"));
    check_call("rename of a link", rename("l", "m"));
    check_text("it is a link still", content("m"));
}

static void relative(void)
{
    must("mkdir", mkdir("base", 0755));
    const int base = open("base", O_RDONLY | O_DIRECTORY);
    const int file = openat(base, "file", O_CREAT | O_RDWR, 0644);
    check_done("openat", file);
    struct stat facts;
    check_call("fstatat", fstatat(base, "file", &facts, 0));
    check_call("fstatat of no name", fstatat(base, "", &facts, 0));
    check_call("AT_EMPTY_PATH", fstatat(file, "", &facts, AT_EMPTY_PATH));
    check_true("it is the file", S_ISREG(facts.st_mode));
    check_call("fstatat below a file", fstatat(file, "x", &facts, 0));
    check_call("fstatat below no descriptor", fstatat(99, "x", &facts, 0));
    check_call("an absolute path needs none", fstatat(99, "/tmp", &facts, 0));
    check_call("wrong flags", fstatat(base, "file", &facts, 0x40000000));
    check_call("mkdirat", mkdirat(base, "dir", 0755));
    check_call("symlinkat", symlinkat("file", base, "link"));
    check_call("linkat", linkat(base, "file", base, "hard", 0));
    check_call("linkat of a link", linkat(base, "link", base, "to link", 0));
    check_call("AT_SYMLINK_FOLLOW", linkat(base, "link", base, "to file", AT_SYMLINK_FOLLOW));
    check_call("renameat", renameat(base, "hard", base, "harder"));
    check_call("readlinkat", readlinkat(base, "link", (char[10]){0}, 10));
    check_call("faccessat", faccessat(base, "harder", R_OK, 0));
    check_text("all of it", list("base"));
    check_call("unlinkat of a directory", unlinkat(base, "dir", 0));
    check_call("AT_REMOVEDIR of a file", unlinkat(base, "file", AT_REMOVEDIR));
    check_call("AT_REMOVEDIR", unlinkat(base, "dir", AT_REMOVEDIR));
    check_call("unlinkat with wrong flags", unlinkat(base, "file", 0x10));
    check_call("mknodat of a file", mknodat(base, "node", S_IFREG | 0600, 0));
    check_call("openat from a renamed directory", rename("base", "renamed"));
    check_done("it is there still", openat(base, "file", O_RDONLY));
}

static void here(void)
{
    char path[PATH_MAX];
    check_text("getcwd", getcwd(path, sizeof path) ? path : strerror(errno));
    check_text("getcwd with little room", getcwd(path, 4) ? path : strerror(errno));
    check_call("chdir", chdir("renamed"));
    check_text("getcwd", getcwd(path, sizeof path));
    check_call("chdir to a file", chdir("file"));
    check_call("chdir to nothing", chdir("none"));
    const int above = open("..", O_RDONLY);
    check_call("fchdir", fchdir(above));
    check_text("getcwd", getcwd(path, sizeof path));
    check_call("fchdir to no descriptor", fchdir(99));
    must("mkdir", mkdir("lost", 0755));
    must("chdir", chdir("lost"));
    must("rmdir", rmdir("../lost"));
    check_text("getcwd of what is gone", getcwd(path, sizeof path) ? path : strerror(errno));
    check_call("chdir ..", chdir(".."));
    check_text("getcwd", getcwd(path, sizeof path));
    check_call("chdir to the root", chdir("/.."));
    check_text("getcwd", getcwd(path, sizeof path));
}

int main(void)
{
    check_begin();
    must("mkdir", mkdir("/tmp/names", 0755));
    must("chdir", chdir("/tmp/names"));
    directories();
    many();
    hard_links();
    soft_links();
    renaming();
    relative();
    here();
    return 0;
}
