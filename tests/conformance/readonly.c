/* SPDX-License-Identifier: BSD-2-Clause */
/* The image's root: it can be read, and nothing else. */
#define _GNU_SOURCE
#include <dirent.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/time.h>
#include <unistd.h>

#include "check.h"

static const char program[] = "/bin/readonly";

static void writing(void)
{
    check_done("a new file", open("/new", O_CREAT | O_RDWR, 0644));
    check_done("a new file below", open("/bin/new", O_CREAT | O_RDWR, 0644));
    check_done("O_CREAT of what is there", open(program, O_CREAT | O_RDONLY, 0644));
    check_done("O_EXCL of what is there", open(program, O_CREAT | O_EXCL | O_RDONLY, 0644));
    check_done("to be written", open("/bin/data", O_WRONLY));
    check_done("O_TRUNC", open("/bin/data", O_RDONLY | O_TRUNC));
    check_done("a directory to be written", open("/bin", O_WRONLY));
    check_call("truncate", truncate("/bin/data", 0));
    check_call("mkdir", mkdir("/new", 0755));
    check_call("mkdir of what is there", mkdir("/bin", 0755));
    check_call("rmdir", rmdir("/bin"));
    check_call("rmdir of nothing", rmdir("/none"));
    check_call("rmdir of where something is mounted", rmdir("/tmp"));
    check_call("unlink", unlink(program));
    check_call("unlink of nothing", unlink("/none"));
    check_call("rename", rename(program, "/bin/other"));
    check_call("rename of nothing", rename("/none", "/other"));
    check_call("rename from it", rename(program, "/tmp/other"));
    check_call("link", link(program, "/bin/other"));
    check_call("link from it", link(program, "/tmp/other"));
    check_call("symlink", symlink("x", "/link"));
    check_call("mknod", mknod("/node", S_IFREG | 0600, 0));
    check_call("chmod", chmod(program, 0700));
    check_call("chown", chown(program, 1, 1));
    check_call("utimes", utimes(program, NULL));
    check_call("W_OK", access(program, W_OK));
    check_call("W_OK of the root", access("/", W_OK));
}

static void reading(void)
{
    struct stat facts;
    check_call("stat", stat(program, &facts));
    check_true("it is a file", S_ISREG(facts.st_mode));
    check_value("its mode", facts.st_mode & 07777);
    check_value("its owner", facts.st_uid);
    check_call("X_OK", access(program, R_OK | X_OK));
    check_call("below a file", access("/bin/readonly/x", F_OK));
    const int file = open(program, O_RDONLY);
    unsigned char start[64] = "";
    check_call("read", read(file, start, sizeof start));
    check_true("an ELF file", memcmp(start, ELFMAG, SELFMAG) == 0);
    check_call("the end", pread(file, start, sizeof start, facts.st_size));
    check_true("its size by lseek", lseek(file, 0, SEEK_END) == facts.st_size);
    check_call("write", write(file, "x", 1));
    check_call("ftruncate", ftruncate(file, 0));
    unsigned char *mapped = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, file, 0);
    check_true("a mapping", mapped != MAP_FAILED && memcmp(mapped, ELFMAG, SELFMAG) == 0);
    check_text("which cannot be written", probe_write(mapped));
    mapped = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, file, 0);
    check_text("a private one can", probe_write(mapped));
    mapped[0] = 'x';
    check_call("pread", pread(file, start, 4, 0));
    check_true("the file stays", start[0] == 0x7f);
    check_done("one that is shared and written",
               mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0) == MAP_FAILED ? -1 : 0);
    close(file);
    struct statvfs system;
    check_call("statvfs", statvfs("/", &system));
    check_value("read-only", !!(system.f_flag & ST_RDONLY));
    char text[100] = "";
    const int data = open("/bin/data", O_RDONLY);
    check_call("read of a small file", read(data, text, sizeof text - 1));
    check_text("its content", text);
    DIR *directory = opendir("/bin");
    int found = 0;
    for (struct dirent *entry; (entry = readdir(directory));)
        found += strcmp(entry->d_name, "readonly") == 0 || strcmp(entry->d_name, ".") == 0 ||
                 strcmp(entry->d_name, "..") == 0 || strcmp(entry->d_name, "data") == 0;
    check_value("entries of /bin", found);
}

int main(void)
{
    check_begin();
    writing();
    reading();
    return 0;
}
