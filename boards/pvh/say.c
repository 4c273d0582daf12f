/* SPDX-License-Identifier: BSD-2-Clause */
/* The base's own words, and its end. */
#include "cpu.h"
#include "device.h"
#include "memory.h"

#define LONGEST 512
#define DEEPEST 24
/* As sched.h of Xen's public headers says. */
#define SHUTDOWN_POWEROFF 0u
#define SHUTDOWN_CRASH 3u

/* Where SeaBIOS puts the registers for power management on the machines pc and q35: the value is
   "soft off" with the sleep type 0, which QEMU gives it. */
#define POWER_PORT 0x604
#define POWER_OFF 0x2000
#define KEYBOARD_PORT 0x64
#define KEYBOARD_RESET 0xfe

__attribute__((format(printf, 1, 0))) static void say_line(const char *format, va_list arguments)
{
    char line[LONGEST] = "rumprun: ";
    const size_t prefix = strlen(line);
    const int length = vsnprintf(line + prefix, sizeof line - prefix - 1, format, arguments);
    const size_t end = prefix + MIN((size_t)length, sizeof line - prefix - 2);
    line[end] = '\n';
    console_write(line, end + 1);
}

void say(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    say_line(format, arguments);
    va_end(arguments);
}

/* The machine is over for whatever started it, each way that there may be. */
static _Noreturn void switch_off(unsigned reason)
{
    if (xen_shutdown)
        xen_shutdown(reason);
    cpu_out16(POWER_PORT, POWER_OFF);
    cpu_out8(KEYBOARD_PORT, KEYBOARD_RESET);
    /* A fault without any table to look it up in resets the processor. */
    static const struct {
        uint16_t limit;
        uint64_t table;
    } __attribute__((packed)) nothing = {0, 0};
    __asm__ volatile("lidt %0; int3" : : "m"(nothing));
    for (;;)
        __asm__ volatile("cli; hlt");
}

static void say_callers(void)
{
    const uint64_t *frame = __builtin_frame_address(0);
    for (size_t depth = 0; depth < DEEPEST && (uintptr_t)frame > MEMORY_DIRECT; depth++) {
        const uint64_t *next = (const uint64_t *)(uintptr_t)frame[0];
        say("  called from 0x%lx", frame[1]);
        if (next <= frame)
            break;
        frame = next;
    }
}

void panic(const char *format, ...)
{
    static bool panicking;
    __asm__ volatile("cli");
    if (!panicking) {
        panicking = true;
        va_list arguments;
        say("panic:");
        va_start(arguments, format);
        say_line(format, arguments);
        va_end(arguments);
        say_callers();
    }
    switch_off(SHUTDOWN_CRASH);
}

void machine_end(int status)
{
    char line[32];
    snprintf(line, sizeof line, "rumprun-exit %d end\n", status & 0xff);
    console_control(line);
    switch_off(SHUTDOWN_POWEROFF);
}

/* What assert() calls. */
_Noreturn void __assert_fail(const char *expression, const char *file, int line,
                             const char *function);
void __assert_fail(const char *expression, const char *file, int line, const char *function)
{
    panic("%s:%d: %s: not so: %s", file, line, function, expression);
}

/* What -fstack-protector calls. */
_Noreturn void __stack_chk_fail(void);
void __stack_chk_fail(void)
{
    panic("a stack of the base was overrun");
}
