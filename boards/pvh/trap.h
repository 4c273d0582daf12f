/* SPDX-License-Identifier: BSD-2-Clause */
/* Faults and interrupts, for entry.S. */
#ifndef RUMPRUN_TRAP_H
#define RUMPRUN_TRAP_H

#include "base.h"
#include "thread.h"

void trap_begin(void);
/* Whether it was a program that ran, rather than the base. */
static inline bool trap_is_program(const struct registers *registers)
{
    return thread_current->program &&
           ((int64_t)registers->rsp >= 0 || (int64_t)registers->rip >= 0);
}

/* On a stack that the next fault or interrupt uses again: whether there is more to do, on the
   thread's own stack. */
bool trap_fault(struct registers *registers);
void trap_fault_on(struct registers *registers);
bool trap_interrupt(struct registers *registers);

/* Lets pending interrupts in, or waits for one; the instruction that waits, and the next one. */
void cpu_idle(void);
extern char cpu_idle_halt[], cpu_idle_over[];
/* Whether a fault was an interrupt whose gate is not present; then it is made to look like one. */
bool interrupt_of_fault(struct registers *registers);
/* Whether what calls it runs on such a stack, where nothing may wait. */
bool trap_has_stack(void);
void trap_interrupt_on(struct registers *registers);

#endif
