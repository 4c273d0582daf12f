/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Messages of DHCP. The numbers are those of RFC 2131, figure 1 and table 1, and of RFC 2132;
 * whatever is read here may come from anybody in the network.
 */
#include "apply_dhcp_packet.h"

#include <string.h>

enum { TO_SERVER = 1, TO_CLIENT = 2, ETHERNET = 1 };

/* Offsets of the fields that all messages have. */
enum {
    AT_OP = 0,
    AT_HARDWARE_TYPE = 1,
    AT_HARDWARE_LENGTH = 2,
    AT_ID = 4,
    AT_SECONDS = 8,
    AT_FLAGS = 10,
    AT_OWN = 12,
    AT_YOURS = 16,
    AT_HARDWARE = 28,
    AT_NAME = 44,
    NAME_SIZE = 64,
    AT_FILE = 108,
    FILE_SIZE = 128,
    AT_COOKIE = 236,
    AT_OPTIONS = 240,
};

enum {
    PAD = 0,
    NETMASK = 1,
    ROUTER = 3,
    NAMESERVER = 6,
    HOSTNAME = 12,
    DOMAIN_NAME = 15,
    MTU = 26,
    REQUESTED = 50,
    LEASE = 51,
    OVERLOAD = 52,
    TYPE = 53,
    SERVER = 54,
    WANTED = 55,
    LARGEST = 57,
    RENEW = 58,
    REBIND = 59,
    CLIENT = 61,
    END = 255,
};

/* Relays drop what is shorter (RFC 1542, 2.1). */
#define LEAST_SIZE 300
/* What every host has to take (RFC 791); below, an interface is of no use. */
#define LEAST_MTU 576

static const uint8_t cookie[4] = {99, 130, 83, 99};

static bool is_zero(const uint8_t address[4])
{
    return !(address[0] | address[1] | address[2] | address[3]);
}

static uint32_t number(const uint8_t bytes[4])
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static void put_number(uint8_t *bytes, uint32_t value)
{
    for (unsigned i = 0; i < 4; i++)
        bytes[i] = (uint8_t)(value >> (24 - 8 * i));
}

/* Room for options. All of ours fit, see config_dhcp_write. */
static uint8_t *put(uint8_t *next, uint8_t option, const void *data, size_t size)
{
    next[0] = option;
    next[1] = (uint8_t)size;
    memcpy(next + 2, data, size);
    return next + 2 + size;
}

size_t config_dhcp_write(uint8_t packet[DHCP_REQUEST_SIZE], const struct dhcp_request *request)
{
    static const uint8_t wanted[] = {NETMASK, ROUTER, NAMESERVER, DOMAIN_NAME,
                                     MTU,     LEASE,  RENEW,      REBIND};
    static const uint8_t largest[2] = {DHCP_REQUEST_SIZE >> 8, DHCP_REQUEST_SIZE & 0xff};
    const uint8_t type = (uint8_t)request->type;
    uint8_t client[7] = {ETHERNET};
    const size_t name = request->hostname ? strlen(request->hostname) : 0;

    memset(packet, 0, DHCP_REQUEST_SIZE);
    packet[AT_OP] = TO_SERVER;
    packet[AT_HARDWARE_TYPE] = ETHERNET;
    packet[AT_HARDWARE_LENGTH] = 6;
    put_number(packet + AT_ID, request->id);
    packet[AT_SECONDS] = (uint8_t)(request->seconds >> 8);
    packet[AT_SECONDS + 1] = (uint8_t)request->seconds;
    /* Who has no address yet gets nothing that is sent to it alone. */
    packet[AT_FLAGS] = is_zero(request->own) ? 0x80 : 0;
    memcpy(packet + AT_OWN, request->own, 4);
    memcpy(packet + AT_HARDWARE, request->hardware, 6);
    memcpy(packet + AT_COOKIE, cookie, sizeof cookie);
    memcpy(client + 1, request->hardware, 6);

    uint8_t *next = put(packet + AT_OPTIONS, TYPE, &type, 1);
    next = put(next, CLIENT, client, sizeof client);
    next = put(next, LARGEST, largest, sizeof largest);
    next = put(next, WANTED, wanted, sizeof wanted);
    if (!is_zero(request->requested))
        next = put(next, REQUESTED, request->requested, 4);
    if (!is_zero(request->server))
        next = put(next, SERVER, request->server, 4);
    if (name > 0 && name < CONFIG_DOMAIN_SIZE)
        next = put(next, HOSTNAME, request->hostname, name);
    *next++ = END;
    const size_t length = (size_t)(next - packet);
    return length < LEAST_SIZE ? LEAST_SIZE : length;
}

/* Options as they are found; NULL where there is none. */
struct options {
    const uint8_t *data[256];
    uint8_t length[256];
};

/* Of an option that is there twice, the first counts. What is cut off ends the list. */
static void find_options(struct options *found, const uint8_t *next, size_t left)
{
    while (left > 0 && *next != END) {
        if (*next == PAD) {
            next++;
            left--;
            continue;
        }
        if (left < 2 || next[1] > left - 2)
            return;
        if (!found->data[next[0]]) {
            found->data[next[0]] = next + 2;
            found->length[next[0]] = next[1];
        }
        const size_t whole = 2u + next[1];
        next += whole;
        left -= whole;
    }
}

/* The data of an option of exactly that length, or NULL. */
static const uint8_t *exactly(const struct options *options, uint8_t option, uint8_t length)
{
    return options->length[option] == length ? options->data[option] : NULL;
}

/* Whether a machine can have the address: no network, no group, and not the machine itself. */
static bool is_host(const uint8_t address[4])
{
    return address[0] != 0 && address[0] != 127 && address[0] < 224;
}

/* The length of the prefix, or -1 for a mask with holes. */
static int prefix_of(const uint8_t mask[4])
{
    const uint32_t bits = number(mask), host = ~bits;
    if (host & (host + 1))
        return -1;
    int length = 0;
    while (length < 32 && (bits & 0x80000000u >> length))
        length++;
    return length;
}

/* What networks were before there were masks (RFC 791, 3.2), for servers that say none. */
static uint8_t prefix_by_class(const uint8_t address[4])
{
    return address[0] < 128 ? 8 : address[0] < 192 ? 16 : 24;
}

static bool is_name_character(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
}

/* The schema's form of domains; anything else could write lines into /etc/resolv.conf. */
static bool is_domain(const uint8_t *text, size_t length)
{
    size_t label = 0;
    for (size_t i = 0; i < length; i++) {
        if (text[i] == '.') {
            if (label == 0 || text[i - 1] == '-')
                return false;
            label = 0;
            continue;
        }
        if (!is_name_character(text[i]) || (label == 0 && text[i] == '-') || ++label > 63)
            return false;
    }
    return length > 0 && length < CONFIG_DOMAIN_SIZE && label > 0 && text[length - 1] != '-';
}

static void read_domain(const struct options *options, struct config_lease *lease)
{
    const uint8_t *text = options->data[DOMAIN_NAME];
    size_t length = options->length[DOMAIN_NAME];
    /* Some servers count a NUL. */
    while (length > 0 && text[length - 1] == '\0')
        length--;
    if (text && is_domain(text, length))
        memcpy(lease->domain, text, length);
}

static void read_nameservers(const struct options *options, struct config_lease *lease)
{
    const uint8_t *list = options->data[NAMESERVER];
    for (size_t at = 0; at + 4 <= options->length[NAMESERVER]; at += 4) {
        if (is_host(list + at) && lease->nameserver_count < CONFIG_NAMESERVERS)
            memcpy(lease->nameservers[lease->nameserver_count++], list + at, 4);
    }
}

static void read_network(const struct options *options, struct config_lease *lease)
{
    const uint8_t *mask = exactly(options, NETMASK, 4);
    const uint8_t *mtu = exactly(options, MTU, 2);
    const int prefix = mask ? prefix_of(mask) : 0;
    lease->prefix = prefix > 0 ? (uint8_t)prefix : prefix_by_class(lease->address);
    lease->has_router = options->length[ROUTER] >= 4 && is_host(options->data[ROUTER]);
    if (lease->has_router)
        memcpy(lease->router, options->data[ROUTER], 4);
    if (mtu && (mtu[0] << 8 | mtu[1]) >= LEAST_MTU)
        lease->mtu = (uint16_t)(mtu[0] << 8 | mtu[1]);
}

/* Half and seven eighths where the server does not say (RFC 2131, 4.4.5), or says nonsense. */
static void read_times(const struct options *options, struct config_lease *lease)
{
    const uint8_t *renew = exactly(options, RENEW, 4), *rebind = exactly(options, REBIND, 4);
    lease->renew = lease->seconds / 2;
    lease->rebind = (uint32_t)((uint64_t)lease->seconds * 7 / 8);
    if (rebind && number(rebind) < lease->seconds)
        lease->rebind = number(rebind);
    if (renew && number(renew) < lease->rebind)
        lease->renew = number(renew);
    if (lease->renew > lease->rebind)
        lease->renew = lease->rebind;
}

/* Whether the fields that all messages have are those of an answer to the request. */
static bool is_answer(const uint8_t *packet, size_t length, const struct dhcp_request *request)
{
    return length >= AT_OPTIONS && packet[AT_OP] == TO_CLIENT &&
           packet[AT_HARDWARE_TYPE] == ETHERNET && packet[AT_HARDWARE_LENGTH] == 6 &&
           number(packet + AT_ID) == request->id &&
           memcmp(packet + AT_HARDWARE, request->hardware, 6) == 0 &&
           memcmp(packet + AT_COOKIE, cookie, sizeof cookie) == 0;
}

bool config_dhcp_read(const uint8_t *packet, size_t length, const struct dhcp_request *request,
                      struct dhcp_reply *reply)
{
    struct options options = {0};
    memset(reply, 0, sizeof *reply);
    if (!is_answer(packet, length, request))
        return false;
    find_options(&options, packet + AT_OPTIONS, length - AT_OPTIONS);
    const uint8_t *overload = exactly(&options, OVERLOAD, 1);
    if (overload && (*overload & 1))
        find_options(&options, packet + AT_FILE, FILE_SIZE);
    if (overload && (*overload & 2))
        find_options(&options, packet + AT_NAME, NAME_SIZE);

    struct config_lease *lease = &reply->lease;
    const uint8_t *type = exactly(&options, TYPE, 1), *server = exactly(&options, SERVER, 4);
    const uint8_t *seconds = exactly(&options, LEASE, 4);
    if (!type || !server || !is_host(server))
        return false;
    memcpy(lease->server, server, 4);
    reply->type = (enum dhcp_type)*type;
    if (*type == DHCP_NAK)
        return true;
    if ((*type != DHCP_OFFER && *type != DHCP_ACK) || !seconds || number(seconds) == 0 ||
        !is_host(packet + AT_YOURS))
        return false;
    memcpy(lease->address, packet + AT_YOURS, 4);
    lease->seconds = number(seconds);
    read_network(&options, lease);
    read_nameservers(&options, lease);
    read_domain(&options, lease);
    read_times(&options, lease);
    return true;
}
