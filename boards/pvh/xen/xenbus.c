/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The xenstore's client. Requests of the base and of all programs go through one ring; each gets a
 * number of its own, by which its reply is known. Nothing here waits but store_ask.
 */
#include "xen/guest.h"

#include <errno.h>

#include <xen/hvm/params.h>
#include <xen/io/xs_wire.h>

#include "thread.h"

#define FRAMES_POSSIBLE ((uint64_t)1 << 40)
#define TOKEN_SIZE 12u

struct store_request {
    struct list queue;
    store_done *done;
    void *with;
    uint32_t sent;
    /* The head and what follows are what is sent. */
    struct store_head head;
    char bytes[];
};

static evtchn_port_t port;
static struct byte_ring requests, replies;
static struct list to_send = {&to_send, &to_send}, sent = {&sent, &sent};
static struct list watches = {&watches, &watches};
static struct store_reader reader;
static uint32_t last_request, last_token;
static bool is_broken;

bool xenbus_is_there(void)
{
    return port != 0;
}

static void finish(struct store_request *request, struct store_message *reply)
{
    list_remove(&request->queue);
    if (request->done)
        request->done(request->with, reply);
    else
        heap_put(reply);
    heap_put(request);
}

static void fail_all(void)
{
    if (!is_broken)
        say("xenstore: the ring is damaged; it is not used any more");
    is_broken = true;
    while (!list_empty(&sent))
        finish(LIST_ENTRY(sent.next, struct store_request, queue), NULL);
    while (!list_empty(&to_send))
        finish(LIST_ENTRY(to_send.next, struct store_request, queue), NULL);
}

/* Sends what there is room for. */
static void pump(void)
{
    bool any = false;
    while (!list_empty(&to_send) && !is_broken) {
        struct store_request *request = LIST_ENTRY(to_send.next, struct store_request, queue);
        const uint32_t size = (uint32_t)sizeof request->head + request->head.size;
        const int32_t put =
            byte_ring_put(&requests, (char *)&request->head + request->sent, size - request->sent);
        if (put < 0) {
            fail_all();
            return;
        }
        request->sent += (uint32_t)put;
        any = any || put > 0;
        if (request->sent < size)
            break;
        list_remove(&request->queue);
        list_add_last(&sent, &request->queue);
    }
    if (any)
        (void)event_send(port);
}

static void take_event(struct store_message *event)
{
    const char *token = event ? store_next_string(event, event->bytes) : NULL;
    uint32_t number;
    if (token && store_number(token, &number)) {
        LIST_EACH(place, &watches) {
            struct store_watch *watch = LIST_ENTRY(place, struct store_watch, all);
            if (watch->token != number)
                continue;
            watch->event(watch, event);
            return;
        }
    }
    heap_put(event);
}

static void take_message(const struct store_head *head, struct store_message *message)
{
    if (head->type == XS_WATCH_EVENT) {
        take_event(message);
        return;
    }
    LIST_EACH(place, &sent) {
        struct store_request *request = LIST_ENTRY(place, struct store_request, queue);
        if (request->head.request != head->request)
            continue;
        finish(request, message);
        return;
    }
    heap_put(message);
}

static void handle(void *unused, evtchn_port_t unused_port)
{
    (void)unused, (void)unused_port;
    bool any = false;
    while (!is_broken) {
        const uint32_t waiting = byte_ring_used(&replies);
        any = any || waiting > 0;
        const enum store_progress progress = store_receive(&reader, &replies, heap_get);
        if (progress == STORE_BROKEN)
            fail_all();
        if (progress != STORE_COMPLETE)
            break;
        struct store_message *message = reader.message;
        reader.message = NULL;
        reader.got = 0;
        take_message(&reader.head, message);
    }
    if (any)
        (void)event_send(port);
    pump();
}

int store_send(uint32_t type, uint32_t transaction, const void *bytes, size_t size,
               store_done *done, void *with)
{
    if (!port || is_broken)
        return -EIO;
    if (size > STORE_PAYLOAD_MOST)
        return -E2BIG;
    struct store_request *request = heap_get(sizeof *request + size);
    if (!request)
        return -ENOMEM;
    request->done = done;
    request->with = with;
    request->head = (struct store_head){type, ++last_request, transaction, (uint32_t)size};
    memcpy(request->bytes, bytes, size);
    list_add_last(&to_send, &request->queue);
    pump();
    return 0;
}

struct answer {
    struct wait_queue waiting;
    struct store_message *reply;
    bool here;
};

static void take_answer(void *with, struct store_message *reply)
{
    struct answer *answer = with;
    answer->reply = reply;
    answer->here = true;
    wait_wake_all(&answer->waiting);
}

int store_ask(uint32_t type, const void *bytes, size_t size, struct store_message **reply)
{
    struct answer answer = {.here = false};
    int error = store_send(type, 0, bytes, size, take_answer, &answer);
    if (error)
        return error;
    while (!answer.here)
        wait_on_surely(&answer.waiting);
    error = !answer.reply                          ? -EIO
            : answer.reply->head.type == XS_ERROR ? store_error(answer.reply->bytes)
                                                   : 0;
    if (error)
        heap_put(answer.reply);
    else
        *reply = answer.reply;
    return error;
}

int64_t xen_store_read(const char *key, char *text, size_t size)
{
    struct store_message *reply;
    const int error = store_ask(XS_READ, key, strlen(key) + 1, &reply);
    if (error)
        return error == -EIO && !port ? -ENOENT : error;
    const uint32_t length = reply->head.size;
    if (length < size)
        memcpy(text, reply->bytes, (size_t)length + 1);
    heap_put(reply);
    return length < size ? (int64_t)length : -EFBIG;
}

static int send_watch(uint32_t type, const char *path, uint32_t token, store_done *done, void *with)
{
    const size_t length = strlen(path) + 1;
    char *bytes = heap_get(length + TOKEN_SIZE);
    if (!bytes)
        return -ENOMEM;
    memcpy(bytes, path, length);
    const size_t size = length + (size_t)snprintf(bytes + length, TOKEN_SIZE, "%u", token) + 1;
    const int error = store_send(type, 0, bytes, size, done, with);
    heap_put(bytes);
    return error;
}

int store_watch(struct store_watch *watch, const char *path, store_done *done, void *with)
{
    watch->token = ++last_token;
    list_add_last(&watches, &watch->all);
    const int error = send_watch(XS_WATCH, path, watch->token, done, with);
    if (error)
        list_remove(&watch->all);
    return error;
}

void store_unwatch(struct store_watch *watch, const char *path)
{
    list_remove(&watch->all);
    (void)send_watch(XS_UNWATCH, path, watch->token, NULL, NULL);
}

void xenbus_begin(void)
{
    uint64_t frame, number;
    if (xen_parameter(HVM_PARAM_STORE_PFN, &frame) != 0 ||
        xen_parameter(HVM_PARAM_STORE_EVTCHN, &number) != 0 || frame == 0 || number == 0 ||
        frame >= FRAMES_POSSIBLE || number > UINT32_MAX)
        return;
    struct xenstore_domain_interface *ring = frame_map(frame * PAGE_SIZE);
    if (!ring)
        return;
    requests = (struct byte_ring){ring->req, sizeof ring->req, &ring->req_cons, &ring->req_prod};
    replies = (struct byte_ring){ring->rsp, sizeof ring->rsp, &ring->rsp_cons, &ring->rsp_prod};
    if (event_handle((evtchn_port_t)number, handle, NULL) == 0)
        port = (evtchn_port_t)number;
}
