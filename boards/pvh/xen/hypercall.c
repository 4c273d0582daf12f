/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whether this is a guest of Xen, and the calls into it: by the instruction itself, which a
 * hypercall page would hold too (eax: number; rdi, rsi, rdx, r10, r8: arguments).
 */
#include "xen/guest.h"

#include <xen/arch-x86/cpuid.h>
#include <xen/hvm/hvm_op.h>
#include <xen/hvm/params.h>
#include <xen/memory.h>
#include <xen/sched.h>

#include "cpu.h"

/* Leaves of hypervisors begin at multiples of this. */
#define LEAF_STEP 0x100u
#define LEAF_LAST 0x40010000u
/* The first letters of AuthenticAMD and HygonGenuine in ebx. */
#define VENDOR_AMD 0x68747541u
#define VENDOR_HYGON 0x6f677948u
/* The leaf with the first letters of the processor's name, and those of QEMU's own models. */
#define LEAF_NAME 0x80000002u
#define NAME_QEMU 0x554d4551u

struct shared_info *xen_shared;

bool xen_is_here(void)
{
    for (uint32_t leaf = XEN_CPUID_FIRST_LEAF; leaf < LEAF_LAST; leaf += LEAF_STEP) {
        const struct cpu_id id = cpu_id(leaf, 0);
        if (id.b == XEN_CPUID_SIGNATURE_EBX && id.c == XEN_CPUID_SIGNATURE_ECX &&
            id.d == XEN_CPUID_SIGNATURE_EDX)
            return true;
    }
    return false;
}

static bool is_amd(void)
{
    static uint32_t vendor;
    if (!vendor)
        vendor = cpu_id(0, 0).b;
    return vendor == VENDOR_AMD || vendor == VENDOR_HYGON;
}

int64_t xen_hypercall(unsigned number, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e)
{
    int64_t result = number;
    /* First: what is called may change the registers. */
    const bool amd = is_amd();
    register uint64_t fourth __asm__("r10") = d;
    register uint64_t fifth __asm__("r8") = e;
    if (amd)
        __asm__ volatile("vmmcall"
                         : "+a"(result), "+D"(a), "+S"(b), "+d"(c), "+r"(fourth), "+r"(fifth)
                         : : "memory");
    else
        __asm__ volatile("vmcall"
                         : "+a"(result), "+D"(a), "+S"(b), "+d"(c), "+r"(fourth), "+r"(fifth)
                         : : "memory");
    return result;
}

int64_t xen_parameter(uint32_t number, uint64_t *value)
{
    struct xen_hvm_param parameter = {.domid = DOMID_SELF, .index = number};
    const int64_t result = xen_operation(__HYPERVISOR_hvm_op, HVMOP_get_param, &parameter);
    *value = result == 0 ? parameter.value : 0;
    return result;
}

int64_t xen_set_parameter(uint32_t number, uint64_t value)
{
    struct xen_hvm_param parameter = {.domid = DOMID_SELF, .index = number, .value = value};
    return xen_operation(__HYPERVISOR_hvm_op, HVMOP_set_param, &parameter);
}

bool xen_begin(void)
{
    if (!xen_is_here())
        return false;
    if (cpu_id(LEAF_NAME, 0).a == NAME_QEMU)
        interrupts_by_fault();
    frames_begin();
    /* Any value tells Xen that the shared info is to be that of a machine of 64 bits. */
    (void)xen_set_parameter(HVM_PARAM_CALLBACK_IRQ, 0);
    const physical_t frame = frame_get();
    if (!frame || frame_fill(frame, XENMAPSPACE_shared_info, 0) != 0)
        panic("Xen gives no shared info");
    xen_shared = frame_map(frame);
    if (!xen_shared)
        panic("not enough memory for Xen's shared info");
    xen_console_begin();
    return true;
}

void xen_shutdown(unsigned reason)
{
    const bool again = reason == SHUTDOWN_poweroff && xen_begins_again;
    struct sched_shutdown shutdown = {.reason = again ? SHUTDOWN_reboot : reason};
    if (xen_is_here())
        (void)xen_operation(__HYPERVISOR_sched_op, SCHEDOP_shutdown, &shutdown);
}
