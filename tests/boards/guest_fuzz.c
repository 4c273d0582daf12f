/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The base as a guest of Xen is sound, whatever is in the pages that it shares with others: the
 * events' bits, the console's and the store's rings, the flags of grants. Programs use the files
 * meanwhile. Each step is two bytes, and what follows for it; the first says whose:
 *
 *     0 an event, 1 events' words, 2 the store's message, 3 the store's indexes or bytes,
 *     4 the console's, 5 the console is written or read, 6 a file of events is opened or closed,
 *     7 its requests, 8 its bytes, 9 the store's file, 10 its bytes, 11 grants, 12 no memory
 *
 * By itself guest_fuzz FILE plays that; with -fsanitize=fuzzer and -DFUZZER it is libFuzzer's.
 */
#include <stdio.h>
#include <stdlib.h>
#include <fcntl.h>
#include <sys/mman.h>

#include <sys/ioctl.h>

#include "xen/guest.h"

#include <xen/hvm/params.h>
#include <xen/io/console.h>
#include <xen/io/xs_wire.h>
#include <xen/memory.h>
#include <xen/sched.h>
#include <xen/sys/evtchn.h>
#include <xen/sys/gntdev.h>

#include "cpu.h"
#include "file.h"
#include "panic_shim.h"

/* Each source's own names. */
#define port console_port
#define handle console_handle
#include "xen/console.c"
#undef port
#undef handle
#define upcall event_upcall
#include "xen/event.c"
#define take_event event_file_take
#define bind event_file_bind
#include "xen/event_file.c"
#undef take_event
#undef bind
#define port store_port
#define handle store_handle
#define take_event store_take
#include "xen/xenbus.c"
#undef port
#undef handle
#undef take_event
#define take_event store_file_take
#include "xen/xenbus_file.c"
#undef take_event
#include "xen/grant.c"

#define FILES 3
#define GRANTS 16
#define STORE_FRAME 2u
#define CONSOLE_FRAME 3u
#define STORE_PORT 1u
#define CONSOLE_PORT 2u
#define FIRST_PORT 3u

static struct shared_info shared;
struct shared_info *xen_shared = &shared;
static _Alignas(4096) uint8_t pages[8][4096];
static struct file *event_files[FILES], *store_files[FILES];
static int64_t grants[GRANTS];
static bool bound[PORTS];
static evtchn_port_t next_port;
static bool no_memory;
static interrupt_handler *interrupt;
static struct console_device *console;

/* The rest of the base. */
void *heap_get(size_t size)
{
    const bool fails = no_memory;
    no_memory = false;
    return fails ? NULL : calloc(1, size);
}
void heap_put(void *memory) { free(memory); }
void say(const char *format, ...) { (void)format; }
int wait_on(struct wait_queue *queue, uint64_t deadline)
{
    (void)queue, (void)deadline;
    return -EINTR;
}
void wait_on_surely(struct wait_queue *queue)
{
    (void)queue;
    panic("the base waits");
}
unsigned wait_wake(struct wait_queue *queue, unsigned most)
{
    (void)queue, (void)most;
    return 0;
}
void poll_add(struct poll_watch *watch, struct wait_queue *queue) { (void)watch, (void)queue; }
uint64_t clock_now(void)
{
    static uint64_t now;
    return now += PATIENCE / 4;
}
bool copy_bytes(void *to, const void *from, size_t size)
{
    memcpy(to, from, size);
    return true;
}
void console_add(struct console_device *device) { console = device; }
void console_input(struct console_device *device)
{
    char bytes[64];
    BASE_ASSERT(device->read(device, bytes, sizeof bytes) <= sizeof bytes);
}
unsigned interrupt_vector(interrupt_handler *handler, void *with)
{
    (void)with;
    interrupt = handler;
    return 32;
}
physical_t frame_get(void) { return 4 * PAGE_SIZE; }
void frame_put(physical_t frame) { (void)frame; }
void *frame_map(physical_t frame) { return pages[frame / PAGE_SIZE]; }
int64_t frame_fill(physical_t frame, unsigned space, uint64_t index)
{
    (void)frame, (void)space;
    return index == 0 ? 0 : -EINVAL;
}
int xen_file_open(const struct file_operations *operations, struct node *node, int flags,
                  void *data, struct file **opened)
{
    *opened = data ? calloc(1, sizeof **opened) : NULL;
    if (!*opened)
        return -ENOMEM;
    **opened = (struct file){.operations = operations, .node = node, .flags = flags, .data = data};
    return 0;
}

/* Xen, which is trusted. */
int64_t xen_parameter(uint32_t number, uint64_t *value)
{
    *value = number == HVM_PARAM_STORE_PFN        ? STORE_FRAME
             : number == HVM_PARAM_STORE_EVTCHN   ? STORE_PORT
             : number == HVM_PARAM_CONSOLE_PFN    ? CONSOLE_FRAME
             : number == HVM_PARAM_CONSOLE_EVTCHN ? CONSOLE_PORT
                                                  : 0;
    return 0;
}
int64_t xen_set_parameter(uint32_t number, uint64_t value)
{
    (void)number, (void)value;
    return 0;
}
static int64_t new_port(evtchn_port_t *number)
{
    if (next_port >= PORTS)
        return -ENOSPC;
    *number = next_port++;
    bound[*number] = true;
    return 0;
}
int64_t xen_hypercall(unsigned number, uint64_t command, uint64_t with, uint64_t c, uint64_t d,
                      uint64_t e)
{
    (void)c, (void)d, (void)e;
    void *argument = (void *)(uintptr_t)with;
    if (number == __HYPERVISOR_grant_table_op && command == GNTTABOP_query_size)
        ((struct gnttab_query_size *)argument)->max_nr_frames = 1;
    if (number != __HYPERVISOR_event_channel_op)
        return 0;
    switch (command) {
    case EVTCHNOP_bind_interdomain:
        return new_port(&((struct evtchn_bind_interdomain *)argument)->local_port);
    case EVTCHNOP_alloc_unbound:
        return new_port(&((struct evtchn_alloc_unbound *)argument)->port);
    case EVTCHNOP_bind_virq:
        return new_port(&((struct evtchn_bind_virq *)argument)->port);
    case EVTCHNOP_close: {
        const evtchn_port_t gone = ((struct evtchn_close *)argument)->port;
        BASE_ASSERT(gone < PORTS && bound[gone]);
        bound[gone] = false;
        return 0;
    }
    default:
        return 0;
    }
}

static const uint8_t *step, *end;

static uint64_t take(unsigned bytes)
{
    uint64_t value = 0;
    for (; bytes > 0 && step < end; bytes--)
        value = value << 8 | *step++;
    return value;
}

static void tell(void)
{
    shared.vcpu_info[0].evtchn_upcall_pending = 1;
    interrupt(NULL);
}

static void send(evtchn_port_t number)
{
    shared.evtchn_pending[number / WORD_BITS] |= bit_of(number);
    shared.vcpu_info[0].evtchn_pending_sel |= (uint64_t)1 << number / WORD_BITS;
    tell();
}

static void put_message(unsigned kind)
{
    struct xenstore_domain_interface *ring = (void *)pages[STORE_FRAME];
    struct {
        struct store_head head;
        uint8_t bytes[256];
    } message = {.head = {.type = kind % 24, .request = (uint32_t)take(1)}};
    message.head.size = (uint32_t)take(1);
    for (unsigned i = 0; i < message.head.size; i++)
        message.bytes[i] = (uint8_t)take(1);
    const uint32_t size = (uint32_t)sizeof message.head + message.head.size;
    for (uint32_t i = 0; i < size; i++)
        ring->rsp[ring->rsp_prod++ % XENSTORE_RING_SIZE] = ((char *)&message)[i];
    send(STORE_PORT);
}

static void spoil(unsigned frame, unsigned size, unsigned kind)
{
    /* An index, or a byte. */
    if (kind & 1) {
        uint32_t *indexes = (void *)(pages[frame] + size);
        indexes[kind >> 1 & 3] = (uint32_t)take(kind & 8 ? 4 : 1);
    } else {
        pages[frame][take(2) % size] = (uint8_t)take(1);
    }
    send(frame == STORE_FRAME ? STORE_PORT : CONSOLE_PORT);
}

static void use_console(unsigned kind)
{
    char bytes[3000] = {0};
    if (kind & 1)
        console->write(console, bytes, kind * 10);
    else
        BASE_ASSERT(console->read(console, bytes, kind) <= kind);
}

static void toggle(struct file **place, int (*open_file)(struct node *, int, struct file **))
{
    if (*place) {
        (*place)->operations->release(*place);
        free(*place);
        *place = NULL;
    } else if (open_file(NULL, O_NONBLOCK, place) != 0) {
        *place = NULL;
    }
}

static void ask_events(const struct file *file, unsigned kind)
{
    static const unsigned requests[] = {
        IOCTL_EVTCHN_BIND_VIRQ,         IOCTL_EVTCHN_BIND_INTERDOMAIN,
        IOCTL_EVTCHN_BIND_UNBOUND_PORT, IOCTL_EVTCHN_UNBIND,
        IOCTL_EVTCHN_NOTIFY,            IOCTL_EVTCHN_RESET,
        IOCTL_EVTCHN_RESTRICT_DOMID,    0x5401};
    /* Programs' addresses are below. */
    static uint32_t *argument;
    if (!argument)
        argument = mmap(NULL, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    argument[0] = (uint32_t)take(2);
    argument[1] = (uint32_t)take(2);
    (void)file->operations->control((struct file *)(uintptr_t)file, requests[kind % 8],
                                    (uintptr_t)argument);
}

static void move_events(struct file *file, unsigned kind)
{
    evtchn_port_t ports[8] = {(evtchn_port_t)take(2), (evtchn_port_t)take(1)};
    uint64_t position = 0;
    if (kind & 1) {
        (void)file->operations->write(file, ports, kind % 33, &position);
        return;
    }
    const int64_t got = file->operations->read(file, ports, kind % 33, &position);
    BASE_ASSERT(got <= (int64_t)sizeof ports);
    for (int64_t i = 0; i < got / 4; i++)
        BASE_ASSERT(find_port(file->data, ports[i]));
}

static void move_store(struct file *file, unsigned kind)
{
    uint8_t bytes[300];
    uint64_t position = 0;
    if (kind & 1) {
        /* A head that is mostly good. */
        const struct xsd_sockmsg head = {kind >> 1 & 31, (uint32_t)take(1), (uint32_t)take(1),
                                         kind & 64 ? (uint32_t)take(4) : (uint32_t)take(1) % 32};
        memcpy(bytes, &head, sizeof head);
        for (size_t i = sizeof head; i < sizeof head + 32; i++)
            bytes[i] = (uint8_t)take(1);
        (void)file->operations->write(file, bytes, sizeof head + head.len % 33, &position);
    } else {
        const int64_t got = file->operations->read(file, bytes, kind, &position);
        BASE_ASSERT(got <= (int64_t)kind);
        (void)file->operations->poll(file, NULL);
    }
}

static void use_grants(unsigned kind)
{
    int64_t *grant = &grants[kind >> 2 & (GRANTS - 1)];
    if ((kind & 3) == 0)
        ((struct grant_entry_v1 *)(void *)pages[4])[take(2) % ENTRIES].flags |=
            (uint16_t)(take(1) & (GTF_reading | GTF_writing));
    else if (*grant <= 0)
        *grant = grant_page((domid_t)take(1), PAGE_SIZE, kind & 64);
    else if (grant_end((grant_ref_t)*grant))
        *grant = 0;
}

static void play_step(void)
{
    const unsigned what = (unsigned)take(1) % 13, kind = (unsigned)take(1);
    struct file **events_file = &event_files[kind >> 4 & 3 & (FILES - 1)];
    struct file **store_file = &store_files[kind >> 4 & 3 & (FILES - 1)];
    if (what == 0)
        send((evtchn_port_t)take(2) % PORTS);
    else if (what == 1) {
        shared.evtchn_pending[kind % WORDS] = take(8);
        shared.vcpu_info[0].evtchn_pending_sel = take(8);
        tell();
    } else if (what == 2)
        put_message(kind);
    else if (what == 3)
        spoil(STORE_FRAME, 2 * XENSTORE_RING_SIZE, kind);
    else if (what == 4)
        spoil(CONSOLE_FRAME, sizeof((struct xencons_interface *)0)->in + 2048, kind);
    else if (what == 5)
        use_console(kind);
    else if (what == 6)
        toggle(events_file, event_file_open);
    else if (what == 7 && *events_file)
        ask_events(*events_file, kind);
    else if (what == 8 && *events_file)
        move_events(*events_file, kind);
    else if (what == 9)
        toggle(store_file, xenbus_file_open);
    else if (what == 10 && *store_file)
        move_store(*store_file, kind);
    else if (what == 11)
        use_grants(kind);
    else if (what == 12)
        no_memory = true;
}

/* All that the sources keep is as at the start. */
static void begin(void)
{
    memset(&shared, 0, sizeof shared);
    memset(pages, 0, sizeof pages);
    memset(bound, 0, sizeof bound);
    memset(grants, 0, sizeof grants);
    bound[STORE_PORT] = bound[CONSOLE_PORT] = true;
    next_port = FIRST_PORT;
    no_memory = is_broken = is_stuck = false;
    reader = (struct store_reader){.got = 0};
    last_request = last_token = 0;
    table_count = 0;
    free_first = 0;
    events_begin();
    grants_begin();
    xen_console_begin();
    xen_console_listen();
    xenbus_begin();
}

static void finish_all(void)
{
    no_memory = false;
    for (unsigned i = 0; i < FILES; i++) {
        if (event_files[i])
            toggle(&event_files[i], NULL);
        if (store_files[i])
            toggle(&store_files[i], NULL);
    }
    fail_all();
    BASE_ASSERT(list_empty(&watches) && list_empty(&sent) && list_empty(&to_send));
    heap_put(reader.message);
    for (unsigned i = FIRST_PORT; i < PORTS; i++)
        BASE_ASSERT(!bound[i]);
    for (unsigned i = 0; i < WORDS; i++) {
        heap_put(events[i]);
        events[i] = NULL;
    }
}

static void play(const uint8_t *bytes, size_t size)
{
    begin();
    for (step = bytes, end = bytes + size; step < end;)
        play_step();
    finish_all();
}

#ifdef FUZZER
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    play(data, size);
    return 0;
}
#else
int main(int argc, char **argv)
{
    static uint8_t file[1 << 16];
    FILE *stream = argc == 2 ? fopen(argv[1], "rb") : NULL;
    if (!stream)
        return 2;
    play(file, fread(file, 1, sizeof file, stream));
    return 0;
}
#endif
