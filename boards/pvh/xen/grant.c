/* SPDX-License-Identifier: BSD-2-Clause */
/* Grant tables of version 1: our pages for other domains, and theirs for us. */
#include "xen/guest.h"

#include <errno.h>

#include <xen/memory.h>
/* domid_t is what it needs. */
#include <xen/sys/gntdev.h>

#define TABLES_MOST 64u
#define ENTRIES ((grant_ref_t)(PAGE_SIZE / sizeof(struct grant_entry_v1)))

static struct grant_entry_v1 *tables[TABLES_MOST];
static uint32_t table_count, tables_most;
/* Free entries: each has the next one's number as its frame. The first ones are Xen's tools'. */
static grant_ref_t free_first;

static struct grant_entry_v1 *entry_of(grant_ref_t reference)
{
    return &tables[reference / ENTRIES][reference % ENTRIES];
}

static void put_free(grant_ref_t reference)
{
    entry_of(reference)->frame = free_first;
    free_first = reference;
}

static int64_t operate(unsigned command, void *with)
{
    return xen_hypercall(__HYPERVISOR_grant_table_op, command, (uintptr_t)with, 1, 0, 0);
}

static bool add_table(void)
{
    if (table_count >= tables_most)
        return false;
    const physical_t frame = frame_get();
    if (!frame)
        return false;
    void *table = NULL;
    if (frame_fill(frame, XENMAPSPACE_grant_table, table_count) == 0)
        table = frame_map(frame);
    if (!table) {
        frame_put(frame);
        return false;
    }
    const grant_ref_t first = table_count * ENTRIES;
    tables[table_count++] = table;
    for (grant_ref_t i = first + ENTRIES; i-- > MAX(first, GNTTAB_NR_RESERVED_ENTRIES);)
        put_free(i);
    return true;
}

void grants_begin(void)
{
    struct gnttab_query_size size = {.dom = DOMID_SELF};
    (void)operate(GNTTABOP_query_size, &size);
    tables_most = size.status == GNTST_okay ? MIN(size.max_nr_frames, TABLES_MOST) : 0;
}

int64_t grant_page(domid_t domain, physical_t page, bool read_only)
{
    if (!free_first && !add_table())
        return -ENOSPC;
    const grant_ref_t reference = free_first;
    struct grant_entry_v1 *entry = entry_of(reference);
    free_first = entry->frame;
    entry->domid = domain;
    entry->frame = (uint32_t)(page / PAGE_SIZE);
    const uint16_t flags = GTF_permit_access | (read_only ? GTF_readonly : 0);
    __atomic_store_n(&entry->flags, flags, __ATOMIC_RELEASE);
    return reference;
}

bool grant_end(grant_ref_t reference)
{
    struct grant_entry_v1 *entry = entry_of(reference);
    uint16_t flags = __atomic_load_n(&entry->flags, __ATOMIC_ACQUIRE);
    do {
        if (flags & (GTF_reading | GTF_writing))
            return false;
    } while (!__atomic_compare_exchange_n(&entry->flags, &flags, 0, false, __ATOMIC_ACQ_REL,
                                          __ATOMIC_ACQUIRE));
    put_free(reference);
    return true;
}

static int64_t result_of(int16_t status)
{
    switch (status) {
    case GNTST_okay:
        return 0;
    case GNTST_eagain:
        return -EAGAIN;
    case GNTST_no_space:
        return -ENOSPC;
    case GNTST_permission_denied:
        return -EACCES;
    default:
        return -EINVAL;
    }
}

int64_t grant_map(physical_t frame, domid_t domain, grant_ref_t reference, bool read_only,
                  grant_handle_t *handle)
{
    struct gnttab_map_grant_ref map = {
        .host_addr = frame, .ref = reference, .dom = domain,
        .flags = GNTMAP_host_map | (read_only ? GNTMAP_readonly : 0)};
    const int64_t result = operate(GNTTABOP_map_grant_ref, &map);
    *handle = map.handle;
    return result < 0 ? result : result_of(map.status);
}

void grant_unmap(physical_t frame, grant_handle_t handle)
{
    struct gnttab_unmap_grant_ref unmap = {.host_addr = frame, .handle = handle};
    (void)operate(GNTTABOP_unmap_grant_ref, &unmap);
}

int grant_notice_check(const struct grant_notice *notice, uint64_t size, bool read_only)
{
    if (notice->action & ~(unsigned)(UNMAP_NOTIFY_CLEAR_BYTE | UNMAP_NOTIFY_SEND_EVENT) ||
        notice->index >= size)
        return -EINVAL;
    if (notice->action & UNMAP_NOTIFY_CLEAR_BYTE && read_only)
        return -EINVAL;
    if (notice->action & UNMAP_NOTIFY_SEND_EVENT && !event_has_handler(notice->port))
        return -EINVAL;
    return 0;
}

void grant_notice_give(struct grant_notice *notice, uint64_t index, void *page)
{
    if (!notice->action || notice->index / PAGE_SIZE != index / PAGE_SIZE)
        return;
    if (notice->action & UNMAP_NOTIFY_CLEAR_BYTE)
        (void)copy_bytes((char *)page + notice->index % PAGE_SIZE, "", 1);
    if (notice->action & UNMAP_NOTIFY_SEND_EVENT)
        (void)event_send(notice->port);
    notice->action = 0;
}
