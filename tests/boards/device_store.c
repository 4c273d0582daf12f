/* SPDX-License-Identifier: BSD-2-Clause */
/* The client of the xenstore as device_shim.h has it: xenbus.c's promises without its ring. */
#include <errno.h>
#include <stdlib.h>

#include "device_shim.h"

#include <xen/io/xs_wire.h>

struct waiting {
    struct list all;
    store_done *done;
    void *with;
};

static struct list requests = {&requests, &requests}, watches = {&watches, &watches};
static bool breaks, is_broken;

static void finish(struct waiting *waiting, struct store_message *reply)
{
    list_remove(&waiting->all);
    if (waiting->done)
        waiting->done(waiting->with, reply);
    else
        heap_put(reply);
    free(waiting);
}

static void fail_all(void)
{
    is_broken = true;
    while (!list_empty(&requests))
        finish(LIST_ENTRY(requests.next, struct waiting, all), NULL);
}

int store_send(uint32_t type, uint32_t transaction, const void *bytes, size_t size,
               store_done *done, void *with)
{
    (void)type, (void)transaction;
    if (is_broken)
        return -EIO;
    if (size > STORE_PAYLOAD_MOST)
        return -E2BIG;
    /* Where memory runs out, for the request too. */
    void *copy = heap_get(size);
    if (!copy)
        return -ENOMEM;
    memcpy(copy, bytes, size);
    heap_put(copy);
    struct waiting *waiting = malloc(sizeof *waiting);
    *waiting = (struct waiting){.done = done, .with = with};
    list_add_last(&requests, &waiting->all);
    if (breaks)
        fail_all();
    return 0;
}

int store_watch(struct store_watch *watch, const char *path, store_done *done, void *with)
{
    list_add_last(&watches, &watch->all);
    const int error = store_send(XS_WATCH, 0, path, strlen(path) + 1, done, with);
    if (error)
        list_remove(&watch->all);
    return error;
}

void store_unwatch(struct store_watch *watch, const char *path)
{
    list_remove(&watch->all);
    (void)store_send(XS_UNWATCH, 0, path, strlen(path) + 1, NULL, NULL);
}

static struct list *nth(struct list *head, unsigned number)
{
    struct list *place = head->next;
    for (; number > 0 && place != head; number--)
        place = place->next;
    return place == head ? head->next : place;
}

void shim_reply(unsigned number, struct store_message *message)
{
    if (list_empty(&requests))
        heap_put(message);
    else
        finish(LIST_ENTRY(nth(&requests, number), struct waiting, all), message);
}

void shim_watch_event(unsigned number, struct store_message *message)
{
    if (list_empty(&watches) || !message) {
        heap_put(message);
        return;
    }
    struct store_watch *watch = LIST_ENTRY(nth(&watches, number), struct store_watch, all);
    watch->event(watch, message);
}

void shim_break_store(void) { breaks = true; }

void shim_begin_store(void) { breaks = is_broken = false; }

void shim_end_store(void)
{
    fail_all();
    BASE_ASSERT(list_empty(&watches));
}
