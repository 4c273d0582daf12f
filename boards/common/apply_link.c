/* SPDX-License-Identifier: BSD-2-Clause */
/* Interfaces: which is which, those that we make, and their state. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_arp.h>
#include <linux/if_tun.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "apply_net.h"
#include "apply_netlink.h"

#define PAUSE_MS 20
#define LINKS 64

_Static_assert(CONFIG_INTERFACE_SIZE == IFNAMSIZ, "names are as long as the kernel has them");

static const char loopback[] = "lo";

struct link {
    int index;
    unsigned flags;
    char name[IFNAMSIZ];
    /* Whether it is a network device of the machine. */
    bool device;
    bool has_hardware;
    uint8_t hardware[6];
};

struct links {
    size_t count;
    struct link links[LINKS];
};

/*
 * What programs and administrators make has a kind, such as "bridge"; a device of the machine has
 * none. A container's end of a veth is its network device.
 */
static bool is_device(const struct netlink_answer *answer, const struct ifinfomsg *facts)
{
    size_t length = 0, size = 0;
    if (facts->ifi_type != ARPHRD_ETHER)
        return false;
    const void *information = config_netlink_find(answer, sizeof *facts, IFLA_LINKINFO, 0, &length);
    const char *kind = information
                           ? config_netlink_find_in(information, length, IFLA_INFO_KIND, 1, &size)
                           : NULL;
    return !kind || (size >= 4 && memcmp(kind, "veth", 4) == 0);
}

static void take_link(void *context, const struct netlink_answer *answer)
{
    struct links *links = context;
    struct ifinfomsg facts;
    size_t size = 0;
    if (answer->type != RTM_NEWLINK || answer->length < sizeof facts || links->count == LINKS)
        return;
    memcpy(&facts, answer->body, sizeof facts);
    const char *name = config_netlink_find(answer, sizeof facts, IFLA_IFNAME, 1, &size);
    if (!name || size > IFNAMSIZ)
        return;
    struct link *link = &links->links[links->count++];
    *link = (struct link){.index = facts.ifi_index, .flags = facts.ifi_flags};
    /* The size counts a NUL. */
    memcpy(link->name, name, size - 1);
    link->device = is_device(answer, &facts);
    const void *hardware = config_netlink_find(answer, sizeof facts, IFLA_ADDRESS, 1, &size);
    link->has_hardware = hardware && size == 6 && facts.ifi_type == ARPHRD_ETHER;
    if (link->has_hardware)
        memcpy(link->hardware, hardware, 6);
}

/* All interfaces, in the order in which the kernel made them: 0 or an errno. */
static int read_links(struct net *net, struct links *links)
{
    const struct ifinfomsg any = {0};
    struct netlink_request request;
    links->count = 0;
    config_netlink_begin(&request, RTM_GETLINK, 0, &any, sizeof any);
    const int reason = config_netlink_list(net->fd, &request, take_link, links);
    /* The kernel walks through a table of its own. */
    for (size_t i = 1; i < links->count; i++) {
        const struct link link = links->links[i];
        size_t place = i;
        for (; place > 0 && links->links[place - 1].index > link.index; place--)
            links->links[place] = links->links[place - 1];
        links->links[place] = link;
    }
    return reason;
}

static const struct link *find_name(const struct links *links, const char *name)
{
    for (size_t i = 0; i < links->count; i++) {
        if (strcmp(links->links[i].name, name) == 0)
            return &links->links[i];
    }
    return NULL;
}

static const struct link *find_index(const struct links *links, int index)
{
    for (size_t i = 0; i < links->count; i++) {
        if (links->links[i].index == index)
            return &links->links[i];
    }
    return NULL;
}

static int set_flags(struct net *net, int index, unsigned flags)
{
    const struct ifinfomsg change = {
        .ifi_index = index, .ifi_flags = flags, .ifi_change = IFF_UP};
    struct netlink_request request;
    config_netlink_begin(&request, RTM_NEWLINK, 0, &change, sizeof change);
    return config_netlink_do(net->fd, &request);
}

/* Only an interface that is down can be renamed. */
static int rename_link(struct net *net, int index, const char *name)
{
    const struct ifinfomsg change = {.ifi_index = index, .ifi_change = IFF_UP};
    struct netlink_request request;
    int reason = set_flags(net, index, 0);
    if (reason)
        return reason;
    config_netlink_begin(&request, RTM_NEWLINK, 0, &change, sizeof change);
    config_netlink_put(&request, IFLA_IFNAME, name, strlen(name) + 1);
    return config_netlink_do(net->fd, &request);
}

/* Gives the device the name; who has it gets the device's, if it is one, too. */
static int take_name(struct net *net, struct links *links, const struct link *device,
                     const char *name)
{
    char aside[IFNAMSIZ];
    const struct link *other = find_name(links, name);
    if (other == device)
        return 0;
    if (other && !other->device)
        return EEXIST;
    snprintf(aside, sizeof aside, "rename%d", device->index);
    int reason = other ? rename_link(net, other->index, aside) : 0;
    if (!reason)
        reason = rename_link(net, device->index, name);
    if (!reason && other)
        reason = rename_link(net, other->index, device->name);
    return reason ? reason : read_links(net, links);
}

static bool is_of_machine(const struct config_interface *interface)
{
    return !interface->create && strcmp(interface->name, loopback) != 0;
}

/* The machine's device of that number, from 0; NULL: there are fewer. */
static const struct link *find_device(const struct links *links, size_t number)
{
    for (size_t i = 0; i < links->count; i++) {
        if (links->links[i].device && number-- == 0)
            return &links->links[i];
    }
    return NULL;
}

/* Drivers make their devices late. */
static const struct link *await_device(struct net *net, struct links *links, size_t number)
{
    const int64_t end = config_now() + CONFIG_DEVICE_SECONDS * 1000;
    for (;;) {
        const int reason = read_links(net, links);
        if (reason) {
            config_apply_fail(net->error, "cannot list the interfaces: %s", strerror(reason));
            return NULL;
        }
        const struct link *device = find_device(links, number);
        if (device)
            return device;
        if (config_now() >= end) {
            config_apply_fail(net->error,
                              "the machine has no network device %zu, not within %d seconds",
                              number + 1, CONFIG_DEVICE_SECONDS);
            return NULL;
        }
        config_sleep(PAUSE_MS);
    }
}

/* A persistent TUN or TAP device, which programs open by its name. */
static int make_tun(const char *name, short kind)
{
    struct ifreq request = {0};
    const int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT || errno == ENODEV ? EOPNOTSUPP : errno;
    strncpy(request.ifr_name, name, IFNAMSIZ - 1);
    request.ifr_flags = (short)(kind | IFF_NO_PI | (short)IFF_TUN_EXCL);
    int reason = ioctl(fd, TUNSETIFF, &request) == 0 ? 0 : errno;
    if (!reason && ioctl(fd, TUNSETPERSIST, 1) != 0)
        reason = errno;
    close(fd);
    return reason;
}

static int make_kind(struct net *net, const char *name, const char *kind)
{
    const struct ifinfomsg any = {0};
    struct netlink_request request;
    unsigned char inner[sizeof(struct rtattr) + IFNAMSIZ] = {0};
    const size_t length = strlen(kind) + 1;
    const struct rtattr attribute = {.rta_len = (uint16_t)(sizeof attribute + length),
                                     .rta_type = IFLA_INFO_KIND};
    memcpy(inner, &attribute, sizeof attribute);
    memcpy(inner + sizeof attribute, kind, length);
    config_netlink_begin(&request, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &any, sizeof any);
    config_netlink_put(&request, IFLA_IFNAME, name, strlen(name) + 1);
    config_netlink_put(&request, IFLA_LINKINFO, inner, attribute.rta_len);
    return config_netlink_do(net->fd, &request);
}

/* The name without its number says what it is, as it does where interfaces are cloned. */
static int make_link(struct net *net, const char *name)
{
    const size_t stem = strcspn(name, "0123456789._-");
    if ((stem == 2 && memcmp(name, "br", 2) == 0) || (stem == 6 && memcmp(name, "bridge", 6) == 0))
        return make_kind(net, name, "bridge");
    if (stem == 5 && memcmp(name, "dummy", 5) == 0) {
        const int reason = make_kind(net, name, "dummy");
        /* The first one is there as soon as its driver is. */
        return reason == EEXIST && strcmp(name, "dummy0") == 0 ? 0 : reason;
    }
    return make_tun(name, stem == 3 && memcmp(name, "tun", 3) == 0 ? IFF_TUN : IFF_TAP);
}

static bool create_link(struct net *net, size_t place)
{
    struct links links;
    const char *name = net->document->interfaces[place].name;
    int reason = make_link(net, name);
    if (reason == EOPNOTSUPP)
        return config_apply_fail(net->error, "the kernel makes no interfaces of this kind");
    if (!reason)
        reason = read_links(net, &links);
    if (reason)
        return config_apply_fail(net->error, "cannot make the interface: %s", strerror(reason));
    const struct link *link = find_name(&links, name);
    if (!link)
        return config_apply_fail(net->error, "the interface is gone as soon as it is made");
    net->index[place] = link->index;
    return true;
}

static bool find_link(struct net *net, size_t place, size_t number)
{
    struct links links;
    const char *name = net->document->interfaces[place].name;
    const struct link *device = await_device(net, &links, number);
    if (!device)
        return false;
    /* What device points to is read again there. */
    const int index = device->index;
    const int reason = take_name(net, &links, device, name);
    if (reason)
        return config_apply_fail(net->error, "cannot call network device %zu so: %s", number + 1,
                                 strerror(reason));
    net->index[place] = index;
    return true;
}

bool config_net_find_links(struct net *net)
{
    size_t number = 0;
    for (size_t i = 0; i < net->document->interface_count; i++) {
        const struct config_interface *interface = &net->document->interfaces[i];
        config_apply_at(net->error, "net", "interfaces", interface->name);
        if (is_of_machine(interface) && !find_link(net, i, number++))
            return false;
    }
    /* Afterwards, so that what is made takes no name that a device gets. */
    for (size_t i = 0; i < net->document->interface_count; i++) {
        const struct config_interface *interface = &net->document->interfaces[i];
        config_apply_at(net->error, "net", "interfaces", interface->name);
        if (interface->create && !create_link(net, i))
            return false;
    }
    return true;
}

int config_net_find_names(struct net *net)
{
    struct links links;
    const int reason = read_links(net, &links);
    for (size_t i = 0; !reason && i < net->document->interface_count; i++) {
        const struct link *link = find_name(&links, net->document->interfaces[i].name);
        if (!link)
            return ENODEV;
        net->index[i] = link->index;
    }
    return reason;
}

bool config_net_bring_up(struct net *net, size_t place)
{
    const int reason = set_flags(net, net->index[place], IFF_UP);
    return !reason ||
           config_apply_fail(net->error, "cannot bring it up: %s", strerror(reason));
}

bool config_net_apply_loopback(struct net *net)
{
    struct links links;
    config_apply_at(net->error, "net", NULL, NULL);
    int reason = read_links(net, &links);
    const struct link *link = reason ? NULL : find_name(&links, loopback);
    if (!reason)
        reason = link ? set_flags(net, link->index, IFF_UP) : ENODEV;
    if (reason)
        return config_apply_fail(net->error, "cannot bring the loopback interface up: %s",
                                 strerror(reason));
    for (size_t i = 0; i < net->document->interface_count; i++) {
        if (strcmp(net->document->interfaces[i].name, loopback) == 0)
            net->index[i] = link->index;
    }
    return true;
}

bool config_net_await_carrier(struct net *net, size_t place, int64_t until)
{
    struct links links;
    for (;;) {
        const struct link *link =
            read_links(net, &links) == 0 ? find_index(&links, net->index[place]) : NULL;
        if (link && (link->flags & IFF_RUNNING))
            return true;
        if (config_now() >= until)
            return false;
        config_sleep(PAUSE_MS);
    }
}

bool config_net_read_hardware(struct net *net, size_t place, uint8_t hardware[6])
{
    struct links links;
    const struct link *link =
        read_links(net, &links) == 0 ? find_index(&links, net->index[place]) : NULL;
    if (!link || !link->has_hardware)
        return config_apply_fail(net->error, "method dhcp is for Ethernet, which this is not");
    memcpy(hardware, link->hardware, 6);
    return true;
}

int config_net_set_mtu(struct net *net, size_t place, uint16_t mtu)
{
    const struct ifinfomsg change = {.ifi_index = net->index[place]};
    struct netlink_request request;
    config_netlink_begin(&request, RTM_NEWLINK, 0, &change, sizeof change);
    config_netlink_put_number(&request, IFLA_MTU, mtu);
    return config_netlink_do(net->fd, &request);
}
