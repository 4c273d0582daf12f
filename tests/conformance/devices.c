/* SPDX-License-Identifier: BSD-2-Clause */
/* The files in /dev, and what a program finds of itself in /proc. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "check.h"

static bool all(const char *bytes, size_t size, char value)
{
    for (size_t i = 0; i < size; i++)
        if (bytes[i] != value)
            return false;
    return true;
}

static short ready(int file)
{
    struct pollfd wait = {.fd = file, .events = POLLIN | POLLOUT};
    return poll(&wait, 1, 0) < 0 ? -1 : wait.revents;
}

static void nothing(void)
{
    char text[10];
    const int file = open("/dev/null", O_RDWR);
    check_done("/dev/null", file);
    check_call("read", read(file, text, sizeof text));
    check_call("write", write(file, text, sizeof text));
    check_call("write of a lot", write(file, (void *)8, 1 << 20) > 0 ? 0 : -1);
    check_call("lseek", lseek(file, 100, SEEK_SET));
    check_call("pread", pread(file, text, 5, 1000));
    check_value("poll", ready(file));
    check_call("ftruncate", ftruncate(file, 0));
    check_done("O_TRUNC | O_CREAT", open("/dev/null", O_WRONLY | O_CREAT | O_TRUNC, 0600));
    check_done("O_EXCL", open("/dev/null", O_WRONLY | O_CREAT | O_EXCL, 0600));
    check_done("mmap", mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, file, 0) == MAP_FAILED ? -1 : 0);
    check_call("isatty", isatty(file) ? 1 : -1);
    close(file);
}

static void zeros(void)
{
    char text[5000];
    const int zero = open("/dev/zero", O_RDWR), full = open("/dev/full", O_RDWR);
    memset(text, 'x', sizeof text);
    check_call("/dev/zero", read(zero, text, 4999));
    check_true("zeros", all(text, 4999, 0) && text[4999] == 'x');
    check_call("write", write(zero, text, 100));
    check_call("read to no address", read(zero, (void *)8, 1));
    struct iovec parts[] = {{text, 10}, {text + 4000, 1000}};
    memset(text, 'x', sizeof text);
    check_call("readv", readv(zero, parts, 2));
    check_true("zeros", all(text, 10, 0) && text[10] == 'x' && all(text + 4000, 1000, 0));
    memset(text, 'x', sizeof text);
    check_call("/dev/full", read(full, text, 100));
    check_true("zeros", all(text, 100, 0));
    check_call("write", write(full, text, 1));
    check_value("poll", ready(full));
    FILE *stream = fopen("/dev/full", "w");
    check_value("fprintf", fprintf(stream, "text"));
    check_call("fflush", fflush(stream));
    fclose(stream);
}

/* Whether bytes look random: in so many, nearly each value is there. */
static bool random_bytes(const unsigned char *bytes, size_t size)
{
    bool seen[256] = {false};
    int count = 0;
    for (size_t i = 0; i < size; i++) {
        count += !seen[bytes[i]];
        seen[bytes[i]] = true;
    }
    return count > 240;
}

static void chance(void)
{
    unsigned char one[4096], other[4096];
    const int file = open("/dev/urandom", O_RDWR), slow = open("/dev/random", O_RDONLY);
    check_call("/dev/urandom", read(file, one, sizeof one));
    check_true("is random", random_bytes(one, sizeof one));
    check_call("write", write(file, one, 16));
    check_call("/dev/random", read(slow, other, 256));
    check_true("is other", memcmp(one, other, 256) != 0);
    check_call("getrandom", getrandom(one, sizeof one, 0));
    check_true("is random", random_bytes(one, sizeof one));
    check_call("again", getrandom(other, sizeof other, GRND_NONBLOCK));
    check_true("is other", memcmp(one, other, sizeof one) != 0);
    check_call("of no bytes", getrandom(one, 0, 0));
    check_call("with flags that are none", getrandom(one, 1, 0x100));
    check_call("to no address", getrandom((void *)8, 16, 0));
    check_call("getentropy", getentropy(one, 256));
    check_call("getentropy of too much", getentropy(one, 257));
}

static void find_line(const char *path, const char *start, char *line, int size)
{
    FILE *file = fopen(path, "r");
    bool found = false;
    while (file && !found && fgets(line, size, file))
        found = strncmp(line, start, strlen(start)) == 0;
    if (!found)
        line[0] = '\0';
    line[strcspn(line, "\n")] = '\0';
    if (file)
        fclose(file);
}

static bool has(const char *path, const char *text)
{
    char line[1000];
    FILE *file = fopen(path, "r");
    bool found = false;
    while (file && !found && fgets(line, sizeof line, file))
        found = strstr(line, text) != NULL;
    if (file)
        fclose(file);
    return found;
}

static const char *rights_of(const void *address)
{
    static char rights[5];
    char line[1000];
    FILE *file = fopen("/proc/self/maps", "r");
    unsigned long start, end;
    while (file && fgets(line, sizeof line, file))
        if (sscanf(line, "%lx-%lx %4s", &start, &end, rights) == 3 &&
            start <= (unsigned long)address && (unsigned long)address < end) {
            fclose(file);
            return rights;
        }
    if (file)
        fclose(file);
    return "nowhere";
}

static const int constant = 5;
static int variable = 5;

static void myself(const char *name)
{
    char text[200] = "", line[200];
    check_done("/proc/self/exe", readlink("/proc/self/exe", text, sizeof text - 1));
    check_text("its name", strrchr(text, '/') ? strrchr(text, '/') + 1 : text);
    check_call("the program itself", read(open("/proc/self/exe", O_RDONLY), line, 4));
    check_true("is an ELF file", memcmp(line, "\177ELF", 4) == 0);
    find_line("/proc/self/status", "Name:", line, sizeof line);
    check_text("status", line);
    find_line("/proc/self/status", "Threads:", line, sizeof line);
    check_text("status", line);
    find_line("/proc/self/status", "Pid:", line, sizeof line);
    check_true("the number", atoi(line + 4) == getpid());
    check_true("the memory", has("/proc/self/status", "VmRSS:"));
    const int file = open("/proc/self/cmdline", O_RDONLY);
    memset(text, 0, sizeof text);
    const ssize_t size = read(file, text, sizeof text - 1);
    check_true("cmdline", size > 0 && strcmp(text, name) == 0);
    snprintf(line, sizeof line, "/proc/%d/cmdline", getpid());
    check_call("by its number", access(line, R_OK));
    check_call("another number", access("/proc/999999", R_OK));
    check_true("maps: the stack", has("/proc/self/maps", "[stack]"));
    check_text("maps: a function", rights_of((void *)(size_t)myself));
    check_text("maps: a constant", rights_of(&constant));
    check_text("maps: a variable", rights_of(&variable));
    check_text("maps: a local variable", rights_of(text));
    check_text("maps: nothing", rights_of((void *)16));
    check_call("prctl", prctl(PR_SET_NAME, "other name", 0, 0, 0));
    find_line("/proc/self/status", "Name:", line, sizeof line);
    check_text("status", line);
    check_call("comm", read(open("/proc/self/comm", O_RDONLY), line, sizeof line));
}

static void descriptors(void)
{
    char path[60], text[100] = "";
    const int file = open("/tmp", O_RDONLY);
    snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    check_done("a descriptor", readlink(path, text, sizeof text - 1));
    check_text("is", text);
    struct stat one, other;
    check_call("stat through it", stat(path, &one));
    fstat(file, &other);
    check_true("is the same", one.st_ino == other.st_ino && one.st_dev == other.st_dev);
    DIR *directory = opendir("/proc/self/fd");
    snprintf(text, sizeof text, "%d", file);
    bool found = false;
    for (struct dirent *entry; (entry = readdir(directory));)
        found = found || strcmp(entry->d_name, text) == 0;
    check_true("in the directory", found);
    closedir(directory);
    close(file);
    check_call("when it is closed", readlink(path, text, sizeof text));
    check_done("/dev/fd", open("/proc/self/fd/1", O_WRONLY));
}

static void machine(void)
{
    char line[200];
    find_line("/proc/meminfo", "MemTotal:", line, sizeof line);
    check_true("MemTotal", atol(line + 9) > 1000 && strstr(line, " kB"));
    find_line("/proc/meminfo", "MemFree:", line, sizeof line);
    check_true("MemFree", atol(line + 8) > 0);
    find_line("/proc/meminfo", "MemAvailable:", line, sizeof line);
    check_true("MemAvailable", atol(line + 13) > 0);
    check_true("uptime", has("/proc/uptime", "."));
    check_true("sysconf(_SC_PHYS_PAGES)", sysconf(_SC_PHYS_PAGES) > 100);
    check_true("sysconf(_SC_AVPHYS_PAGES)", sysconf(_SC_AVPHYS_PAGES) > 100);
    check_true("sysconf(_SC_NPROCESSORS_ONLN)", sysconf(_SC_NPROCESSORS_ONLN) > 0);
    check_value("sysconf(_SC_PAGESIZE)", sysconf(_SC_PAGESIZE));
}

int main(int argc, char **argv)
{
    (void)argc;
    check_begin();
    nothing();
    zeros();
    chance();
    myself(argv[0]);
    descriptors();
    machine();
    return 0;
}
