/* SPDX-License-Identifier: BSD-2-Clause */
/* An interrupt where the base is about to wait for one: interrupt.c goes on behind the wait. */
#include "apic.h"
#include "call.h"
#include "cpu.h"
#include "device.h"
#include "panic_shim.h"
#include "trap.h"

char cpu_idle_halt[1], cpu_idle_over[1];
struct thread *thread_current = &(struct thread){0};

void apic_done(void) {}
void apic_route(unsigned pin, unsigned vector, bool level)
{
    (void)pin, (void)vector, (void)level;
}
void clock_interrupt(void) {}
void thread_preempt_for_woken(void) {}
void call_leave(struct registers *registers) { (void)registers; }

static unsigned seen;

static void see(void *with)
{
    (void)with;
    seen++;
}

static uint64_t interrupted_at(uint64_t place, unsigned vector)
{
    struct registers registers = {.rip = place, .number = vector, .flags = CPU_FLAG_INTERRUPT};
    (void)trap_interrupt(&registers);
    return registers.rip;
}

int main(void)
{
    const unsigned vector = interrupt_vector(see, NULL);
    const uint64_t halt = (uintptr_t)cpu_idle_halt, over = (uintptr_t)cpu_idle_over;
    const bool right = interrupted_at(halt, vector) == over &&
                       interrupted_at(halt, APIC_VECTOR_TIMER) == over &&
                       interrupted_at(over, vector) == over && interrupted_at(1, vector) == 1;
    return right && seen == 3 ? 0 : 1;
}
