/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * /dev/xen/privcmd: hypercalls of programs, by Linux's xen/privcmd.h. Whether this domain may do
 * any of it is Xen's to say. It lets no PVH guest but the first map other domains' memory that was
 * not granted (p2m_add_foreign and acquire_resource), so there are no calls for that.
 */
#include "xen/guest.h"

#include <errno.h>
#include <sys/ioctl.h>

#include <xen/hvm/dm_op.h>
#include <xen/sys/privcmd.h>

#include "file.h"

#define UNRESTRICTED DOMID_INVALID
#define BUFFERS_MOST 16u

struct command_file {
    domid_t domain;
};

/* Whether the file may have to do with that domain. */
static bool may_use(const struct command_file *commands, domid_t domain)
{
    return commands->domain == UNRESTRICTED || commands->domain == domain;
}

static int64_t hypercall(const struct command_file *commands, uint64_t argument)
{
    struct privcmd_hypercall call;
    if (commands->domain != UNRESTRICTED)
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
    for (uint64_t at = start; at < end; at = round_down(at, PAGE_SIZE) + PAGE_SIZE) {
        char byte;
        if (!copy_in(&byte, at, 1) || !copy_out(at, &byte, 1))
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
        /* A number: the program may have said NULL. */
        if (!copy_in(&buffer, (uintptr_t)wanted.ubufs + i * sizeof buffer, sizeof buffer))
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

static int64_t commands_control(struct file *file, unsigned request, uint64_t argument)
{
    switch (request) {
    case IOCTL_PRIVCMD_HYPERCALL:
        return hypercall(file->data, argument);
    case IOCTL_PRIVCMD_DM_OP:
        return device_model(file->data, argument);
    case IOCTL_PRIVCMD_RESTRICT:
        return restrict_to(file->data, argument);
    default:
        return -ENOTTY;
    }
}

static void commands_release(struct file *file)
{
    heap_put(file->data);
}

static const struct file_operations command_operations = {
    .name = "privcmd", .control = commands_control, .release = commands_release};

int privcmd_file_open(struct node *node, int flags, struct file **opened)
{
    struct command_file *commands = heap_get(sizeof *commands);
    if (commands)
        commands->domain = UNRESTRICTED;
    return xen_file_open(&command_operations, node, flags, commands, opened);
}
