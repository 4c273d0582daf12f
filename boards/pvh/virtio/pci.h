/* SPDX-License-Identifier: BSD-2-Clause */
/* PCI, as far as devices need it that are found at their places in the configuration space. */
#ifndef RUMPRUN_PCI_H
#define RUMPRUN_PCI_H

#include "device.h"

#define PCI_CAPABILITY_VENDOR 0x09u
#define PCI_CAPABILITY_MSIX 0x11u

struct pci_device {
    /* Bus, slot and function as the address port wants them. */
    uint32_t place;
    uint16_t vendor, number;
    /* The table of interrupts, and how many it has. */
    volatile uint32_t *messages;
    unsigned message_count;
};

/* Calls found for each function there is, behind bridges too. */
void pci_scan(void (*found)(const struct pci_device *device));
uint8_t pci_read8(const struct pci_device *device, unsigned offset);
uint16_t pci_read16(const struct pci_device *device, unsigned offset);
uint32_t pci_read32(const struct pci_device *device, unsigned offset);
/* The next capability of that kind behind the one at offset; 0: from the first, and none. */
unsigned pci_capability(const struct pci_device *device, unsigned kind, unsigned offset);
/* Maps a part of what a base register says; NULL: not there. */
volatile void *pci_map(const struct pci_device *device, unsigned number, uint64_t offset,
                       uint64_t size);
/* The device may use memory, and send messages as interrupts. */
bool pci_enable(struct pci_device *device);
/* The entry of the table that calls handler, or -1. */
int pci_message(struct pci_device *device, unsigned entry, interrupt_handler *handler, void *with);

#endif
