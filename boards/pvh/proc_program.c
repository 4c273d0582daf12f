/* SPDX-License-Identifier: BSD-2-Clause */
/* Files below /proc about a program, which proc_program is. */
#include <errno.h>
#include <sys/mman.h>
#include <sys/sysmacros.h>

#include "call.h"
#include "proc.h"

#define TICK (TIME_SECOND / 100)
/* Where Linux puts a mapping's name. */
#define MAPS_COLUMN 73u

static void add_name(struct text *text, const struct region *region)
{
    const struct space *const space = &proc_program->space;
    if (region->file && region->file->node)
        text_add_path(text, region->file->node);
    else if (region->flags & MAP_GROWSDOWN)
        text_add(text, "[stack]");
    else if (region->start < space->break_end && region->end > space->break_start)
        text_add(text, "[heap]");
}

static size_t write_maps(char *to, size_t size)
{
    struct text text = {.to = to, .size = size};
    for (const struct region *region = proc_program->space.regions; region; region = region->next) {
        const struct node *const node = region->file ? region->file->node : NULL;
        const int protection = region->protection;
        const size_t begun = text.length;
        text_add(&text, "%08lx-%08lx %c%c%c%c %08lx %02x:%02x %lu ", region->start, region->end,
                 protection & PROT_READ ? 'r' : '-', protection & PROT_WRITE ? 'w' : '-',
                 protection & PROT_EXEC ? 'x' : '-', region->flags & MAP_SHARED ? 's' : 'p',
                 region->offset, node ? major(node->system->device) : 0,
                 node ? minor(node->system->device) : 0, node ? node->number : 0);
        const size_t used = text.length - begun;
        text_add(&text, "%*s", (int)(used < MAPS_COLUMN ? MAPS_COLUMN - used : 0), "");
        add_name(&text, region);
        text_add(&text, "\n");
    }
    return text.length;
}

static char state(void)
{
    LIST_EACH(place, &proc_program->threads)
        if (LIST_ENTRY(place, struct thread, siblings)->state == THREAD_READY)
            return 'R';
    return 'S';
}

static uint64_t signals_of(bool ignored)
{
    uint64_t set = 0;
    for (unsigned i = 0; i < ARRAY_SIZE(proc_program->actions); i++) {
        const uint64_t handler = proc_program->actions[i].handler;
        if (ignored ? handler == (uint64_t)(uintptr_t)SIG_IGN
                    : handler > (uint64_t)(uintptr_t)SIG_IGN)
            set |= (uint64_t)1 << i;
    }
    return set;
}

static const struct thread *first_thread(void)
{
    return list_empty(&proc_program->threads)
               ? NULL
               : LIST_ENTRY(proc_program->threads.next, struct thread, siblings);
}

/* What the first thread calls itself; for the whole program, as on Linux. */
static const char *name_of(void)
{
    const struct thread *const thread = first_thread();
    return thread ? thread->name : proc_program->name;
}

static size_t write_status(char *to, size_t size)
{
    struct text text = {.to = to, .size = size};
    const struct program *const program = proc_program;
    const struct thread *const thread = first_thread();
    const char running = state();
    text_add(&text,
             "Name:\t%s\nUmask:\t%04o\nState:\t%c (%s)\nTgid:\t%d\nNgid:\t0\nPid:\t%d\nPPid:\t0\n",
             name_of(), program->umask, running, running == 'R' ? "running" : "sleeping",
             program->id, program->id);
    text_add(&text, "TracerPid:\t0\nUid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\nFDSize:\t%u\nGroups:\t0\n",
             program->descriptor_count);
    text_add(&text, "VmSize:\t%8lu kB\nVmRSS:\t%8lu kB\nThreads:\t%zu\n",
             program->space.mapped / 1024, program->space.pages * (PAGE_SIZE / 1024),
             program->thread_count);
    text_add(
        &text,
        "SigPnd:\t%016lx\nShdPnd:\t%016lx\nSigBlk:\t%016lx\nSigIgn:\t%016lx\nSigCgt:\t%016lx\n",
        thread ? thread->pending : 0, program->pending, thread ? thread->blocked : 0,
        signals_of(true), signals_of(false));
    return text.length;
}

/* What there is nothing to say of is 0, as Linux has it. */
static size_t write_stat(char *to, size_t size)
{
    struct text text = {.to = to, .size = size};
    const struct program *const program = proc_program;
    text_add(&text, "%d (%s) %c 0 %d %d 0 -1 0 0 0 0 0 %lu 0 0 0 20 0 %zu 0 %lu %lu %lu %lu",
             program->id, name_of(), state(), program->id, program->id,
             time_of_program(program) / TICK, program->thread_count,
             clock_of_ticks(program->started) / TICK, program->space.mapped, program->space.pages,
             (uint64_t)program->limits[RLIMIT_RSS].rlim_cur);
    /* Fields 26 to 52, of which the 38th is the signal to the parent. */
    for (int field = 26; field <= 52; field++)
        text_add(&text, field == 38 ? " 17" : " 0");
    text_add(&text, "\n");
    return text.length;
}

static size_t write_statm(char *to, size_t size)
{
    return (size_t)snprintf(to, size, "%lu %lu 0 0 0 0 0\n", proc_program->space.mapped / PAGE_SIZE,
                            proc_program->space.pages);
}

static size_t write_comm(char *to, size_t size)
{
    return (size_t)snprintf(to, size, "%.15s\n", name_of());
}

/* The strings that an array of the program's points to, up to a NULL. */
static void add_strings(struct text *text, uint64_t array)
{
    uint64_t string;
    for (; copy_in(&string, array, sizeof string) && string; array += sizeof string) {
        const uint64_t most = PROGRAM_STACK_SIZE;
        const int64_t length =
            program_range(string, most) ? copy_length((const char *)(uintptr_t)string, most) : -1;
        if (length < 0 || (uint64_t)length == most)
            break;
        text_add_bytes(text, string, (size_t)length + 1);
    }
}

static size_t write_cmdline(char *to, size_t size)
{
    struct text text = {.to = to, .size = size};
    add_strings(&text, proc_program->arguments + sizeof(uint64_t));
    return text.length;
}

static size_t write_environ(char *to, size_t size)
{
    struct text text = {.to = to, .size = size};
    uint64_t count;
    if (copy_in(&count, proc_program->arguments, sizeof count) && count < PROGRAM_STACK_SIZE)
        add_strings(&text, proc_program->arguments + (count + 2) * sizeof count);
    return text.length;
}

static void add_limit(struct text *text, rlim_t limit)
{
    if (limit == RLIM_INFINITY)
        text_add(text, "%-20s ", "unlimited");
    else
        text_add(text, "%-20lu ", (uint64_t)limit);
}

static size_t write_limits(char *to, size_t size)
{
    static const char *const names[RLIM_NLIMITS][2] = {
        {"Max cpu time", "seconds"},     {"Max file size", "bytes"},
        {"Max data size", "bytes"},      {"Max stack size", "bytes"},
        {"Max core file size", "bytes"}, {"Max resident set", "bytes"},
        {"Max processes", "processes"},  {"Max open files", "files"},
        {"Max locked memory", "bytes"},  {"Max address space", "bytes"},
        {"Max file locks", "locks"},     {"Max pending signals", "signals"},
        {"Max msgqueue size", "bytes"},  {"Max nice priority", ""},
        {"Max realtime priority", ""},   {"Max realtime timeout", "us"},
    };
    struct text text = {.to = to, .size = size};
    text_add(&text, "%-25s %-20s %-20s %-10s\n", "Limit", "Soft Limit", "Hard Limit", "Units");
    for (size_t i = 0; i < RLIM_NLIMITS; i++) {
        text_add(&text, "%-25s ", names[i][0]);
        add_limit(&text, proc_program->limits[i].rlim_cur);
        add_limit(&text, proc_program->limits[i].rlim_max);
        text_add(&text, "%-10s\n", names[i][1]);
    }
    return text.length;
}

static int follow_exe(struct node **goal)
{
    return path_find(path_root, proc_program->path, PATH_FOLLOW, goal);
}

static int follow_cwd(struct node **goal)
{
    *goal = proc_program->directory ? node_share(proc_program->directory) : NULL;
    return *goal ? 0 : -ENOENT;
}

static int follow_root(struct node **goal)
{
    *goal = node_share(path_root);
    return 0;
}

void proc_program_begin(void)
{
    static struct proc_file files[] = {
        {.name = "self/cmdline", .write = write_cmdline},
        {.name = "self/comm", .write = write_comm},
        {.name = "self/cwd", .follow = follow_cwd},
        {.name = "self/environ", .write = write_environ},
        {.name = "self/exe", .follow = follow_exe},
        {.name = "self/fd"},
        {.name = "self/limits", .write = write_limits},
        {.name = "self/maps", .write = write_maps},
        {.name = "self/root", .follow = follow_root},
        {.name = "self/stat", .write = write_stat},
        {.name = "self/statm", .write = write_statm},
        {.name = "self/status", .write = write_status},
    };
    for (size_t i = 0; i < ARRAY_SIZE(files); i++)
        proc_file_add(&files[i]);
}
