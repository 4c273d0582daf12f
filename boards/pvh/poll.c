/* SPDX-License-Identifier: BSD-2-Clause */
/* Waiting for one of many files: poll, ppoll, select, pselect6. */
#include <sys/select.h>

#include "files.h"

#define SECOND 1000000000ull
/* Files of a call and places they wait in, on the stack; more are in the heap. */
#define FEW 8

/* A place that is waited in; its file stays meanwhile. */
struct place {
    struct waiter waiter;
    struct table *table;
    struct file *file;
};
struct places {
    struct places *next;
    struct place some[32];
};
struct table {
    struct poll_watch watch;
    /* Where the thread itself waits. */
    struct wait_queue changed;
    struct file *file;
    struct place few[FEW];
    struct places *more;
    size_t used;
    bool failed;
};

void poll_add_for(struct poll_watch *watch, struct wait_queue *queue, unsigned events)
{
    if (watch)
        watch->add(watch, queue, events);
}

void poll_add(struct poll_watch *watch, struct wait_queue *queue)
{
    poll_add_for(watch, queue, UINT32_MAX);
}

static void notify(struct waiter *waiter)
{
    wait_wake_all(&CONTAINER_OF(waiter, struct place, waiter)->table->changed);
}

static struct place *place_get(struct table *table)
{
    const size_t number = table->used;
    if (number < FEW)
        return &table->few[table->used++];
    if ((number - FEW) % ARRAY_SIZE(table->more->some) == 0) {
        struct places *more = heap_get(sizeof *more);
        if (!more)
            return NULL;
        more->next = table->more;
        table->more = more;
    }
    table->used++;
    return &table->more->some[(number - FEW) % ARRAY_SIZE(table->more->some)];
}

static void add(struct poll_watch *watch, struct wait_queue *queue, unsigned events)
{
    (void)events;
    struct table *table = CONTAINER_OF(watch, struct table, watch);
    struct place *place = place_get(table);
    if (!place) {
        table->failed = true;
        return;
    }
    *place = (struct place){
        .waiter = {.notify = notify}, .table = table, .file = file_share(table->file)};
    wait_add(&place->waiter, queue);
}

static void place_end(struct place *place)
{
    wait_remove(&place->waiter);
    file_drop(place->file);
}

static void table_end(struct table *table)
{
    for (size_t i = 0; i < MIN(table->used, FEW); i++)
        place_end(&table->few[i]);
    const size_t most = ARRAY_SIZE(table->more->some);
    size_t last = table->used > FEW ? (table->used - FEW - 1) % most + 1 : 0;
    while (table->more) {
        struct places *more = table->more;
        for (size_t i = 0; i < last; i++)
            place_end(&more->some[i]);
        last = most;
        table->more = more->next;
        heap_put(more);
    }
}

/* Looks at each file; those from the first ready one on need no places. */
static unsigned look(struct table *table, struct pollfd *files, size_t count, short always,
                     bool wait)
{
    unsigned ready = 0;
    for (size_t i = 0; i < count; i++) {
        struct pollfd *entry = &files[i];
        entry->revents = 0;
        if (entry->fd < 0)
            continue;
        table->file = descriptor_open_file((unsigned)entry->fd);
        struct poll_watch *watch = wait && !ready ? &table->watch : NULL;
        const unsigned now = table->file ? file_ready(table->file, watch) : POLLNVAL;
        entry->revents = (short)(now & (unsigned)(entry->events | always | POLLNVAL));
        ready += entry->revents != 0;
    }
    return ready;
}

/* How many are ready, 0 when the time is over, or -errno. Every file is asked for always. */
static int wait_for(struct pollfd *files, size_t count, short always, uint64_t deadline)
{
    struct table table;
    table.watch.add = add;
    table.changed = (struct wait_queue){0};
    table.more = NULL;
    table.used = 0;
    table.failed = false;
    unsigned ready = look(&table, files, count, always, deadline != 0);
    int waited = 0;
    while (!ready && waited == 0) {
        if (table.failed) {
            waited = -ENOMEM;
        } else if (signal_waits(thread_current)) {
            waited = -EINTR;
        } else if (deadline == 0) {
            waited = -ETIMEDOUT;
        } else {
            waited = wait_on(&table.changed, deadline);
            ready = look(&table, files, count, always, false);
        }
    }
    table_end(&table);
    return ready ? (int)ready : waited == -ETIMEDOUT ? 0 : waited;
}

uint64_t deadline_after(uint64_t nanoseconds)
{
    const uint64_t now = clock_now();
    return nanoseconds < WAIT_FOR_EVER - now ? now + nanoseconds : WAIT_FOR_EVER;
}

uint64_t deadline_after_milliseconds(int time)
{
    if (time <= 0)
        return time < 0 ? WAIT_FOR_EVER : 0;
    return deadline_after((uint64_t)time * 1000000);
}

/* A time to wait that is 0 is the deadline 0, which is not waited for at all. */
static int deadline_of(int64_t seconds, int64_t nanoseconds, uint64_t *deadline)
{
    if (seconds < 0 || nanoseconds < 0 || (uint64_t)nanoseconds >= SECOND)
        return -EINVAL;
    if ((uint64_t)seconds >= INT64_MAX / SECOND)
        *deadline = WAIT_FOR_EVER;
    else if (seconds || nanoseconds)
        *deadline = deadline_after((uint64_t)seconds * SECOND + (uint64_t)nanoseconds);
    else
        *deadline = 0;
    return 0;
}

int deadline_read(uint64_t address, uint64_t *deadline)
{
    struct timespec time;
    *deadline = WAIT_FOR_EVER;
    if (!address)
        return 0;
    if (!copy_in(&time, address, sizeof time))
        return -EFAULT;
    return deadline_of(time.tv_sec, time.tv_nsec, deadline);
}

/* The time that is left goes where it came from; unit is the number of nanoseconds in its second
   part's unit. The address may not be writable. */
static void deadline_write(uint64_t address, uint64_t deadline, uint64_t unit)
{
    if (!address || deadline == WAIT_FOR_EVER)
        return;
    const uint64_t now = clock_now(), rest = deadline > now ? deadline - now : 0;
    const uint64_t time[2] = {rest / SECOND, rest % SECOND / unit};
    (void)copy_out(address, time, sizeof time);
}

int wait_mask_read(uint64_t address, uint64_t size)
{
    uint64_t mask;
    if (!address)
        return 0;
    if (size != sizeof mask)
        return -EINVAL;
    if (!copy_in(&mask, address, sizeof mask))
        return -EFAULT;
    signal_mask_for_wait(mask);
    return 0;
}

static int64_t poll_files(uint64_t address, unsigned count, uint64_t deadline)
{
    struct pollfd few[FEW];
    const size_t size = count * sizeof *few;
    if (count > descriptor_limit(program_current()))
        return -EINVAL;
    struct pollfd *files = count <= FEW ? few : heap_get(size);
    if (!files)
        return -ENOMEM;
    int result = copy_in(files, address, size) ? 0 : -EFAULT;
    if (result == 0)
        result = wait_for(files, count, POLLERR | POLLHUP, deadline);
    if (result >= 0 && !copy_out(address, files, size))
        result = -EFAULT;
    if (files != few)
        heap_put(files);
    return result;
}

int64_t sys_poll(const struct call *call)
{
    return poll_files(call->a[0], (unsigned)call->a[1],
                      deadline_after_milliseconds((int)call->a[2]));
}

int64_t sys_ppoll(const struct call *call)
{
    uint64_t deadline;
    int64_t result = deadline_read(call->a[2], &deadline);
    if (result == 0)
        result = wait_mask_read(call->a[3], call->a[4]);
    if (result < 0)
        return result;
    result = poll_files(call->a[0], (unsigned)call->a[1], deadline);
    signal_mask_after_wait(result);
    deadline_write(call->a[2], deadline, 1);
    return result;
}

/* What each of select's three sets asks for. */
static const short set_events[] = {POLLIN | POLLRDNORM | POLLRDBAND | POLLHUP | POLLERR,
                                   POLLOUT | POLLWRNORM | POLLWRBAND | POLLERR, POLLPRI};
#define SETS 3
typedef uint64_t descriptor_set[PROGRAM_DESCRIPTORS / 64];

static bool set_has(const descriptor_set set, unsigned number)
{
    return set[number / 64] >> number % 64 & 1;
}

static short events_of(descriptor_set sets[SETS], unsigned number)
{
    unsigned events = 0;
    for (unsigned i = 0; i < SETS; i++)
        events |= set_has(sets[i], number) ? (unsigned)set_events[i] : 0;
    return (short)events;
}

/* As poll, of those in the sets; then the sets have what is ready. */
static int select_ready(descriptor_set sets[SETS], unsigned count, struct pollfd *files,
                        uint64_t deadline)
{
    size_t used = 0;
    int bits = 0;
    for (unsigned number = 0; number < count; number++) {
        const short events = events_of(sets, number);
        if (!events)
            continue;
        if (!descriptor_file(number))
            return -EBADF;
        files[used++] = (struct pollfd){.fd = (int)number, .events = events};
    }
    const int result = wait_for(files, used, 0, deadline);
    if (result < 0)
        return result;
    for (size_t i = 0; i < used; i++) {
        const unsigned number = (unsigned)files[i].fd;
        for (unsigned set = 0; set < SETS; set++) {
            if (!set_has(sets[set], number))
                continue;
            if (files[i].revents & (set_events[set] | POLLNVAL))
                bits++;
            else
                sets[set][number / 64] &= ~((uint64_t)1 << number % 64);
        }
    }
    return bits;
}

static int64_t select_files(const struct call *call, uint64_t deadline)
{
    descriptor_set sets[SETS];
    if ((int)call->a[0] < 0)
        return -EINVAL;
    const unsigned count = MIN((unsigned)call->a[0], PROGRAM_DESCRIPTORS);
    const size_t size = round_up(count, 64) / 8;
    memset(sets, 0, sizeof sets);
    for (unsigned i = 0; i < SETS; i++) {
        if (call->a[1 + i] && !copy_in(sets[i], call->a[1 + i], size))
            return -EFAULT;
        if (count % 64)
            sets[i][count / 64] &= ((uint64_t)1 << count % 64) - 1;
    }
    struct pollfd *files = heap_get(MAX(count, 1) * sizeof *files);
    if (!files)
        return -ENOMEM;
    int64_t result = select_ready(sets, count, files, deadline);
    heap_put(files);
    for (unsigned i = 0; i < SETS && result >= 0; i++) {
        if (call->a[1 + i] && !copy_out(call->a[1 + i], sets[i], size))
            result = -EFAULT;
    }
    return result;
}

int64_t sys_select(const struct call *call)
{
    uint64_t deadline = WAIT_FOR_EVER;
    int64_t time[2];
    if (call->a[4]) {
        if (!copy_in(time, call->a[4], sizeof time))
            return -EFAULT;
        if (time[0] < 0 || time[1] < 0 || time[1] >= INT64_MAX / 1000)
            return -EINVAL;
        const int64_t seconds = time[0] + time[1] / 1000000;
        const int result = deadline_of(seconds, time[1] % 1000000 * 1000, &deadline);
        if (result < 0)
            return result;
    }
    const int64_t result = select_files(call, deadline);
    deadline_write(call->a[4], deadline, 1000);
    return result;
}

int64_t sys_pselect6(const struct call *call)
{
    uint64_t deadline, mask[2] = {0, 0};
    if (call->a[5] && !copy_in(mask, call->a[5], sizeof mask))
        return -EFAULT;
    int64_t result = deadline_read(call->a[4], &deadline);
    if (result == 0)
        result = wait_mask_read(mask[0], mask[1]);
    if (result < 0)
        return result;
    result = select_files(call, deadline);
    signal_mask_after_wait(result);
    deadline_write(call->a[4], deadline, 1);
    return result;
}
