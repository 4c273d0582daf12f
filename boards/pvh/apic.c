/* SPDX-License-Identifier: BSD-2-Clause */
/* The local APIC (Intel SDM volume 3, 11), the I/O APIC (Intel 82093AA), and the old PICs' silence.
 */
#include "apic.h"

#include "cpu.h"
#include "memory.h"

#define LOCAL_ADDRESS 0xfee00000u
#define LOCAL_TASK_PRIORITY 0x80u
#define LOCAL_END 0xb0u
#define LOCAL_SPURIOUS 0xf0u
#define LOCAL_TIMER 0x320u
#define LOCAL_TIMER_START 0x380u
#define LOCAL_TIMER_LEFT 0x390u
#define LOCAL_TIMER_DIVIDE 0x3e0u
#define LOCAL_ID 0x20u
#define SPURIOUS_ENABLE 0x100u
#define DIVIDE_BY_1 0xbu
#define BASE_ENABLE 0x800u

#define IO_ADDRESS 0xfec00000u
#define IO_VERSION 1u
#define IO_ROUTES 0x10u
#define IO_LEVEL (1u << 15)
#define IO_DATA 0x10u

#define PIC_MASK_1 0x21
#define PIC_MASK_2 0xa1

static volatile uint8_t *local, *io;

static void local_write(unsigned place, uint32_t value)
{
    *(volatile uint32_t *)(local + place) = value;
}

static uint32_t local_read(unsigned place)
{
    return *(volatile uint32_t *)(local + place);
}

void apic_begin(void)
{
    cpu_out8(PIC_MASK_1, 0xff);
    cpu_out8(PIC_MASK_2, 0xff);
    cpu_write_msr(CPU_MSR_APIC_BASE, cpu_read_msr(CPU_MSR_APIC_BASE) | BASE_ENABLE);
    local = paging_map_device(LOCAL_ADDRESS, PAGE_SIZE);
    if (!local)
        panic("not enough memory for the local APIC's registers");
    local_write(LOCAL_SPURIOUS, SPURIOUS_ENABLE | APIC_VECTOR_SPURIOUS);
    local_write(LOCAL_TASK_PRIORITY, 0);
    local_write(LOCAL_TIMER_DIVIDE, DIVIDE_BY_1);
    local_write(LOCAL_TIMER, APIC_VECTOR_TIMER);
}

void apic_timer_set(uint32_t ticks)
{
    local_write(LOCAL_TIMER_START, ticks);
}

uint32_t apic_timer_left(void)
{
    return local_read(LOCAL_TIMER_LEFT);
}

void apic_done(void)
{
    local_write(LOCAL_END, 0);
}

static void io_write(uint32_t index, uint32_t value)
{
    *(volatile uint32_t *)io = index;
    *(volatile uint32_t *)(io + IO_DATA) = value;
}

static uint32_t io_read(uint32_t index)
{
    *(volatile uint32_t *)io = index;
    return *(volatile uint32_t *)(io + IO_DATA);
}

void apic_route(unsigned pin, unsigned vector, bool level)
{
    if (!io)
        io = paging_map_device(IO_ADDRESS, PAGE_SIZE);
    /* Where there is none, all bits read as set. */
    if (!io || io_read(IO_VERSION) == UINT32_MAX || pin > (io_read(IO_VERSION) >> 16 & 0xff))
        return;
    io_write(IO_ROUTES + 2 * pin + 1, local_read(LOCAL_ID) & 0xff000000u);
    io_write(IO_ROUTES + 2 * pin, vector | (level ? IO_LEVEL : 0));
}
