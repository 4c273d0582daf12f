/* SPDX-License-Identifier: BSD-2-Clause */
/* What the toolstack asks for: it writes into the xenstore how the machine is to end. */
#include "xen/guest.h"

#include <xen/io/xs_wire.h>

#define KEY "control/shutdown"

#define REBOOT "reboot"

bool xen_begins_again;

static bool means_end(const char *order)
{
    static const char *const orders[] = {"poweroff", "halt", REBOOT};
    for (size_t i = 0; i < ARRAY_SIZE(orders); i++) {
        if (strcmp(order, orders[i]) == 0)
            return true;
    }
    return false;
}

/* The empty value that is written back says that the order was seen. */
static void take_order(void *unused, struct store_message *reply)
{
    (void)unused;
    if (reply && reply->head.type == XS_READ && means_end(reply->bytes)) {
        (void)store_send(XS_WRITE, 0, KEY, sizeof KEY, NULL, NULL);
        xen_begins_again = strcmp(reply->bytes, REBOOT) == 0;
        if (machine_stop)
            machine_stop();
    }
    heap_put(reply);
}

static void control_changed(struct store_watch *watch, struct store_message *event)
{
    (void)watch;
    heap_put(event);
    (void)store_send(XS_READ, 0, KEY, sizeof KEY, take_order, NULL);
}

void xen_control_begin(void)
{
    static struct store_watch watch = {.event = control_changed};
    if (xenbus_is_there() && store_watch(&watch, KEY, NULL, NULL) != 0)
        say("xenstore: %s cannot be watched", KEY);
}
