/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Waiting for some of many files, which say themselves when they become ready: an entry is put
 * among the ready ones by the file's queues, so that those that are idle cost nothing.
 */
#include <sys/epoll.h>

#include "files.h"

/* How often epoll files may watch each other in a row. */
#define NESTED_MOST 4u
#define EVENTS_MOST (INT32_MAX / (int)sizeof(struct epoll_event))
/* Says how to watch, not what for. */
#define HOW_EVENTS (EPOLLET | EPOLLONESHOT | EPOLLEXCLUSIVE | EPOLLWAKEUP)

struct epoll {
    struct file *file;
    struct list entries, ready;
    struct wait_queue changed;
};

/* A queue of the file; most files have one or two. */
struct place {
    struct waiter waiter;
    struct entry *entry;
    struct place *more;
    /* What the queue tells of. */
    unsigned events;
};

struct entry {
    struct poll_watch watch;
    struct epoll *epoll;
    struct file *file;
    int number;
    struct epoll_event event;
    struct list entries, ready, of_file;
    struct place first;
    bool failed;
};

static void become_ready(struct entry *entry)
{
    if (!list_empty(&entry->ready))
        return;
    list_add_last(&entry->epoll->ready, &entry->ready);
    wait_wake_all(&entry->epoll->changed);
}

static void notify(struct waiter *waiter)
{
    const struct place *place = CONTAINER_OF(waiter, struct place, waiter);
    if (place->entry->event.events & place->events & ~HOW_EVENTS)
        become_ready(place->entry);
}

static void add_place(struct poll_watch *watch, struct wait_queue *queue, unsigned events)
{
    struct entry *entry = CONTAINER_OF(watch, struct entry, watch);
    struct place *place = &entry->first;
    if (place->entry) {
        place = heap_get(sizeof *place);
        if (!place) {
            entry->failed = true;
            return;
        }
        place->more = entry->first.more;
        entry->first.more = place;
    }
    place->entry = entry;
    place->events = events;
    place->waiter.notify = notify;
    wait_add(&place->waiter, queue);
}

static void entry_free(struct entry *entry)
{
    if (entry->first.entry)
        wait_remove(&entry->first.waiter);
    while (entry->first.more) {
        struct place *place = entry->first.more;
        entry->first.more = place->more;
        wait_remove(&place->waiter);
        heap_put(place);
    }
    list_remove(&entry->entries);
    list_remove(&entry->ready);
    list_remove(&entry->of_file);
    heap_put(entry);
}

void epoll_forget(struct file *file)
{
    LIST_EACH(place, &file->watched)
        entry_free(LIST_ENTRY(place, struct entry, of_file));
}

/* What an entry is ready for, of what it asks for. */
static unsigned events_of(struct entry *entry, struct poll_watch *watch)
{
    const unsigned asked = entry->event.events & ~HOW_EVENTS;
    return file_ready(entry->file, watch) & asked;
}

/* Whether any entry is ready; those that are not any more leave the list. */
static bool any_ready(struct epoll *epoll)
{
    LIST_EACH(place, &epoll->ready) {
        struct entry *entry = LIST_ENTRY(place, struct entry, ready);
        if (events_of(entry, NULL))
            return true;
        list_remove(&entry->ready);
    }
    return false;
}

static unsigned epoll_poll(struct file *file, struct poll_watch *watch)
{
    struct epoll *epoll = file->data;
    poll_add(watch, &epoll->changed);
    return any_ready(epoll) ? POLLIN | POLLRDNORM : 0;
}

static int64_t epoll_control(struct file *file, unsigned request, uint64_t argument)
{
    (void)file, (void)request, (void)argument;
    return -EINVAL;
}

static void epoll_release(struct file *file)
{
    struct epoll *epoll = file->data;
    LIST_EACH(place, &epoll->entries)
        entry_free(LIST_ENTRY(place, struct entry, entries));
    heap_put(epoll);
}

static const struct file_operations epoll_operations = {
    .name = "eventpoll",
    .poll = epoll_poll,
    .seek = file_seek_nowhere,
    .control = epoll_control,
    .release = epoll_release,
};

static int64_t make(int flags)
{
    if (flags & ~EPOLL_CLOEXEC)
        return -EINVAL;
    struct epoll *epoll = heap_get(sizeof *epoll);
    if (!epoll)
        return -ENOMEM;
    list_begin(&epoll->entries);
    list_begin(&epoll->ready);
    struct file *file = file_make(&epoll_operations, NULL, O_RDWR, epoll);
    if (!file) {
        heap_put(epoll);
        return -ENOMEM;
    }
    epoll->file = file;
    return descriptor_give(file, flags & EPOLL_CLOEXEC);
}

int64_t sys_epoll_create(const struct call *call)
{
    return (int)call->a[0] > 0 ? make(0) : -EINVAL;
}
int64_t sys_epoll_create1(const struct call *call) { return make((int)call->a[0]); }

/* How many epoll files are in a row from this file on; beyond the limit where one is reached. */
static unsigned depth(const struct file *file, const struct epoll *reached)
{
    const struct epoll *epoll = file->data;
    unsigned deepest = 0;
    if (file->operations != &epoll_operations)
        return 0;
    if (epoll == reached)
        return NESTED_MOST + 1;
    LIST_EACH(place, &epoll->entries)
        deepest = MAX(deepest, depth(LIST_ENTRY(place, struct entry, entries)->file, reached));
    return deepest + 1;
}

/* How many epoll files are in a row above this one. */
static unsigned height(const struct epoll *epoll)
{
    unsigned highest = 0;
    LIST_EACH(place, &epoll->file->watched)
        highest = MAX(highest, 1 + height(LIST_ENTRY(place, struct entry, of_file)->epoll));
    return highest;
}

static struct entry *find(const struct epoll *epoll, const struct file *file, int number)
{
    LIST_EACH(place, &file->watched) {
        struct entry *entry = LIST_ENTRY(place, struct entry, of_file);
        if (entry->epoll == epoll && entry->number == number)
            return entry;
    }
    return NULL;
}

static int begin_watch(struct epoll *epoll, struct file *file, int number,
                       const struct epoll_event *event)
{
    const unsigned below = depth(file, epoll);
    if (below && below + height(epoll) > NESTED_MOST)
        return -ELOOP;
    if (find(epoll, file, number))
        return -EEXIST;
    struct entry *entry = heap_get(sizeof *entry);
    if (!entry)
        return -ENOMEM;
    entry->watch.add = add_place;
    entry->epoll = epoll;
    entry->file = file;
    entry->number = number;
    entry->event = *event;
    list_add_last(&epoll->entries, &entry->entries);
    list_add_last(&file->watched, &entry->of_file);
    list_begin(&entry->ready);
    const unsigned events = events_of(entry, &entry->watch);
    if (entry->failed) {
        entry_free(entry);
        return -ENOMEM;
    }
    if (events)
        become_ready(entry);
    return 0;
}

static int change_watch(struct entry *entry, const struct epoll_event *event)
{
    if ((entry->event.events | event->events) & EPOLLEXCLUSIVE)
        return -EINVAL;
    entry->event = *event;
    if (events_of(entry, NULL))
        become_ready(entry);
    return 0;
}

int64_t sys_epoll_ctl(const struct call *call)
{
    const int operation = (int)call->a[1], number = (int)call->a[2];
    struct epoll_event event = {0};
    if (operation != EPOLL_CTL_DEL && !copy_in(&event, call->a[3], sizeof event))
        return -EFAULT;
    struct file *own = descriptor_open_file(call->a[0]);
    struct file *file = descriptor_open_file(call->a[2]);
    if (!own || !file)
        return -EBADF;
    if (!file->operations->poll)
        return -EPERM;
    if (own == file || own->operations != &epoll_operations)
        return -EINVAL;
    if (event.events & EPOLLEXCLUSIVE && file->operations == &epoll_operations)
        return -EINVAL;
    event.events |= EPOLLERR | EPOLLHUP;
    if (operation == EPOLL_CTL_ADD)
        return begin_watch(own->data, file, number, &event);
    struct entry *entry = find(own->data, file, number);
    if (operation != EPOLL_CTL_DEL && operation != EPOLL_CTL_MOD)
        return -EINVAL;
    if (!entry)
        return -ENOENT;
    if (operation == EPOLL_CTL_MOD)
        return change_watch(entry, &event);
    entry_free(entry);
    return 0;
}

/* Writes what is ready, at most so many: how many, or -errno where not even the first could be. */
static int tell(struct epoll *epoll, struct epoll_event *events, int most)
{
    const struct list *const last = epoll->ready.previous;
    int count = 0;
    while (count < most && !list_empty(&epoll->ready)) {
        struct list *place = epoll->ready.next;
        struct entry *entry = LIST_ENTRY(place, struct entry, ready);
        struct epoll_event event = {.events = events_of(entry, NULL), .data = entry->event.data};
        list_remove(place);
        if (event.events) {
            const bool told = copy_bytes(&events[count], &event, sizeof event);
            if (!told || !(entry->event.events & (EPOLLET | EPOLLONESHOT)))
                list_add_last(&epoll->ready, place);
            if (!told)
                return count ? count : -EFAULT;
            if (entry->event.events & EPOLLONESHOT)
                entry->event.events &= HOW_EVENTS;
            count++;
        }
        if (place == last)
            break;
    }
    return count;
}

static int wait_for(struct epoll *epoll, struct epoll_event *events, int most, uint64_t deadline)
{
    int waited = 0;
    for (;;) {
        const int count = tell(epoll, events, most);
        if (count)
            return count;
        if (waited == -ETIMEDOUT || deadline == 0)
            return signal_waits(thread_current) ? -EINTR : 0;
        if (waited < 0)
            return waited;
        waited = wait_on(&epoll->changed, deadline);
    }
}

int64_t sys_epoll_wait(const struct call *call)
{
    struct file *file = descriptor_open_file(call->a[0]);
    const int most = (int)call->a[2];
    if (!file)
        return -EBADF;
    if (most <= 0 || most > EVENTS_MOST)
        return -EINVAL;
    if (!program_range(call->a[1], (uint64_t)most * sizeof(struct epoll_event)))
        return -EFAULT;
    if (file->operations != &epoll_operations)
        return -EINVAL;
    (void)file_share(file);
    const int result = wait_for(file->data, (struct epoll_event *)(uintptr_t)call->a[1], most,
                                deadline_after_milliseconds((int)call->a[3]));
    file_drop(file);
    return result;
}

int64_t sys_epoll_pwait(const struct call *call)
{
    int64_t result = wait_mask_read(call->a[4], call->a[5]);
    if (result < 0)
        return result;
    result = sys_epoll_wait(call);
    signal_mask_after_wait(result);
    return result;
}
