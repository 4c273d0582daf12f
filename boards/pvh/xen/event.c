/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Event channels, in the form that is a bit for each port in the shared info. Xen injects the
 * vector by itself as long as the processor's upcall_pending is set, without the local APIC, to
 * which the end of the interrupt is told all the same: it has none in service then.
 */
#include "xen/guest.h"

#include <errno.h>

#include <xen/hvm/params.h>

#define WORD_BITS 64u
#define WORDS 64u
#define PORTS (WORDS * WORD_BITS)
#define CALLBACK_SHIFT 56

struct event {
    event_handler *handler;
    void *with;
};
/* Those of one word, once one of its ports has a handler. */
static struct event *events[WORDS];

static uint64_t bit_of(evtchn_port_t port)
{
    return 1ull << port % WORD_BITS;
}

static struct event *event_of(evtchn_port_t port)
{
    return port < PORTS && events[port / WORD_BITS] ? &events[port / WORD_BITS][port % WORD_BITS]
                                                    : NULL;
}

static void handle_word(unsigned word)
{
    const uint64_t pending = __atomic_load_n(&xen_shared->evtchn_pending[word], __ATOMIC_ACQUIRE);
    for (uint64_t left = pending & ~xen_shared->evtchn_mask[word]; left; left &= left - 1) {
        const evtchn_port_t port = word * WORD_BITS + (unsigned)__builtin_ctzll(left);
        __atomic_fetch_and(&xen_shared->evtchn_pending[word], ~bit_of(port), __ATOMIC_ACQ_REL);
        const struct event *event = event_of(port);
        if (event && event->handler)
            event->handler(event->with, port);
    }
}

static void upcall(void *unused)
{
    (void)unused;
    struct vcpu_info *processor = &xen_shared->vcpu_info[0];
    while (__atomic_exchange_n(&processor->evtchn_upcall_pending, 0, __ATOMIC_ACQ_REL)) {
        uint64_t words = __atomic_exchange_n(&processor->evtchn_pending_sel, 0, __ATOMIC_ACQ_REL);
        for (; words; words &= words - 1)
            handle_word((unsigned)__builtin_ctzll(words));
    }
}

void events_begin(void)
{
    memset(xen_shared->evtchn_mask, 0xff, sizeof xen_shared->evtchn_mask);
    const unsigned vector = interrupt_vector(upcall, NULL);
    const uint64_t callback = (uint64_t)HVM_PARAM_CALLBACK_TYPE_VECTOR << CALLBACK_SHIFT | vector;
    if (!vector || xen_set_parameter(HVM_PARAM_CALLBACK_IRQ, callback) != 0)
        panic("Xen's events have no interrupt");
}

int64_t event_bind_interdomain(domid_t domain, evtchn_port_t port)
{
    struct evtchn_bind_interdomain bind = {.remote_dom = domain, .remote_port = port};
    const int64_t result =
        xen_operation(__HYPERVISOR_event_channel_op, EVTCHNOP_bind_interdomain, &bind);
    return result < 0 ? result : bind.local_port;
}

int64_t event_bind_unbound(domid_t domain)
{
    struct evtchn_alloc_unbound bind = {.dom = DOMID_SELF, .remote_dom = domain};
    const int64_t result =
        xen_operation(__HYPERVISOR_event_channel_op, EVTCHNOP_alloc_unbound, &bind);
    return result < 0 ? result : bind.port;
}

int64_t event_bind_virq(uint32_t virq)
{
    struct evtchn_bind_virq bind = {.virq = virq, .vcpu = 0};
    const int64_t result = xen_operation(__HYPERVISOR_event_channel_op, EVTCHNOP_bind_virq, &bind);
    return result < 0 ? result : bind.port;
}

void event_close(evtchn_port_t port)
{
    struct event *event = event_of(port);
    struct evtchn_close gone = {.port = port};
    event_mask(port);
    if (event)
        event->handler = NULL;
    (void)xen_operation(__HYPERVISOR_event_channel_op, EVTCHNOP_close, &gone);
}

int event_handle(evtchn_port_t port, event_handler *handler, void *with)
{
    if (port >= PORTS)
        return -EINVAL;
    struct event **block = &events[port / WORD_BITS];
    if (!*block && !(*block = heap_get(WORD_BITS * sizeof **block)))
        return -ENOMEM;
    *event_of(port) = (struct event){.handler = handler, .with = with};
    event_unmask(port);
    return 0;
}

bool event_has_handler(evtchn_port_t port)
{
    const struct event *event = event_of(port);
    return event && event->handler;
}

void *event_with(evtchn_port_t port, event_handler *handler)
{
    const struct event *event = event_of(port);
    return event && event->handler == handler ? event->with : NULL;
}

int64_t event_send(evtchn_port_t port)
{
    struct evtchn_send send = {.port = port};
    return xen_operation(__HYPERVISOR_event_channel_op, EVTCHNOP_send, &send);
}

void event_mask(evtchn_port_t port)
{
    if (port < PORTS)
        __atomic_fetch_or(&xen_shared->evtchn_mask[port / WORD_BITS], bit_of(port),
                          __ATOMIC_ACQ_REL);
}

/* What came in while the port was masked has to be told to the processor by Xen. */
void event_unmask(evtchn_port_t port)
{
    struct evtchn_unmask unmask = {.port = port};
    const unsigned word = port / WORD_BITS;
    __atomic_fetch_and(&xen_shared->evtchn_mask[word], ~bit_of(port), __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&xen_shared->evtchn_pending[word], __ATOMIC_SEQ_CST) & bit_of(port)) {
        event_mask(port);
        (void)xen_operation(__HYPERVISOR_event_channel_op, EVTCHNOP_unmask, &unmask);
    }
}
