/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * /dev/xen/evtchn: event channels for programs, by Linux's xen/evtchn.h. A port that an event came in
 * at stays masked until the program writes its number, so it waits to be read once at most.
 */
#include "xen/guest.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>

#include <xen/sys/evtchn.h>

#include "file.h"

#define UNRESTRICTED DOMID_INVALID

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

static int64_t bind_interdomain(struct event_file *events, uint64_t argument)
{
    struct ioctl_evtchn_bind_interdomain bind;
    if (!copy_in(&bind, argument, sizeof bind))
        return -EFAULT;
    if (!may_bind(events, bind.remote_domain))
        return -EACCES;
    const domid_t domain = (domid_t)MIN(bind.remote_domain, (unsigned)DOMID_INVALID);
    return add_port(events, event_bind_interdomain(domain, bind.remote_port));
}

static int64_t bind_unbound(struct event_file *events, uint64_t argument)
{
    struct ioctl_evtchn_bind_unbound_port bind;
    if (!copy_in(&bind, argument, sizeof bind))
        return -EFAULT;
    if (!may_bind(events, bind.remote_domain))
        return -EACCES;
    const domid_t domain = (domid_t)MIN(bind.remote_domain, (unsigned)DOMID_INVALID);
    return add_port(events, event_bind_unbound(domain));
}

static int64_t bind_virq(struct event_file *events, uint64_t argument)
{
    struct ioctl_evtchn_bind_virq bind;
    if (!copy_in(&bind, argument, sizeof bind))
        return -EFAULT;
    if (events->domain != UNRESTRICTED)
        return -EACCES;
    return add_port(events, event_bind_virq(bind.virq));
}

static int64_t unbind(struct event_file *events, uint64_t argument)
{
    struct ioctl_evtchn_unbind gone;
    if (!copy_in(&gone, argument, sizeof gone))
        return -EFAULT;
    struct port *port = find_port(events, gone.port);
    if (!port)
        return -ENOTCONN;
    close_port(port);
    return 0;
}

static int64_t notify(struct event_file *events, uint64_t argument)
{
    struct ioctl_evtchn_notify wanted;
    if (!copy_in(&wanted, argument, sizeof wanted))
        return -EFAULT;
    if (!find_port(events, wanted.port))
        return -ENOTCONN;
    (void)event_send(wanted.port);
    return 0;
}

static int64_t reset(struct event_file *events)
{
    LIST_EACH(place, &events->pending)
        list_remove(place);
    return 0;
}

static int64_t restrict_to(struct event_file *events, uint64_t argument)
{
    struct ioctl_evtchn_restrict_domid wanted;
    if (!copy_in(&wanted, argument, sizeof wanted))
        return -EFAULT;
    if (events->domain != UNRESTRICTED)
        return -EACCES;
    if (wanted.domid >= DOMID_FIRST_RESERVED)
        return -EINVAL;
    events->domain = wanted.domid;
    return 0;
}

static int64_t events_control(struct file *file, unsigned request, uint64_t argument)
{
    switch (request) {
    case IOCTL_EVTCHN_BIND_VIRQ:
        return bind_virq(file->data, argument);
    case IOCTL_EVTCHN_BIND_INTERDOMAIN:
        return bind_interdomain(file->data, argument);
    case IOCTL_EVTCHN_BIND_UNBOUND_PORT:
        return bind_unbound(file->data, argument);
    case IOCTL_EVTCHN_UNBIND:
        return unbind(file->data, argument);
    case IOCTL_EVTCHN_NOTIFY:
        return notify(file->data, argument);
    case IOCTL_EVTCHN_RESET:
        return reset(file->data);
    case IOCTL_EVTCHN_RESTRICT_DOMID:
        return restrict_to(file->data, argument);
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
    if (!events)
        return -ENOMEM;
    list_begin(&events->ports);
    list_begin(&events->pending);
    events->domain = UNRESTRICTED;
    *opened = file_make(&event_operations, node, flags, events);
    if (!*opened)
        heap_put(events);
    return *opened ? 0 : -ENOMEM;
}
