/* SPDX-License-Identifier: BSD-2-Clause */
/* What comes before everything else: file systems, modules, ports. */
/* syscall() */
#define _GNU_SOURCE
#include "agent.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* Lines with a module's path each, in the order in which they are loaded. */
#define MODULES "/lab/modules"

#define PORTS "/sys/class/virtio-ports"
#define PORTS_SECONDS 20
#define LOOK_NANOSECONDS 5000000

/* Domains' consoles and rings are many descriptors. */
#define DESCRIPTORS 65536

static const struct mount {
    const char *source, *place, *type, *options;
} mounts[] = {
    {"proc", "/proc", "proc", NULL},
    {"sysfs", "/sys", "sysfs", NULL},
    {"devtmpfs", "/dev", "devtmpfs", NULL},
    /* Where xenconsoled finds terminals for its guests. */
    {"devpts", "/dev/pts", "devpts", "mode=620,ptmxmode=666"},
    {"tmpfs", "/dev/shm", "tmpfs", NULL},
    {"tmpfs", "/run", "tmpfs", NULL},
    {"tmpfs", "/tmp", "tmpfs", NULL},
};

/* After the modules. */
static const struct mount later[] = {
    {"xenfs", "/proc/xen", "xenfs", NULL},
    {"rumprun.host", "/lab/host", "9p", "trans=virtio,version=9p2000.L,msize=262144,cache=none"},
};

static const char *const directories[] = {
    "/proc", "/sys", "/dev", "/run", "/tmp", "/lab/host", "/root", "/var/lib/xen", "/var/log/xen",
    "/var/lib/xenstored",
};

/* What tmpfs hides is made once that is mounted. */
static const char *const run_directories[] = {"/run/xen", "/run/xenstored", "/run/lock"};

/* The names that devtmpfs leaves to user space; Xen's hotplug scripts lock what they read there. */
static const struct {
    const char *goal, *name;
} links[] = {
    {"/proc/self/fd", "/dev/fd"},
    {"fd/0", "/dev/stdin"},
    {"fd/1", "/dev/stdout"},
    {"fd/2", "/dev/stderr"},
};

void setup_say(const char *format, ...)
{
    char line[256];
    va_list arguments;
    va_start(arguments, format);
    const int length = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    if (length > 0)
        dprintf(STDOUT_FILENO, "rumprun-lab: %s\n", line);
}

/* With those that it is in. */
static void make_directory(const char *path)
{
    char partial[128];
    snprintf(partial, sizeof partial, "%s", path);
    for (char *slash = partial + 1; (slash = strchr(slash, '/')); slash++) {
        *slash = '\0';
        mkdir(partial, 0755);
        *slash = '/';
    }
    mkdir(partial, 0755);
}

static bool mount_one(const struct mount *wanted)
{
    make_directory(wanted->place);
    if (!mount(wanted->source, wanted->place, wanted->type, 0, wanted->options) ||
        /* By the kernel itself. */
        errno == EBUSY)
        return true;
    setup_say("cannot mount %s on %s: %s", wanted->type, wanted->place, strerror(errno));
    return false;
}

static bool load_module(const char *path)
{
    const int file = open(path, O_RDONLY | O_CLOEXEC);
    const long failed = file < 0 ? -1 : syscall(SYS_finit_module, file, "", 0);
    const int why = errno;
    if (file >= 0)
        close(file);
    if (!failed || why == EEXIST)
        return true;
    setup_say("cannot load %s: %s", path, strerror(why));
    return false;
}

static bool load_modules(void)
{
    char line[256];
    FILE *list = fopen(MODULES, "re");
    if (!list) {
        setup_say("%s: %s", MODULES, strerror(errno));
        return false;
    }
    while (fgets(line, sizeof line, list)) {
        line[strcspn(line, "\n")] = '\0';
        /* What is missing shows when it is needed: not every lab needs every module. */
        if (line[0])
            load_module(line);
    }
    fclose(list);
    return true;
}

bool setup_machine(void)
{
    const struct rlimit descriptors = {DESCRIPTORS, DESCRIPTORS};
    for (size_t place = 0; place < sizeof directories / sizeof *directories; place++)
        make_directory(directories[place]);
    for (size_t place = 0; place < sizeof mounts / sizeof *mounts; place++) {
        if (!mount_one(&mounts[place]))
            return false;
    }
    for (size_t place = 0; place < sizeof run_directories / sizeof *run_directories; place++)
        make_directory(run_directories[place]);
    for (size_t place = 0; place < sizeof links / sizeof *links; place++)
        if (symlink(links[place].goal, links[place].name) && errno != EEXIST)
            setup_say("cannot make %s: %s", links[place].name, strerror(errno));
    setrlimit(RLIMIT_NOFILE, &descriptors);
    if (!load_modules())
        return false;
    for (size_t place = 0; place < sizeof later / sizeof *later; place++) {
        if (!mount_one(&later[place]))
            return false;
    }
    if (chdir("/root"))
        return false;
    return true;
}

/* The number at the end of a port's name; CHANNELS where it is not one of ours. */
static unsigned channel_of(const char *port)
{
    char path[300], name[64] = "";
    snprintf(path, sizeof path, PORTS "/%s/name", port);
    FILE *file = fopen(path, "re");
    if (!file)
        return CHANNELS;
    const bool read = fgets(name, sizeof name, file);
    fclose(file);
    const size_t prefix = strlen(PORT_NAME);
    if (!read || strncmp(name, PORT_NAME, prefix) || name[prefix] < '0' ||
        name[prefix] >= '0' + CHANNELS)
        return CHANNELS;
    return (unsigned)(name[prefix] - '0');
}

/* Opens those that have appeared by now; how many are open. */
static unsigned look_for_ports(int ports[CHANNELS])
{
    DIR *list = opendir(PORTS);
    const struct dirent *entry;
    unsigned count = 0;
    while (list && (entry = readdir(list))) {
        char path[300];
        const unsigned channel = entry->d_name[0] == '.' ? CHANNELS : channel_of(entry->d_name);
        if (channel == CHANNELS || ports[channel] >= 0)
            continue;
        snprintf(path, sizeof path, "/dev/%s", entry->d_name);
        ports[channel] = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK);
    }
    if (list)
        closedir(list);
    for (unsigned channel = 0; channel < CHANNELS; channel++)
        count += ports[channel] >= 0;
    return count;
}

bool setup_ports(int ports[CHANNELS])
{
    const struct timespec pause = {.tv_nsec = LOOK_NANOSECONDS};
    const time_t limit = time(NULL) + PORTS_SECONDS;
    for (unsigned channel = 0; channel < CHANNELS; channel++)
        ports[channel] = -1;
    while (look_for_ports(ports) < CHANNELS) {
        if (time(NULL) > limit) {
            setup_say("no ports " PORT_NAME "* appeared");
            return false;
        }
        nanosleep(&pause, NULL);
    }
    return true;
}
