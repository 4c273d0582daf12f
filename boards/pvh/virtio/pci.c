/* SPDX-License-Identifier: BSD-2-Clause */
/* PCI by the ports 0xcf8 and 0xcfc; the firmware has given the devices their addresses. */
#include "pci.h"

#include "cpu.h"

#define ADDRESS_PORT 0xcf8
#define DATA_PORT 0xcfc
#define ENABLE 0x80000000u

#define COMMAND 0x04u
#define COMMAND_MEMORY 0x2u
#define COMMAND_MASTER 0x4u
#define COMMAND_NO_PINS 0x400u
#define STATUS 0x06u
#define STATUS_CAPABILITIES 0x10u
#define HEADER_TYPE 0x0eu
#define HEADER_BRIDGE 1u
#define HEADER_MANY 0x80u
#define BASE_REGISTERS 0x10u
#define SECONDARY_BUS 0x19u
#define CAPABILITIES 0x34u

#define BAR_PORTS 1u
#define BAR_TYPE 6u
#define BAR_64 4u

#define MSIX_CONTROL 2u
#define MSIX_TABLE 4u
#define MSIX_ENABLE 0x8000u
#define MSIX_MASK_ALL 0x4000u
#define MSIX_ENTRY_WORDS 4u

/* Configuration space has 256 bytes; a list of capabilities in it is no longer than this. */
#define MOST_CAPABILITIES 48
#define DEEPEST_BRIDGE 8u

static void address(const struct pci_device *device, unsigned offset)
{
    cpu_out32(ADDRESS_PORT, ENABLE | device->place | (offset & 0xfcu));
}

uint32_t pci_read32(const struct pci_device *device, unsigned offset)
{
    address(device, offset);
    return cpu_in32(DATA_PORT);
}

uint16_t pci_read16(const struct pci_device *device, unsigned offset)
{
    return (uint16_t)(pci_read32(device, offset) >> (offset & 2) * 8);
}

uint8_t pci_read8(const struct pci_device *device, unsigned offset)
{
    return (uint8_t)(pci_read32(device, offset) >> (offset & 3) * 8);
}

static void write16(const struct pci_device *device, unsigned offset, uint16_t value)
{
    address(device, offset);
    cpu_out16((uint16_t)(DATA_PORT + (offset & 2)), value);
}

unsigned pci_capability(const struct pci_device *device, unsigned kind, unsigned offset)
{
    if (!(pci_read16(device, STATUS) & STATUS_CAPABILITIES))
        return 0;
    unsigned place = pci_read8(device, offset ? offset + 1 : CAPABILITIES) & 0xfcu;
    for (unsigned i = 0; place >= 0x40 && i < MOST_CAPABILITIES; i++) {
        if (pci_read8(device, place) == kind)
            return place;
        place = pci_read8(device, place + 1) & 0xfcu;
    }
    return 0;
}

volatile void *pci_map(const struct pci_device *device, unsigned number, uint64_t offset,
                       uint64_t size)
{
    if (number > 5 || size == 0)
        return NULL;
    const uint32_t low = pci_read32(device, BASE_REGISTERS + 4 * number);
    physical_t start = low & ~0xfu;
    if (low & BAR_PORTS)
        return NULL;
    if ((low & BAR_TYPE) == BAR_64 && number < 5)
        start |= (physical_t)pci_read32(device, BASE_REGISTERS + 4 * number + 4) << 32;
    if (start == 0 || start + offset < start)
        return NULL;
    return paging_map_device(start + offset, size);
}

bool pci_enable(struct pci_device *device)
{
    const unsigned place = pci_capability(device, PCI_CAPABILITY_MSIX, 0);
    const uint16_t command = pci_read16(device, COMMAND);
    write16(device, COMMAND,
            (uint16_t)(command | COMMAND_MEMORY | COMMAND_MASTER | COMMAND_NO_PINS));
    if (!place)
        return false;
    const uint16_t control = pci_read16(device, place + MSIX_CONTROL);
    const uint32_t table = pci_read32(device, place + MSIX_TABLE);
    const unsigned count = (control & 0x7ffu) + 1u;
    device->messages = pci_map(device, table & 7, table & ~7u, count * MSIX_ENTRY_WORDS * 4);
    if (!device->messages)
        return false;
    device->message_count = count;
    write16(device, place + MSIX_CONTROL, (uint16_t)((control & ~MSIX_MASK_ALL) | MSIX_ENABLE));
    return true;
}

int pci_message(struct pci_device *device, unsigned entry, interrupt_handler *handler, void *with)
{
    const unsigned vector = entry < device->message_count ? interrupt_vector(handler, with) : 0;
    if (!vector)
        return -1;
    volatile uint32_t *words = device->messages + (size_t)entry * MSIX_ENTRY_WORDS;
    words[0] = INTERRUPT_MESSAGE_ADDRESS;
    words[1] = 0;
    words[2] = vector;
    words[3] = 0;
    return (int)entry;
}

static void scan_bus(unsigned bus, unsigned depth, void (*found)(const struct pci_device *device));

static bool scan_function(uint32_t place, unsigned depth,
                          void (*found)(const struct pci_device *device))
{
    struct pci_device device = {.place = place};
    const uint32_t numbers = pci_read32(&device, 0);
    if ((numbers & 0xffff) == 0xffff)
        return false;
    device.vendor = (uint16_t)numbers;
    device.number = (uint16_t)(numbers >> 16);
    const uint8_t type = pci_read8(&device, HEADER_TYPE);
    const unsigned bus = pci_read8(&device, SECONDARY_BUS);
    if ((type & ~HEADER_MANY) == HEADER_BRIDGE && bus > place >> 16 && depth < DEEPEST_BRIDGE)
        scan_bus(bus, depth + 1, found);
    else
        found(&device);
    return type & HEADER_MANY;
}

static void scan_bus(unsigned bus, unsigned depth, void (*found)(const struct pci_device *device))
{
    for (uint32_t slot = 0; slot < 32; slot++) {
        const uint32_t place = bus << 16 | slot << 11;
        if (!scan_function(place, depth, found))
            continue;
        for (uint32_t function = 1; function < 8; function++)
            scan_function(place | function << 8, depth, found);
    }
}

void pci_scan(void (*found)(const struct pci_device *device))
{
    /* Without a host bridge the address port does not keep what is written to it. */
    cpu_out32(ADDRESS_PORT, ENABLE);
    if (cpu_in32(ADDRESS_PORT) == ENABLE)
        scan_bus(0, 0, found);
}
