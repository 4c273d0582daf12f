/* SPDX-License-Identifier: BSD-2-Clause */
/* Virtio network devices (5.1). Frames are copied, so that rings and stack need not agree on whose
   a buffer is; without offers of the device to cut or to check, each frame is one buffer. */
#include "virtio.h"

#define FEATURE_MTU ((uint64_t)1 << 3)
#define FEATURE_ADDRESS ((uint64_t)1 << 5)
#define FEATURE_STATUS ((uint64_t)1 << 16)

#define CONFIG_ADDRESS 0u
#define CONFIG_STATUS 6u
#define CONFIG_MTU 10u
#define STATUS_UP 1u

#define RECEIVE 0u
#define SEND 1u
#define ENTRIES 128u
#define BUFFER_SIZE 2048u
#define HEADER_MODERN 12u
#define HEADER_LEGACY 10u
#define MTU_MOST 1500u
/* So many buffers go back to the device at once. */
#define RETURN_AT 16u

struct virtio_net {
    struct net_device device;
    struct virtio_device *virtio;
    struct virtio_queue *receive, *send;
    /* Buffers for frames to be sent that are not with the device. */
    void *spare[ENTRIES];
    unsigned spare_count, header;
    /* The stack was told that there is no room. */
    bool full;
    char name[8];
};

static struct virtio_net *net_of(struct virtio_device *device) { return device->data; }

/* Gives back what has been sent. */
static void reclaim(struct virtio_net *net)
{
    void *buffer;
    uint32_t written;
    while (vring_take(&net->send->ring, &buffer, &written))
        net->spare[net->spare_count++] = buffer;
}

static bool send(struct net_device *device, const struct net_part *parts, size_t count)
{
    struct virtio_net *net = device->data;
    reclaim(net);
    if (net->spare_count == 0) {
        net->full = true;
        if (vring_interrupts(&net->send->ring, true))
            reclaim(net);
        if (net->spare_count == 0)
            return false;
    }
    char *buffer = net->spare[net->spare_count - 1];
    size_t size = net->header;
    for (size_t i = 0; i < count; i++) {
        if (parts[i].size > BUFFER_SIZE - size)
            return false;
        memcpy(buffer + size, parts[i].bytes, parts[i].size);
        size += parts[i].size;
    }
    const struct ring_part part = {physical_of(buffer), (uint32_t)size};
    if (!vring_add(&net->send->ring, &part, 1, 0, buffer))
        return false;
    net->spare_count--;
    virtio_notify(net->send);
    return true;
}

static void on_sent(struct deferred *deferred)
{
    struct virtio_net *net = net_of(CONTAINER_OF(deferred, struct virtio_queue, done)->device);
    vring_interrupts(&net->send->ring, false);
    reclaim(net);
    if (net->full && net->spare_count && net->device.room) {
        net->full = false;
        net->device.room(&net->device);
    }
}

static bool offer(struct virtio_net *net, void *buffer)
{
    const struct ring_part part = {physical_of(buffer), BUFFER_SIZE};
    return vring_add(&net->receive->ring, &part, 0, 1, buffer);
}

static void receive_all(struct virtio_net *net)
{
    struct ring *ring = &net->receive->ring;
    void *buffer;
    uint32_t size;
    unsigned returned = 0;
    while (vring_take(ring, &buffer, &size)) {
        if (size > net->header && net->device.receive)
            net->device.receive(&net->device, (char *)buffer + net->header, size - net->header);
        (void)offer(net, buffer);
        if (++returned % RETURN_AT == 0)
            virtio_notify(net->receive);
    }
    virtio_notify(net->receive);
}

static void on_received(struct deferred *deferred)
{
    struct virtio_net *net = net_of(CONTAINER_OF(deferred, struct virtio_queue, done)->device);
    vring_interrupts(&net->receive->ring, false);
    receive_all(net);
    if (vring_interrupts(&net->receive->ring, true))
        deferred_queue(deferred);
    if (net->receive->ring.broken)
        say("%s: the device says what cannot be, and is not used any more", net->device.name);
}

static bool carrier(struct net_device *device)
{
    const struct virtio_net *net = device->data;
    return !net->receive->ring.broken &&
           (!(net->virtio->features & FEATURE_STATUS) ||
            (virtio_config(net->virtio, CONFIG_STATUS, 2) & STATUS_UP));
}

static bool buffers_begin(struct virtio_net *net)
{
    for (unsigned i = 0; i < net->receive->ring.size; i++) {
        void *buffer = heap_get(BUFFER_SIZE);
        if (!buffer || !offer(net, buffer))
            return false;
    }
    for (unsigned i = 0; i < net->send->ring.size; i++) {
        net->spare[i] = heap_get(BUFFER_SIZE);
        if (!net->spare[i])
            return false;
        net->spare_count++;
    }
    vring_interrupts(&net->send->ring, false);
    return true;
}

static void read_config(struct virtio_net *net)
{
    struct virtio_device *device = net->virtio;
    uint8_t *address = net->device.address;
    for (unsigned i = 0; device->features & FEATURE_ADDRESS && i < 6; i++)
        address[i] = (uint8_t)virtio_config(device, CONFIG_ADDRESS + i, 1);
    if (!(device->features & FEATURE_ADDRESS)) {
        random_fill(address, 6);
        address[0] = (uint8_t)((address[0] & 0xfc) | 2); /* nobody's in particular */
    }
    net->device.mtu = MTU_MOST;
    if (device->features & FEATURE_MTU)
        net->device.mtu = (uint16_t)MIN(MAX(virtio_config(device, CONFIG_MTU, 2), 68u), MTU_MOST);
}

bool virtio_net_begin(struct virtio_device *device)
{
    static unsigned count;
    const uint64_t wanted = FEATURE_MTU | FEATURE_ADDRESS | FEATURE_STATUS | VIRTIO_EVENT_INDEX;
    struct virtio_net *net = heap_get(sizeof *net);
    /* Header and frame are one buffer, which only new devices take for granted. */
    if (!net || !virtio_agree(device, wanted | VIRTIO_ANY_LAYOUT, 0) ||
        !(device->features & (VIRTIO_ANY_LAYOUT | VIRTIO_VERSION_1)))
        return false;
    device->data = net;
    net->virtio = device;
    net->header = device->features & VIRTIO_VERSION_1 ? HEADER_MODERN : HEADER_LEGACY;
    net->receive = virtio_queue_begin(device, RECEIVE, ENTRIES, on_received);
    net->send = virtio_queue_begin(device, SEND, ENTRIES, on_sent);
    if (!net->receive || !net->send || !buffers_begin(net))
        return false;
    read_config(net);
    snprintf(net->name, sizeof net->name, "eth%u", count++);
    net->device.name = net->name;
    net->device.data = net;
    net->device.send = send;
    net->device.carrier = carrier;
    virtio_ready(device);
    virtio_notify(net->receive);
    net_device_add(&net->device);
    return true;
}
