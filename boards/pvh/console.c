/* SPDX-License-Identifier: BSD-2-Clause */
/* The consoles that the command line names, or all; and the control channel. */
#include "cpu.h"
#include "device.h"

#define DEBUG_PORT 0xe9

static struct console_device *devices;
void (*console_owner)(struct console_device *device);

/* Whether "name" or "name,..." is the value of length bytes. */
static bool is_named(const struct console_device *device, const char *value, size_t length)
{
    const size_t name = strlen(device->name);
    return length >= name && memcmp(value, device->name, name) == 0 &&
           (length == name || value[name] == ',');
}

static bool names_control(const struct console_device *device)
{
    const char *value;
    const int64_t length = start_option("rumprun.control", &value);
    return length >= 0 && is_named(device, value, (size_t)length);
}

/* Each console= counts; without any, everything is a console that is not the control channel. */
static bool names_console(const struct console_device *device)
{
    static const char option[] = "console=";
    bool any = false;
    for (const char *word = start_words; *word; word += strspn(word, " ")) {
        const size_t length = strcspn(word, " ");
        if (length >= sizeof option - 1 && memcmp(word, option, sizeof option - 1) == 0) {
            any = true;
            if (is_named(device, word + sizeof option - 1, length - (sizeof option - 1)))
                return true;
        }
        word += length;
    }
    return !any && !names_control(device);
}

static void choose(struct console_device *device)
{
    device->is_console = names_console(device);
    device->is_control = names_control(device);
}

void consoles_choose(void)
{
    for (struct console_device *device = devices; device; device = device->next)
        choose(device);
}

void console_add(struct console_device *device)
{
    choose(device);
    device->next = devices;
    devices = device;
}

/* Before there is any console: hypervisors log what comes at this port. */
static void write_early(const char *bytes, size_t size)
{
    while (size-- > 0)
        cpu_out8(DEBUG_PORT, (uint8_t)*bytes++);
}

void console_write(const char *bytes, size_t size)
{
    if (!devices)
        write_early(bytes, size);
    for (struct console_device *device = devices; device; device = device->next) {
        if (device->is_console)
            device->write(device, bytes, size);
    }
}

void console_input(struct console_device *device)
{
    if (console_owner && device->is_console)
        console_owner(device);
}

size_t console_read(char *bytes, size_t size)
{
    size_t length = 0;
    for (struct console_device *device = devices; device; device = device->next) {
        if (device->read && device->is_console)
            length += device->read(device, bytes + length, size - length);
    }
    return length;
}

void console_control(const char *line)
{
    for (struct console_device *device = devices; device; device = device->next) {
        if (device->is_control)
            device->write(device, line, strlen(line));
    }
}
