/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Time, by the processor's time stamp counter, and the local APIC's timer that interrupts. Their
 * frequencies are measured when the time is first asked for: what asks for none starts at once.
 */
#include "apic.h"
#include "cpu.h"
#include "device.h"

#define SECOND 1000000000u

/* The programmable interval timer (Intel 8254): its first counter counts down from 65536, over and
   over. The machine microvm has no port to gate the third one by. */
#define PIT_FREQUENCY 1193182u
#define PIT_COUNTER 0x40
#define PIT_MODE 0x43
#define PIT_COUNT_OVER 0x34
#define PIT_LATCH 0x00
#define PIT_MEASURED 2386u
/* Where there is none: KVM's and QEMU's APIC timers count nanoseconds. */
#define APIC_FREQUENCY SECOND
#define APIC_MEASURED (SECOND / 500)
#define APIC_SHARE THREAD_SHARE
#define MOST_TRIES 5
#define MOST_POLLS 100000

/* The clock of a PC (Motorola MC146818A). */
#define RTC_INDEX 0x70
#define RTC_DATA 0x71
#define RTC_STATUS 10
#define RTC_UPDATING 0x80

struct clock_reading clock_reading;
/* Ticks of the APIC's timer in a second. */
static uint64_t apic_frequency;
static struct timer *timers;
/* When the next interrupt comes; 0: none will. */
static uint64_t armed;

static uint16_t pit_read(void)
{
    cpu_out8(PIT_MODE, PIT_LATCH);
    const unsigned low = cpu_in8(PIT_COUNTER);
    return (uint16_t)(low | (unsigned)cpu_in8(PIT_COUNTER) << 8);
}

/* What all three counted in the same time: about PIT_MEASURED. */
struct measured {
    uint64_t pit, ticks, apic;
};

/* False where there is no PIT. */
static bool measure_once(struct measured *measured)
{
    cpu_out8(PIT_MODE, PIT_COUNT_OVER);
    cpu_out8(PIT_COUNTER, 0);
    cpu_out8(PIT_COUNTER, 0);
    apic_timer_set(UINT32_MAX);
    const uint16_t pit_start = pit_read();
    const uint64_t start = cpu_clock();
    const uint32_t apic_start = apic_timer_left();
    unsigned polls = 0;
    do {
        measured->pit = (uint16_t)(pit_start - pit_read());
        measured->ticks = cpu_clock() - start;
        measured->apic = apic_start - apic_timer_left();
    } while (measured->pit < PIT_MEASURED && polls++ < MOST_POLLS);
    apic_timer_set(0);
    return measured->pit >= PIT_MEASURED && measured->apic > 0;
}

/* Whatever stops the machine for a while makes one wrong: two that agree are right. */
static bool measure(uint64_t *frequency)
{
    uint64_t last = 0;
    for (unsigned i = 0; i < MOST_TRIES; i++) {
        struct measured m;
        if (!measure_once(&m))
            return false;
        *frequency = m.ticks * PIT_FREQUENCY / m.pit;
        apic_frequency = m.apic * PIT_FREQUENCY / m.pit;
        if (MAX(last, *frequency) - MIN(last, *frequency) < *frequency / 1024)
            break;
        last = *frequency;
    }
    return true;
}

static void measure_by_apic(uint64_t *frequency)
{
    apic_timer_set(UINT32_MAX);
    const uint32_t apic_start = apic_timer_left();
    const uint64_t start = cpu_clock();
    uint64_t passed;
    while ((passed = apic_start - apic_timer_left()) < APIC_MEASURED)
        cpu_pause();
    *frequency = (cpu_clock() - start) * APIC_FREQUENCY / passed;
    apic_frequency = APIC_FREQUENCY;
    apic_timer_set(0);
}

static unsigned rtc_read(uint8_t index)
{
    cpu_out8(RTC_INDEX, index);
    return cpu_in8(RTC_DATA);
}

static unsigned from_decimal(unsigned value)
{
    return (value & 0xf) + (value >> 4) * 10;
}

/* Seconds since 1970; 0 where there is no such clock. Howard Hinnant's days_from_civil gives the
 * days. */
static uint64_t rtc_seconds(void)
{
    unsigned parts[6], again[6];
    static const uint8_t indexes[] = {0, 2, 4, 7, 8, 9};
    if (rtc_read(RTC_STATUS) == 0xff)
        return 0;
    do {
        for (unsigned i = 0; i < MOST_POLLS && rtc_read(RTC_STATUS) & RTC_UPDATING; i++)
            cpu_pause();
        for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
            parts[i] = rtc_read(indexes[i]);
        for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
            again[i] = rtc_read(indexes[i]);
    } while (memcmp(parts, again, sizeof parts) != 0);
    if (!(rtc_read(11) & 4)) {
        for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
            parts[i] = from_decimal(parts[i]);
    }
    const unsigned month = parts[4], year = 2000 + parts[5] - (month <= 2);
    const unsigned day = (153 * (month + (month > 2 ? -3u : 9u)) + 2) / 5 + parts[3] - 1;
    const uint64_t days = (uint64_t)year * 365 + year / 4 - year / 100 + year / 400 + day - 719468;
    return days * 86400 + parts[2] * 3600 + parts[1] * 60 + parts[0];
}

static void begin(void)
{
    uint64_t frequency = 0;
    if (xen_clock && xen_clock(&frequency, &clock_reading.epoch)) {
        uint64_t ticks, start = cpu_clock();
        apic_timer_set(UINT32_MAX);
        while ((ticks = cpu_clock() - start) < frequency / 500)
            cpu_pause();
        apic_frequency = (UINT32_MAX - apic_timer_left()) * (frequency / 1000) / ticks * 1000;
        apic_timer_set(0);
    } else if (!measure(&frequency)) {
        measure_by_apic(&frequency);
    }
    clock_reading.scale = (uint64_t)(((unsigned __int128)SECOND << 32) / frequency);
    if (clock_reading.epoch)
        clock_reading.epoch -= clock_scale(cpu_clock() - clock_reading.first, clock_reading.scale);
    armed = 0;
}

uint64_t clock_of_ticks(uint64_t ticks)
{
    if (!clock_reading.scale)
        begin();
    return clock_scale(ticks, clock_reading.scale);
}

void clock_begin(void)
{
    clock_reading.first = cpu_clock();
}

uint64_t clock_now(void)
{
    return clock_of_ticks(cpu_clock() - clock_reading.first);
}

uint64_t clock_epoch(void)
{
    const uint64_t now = clock_now();
    if (!clock_reading.epoch)
        clock_reading.epoch = rtc_seconds() * SECOND - now;
    return clock_reading.epoch;
}

uint64_t clock_real(void)
{
    /* In this order: the first time, it takes a while to find out. */
    const uint64_t since = clock_epoch();
    return since + clock_now();
}

/* The seconds alone, as long as the machine starts. */
uint64_t clock_stamp(void)
{
    static uint64_t seconds;
    if (clock_reading.scale || thread_current->program)
        return clock_real();
    if (!seconds)
        seconds = rtc_seconds();
    return seconds * SECOND;
}

void clock_set_epoch(uint64_t value)
{
    clock_reading.epoch = value;
}

/* An interrupt that comes too early is cheaper than telling the timer each time. */
void clock_arm(void)
{
    const bool shared = thread_others() && thread_current->program;
    if (!timers && !shared)
        return;
    if (!timers && !clock_reading.scale) {
        /* Nobody has asked for the time yet, and about a share is enough. */
        if (!armed)
            apic_timer_set(APIC_SHARE);
        armed = 1;
        return;
    }
    const uint64_t now = clock_now();
    uint64_t due = timers ? timers->deadline : UINT64_MAX;
    if (shared)
        due = MIN(due, now + THREAD_SHARE);
    if (armed && armed <= due)
        return;
    const uint64_t left = due > now ? MIN(due - now, SECOND) : 0;
    const uint64_t count = left * apic_frequency / SECOND + 1;
    apic_timer_set((uint32_t)MIN(count, UINT32_MAX));
    armed = now + left;
}

void clock_interrupt(void)
{
    const uint64_t now = clock_now();
    armed = 0;
    while (timers && timers->deadline <= now) {
        struct timer *timer = timers;
        timers = timer->next;
        timer->armed = false;
        timer->expire(timer);
    }
    thread_share_over();
    clock_arm();
}

void timer_arm(struct timer *timer, uint64_t deadline)
{
    timer_disarm(timer);
    timer->deadline = deadline;
    timer->armed = true;
    struct timer **place = &timers;
    while (*place && (*place)->deadline <= deadline)
        place = &(*place)->next;
    timer->next = *place;
    *place = timer;
    if (timers == timer)
        clock_arm();
}

void timer_disarm(struct timer *timer)
{
    if (!timer->armed)
        return;
    struct timer **place = &timers;
    while (*place != timer)
        place = &(*place)->next;
    *place = timer->next;
    timer->armed = false;
}
