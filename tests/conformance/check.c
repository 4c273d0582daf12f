/* SPDX-License-Identifier: BSD-2-Clause */
#include "check.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

void check_begin(void) { setvbuf(stdout, NULL, _IOLBF, 0); }

void check_value(const char *name, long value) { printf("%s: %ld\n", name, value); }

void check_true(const char *name, bool value) { printf("%s: %s\n", name, value ? "yes" : "no"); }

void check_text(const char *name, const char *text)
{
    printf("%s: %.*s\n", name, (int)strcspn(text, "\n"), text);
}

void check_call(const char *name, long result)
{
    if (result == -1)
        printf("%s: %s\n", name, strerror(errno));
    else
        printf("%s: %ld\n", name, result);
}

void check_done(const char *name, long result)
{
    printf("%s: %s\n", name, result == -1 ? strerror(errno) : "done");
}

void check_error(const char *name, int error)
{
    printf("%s: %s\n", name, error ? strerror(error) : "done");
}

void *probe_address;
static sigjmp_buf probe_back;
static volatile sig_atomic_t probe_signal, probe_why;

static const int probe_signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP};
#define PROBE_SIGNALS (sizeof probe_signals / sizeof *probe_signals)

static void caught(int number, siginfo_t *info, void *context)
{
    (void)context;
    probe_signal = number;
    probe_why = info->si_code;
    probe_address = info->si_addr;
    siglongjmp(probe_back, 1);
}

const char *probe_code(int number, int code)
{
    static const struct {
        int number, code;
        const char *words;
    } known[] = {
        {SIGSEGV, SEGV_MAPERR, "SEGV MAPERR"}, {SIGSEGV, SEGV_ACCERR, "SEGV ACCERR"},
        {SIGSEGV, SI_KERNEL, "SEGV KERNEL"},   {SIGBUS, BUS_ADRERR, "BUS ADRERR"},
        {SIGBUS, BUS_ADRALN, "BUS ADRALN"},    {SIGILL, ILL_ILLOPN, "ILL ILLOPN"},
        {SIGILL, ILL_ILLOPC, "ILL ILLOPC"},    {SIGFPE, FPE_INTDIV, "FPE INTDIV"},
        {SIGFPE, FPE_FLTDIV, "FPE FLTDIV"},    {SIGFPE, FPE_FLTINV, "FPE FLTINV"},
        {SIGFPE, FPE_FLTOVF, "FPE FLTOVF"},    {SIGTRAP, TRAP_BRKPT, "TRAP BRKPT"},
        {SIGTRAP, TRAP_TRACE, "TRAP TRACE"},   {SIGTRAP, SI_KERNEL, "TRAP KERNEL"},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (known[i].number == number && known[i].code == code)
            return known[i].words;
    static char other[40];
    snprintf(other, sizeof other, "signal %d code %d", number, code);
    return other;
}

const char *probe(void (*function)(void *), void *with)
{
    struct sigaction action = {.sa_sigaction = caught, .sa_flags = SA_SIGINFO};
    struct sigaction before[PROBE_SIGNALS];
    for (size_t i = 0; i < PROBE_SIGNALS; i++)
        sigaction(probe_signals[i], &action, &before[i]);
    const bool faulted = sigsetjmp(probe_back, 1) != 0;
    if (!faulted)
        function(with);
    for (size_t i = 0; i < PROBE_SIGNALS; i++)
        sigaction(probe_signals[i], &before[i], NULL);
    return faulted ? probe_code(probe_signal, probe_why) : "fine";
}

static void do_read(void *address) { (void)*(volatile char *)address; }

static void do_write(void *address)
{
    volatile char *byte = address;
    *byte = *byte;
}

static void do_call(void *address)
{
    void (*function)(void);
    memcpy(&function, &address, sizeof function);
    function();
}

const char *probe_read(const void *address) { return probe(do_read, (void *)(size_t)address); }
const char *probe_write(void *address) { return probe(do_write, address); }
const char *probe_call(const void *address) { return probe(do_call, (void *)(size_t)address); }

long long now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000000LL + time.tv_nsec;
}

void sleep_ms(long milliseconds)
{
    struct timespec time = {milliseconds / 1000, milliseconds % 1000 * MS};
    while (nanosleep(&time, &time) == -1 && errno == EINTR)
        continue;
}
