/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * /dev/xen/privcmd: hypercalls of programs, and other domains' memory, by Linux's xen/privcmd.h.
 * Whether this domain may do any of it is Xen's to say.
 */
#include "xen/guest.h"

#include <errno.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include <xen/hvm/dm_op.h>
#include <xen/memory.h>
#include <xen/sys/privcmd.h>

#include "file.h"
#include "program.h"

#define UNRESTRICTED DOMID_INVALID
#define BUFFERS_MOST 16u

struct command_file {
    domid_t domain;
};

static bool is_restricted(const struct command_file *commands)
{
    return commands->domain != UNRESTRICTED;
}

/* Whether the file may have to do with that domain. */
static bool may_use(const struct command_file *commands, domid_t domain)
{
    return !is_restricted(commands) || commands->domain == domain;
}

static int64_t hypercall(const struct command_file *commands, uint64_t argument)
{
    struct privcmd_hypercall call;
    if (is_restricted(commands))
        return -EPERM;
    if (!copy_in(&call, argument, sizeof call))
        return -EFAULT;
    if (call.op > UINT32_MAX)
        return -ENOSYS;
    return xen_hypercall((unsigned)call.op, call.arg[0], call.arg[1], call.arg[2], call.arg[3],
                         call.arg[4]);
}

/* Xen finds only memory that is there already, and may be written. */
static bool bring_in(uint64_t start, uint64_t size)
{
    const uint64_t end = start + size;
    for (uint64_t address = start; address < end; address = round_down(address, PAGE_SIZE) + PAGE_SIZE) {
        char byte;
        if (!copy_in(&byte, address, 1) || !copy_out(address, &byte, 1))
            return false;
    }
    return true;
}

static int64_t device_model(const struct command_file *commands, uint64_t argument)
{
    struct privcmd_dm_op wanted;
    struct xen_dm_op_buf buffers[BUFFERS_MOST];
    if (!copy_in(&wanted, argument, sizeof wanted))
        return -EFAULT;
    if (!may_use(commands, wanted.dom))
        return -EPERM;
    if (wanted.num > BUFFERS_MOST)
        return -E2BIG;
    for (unsigned i = 0; i < wanted.num; i++) {
        struct privcmd_dm_op_buf buffer;
        if (!copy_in(&buffer, (uintptr_t)&wanted.ubufs[i], sizeof buffer))
            return -EFAULT;
        if (buffer.size > PAGE_SIZE)
            return -E2BIG;
        if (!program_range((uintptr_t)buffer.uptr, buffer.size) ||
            !bring_in((uintptr_t)buffer.uptr, buffer.size))
            return -EFAULT;
        set_xen_guest_handle(buffers[i].h, buffer.uptr);
        buffers[i].size = buffer.size;
    }
    return wanted.num == 0 ? 0
                           : xen_hypercall(__HYPERVISOR_dm_op, wanted.dom, wanted.num,
                                           (uintptr_t)buffers, 0, 0);
}

static int64_t restrict_to(struct command_file *commands, uint64_t argument)
{
    domid_t domain;
    if (!copy_in(&domain, argument, sizeof domain))
        return -EFAULT;
    if (!may_use(commands, domain))
        return -EINVAL;
    commands->domain = domain;
    return 0;
}

/* Whether a mapping of this file is there; its pages come by the calls below. */
static bool is_ours(const struct file *file, uint64_t address, uint64_t pages)
{
    const struct region *region = space_find(&program_current()->space, address);
    return address % PAGE_SIZE == 0 && region && region->file == file &&
           pages <= (region->end - address) / PAGE_SIZE;
}

static void remove_frame(physical_t frame)
{
    struct xen_remove_from_physmap gone = {.domid = DOMID_SELF, .gpfn = frame / PAGE_SIZE};
    (void)xen_operation(__HYPERVISOR_memory_op, XENMEM_remove_from_physmap, &gone);
    frame_put(frame);
}

/* The frame, which has been filled, is mapped there. */
static int show_frame(uint64_t address, physical_t frame)
{
    const struct region *region = space_find(&program_current()->space, address);
    if (paging_find(address, NULL) == 0 &&
        paging_map(address, frame, region->protection & PROT_WRITE ? PAGING_WRITE : 0))
        return 0;
    remove_frame(frame);
    return -ENOMEM;
}

/* One page of another domain. */
static int map_foreign(domid_t domain, xen_pfn_t number, uint64_t address)
{
    const physical_t frame = frame_get();
    if (!frame)
        return -ENOMEM;
    xen_ulong_t index = number;
    xen_pfn_t place = frame / PAGE_SIZE;
    int error = 0;
    struct xen_add_to_physmap_batch batch = {
        .domid = DOMID_SELF, .space = XENMAPSPACE_gmfn_foreign, .size = 1};
    batch.u.foreign_domid = domain;
    set_xen_guest_handle(batch.idxs, &index);
    set_xen_guest_handle(batch.gpfns, &place);
    set_xen_guest_handle(batch.errs, &error);
    const int64_t result =
        xen_operation(__HYPERVISOR_memory_op, XENMEM_add_to_physmap_batch, &batch);
    if (result == 0 && error == 0)
        return show_frame(address, frame);
    frame_put(frame);
    return result < 0 ? (int)result : error;
}

static int64_t map_batch(const struct file *file, uint64_t argument)
{
    struct privcmd_mmapbatch_v2 batch;
    if (!copy_in(&batch, argument, sizeof batch))
        return -EFAULT;
    if (!may_use(file->data, batch.dom))
        return -EPERM;
    if (!is_ours(file, batch.addr, batch.num))
        return -EINVAL;
    int64_t result = 0;
    for (unsigned i = 0; i < batch.num; i++) {
        xen_pfn_t number;
        if (!copy_in(&number, (uintptr_t)&batch.arr[i], sizeof number))
            return -EFAULT;
        const int error = map_foreign(batch.dom, number, batch.addr + (uint64_t)i * PAGE_SIZE);
        if (!copy_out((uintptr_t)&batch.err[i], &error, sizeof error))
            return -EFAULT;
        if (error == -ENOENT)
            result = -ENOENT;
    }
    return result;
}

/* One frame of what Xen has for another domain, such as its grant table. */
static int64_t map_resource_frame(const struct privcmd_mmap_resource *wanted, uint64_t i)
{
    const physical_t frame = frame_get();
    if (!frame)
        return -ENOMEM;
    xen_pfn_t place = frame / PAGE_SIZE;
    struct xen_mem_acquire_resource resource = {.domid = wanted->dom, .type = (uint16_t)wanted->type,
                                                .id = wanted->id, .nr_frames = 1,
                                                .frame = wanted->idx + i};
    set_xen_guest_handle(resource.frame_list, &place);
    const int64_t result = xen_operation(__HYPERVISOR_memory_op, XENMEM_acquire_resource, &resource);
    if (result == 0)
        return show_frame(wanted->addr + i * PAGE_SIZE, frame);
    frame_put(frame);
    return result;
}

static int64_t map_resource(const struct file *file, uint64_t argument)
{
    struct privcmd_mmap_resource wanted;
    if (!copy_in(&wanted, argument, sizeof wanted))
        return -EFAULT;
    if (!may_use(file->data, wanted.dom))
        return -EPERM;
    if (wanted.addr == 0 && wanted.num == 0) {
        struct xen_mem_acquire_resource resource = {
            .domid = wanted.dom, .type = (uint16_t)wanted.type, .id = wanted.id};
        const int64_t result =
            xen_operation(__HYPERVISOR_memory_op, XENMEM_acquire_resource, &resource);
        wanted.num = resource.nr_frames;
        return result < 0 ? result : copy_out(argument, &wanted, sizeof wanted) ? 0 : -EFAULT;
    }
    if (!is_ours(file, wanted.addr, wanted.num))
        return -EINVAL;
    int64_t result = 0;
    for (uint64_t i = 0; i < wanted.num && result == 0; i++)
        result = map_resource_frame(&wanted, i);
    return result;
}

static int64_t commands_control(struct file *file, unsigned request, uint64_t argument)
{
    switch (request) {
    case IOCTL_PRIVCMD_HYPERCALL:
        return hypercall(file->data, argument);
    case IOCTL_PRIVCMD_MMAPBATCH_V2:
        return map_batch(file, argument);
    case IOCTL_PRIVCMD_DM_OP:
        return device_model(file->data, argument);
    case IOCTL_PRIVCMD_RESTRICT:
        return restrict_to(file->data, argument);
    case IOCTL_PRIVCMD_MMAP_RESOURCE:
        return map_resource(file, argument);
    default:
        return -ENOTTY;
    }
}

/* Nothing is mapped yet. */
static int commands_map(struct file *file, struct region *region)
{
    (void)file;
    return region->flags & MAP_SHARED ? 0 : -EINVAL;
}

static void commands_unmap(struct file *file, struct region *region, uint64_t start, uint64_t end)
{
    (void)file, (void)region;
    for (uint64_t address = start; address < end; address += PAGE_SIZE) {
        const physical_t frame = paging_unmap(address, NULL);
        if (frame)
            remove_frame(frame);
    }
}

static void commands_release(struct file *file)
{
    heap_put(file->data);
}

static const struct file_operations command_operations = {
    .name = "privcmd",
    .control = commands_control,
    .map = commands_map,
    .unmap = commands_unmap,
    .release = commands_release,
};

int privcmd_file_open(struct node *node, int flags, struct file **opened)
{
    struct command_file *commands = heap_get(sizeof *commands);
    if (!commands)
        return -ENOMEM;
    commands->domain = UNRESTRICTED;
    *opened = file_make(&command_operations, node, flags, commands);
    if (!*opened)
        heap_put(commands);
    return *opened ? 0 : -ENOMEM;
}
