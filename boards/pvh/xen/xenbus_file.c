/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * /dev/xen/xenbus: the xenstore's messages for programs (Xen's docs/misc/xenstore.txt), as Linux
 * has them: each file has request numbers, transactions and watches of its own.
 */
#include "xen/guest.h"

#include <errno.h>
#include <fcntl.h>

#include <xen/io/xs_wire.h>

#include "file.h"

struct store_file {
    /* Messages to be read, of the first of which so many bytes were. */
    struct list replies;
    uint32_t taken;
    struct wait_queue readers;
    struct list watches, transactions;
    /* Requests without a reply yet: they keep this, too. */
    unsigned open_requests;
    bool closed, failed;
    /* The message that is being written. */
    uint32_t got;
    struct store_head head;
    char bytes[STORE_PAYLOAD_MOST];
};

struct user_request {
    struct store_file *store;
    uint32_t type, request, transaction;
    /* Of XS_WATCH; it may be gone when the reply comes. */
    struct user_watch *watch;
};

struct user_watch {
    struct store_watch watch;
    struct list own;
    struct store_file *store;
    const char *token;
    char path[];
};

struct user_transaction {
    struct list own;
    uint32_t number;
};

static void queue_reply(struct store_file *store, struct store_message *reply)
{
    if (reply)
        list_add_last(&store->replies, &reply->queue);
    else
        store->failed = true;
    wait_wake_all(&store->readers);
}

/* A message of one or two strings. */
static void queue_text(struct store_file *store, uint32_t type, uint32_t request, const char *text,
                       const char *second)
{
    const size_t length = strlen(text) + 1, size = length + (second ? strlen(second) + 1 : 0);
    struct store_message *reply = heap_get(sizeof *reply + size + 1);
    if (reply) {
        reply->head = (struct store_head){.type = type, .request = request, .size = (uint32_t)size};
        memcpy(reply->bytes, text, length);
        if (second)
            memcpy(reply->bytes + length, second, size - length);
    }
    queue_reply(store, reply);
}

static struct user_transaction *find_transaction(const struct store_file *store, uint32_t number)
{
    LIST_EACH(place, &store->transactions) {
        struct user_transaction *transaction = LIST_ENTRY(place, struct user_transaction, own);
        if (transaction->number == number)
            return transaction;
    }
    return NULL;
}

static void end_transaction(uint32_t number)
{
    (void)store_send(XS_TRANSACTION_END, number, "F", sizeof "F", NULL, NULL);
}

/* A transaction that began is the file's, which ends it at last; without memory at once. */
static bool add_transaction(struct store_file *store, const struct store_message *reply)
{
    uint32_t number;
    if (reply->head.type != XS_TRANSACTION_START || !store_number(reply->bytes, &number))
        return true;
    struct user_transaction *transaction = store->closed ? NULL : heap_get(sizeof *transaction);
    if (!transaction) {
        end_transaction(number);
        return false;
    }
    transaction->number = number;
    list_add_last(&store->transactions, &transaction->own);
    return true;
}

static void drop_transaction(struct user_transaction *transaction)
{
    list_remove(&transaction->own);
    heap_put(transaction);
}

static void put_watch(struct user_watch *watch)
{
    list_remove(&watch->own);
    heap_put(watch);
}

/* Out of the list before anything is sent: if the connection breaks by that, all requests end at
   once, those of this file's watches and transactions too. */
static void end_watch(struct user_watch *watch)
{
    list_remove(&watch->own);
    store_unwatch(&watch->watch, watch->path);
    heap_put(watch);
}

static struct user_watch *find_watch(struct store_file *store, const struct user_watch *wanted)
{
    LIST_EACH(place, &store->watches) {
        struct user_watch *watch = LIST_ENTRY(place, struct user_watch, own);
        if (watch == wanted)
            return watch;
    }
    return NULL;
}

static void take_reply(void *with, struct store_message *reply)
{
    struct user_request *request = with;
    struct store_file *store = request->store;
    struct user_watch *watch = request->watch ? find_watch(store, request->watch) : NULL;
    if (watch && (!reply || reply->head.type == XS_ERROR)) {
        list_remove(&watch->watch.all);
        put_watch(watch);
    }
    struct user_transaction *ended = request->type == XS_TRANSACTION_END
                                         ? find_transaction(store, request->transaction)
                                         : NULL;
    if (ended)
        drop_transaction(ended);
    if (!reply || !add_transaction(store, reply) || store->closed) {
        heap_put(reply);
        reply = NULL;
    } else {
        reply->head.request = request->request;
    }
    queue_reply(store, reply);
    heap_put(request);
    if (--store->open_requests == 0 && store->closed)
        heap_put(store);
}

static void take_event(struct store_watch *watch, struct store_message *event)
{
    struct user_watch *user = CONTAINER_OF(watch, struct user_watch, watch);
    queue_text(user->store, XS_WATCH_EVENT, 0, event->bytes, user->token);
    heap_put(event);
}

/* The request's bytes are to have the path and the token. */
static int add_watch(struct store_file *store, struct user_request *request, const char *token)
{
    struct user_watch *watch = heap_get(sizeof *watch + store->head.size);
    if (!watch)
        return -ENOMEM;
    memcpy(watch->path, store->bytes, store->head.size);
    watch->token = watch->path + (token - store->bytes);
    watch->store = store;
    watch->watch.event = take_event;
    list_add_last(&store->watches, &watch->own);
    request->watch = watch;
    const int error = store_watch(&watch->watch, watch->path, take_reply, request);
    if (error)
        put_watch(watch);
    return error;
}

static void drop_watch(struct store_file *store, const char *path, const char *token)
{
    LIST_EACH(place, &store->watches) {
        struct user_watch *watch = LIST_ENTRY(place, struct user_watch, own);
        if (strcmp(watch->path, path) != 0 || strcmp(watch->token, token) != 0)
            continue;
        end_watch(watch);
        break;
    }
    queue_text(store, XS_UNWATCH, store->head.request, "OK", NULL);
}

/* The second of two strings that are all of the message, or NULL. */
static const char *second_string(const struct store_file *store)
{
    const char *end = store->bytes + store->head.size;
    const char *nul = memchr(store->bytes, '\0', store->head.size);
    return nul && memchr(nul + 1, '\0', (size_t)(end - nul - 1)) ? nul + 1 : NULL;
}

static int send_message(struct store_file *store)
{
    const struct store_head *head = &store->head;
    const bool is_watch = head->type == XS_WATCH;
    const char *token = is_watch || head->type == XS_UNWATCH ? second_string(store) : store->bytes;
    if (!token)
        return -EILSEQ;
    if (head->type == XS_UNWATCH) {
        drop_watch(store, store->bytes, token);
        return 0;
    }
    if (head->transaction != 0 && !find_transaction(store, head->transaction)) {
        queue_text(store, XS_ERROR, head->request, "ENOENT", NULL);
        return 0;
    }
    struct user_request *request = heap_get(sizeof *request);
    if (!request)
        return -ENOMEM;
    *request = (struct user_request){.store = store, .type = head->type, .request = head->request,
                                     .transaction = head->transaction};
    store->open_requests++;
    const int error = is_watch ? add_watch(store, request, token)
                               : store_send(head->type, head->transaction, store->bytes,
                                            head->size, take_reply, request);
    if (error) {
        store->open_requests--;
        heap_put(request);
    }
    return error;
}

/* Takes what belongs to one message; it is sent when it is complete. */
static int64_t write_part(struct store_file *store, const char *bytes, size_t size)
{
    const uint32_t head = sizeof store->head;
    const bool in_head = store->got < head;
    const uint32_t done = in_head ? store->got : store->got - head;
    const uint32_t left = (in_head ? head : store->head.size) - done;
    const uint32_t count = (uint32_t)MIN(size, left);
    char *place = in_head ? (char *)&store->head : store->bytes;
    if (!copy_bytes(place + done, bytes, count))
        return -EFAULT;
    store->got += count;
    int error = 0;
    if (store->got >= head && store->head.size > STORE_PAYLOAD_MOST)
        error = -EINVAL;
    else if (store->got < head || store->got < head + store->head.size)
        return count;
    else
        error = send_message(store);
    store->got = 0;
    return error ? error : (int64_t)count;
}

static int64_t store_write(struct file *file, const void *bytes, size_t size, uint64_t *position)
{
    (void)position;
    size_t done = 0;
    while (done < size) {
        const int64_t count = write_part(file->data, (const char *)bytes + done, size - done);
        if (count < 0)
            return done > 0 && count == -EFAULT ? (int64_t)done : count;
        done += (size_t)count;
    }
    return (int64_t)done;
}

static int64_t read_replies(struct store_file *store, char *bytes, size_t size)
{
    size_t done = 0;
    while (done < size && !list_empty(&store->replies)) {
        struct store_message *reply = LIST_ENTRY(store->replies.next, struct store_message, queue);
        const uint32_t whole = (uint32_t)sizeof reply->head + reply->head.size;
        const size_t count = MIN(size - done, whole - store->taken);
        if (!copy_bytes(bytes + done, (const char *)&reply->head + store->taken, count))
            return done > 0 ? (int64_t)done : -EFAULT;
        done += count;
        store->taken += (uint32_t)count;
        if (store->taken < whole)
            break;
        store->taken = 0;
        list_remove(&reply->queue);
        heap_put(reply);
    }
    return (int64_t)done;
}

static int64_t store_read(struct file *file, void *bytes, size_t size, uint64_t *position)
{
    (void)position;
    struct store_file *store = file->data;
    while (list_empty(&store->replies)) {
        if (store->failed)
            return -EIO;
        if (file->flags & O_NONBLOCK)
            return -EAGAIN;
        const int error = wait_on(&store->readers, WAIT_FOR_EVER);
        if (error)
            return error;
    }
    return read_replies(store, bytes, size);
}

static unsigned store_poll(struct file *file, struct poll_watch *watch)
{
    struct store_file *store = file->data;
    poll_add(watch, &store->readers);
    return POLLOUT | POLLWRNORM |
           (list_empty(&store->replies) && !store->failed ? 0u : POLLIN | POLLRDNORM);
}

static void store_release(struct file *file)
{
    struct store_file *store = file->data;
    while (!list_empty(&store->watches))
        end_watch(LIST_ENTRY(store->watches.next, struct user_watch, own));
    while (!list_empty(&store->transactions)) {
        struct user_transaction *transaction =
            LIST_ENTRY(store->transactions.next, struct user_transaction, own);
        const uint32_t number = transaction->number;
        drop_transaction(transaction);
        end_transaction(number);
    }
    LIST_EACH(reply_place, &store->replies)
        heap_put(LIST_ENTRY(reply_place, struct store_message, queue));
    list_begin(&store->replies);
    store->closed = true;
    if (store->open_requests == 0)
        heap_put(store);
}

static const struct file_operations store_operations = {
    .name = "xenbus",
    .read = store_read,
    .write = store_write,
    .poll = store_poll,
    .release = store_release,
};

int xenbus_file_open(struct node *node, int flags, struct file **opened)
{
    struct store_file *store = heap_get(sizeof *store);
    if (store) {
        list_begin(&store->replies);
        list_begin(&store->watches);
        list_begin(&store->transactions);
    }
    return xen_file_open(&store_operations, node, flags, store, opened);
}
