/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The console of a Xen guest: "hvc0", a ring that the host's console daemon serves; without one,
 * "xen0", the hypervisor's own log.
 */
#include "xen/guest.h"

#include <xen/hvm/params.h>
#include <xen/io/console.h>
#include <xen/sched.h>

#include "cpu.h"
#include "thread.h"

#define FRAMES_POSSIBLE ((uint64_t)1 << 40)
/* Where every hypervisor that has HVM takes single bytes for its log. */
#define DEBUG_PORT 0xe9
/* How long a full ring is waited for, in nanoseconds; what nobody takes then is lost. */
#define PATIENCE 1000000000u

static struct byte_ring input, output;
static evtchn_port_t port;
/* Nobody took anything for so long that no more is waited for, until somebody does. */
static bool is_stuck;

/* False where nobody takes what is in the ring. */
static bool wait_for_room(void)
{
    const uint64_t deadline = clock_now() + PATIENCE;
    while (byte_ring_used(&output) >= output.size && !is_stuck) {
        (void)xen_operation(__HYPERVISOR_sched_op, SCHEDOP_yield, NULL);
        is_stuck = clock_now() > deadline;
    }
    return byte_ring_used(&output) < output.size;
}

static void ring_write(struct console_device *device, const char *bytes, size_t size)
{
    (void)device;
    while (size > 0) {
        const int32_t put = byte_ring_put(&output, bytes, (uint32_t)MIN(size, output.size));
        if (put < 0)
            return;
        if (put > 0) {
            is_stuck = false;
            (void)event_send(port);
        }
        bytes += put;
        size -= (size_t)put;
        if (size > 0 && !wait_for_room())
            return;
    }
}

static size_t ring_read(struct console_device *device, char *bytes, size_t size)
{
    (void)device;
    const int32_t taken = byte_ring_take(&input, bytes, (uint32_t)MIN(size, input.size));
    if (taken > 0)
        (void)event_send(port);
    return taken > 0 ? (size_t)taken : 0;
}

static void log_write(struct console_device *device, const char *bytes, size_t size)
{
    (void)device;
    if (xen_hypercall(__HYPERVISOR_console_io, CONSOLEIO_write, size, (uintptr_t)bytes, 0, 0) == 0)
        return;
    while (size-- > 0)
        cpu_out8(DEBUG_PORT, (uint8_t)*bytes++);
}

static struct console_device ring_console = {
    .name = "hvc0", .write = ring_write, .read = ring_read};
static struct console_device log_console = {.name = "xen0", .write = log_write};

void xen_console_begin(void)
{
    uint64_t frame, number;
    if (xen_parameter(HVM_PARAM_CONSOLE_PFN, &frame) == 0 &&
        xen_parameter(HVM_PARAM_CONSOLE_EVTCHN, &number) == 0 && frame != 0 && number != 0 &&
        frame < FRAMES_POSSIBLE && number <= UINT32_MAX) {
        struct xencons_interface *ring = frame_map(frame * PAGE_SIZE);
        if (!ring)
            return;
        input = (struct byte_ring){ring->in, sizeof ring->in, &ring->in_cons, &ring->in_prod};
        output = (struct byte_ring){ring->out, sizeof ring->out, &ring->out_cons, &ring->out_prod};
        port = (evtchn_port_t)number;
        console_add(&ring_console);
    } else {
        console_add(&log_console);
    }
}

static void handle(void *unused, evtchn_port_t unused_port)
{
    (void)unused, (void)unused_port;
    if (byte_ring_used(&input) > 0)
        console_input(&ring_console);
}

void xen_console_listen(void)
{
    if (port && event_handle(port, handle, NULL) != 0)
        say("the console cannot be read");
}
