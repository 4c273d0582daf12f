/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the base knows of Xen, by the public interface in /usr/include/xen. The machine is a PVH
 * guest: all that Xen has for it appears at addresses of the machine's memory ("frames").
 */
#ifndef RUMPRUN_XEN_GUEST_H
#define RUMPRUN_XEN_GUEST_H

#include "base.h"
#include "device.h"
#include "memory.h"
#include "xen/xenbus_ring.h"

#define __XEN_INTERFACE_VERSION__ __XEN_LATEST_INTERFACE_VERSION__
#include <xen/xen.h>
#include <xen/event_channel.h>
#include <xen/grant_table.h>

struct file;
struct file_operations;
struct node;

/* Frames that are not the machine's own memory are mapped here, each at its address; cached. */
#define MEMORY_XEN 0xffffb80000000000

/* hypercall.c: calls into Xen; results are as system calls'. */

bool xen_is_here(void);
int64_t xen_hypercall(unsigned number, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e);
/* For those with a command and a structure, which is the most usual. */
static inline int64_t xen_operation(unsigned number, unsigned command, void *with)
{
    return xen_hypercall(number, command, (uintptr_t)with, 0, 0, 0);
}
int64_t xen_parameter(uint32_t number, uint64_t *value);
int64_t xen_set_parameter(uint32_t number, uint64_t value);
extern struct shared_info *xen_shared;

/* frames.c: frames at which there is no memory, for what Xen puts there. */

void frames_begin(void);
/* 0: there are none left. */
physical_t frame_get(void);
void frame_put(physical_t frame);
/* For the base itself, for ever; NULL without memory. */
void *frame_map(physical_t frame);
/* Xen's shared info or a part of the grant table appears there. */
int64_t frame_fill(physical_t frame, unsigned space, uint64_t index);

/* event.c: event channels. A port belongs to whoever set its handler. */

typedef void event_handler(void *with, evtchn_port_t port);
void events_begin(void);
/* A port, or -errno. */
int64_t event_bind_interdomain(domid_t domain, evtchn_port_t port);
int64_t event_bind_unbound(domid_t domain);
int64_t event_bind_virq(uint32_t virq);
void event_close(evtchn_port_t port);
/* Called from the interrupt, each time. Unmasks the port. */
int event_handle(evtchn_port_t port, event_handler *handler, void *with);
bool event_has_handler(evtchn_port_t port);
/* What was set with that handler, or NULL where the port has another. */
void *event_with(evtchn_port_t port, event_handler *handler);
int64_t event_send(evtchn_port_t port);
void event_mask(evtchn_port_t port);
void event_unmask(evtchn_port_t port);

/* grant.c: memory that is shared with other domains. */

void grants_begin(void);
/* The reference, or -errno. */
int64_t grant_page(domid_t domain, physical_t page, bool read_only);
/* False: the other domain still uses it. */
bool grant_end(grant_ref_t reference);
/* Another domain's page appears at a frame. */
int64_t grant_map(physical_t frame, domid_t domain, grant_ref_t reference, bool read_only,
                  grant_handle_t *handle);
void grant_unmap(physical_t frame, grant_handle_t handle);
/* What a program's page is to do when it goes: struct ioctl_gntdev_unmap_notify. */
struct grant_notice {
    uint32_t action, port;
    uint64_t index;
};
/* Checks that it may be set for a mapping of that size. */
int grant_notice_check(const struct grant_notice *notice, uint64_t size, bool read_only);
/* The page of the mapping, at that index, goes; it is still at this address for the base. */
void grant_notice_give(struct grant_notice *notice, uint64_t index, void *page);

/* console.c */
void xen_console_begin(void);
void xen_console_listen(void);

/* xenbus.c: the client of the xenstore; see xenbus_ring.h for the messages. */

/* Owns the reply; NULL: the connection broke, or memory ran out. From the interrupt. */
typedef void store_done(void *with, struct store_message *reply);
void xenbus_begin(void);
bool xenbus_is_there(void);
/* The bytes are copied. done may be NULL. */
int store_send(uint32_t type, uint32_t transaction, const void *bytes, size_t size,
               store_done *done, void *with);
/* Waits for the reply; an error is -errno. */
int store_ask(uint32_t type, const void *bytes, size_t size, struct store_message **reply);

struct store_watch {
    struct list all;
    uint32_t token;
    /* Owns the event: its path, and then whatever. From the interrupt. */
    void (*event)(struct store_watch *watch, struct store_message *event);
};
int store_watch(struct store_watch *watch, const char *path, store_done *done, void *with);
/* No event comes any more. */
void store_unwatch(struct store_watch *watch, const char *path);

/* shutdown.c: what the xenstore's control/shutdown asks for. */
void xen_control_begin(void);
/* It is to end, and the toolstack then starts it anew. */
extern bool xen_begins_again;

/* The files of programs: each opens one of its kind. */
int event_file_open(struct node *node, int flags, struct file **opened);
int grant_file_open(struct node *node, int flags, struct file **opened);
int share_file_open(struct node *node, int flags, struct file **opened);
int privcmd_file_open(struct node *node, int flags, struct file **opened);
int xenbus_file_open(struct node *node, int flags, struct file **opened);
/* As /dev/xen/gntdev, with one grant at offset 0. */
int grant_file_open_one(struct node *node, int flags, domid_t domain, grant_ref_t reference,
                        struct file **opened);
/* devices.c: a file that is its data, which may be NULL: there was no memory; 0 or -ENOMEM. */
int xen_file_open(const struct file_operations *operations, struct node *node, int flags,
                  void *data, struct file **opened);

/* store_page.c: the files of a xenstored, where this domain is started for one. */
void store_page_begin(void);

#endif
