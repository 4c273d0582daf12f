/* SPDX-License-Identifier: BSD-2-Clause */
/* What all virtio devices have in common. */
#include "virtio.h"

void virtio_begin(void)
{
    virtio_pci_begin();
    virtio_mmio_begin();
}

static void add_status(struct virtio_device *device, unsigned bits)
{
    const uint8_t status = device->transport->status(device);
    device->transport->set_status(device, (uint8_t)(status | bits));
}

void virtio_found(struct virtio_device *device)
{
    bool (*begin)(struct virtio_device *) = device->kind == VIRTIO_NET && net_device_add
                                              ? virtio_net_begin
                                          : device->kind == VIRTIO_BLOCK ? virtio_block_begin
                                                                         : NULL;
    if (!begin)
        return;
    device->transport->set_status(device, 0);
    add_status(device, VIRTIO_ACKNOWLEDGED | VIRTIO_HAS_DRIVER);
    if (!begin(device)) {
        add_status(device, VIRTIO_FAILED);
        say("a virtio device of kind %u cannot be used", device->kind);
    }
}

bool virtio_agree(struct virtio_device *device, uint64_t wanted, uint64_t needed)
{
    const uint64_t offered = device->transport->features(device);
    device->features = offered & (wanted | needed | VIRTIO_VERSION_1);
    if ((offered & needed) != needed)
        return false;
    device->transport->set_features(device, device->features);
    if (!(device->features & VIRTIO_VERSION_1))
        return true;
    add_status(device, VIRTIO_FEATURES_OK);
    return device->transport->status(device) & VIRTIO_FEATURES_OK;
}

static unsigned order_of(size_t size)
{
    unsigned order = 0;
    while (((size_t)PAGE_SIZE << order) < size)
        order++;
    return order;
}

struct virtio_queue *virtio_queue_begin(struct virtio_device *device, unsigned number,
                                        uint16_t most, void (*done)(struct deferred *deferred))
{
    const uint16_t size =
        MIN(MIN(device->transport->queue_size(device, number), most), (uint16_t)RING_MOST);
    if (size == 0 || (size & (size - 1)) || number >= ARRAY_SIZE(device->queues))
        return NULL;
    struct virtio_queue *queue = heap_get(sizeof *queue);
    const unsigned order = order_of(vring_bytes(size));
    const physical_t memory = queue ? pages_get(order) : 0;
    if (!memory) {
        heap_put(queue);
        return NULL;
    }
    memset(page_pointer(memory), 0, (size_t)PAGE_SIZE << order);
    queue->device = device;
    queue->number = number;
    queue->done.run = done;
    vring_begin(&queue->ring, page_pointer(memory), size, device->features & VIRTIO_EVENT_INDEX);
    device->queues[number] = queue;
    if (device->transport->queue_begin(queue, memory, size))
        return queue;
    device->queues[number] = NULL;
    pages_put(memory, order);
    heap_put(queue);
    return NULL;
}

void virtio_ready(struct virtio_device *device) { add_status(device, VIRTIO_DRIVER_OK); }

void virtio_notify(struct virtio_queue *queue)
{
    if (vring_wants_notification(&queue->ring))
        queue->device->transport->notify(queue);
}

uint64_t virtio_config(struct virtio_device *device, unsigned offset, unsigned size)
{
    uint64_t value = 0;
    for (unsigned i = size; i-- > 0;)
        value = value << 8 | device->transport->config(device, offset + i);
    return value;
}
