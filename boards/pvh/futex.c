/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Futexes: words of programs at which threads wait. With interrupts off, looking at a word and
 * queueing is one step for all threads.
 */
#include <linux/futex.h>
#include <sys/mman.h>

#include "call.h"

#define BUCKETS 256
#define COMMAND(operation) ((operation) & ~(unsigned)(FUTEX_PRIVATE_FLAG | FUTEX_CLOCK_REALTIME))
/* How far a thread's list of robust futexes is followed. */
#define ROBUST_MOST 2048
/* Keys of words in shared mappings are places in memory, those of others addresses. */
#define KEY_SHARED ((uint64_t)1 << 63)

/* One thread that waits. */
struct sleeper {
    struct list place;
    uint64_t key;
    /* What FUTEX_WAKE_BITSET is to match; 0: it waits for a mutex that knows its owner. */
    uint32_t bits;
    /* Gone from its bucket: woken, or the owner now. */
    bool woken;
    struct thread *thread;
    /* With bits 0: the mutex' word, and its owner. */
    uint64_t address;
    int owner;
    struct wait_queue queue;
};

/* All zeros is empty, as an empty list is not. */
static struct list buckets[BUCKETS];
/* Those whose bits are 0. */
static unsigned owned_sleepers;

static struct list *bucket_of(uint64_t key)
{
    struct list *bucket = &buckets[((key >> 2) * UINT64_C(0x9e3779b97f4a7c15)) >> 56];
    if (!bucket->next)
        list_begin(bucket);
    return bucket;
}

static bool read_word(uint64_t address, uint32_t *word)
{
    return copy_in(word, address, sizeof *word);
}

static bool write_word(uint64_t address, uint32_t word)
{
    return copy_out(address, &word, sizeof word);
}

static int find_key(uint64_t address, bool private, uint64_t *key)
{
    uint32_t word;
    if (address % sizeof word)
        return -EINVAL;
    if (!program_range(address, sizeof word))
        return -EFAULT;
    *key = address;
    if (private)
        return 0;
    const struct region *region = space_find(&program_current()->space, address);
    if (!region || !(region->flags & MAP_SHARED))
        return 0;
    /* Reading brings the page in. */
    if (!read_word(address, &word))
        return -EFAULT;
    *key = KEY_SHARED | paging_find(address, NULL) | address % PAGE_SIZE;
    return 0;
}

static int sleep_at(struct sleeper *sleeper, uint64_t deadline)
{
    sleeper->thread = thread_current;
    list_add_last(bucket_of(sleeper->key), &sleeper->place);
    int result;
    do
        result = wait_on(&sleeper->queue, deadline);
    while (result == 0 && !sleeper->woken);
    if (sleeper->woken)
        return 0;
    list_remove(&sleeper->place);
    return result;
}

static void wake(struct sleeper *sleeper)
{
    list_remove(&sleeper->place);
    sleeper->woken = true;
    (void)wait_wake(&sleeper->queue, 1);
}

/* At least one, if there is any, as Linux does. */
static int wake_some(uint64_t key, uint32_t most, uint32_t bits)
{
    const struct list *const bucket = bucket_of(key);
    int count = 0;
    LIST_EACH(place, bucket) {
        struct sleeper *sleeper = LIST_ENTRY(place, struct sleeper, place);
        if (sleeper->key != key || !(sleeper->bits & bits))
            continue;
        wake(sleeper);
        if (++count >= (int32_t)most)
            break;
    }
    return count;
}

int futex_wake_address(uint64_t address, unsigned most)
{
    uint64_t key;
    const int result = find_key(address, false, &key);
    return result < 0 ? result : wake_some(key, most, FUTEX_BITSET_MATCH_ANY);
}

static int wait_at(uint64_t address, uint64_t key, uint32_t expected, uint64_t deadline,
                   uint32_t bits)
{
    struct sleeper sleeper = {.key = key, .bits = bits};
    uint32_t word;
    if (bits == 0)
        return -EINVAL;
    if (!read_word(address, &word))
        return -EFAULT;
    return word == expected ? sleep_at(&sleeper, deadline) : -EAGAIN;
}

static int requeue(uint64_t from, uint64_t to, unsigned wake_most, unsigned move_most)
{
    const int woken = wake_most ? wake_some(from, wake_most, FUTEX_BITSET_MATCH_ANY) : 0;
    const struct list *const bucket = bucket_of(from);
    unsigned moved = 0;
    if (from == to)
        return woken;
    LIST_EACH(place, bucket) {
        struct sleeper *sleeper = LIST_ENTRY(place, struct sleeper, place);
        if (moved == move_most)
            break;
        if (sleeper->key != from || sleeper->bits == 0)
            continue;
        list_remove(place);
        sleeper->key = to;
        list_add_last(bucket_of(to), place);
        moved++;
    }
    return woken + (int)moved;
}

/* The sum of two numbers is wanted: the program's word is changed, and what it was compared. */
static int operate(uint64_t address, uint32_t code, bool *is_true)
{
    const int32_t comparand = (int32_t)(code << 20) >> 20;
    int32_t operand = (int32_t)(code << 8) >> 20;
    uint32_t word;
    if (code >> 28 & FUTEX_OP_OPARG_SHIFT)
        operand = (int32_t)(1u << (operand & 31));
    if (!read_word(address, &word))
        return -EFAULT;
    const uint32_t argument = (uint32_t)operand;
    uint32_t new;
    switch (code >> 28 & 7) {
    case FUTEX_OP_SET: new = argument; break;
    case FUTEX_OP_ADD: new = word + argument; break;
    case FUTEX_OP_OR: new = word | argument; break;
    case FUTEX_OP_ANDN: new = word & ~argument; break;
    case FUTEX_OP_XOR: new = word ^ argument; break;
    default: return -ENOSYS;
    }
    const int32_t old = (int32_t)word;
    switch (code >> 24 & 15) {
    case FUTEX_OP_CMP_EQ: *is_true = old == comparand; break;
    case FUTEX_OP_CMP_NE: *is_true = old != comparand; break;
    case FUTEX_OP_CMP_LT: *is_true = old < comparand; break;
    case FUTEX_OP_CMP_LE: *is_true = old <= comparand; break;
    case FUTEX_OP_CMP_GT: *is_true = old > comparand; break;
    case FUTEX_OP_CMP_GE: *is_true = old >= comparand; break;
    default: return -ENOSYS;
    }
    return write_word(address, new) ? 0 : -EFAULT;
}

/* Mutexes that know their owner: the word is the owner's id and FUTEX_WAITERS. */

/* The longest waiting thread is the next owner. */
static int hand_over(uint64_t address, uint64_t key, uint32_t word)
{
    const struct list *const bucket = bucket_of(key);
    struct sleeper *next = NULL;
    LIST_EACH(place, bucket) {
        struct sleeper *sleeper = LIST_ENTRY(place, struct sleeper, place);
        if (sleeper->key != key || sleeper->bits != 0)
            continue;
        if (next)
            word |= FUTEX_WAITERS;
        else
            next = sleeper;
        sleeper->owner = next->thread->id;
    }
    if (!write_word(address, word | (next ? (uint32_t)next->thread->id : 0)))
        return -EFAULT;
    if (next)
        wake(next);
    return 0;
}

static int lock_owned(uint64_t address, uint64_t key, uint64_t deadline, bool may_wait)
{
    const uint32_t id = (uint32_t)thread_current->id;
    struct sleeper sleeper = {.key = key, .address = address};
    uint32_t word;
    if (!read_word(address, &word))
        return -EFAULT;
    sleeper.owner = (int)(word & FUTEX_TID_MASK);
    if (sleeper.owner == thread_current->id)
        return -EDEADLK;
    /* Its owner died, or never was: whoever waits is told by the one who unlocks it. */
    if (sleeper.owner == 0)
        return write_word(address, word | id) ? 0 : -EFAULT;
    if (!may_wait)
        return -EAGAIN;
    if (!thread_find(sleeper.owner))
        return -ESRCH;
    if (!write_word(address, word | FUTEX_WAITERS))
        return -EFAULT;
    owned_sleepers++;
    const int result = sleep_at(&sleeper, deadline);
    owned_sleepers--;
    return result;
}

static int unlock_owned(uint64_t address, uint64_t key)
{
    uint32_t word;
    if (!read_word(address, &word))
        return -EFAULT;
    if ((word & FUTEX_TID_MASK) != (uint32_t)thread_current->id)
        return -EPERM;
    return hand_over(address, key, 0);
}

/* When a call's waiting is to end; FUTEX_WAIT alone says how long. */
static int find_deadline(const struct call *call, unsigned operation, uint64_t *deadline)
{
    uint64_t time;
    *deadline = WAIT_FOR_EVER;
    if (call->a[3] == 0)
        return 0;
    const int result = time_in(call->a[3], &time);
    if (result < 0)
        return result;
    if (COMMAND(operation) == FUTEX_WAIT)
        time += clock_now();
    else if (COMMAND(operation) == FUTEX_LOCK_PI || (operation & FUTEX_CLOCK_REALTIME))
        time = time > clock_epoch() ? time - clock_epoch() : 0;
    *deadline = time;
    return 0;
}

/* Those that name a second word. */
static int64_t two_words(const struct call *call, unsigned command, uint64_t key, bool private)
{
    const uint32_t most = (uint32_t)call->a[2], more = (uint32_t)call->a[3];
    uint64_t other;
    uint32_t word;
    bool is_true;
    int result = find_key(call->a[4], private, &other);
    if (result < 0)
        return result;
    if (command == FUTEX_WAKE_OP) {
        result = operate(call->a[4], (uint32_t)call->a[5], &is_true);
        if (result < 0)
            return result;
        result = wake_some(key, most, FUTEX_BITSET_MATCH_ANY);
        return result + (is_true ? wake_some(other, more, FUTEX_BITSET_MATCH_ANY) : 0);
    }
    if ((int32_t)most < 0 || (int32_t)more < 0)
        return -EINVAL;
    if (command == FUTEX_CMP_REQUEUE) {
        if (!read_word(call->a[0], &word))
            return -EFAULT;
        if (word != (uint32_t)call->a[5])
            return -EAGAIN;
    }
    return requeue(key, other, most, more);
}

int64_t sys_futex(const struct call *call)
{
    const unsigned operation = (unsigned)call->a[1];
    const unsigned command = COMMAND(operation);
    const bool private = operation & FUTEX_PRIVATE_FLAG;
    const uint32_t value = (uint32_t)call->a[2];
    const uint64_t address = call->a[0];
    uint64_t key, deadline = WAIT_FOR_EVER;
    int result = find_key(address, private, &key);
    if (result < 0)
        return result;
    if (command == FUTEX_WAIT || command == FUTEX_WAIT_BITSET || command == FUTEX_LOCK_PI)
        result = find_deadline(call, operation, &deadline);
    if (result < 0)
        return result;
    switch (command) {
    case FUTEX_WAIT: return wait_at(address, key, value, deadline, FUTEX_BITSET_MATCH_ANY);
    case FUTEX_WAKE: return wake_some(key, value, FUTEX_BITSET_MATCH_ANY);
    case FUTEX_WAIT_BITSET: return wait_at(address, key, value, deadline, (uint32_t)call->a[5]);
    case FUTEX_WAKE_BITSET:
        return call->a[5] ? wake_some(key, value, (uint32_t)call->a[5]) : -EINVAL;
    case FUTEX_REQUEUE:
    case FUTEX_CMP_REQUEUE:
    case FUTEX_WAKE_OP: return two_words(call, command, key, private);
    case FUTEX_LOCK_PI: return lock_owned(address, key, deadline, true);
    case FUTEX_TRYLOCK_PI: return lock_owned(address, key, deadline, false);
    case FUTEX_UNLOCK_PI: return unlock_owned(address, key);
    default: return -ENOSYS;
    }
}

/* A futex that a thread held to its end. */
static void abandon(const struct thread *thread, uint64_t address, bool owned, bool pending)
{
    uint64_t key;
    uint32_t word;
    if (find_key(address, false, &key) < 0 || !read_word(address, &word))
        return;
    if (pending && !owned && word == 0) {
        (void)wake_some(key, 1, FUTEX_BITSET_MATCH_ANY);
        return;
    }
    if ((word & FUTEX_TID_MASK) != (uint32_t)thread->id)
        return;
    if (write_word(address, (word & FUTEX_WAITERS) | FUTEX_OWNER_DIED) && !owned &&
        (word & FUTEX_WAITERS))
        (void)wake_some(key, 1, FUTEX_BITSET_MATCH_ANY);
}

static void abandon_all(const struct thread *thread)
{
    /* The first entry, from an entry to its word, and an entry that is just being added. */
    struct { uint64_t first, offset, pending; } head;
    uint64_t entry, next;
    if (!thread->robust_list || !copy_in(&head, thread->robust_list, sizeof head))
        return;
    entry = head.first;
    for (unsigned i = 0; i < ROBUST_MOST && (entry & ~UINT64_C(1)) != thread->robust_list; i++) {
        const uint64_t place = entry & ~UINT64_C(1);
        const bool there = copy_in(&next, place, sizeof next);
        if (place != (head.pending & ~UINT64_C(1)))
            abandon(thread, place + head.offset, entry & 1, false);
        if (!there)
            break;
        entry = next;
    }
    if (head.pending)
        abandon(thread, (head.pending & ~UINT64_C(1)) + head.offset, head.pending & 1, true);
}

/* Those that wait for its mutexes get them, whatever it did to the words before. */
static void hand_over_all(const struct thread *thread)
{
    for (size_t i = 0; owned_sleepers && i < BUCKETS; i++) {
        if (!buckets[i].next)
            continue;
        LIST_EACH(place, &buckets[i]) {
            const struct sleeper *sleeper = LIST_ENTRY(place, struct sleeper, place);
            if (sleeper->bits == 0 && sleeper->owner == thread->id)
                (void)hand_over(sleeper->address, sleeper->key, FUTEX_OWNER_DIED);
        }
    }
}

void futex_thread_ends(struct thread *thread)
{
    abandon_all(thread);
    hand_over_all(thread);
    thread->robust_list = 0;
    if (thread->clear_at_end && write_word(thread->clear_at_end, 0))
        (void)futex_wake_address(thread->clear_at_end, 1);
    thread->clear_at_end = 0;
}
