/* SPDX-License-Identifier: BSD-2-Clause */
/* The order in which the machine begins. */
#include "apic.h"
#include "call.h"
#include "device.h"
#include "file.h"
#include "serial.h"
#include "trap.h"

/* gcc's, for -mstack-protector-guard=global. */
extern uint64_t __stack_chk_guard;
uint64_t __stack_chk_guard = 0x00ff0a0d00000000;

_Noreturn void base_main(physical_t info);
_Noreturn void entrypoint(void);

static void begin_devices(void)
{
    serial_listen();
    if (xen_devices_begin)
        xen_devices_begin();
    if (virtio_begin)
        virtio_begin();
    if (net_begin)
        net_begin();
}

static void begin_programs(void *with)
{
    (void)with;
    begin_devices();
    mounts_begin();
    entrypoint();
}

/* This function's own frame must not check the guard that it sets. */
__attribute__((optimize("no-stack-protector"))) void base_main(physical_t info)
{
    const char *value;
    uint64_t guard;
    serial_begin();
    clock_begin();
    trap_begin();
    start_begin(info);
    random_fill(&guard, sizeof guard);
    /* A byte that ends strings stays at its place. */
    __stack_chk_guard = guard << 8;
    threads_begin();
    apic_begin();
    if (xen_begin)
        (void)xen_begin();
    call_trace = start_option("rumprun.trace", &value) >= 0;
    struct thread *thread = thread_make(NULL, begin_programs, NULL);
    if (!thread)
        panic("not enough memory for a thread");
    thread_ready(thread);
    thread_end();
}
