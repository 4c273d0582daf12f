/* SPDX-License-Identifier: BSD-2-Clause */
/* Virtio devices whose registers the command line names (4.2), of both versions that there are. */
#include "cpu.h"
#include "virtio.h"

#define MAGIC 0x74726976u
#define LEGACY 1u
#define MODERN 2u
#define SMALLEST 0x200u

enum {
    MAGIC_VALUE = 0x00,
    VERSION = 0x04,
    DEVICE = 0x08,
    FEATURES = 0x10,
    FEATURES_PART = 0x14,
    ACCEPTED = 0x20,
    ACCEPTED_PART = 0x24,
    LEGACY_PAGE_SIZE = 0x28,
    QUEUE = 0x30,
    QUEUE_MOST = 0x34,
    QUEUE_SIZE = 0x38,
    LEGACY_ALIGNMENT = 0x3c,
    LEGACY_PAGE = 0x40,
    QUEUE_READY = 0x44,
    NOTIFY = 0x50,
    INTERRUPTS = 0x60,
    INTERRUPTS_SEEN = 0x64,
    STATUS = 0x70,
    QUEUE_RING = 0x80,
    QUEUE_AVAILABLE = 0x90,
    QUEUE_USED = 0xa0,
    CONFIG = 0x100,
};

struct virtio_mmio {
    struct virtio_device device;
    volatile uint8_t *registers;
    uint64_t size;
    uint32_t version;
};

static struct virtio_mmio *mmio_of(struct virtio_device *device)
{
    return CONTAINER_OF(device, struct virtio_mmio, device);
}

static uint32_t get(const struct virtio_mmio *mmio, unsigned offset)
{
    return *(volatile uint32_t *)(mmio->registers + offset);
}

static void set(const struct virtio_mmio *mmio, unsigned offset, uint32_t value)
{
    *(volatile uint32_t *)(mmio->registers + offset) = value;
}

static uint8_t status(struct virtio_device *device)
{
    return (uint8_t)get(mmio_of(device), STATUS);
}
static void set_status(struct virtio_device *device, uint8_t value)
{
    set(mmio_of(device), STATUS, value);
}

static uint64_t features(struct virtio_device *device)
{
    const struct virtio_mmio *mmio = mmio_of(device);
    set(mmio, FEATURES_PART, 0);
    const uint32_t low = get(mmio, FEATURES);
    set(mmio, FEATURES_PART, 1);
    return low | (mmio->version == MODERN ? (uint64_t)get(mmio, FEATURES) << 32 : 0);
}

static void set_features(struct virtio_device *device, uint64_t value)
{
    const struct virtio_mmio *mmio = mmio_of(device);
    set(mmio, ACCEPTED_PART, 0);
    set(mmio, ACCEPTED, (uint32_t)value);
    set(mmio, ACCEPTED_PART, 1);
    set(mmio, ACCEPTED, (uint32_t)(value >> 32));
}

static uint8_t config(struct virtio_device *device, unsigned offset)
{
    const struct virtio_mmio *mmio = mmio_of(device);
    return CONFIG + offset < mmio->size ? mmio->registers[CONFIG + offset] : 0;
}

static uint16_t queue_size(struct virtio_device *device, unsigned number)
{
    const struct virtio_mmio *mmio = mmio_of(device);
    set(mmio, QUEUE, number);
    return (uint16_t)MIN(get(mmio, QUEUE_MOST), 32768u);
}

static void set_address(const struct virtio_mmio *mmio, unsigned offset, physical_t address)
{
    set(mmio, offset, (uint32_t)address);
    set(mmio, offset + 4, (uint32_t)(address >> 32));
}

static bool queue_begin(struct virtio_queue *queue, physical_t ring, uint16_t size)
{
    const struct virtio_mmio *mmio = mmio_of(queue->device);
    set(mmio, QUEUE, queue->number);
    set(mmio, QUEUE_SIZE, size);
    queue->notify = mmio->registers + NOTIFY;
    if (mmio->version == LEGACY) {
        if (ring / PAGE_SIZE > UINT32_MAX)
            return false;
        set(mmio, LEGACY_PAGE_SIZE, PAGE_SIZE);
        set(mmio, LEGACY_ALIGNMENT, PAGE_SIZE);
        set(mmio, LEGACY_PAGE, (uint32_t)(ring / PAGE_SIZE));
        return true;
    }
    set_address(mmio, QUEUE_RING, ring);
    set_address(mmio, QUEUE_AVAILABLE, ring + vring_available_offset(size));
    set_address(mmio, QUEUE_USED, ring + vring_used_offset(size));
    set(mmio, QUEUE_READY, 1);
    return true;
}

static void notify(struct virtio_queue *queue)
{
    *(volatile uint32_t *)queue->notify = queue->number;
}

static const struct virtio_transport transport = {
    .status = status,
    .set_status = set_status,
    .features = features,
    .set_features = set_features,
    .config = config,
    .queue_size = queue_size,
    .queue_begin = queue_begin,
    .notify = notify,
};

static void on_interrupt(void *with)
{
    struct virtio_mmio *mmio = with;
    set(mmio, INTERRUPTS_SEEN, get(mmio, INTERRUPTS));
    for (size_t i = 0; i < ARRAY_SIZE(mmio->device.queues); i++) {
        if (mmio->device.queues[i])
            deferred_queue(&mmio->device.queues[i]->done);
    }
}

static void begin(physical_t start, uint64_t size, unsigned pin)
{
    struct virtio_mmio *mmio = heap_get(sizeof *mmio);
    volatile uint8_t *registers = mmio ? paging_map_device(start, size) : NULL;
    if (!registers)
        return;
    *mmio =
        (struct virtio_mmio){.device.transport = &transport, .registers = registers, .size = size};
    mmio->version = get(mmio, VERSION);
    mmio->device.kind = get(mmio, DEVICE);
    const bool known =
        get(mmio, MAGIC_VALUE) == MAGIC && (mmio->version == LEGACY || mmio->version == MODERN);
    const unsigned vector = known && mmio->device.kind ? interrupt_vector(on_interrupt, mmio) : 0;
    if (!vector)
        return;
    interrupt_route(pin, vector, true);
    virtio_found(&mmio->device);
}

/* A number, decimal or with 0x, and what follows it; size may end with K, M or G. */
static const char *number(const char *text, uint64_t *value)
{
    const bool is_hex = text[0] == '0' && text[1] == 'x';
    const unsigned base = is_hex ? 16 : 10;
    text += is_hex ? 2 : 0;
    *value = 0;
    for (;; text++) {
        const unsigned lower = (unsigned char)*text | 0x20u;
        const unsigned digit = *text >= '0' && *text <= '9'           ? (unsigned)(*text - '0')
                             : is_hex && lower >= 'a' && lower <= 'f' ? lower - 'a' + 10
                                                                      : base;
        if (digit >= base)
            break;
        *value = *value * base + digit;
    }
    static const char units[] = "KMG";
    const char *unit = *text ? strchr(units, *text) : NULL;
    if (unit)
        *value <<= 10 * (1 + (unit - units));
    return unit ? text + 1 : text;
}

void virtio_mmio_begin(void)
{
    static const char word[] = "virtio_mmio.device=";
    for (const char *text = start_words; (text = strstr(text, word)) != NULL;) {
        uint64_t size, start, pin;
        text = number(text + sizeof word - 1, &size);
        text = *text == '@' ? number(text + 1, &start) : NULL;
        text = text && *text == ':' ? number(text + 1, &pin) : NULL;
        if (!text) {
            say("virtio_mmio.device= wants SIZE@ADDRESS:INTERRUPT");
            return;
        }
        if (size >= SMALLEST && pin < 256)
            begin(start, size, (unsigned)pin);
    }
}
