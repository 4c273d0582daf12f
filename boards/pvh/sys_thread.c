/* SPDX-License-Identifier: BSD-2-Clause */
/* The system calls about threads: how they begin and end, and what they ask of the scheduler. */
#include <linux/membarrier.h>
#include <sched.h>
#include <sys/prctl.h>

#include "call.h"

#define ARCH_SET_FS 0x1002
#define ARCH_GET_FS 0x1003
#define ROBUST_HEAD_SIZE 24

/* What makes it a thread of the same program: all of them. */
#define OF_THREADS (CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD)
#define FOR_THREADS                                                                                \
    (OF_THREADS | CLONE_SYSVSEM | CLONE_SETTLS | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID |      \
     CLONE_CHILD_SETTID | CLONE_DETACHED)

static void begin(void *with)
{
    const struct registers *from = with;
    struct registers registers = *from;
    heap_put(with);
    /* Signals may have come before it ran. */
    call_leave(&registers);
    program_enter(&registers);
}

static struct thread *make(const struct call *call)
{
    const struct thread *parent = thread_current;
    struct registers *registers = heap_get(sizeof *registers);
    struct thread *thread = registers ? thread_make(parent->program, begin, registers) : NULL;
    if (!thread) {
        heap_put(registers);
        return NULL;
    }
    *registers = *call->registers;
    registers->rax = 0;
    registers->error = 0;
    if (call->a[1])
        registers->rsp = call->a[1];
    thread_save_floats(thread->floats);
    memcpy(thread->name, parent->name, sizeof thread->name);
    thread->blocked = parent->blocked;
    thread->fs_base = call->a[0] & CLONE_SETTLS ? call->a[4] : parent->fs_base;
    thread->clear_at_end = call->a[0] & CLONE_CHILD_CLEARTID ? call->a[3] : 0;
    return thread;
}

int64_t sys_clone(const struct call *call)
{
    const uint64_t flags = call->a[0] & ~(uint64_t)CSIGNAL;
    if ((flags & OF_THREADS) != OF_THREADS || (flags & ~(uint64_t)FOR_THREADS))
        return call_refuse(SYS_clone);
    if ((flags & CLONE_SETTLS) && call->a[4] >= MEMORY_PROGRAMS_END)
        return -EPERM;
    struct thread *thread = make(call);
    if (!thread)
        return -EAGAIN;
    /* Linux does not look whether these are there either. */
    if (flags & CLONE_PARENT_SETTID)
        (void)copy_out(call->a[2], &thread->id, sizeof thread->id);
    if (flags & CLONE_CHILD_SETTID)
        (void)copy_out(call->a[3], &thread->id, sizeof thread->id);
    const int id = thread->id;
    thread_ready(thread);
    return id;
}

int64_t sys_exit(const struct call *call)
{
    struct program *program = program_current();
    if (program->thread_count == 1)
        program_end(program, (int)(call->a[0] & 0xff));
    thread_end();
}

int64_t sys_exit_group(const struct call *call)
{
    program_end(program_current(), (int)(call->a[0] & 0xff));
    thread_end();
}

int64_t sys_gettid(const struct call *call)
{
    (void)call;
    return thread_current->id;
}

int64_t sys_set_tid_address(const struct call *call)
{
    thread_current->clear_at_end = call->a[0];
    return thread_current->id;
}

int64_t sys_set_robust_list(const struct call *call)
{
    if (call->a[1] != ROBUST_HEAD_SIZE)
        return -EINVAL;
    thread_current->robust_list = call->a[0];
    return 0;
}

/* The thread of that id, or for 0 the current one. */
static const struct thread *find(uint64_t id)
{
    return (int)id == 0 ? thread_current : thread_find((int)id);
}

int64_t sys_get_robust_list(const struct call *call)
{
    const struct thread *thread = find(call->a[0]);
    const uint64_t size = ROBUST_HEAD_SIZE;
    if (!thread)
        return -ESRCH;
    return copy_out(call->a[2], &size, sizeof size) &&
                   copy_out(call->a[1], &thread->robust_list, sizeof thread->robust_list)
               ? 0
               : -EFAULT;
}

int64_t sys_arch_prctl(const struct call *call)
{
    const uint64_t base = thread_current->fs_base;
    switch (call->a[0]) {
    case ARCH_SET_FS:
        if (call->a[1] >= MEMORY_PROGRAMS_END)
            return -EPERM;
        thread_set_fs(call->a[1]);
        return 0;
    case ARCH_GET_FS: return copy_out(call->a[1], &base, sizeof base) ? 0 : -EFAULT;
    default: return -EINVAL;
    }
}

int64_t sys_prctl(const struct call *call)
{
    struct thread *thread = thread_current;
    char name[sizeof thread->name] = "";
    int64_t length;
    switch ((int)call->a[0]) {
    case PR_SET_NAME:
        if (!program_range(call->a[1], 0))
            return -EFAULT;
        length = copy_length((const char *)(uintptr_t)call->a[1], sizeof name - 1);
        if (length < 0 || !copy_in(name, call->a[1], (size_t)length))
            return -EFAULT;
        memcpy(thread->name, name, sizeof name);
        return 0;
    case PR_GET_NAME:
        return copy_out(call->a[1], thread->name, sizeof thread->name) ? 0 : -EFAULT;
    default: return -EINVAL;
    }
}

int64_t sys_sched_yield(const struct call *call)
{
    (void)call;
    thread_yield();
    return 0;
}

int64_t sys_getcpu(const struct call *call)
{
    const uint32_t number = 0;
    if (call->a[0] && !copy_out(call->a[0], &number, sizeof number))
        return -EFAULT;
    return call->a[1] && !copy_out(call->a[1], &number, sizeof number) ? -EFAULT : 0;
}

int64_t sys_sched_getaffinity(const struct call *call)
{
    const uint64_t mask = 1;
    if (!find(call->a[0]))
        return -ESRCH;
    if (call->a[1] < sizeof mask || call->a[1] % sizeof mask)
        return -EINVAL;
    return copy_out(call->a[2], &mask, sizeof mask) ? (int64_t)sizeof mask : -EFAULT;
}

int64_t sys_sched_setaffinity(const struct call *call)
{
    uint8_t first = 0;
    if (!find(call->a[0]))
        return -ESRCH;
    if (call->a[1] && !copy_in(&first, call->a[2], sizeof first))
        return -EFAULT;
    return first & 1 ? 0 : -EINVAL;
}

/* Threads take turns, all alike. */

static int64_t set_scheduler(uint64_t id, int policy, uint64_t address)
{
    struct { int priority; } parameter;
    if ((int)id < 0 || !address)
        return -EINVAL;
    if (!find(id))
        return -ESRCH;
    if (!copy_in(&parameter, address, sizeof parameter))
        return -EFAULT;
    if (policy == SCHED_FIFO || policy == SCHED_RR)
        return parameter.priority >= 1 && parameter.priority <= 99 ? -EPERM : -EINVAL;
    return policy == SCHED_OTHER && parameter.priority == 0 ? 0 : -EINVAL;
}

int64_t sys_sched_setscheduler(const struct call *call)
{
    return set_scheduler(call->a[0], (int)call->a[1], call->a[2]);
}

int64_t sys_sched_setparam(const struct call *call)
{
    return set_scheduler(call->a[0], SCHED_OTHER, call->a[1]);
}

int64_t sys_sched_getscheduler(const struct call *call)
{
    if ((int)call->a[0] < 0)
        return -EINVAL;
    return find(call->a[0]) ? SCHED_OTHER : -ESRCH;
}

int64_t sys_sched_getparam(const struct call *call)
{
    const int priority = 0;
    if ((int)call->a[0] < 0 || !call->a[1])
        return -EINVAL;
    if (!find(call->a[0]))
        return -ESRCH;
    return copy_out(call->a[1], &priority, sizeof priority) ? 0 : -EFAULT;
}

int64_t sys_sched_get_priority_max(const struct call *call)
{
    switch ((int)call->a[0]) {
    case SCHED_FIFO:
    case SCHED_RR: return 99;
    case SCHED_OTHER:
    case SCHED_BATCH:
    case SCHED_IDLE: return 0;
    default: return -EINVAL;
    }
}

int64_t sys_sched_get_priority_min(const struct call *call)
{
    const int64_t most = sys_sched_get_priority_max(call);
    return most > 0 ? 1 : most;
}

/* There is one processor: whatever another thread has done is seen by those that run later. */
int64_t sys_membarrier(const struct call *call)
{
    const uint64_t known = MEMBARRIER_CMD_GLOBAL | MEMBARRIER_CMD_GLOBAL_EXPEDITED |
                           MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED |
                           MEMBARRIER_CMD_PRIVATE_EXPEDITED |
                           MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED;
    const uint64_t command = call->a[0];
    if (call->a[1] || (command & ~known) || (command & (command - 1)))
        return -EINVAL;
    return command == MEMBARRIER_CMD_QUERY ? (int64_t)known : 0;
}
