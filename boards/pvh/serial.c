/* SPDX-License-Identifier: BSD-2-Clause */
/* The serial ports of a PC (National Semiconductor PC16550D), and QEMU's and Xen's debug port. */
#include "cpu.h"
#include "device.h"
#include "serial.h"

#define DATA 0
#define INTERRUPTS 1
#define FIFO 2
#define LINE 3
#define MODEM 4
#define STATUS 5
#define SCRATCH 7
#define STATUS_INPUT 0x01
#define STATUS_ROOM 0x20
#define LINE_DIVISOR 0x80
#define LINE_8N1 0x03
#define FIFO_CLEAR 0x07
/* Its outputs lead to the interrupt controller only if the second one is set. */
#define MODEM_READY 0x0b
#define DIVISOR_115200 1
#define FIFO_SIZE 16
#define DEBUG_PORT 0xe9

struct serial {
    struct console_device console;
    uint16_t port;
    unsigned pin;
};

static void serial_write(struct console_device *device, const char *bytes, size_t size)
{
    const uint16_t port = CONTAINER_OF(device, struct serial, console)->port;
    for (size_t done = 0; done < size;) {
        while (!(cpu_in8(port + STATUS) & STATUS_ROOM))
            cpu_pause();
        for (size_t i = 0; i < FIFO_SIZE && done < size; i++)
            cpu_out8(port + DATA, (uint8_t)bytes[done++]);
    }
}

static size_t serial_read(struct console_device *device, char *bytes, size_t size)
{
    const uint16_t port = CONTAINER_OF(device, struct serial, console)->port;
    size_t length = 0;
    while (length < size && cpu_in8(port + STATUS) & STATUS_INPUT)
        bytes[length++] = (char)cpu_in8(port + DATA);
    return length;
}

static void debug_write(struct console_device *device, const char *bytes, size_t size)
{
    (void)device;
    for (size_t i = 0; i < size; i++)
        cpu_out8(DEBUG_PORT, (uint8_t)bytes[i]);
}

static struct serial ports[] = {
    {.console = {.name = "ttyS0", .write = serial_write, .read = serial_read},
     .port = 0x3f8,
     .pin = 4},
    {.console = {.name = "ttyS1", .write = serial_write, .read = serial_read},
     .port = 0x2f8,
     .pin = 3},
};
static struct console_device debug_port = {.name = "debug", .write = debug_write};

static bool is_there(uint16_t port)
{
    cpu_out8(port + SCRATCH, 0x5a);
    return cpu_in8(port + SCRATCH) == 0x5a;
}

void serial_begin(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(ports); i++) {
        const uint16_t port = ports[i].port;
        if (!is_there(port))
            continue;
        cpu_out8(port + LINE, LINE_DIVISOR);
        cpu_out8(port + DATA, DIVISOR_115200);
        cpu_out8(port + INTERRUPTS, 0);
        cpu_out8(port + LINE, LINE_8N1);
        cpu_out8(port + FIFO, FIFO_CLEAR);
        cpu_out8(port + MODEM, MODEM_READY);
        console_add(&ports[i].console);
    }
    /* It reads as its own number where it is. */
    if (cpu_in8(DEBUG_PORT) == DEBUG_PORT)
        console_add(&debug_port);
}

static void take_input(void *with)
{
    struct serial *serial = with;
    console_input(&serial->console);
}

void serial_listen(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(ports); i++) {
        const unsigned vector =
            is_there(ports[i].port) ? interrupt_vector(take_input, &ports[i]) : 0;
        if (!vector)
            continue;
        interrupt_route(ports[i].pin, vector, false);
        cpu_out8(ports[i].port + INTERRUPTS, 1);
    }
}
