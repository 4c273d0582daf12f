/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * /dev/xen/evtchn: event channels for programs, by Linux's xen/evtchn.h. A port that an event came
 * in at stays masked until the program writes its number, so it waits to be read once at most.
 */
#include "xen/guest.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>

#include <xen/sys/evtchn.h>

#include "file.h"

#define UNRESTRICTED DOMID_INVALID
/* Where a request's number has its structure's size (linux/ioctl.h). */
#define SIZE_SHIFT 16
#define SIZE_MASK 0x3fffu

struct port {
    struct list all;
    /* In the file's queue of those to be read, or alone. */
    struct list pending;
    struct event_file *file;
    evtchn_port_t number;
    bool masked;
};

struct event_file {
    struct list ports, pending;
    struct wait_queue readers;
    domid_t domain;
};

static void take_event(void *with, evtchn_port_t number)
{
    struct port *port = with;
    event_mask(number);
    port->masked = true;
    if (list_empty(&port->pending))
        list_add_last(&port->file->pending, &port->pending);
    wait_wake_all(&port->file->readers);
}

static struct port *find_port(const struct event_file *events, evtchn_port_t number)
{
    struct port *port = event_with(number, take_event);
    return port && port->file == events ? port : NULL;
}

static void close_port(struct port *port)
{
    event_close(port->number);
    list_remove(&port->pending);
    list_remove(&port->all);
    heap_put(port);
}

/* Takes over the port, a result of the hypercall that bound it. */
static int64_t add_port(struct event_file *events, int64_t number)
{
    if (number < 0)
        return number;
    struct port *port = heap_get(sizeof *port);
    int error = -ENOMEM;
    if (port) {
        port->file = events;
        port->number = (evtchn_port_t)number;
        list_begin(&port->pending);
        list_add_last(&events->ports, &port->all);
        error = event_handle(port->number, take_event, port);
        if (!error)
            return number;
        list_remove(&port->all);
        heap_put(port);
    }
    event_close((evtchn_port_t)number);
    return error;
}

static int64_t read_pending(struct event_file *events, char *bytes, size_t size)
{
    size_t done = 0;
    LIST_EACH(place, &events->pending) {
        struct port *port = LIST_ENTRY(place, struct port, pending);
        if (done + sizeof port->number > size)
            break;
        if (!copy_bytes(bytes + done, &port->number, sizeof port->number))
            return done > 0 ? (int64_t)done : -EFAULT;
        done += sizeof port->number;
        list_remove(&port->pending);
    }
    return (int64_t)done;
}

static int64_t events_read(struct file *file, void *bytes, size_t size, uint64_t *position)
{
    (void)position;
    struct event_file *events = file->data;
    if (size < sizeof(evtchn_port_t))
        return 0;
    while (list_empty(&events->pending)) {
        if (file->flags & O_NONBLOCK)
            return -EAGAIN;
        const int error = wait_on(&events->readers, WAIT_FOR_EVER);
        if (error)
            return error;
    }
    return read_pending(events, bytes, size);
}

static int64_t events_write(struct file *file, const void *bytes, size_t size, uint64_t *position)
{
    (void)position;
    size_t done = 0;
    evtchn_port_t number;
    for (; size - done >= sizeof number; done += sizeof number) {
        if (!copy_bytes(&number, (const char *)bytes + done, sizeof number))
            return done > 0 ? (int64_t)done : -EFAULT;
        struct port *port = find_port(file->data, number);
        if (port && port->masked) {
            port->masked = false;
            event_unmask(number);
        }
    }
    return (int64_t)done;
}

static unsigned events_poll(struct file *file, struct poll_watch *watch)
{
    struct event_file *events = file->data;
    poll_add(watch, &events->readers);
    return POLLOUT | POLLWRNORM | (list_empty(&events->pending) ? 0u : POLLIN | POLLRDNORM);
}

/* Whether a file that is restricted may have to do with that domain. */
static bool may_bind(const struct event_file *events, unsigned domain)
{
    return events->domain == UNRESTRICTED || events->domain == domain;
}

static int64_t bind(struct event_file *events, uint32_t domain, bool unbound, uint32_t port)
{
    if (!may_bind(events, domain))
        return -EACCES;
    const domid_t other = (domid_t)MIN(domain, (uint32_t)DOMID_INVALID);
    return add_port(events, unbound ? event_bind_unbound(other)
                                    : event_bind_interdomain(other, port));
}

static int64_t bind_virq(struct event_file *events, uint32_t virq)
{
    return events->domain == UNRESTRICTED ? add_port(events, event_bind_virq(virq)) : -EACCES;
}

static int64_t unbind(const struct event_file *events, evtchn_port_t number)
{
    struct port *port = find_port(events, number);
    if (!port)
        return -ENOTCONN;
    close_port(port);
    return 0;
}

static int64_t notify(const struct event_file *events, evtchn_port_t number)
{
    if (!find_port(events, number))
        return -ENOTCONN;
    (void)event_send(number);
    return 0;
}

static int64_t reset(struct event_file *events)
{
    LIST_EACH(place, &events->pending)
        list_remove(place);
    return 0;
}

static int64_t restrict_to(struct event_file *events, domid_t domain)
{
    if (events->domain != UNRESTRICTED)
        return -EACCES;
    if (domain >= DOMID_FIRST_RESERVED)
        return -EINVAL;
    events->domain = domain;
    return 0;
}

static int64_t events_control(struct file *file, unsigned request, uint64_t argument)
{
    struct event_file *events = file->data;
    union {
        struct ioctl_evtchn_bind_virq virq;
        struct ioctl_evtchn_bind_interdomain interdomain;
        struct ioctl_evtchn_bind_unbound_port unbound;
        struct ioctl_evtchn_unbind unbind;
        struct ioctl_evtchn_notify notify;
        struct ioctl_evtchn_restrict_domid restrict_domid;
    } with;
    if (!copy_in(&with, argument, MIN(request >> SIZE_SHIFT & SIZE_MASK, sizeof with)))
        return -EFAULT;
    switch (request) {
    case IOCTL_EVTCHN_BIND_VIRQ:
        return bind_virq(events, with.virq.virq);
    case IOCTL_EVTCHN_BIND_INTERDOMAIN:
        return bind(events, with.interdomain.remote_domain, false, with.interdomain.remote_port);
    case IOCTL_EVTCHN_BIND_UNBOUND_PORT:
        return bind(events, with.unbound.remote_domain, true, 0);
    case IOCTL_EVTCHN_UNBIND:
        return unbind(events, with.unbind.port);
    case IOCTL_EVTCHN_NOTIFY:
        return notify(events, with.notify.port);
    case IOCTL_EVTCHN_RESET:
        return reset(events);
    case IOCTL_EVTCHN_RESTRICT_DOMID:
        return restrict_to(events, with.restrict_domid.domid);
    default:
        return -ENOSYS;
    }
}

static void events_release(struct file *file)
{
    struct event_file *events = file->data;
    LIST_EACH(place, &events->ports)
        close_port(LIST_ENTRY(place, struct port, all));
    heap_put(events);
}

static const struct file_operations event_operations = {
    .name = "evtchn",
    .read = events_read,
    .write = events_write,
    .poll = events_poll,
    .control = events_control,
    .release = events_release,
};

int event_file_open(struct node *node, int flags, struct file **opened)
{
    struct event_file *events = heap_get(sizeof *events);
    if (events) {
        list_begin(&events->ports);
        list_begin(&events->pending);
        events->domain = UNRESTRICTED;
    }
    return xen_file_open(&event_operations, node, flags, events, opened);
}
