/* SPDX-License-Identifier: BSD-2-Clause */
/* System calls: finds the function, counts, and says what is missing. */
#include "call.h"

#define CALLS 480u

struct known {
    call_function *function;
    const char *name;
};

static const struct known calls[CALLS] = {
#define CALL(name) [SYS_##name] = {sys_##name, #name},
#include "calls.h"
#undef CALL
};

static uint64_t missing[CALLS], total;
bool call_trace;

/* Once for each: a program that asks again does so in a loop. */
int64_t call_refuse(uint64_t number)
{
    const uint64_t place = MIN(number, CALLS - 1);
    if (missing[place]++ == 0) {
        const char *const name = calls[place].name;
        say("%s: no system call %lu%s%s%s", program_current()->name, number, name ? " (" : "",
            name ? name : "", name ? ")" : "");
    }
    return -ENOSYS;
}

static int64_t perform(uint64_t number, const struct call *call)
{
    const struct program *const program = program_current();
    const struct known *known = number < CALLS ? &calls[number] : NULL;
    total++;
    program_current()->calls++;
    if (!known || !known->function)
        return call_refuse(number);
    const int64_t result = known->function(call);
    if (call_trace)
        say("%s[%d] %s(0x%lx, 0x%lx, 0x%lx, 0x%lx) = %ld", program->name, thread_current->id,
            known->name, call->a[0], call->a[1], call->a[2], call->a[3], result);
    return result;
}

void call_leave(struct registers *registers)
{
    struct thread *const thread = thread_current;
    thread->registers = registers;
    /* Before others run: a signal that has ended this thread's wait is its own. */
    if (signal_is_due(thread))
        signal_deliver(registers);
    thread_preempt();
    if (signal_is_due(thread))
        signal_deliver(registers);
}

bool call_enter(struct registers *r)
{
    thread_current->registers = r;
    const struct call call = {.a = {r->rdi, r->rsi, r->rdx, r->r10, r->r8, r->r9}, .registers = r};
    r->rax = (uint64_t)perform(r->number, &call);
    call_leave(r);
    return r->error != REGISTERS_CALL;
}

size_t calls_write(char *text, size_t size)
{
    size_t length = (size_t)snprintf(text, size, "calls %lu\n", total);
    for (size_t i = 0; i < CALLS; i++) {
        if (!missing[i])
            continue;
        const size_t room = length < size ? size - length : 0;
        length += (size_t)snprintf(room ? text + length : NULL, room, "missing_call_%zu %lu\n", i,
                                   missing[i]);
    }
    return length;
}
