/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Advisory locks: fcntl's on ranges, owned by a program or (F_OFD_*) by an open file, and flock's
 * on the whole, owned by an open file. All of them are in one list: there are few.
 */
#include <sys/file.h>
#include <unistd.h>

#include "files.h"

struct lock {
    struct list all;
    /* What is locked, across all open files of it. */
    const void *system;
    uint64_t number;
    bool by_flock;
    const void *owner;
    /* The program's, or -1 where an open file owns it. */
    int id;
    /* F_RDLCK, F_WRLCK; F_UNLCK where it is a request. */
    int type;
    uint64_t start, last;
};

/* A program that waits for another's lock. */
struct lock_wait {
    struct list all;
    const void *owner, *holder;
};

static struct list locks = {&locks, &locks}, waits = {&waits, &waits};
static struct wait_queue released;

static void identify(const struct file *file, struct lock *lock)
{
    lock->system = file->node ? file->node->system : NULL;
    lock->number = file->node ? file->node->number : (uintptr_t)file->data;
}

static bool same_file(const struct lock *one, const struct lock *other)
{
    return one->system == other->system && one->number == other->number &&
           one->by_flock == other->by_flock;
}

/* Another's lock that is in the way; to one who would unlock (F_OFD_GETLK), the owner's own. */
static const struct lock *conflict(const struct lock *wanted)
{
    LIST_EACH(place, &locks) {
        const struct lock *lock = LIST_ENTRY(place, struct lock, all);
        if (!same_file(lock, wanted) || lock->start > wanted->last || lock->last < wanted->start)
            continue;
        const bool own = lock->owner == wanted->owner;
        if (wanted->type == F_UNLCK ? own
                                    : !own && (lock->type == F_WRLCK || wanted->type == F_WRLCK))
            return lock;
    }
    return NULL;
}

static void lock_free(struct lock *lock)
{
    list_remove(&lock->all);
    heap_put(lock);
}

/* Takes the range of the request away from a lock of the same owner; rest becomes what is behind
   the range, if something is before it too. True where rest was used. */
static bool cut(struct lock *lock, const struct lock *request, struct lock *rest)
{
    const bool before = lock->start < request->start, behind = lock->last > request->last;
    if (before && behind) {
        *rest = *lock;
        rest->start = request->last + 1;
        list_add_last(&locks, &rest->all);
    }
    if (before)
        lock->last = request->start - 1;
    else if (behind)
        lock->start = request->last + 1;
    else
        lock_free(lock);
    return before && behind;
}

/* Whether two ranges overlap or touch. */
static bool touches(const struct lock *one, const struct lock *other)
{
    return (one->start <= other->last || one->start - 1 == other->last) &&
           (other->start <= one->last || other->start - 1 == one->last);
}

/* What the request says becomes so; nothing conflicts. */
static int apply(const struct lock *request)
{
    struct lock *added = heap_get(sizeof *added), *rest = heap_get(sizeof *rest);
    if (!added || !rest) {
        heap_put(added);
        heap_put(rest);
        return -ENOLCK;
    }
    *added = *request;
    LIST_EACH(place, &locks) {
        struct lock *lock = LIST_ENTRY(place, struct lock, all);
        if (!same_file(lock, request) || lock->owner != request->owner || !touches(lock, added))
            continue;
        if (lock->type == request->type) {
            added->start = MIN(added->start, lock->start);
            added->last = MAX(added->last, lock->last);
            lock_free(lock);
        } else if (lock->start <= request->last && lock->last >= request->start && rest &&
                   cut(lock, request, rest)) {
            rest = NULL;
        }
    }
    heap_put(rest);
    if (added->type == F_UNLCK)
        heap_put(added);
    else
        list_add_last(&locks, &added->all);
    wait_wake_all(&released);
    return 0;
}

/* Whether the holder, in turn, waits for the owner. */
static bool is_deadlock(const void *owner, const void *holder)
{
    for (unsigned steps = 0; steps < PROGRAM_SLOTS; steps++) {
        const void *next = NULL;
        LIST_EACH(place, &waits) {
            const struct lock_wait *wait = LIST_ENTRY(place, struct lock_wait, all);
            if (wait->owner == holder)
                next = wait->holder;
        }
        if (!next || next == owner)
            return next != NULL;
        holder = next;
    }
    return false;
}

/* Waits, if it may, until nothing conflicts, and applies the request. */
static int acquire(const struct lock *request, bool wait)
{
    const struct lock *other;
    while (request->type != F_UNLCK && (other = conflict(request))) {
        if (!wait)
            return -EAGAIN;
        if (request->id >= 0 && is_deadlock(request->owner, other->owner))
            return -EDEADLK;
        struct lock_wait entry = {.owner = request->owner, .holder = other->owner};
        list_add_last(&waits, &entry.all);
        const int result = wait_on(&released, WAIT_FOR_EVER);
        list_remove(&entry.all);
        if (result < 0)
            return result;
    }
    return apply(request);
}

/* The range that struct flock means. */
static int range(struct file *file, const struct flock *given, struct lock *request)
{
    struct stat facts = {0};
    int64_t start = 0;
    if (given->l_whence == SEEK_CUR) {
        start = file_is_stream(file) ? 0 : (int64_t)file->position;
    } else if (given->l_whence == SEEK_END) {
        const int result = file_facts(file, &facts);
        if (result < 0)
            return result;
        start = facts.st_size;
    } else if (given->l_whence != SEEK_SET) {
        return -EINVAL;
    }
    if (given->l_start > INT64_MAX - start)
        return -EOVERFLOW;
    start += given->l_start;
    const int64_t size = given->l_len;
    if (start < 0 || (size < 0 && start + size < 0))
        return -EINVAL;
    if (start > 0 && size - 1 > INT64_MAX - start)
        return -EOVERFLOW;
    request->start = (uint64_t)(size < 0 ? start + size : start);
    request->last = (uint64_t)(size == 0 ? INT64_MAX : size < 0 ? start - 1 : start + (size - 1));
    return 0;
}

static int tell(const struct lock *request, struct flock *given, uint64_t address)
{
    const struct lock *other = conflict(request);
    given->l_type = F_UNLCK;
    if (other) {
        given->l_type = (short)other->type;
        given->l_whence = SEEK_SET;
        given->l_start = (off_t)other->start;
        given->l_len = other->last == INT64_MAX ? 0 : (off_t)(other->last - other->start + 1);
        given->l_pid = other->id;
    }
    return copy_out(address, given, sizeof *given) ? 0 : -EFAULT;
}

int lock_control(struct file *file, int request, uint64_t argument)
{
    const bool by_file =
        request == F_OFD_GETLK || request == F_OFD_SETLK || request == F_OFD_SETLKW;
    const struct program *program = program_current();
    struct flock given;
    if (!copy_in(&given, argument, sizeof given))
        return -EFAULT;
    struct lock wanted = {.owner = by_file ? (const void *)file : program,
                          .id = by_file ? -1 : program->id,
                          .type = given.l_type};
    identify(file, &wanted);
    const bool known =
        given.l_type == F_RDLCK || given.l_type == F_WRLCK || given.l_type == F_UNLCK;
    if (request == F_GETLK && (!known || given.l_type == F_UNLCK))
        return -EINVAL;
    int result = range(file, &given, &wanted);
    if (result == 0 && !known)
        result = -EINVAL;
    const bool asks = request == F_GETLK || request == F_OFD_GETLK;
    if (result == 0 && !asks &&
        ((given.l_type == F_RDLCK && !file_reads(file)) ||
         (given.l_type == F_WRLCK && !file_writes(file))))
        result = -EBADF;
    if (result == 0 && by_file && given.l_pid)
        result = -EINVAL;
    if (result < 0 || asks)
        return result < 0 ? result : tell(&wanted, &given, argument);
    (void)file_share(file);
    result = acquire(&wanted, request == F_SETLKW || request == F_OFD_SETLKW);
    file_drop(file);
    return result;
}

int64_t sys_flock(const struct call *call)
{
    struct file *file = descriptor_open_file(call->a[0]);
    const int how = (int)call->a[1] & ~LOCK_NB;
    struct lock wanted = {.by_flock = true, .owner = file, .id = -1, .type = F_UNLCK,
                          .last = INT64_MAX};
    if (how != LOCK_SH && how != LOCK_EX && how != LOCK_UN)
        return -EINVAL;
    if (!file)
        return -EBADF;
    identify(file, &wanted);
    (void)file_share(file);
    /* What was held is given up before another kind is waited for. */
    const int type = how == LOCK_EX ? F_WRLCK : F_RDLCK;
    int result = 0;
    LIST_EACH(place, &locks) {
        const struct lock *lock = LIST_ENTRY(place, struct lock, all);
        if (same_file(lock, &wanted) && lock->owner == file &&
            (how == LOCK_UN || lock->type != type))
            result = apply(&wanted);
    }
    wanted.type = type;
    if (result == 0 && how != LOCK_UN)
        result = acquire(&wanted, !((int)call->a[1] & LOCK_NB));
    file_drop(file);
    return result;
}

/* Ends the locks of an owner on what the lock identifies. */
static void give_up(const struct lock *what)
{
    bool any = false;
    LIST_EACH(place, &locks) {
        struct lock *lock = LIST_ENTRY(place, struct lock, all);
        if (lock->owner == what->owner && same_file(lock, what)) {
            lock_free(lock);
            any = true;
        }
    }
    if (any)
        wait_wake_all(&released);
}

void locks_close(const struct program *program, const struct file *file)
{
    if (list_empty(&locks) || file_is_path(file))
        return;
    struct lock what = {.owner = program};
    identify(file, &what);
    give_up(&what);
}

void locks_end(const struct file *file)
{
    if (list_empty(&locks))
        return;
    struct lock what = {.owner = file};
    identify(file, &what);
    give_up(&what);
    what.by_flock = true;
    give_up(&what);
}
