/* SPDX-License-Identifier: BSD-2-Clause */
/* Threads: one at a time, in turn; a program's thread that has had its share goes to the end. */
#include "cpu.h"
#include "device.h"
#include "memory.h"
#include "program.h"
#include "trap.h"

/* Intel SDM volume 1, 13: the XSAVE area; without XSAVE, FXSAVE's. */
/* A share of the processor, in ticks of cpu_clock(): THREAD_SHARE or so. */
#define SHARE_TICKS 30000000u

#define XSAVE_ALIGNMENT 64u
#define FXSAVE_SIZE 512u
#define FEATURE_XSAVE (1u << 26)
#define XCR0_LEAF 0xdu
/* x87, SSE, AVX, AVX-512. */
#define XCR0_KNOWN 0xe7u
/* A stack in the base, and as much again. */
#define PAGES_PER_THREAD (2 * STACK_SIZE / PAGE_SIZE)

extern char boot_stack_end[];
void thread_first(void);

static struct thread first_thread;
/* Those that waited come before those that have had their share. */
static struct list woken, ready;
/* Has ended, and its stack may go as soon as another one runs. */
static struct thread *gone;
static bool share_over;
static int last_id;
static size_t count;
static bool has_xsave;
static void *clean_floats;

struct thread *thread_current = &first_thread;
uint64_t threads_idle;
uint32_t thread_floats_size = FXSAVE_SIZE;

void thread_save_floats(void *floats)
{
    if (has_xsave)
        __asm__ volatile("xsave64 (%0)" : : "r"(floats), "a"(-1), "d"(-1) : "memory");
    else
        __asm__ volatile("fxsave64 (%0)" : : "r"(floats) : "memory");
}

void thread_load_floats(const void *floats)
{
    if (has_xsave)
        __asm__ volatile("xrstor64 (%0)" : : "r"(floats), "a"(-1), "d"(-1) : "memory");
    else
        __asm__ volatile("fxrstor64 (%0)" : : "r"(floats) : "memory");
}

static void floats_begin(void)
{
    static const uint32_t control = 0x1f80;
    has_xsave = cpu_id(1, 0).c & FEATURE_XSAVE;
    if (has_xsave) {
        cpu_write_cr4(cpu_read_cr4() | CPU_CR4_XSAVE);
        const uint32_t known = cpu_id(XCR0_LEAF, 0).a & XCR0_KNOWN;
        __asm__ volatile("xsetbv" : : "c"(0), "a"(known), "d"(0));
        thread_floats_size = cpu_id(XCR0_LEAF, 0).b;
    }
    BASE_ASSERT(thread_floats_size <= PAGE_SIZE);
    /* Aligned, since it is a page. */
    clean_floats = heap_get(PAGE_SIZE);
    if (!clean_floats)
        panic("not enough memory for a page");
    __asm__ volatile("fninit; ldmxcsr %0" : : "m"(control));
    thread_save_floats(clean_floats);
}

void threads_begin(void)
{
    list_begin(&woken);
    list_begin(&ready);
    list_begin(&first_thread.siblings);
    list_begin(&first_thread.ready);
    floats_begin();
    first_thread.stack_end = (uintptr_t)boot_stack_end;
    first_thread.since = cpu_clock();
}

static void put_stack(struct thread *thread)
{
    count--;
    stack_put(round_up(thread->stack_end, PAGE_SIZE));
    heap_put(thread);
}

static void forget_gone(void)
{
    if (gone && gone != &first_thread)
        put_stack(gone);
    gone = NULL;
}

/* The thread's first words on its stack are what thread_switch() takes from it: five registers that
   do not matter, the function and its argument among them, and where to return to. */
static void prepare_stack(struct thread *thread, void (*begin)(void *), void *with)
{
    const uint64_t top = thread->stack_end;
    thread->floats = (void *)(uintptr_t)round_down(top - thread_floats_size, XSAVE_ALIGNMENT);
    memcpy(thread->floats, clean_floats, thread_floats_size);
    thread->stack_end = (uintptr_t)thread->floats;
    const uint64_t words[] = {
        0, 0, 0, (uintptr_t)with, 0, (uintptr_t)begin, (uintptr_t)thread_first};
    thread->stack_pointer = thread->stack_end - sizeof words - 8;
    memcpy((void *)(uintptr_t)thread->stack_pointer, words, sizeof words);
}

struct thread *thread_make(struct program *program, void (*begin)(void *), void *with)
{
    /* Otherwise a program makes more threads than there is memory for what they do. */
    if (program && count >= pages_total() / PAGES_PER_THREAD)
        return NULL;
    struct thread *thread = heap_get(sizeof *thread);
    if (!thread)
        return NULL;
    thread->stack_end = stack_get();
    if (!thread->stack_end) {
        heap_put(thread);
        return NULL;
    }
    prepare_stack(thread, begin, with);
    list_begin(&thread->ready);
    list_begin(&thread->siblings);
    thread->id = ++last_id;
    count++;
    thread->program = program;
    thread->state = THREAD_WAITING;
    if (program) {
        list_add_last(&program->threads, &thread->siblings);
        program->thread_count++;
    }
    return thread;
}

void thread_unmake(struct thread *thread)
{
    list_remove(&thread->siblings);
    if (thread->program)
        thread->program->thread_count--;
    put_stack(thread);
}

/* A thread that has had its share begins another one behind all others. */
static void queue(struct thread *thread)
{
    if (thread->share < SHARE_TICKS) {
        list_add_last(&woken, &thread->ready);
        return;
    }
    thread->share = 0;
    list_add_last(&ready, &thread->ready);
}

void thread_ready(struct thread *thread)
{
    if (thread->state != THREAD_WAITING)
        return;
    const bool first = !thread_others();
    thread->state = THREAD_READY;
    queue(thread);
    if (first && thread_current->program)
        clock_arm();
}

bool thread_others(void)
{
    return !list_empty(&woken) || !list_empty(&ready);
}

static void change_to(struct thread *to)
{
    struct thread *const from = thread_current;
    const uint64_t now = cpu_clock();
    from->ran += now - from->since;
    from->share += now - from->since;
    to->since = now;
    if (from->program)
        thread_save_floats(from->floats);
    thread_current = to;
    share_over = false;
    if (to->program) {
        thread_load_floats(to->floats);
        cpu_write_msr(CPU_MSR_FS_BASE, to->fs_base);
        clock_arm();
    }
    thread_switch(from, to);
    forget_gone();
}

/* The next thread that is ready; until there is one, the machine is idle. */
static void change(void)
{
    BASE_ASSERT(!trap_has_stack());
    while (!thread_others()) {
        const uint64_t begun = cpu_clock();
        clock_arm();
        cpu_idle();
        deferred_run();
        /* It is nobody's time, least of all that of who waits. */
        const uint64_t passed = cpu_clock() - begun;
        threads_idle += passed;
        thread_current->since += passed;
    }
    struct list *const first = list_empty(&woken) ? ready.next : woken.next;
    struct thread *next = LIST_ENTRY(first, struct thread, ready);
    list_remove(&next->ready);
    if (next != thread_current)
        change_to(next);
}

void thread_wait(void)
{
    thread_current->state = THREAD_WAITING;
    change();
}

void thread_yield(void)
{
    if (!thread_others())
        return;
    thread_current->share = SHARE_TICKS;
    queue(thread_current);
    change();
}

void thread_share_over(void)
{
    share_over = true;
}

void thread_preempt(void)
{
    if (share_over)
        thread_yield();
}

void thread_preempt_for_woken(void)
{
    if (list_empty(&woken))
        return;
    list_add_first(&ready, &thread_current->ready);
    change();
}

void thread_end(void)
{
    struct thread *const thread = thread_current;
    if (thread->program)
        program_thread_ends(thread);
    timer_disarm(&thread->timer);
    list_remove(&thread->siblings);
    thread->program = NULL;
    thread->state = THREAD_ENDED;
    forget_gone();
    gone = thread;
    change();
    panic("a thread that has ended runs");
}

struct thread *thread_find(int id)
{
    LIST_EACH(place, &programs) {
        struct program *program = LIST_ENTRY(place, struct program, all);
        LIST_EACH(other, &program->threads) {
            struct thread *thread = LIST_ENTRY(other, struct thread, siblings);
            if (thread->id == id)
                return thread;
        }
    }
    return NULL;
}

void thread_set_fs(uint64_t base)
{
    thread_current->fs_base = base;
    cpu_write_msr(CPU_MSR_FS_BASE, base);
}
