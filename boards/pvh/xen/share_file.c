/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * /dev/xen/gntalloc: pages of ours for other domains, by Linux's xen/gntalloc.h. A page lives as
 * long as it is allocated, mapped, or used by the other domain.
 */
#include "xen/guest.h"

#include <errno.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include <xen/sys/gntalloc.h>

#include "file.h"
#include "program.h"

#define SHARES_MOST 1024u

struct share {
    struct list all;
    uint64_t index;
    physical_t page;
    grant_ref_t reference;
    bool allocated;
    unsigned mappings;
    struct grant_notice notice;
};

struct share_file {
    struct list shares;
    uint64_t end;
};

/* What other domains have not let go of yet. */
static struct list lingering = {&lingering, &lingering};
static uint32_t share_count;

static bool end_share(struct share *share)
{
    if (!grant_end(share->reference))
        return false;
    page_put(share->page);
    list_remove(&share->all);
    heap_put(share);
    share_count--;
    return true;
}

static void end_lingering(void)
{
    LIST_EACH(place, &lingering)
        (void)end_share(LIST_ENTRY(place, struct share, all));
}

static void put_share(struct share *share)
{
    if (share->allocated || share->mappings > 0)
        return;
    grant_notice_give(&share->notice, 0, page_pointer(share->page));
    if (end_share(share))
        return;
    list_remove(&share->all);
    list_add_last(&lingering, &share->all);
}

static struct share *find_share(struct share_file *file, uint64_t index)
{
    LIST_EACH(place, &file->shares) {
        struct share *share = LIST_ENTRY(place, struct share, all);
        if (share->index == round_down(index, PAGE_SIZE))
            return share;
    }
    return NULL;
}

static struct share *find_allocated(struct share_file *file, uint64_t index)
{
    struct share *share = find_share(file, index);
    return share && share->allocated ? share : NULL;
}

static int64_t add_share(struct share_file *file, domid_t domain, bool read_only)
{
    struct share *share = heap_get(sizeof *share);
    const physical_t page = share ? page_get() : 0;
    const int64_t reference = page ? grant_page(domain, page, read_only) : -ENOMEM;
    if (reference < 0) {
        if (page)
            page_put(page);
        heap_put(share);
        return reference;
    }
    share->index = file->end;
    share->page = page;
    share->reference = (grant_ref_t)reference;
    share->allocated = true;
    file->end += PAGE_SIZE;
    list_add_last(&file->shares, &share->all);
    share_count++;
    return reference;
}

/* The pages of that index and count are allocated no more. */
static void forget(struct share_file *file, uint64_t index, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        struct share *share = find_share(file, index + (uint64_t)i * PAGE_SIZE);
        share->allocated = false;
        put_share(share);
    }
}

static int64_t allocate(struct share_file *file, uint64_t argument)
{
    struct ioctl_gntalloc_alloc_gref wanted;
    const size_t head = offsetof(struct ioctl_gntalloc_alloc_gref, gref_ids);
    if (!copy_in(&wanted, argument, head))
        return -EFAULT;
    end_lingering();
    if (wanted.count == 0 || wanted.count > SHARES_MOST - MIN(share_count, SHARES_MOST))
        return wanted.count == 0 ? -EINVAL : -ENOSPC;
    wanted.index = file->end;
    int64_t result = copy_out(argument, &wanted, head) ? 0 : -EFAULT;
    uint32_t done = 0;
    while (done < wanted.count && result >= 0) {
        result = add_share(file, wanted.domid, !(wanted.flags & GNTALLOC_FLAG_WRITABLE));
        if (result < 0)
            break;
        const uint32_t reference = (uint32_t)result;
        const uint64_t place = argument + head + done++ * sizeof reference;
        result = copy_out(place, &reference, sizeof reference) ? 0 : -EFAULT;
    }
    if (result < 0)
        forget(file, wanted.index, done);
    return result < 0 ? result : 0;
}

static int64_t deallocate(struct share_file *file, uint64_t argument)
{
    struct ioctl_gntalloc_dealloc_gref gone;
    if (!copy_in(&gone, argument, sizeof gone))
        return -EFAULT;
    for (uint32_t i = 0; i < gone.count; i++) {
        if (!find_allocated(file, gone.index + (uint64_t)i * PAGE_SIZE))
            return -EINVAL;
    }
    forget(file, gone.index, gone.count);
    end_lingering();
    return 0;
}

static int64_t set_notice(struct share_file *file, uint64_t argument)
{
    struct ioctl_gntalloc_unmap_notify wanted;
    if (!copy_in(&wanted, argument, sizeof wanted))
        return -EFAULT;
    struct share *share = find_allocated(file, wanted.index);
    if (!share)
        return -ENOENT;
    const struct grant_notice notice = {.action = wanted.action, .port = wanted.event_channel_port,
                                        .index = wanted.index % PAGE_SIZE};
    const int error = grant_notice_check(&notice, PAGE_SIZE, false);
    if (!error)
        share->notice = notice;
    return error;
}

static int64_t shares_control(struct file *file, unsigned request, uint64_t argument)
{
    switch (request) {
    case IOCTL_GNTALLOC_ALLOC_GREF:
        return allocate(file->data, argument);
    case IOCTL_GNTALLOC_DEALLOC_GREF:
        return deallocate(file->data, argument);
    case IOCTL_GNTALLOC_SET_UNMAP_NOTIFY:
        return set_notice(file->data, argument);
    default:
        return -ENOTTY;
    }
}

static int shares_map(struct file *file, struct region *region)
{
    if (!(region->flags & MAP_SHARED))
        return -EINVAL;
    const unsigned how = region->protection & PROT_WRITE ? PAGING_WRITE : 0;
    for (uint64_t address = region->start; address < region->end; address += PAGE_SIZE) {
        const uint64_t index = region->offset + (address - region->start);
        struct share *share = find_allocated(file->data, index);
        if (!share)
            return -ENOENT;
        if (!paging_map(address, share->page, how))
            return -ENOMEM;
        share->mappings++;
    }
    return 0;
}

static void shares_unmap(struct file *file, struct region *region, uint64_t start, uint64_t end)
{
    for (uint64_t address = start; address < end; address += PAGE_SIZE) {
        if (!paging_unmap(address, NULL))
            continue;
        struct share *share = find_share(file->data, region->offset + (address - region->start));
        share->mappings--;
        put_share(share);
    }
}

/* Mappings keep the file, so none is left. */
static void shares_release(struct file *file)
{
    struct share_file *shares = file->data;
    LIST_EACH(place, &shares->shares) {
        struct share *share = LIST_ENTRY(place, struct share, all);
        share->allocated = false;
        put_share(share);
    }
    heap_put(shares);
}

static const struct file_operations share_operations = {
    .name = "gntalloc",
    .control = shares_control,
    .map = shares_map,
    .unmap = shares_unmap,
    .release = shares_release,
};

int share_file_open(struct node *node, int flags, struct file **opened)
{
    struct share_file *shares = heap_get(sizeof *shares);
    if (shares)
        list_begin(&shares->shares);
    return xen_file_open(&share_operations, node, flags, shares, opened);
}
