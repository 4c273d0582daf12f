/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Applies a runtime configuration that config.h has read, by Linux's system calls through the C
 * library: one function for each section, for whoever is the machine's first process.
 *
 *     static struct config_devices devices;
 *     static struct config_leases leases;
 *     struct config_apply_error error;
 *     if (!config_apply_hostname(config.hostname, &error) ||
 *         !config_apply_net(&config.net, &leases, &error) ||
 *         !config_apply_blk(&config.blk, &devices, &error) ||
 *         !config_apply_mount(&config.mount, &devices, &error))
 *         complain(error.path, error.message);
 *
 * Each may be left out, or replaced by something of the caller's own. There is no state outside of
 * what the caller passes, nothing is allocated, nothing is printed and nothing ends the process.
 * A section that is empty is applied without asking the kernel for anything; but see net. /proc has
 * to be mounted for net with inet6 and for mount without fstype, /dev (as devtmpfs) for blk.
 */
#ifndef RUMPRUN_APPLY_H
#define RUMPRUN_APPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config.h"

/* How long a device of the document may take to appear, which drivers look for on their own. */
#define CONFIG_DEVICE_SECONDS 5
/* How long the servers of one interface may take to answer, over all that is sent again. */
#define CONFIG_DHCP_SECONDS 15
/* How long an address of IPv6 may take until it can be used: the kernel asks twice for a router. */
#define CONFIG_INET6_SECONDS 8

#define CONFIG_MESSAGE_SIZE 320
#define CONFIG_DEVICE_SIZE 24
#define CONFIG_INTERFACE_SIZE 16
#define CONFIG_DOMAIN_SIZE 65

/* Why something could not be applied. Long texts are cut. */
struct config_apply_error {
    /* Such as net.interfaces.eth0, as config_error has it. */
    char path[CONFIG_PATH_SIZE];
    /* What failed, with the system's reason, such as "cannot mount /dev/vda: Invalid argument". */
    char message[CONFIG_MESSAGE_SIZE];
};

/* All functions that return a bool return false after they have filled in the error. */

/* apply_hostname.c: the whole of it is the machine's name, domain and all; NULL leaves it alone. */
bool config_apply_hostname(const char *hostname, struct config_apply_error *error);

/*
 * apply_env.c: the environment of a program.
 *
 * The result has the program's own variables in their order, with the values of the document where
 * it has the name, and then those that are the document's alone. Its strings are the program's own
 * where nothing changed, which have to stay as long.
 */
struct config_environment {
    /* The caller's room, of at least these sizes; the last of the variables is NULL. */
    char **variables;
    size_t variables_size;
    char *text;
    size_t text_size;
};

/* Sets the two sizes to what config_apply_env needs. own ends with NULL, as environ does. */
void config_measure_env(const struct config_env *env, char *const *own,
                        struct config_environment *result);
/* Fails only where there is too little room. */
bool config_apply_env(const struct config_env *env, char *const *own,
                      struct config_environment *result, struct config_apply_error *error);

/* apply_net.c: interfaces, addresses, routes and /etc/resolv.conf. */

/* What a DHCP server lent to an interface; addresses are in the order of the network. */
struct config_lease {
    char interface[CONFIG_INTERFACE_SIZE];
    uint8_t address[4], server[4], router[4];
    uint8_t prefix;
    bool has_router;
    /* 0: the server does not say. */
    uint16_t mtu;
    size_t nameserver_count;
    uint8_t nameservers[CONFIG_NAMESERVERS][4];
    /* Empty: the server does not say. Otherwise of the schema's form of domains. */
    char domain[CONFIG_DOMAIN_SIZE];
    /* From the request on; UINT32_MAX: for ever. renew <= rebind <= seconds. */
    uint32_t seconds, renew, rebind;
    /* When it was asked for, in milliseconds of CLOCK_BOOTTIME. */
    int64_t since;
    /* The place of the interface in the document. */
    size_t place;
};

struct config_leases {
    size_t count;
    struct config_lease leases[CONFIG_INTERFACES];
};

/*
 * The loopback interface is brought up in any case, also where the document has no section net.
 *
 * The n-th interface of the document without "create" is the machine's n-th network device in the
 * order of the kernel, and gets the name in the document. With "create" the name says what is made:
 * bridge0 or br0 a bridge, tun0 a TUN device, dummy0 a dummy, and all others a TAP device, for a
 * program that opens it. "lo" is always the loopback interface.
 *
 * A router or a name server that DHCP names is used where the document has none: routers of IPv4
 * for routes, name servers for /etc/resolv.conf. That file is left as it is where nobody names
 * either a name server or a domain. Of several routers of a family the first is preferred.
 *
 * Fails where no DHCP server answers within CONFIG_DHCP_SECONDS. Addresses of method auto are
 * awaited for CONFIG_INET6_SECONDS and then left to the kernel, which takes them when a router
 * speaks; it knows no name servers by that way. Interfaces without that method ignore
 * routers' advertisements.
 *
 * leases are those of DHCP, for config_keep_leases. A lease that is not kept ends, and nothing
 * takes its address away then.
 */
bool config_apply_net(const struct config_net *net, struct config_leases *leases,
                      struct config_apply_error *error);

/*
 * Renews the leases as they ask for it, for a process of its own. With no leases, or none that
 * ends, returns true at once; otherwise it goes on until something fails that is not the servers'
 * silence. Where a lease could not be renewed its address is taken away, and a new one is asked for
 * every minute. net is the document's section again.
 */
bool config_keep_leases(const struct config_net *net, struct config_leases *leases,
                        struct config_apply_error *error);

/* apply_blk.c: block devices. */

struct config_devices {
    /* NULL: nobody has applied the section; then each block's device is its path. */
    const struct config_blk *blk;
    /* The device of blk->blocks[i] where that is not its path, otherwise empty. */
    char own[CONFIG_BLOCKS][CONFIG_DEVICE_SIZE];
};

/*
 * Waits for disks, up to CONFIG_DEVICE_SECONDS each, and gives files their loop devices. What is
 * readonly cannot be written to after this, disks included. devices refers to blk.
 */
bool config_apply_blk(const struct config_blk *blk, struct config_devices *devices,
                      struct config_apply_error *error);

/* The path of the block's device. */
const char *config_device_path(const struct config_devices *devices,
                               const struct config_block *block);

/* apply_mount.c: file systems. */

/*
 * Mounts in the order of the document; directories that are missing are made. Options are those of
 * mount(8) where the kernel has a flag for them, and otherwise the file system's. A block device
 * that is readonly is mounted so. kernfs is proc, with nosuid, nodev and noexec unless the options
 * say otherwise. Without a "trans=" among the options 9p tries virtio, then Xen.
 */
bool config_apply_mount(const struct config_mount *mount, const struct config_devices *devices,
                        struct config_apply_error *error);

#endif
