/* SPDX-License-Identifier: BSD-2-Clause */
/* /dev/xen/gntdev: other domains' pages for programs, by Linux's xen/gntdev.h. */
#include "xen/guest.h"

#include <errno.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include <xen/sys/gntdev.h>

#include "file.h"
#include "program.h"

#define GRANTS_MOST 65536u

struct granted {
    domid_t domain;
    grant_ref_t reference;
    /* Valid while it is mapped, which is while there is a frame. */
    grant_handle_t handle;
    physical_t frame;
};

/* What was asked for at once; it is mapped as a whole, and goes page by page. */
struct grant_set {
    struct list all;
    uint64_t index;
    uint32_t count, mapped;
    bool forgotten, read_only;
    struct grant_notice notice;
    struct granted pages[];
};

struct grant_file {
    struct list sets;
    /* Where the next set begins; none is used again. */
    uint64_t end;
};

static struct grant_set *find_set(struct grant_file *grants, uint64_t index)
{
    LIST_EACH(place, &grants->sets) {
        struct grant_set *set = LIST_ENTRY(place, struct grant_set, all);
        if (index >= set->index && index - set->index < (uint64_t)set->count * PAGE_SIZE)
            return set;
    }
    return NULL;
}

static void put_set(struct grant_set *set)
{
    if (!set->forgotten || set->mapped > 0)
        return;
    list_remove(&set->all);
    heap_put(set);
}

/* Of an offset and count as a program says them; NULL where there is no such set. */
static struct grant_set *named_set(struct grant_file *grants, uint64_t index, uint64_t count)
{
    struct grant_set *set = find_set(grants, index);
    return set && !set->forgotten && set->index == index && set->count == count ? set : NULL;
}

static int map_page(struct grant_set *set, struct granted *page, uint64_t address)
{
    page->frame = frame_get();
    if (!page->frame)
        return -ENOMEM;
    const int64_t result =
        grant_map(page->frame, page->domain, page->reference, set->read_only, &page->handle);
    if (result == 0 && paging_map(address, page->frame, set->read_only ? 0 : PAGING_WRITE)) {
        set->mapped++;
        return 0;
    }
    if (result == 0)
        grant_unmap(page->frame, page->handle);
    frame_put(page->frame);
    page->frame = 0;
    return result == 0 ? -ENOMEM : (int)result;
}

static int grants_map(struct file *file, struct region *region)
{
    struct grant_set *set =
        named_set(file->data, region->offset, (region->end - region->start) / PAGE_SIZE);
    const bool write = region->protection & PROT_WRITE;
    if (!set || set->mapped > 0 || (write && !(region->flags & MAP_SHARED)))
        return -EINVAL;
    set->read_only = !write;
    for (uint32_t i = 0; i < set->count; i++) {
        const int error = map_page(set, &set->pages[i], region->start + (uint64_t)i * PAGE_SIZE);
        if (error)
            return error;
    }
    return 0;
}

static void grants_unmap(struct file *file, struct region *region, uint64_t start, uint64_t end)
{
    for (uint64_t address = start; address < end; address += PAGE_SIZE) {
        const uint64_t index = region->offset + (address - region->start);
        struct grant_set *set = find_set(file->data, index);
        struct granted *page = set ? &set->pages[(index - set->index) / PAGE_SIZE] : NULL;
        /* A mapping that was refused is none of the set. */
        if (!page || !page->frame || paging_find(address, NULL) != page->frame)
            continue;
        grant_notice_give(&set->notice, index - set->index, (void *)(uintptr_t)address);
        (void)paging_unmap(address, NULL);
        grant_unmap(page->frame, page->handle);
        frame_put(page->frame);
        page->frame = 0;
        set->mapped--;
        put_set(set);
    }
}

/* Xen was asked for no more than reading; nor could a private page be copied at the first write:
   the base itself has the other domain's memory nowhere. */
static int grants_protect(struct file *file, const struct region *region, int protection)
{
    const struct grant_set *set = find_set(file->data, region->offset);
    return set && set->read_only && (protection & PROT_WRITE) ? -EACCES : 0;
}

static struct grant_set *make_set(uint32_t count)
{
    struct grant_set *set = heap_get(sizeof *set + count * sizeof *set->pages);
    if (set)
        set->count = count;
    return set;
}

static void add_set(struct grant_file *grants, struct grant_set *set)
{
    set->index = grants->end;
    grants->end += (uint64_t)set->count * PAGE_SIZE;
    list_add_last(&grants->sets, &set->all);
}

static int64_t take_set(struct grant_file *grants, uint64_t argument)
{
    struct ioctl_gntdev_map_grant_ref wanted;
    const size_t head = offsetof(struct ioctl_gntdev_map_grant_ref, refs);
    if (!copy_in(&wanted, argument, head))
        return -EFAULT;
    if (wanted.count == 0 || wanted.count > GRANTS_MOST)
        return -EINVAL;
    struct grant_set *set = make_set(wanted.count);
    if (!set)
        return -ENOMEM;
    wanted.index = grants->end;
    bool copied = copy_out(argument, &wanted, head);
    for (uint32_t i = 0; i < wanted.count && copied; i++) {
        struct ioctl_gntdev_grant_ref one;
        copied = copy_in(&one, argument + head + i * sizeof one, sizeof one);
        if (copied)
            set->pages[i] = (struct granted){.domain = (domid_t)one.domid, .reference = one.ref};
    }
    if (!copied) {
        heap_put(set);
        return -EFAULT;
    }
    add_set(grants, set);
    return 0;
}

static int64_t forget_set(struct grant_file *grants, uint64_t argument)
{
    struct ioctl_gntdev_unmap_grant_ref gone;
    if (!copy_in(&gone, argument, sizeof gone))
        return -EFAULT;
    struct grant_set *set = named_set(grants, gone.index, gone.count);
    if (!set)
        return -ENOENT;
    set->forgotten = true;
    put_set(set);
    return 0;
}

static int64_t tell_offset(struct file *file, uint64_t argument)
{
    struct ioctl_gntdev_get_offset_for_vaddr offset;
    if (!copy_in(&offset, argument, sizeof offset))
        return -EFAULT;
    const struct region *region = space_find(&program_current()->space, offset.vaddr);
    if (!region || region->file != file)
        return -EINVAL;
    const struct grant_set *set =
        find_set(file->data, region->offset + (offset.vaddr - region->start));
    if (!set)
        return -EINVAL;
    offset.offset = set->index;
    offset.count = set->count;
    return copy_out(argument, &offset, sizeof offset) ? 0 : -EFAULT;
}

static int64_t set_notice(struct grant_file *grants, uint64_t argument)
{
    struct ioctl_gntdev_unmap_notify wanted;
    if (!copy_in(&wanted, argument, sizeof wanted))
        return -EFAULT;
    struct grant_set *set = find_set(grants, wanted.index);
    if (!set || set->forgotten)
        return -ENOENT;
    const struct grant_notice notice = {.action = wanted.action, .port = wanted.event_channel_port,
                                        .index = wanted.index - set->index};
    const int error =
        grant_notice_check(&notice, (uint64_t)set->count * PAGE_SIZE, set->read_only);
    if (!error)
        set->notice = notice;
    return error;
}

static int64_t grants_control(struct file *file, unsigned request, uint64_t argument)
{
    switch (request) {
    case IOCTL_GNTDEV_MAP_GRANT_REF:
        return take_set(file->data, argument);
    case IOCTL_GNTDEV_UNMAP_GRANT_REF:
        return forget_set(file->data, argument);
    case IOCTL_GNTDEV_GET_OFFSET_FOR_VADDR:
        return tell_offset(file, argument);
    case IOCTL_GNTDEV_SET_UNMAP_NOTIFY:
        return set_notice(file->data, argument);
    default:
        return -ENOTTY;
    }
}

/* Mappings keep the file, so none is left. */
static void grants_release(struct file *file)
{
    struct grant_file *grants = file->data;
    LIST_EACH(place, &grants->sets)
        heap_put(LIST_ENTRY(place, struct grant_set, all));
    heap_put(grants);
}

static const struct file_operations grant_operations = {
    .name = "gntdev",
    .control = grants_control,
    .map = grants_map,
    .unmap = grants_unmap,
    .protect = grants_protect,
    .release = grants_release,
};

int grant_file_open(struct node *node, int flags, struct file **opened)
{
    struct grant_file *grants = heap_get(sizeof *grants);
    if (grants)
        list_begin(&grants->sets);
    return xen_file_open(&grant_operations, node, flags, grants, opened);
}

int grant_file_open_one(struct node *node, int flags, domid_t domain, grant_ref_t reference,
                        struct file **opened)
{
    struct grant_set *set = make_set(1);
    const int error = set ? grant_file_open(node, flags, opened) : -ENOMEM;
    if (error) {
        heap_put(set);
        return error;
    }
    set->pages[0] = (struct granted){.domain = domain, .reference = reference};
    add_set((*opened)->data, set);
    return 0;
}
