/* SPDX-License-Identifier: BSD-2-Clause */
/* Interrupts: who hears of which, and what runs when they are over. */
#include "apic.h"
#include "call.h"
#include "cpu.h"
#include "device.h"
#include "trap.h"

#define FIRST_VECTOR 0x30u
#define VECTORS 96u
/* In a fault's error code: what was not there is a gate. */
#define ERROR_GATE 2u

static struct {
    interrupt_handler *handler;
    void *with;
} handlers[VECTORS];
static unsigned handler_count;
static struct deferred *first_deferred, **last_deferred = &first_deferred;

unsigned interrupt_vector(interrupt_handler *handler, void *with)
{
    if (handler_count == VECTORS)
        return 0;
    handlers[handler_count].handler = handler;
    handlers[handler_count].with = with;
    return FIRST_VECTOR + handler_count++;
}

void interrupt_route(unsigned pin, unsigned vector, bool level)
{
    apic_route(pin, vector, level);
}

void deferred_queue(struct deferred *deferred)
{
    if (deferred->queued)
        return;
    deferred->queued = true;
    deferred->next = NULL;
    *last_deferred = deferred;
    last_deferred = &deferred->next;
}

void deferred_run(void)
{
    while (first_deferred) {
        struct deferred *deferred = first_deferred;
        first_deferred = deferred->next;
        if (!first_deferred)
            last_deferred = &first_deferred;
        deferred->queued = false;
        deferred->run(deferred);
    }
}

static bool is_known(uint64_t vector)
{
    return (vector >= FIRST_VECTOR && vector < FIRST_VECTOR + handler_count) ||
           vector == APIC_VECTOR_TIMER || vector == APIC_VECTOR_SPURIOUS;
}

/* QEMU (7.2 at least) has vector * 16 where processors have vector * 8 (Intel SDM volume 3, 6.13).
   No two vectors here are one another's double: a guest of Xen has few devices. */
bool interrupt_of_fault(struct registers *registers)
{
    const uint64_t place = registers->error / 8;
    if (!(registers->error & ERROR_GATE) || (!is_known(place) && !is_known(place / 2)))
        return false;
    registers->number = is_known(place) ? place : place / 2;
    return true;
}

/* An interrupt between sti and hlt has happened: hlt must not wait for it. Processors let none in
   there. QEMU (7.2 at least) does where it emulates a virtual machine: helper_vmrun() does not
   restore the shadow of sti that helper_vmexit() saved. */
static void skip_halt(struct registers *registers)
{
    if (registers->rip == (uintptr_t)cpu_idle_halt)
        registers->rip = (uintptr_t)cpu_idle_over;
}

bool trap_interrupt(struct registers *registers)
{
    const uint64_t vector = registers->number;
    /* The one that was seen to had this stack too: it can neither go on nor end. */
    if (!(registers->flags & CPU_FLAG_INTERRUPT))
        panic("interrupt %lu where interrupts are off, at 0x%lx", vector, registers->rip);
    if (vector == APIC_VECTOR_TIMER) {
        clock_interrupt();
        apic_done();
    } else if (vector >= FIRST_VECTOR && vector < FIRST_VECTOR + handler_count) {
        handlers[vector - FIRST_VECTOR].handler(handlers[vector - FIRST_VECTOR].with);
        apic_done();
    }
    skip_halt(registers);
    return trap_is_program(registers);
}

void trap_interrupt_on(struct registers *registers)
{
    deferred_run();
    thread_preempt_for_woken();
    call_leave(registers);
}
