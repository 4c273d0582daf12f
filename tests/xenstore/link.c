/* SPDX-License-Identifier: BSD-2-Clause */
/* Messages of the store's wire protocol, through a file or a ring. */
#include "store.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

/* How long an answer may take: nested emulation on a busy machine. */
#define PATIENCE_MS 30000u

_Noreturn void fail(const char *format, ...)
{
    va_list list;
    fflush(stdout);
    va_start(list, format);
    vfprintf(stderr, format, list);
    va_end(list);
    fputc('\n', stderr);
    exit(1);
}

uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static int open_socket(const char *path)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    const int file = socket(AF_UNIX, SOCK_STREAM, 0);
    if (file < 0 || strlen(path) >= sizeof name.sun_path)
        return -1;
    strcpy(name.sun_path, path);
    if (connect(file, (struct sockaddr *)&name, sizeof name) == 0)
        return file;
    close(file);
    return -1;
}

void link_open(struct link *link, const char *path)
{
    struct stat facts;
    *link = (struct link){.file = -1};
    if (stat(path, &facts) == 0)
        link->file = S_ISSOCK(facts.st_mode) ? open_socket(path) : open(path, O_RDWR);
    if (link->file < 0)
        fail("%s: %s", path, strerror(errno));
}

void link_ring(struct link *link, volatile struct xenstore_domain_interface *ring,
               struct link *kicker)
{
    *link = (struct link){.file = -1, .ring = ring, .kicker = kicker};
}

void link_close(struct link *link)
{
    if (link->file >= 0)
        close(link->file);
    *link = (struct link){.file = -1};
}

static size_t put_some(volatile struct xenstore_domain_interface *ring, const char *bytes,
                       size_t size)
{
    const uint32_t producer = ring->req_prod, used = producer - ring->req_cons;
    const size_t room = used <= XENSTORE_RING_SIZE ? XENSTORE_RING_SIZE - used : 0;
    const size_t count = size < room ? size : room;
    for (size_t i = 0; i < count; i++)
        ring->req[MASK_XENSTORE_IDX(producer + (uint32_t)i)] = bytes[i];
    __sync_synchronize();
    ring->req_prod = producer + (uint32_t)count;
    return count;
}

static size_t take_some(volatile struct xenstore_domain_interface *ring, char *bytes, size_t size)
{
    const uint32_t consumer = ring->rsp_cons, used = ring->rsp_prod - consumer;
    const size_t there = used <= XENSTORE_RING_SIZE ? used : 0;
    const size_t count = size < there ? size : there;
    __sync_synchronize();
    for (size_t i = 0; i < count; i++)
        bytes[i] = ring->rsp[MASK_XENSTORE_IDX(consumer + (uint32_t)i)];
    __sync_synchronize();
    ring->rsp_cons = consumer + (uint32_t)count;
    return count;
}

/* The store reads all rings when it is woken by any of its connections. */
void link_kick(struct link *kicker)
{
    struct message answer;
    if (!link_ask_string(kicker, XS_GET_DOMAIN_PATH, "0", &answer))
        fail("the store does not answer domain 0");
}

static bool put_ring(struct link *link, const char *bytes, size_t size)
{
    const uint64_t end = now_ns() + PATIENCE_MS * 1000000ull;
    for (;;) {
        const size_t count = put_some(link->ring, bytes, size);
        bytes += count;
        size -= count;
        if (size == 0)
            return true;
        if (now_ns() > end)
            return false;
        link_kick(link->kicker);
    }
}

bool link_put(struct link *link, const void *bytes, size_t size)
{
    if (link->ring)
        return put_ring(link, bytes, size);
    return write(link->file, bytes, size) == (ssize_t)size;
}

bool link_send(struct link *link, uint32_t type, uint32_t request, uint32_t transaction,
               const void *bytes, size_t size)
{
    struct message message = {.head = {type, request, transaction, (uint32_t)size}};
    memcpy(message.bytes, bytes, size);
    return link_put(link, &message, sizeof message.head + size);
}

/* What is there now; true where the message is complete. */
static bool take_part(struct link *link, unsigned milliseconds)
{
    struct message *message = &link->partial;
    const size_t head = sizeof message->head;
    for (;;) {
        const bool in_head = link->got < head;
        const size_t wanted = (in_head ? head : head + message->head.len) - link->got;
        if (!in_head && wanted == 0)
            return true;
        char *place = (char *)message + link->got;
        struct pollfd ready = {.fd = link->file, .events = POLLIN};
        ssize_t count = 0;
        if (link->ring)
            count = (ssize_t)take_some(link->ring, place, wanted);
        else if (poll(&ready, 1, (int)milliseconds) == 1)
            count = read(link->file, place, wanted);
        if (count <= 0)
            return false;
        link->got += (size_t)count;
        if (link->got >= head && message->head.len > XENSTORE_PAYLOAD_MAX)
            fail("the store sent a message of %u bytes", message->head.len);
    }
}

static bool receive_new(struct link *link, struct message *message, unsigned milliseconds)
{
    const uint64_t end = now_ns() + milliseconds * 1000000ull;
    while (!take_part(link, milliseconds)) {
        if (now_ns() >= end)
            return false;
        if (link->ring)
            link_kick(link->kicker);
    }
    memcpy(message, &link->partial, link->got);
    message->bytes[message->head.len] = '\0';
    link->got = 0;
    return true;
}

static void keep_event(struct link *link, const struct message *message)
{
    struct kept **place = &link->events, *event = malloc(sizeof *event);
    if (!event)
        fail("no memory");
    *event = (struct kept){.message = *message};
    while (*place)
        place = &(*place)->next;
    *place = event;
}

bool link_receive(struct link *link, struct message *message, unsigned milliseconds)
{
    struct kept *event = link->events;
    if (!event)
        return receive_new(link, message, milliseconds);
    *message = event->message;
    link->events = event->next;
    free(event);
    return true;
}

bool link_ask(struct link *link, uint32_t type, uint32_t transaction, const void *bytes,
              size_t size, struct message *answer)
{
    const uint32_t request = ++link->sent | 0x40000000u;
    if (!link_send(link, type, request, transaction, bytes, size))
        return false;
    while (receive_new(link, answer, PATIENCE_MS)) {
        if (answer->head.type == XS_WATCH_EVENT)
            keep_event(link, answer);
        else if (answer->head.req_id == request)
            return true;
    }
    return false;
}

bool link_ask_string(struct link *link, uint32_t type, const char *string, struct message *answer)
{
    return link_ask(link, type, 0, string, strlen(string) + 1, answer);
}

bool is_answer(const struct message *message, const char *text)
{
    return strcmp(message->bytes, text) == 0;
}
