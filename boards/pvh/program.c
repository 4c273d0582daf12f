/* SPDX-License-Identifier: BSD-2-Clause */
/* Programs: how they start, and what is put back when they end. */
#include <errno.h>
#include <fcntl.h>

#include "cpu.h"
#include "elf_parse.h"
#include "file.h"
#include "program.h"

#define FIRST_UMASK 022
#define SIGNAL_STATUS 128

struct list programs = {&programs, &programs};
void (*program_on_end)(struct program *program);

static struct program *owners[PROGRAM_SLOTS];

/* Where the main thread begins. */
struct beginning {
    uint64_t entry, pointer;
};

static void begin(void *with)
{
    struct beginning *beginning = with;
    struct registers registers = {
        .rip = beginning->entry,
        .cs = CPU_CODE_SELECTOR,
        .flags = CPU_FLAG_INTERRUPT | CPU_FLAG_ALWAYS,
        .rsp = beginning->pointer,
        .ss = CPU_DATA_SELECTOR,
    };
    heap_put(beginning);
    if (thread_current->must_end)
        thread_end();
    program_enter(&registers);
}

/* The slot that the file was placed in, or for one that can move the last that is free. */
static int take_slot(struct program *program, const struct elf *elf, unsigned placed)
{
    unsigned slot = placed;
    /* Page 0 is never mapped, so a program that was not placed cannot be in the first. */
    if (elf->movable && (slot == 0 || owners[slot])) {
        for (slot = PROGRAM_SLOTS - 1; slot > 0 && owners[slot]; slot--)
            ;
        if (slot == 0)
            return -EAGAIN;
    }
    if (owners[slot])
        return -EBUSY;
    owners[slot] = program;
    program->slot = slot;
    space_begin(&program->space, slot);
    return 0;
}

/* Of what it had, whatever there is. */
static void put_back(struct program *program)
{
    if (program->descriptors)
        descriptors_end(program);
    if (program->directory)
        node_drop(program->directory);
    program->directory = NULL;
    if (owners[program->slot] == program) {
        space_end(&program->space);
        owners[program->slot] = NULL;
    }
    signals_forget(&program->details);
    intervals_end(program);
}

static void set_limits(struct program *program)
{
    for (size_t i = 0; i < RLIM_NLIMITS; i++)
        program->limits[i] = (struct rlimit){RLIM_INFINITY, RLIM_INFINITY};
    program->limits[RLIMIT_STACK].rlim_cur = PROGRAM_STACK_SIZE;
    program->limits[RLIMIT_CORE].rlim_cur = 0;
    program->limits[RLIMIT_NOFILE] = (struct rlimit){PROGRAM_DESCRIPTORS, PROGRAM_DESCRIPTORS};
    program->limits[RLIMIT_NICE] = program->limits[RLIMIT_RTPRIO] = (struct rlimit){0, 0};
}

static struct program *make(const struct program_request *request)
{
    struct program *program = heap_get(sizeof *program);
    if (!program)
        return NULL;
    list_begin(&program->all);
    list_begin(&program->threads);
    (void)snprintf(program->name, sizeof program->name, "%s", request->name);
    (void)snprintf(program->path, sizeof program->path, "%s", request->path);
    program->umask = FIRST_UMASK;
    program->started = cpu_clock();
    set_limits(program);
    return program;
}

static int give_files(struct program *program, const struct program_request *request)
{
    const int error = path_find(path_root, request->directory, PATH_FOLLOW | PATH_DIRECTORY,
                                &program->directory);
    for (unsigned i = 0; !error && i < ARRAY_SIZE(request->standard); i++) {
        struct file *file = request->standard[i];
        const int number = file ? descriptor_add(program, file_share(file), i, false) : 0;
        if (number < 0) {
            file_drop(file);
            return number;
        }
    }
    return error;
}

static int give_memory(struct program *program, const struct program_request *request,
                       struct beginning *beginning)
{
    struct file *file;
    struct elf *elf = heap_get(sizeof *elf);
    struct loaded loaded = {0};
    unsigned placed;
    if (!elf)
        return -ENOMEM;
    int error = path_open(path_root, request->path, O_RDONLY, 0, &file);
    if (!error) {
        error = load_headers(file, elf, &placed);
        if (!error)
            error = take_slot(program, elf, placed);
        if (!error && request->most_pages)
            program->space.most_pages = request->most_pages;
        if (!error)
            error = load_program(&program->space, file, elf, &loaded);
        if (!error)
            error = stack_fill(program, request, &loaded, &beginning->pointer);
        beginning->entry = loaded.entry;
        file_drop(file);
    }
    heap_put(elf);
    return error;
}

static int give_thread(struct program *program, struct beginning *beginning)
{
    struct thread *thread = thread_make(program, begin, beginning);
    if (!thread)
        return -ENOMEM;
    (void)snprintf(thread->name, sizeof thread->name, "%s", program->name);
    program->id = thread->id;
    list_add_last(&programs, &program->all);
    thread_ready(thread);
    return 0;
}

int program_start(const struct program_request *request, struct program **started)
{
    struct program *program = make(request);
    struct beginning *beginning = heap_get(sizeof *beginning);
    int error = program && beginning ? 0 : -ENOMEM;
    if (!error)
        error = give_files(program, request);
    if (!error)
        error = give_memory(program, request, beginning);
    if (!error)
        error = give_thread(program, beginning);
    if (error) {
        if (program)
            put_back(program);
        heap_put(beginning);
        heap_put(program);
        return error;
    }
    *started = program;
    return 0;
}

void program_forget(struct program *program)
{
    BASE_ASSERT(program->ended);
    list_remove(&program->all);
    heap_put(program);
}

void program_end(struct program *program, int status)
{
    if (!program->ending) {
        program->ending = true;
        program->status = status;
        LIST_EACH(place, &program->threads) {
            struct thread *thread = LIST_ENTRY(place, struct thread, siblings);
            thread->must_end = true;
            if (thread != thread_current)
                wait_interrupt(thread);
        }
    }
    if (program == program_current())
        thread_end();
}

void program_kill(struct program *program, int number)
{
    if (!program->ending)
        program->signal = number;
    program_end(program, SIGNAL_STATUS + number);
}

void program_thread_ends(struct thread *thread)
{
    struct program *program = thread->program;
    futex_thread_ends(thread);
    signals_forget(&thread->details);
    list_remove(&thread->siblings);
    program->ran += thread->ran;
    if (--program->thread_count == 0) {
        put_back(program);
        program->ended = true;
        wait_wake_all(&program->end);
        if (program_on_end)
            program_on_end(program);
    }
    /* Somebody may forget the program before the thread is gone. */
    thread->program = NULL;
}

struct program *program_find(int id)
{
    LIST_EACH(place, &programs) {
        struct program *program = LIST_ENTRY(place, struct program, all);
        if (program->id == id && !program->ended)
            return program;
    }
    return NULL;
}
