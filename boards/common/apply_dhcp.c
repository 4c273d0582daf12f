/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The client of DHCP (RFC 2131). Who has no address sends from 0.0.0.0, which takes a packet
 * socket; answers come through an ordinary one, so that the kernel checks their headers.
 */
#define _GNU_SOURCE
#include "apply_dhcp_packet.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <poll.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "apply_net.h"

/* Between the first message and the next; then twice as long each time, up to the most. */
#define FIRST_WAIT_MS 1000
#define MOST_WAIT_MS 8000
/* How often a request for what was offered is sent. */
#define REQUEST_TRIES 3
/* The largest that Ethernet brings in one piece. */
#define REPLY_SIZE 1500

struct client {
    struct net *net;
    size_t place;
    /* For packets: -1 where we have an address. */
    int raw;
    int udp;
    /* Where to send with udp. */
    struct sockaddr_in to;
    char hostname[CONFIG_DOMAIN_SIZE];
    struct dhcp_request request;
    int64_t began;
};

static uint32_t chance(void)
{
    uint32_t value;
    struct timespec now = {0};
    /* Early in the machine's life there may be none yet; others must only be unlikely to match. */
    if (getrandom(&value, sizeof value, GRND_NONBLOCK) == sizeof value)
        return value;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint32_t)now.tv_nsec * 2654435761u ^ (uint32_t)now.tv_sec;
}

static bool fail(struct client *client, const char *what)
{
    return config_apply_fail(client->net->error, "cannot %s for DHCP: %s", what, strerror(errno));
}

/* The socket that answers come to; own is our address, or zero. */
static bool open_udp(struct client *client, const uint8_t own[4])
{
    const char *name = client->net->document->interfaces[client->place].name;
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_port = htons(DHCP_CLIENT_PORT)};
    const int on = 1;
    memcpy(&here.sin_addr, own, 4);
    client->udp = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (client->udp < 0)
        return fail(client, "open a socket");
    if (setsockopt(client->udp, SOL_SOCKET, SO_BINDTODEVICE, name, (socklen_t)strlen(name)) != 0 ||
        setsockopt(client->udp, SOL_SOCKET, SO_BROADCAST, &on, sizeof on) != 0 ||
        setsockopt(client->udp, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        bind(client->udp, (const struct sockaddr *)&here, sizeof here) != 0)
        return fail(client, "use port 68");
    return true;
}

static bool open_raw(struct client *client)
{
    client->raw = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    return client->raw >= 0 || fail(client, "open a packet socket");
}

static void close_client(struct client *client)
{
    if (client->raw >= 0)
        close(client->raw);
    if (client->udp >= 0)
        close(client->udp);
}

static bool open_client(struct client *client, struct net *net, size_t place)
{
    *client = (struct client){.net = net, .place = place, .raw = -1, .udp = -1};
    client->began = config_now();
    if (gethostname(client->hostname, sizeof client->hostname) == 0 &&
        strcmp(client->hostname, "(none)") != 0)
        client->request.hostname = client->hostname;
    return config_net_read_hardware(net, place, client->request.hardware);
}

/* The sum of RFC 1071 over an even number of bytes. */
static uint16_t checksum(const uint8_t *bytes, size_t length)
{
    uint32_t sum = 0;
    for (size_t i = 0; i + 1 < length; i += 2)
        sum += (uint32_t)bytes[i] << 8 | bytes[i + 1];
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

static void put_short(uint8_t *bytes, size_t value)
{
    bytes[0] = (uint8_t)(value >> 8);
    bytes[1] = (uint8_t)value;
}

/* IPv4 (RFC 791) and UDP (RFC 768) from nobody to all; such a UDP header needs no checksum. */
static bool send_raw(const struct client *client, const uint8_t *message, size_t length)
{
    enum { IP = 20, UDP = 8 };
    uint8_t packet[IP + UDP + DHCP_REQUEST_SIZE] = {0x45, [8] = 64, [9] = IPPROTO_UDP};
    struct sockaddr_ll to = {.sll_family = AF_PACKET,
                             .sll_protocol = htons(ETHERTYPE_IP),
                             .sll_ifindex = client->net->index[client->place],
                             .sll_halen = 6};
    memset(to.sll_addr, 0xff, 6);
    memset(packet + 16, 0xff, 4);
    put_short(packet + 2, IP + UDP + length);
    put_short(packet + 10, checksum(packet, IP));
    put_short(packet + IP, DHCP_CLIENT_PORT);
    put_short(packet + IP + 2, DHCP_SERVER_PORT);
    put_short(packet + IP + 4, UDP + length);
    memcpy(packet + IP + UDP, message, length);
    return sendto(client->raw, packet, IP + UDP + length, 0, (const struct sockaddr *)&to,
                  sizeof to) >= 0;
}

static bool send_request(struct client *client)
{
    uint8_t message[DHCP_REQUEST_SIZE];
    const int64_t seconds = (config_now() - client->began) / 1000;
    client->request.seconds = (uint16_t)(seconds < UINT16_MAX ? seconds : UINT16_MAX);
    const size_t length = config_dhcp_write(message, &client->request);
    const bool sent = client->raw >= 0
                          ? send_raw(client, message, length)
                          : sendto(client->udp, message, length, 0,
                                   (const struct sockaddr *)&client->to, sizeof client->to) >= 0;
    /* An interface may be down, or full, for a while: as if the network had lost it. */
    return sent || errno == ENETDOWN || errno == ENOBUFS || errno == EAGAIN ||
           errno == ENETUNREACH || errno == EHOSTUNREACH || errno == EINTR || errno == EPERM ||
           fail(client, "send");
}

/* Waits for an answer of one of two types until the time is over; false: none came. */
static bool await(struct client *client, enum dhcp_type wanted, enum dhcp_type other, int64_t until,
                  struct dhcp_reply *reply)
{
    uint8_t packet[REPLY_SIZE];
    for (;;) {
        const int64_t left = until - config_now();
        struct pollfd event = {.fd = client->udp, .events = POLLIN};
        if (left <= 0)
            return false;
        if (poll(&event, 1, (int)left) <= 0)
            continue;
        const ssize_t got = recv(client->udp, packet, sizeof packet, MSG_DONTWAIT);
        if (got >= 0 && config_dhcp_read(packet, (size_t)got, &client->request, reply) &&
            (reply->type == wanted || reply->type == other))
            return true;
    }
}

static int64_t earlier(int64_t one, int64_t other)
{
    return one < other ? one : other;
}

/* Asks for what was offered. */
static enum dhcp_outcome take_offer(struct client *client, const struct config_lease *offer,
                                    int64_t until, struct config_lease *lease)
{
    struct dhcp_reply reply;
    client->request.type = DHCP_REQUEST;
    memcpy(client->request.requested, offer->address, 4);
    memcpy(client->request.server, offer->server, 4);
    const int64_t since = config_now();
    for (int i = 0; i < REQUEST_TRIES && config_now() < until; i++) {
        if (!send_request(client))
            return DHCP_FAILED;
        const int64_t end = earlier(until, config_now() + FIRST_WAIT_MS);
        while (await(client, DHCP_ACK, DHCP_NAK, end, &reply)) {
            /* Another server's answer to a request that is not for it. */
            if (memcmp(reply.lease.server, offer->server, 4) != 0)
                continue;
            if (reply.type == DHCP_NAK)
                return DHCP_REFUSED;
            *lease = reply.lease;
            lease->since = since;
            return DHCP_LENT;
        }
    }
    return DHCP_SILENCE;
}

/* From the beginning, until somebody lends an address. */
static enum dhcp_outcome discover(struct client *client, int64_t until, struct config_lease *lease)
{
    struct dhcp_reply offer;
    int64_t wait = FIRST_WAIT_MS;
    while (config_now() < until) {
        client->request.type = DHCP_DISCOVER;
        client->request.id = chance();
        memset(client->request.requested, 0, 4);
        memset(client->request.server, 0, 4);
        if (!send_request(client))
            return DHCP_FAILED;
        const int64_t end = config_now() + wait + (int64_t)(chance() % 256);
        wait = earlier(wait * 2, MOST_WAIT_MS);
        if (!await(client, DHCP_OFFER, DHCP_OFFER, earlier(end, until), &offer))
            continue;
        const enum dhcp_outcome outcome = take_offer(client, &offer.lease, until, lease);
        if (outcome == DHCP_LENT || outcome == DHCP_FAILED)
            return outcome;
        /* Not at once again: a server that offers and refuses would be asked without end. */
        config_sleep(earlier(FIRST_WAIT_MS, until - config_now()));
    }
    return DHCP_SILENCE;
}

/* What the server does not know of the lease. */
static void complete(struct client *client, struct config_lease *lease)
{
    const char *name = client->net->document->interfaces[client->place].name;
    lease->place = client->place;
    memset(lease->interface, 0, sizeof lease->interface);
    memcpy(lease->interface, name, strlen(name));
}

enum dhcp_outcome config_dhcp_acquire(struct net *net, size_t place, int64_t until,
                                      struct config_lease *lease)
{
    static const uint8_t nobody[4];
    struct client client;
    enum dhcp_outcome outcome = DHCP_FAILED;
    if (!open_client(&client, net, place))
        return DHCP_FAILED;
    if (open_raw(&client) && open_udp(&client, nobody)) {
        config_net_await_carrier(net, place, until);
        outcome = discover(&client, until, lease);
    }
    if (outcome == DHCP_LENT)
        complete(&client, lease);
    close_client(&client);
    return outcome;
}

enum dhcp_outcome config_dhcp_renew(struct net *net, bool all, int64_t until,
                                    struct config_lease *lease)
{
    struct client client;
    struct dhcp_reply reply;
    enum dhcp_outcome outcome = DHCP_SILENCE;
    if (!open_client(&client, net, lease->place))
        return DHCP_FAILED;
    client.to = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(DHCP_SERVER_PORT)};
    client.to.sin_addr.s_addr = htonl(INADDR_BROADCAST);
    if (!all)
        memcpy(&client.to.sin_addr, lease->server, 4);
    client.request.type = DHCP_REQUEST;
    client.request.id = chance();
    memcpy(client.request.own, lease->address, 4);
    const int64_t since = config_now();
    if (!open_udp(&client, lease->address) || !send_request(&client)) {
        outcome = DHCP_FAILED;
    } else if (await(&client, DHCP_ACK, DHCP_NAK, until, &reply)) {
        outcome = reply.type == DHCP_ACK ? DHCP_LENT : DHCP_REFUSED;
    }
    if (outcome == DHCP_LENT) {
        *lease = reply.lease;
        lease->since = since;
        complete(&client, lease);
    }
    close_client(&client);
    return outcome;
}
