/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The lines of a crash report. 'rumpdeb symbolize' (lib/rumprun/bake/symbolize.py) reads those of
 * the backtrace: "#", the number, a program's name, "+0x" and an address in its file.
 */
#define _GNU_SOURCE
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "core.h"
#include "crash.h"
#include "entrypoint.h"
#include "unwind.h"

/* Lines of a backtrace, and frames: an endless recursion is one line for all of its frames. */
#define FRAME_COUNT 48
#define FRAME_COUNT_OF_OTHERS 16
#define FRAMES_FOLLOWED 10000

/* <elf.h>'s Elf64_Ehdr, behind which linkers put the program headers. */
#define ELF_HEADER_SIZE 64

static const struct {
    int signal, code;
    const char *what;
} causes[] = {
    {SIGSEGV, SEGV_MAPERR, "nothing is mapped at"},
    {SIGSEGV, SEGV_ACCERR, "no permission for"},
    {SIGBUS, BUS_ADRALN, "bad alignment of"},
    {SIGBUS, BUS_ADRERR, "nothing is behind"},
    {SIGILL, ILL_ILLOPN, "illegal instruction at"},
    {SIGFPE, FPE_INTDIV, "division of an integer by zero at"},
    {SIGFPE, FPE_INTOVF, "overflow of an integer at"},
    {SIGTRAP, TRAP_BRKPT, "breakpoint at"},
};

static void say_cause(const struct core *core)
{
    /* From 1 on, and below SI_KERNEL (0x80), codes are those of a fault with an address. */
    if (core->code <= 0) {
        console_say("  sent by process %d", core->sender);
        return;
    }
    if (core->code >= 0x80) {
        console_say("  a fault without an address");
        return;
    }
    for (size_t i = 0; i < sizeof causes / sizeof *causes; i++)
        if (causes[i].signal == core->signal && causes[i].code == core->code) {
            console_say("  %s 0x%" PRIx64, causes[i].what, core->address);
            return;
        }
    console_say("  code %d, address 0x%" PRIx64, core->code, core->address);
}

static void say_registers(const struct user_regs_struct *r)
{
    const struct {
        const char *name;
        uint64_t value;
    } registers[] = {
        {"rip", r->rip}, {"rsp", r->rsp}, {"rbp", r->rbp}, {"rfl", r->eflags}, {"rax", r->rax},
        {"rbx", r->rbx}, {"rcx", r->rcx}, {"rdx", r->rdx}, {"rsi", r->rsi},    {"rdi", r->rdi},
        {"r8 ", r->r8},  {"r9 ", r->r9},  {"r10", r->r10}, {"r11", r->r11},    {"r12", r->r12},
        {"r13", r->r13}, {"r14", r->r14}, {"r15", r->r15}, {"fsb", r->fs_base},
    };
    const size_t count = sizeof registers / sizeof *registers;
    char line[128];

    for (size_t i = 0; i < count; i += 4) {
        size_t length = 0;
        for (size_t k = i; k < i + 4 && k < count; k++)
            length += (size_t)snprintf(line + length, sizeof line - length, "  %s %016" PRIx64,
                                       registers[k].name, registers[k].value);
        console_say("%s", line);
    }
}

/* Says where the frame is. The address is 1 less than a debugger's where it is inside a call. */
static void say_frame(const struct modules *modules, const struct frame *frame, int number)
{
    const uint64_t address = frame_address(frame);
    const struct module *module = module_of(modules, address);
    const char *doubt = frame->guessed ? " (a guess)" : "";

    if (module)
        console_say("  #%d %s+0x%" PRIx64 "%s", number, module->name, address - module->bias,
                    doubt);
    else
        console_say("  #%d 0x%" PRIx64 "%s", number, address, doubt);
}

static void say_repeats(int count)
{
    if (count > 0)
        console_say("  that frame %d times more", count);
}

static void say_backtrace(const struct memory *memory, const struct modules *modules,
                          const struct core_thread *thread, int limit)
{
    struct frame frame = frame_of(&thread->registers);
    uint64_t last = 0;
    int lines = 0, repeats = 0, ended = 0;

    for (int number = 0; number < FRAMES_FOLLOWED && lines < limit && !ended; number++) {
        if (number > 0 && frame_address(&frame) == last) {
            repeats++;
        } else {
            say_repeats(repeats);
            repeats = 0;
            say_frame(modules, &frame, number);
            lines++;
        }
        last = frame_address(&frame);
        ended = unwind_step(memory, modules, &frame) != 0;
    }
    say_repeats(repeats);
    if (!ended)
        console_say("  and so on");
}

static void find_modules(const struct core *core, const struct memory *memory, const char *name,
                         struct modules *modules)
{
    modules->count = 0;
    if (module_at(memory, core->program_headers - ELF_HEADER_SIZE, name, &modules->of[0]) == 0)
        modules->count = 1;
    struct module *vdso = &modules->of[modules->count];
    if (core->vdso && module_at(memory, core->vdso, "[vdso]", vdso) == 0)
        modules->count++;
}

int crash_report(int descriptor, const struct memory *memory, const char *name, int process)
{
    static struct core core;
    struct modules modules;

    if (core_read(descriptor, &core) != 0) {
        console_say("%s, process %d, crashed, and its core makes no sense", name, process);
        return STATUS_OWN_FAILURE;
    }
    find_modules(&core, memory, name, &modules);
    const char *number = strsignal(core.signal);
    console_say("crash: %s, process %d, thread %d, signal %d (%s)", name, process,
                core.threads[0].id, core.signal, number ? number : "unknown");
    say_cause(&core);
    say_registers(&core.threads[0].registers);
    say_backtrace(memory, &modules, &core.threads[0], FRAME_COUNT);
    for (size_t i = 1; i < core.thread_count && i < CORE_THREADS; i++) {
        console_say("  thread %d:", core.threads[i].id);
        say_backtrace(memory, &modules, &core.threads[i], FRAME_COUNT_OF_OTHERS);
    }
    if (core.thread_count > CORE_THREADS)
        console_say("  and %zu more threads", core.thread_count - CORE_THREADS);
    console_say("end of the crash report");
    return 0;
}
