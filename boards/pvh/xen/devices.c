/* SPDX-License-Identifier: BSD-2-Clause */
/* The files below /dev/xen and /proc/xen, by the names that Linux has for them. */
#include "xen/guest.h"

#include <errno.h>
#include <sys/stat.h>

#include "file.h"

static struct device_file events = {
    .name = "xen/evtchn", .mode = S_IFCHR | 0600, .open = event_file_open};
static struct device_file grants = {
    .name = "xen/gntdev", .mode = S_IFCHR | 0600, .open = grant_file_open};
static struct device_file shares = {
    .name = "xen/gntalloc", .mode = S_IFCHR | 0600, .open = share_file_open};
static struct device_file hypercalls = {
    .name = "xen/privcmd", .mode = S_IFCHR | 0600, .open = privcmd_file_open};
static struct device_file store = {
    .name = "xen/xenbus", .mode = S_IFCHR | 0600, .open = xenbus_file_open};

/* Only the first domain has any. */
static size_t write_capabilities(char *text, size_t size)
{
    if (size > 0)
        text[0] = '\0';
    return 0;
}

static struct proc_file capabilities = {.name = "xen/capabilities", .write = write_capabilities};
static struct proc_file proc_hypercalls = {.name = "xen/privcmd", .open = privcmd_file_open};
static struct proc_file proc_store = {.name = "xen/xenbus", .open = xenbus_file_open};

void xen_devices_begin(void)
{
    if (!xen_shared)
        return;
    events_begin();
    grants_begin();
    xen_console_listen();
    xenbus_begin();
    xen_control_begin();
    device_file_add(&events);
    device_file_add(&grants);
    device_file_add(&shares);
    device_file_add(&hypercalls);
    proc_file_add(&capabilities);
    proc_file_add(&proc_hypercalls);
    store_page_begin();
    if (xenbus_is_there()) {
        device_file_add(&store);
        proc_file_add(&proc_store);
    }
}
