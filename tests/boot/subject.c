/* SPDX-License-Identifier: BSD-2-Clause */
/* The program of the boot tests: the first argument says what to do. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

extern char **environ;

static int is_mounted(const char *where)
{
    char line[512], place[256];
    FILE *mounts = fopen("/proc/self/mounts", "r");
    while (mounts && fgets(line, sizeof line, mounts))
        if (sscanf(line, "%*s %255s", place) == 1 && strcmp(place, where) == 0)
            return 1;
    return 0;
}

static int machine(void)
{
    static const char *const places[] = {"/proc", "/sys", "/dev", "/dev/pts", "/dev/shm",
                                         "/tmp", "/run"};
    struct stat facts;
    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        if (!is_mounted(places[i]))
            printf("%s is not mounted\n", places[i]);
    if (stat("/tmp", &facts) != 0 || (facts.st_mode & 07777) != 01777)
        puts("/tmp is not for everybody");
    if (stat("/dev/stdout", &facts) != 0)
        puts("no /dev/stdout");
    printf("stdin %d, parent %d\n", getchar(), (int)getppid());
    for (char **variable = environ; *variable; variable++)
        puts(*variable);
    return 0;
}

static int orphan(void)
{
    if (fork() == 0) {
        if (fork() == 0) {
            setsid();
            for (;;)
                pause();
        }
        _exit(0);
    }
    sleep(1);
    return 7;
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    if (strcmp(what, "segv") == 0)
        raise(SIGSEGV);
    if (strcmp(what, "sleep") == 0) {
        puts("sleeping");
        fflush(stdout);
        for (;;)
            pause();
    }
    if (strcmp(what, "stop") == 0) {
        kill(getppid(), SIGTERM);
        for (;;)
            pause();
    }
    if (strcmp(what, "stubborn") == 0) {
        signal(SIGTERM, SIG_IGN);
        kill(getppid(), SIGTERM);
        for (;;)
            pause();
    }
    if (strcmp(what, "panic") == 0) {
        FILE *trigger = fopen("/proc/sysrq-trigger", "w");
        fputs("c", trigger);
        fclose(trigger);
        sleep(60);
    }
    if (strcmp(what, "liar") == 0) {
        FILE *control = fopen("/dev/ttyS1", "w");
        fputs("rumprun-exit 0 end\n", control);
        fclose(control);
        return 9;
    }
    if (strcmp(what, "bytes") == 0) {
        for (int byte = 0; byte < 256; byte++)
            putchar(byte);
        return 0;
    }
    if (strcmp(what, "machine") == 0)
        return machine();
    if (strcmp(what, "orphan") == 0)
        return orphan();
    for (int i = 1; i < argc; i++)
        printf("[%s]\n", argv[i]);
    return atoi(what);
}
