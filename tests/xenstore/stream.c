/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Plays a recorded stream of requests and prints what comes back: stream FILE. Connection 0 is
 * domain 0's by its kernel; the others are rings of domains that it makes. The lines of FILE:
 *
 *   n CONNECTION DOMID   a domain is made, and introduced
 *   i CONNECTION         it is introduced again
 *   d CONNECTION         it ends
 *   b CONNECTION         all events that are due are waited for, of all connections
 *   s CONNECTION NAME    a transaction is started, and gets the name, a number
 *   q CONNECTION TYPE TRANSACTION PAYLOAD
 *                        a request; the transaction is 0, a name, or =NUMBER for one as it is
 *
 * Requests of a ring that follow one another are sent at once. Printed are, in hexadecimal
 * as on the wire, answers as "a LINE TYPE REQUEST TRANSACTION PAYLOAD" and events as
 * "e CONNECTION PAYLOAD".
 */
#include "store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONNECTIONS 8
#define TRANSACTIONS 16
#define MOST_AT_ONCE 8
#define MOST_BYTES_AT_ONCE 1000
#define PATIENCE_MS 30000u

struct connection {
    struct domain domain;
    struct link *link;
    bool is_there;
    uint32_t transactions[TRANSACTIONS];
};

static struct link control, first;
static struct connection connections[CONNECTIONS] = {{.link = &first, .is_there = true}};

/* What has been sent, and is not answered. */
static struct connection *busy;
static unsigned waiting, waiting_bytes;

static void print_bytes(const struct message *message)
{
    for (uint32_t i = 0; i < message->head.len; i++)
        printf("%02x", (unsigned char)message->bytes[i]);
    putchar('\n');
}

static void print_message(const struct connection *of, const struct message *message)
{
    const struct xsd_sockmsg *head = &message->head;
    if (head->type == XS_WATCH_EVENT)
        printf("e %d ", (int)(of - connections));
    else
        printf("a %u %u %u ", head->req_id, head->type, head->tx_id);
    print_bytes(message);
}

/* An event that is not taken for long is dropped by the store. */
static void take_events(void)
{
    struct message event;
    for (struct connection *each = connections; each < connections + CONNECTIONS; each++) {
        while (each->is_there && link_receive(each->link, &event, 0))
            print_message(each, &event);
    }
}

/* Every answer that is due; the last is handed out. */
static void collect(struct message *message)
{
    while (waiting > 0) {
        if (!link_receive(busy->link, message, PATIENCE_MS))
            fail("connection %d: %u answers are missing", (int)(busy - connections), waiting);
        waiting -= message->head.type != XS_WATCH_EVENT;
        print_message(busy, message);
    }
    waiting_bytes = 0;
    take_events();
}

static struct connection *find(const char *word)
{
    const unsigned long number = word ? strtoul(word, NULL, 10) : CONNECTIONS;
    if (number >= CONNECTIONS)
        fail("no connection %s", word ? word : "");
    return &connections[number];
}

static void request(struct connection *to, unsigned line, uint32_t type, uint32_t transaction,
                    const char *bytes, size_t size)
{
    struct message message;
    /* Linux 6.1 takes no watch from a file that has requests open: its xenbus stands still. */
    const unsigned most = to->link->ring ? MOST_AT_ONCE : 1;
    if (to != busy || waiting >= most || waiting_bytes + size > MOST_BYTES_AT_ONCE)
        collect(&message);
    if (!to->is_there)
        fail("line %u: the connection is not there", line);
    busy = to;
    if (!link_send(to->link, type, line, transaction, bytes, size))
        fail("line %u: the request is not taken", line);
    waiting++;
    waiting_bytes += (unsigned)(size + sizeof message.head);
}

static void start(struct connection *on, unsigned line, const char *name)
{
    struct message message;
    const unsigned long number = name ? strtoul(name, NULL, 10) : TRANSACTIONS;
    if (number >= TRANSACTIONS)
        fail("line %u: no such transaction", line);
    request(on, line, XS_TRANSACTION_START, 0, "", 1);
    collect(&message);
    /* An error makes it one that is never there. */
    on->transactions[number] = message.head.type == XS_TRANSACTION_START
                                   ? (uint32_t)strtoul(message.bytes, NULL, 10)
                                   : 0xffffff00u + (uint32_t)number;
}

/* An answer comes after all events before it. */
static void synchronize(unsigned line)
{
    struct message message;
    for (struct connection *each = connections; each < connections + CONNECTIONS; each++) {
        if (each->is_there)
            request(each, line, XS_GET_DOMAIN_PATH, 0, "0", 2);
    }
    collect(&message);
}

static size_t read_bytes(const char *word, char *bytes)
{
    size_t size = 0;
    unsigned byte;
    for (; word && sscanf(word, "%2x", &byte) == 1 && size < XENSTORE_PAYLOAD_MAX; word += 2)
        bytes[size++] = (char)byte;
    return size;
}

static uint32_t read_transaction(const struct connection *on, const char *word)
{
    if (word[0] == '=')
        return (uint32_t)strtoul(word + 1, NULL, 10);
    const unsigned long number = strtoul(word, NULL, 10);
    return number > 0 && number < TRANSACTIONS ? on->transactions[number] : 0;
}

static void query(struct connection *to, unsigned line)
{
    static char bytes[XENSTORE_PAYLOAD_MAX];
    const char *type = strtok(NULL, " \n"), *transaction = strtok(NULL, " \n");
    if (!type || !transaction)
        fail("line %u is not understood", line);
    const size_t size = read_bytes(strtok(NULL, " \n"), bytes);
    request(to, line, (uint32_t)strtoul(type, NULL, 10), read_transaction(to, transaction), bytes,
            size);
}

static void make(struct connection *connection)
{
    const char *id = strtok(NULL, " \n");
    if (!id || connection->is_there || connection == connections)
        fail("a domain is not made");
    domain_make(&connection->domain, (domid_t)strtoul(id, NULL, 10), &control);
    connection->link = &connection->domain.link;
    connection->is_there = true;
}

static void end(struct connection *connection)
{
    const domid_t id = connection->domain.id;
    domain_destroy(&connection->domain);
    domain_wait_forgotten(id, &control);
    connection->is_there = false;
}

static void play(char *text, unsigned line)
{
    struct message message;
    const char *kind = strtok(text, " \n");
    struct connection *connection = find(strtok(NULL, " \n"));
    if (*kind == 'q') {
        query(connection, line);
        return;
    }
    collect(&message);
    if (*kind == 's')
        start(connection, line, strtok(NULL, " \n"));
    else if (*kind == 'b')
        synchronize(line);
    else if (*kind == 'n')
        make(connection);
    else if (*kind == 'd')
        end(connection);
    if ((*kind == 'n' || *kind == 'i') && !domain_introduce(&connection->domain, &control))
        fail("line %u: domain %u is not introduced", line, connection->domain.id);
}

int main(int argc, char **argv)
{
    static char text[2 * XENSTORE_PAYLOAD_MAX + 64];
    struct message message;
    FILE *file = argc == 2 ? fopen(argv[1], "r") : NULL;
    if (!file)
        fail("usage: stream FILE");
    link_open(&control, DEVICE);
    link_open(&first, DEVICE);
    domains_begin();
    for (unsigned line = 1; fgets(text, sizeof text, file); line++)
        play(text, line);
    collect(&message);
    /* One that is the target of another is kept by it. */
    for (unsigned i = CONNECTIONS - 1; i > 0; i--) {
        if (connections[i].is_there)
            end(&connections[i]);
    }
    puts("end");
    return 0;
}
