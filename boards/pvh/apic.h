/* SPDX-License-Identifier: BSD-2-Clause */
/* The interrupt controllers, for interrupt.c and clock.c. */
#ifndef RUMPRUN_APIC_H
#define RUMPRUN_APIC_H

#include "base.h"

/* Vectors of the local APIC's own. */
#define APIC_VECTOR_TIMER 0xf0u
#define APIC_VECTOR_SPURIOUS 0xffu

void apic_begin(void);
/* Interrupts once after so many ticks; 0: not at all. */
void apic_timer_set(uint32_t ticks);
uint32_t apic_timer_left(void);
/* The interrupt that came in has been seen to. */
void apic_done(void);
/* See interrupt_route() in device.h. */
void apic_route(unsigned pin, unsigned vector, bool level);

/* clock.c: what the timer's interrupt does. */
void clock_interrupt(void);
void clock_begin(void);

#endif
