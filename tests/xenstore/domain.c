/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Domains by hypercalls, for a program in dom0. They are of the PV kind, with one page; its frame
 * is what the store maps by the grant reserved for it, and what the program maps as well. As they
 * never run, they cannot send events: the store is woken by another connection.
 */
#include "store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <xen/domctl.h>
#include <xen/event_channel.h>
#include <xen/grant_table.h>
#include <xen/memory.h>
#include <xen/sched.h>
#include <xen/sys/privcmd.h>

#define PAGE ((size_t)4096)
/* The versions of the interface from Xen 4.17 on in which what is used here is the same. */
#define DOMCTL_OLDEST 0x15u
#define DOMCTL_NEWEST 0x18u
#define DOMAINS_LOOKED_AT 64

static int privcmd;
static uint32_t version;
/* What hypercalls are given has to stay where it is. */
static union {
    struct xen_domctl domctl;
    struct xen_memory_reservation reservation;
    struct evtchn_alloc_unbound unbound;
    struct sched_remote_shutdown shutdown;
} *argument;
static xen_pfn_t *frame;

static long call(uint64_t number, uint64_t first, uint64_t second)
{
    struct privcmd_hypercall hypercall = {.op = number, .arg = {first, second}};
    const long result = ioctl(privcmd, IOCTL_PRIVCMD_HYPERCALL, &hypercall);
    return result < 0 ? -errno : result;
}

static struct xen_domctl *begin_control(uint32_t command, domid_t id)
{
    memset(argument, 0, sizeof *argument);
    argument->domctl.cmd = command;
    argument->domctl.interface_version = version;
    argument->domctl.domain = id;
    return &argument->domctl;
}

static long control(void)
{
    long result;
    do
        result = call(__HYPERVISOR_domctl, (uintptr_t)argument, 0);
    while (result == -EAGAIN || result == -EBUSY);
    return result;
}

void domains_begin(void)
{
    privcmd = open("/dev/xen/privcmd", O_RDWR | O_CLOEXEC);
    char *pages = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED | MAP_POPULATE, -1, 0);
    if (privcmd < 0 || pages == MAP_FAILED)
        fail("/dev/xen/privcmd: %s", strerror(errno));
    argument = (void *)pages;
    frame = (void *)(pages + PAGE);
    for (version = DOMCTL_OLDEST; version <= DOMCTL_NEWEST; version++) {
        (void)begin_control(XEN_DOMCTL_getdomaininfo, 0);
        if (control() == 0)
            return;
    }
    fail("the hypervisor's interface is unknown");
}

domid_t domain_of_store(void)
{
    for (domid_t id = 1; id < DOMAINS_LOOKED_AT; id++) {
        const struct xen_domctl *asked = begin_control(XEN_DOMCTL_getdomaininfo, id);
        if (control() == 0 && asked->u.getdomaininfo.domain == id &&
            (asked->u.getdomaininfo.flags & XEN_DOMINF_xs_domain))
            return id;
    }
    return 0;
}

static void *map_frame(domid_t id, xen_pfn_t number)
{
    void *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, privcmd, 0);
    int error = 0;
    struct privcmd_mmapbatch_v2 batch = {1, id, (uintptr_t)page, &number, &error};
    if (page == MAP_FAILED || ioctl(privcmd, IOCTL_PRIVCMD_MMAPBATCH_V2, &batch) || error)
        fail("domain %u: its frame is not mapped: %s", id, strerror(error ? -error : errno));
    return page;
}

/* The page becomes what the grant says that is reserved for the store. */
static void grant(const struct domain *domain)
{
    const domid_t store = domain_of_store();
    struct grant_entry_v1 *table = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, privcmd, 0);
    struct privcmd_mmap_resource resource = {.dom = domain->id, .num = 1,
                                             .type = XENMEM_resource_grant_table,
                                             .id = XENMEM_resource_grant_table_id_shared,
                                             .addr = (uintptr_t)table};
    if (table == MAP_FAILED || ioctl(privcmd, IOCTL_PRIVCMD_MMAP_RESOURCE, &resource))
        fail("domain %u: its grants are not mapped: %s", domain->id, strerror(errno));
    struct grant_entry_v1 *entry = &table[GNTTAB_RESERVED_XENSTORE];
    entry->domid = store;
    entry->frame = (uint32_t)domain->frame;
    __sync_synchronize();
    entry->flags = GTF_permit_access;
    munmap(table, PAGE);
}

static void populate(struct domain *domain)
{
    struct xen_domctl *limit = begin_control(XEN_DOMCTL_max_mem, domain->id);
    limit->u.max_mem.max_memkb = 64;
    if (control() != 0)
        fail("domain %u: no limit of memory", domain->id);
    *frame = 0;
    argument->reservation = (struct xen_memory_reservation){.nr_extents = 1, .domid = domain->id};
    set_xen_guest_handle(argument->reservation.extent_start, frame);
    const long done = call(__HYPERVISOR_memory_op, XENMEM_populate_physmap, (uintptr_t)argument);
    if (done != 1)
        fail("domain %u: no memory: %ld", domain->id, done);
    domain->frame = *frame;
}

void domain_make(struct domain *domain, domid_t id, struct link *kicker)
{
    struct xen_domctl *create = begin_control(XEN_DOMCTL_createdomain, id);
    create->u.createdomain = (struct xen_domctl_createdomain){
        .max_vcpus = 1, .max_evtchn_port = 31, .max_grant_frames = 1, .max_maptrack_frames = 1,
        .grant_opts = XEN_DOMCTL_GRANT_version(1), .handle = {(uint8_t)(id >> 8), (uint8_t)id},
    };
    const long made = control();
    if (made != 0)
        fail("domain %u is not made: %ld", id, made);
    *domain = (struct domain){.id = id};
    /* It never runs, but Xen tells it of events. */
    struct xen_domctl *processors = begin_control(XEN_DOMCTL_max_vcpus, id);
    processors->u.max_vcpus.max = 1;
    if (control() != 0)
        fail("domain %u: no processor", id);
    populate(domain);
    domain->ring = map_frame(id, domain->frame);
    memset((void *)(uintptr_t)domain->ring, 0, PAGE);
    grant(domain);
    const domid_t store = domain_of_store();
    argument->unbound = (struct evtchn_alloc_unbound){.dom = id, .remote_dom = store};
    if (call(__HYPERVISOR_event_channel_op, EVTCHNOP_alloc_unbound, (uintptr_t)argument) != 0)
        fail("domain %u: no event channel", id);
    domain->port = argument->unbound.port;
    link_ring(&domain->link, domain->ring, kicker);
}

bool domain_introduce(struct domain *domain, struct link *control_link)
{
    struct message answer;
    char text[64];
    const int size = snprintf(text, sizeof text, "%u%c%llu%c%u", domain->id, 0,
                              (unsigned long long)domain->frame, 0, domain->port);
    return link_ask(control_link, XS_INTRODUCE, 0, text, (size_t)size + 1, &answer) &&
           answer.head.type == XS_INTRODUCE;
}

void domain_shutdown(const struct domain *domain, unsigned reason)
{
    argument->shutdown = (struct sched_remote_shutdown){.domain_id = domain->id, .reason = reason};
    const long done = call(__HYPERVISOR_sched_op, SCHEDOP_remote_shutdown, (uintptr_t)argument);
    if (done != 0)
        fail("domain %u is not shut down: %ld", domain->id, done);
}

void domain_destroy(struct domain *domain)
{
    munmap((void *)(uintptr_t)domain->ring, PAGE);
    domain->ring = NULL;
    (void)begin_control(XEN_DOMCTL_destroydomain, domain->id);
    const long done = control();
    if (done != 0)
        fail("domain %u is not destroyed: %ld", domain->id, done);
}

bool domain_is_known(domid_t id, struct link *control_link)
{
    struct message answer;
    char text[8];
    (void)snprintf(text, sizeof text, "%u", id);
    if (!link_ask_string(control_link, XS_IS_DOMAIN_INTRODUCED, text, &answer))
        fail("the store does not answer domain 0");
    return is_answer(&answer, "T");
}

void domain_wait_forgotten(domid_t id, struct link *control_link)
{
    const uint64_t end = now_ns() + 30000000000ull;
    while (domain_is_known(id, control_link)) {
        if (now_ns() > end)
            fail("domain %u has ended, and the store does not see it", id);
        usleep(1000);
    }
}
