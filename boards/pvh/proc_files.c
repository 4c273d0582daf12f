/* SPDX-License-Identifier: BSD-2-Clause */
/* Files below /proc about the machine. */
#include <sys/statfs.h>

#include "call.h"
#include "cpu.h"
#include "device.h"
#include "proc.h"

#define TICKS 100u
#define TICK (TIME_SECOND / TICKS)
#define KB(pages) ((uint64_t)(pages) * (PAGE_SIZE / 1024))

static uint64_t tmpfs_pages(void)
{
    uint64_t pages = 0;
    for (struct file_system *system = mounts_first; system; system = system->next) {
        struct statfs facts;
        if (system->busy && system_facts(system, &facts) == 0)
            pages += facts.f_blocks - facts.f_bfree;
    }
    return pages;
}

static size_t write_meminfo(char *to, size_t size)
{
    struct text text = {.to = to, .size = size};
    const uint64_t shared = KB(tmpfs_pages());
    const struct {
        const char *name;
        uint64_t kilobytes;
    } lines[] = {
        {"MemTotal:", KB(pages_total())},
        {"MemFree:", KB(pages_free())},
        {"MemAvailable:", KB(pages_free())},
        {"Buffers:", 0},
        {"Cached:", shared},
        {"SwapCached:", 0},
        {"SwapTotal:", 0},
        {"SwapFree:", 0},
        {"Shmem:", shared},
    };
    for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
        text_add(&text, "%-15s %8lu kB\n", lines[i].name, lines[i].kilobytes);
    return text.length;
}

static size_t write_uptime(char *to, size_t size)
{
    const uint64_t up = clock_now() / TICK, idle = clock_of_ticks(threads_idle) / TICK;
    return (size_t)snprintf(to, size, "%lu.%02lu %lu.%02lu\n", up / TICKS, up % TICKS, idle / TICKS,
                            idle % TICKS);
}

static uint64_t count_threads(uint64_t *running)
{
    uint64_t count = 0;
    LIST_EACH(place, &programs) {
        LIST_EACH(sibling, &LIST_ENTRY(place, struct program, all)->threads) {
            const struct thread *const thread = LIST_ENTRY(sibling, struct thread, siblings);
            count++;
            *running += thread->state == THREAD_READY;
        }
    }
    return count;
}

/* Who wants to run now: there are no averages. */
static size_t write_loadavg(char *to, size_t size)
{
    uint64_t running = 0;
    const uint64_t count = count_threads(&running);
    return (size_t)snprintf(to, size, "%lu.00 %lu.00 %lu.00 %lu/%lu %d\n", running, running,
                            running, running, count, thread_current->id);
}

static size_t write_stat(char *to, size_t size)
{
    struct text text = {.to = to, .size = size};
    const uint64_t idle = clock_of_ticks(threads_idle), now = clock_now();
    const uint64_t busy = now > idle ? now - idle : 0;
    uint64_t running = 0;
    (void)count_threads(&running);
    for (int i = 0; i < 2; i++)
        text_add(&text, "cpu%s %lu 0 0 %lu 0 0 0 0 0 0\n", i ? "0" : " ", busy / TICK, idle / TICK);
    text_add(&text, "btime %lu\nprocs_running %lu\nprocs_blocked 0\n", clock_epoch() / TIME_SECOND,
             running);
    return text.length;
}

static void copy_words(char *to, const uint32_t *words, size_t count)
{
    memcpy(to, words, count * sizeof *words);
    to[count * sizeof *words] = '\0';
}

static size_t write_cpuinfo(char *to, size_t size)
{
    struct text text = {.to = to, .size = size};
    const struct cpu_id first = cpu_id(0, 0), kind = cpu_id(1, 0);
    const unsigned family = kind.a >> 8 & 15, model = kind.a >> 4 & 15;
    char vendor[13], name[49] = "";
    copy_words(vendor, (const uint32_t[]){first.b, first.d, first.c}, 3);
    for (uint32_t i = 0; i < 3 && cpu_id(0x80000000, 0).a >= 0x80000004; i++) {
        const struct cpu_id part = cpu_id(0x80000002 + i, 0);
        copy_words(name + 16 * i, (const uint32_t[]){part.a, part.b, part.c, part.d}, 4);
    }
    text_add(&text, "processor\t: 0\nvendor_id\t: %s\ncpu family\t: %u\nmodel\t\t: %u\n", vendor,
             family == 15 ? family + (kind.a >> 20 & 255) : family,
             family == 6 || family == 15 ? model + (kind.a >> 12 & 0xf0) : model);
    text_add(&text, "model name\t: %s\nstepping\t: %u\nsiblings\t: 1\ncpu cores\t: 1\n\n", name,
             kind.a & 15);
    return text.length;
}

static size_t write_mounts(char *to, size_t size)
{
    struct text text = {.to = to, .size = size};
    for (const struct file_system *system = mounts_first; system; system = system->next) {
        text_add(&text, "%s ", system->type);
        text_add_path(&text, system->root);
        text_add(&text, " %s %s,noatime 0 0\n", system->type, system->read_only ? "ro" : "rw");
    }
    return text.length;
}

static size_t write_cmdline(char *to, size_t size)
{
    return (size_t)snprintf(to, size, "%s\n", start_words);
}

/* What the base counts: also what tests look at, to see that nothing is lost. */
static size_t write_base(char *to, size_t size)
{
    struct text text = {.to = to, .size = size};
    uint64_t running = 0;
    text_add(&text, "pages_total %lu\npages_free %lu\n", pages_total(), pages_free());
    text_add(&text, "threads %lu\nthreads_ready %lu\nrandom_weak %d\nstops_ignored %lu\n",
             count_threads(&running), running, random_is_weak(), signal_stops);
    LIST_EACH(place, &programs) {
        const struct program *const program = LIST_ENTRY(place, struct program, all);
        text_add(&text, "program %d pages %lu calls %lu threads %zu %s\n", program->id,
                 program->space.pages, program->calls, program->thread_count, program->name);
    }
    const size_t room = text.length < size ? size - text.length : 0;
    return text.length + calls_write(room ? to + text.length : NULL, room);
}

static size_t write_hostname(char *to, size_t size)
{
    return (size_t)snprintf(to, size, "%s\n", host_name);
}

/* As RFC 4122 has random ones. */
static size_t write_uuid(char *to, size_t size, uint8_t bytes[16])
{
    struct text text = {.to = to, .size = size};
    bytes[6] = (uint8_t)((bytes[6] & 0x0f) | 0x40);
    bytes[8] = (uint8_t)((bytes[8] & 0x3f) | 0x80);
    for (unsigned i = 0; i < 16; i++)
        text_add(&text, i == 4 || i == 6 || i == 8 || i == 10 ? "-%02x" : "%02x", bytes[i]);
    text_add(&text, "\n");
    return text.length;
}

static size_t write_new_uuid(char *to, size_t size)
{
    uint8_t bytes[16];
    random_fill(bytes, sizeof bytes);
    return write_uuid(to, size, bytes);
}

static size_t write_boot_id(char *to, size_t size)
{
    static uint8_t bytes[16];
    static bool made;
    if (!made)
        random_fill(bytes, sizeof bytes);
    made = true;
    return write_uuid(to, size, bytes);
}

void proc_files_begin(void)
{
    _Static_assert(PROGRAM_DESCRIPTORS == 1024, "sys/fs/nr_open says so");
    static struct proc_file files[] = {
        {.name = "base", .write = write_base},
        {.name = "cmdline", .write = write_cmdline},
        {.name = "cpuinfo", .write = write_cpuinfo},
        {.name = "filesystems",
         .text = "nodev\trootfs\nnodev\tproc\nnodev\tdevtmpfs\nnodev\ttmpfs\n"},
        {.name = "loadavg", .write = write_loadavg},
        {.name = "meminfo", .write = write_meminfo},
        {.name = "mounts", .write = write_mounts},
        {.name = "self/mounts", .write = write_mounts},
        {.name = "stat", .write = write_stat},
        {.name = "sys/fs/nr_open", .text = "1024\n"},
        {.name = "sys/kernel/hostname", .write = write_hostname},
        {.name = "sys/kernel/osrelease", .text = BASE_RELEASE "\n"},
        {.name = "sys/kernel/ostype", .text = "Linux\n"},
        {.name = "sys/kernel/pid_max", .text = "2147483647\n"},
        {.name = "sys/kernel/random/boot_id", .write = write_boot_id},
        {.name = "sys/kernel/random/uuid", .write = write_new_uuid},
        {.name = "uptime", .write = write_uptime},
        {.name = "version", .text = "Linux version " BASE_RELEASE " (rumprun) " BASE_VERSION "\n"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(files); i++)
        proc_file_add(&files[i]);
}
