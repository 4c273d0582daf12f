/* SPDX-License-Identifier: BSD-2-Clause */
/* Virtio devices on PCI, as of version 1.0 (4.1). */
#include "cpu.h"
#include "pci.h"
#include "virtio.h"

#define VENDOR 0x1af4u
/* Devices that older drivers know too have numbers from here on, others from MODERN + kind on. */
#define TRANSITIONAL_FIRST 0x1000u
#define MODERN 0x1040u
#define LAST 0x107fu
#define SUBSYSTEM 0x2eu

/* What a capability says. */
#define CAPABILITY_KIND 3u
#define CAPABILITY_BAR 4u
#define CAPABILITY_OFFSET 8u
#define CAPABILITY_SIZE 12u
#define CAPABILITY_MULTIPLIER 16u
#define KIND_COMMON 1u
#define KIND_NOTIFY 2u
#define KIND_DEVICE 4u

#define NO_MESSAGE 0xffffu

struct common {
    uint32_t features_part, features;
    uint32_t accepted_part, accepted;
    uint16_t config_message, queue_count;
    uint8_t status, generation;
    uint16_t queue, queue_size, queue_message, queue_enabled, queue_notify;
    uint32_t ring[2], available[2], used[2];
};
_Static_assert(sizeof(struct common) == 56, "the device's registers");

struct virtio_pci {
    struct virtio_device device;
    struct pci_device pci;
    volatile struct common *common;
    volatile uint8_t *config;
    uint32_t config_size;
    volatile uint8_t *notify;
    uint32_t notify_size, notify_multiplier;
};

static struct virtio_pci *pci_of(struct virtio_device *device)
{
    return CONTAINER_OF(device, struct virtio_pci, device);
}

static uint8_t status(struct virtio_device *device) { return pci_of(device)->common->status; }

static void set_status(struct virtio_device *device, uint8_t value)
{
    volatile struct common *common = pci_of(device)->common;
    common->status = value;
    /* A reset is over when it reads back. */
    for (unsigned i = 0; value == 0 && common->status != 0 && i < 100000; i++)
        cpu_pause();
}

static uint64_t features(struct virtio_device *device)
{
    volatile struct common *common = pci_of(device)->common;
    common->features_part = 0;
    const uint32_t low = common->features;
    common->features_part = 1;
    return (uint64_t)common->features << 32 | low;
}

static void set_features(struct virtio_device *device, uint64_t value)
{
    volatile struct common *common = pci_of(device)->common;
    common->accepted_part = 0;
    common->accepted = (uint32_t)value;
    common->accepted_part = 1;
    common->accepted = (uint32_t)(value >> 32);
}

static uint8_t config(struct virtio_device *device, unsigned offset)
{
    const struct virtio_pci *pci = pci_of(device);
    return offset < pci->config_size ? pci->config[offset] : 0;
}

static uint16_t queue_size(struct virtio_device *device, unsigned number)
{
    volatile struct common *common = pci_of(device)->common;
    if (number >= common->queue_count)
        return 0;
    common->queue = (uint16_t)number;
    return common->queue_size;
}

static void on_interrupt(void *with)
{
    struct virtio_queue *queue = with;
    deferred_queue(&queue->done);
}

static bool queue_begin(struct virtio_queue *queue, physical_t ring, uint16_t size)
{
    struct virtio_pci *pci = pci_of(queue->device);
    volatile struct common *common = pci->common;
    const physical_t places[] = {ring, ring + vring_available_offset(size),
                                 ring + vring_used_offset(size)};
    volatile uint32_t *registers[] = {common->ring, common->available, common->used};
    common->queue = (uint16_t)queue->number;
    const uint64_t offset = (uint64_t)common->queue_notify * pci->notify_multiplier;
    const int message = pci_message(&pci->pci, queue->number, on_interrupt, queue);
    if (message < 0 || offset + 2 > pci->notify_size)
        return false;
    queue->notify = pci->notify + offset;
    common->queue_size = size;
    common->queue_message = (uint16_t)message;
    if (common->queue_message == NO_MESSAGE)
        return false;
    for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
        registers[i][0] = (uint32_t)places[i];
        registers[i][1] = (uint32_t)(places[i] >> 32);
    }
    common->queue_enabled = 1;
    return true;
}

static void notify(struct virtio_queue *queue)
{
    *(volatile uint16_t *)queue->notify = (uint16_t)queue->number;
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

/* The part of the device's memory that the first capability of that kind describes. */
static volatile void *map_kind(const struct pci_device *pci, unsigned kind, uint32_t *size,
                               uint32_t *multiplier)
{
    unsigned place = 0;
    while ((place = pci_capability(pci, PCI_CAPABILITY_VENDOR, place)) != 0) {
        if (pci_read8(pci, place + CAPABILITY_KIND) != kind)
            continue;
        *size = pci_read32(pci, place + CAPABILITY_SIZE);
        if (multiplier)
            *multiplier = pci_read32(pci, place + CAPABILITY_MULTIPLIER);
        return pci_map(pci, pci_read8(pci, place + CAPABILITY_BAR),
                       pci_read32(pci, place + CAPABILITY_OFFSET), *size);
    }
    return NULL;
}

static bool map_all(struct virtio_pci *pci)
{
    uint32_t size = 0;
    if (!pci_enable(&pci->pci))
        return false;
    pci->common = map_kind(&pci->pci, KIND_COMMON, &size, NULL);
    if (!pci->common || size < sizeof *pci->common)
        return false;
    pci->notify = map_kind(&pci->pci, KIND_NOTIFY, &pci->notify_size, &pci->notify_multiplier);
    pci->config = map_kind(&pci->pci, KIND_DEVICE, &pci->config_size, NULL);
    pci->common->config_message = NO_MESSAGE;
    return pci->notify && pci->config;
}

static void found(const struct pci_device *device)
{
    if (device->vendor != VENDOR || device->number < TRANSITIONAL_FIRST || device->number > LAST)
        return;
    struct virtio_pci *pci = heap_get(sizeof *pci);
    if (!pci)
        return;
    pci->pci = *device;
    pci->device.transport = &transport;
    pci->device.kind =
        device->number < MODERN ? pci_read16(device, SUBSYSTEM) : device->number - MODERN;
    if (map_all(pci))
        virtio_found(&pci->device);
    else
        say("a virtio device on PCI is not of version 1.0");
}

void virtio_pci_begin(void) { pci_scan(found); }
