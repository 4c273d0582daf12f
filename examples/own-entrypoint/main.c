/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A program that is its own entrypoint: main FILE, or /etc/config.json.
 *
 * The configuration library reads the document and applies hostname, blk and mount. The section net
 * is handled here, and knows one form only: a static address of IPv4 for each interface, by its
 * name. What a program does with a network of its own kind would stand in its place.
 */
#define _GNU_SOURCE
#include <config.h>

#include <apply.h>
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static char text[CONFIG_LONGEST_TEXT + 1];
static struct config_storage storage;
static struct config config;
static struct config_devices devices;

/* What the library expects of the machine, which a first process finds empty. */
static int prepare(void)
{
    mkdir("/proc", 0755);
    mkdir("/dev", 0755);
    /* EBUSY: some kernels mount it by themselves. */
    return (mount("proc", "/proc", "proc", 0, "") == 0 || errno == EBUSY) &&
                   (mount("dev", "/dev", "devtmpfs", 0, "") == 0 || errno == EBUSY)
               ? 0
               : -1;
}

static int read_document(const char *path)
{
    struct config_error error;
    size_t length = 0;
    ssize_t got = -1;
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    while (fd >= 0 && length < sizeof text &&
           (got = read(fd, text + length, sizeof text - length)) > 0)
        length += (size_t)got;
    if (fd < 0 || got < 0) {
        printf("cannot read %s: %s\n", path, strerror(errno));
        return -1;
    }
    close(fd);
    if (config_parse(text, length, &storage, &config, &error))
        return 0;
    printf("%s: %s: %s\n", path, error.path, error.message);
    return -1;
}

/* By the ioctls of netdevice(7), of which each is about one interface. */
static int set_address(int fd, const struct config_interface *interface,
                       const struct config_interface_address *address)
{
    struct ifreq request = {0};
    struct sockaddr_in value = {.sin_family = AF_INET};
    strncpy(request.ifr_name, interface->name, sizeof request.ifr_name - 1);
    memcpy(&value.sin_addr, address->address.bytes, 4);
    memcpy(&request.ifr_addr, &value, sizeof value);
    if (ioctl(fd, SIOCSIFADDR, &request) != 0)
        return -1;
    value.sin_addr.s_addr = address->prefix ? htonl(0xffffffffu << (32 - address->prefix)) : 0;
    memcpy(&request.ifr_netmask, &value, sizeof value);
    if (ioctl(fd, SIOCSIFNETMASK, &request) != 0)
        return -1;
    request.ifr_flags = IFF_UP;
    return ioctl(fd, SIOCSIFFLAGS, &request);
}

static int apply_net(const struct config_net *net)
{
    int done = 0;
    const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    for (size_t i = 0; i < net->interface_count && done == 0; i++) {
        const struct config_interface *interface = &net->interfaces[i];
        const struct config_interface_address *address = &interface->addresses[0];
        if (interface->create || interface->count != 1 || address->family != CONFIG_INET ||
            address->method != CONFIG_STATIC) {
            printf("net.interfaces.%s: only one static address of IPv4 is known here\n",
                   interface->name);
            done = -1;
        } else if (set_address(fd, interface, address) != 0) {
            printf("net.interfaces.%s: %s\n", interface->name, strerror(errno));
            done = -1;
        } else {
            printf("%s is up\n", interface->name);
        }
    }
    close(fd);
    return done;
}

static int apply(void)
{
    struct config_apply_error error;
    if (apply_net(&config.net) != 0)
        return -1;
    if (config_apply_hostname(config.hostname, &error) &&
        config_apply_blk(&config.blk, &devices, &error) &&
        config_apply_mount(&config.mount, &devices, &error))
        return 0;
    printf("%s: %s\n", error.path, error.message);
    return -1;
}

/* What the program is for: it lists what it finds in the file systems of the document. */
static int work(void)
{
    for (size_t i = 0; i < config.mount.count; i++) {
        const char *path = config.mount.mounts[i].path;
        size_t count = 0;
        DIR *directory = opendir(path);
        while (directory && readdir(directory))
            count++;
        if (!directory)
            return -1;
        closedir(directory);
        printf("%s is mounted, with %zu entries\n", path, count);
    }
    return 0;
}

int main(int argc, char **argv)
{
    const int first = getpid() == 1;
    if (first && prepare() != 0)
        printf("cannot mount /proc and /dev: %s\n", strerror(errno));
    const char *path = argc > 1 ? argv[1] : "/etc/config.json";
    const int status = read_document(path) == 0 && apply() == 0 && work() == 0 ? 0 : 1;
    printf("status %d\n", status);
    fflush(stdout);
    /* A first process must not end; the kernel would take that for a failure. */
    if (first) {
        sync();
        reboot(RB_POWER_OFF);
    }
    return status;
}
