/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A guest's emulated interface and its paravirtual one have the same hardware address and backend.
 * The stub domain has that backend's interface; a bridge of its own joins it with QEMU's TAP device.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <linux/if_tun.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "device_model.h"

#define TUN "/dev/net/tun"
#define INTERFACES "/sys/class/net/*/device/nodename"
#define INTERFACES_PREFIX "/sys/class/net/"

#define LOOKS 2000
#define LOOK_NANOSECONDS 10000000

#define HARDWARE_BYTES 6

static void set_name(struct ifreq *request, const char *name)
{
    if (!*name || strlen(name) >= sizeof request->ifr_name)
        fail("%s is no name for an interface", name);
    memset(request, 0, sizeof *request);
    strcpy(request->ifr_name, name);
}

static void control(int socket, int what, struct ifreq *request, const char *doing)
{
    if (ioctl(socket, what, request))
        fail("cannot %s %s: %s", doing, request->ifr_name, strerror(errno));
}

static void switch_on(int socket, const char *name)
{
    struct ifreq request;
    set_name(&request, name);
    control(socket, SIOCGIFFLAGS, &request, "look at");
    request.ifr_flags |= IFF_UP;
    control(socket, SIOCSIFFLAGS, &request, "switch on");
}

/* A TAP device that is there before QEMU opens it, and stays. */
static void make_tap(const char *name)
{
    struct ifreq request;
    set_name(&request, name);
    request.ifr_flags = IFF_TAP | IFF_NO_PI;
    const int device = open(TUN, O_RDWR | O_CLOEXEC);
    if (device < 0)
        fail(TUN ": %s", strerror(errno));
    if (ioctl(device, TUNSETIFF, &request) || ioctl(device, TUNSETPERSIST, 1))
        fail("cannot make the device %s: %s", name, strerror(errno));
    close(device);
}

/* Writes the interface whose place in xenstore is device/vif/NUMBER; false where there is none. */
static bool find_interface(unsigned long number, char name[IFNAMSIZ])
{
    bool found = false;
    glob_t paths;
    if (glob(INTERFACES, 0, NULL, &paths))
        return false;
    for (size_t place = 0; place < paths.gl_pathc && !found; place++) {
        char node[64] = "";
        FILE *file = fopen(paths.gl_pathv[place], "re");
        if (!file)
            continue;
        char *wanted = text("device/vif/%lu\n", number);
        found = fgets(node, sizeof node, file) && !strcmp(node, wanted);
        free(wanted);
        fclose(file);
        const char *start = paths.gl_pathv[place] + strlen(INTERFACES_PREFIX);
        if (found)
            snprintf(name, IFNAMSIZ, "%.*s", (int)strcspn(start, "/"), start);
    }
    globfree(&paths);
    return found;
}

static void wait_for_interface(unsigned long number, char name[IFNAMSIZ])
{
    const struct timespec pause = {.tv_nsec = LOOK_NANOSECONDS};
    for (int look = 0; !find_interface(number, name); look++) {
        if (look == LOOKS)
            fail("interface %lu does not appear: its backend does not answer", number);
        nanosleep(&pause, NULL);
    }
}

/*
 * The way out must not have the guest's hardware address, or the bridge would keep for itself what
 * is sent to the guest. This is the address that Xen's own scripts give to backends.
 */
static void give_away_address(int socket, const char *name)
{
    static const unsigned char address[HARDWARE_BYTES] = {0xfe, 0xff, 0xff, 0xff, 0xff, 0xff};
    struct ifreq request;
    set_name(&request, name);
    request.ifr_hwaddr.sa_family = ARPHRD_ETHER;
    memcpy(request.ifr_hwaddr.sa_data, address, sizeof address);
    control(socket, SIOCSIFHWADDR, &request, "change the address of");
}

static void add_to_bridge(int socket, const char *bridge, const char *name)
{
    struct ifreq request;
    set_name(&request, bridge);
    request.ifr_ifindex = (int)if_nametoindex(name);
    control(socket, SIOCBRADDIF, &request, "fill the bridge");
    switch_on(socket, name);
}

static void join(int socket, unsigned long number, const char *tap)
{
    char way_out[IFNAMSIZ];
    char *bridge = text("br%lu", number);
    make_tap(tap);
    wait_for_interface(number, way_out);
    give_away_address(socket, way_out);
    if (ioctl(socket, SIOCBRADDBR, bridge))
        fail("cannot make the bridge %s: %s", bridge, strerror(errno));
    add_to_bridge(socket, bridge, way_out);
    add_to_bridge(socket, bridge, tap);
    switch_on(socket, bridge);
    free(bridge);
}

void network_join(const struct words *words)
{
    const int control_socket = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (control_socket < 0)
        fail("no network: %s", strerror(errno));
    for (size_t place = 0; place < words->count; place++) {
        unsigned long number;
        char tap[IFNAMSIZ];
        const char *word = words->word[place];
        if (strncmp(word, "type=tap,", strlen("type=tap,")))
            continue;
        /* libxl__build_device_model_args_new() */
        if (sscanf(word, "type=tap,id=net%lu,ifname=%15[^,],", &number, tap) != 2)
            fail("cannot read the interface in: %s", word);
        join(control_socket, number, tap);
    }
    close(control_socket);
}
