/* SPDX-License-Identifier: BSD-2-Clause */
/* Virtio block devices (5.2). */
#include <errno.h>

#include "virtio.h"

#define FEATURE_READ_ONLY ((uint64_t)1 << 5)
#define FEATURE_FLUSH ((uint64_t)1 << 9)

#define REQUEST_READ 0u
#define REQUEST_WRITE 1u
#define REQUEST_FLUSH 4u
#define STATUS_DONE 0u
#define SECTOR 512u

#define ENTRIES 64u

struct virtio_block {
    struct block_device device;
    struct virtio_device *virtio;
    struct virtio_queue *queue;
    /* Those whose request is with the device, or who want a place in the ring. */
    struct wait_queue waiting;
};

/* In memory of its own, because the device may write to it when nobody waits any more. */
struct request {
    struct {
        uint32_t kind, zero;
        uint64_t sector;
    } header;
    uint8_t status;
    bool done;
};

static void on_done(struct deferred *deferred)
{
    struct virtio_queue *queue = CONTAINER_OF(deferred, struct virtio_queue, done);
    struct virtio_block *block = queue->device->data;
    void *token;
    uint32_t written;
    do {
        while (vring_take(&queue->ring, &token, &written))
            ((struct request *)token)->done = true;
    } while (vring_interrupts(&queue->ring, true));
    wait_wake_all(&block->waiting);
}

static int perform(struct virtio_block *block, struct request *request, void *bytes, uint32_t size)
{
    const bool reads = request->header.kind == REQUEST_READ;
    struct ring *ring = &block->queue->ring;
    struct ring_part parts[3] = {{physical_of(&request->header), sizeof request->header}};
    unsigned count = 1;
    if (size)
        parts[count++] = (struct ring_part){physical_of(bytes), size};
    parts[count++] = (struct ring_part){physical_of(&request->status), 1};
    const unsigned writes = size && reads ? 2 : 1;
    while (!vring_add(ring, parts, count - writes, writes, request)) {
        if (ring->broken)
            return -EIO;
        wait_on_surely(&block->waiting);
    }
    virtio_notify(block->queue);
    while (!request->done && !ring->broken)
        wait_on_surely(&block->waiting);
    const uint8_t status = *(volatile uint8_t *)&request->status;
    return request->done && status == STATUS_DONE ? 0 : -EIO;
}

static int ask(struct virtio_block *block, uint32_t kind, uint64_t sector, void *bytes, size_t size)
{
    struct request *request = heap_get(sizeof *request);
    if (!request)
        return -ENOMEM;
    request->header.kind = kind;
    request->header.sector = sector;
    request->status = 0xff;
    const int result = perform(block, request, bytes, (uint32_t)size);
    if (request->done)
        heap_put(request);
    return result;
}

static int transfer(struct block_device *device, uint64_t sector, void *bytes, size_t sectors,
                    bool write)
{
    if (sector > device->sectors || sectors > device->sectors - sector ||
        sectors > UINT32_MAX / SECTOR)
        return -EIO;
    if (write && device->read_only)
        return -EROFS;
    return ask(device->data, write ? REQUEST_WRITE : REQUEST_READ, sector, bytes, sectors * SECTOR);
}

static int flush(struct block_device *device)
{
    struct virtio_block *block = device->data;
    return block->virtio->features & FEATURE_FLUSH ? ask(block, REQUEST_FLUSH, 0, NULL, 0) : 0;
}

bool virtio_block_begin(struct virtio_device *device)
{
    static char letter = 'a';
    struct virtio_block *block = heap_get(sizeof *block);
    if (!block || letter > 'z' ||
        !virtio_agree(device, FEATURE_READ_ONLY | FEATURE_FLUSH | VIRTIO_EVENT_INDEX, 0))
        return false;
    device->data = block;
    block->virtio = device;
    block->queue = virtio_queue_begin(device, 0, ENTRIES, on_done);
    if (!block->queue)
        return false;
    vring_interrupts(&block->queue->ring, true);
    snprintf(block->device.name, sizeof block->device.name, "vd%c", letter++);
    block->device.sectors = virtio_config(device, 0, 8);
    block->device.read_only = device->features & FEATURE_READ_ONLY;
    block->device.transfer = transfer;
    block->device.flush = flush;
    block->device.data = block;
    virtio_ready(device);
    block_device_add(&block->device);
    return true;
}
