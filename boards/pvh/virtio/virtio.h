/* SPDX-License-Identifier: BSD-2-Clause */
/* Virtio devices, however they are connected. */
#ifndef RUMPRUN_VIRTIO_H
#define RUMPRUN_VIRTIO_H

#include "device.h"
#include "ring.h"

#define VIRTIO_NET 1u
#define VIRTIO_BLOCK 2u

#define VIRTIO_ANY_LAYOUT ((uint64_t)1 << 27)
#define VIRTIO_EVENT_INDEX ((uint64_t)1 << 29)
#define VIRTIO_VERSION_1 ((uint64_t)1 << 32)

#define VIRTIO_ACKNOWLEDGED 1u
#define VIRTIO_HAS_DRIVER 2u
#define VIRTIO_DRIVER_OK 4u
#define VIRTIO_FEATURES_OK 8u
#define VIRTIO_FAILED 128u

struct virtio_device;

struct virtio_queue {
    struct virtio_device *device;
    unsigned number;
    struct ring ring;
    /* Called when the device is done with something; must not wait. */
    struct deferred done;
    /* The transport's own: where to tell the device of something new. */
    volatile void *notify;
};

/* PCI, MMIO. */
struct virtio_transport {
    uint8_t (*status)(struct virtio_device *device);
    void (*set_status)(struct virtio_device *device, uint8_t status);
    uint64_t (*features)(struct virtio_device *device);
    void (*set_features)(struct virtio_device *device, uint64_t features);
    uint8_t (*config)(struct virtio_device *device, unsigned offset);
    /* How many entries the queue may have; 0: there is none of that number. */
    uint16_t (*queue_size)(struct virtio_device *device, unsigned number);
    /* The queue's ring is at that address; its interrupts run queue->done. */
    bool (*queue_begin)(struct virtio_queue *queue, physical_t ring, uint16_t size);
    void (*notify)(struct virtio_queue *queue);
};

struct virtio_device {
    const struct virtio_transport *transport;
    unsigned kind;
    uint64_t features;
    /* For VIRTIO_MMIO, which has one interrupt for all of its queues. */
    struct virtio_queue *queues[2];
    void *data;
};

/* virtio.c: what all devices have in common. */

/* The transports call it for each device that they find. */
void virtio_found(struct virtio_device *device);
/* Agrees on those of the wanted features that the device has; false: it lacks one of the needed. */
bool virtio_agree(struct virtio_device *device, uint64_t wanted, uint64_t needed);
/* A queue with at most so many entries, or NULL. */
struct virtio_queue *virtio_queue_begin(struct virtio_device *device, unsigned number,
                                        uint16_t most, void (*done)(struct deferred *deferred));
void virtio_ready(struct virtio_device *device);
/* Tells the device, if it wants to know. */
void virtio_notify(struct virtio_queue *queue);
/* A number of that many bytes in the device's configuration. */
uint64_t virtio_config(struct virtio_device *device, unsigned offset, unsigned size);

/* pci.c, mmio.c: each finds its devices. */
void virtio_pci_begin(void);
void virtio_mmio_begin(void);

/* net.c, block.c: drivers. False: the device is not as it should be. */
bool virtio_net_begin(struct virtio_device *device);
bool virtio_block_begin(struct virtio_device *device);

#endif
