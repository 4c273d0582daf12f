/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What joins the base with its devices, in xen/, virtio/ and net/: each says here what it offers,
 * and is asked to begin by devices.c, which knows the kinds of machine.
 */
#ifndef RUMPRUN_DEVICE_H
#define RUMPRUN_DEVICE_H

#include "base.h"
#include "memory.h"
#include "thread.h"

/* interrupt.c: interrupts. Handlers must not wait. */

typedef void interrupt_handler(void *with);
/* The vector that a device is to send (MSI), or 0 where there are none left. */
unsigned interrupt_vector(interrupt_handler *handler, void *with);
/* Sends what comes in at this pin of the I/O APIC to that vector. */
void interrupt_route(unsigned pin, unsigned vector, bool level);
/* From now on the gates of interrupts are not present, and each comes as the fault that this makes:
   where Xen runs in QEMU without KVM, it would come twice otherwise (doc/pvh-board.md). */
void interrupts_by_fault(void);
/* MSI's address and data for a vector. */
#define INTERRUPT_MESSAGE_ADDRESS 0xfee00000u
/* A function that runs as soon as the interrupt is over, or the base would be left: it may take
   longer, but must not wait either. All zeros with run set is one at rest. */
struct deferred {
    struct deferred *next;
    bool queued;
    void (*run)(struct deferred *deferred);
};
void deferred_queue(struct deferred *deferred);
void deferred_run(void);

/* console.c: where the base and the programs' consoles write, and read. */

struct console_device {
    struct console_device *next;
    const char *name;
    /* All of it, waiting for the device where it must. */
    void (*write)(struct console_device *device, const char *bytes, size_t size);
    /* At most so many that have come in; 0: none. console_input when there may be some. */
    size_t (*read)(struct console_device *device, char *bytes, size_t size);
    /* console.c: what the command line makes of it. */
    bool is_console, is_control;
};
void console_add(struct console_device *device);
/* The command line is known now: chooses among those that were added before. */
void consoles_choose(void);
void console_write(const char *bytes, size_t size);
/* At most so many bytes that have come in at any console. */
size_t console_read(char *bytes, size_t size);
/* A device has something to read; from its interrupt. */
void console_input(struct console_device *device);
/* Who is called by console_input, and is to read: console_file.c. */
extern void (*console_owner)(struct console_device *device);

/* The line with the exit status goes to the device that rumprun.control= on the command line names.
 */
void console_control(const char *line);

/* start.c: what the machine was started with. */

/* Reads the start info and takes over memory. */
void start_begin(physical_t info);
/* In bytes, of the root archive behind the base (MEMORY_BASE's base_end). */
uint64_t start_root_size(void);

struct start_module {
    physical_t start;
    uint64_t size;
};
extern const char *start_words;                       /* the command line */
/* The value of "name=value" in it, ended by a space or NUL; its length, or -1. */
int64_t start_option(const char *name, const char **value);
size_t start_modules(struct start_module *modules, size_t most);
/* 0 where there is none. */
extern physical_t start_acpi;

/* Network devices, for net/. */
struct net_part {
    const void *bytes;
    size_t size;
};
struct net_device {
    struct net_device *next;
    const char *name;
    uint8_t address[6];
    uint16_t mtu;
    /* Sends a frame that consists of parts; false where there is no room. */
    bool (*send)(struct net_device *device, const struct net_part *parts, size_t count);
    /* Set by net/: a frame came in; the bytes are the driver's again when it returns. */
    void (*receive)(struct net_device *device, const void *frame, size_t size);
    /* Set by net/: there is room again. */
    void (*room)(struct net_device *device);
    bool (*carrier)(struct net_device *device);
    void *data, *user;
};
__attribute__((weak)) void net_device_add(struct net_device *device);
/* Whether a program of this machine listens at that port of TCP. */
__attribute__((weak)) bool net_listens(uint16_t port);

/* Block device: read and write wait for the device. Sectors of 512 bytes. */
struct block_device {
    struct block_device *next;
    char name[8];
    uint64_t sectors;
    bool read_only;
    int (*transfer)(struct block_device *device, uint64_t sector, void *bytes, size_t sectors,
                    bool write);
    int (*flush)(struct block_device *device);
    void *data;
};
void block_device_add(struct block_device *device);

/* Each kind of device, if it was linked in. */
__attribute__((weak)) void virtio_begin(void);
/* Before the start info is read: its memory map, where Xen's builder left it out. */
__attribute__((weak)) void xen_complete_start(physical_t info);
/* Before anything else: whether this is a Xen guest, its clock, console and hypercalls. */
__attribute__((weak)) bool xen_begin(void);
/* What Xen offers besides: xenbus, event channels, grants, and their files. */
__attribute__((weak)) void xen_devices_begin(void);
__attribute__((weak)) void net_begin(void);
/* The configuration's section "net"; false with a message that says why not. */
struct config_net;
__attribute__((weak)) bool net_apply(const struct config_net *net, char *message, size_t size);
/* Ends a Xen guest; returns where there is no Xen. reason is SHUTDOWN_poweroff or _crash. */
__attribute__((weak)) void xen_shutdown(unsigned reason);
/* The time stamp counter's frequency, and the nanoseconds since 1970, where Xen keeps the time. */
__attribute__((weak)) bool xen_clock(uint64_t *frequency, uint64_t *epoch);
/* The value of a key in the xenstore, below the domain's own directory: its length without the NUL,
   -ENOENT where there is no such key or no xenstore, -EFBIG. Waits. */
__attribute__((weak)) int64_t xen_store_read(const char *key, char *text, size_t size);
/* Whether init-xenstore-domain has started this domain, to serve the store. */
__attribute__((weak)) bool xen_store_serves(void);
/*
 * The arguments of the program that does: first, and then the words of the command line. The
 * caller's, to put back; NULL: no memory.
 */
__attribute__((weak)) char **xen_store_arguments(char *const *first);

/* entrypoint.c: asks the programs to end, as a power button does. From an interrupt. */
__attribute__((weak)) void machine_stop(void);

#endif
