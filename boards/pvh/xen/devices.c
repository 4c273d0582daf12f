/* SPDX-License-Identifier: BSD-2-Clause */
/* The files below /dev/xen and /proc/xen, by the names that Linux has for them. */
#include "xen/guest.h"

#include <errno.h>
#include <sys/stat.h>

#include "file.h"

#define DEVICE_MODE (S_IFCHR | 0600)

static struct device_file devices[] = {
    {.name = "xen/evtchn", .mode = DEVICE_MODE, .open = event_file_open},
    {.name = "xen/gntdev", .mode = DEVICE_MODE, .open = grant_file_open},
    {.name = "xen/gntalloc", .mode = DEVICE_MODE, .open = share_file_open},
    {.name = "xen/privcmd", .mode = DEVICE_MODE, .open = privcmd_file_open},
};
static struct device_file store = {
    .name = "xen/xenbus", .mode = DEVICE_MODE, .open = xenbus_file_open};

/* Only the first domain has any. */
static size_t write_capabilities(char *text, size_t size)
{
    if (size > 0)
        text[0] = '\0';
    return 0;
}

static struct proc_file capabilities = {.name = "xen/capabilities", .write = write_capabilities};
static struct proc_file proc_commands = {.name = "xen/privcmd", .open = privcmd_file_open};
static struct proc_file proc_store = {.name = "xen/xenbus", .open = xenbus_file_open};

int xen_file_open(const struct file_operations *operations, struct node *node, int flags,
                  void *data, struct file **opened)
{
    *opened = data ? file_make(operations, node, flags, data) : NULL;
    if (!*opened)
        heap_put(data);
    return *opened ? 0 : -ENOMEM;
}

void xen_devices_begin(void)
{
    if (!xen_shared)
        return;
    events_begin();
    grants_begin();
    xen_console_listen();
    store_page_begin();
    /* Who serves the store cannot ask for anything in it; since 4.20 it would seem so. */
    if (!xen_store_serves()) {
        xenbus_begin();
        xen_control_begin();
    }
    for (size_t i = 0; i < ARRAY_SIZE(devices); i++)
        device_file_add(&devices[i]);
    proc_file_add(&capabilities);
    proc_file_add(&proc_commands);
    if (xenbus_is_there()) {
        device_file_add(&store);
        proc_file_add(&proc_store);
    }
}
