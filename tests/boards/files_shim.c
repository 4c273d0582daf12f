/* SPDX-License-Identifier: BSD-2-Clause */
#include "files_shim.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/uio.h>
#include <unistd.h>

#include "memory_shim.h"
#include "space.h"

static struct program shim_program = {.id = 1,
                                      .limits = {[RLIMIT_NOFILE] = {SHIM_LIMIT, SHIM_LIMIT}}};
static struct thread shim_thread = {.program = &shim_program};
struct thread *thread_current = &shim_thread;
unsigned shim_sigpipes;

physical_t pages_get(unsigned order)
{
    BASE_ASSERT(order == 0);
    return page_get();
}

void pages_put(physical_t first, unsigned order)
{
    BASE_ASSERT(order == 0);
    page_put(first);
}

void *heap_resize(void *memory, size_t size)
{
    void *next = realloc(memory, size);
    shim_pieces += !memory && next;
    return next;
}

/* Fails as the base's does where nothing is mapped, which the kernel finds out. */
bool copy_bytes(void *to, const void *from, size_t size)
{
    const struct iovec local = {to, size}, remote = {(void *)(uintptr_t)from, size};
    return size == 0 || process_vm_readv(getpid(), &local, 1, &remote, 1, 0) == (ssize_t)size;
}

void random_fill(void *bytes, size_t size) { memset(bytes, 4, size); }

uint64_t clock_now(void) { return 1000000; }
uint64_t clock_stamp(void) { return 1000000; }
uint64_t clock_epoch(void) { return (uint64_t)1700000000 * 1000000000; }

void timer_arm(struct timer *timer, uint64_t deadline)
{
    timer->armed = true;
    timer->deadline = deadline;
}
void timer_disarm(struct timer *timer) { timer->armed = false; }

/* Nothing may wait here. */
void thread_wait(void) { panic("a call waits"); }
void thread_ready(struct thread *thread) { (void)thread; }
bool signal_waits(const struct thread *thread)
{
    (void)thread;
    return false;
}
void signal_mask_for_wait(uint64_t blocked) { (void)blocked; }
void signal_mask_after_wait(int64_t result) { (void)result; }
int signal_take(uint64_t set, siginfo_t *info)
{
    (void)set, (void)info;
    return 0;
}
void signal_send_simple(struct program *program, int number, int code)
{
    (void)program, (void)code;
    shim_sigpipes += number == SIGPIPE;
}

void say(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
}

/* The console, which says nothing and is not asked. */
void (*console_owner)(struct console_device *device);
void console_write(const char *bytes, size_t size) { (void)bytes, (void)size; }
size_t console_read(char *bytes, size_t size)
{
    (void)bytes, (void)size;
    return 0;
}
int64_t start_option(const char *name, const char **value)
{
    (void)name, (void)value;
    return -1;
}

/* Other file systems, and mappings, of which there are none. */
struct file_system *root_make(void) { return NULL; }
struct file_system *proc_make(void) { return NULL; }
void spaces_forget(const struct node *node, uint64_t offset) { (void)node, (void)offset; }

void shim_files_begin(void)
{
    struct file_system *system;
    struct node *directory;
    BASE_ASSERT(tmpfs_make("mode=755", &system) == 0);
    path_root = system->root;
    shim_program.directory = path_root;
    BASE_ASSERT(path_root->operations->make(path_root, "dev", 3, S_IFDIR | 0755, &directory) == 0);
    BASE_ASSERT(mount_on(directory, device_files_make()) == 0);
}

int64_t shim_open(const char *path, int flags, mode_t mode)
{
    struct file *file;
    unsigned number = 0;
    while (descriptor_file(number))
        number++;
    if (number == SHIM_LIMIT)
        return -EMFILE;
    const int result = path_open(path_root, path, flags, mode, &file);
    return result < 0 ? result : descriptor_give(file, flags & O_CLOEXEC);
}

int64_t shim_call(long number, const uint64_t *arguments)
{
    struct call call = {.registers = NULL};
    memcpy(call.a, arguments, sizeof call.a);
    switch (number) {
#define CALL(name)                                                                                 \
    case SYS_##name:                                                                               \
        return sys_##name ? sys_##name(&call) : -ENOSYS;
#include "calls.h"
#undef CALL
    default:
        return -ENOSYS;
    }
}
