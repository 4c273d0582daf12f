/* SPDX-License-Identifier: BSD-2-Clause */
/* Messages of DHCP (RFC 2131, RFC 2132): written for a server, read from whoever sent them. */
#ifndef RUMPRUN_APPLY_DHCP_PACKET_H
#define RUMPRUN_APPLY_DHCP_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "apply.h"

#define DHCP_SERVER_PORT 67
#define DHCP_CLIENT_PORT 68

enum dhcp_type { DHCP_DISCOVER = 1, DHCP_OFFER = 2, DHCP_REQUEST = 3, DHCP_ACK = 5, DHCP_NAK = 6 };

/* What we ask. */
struct dhcp_request {
    enum dhcp_type type;
    uint32_t id;
    uint16_t seconds;
    uint8_t hardware[6];
    /* Our address where we have it; otherwise zero, and the answer has to be broadcast. */
    uint8_t own[4];
    /* Zero: not said. */
    uint8_t requested[4], server[4];
    /* NULL: not said. */
    const char *hostname;
};

/* The largest that any network and any server take. */
#define DHCP_REQUEST_SIZE 576

/* Returns how long it is. */
size_t config_dhcp_write(uint8_t packet[DHCP_REQUEST_SIZE], const struct dhcp_request *request);

struct dhcp_reply {
    enum dhcp_type type;
    /* Without interface, since and place. Of a NAK, nothing but the server is set. */
    struct config_lease lease;
};

/*
 * Whether the length bytes are an answer to the request that is of use: an OFFER or ACK with an
 * address, a lease and its server, or a NAK. What else is wrong in it is as if it were not there.
 */
bool config_dhcp_read(const uint8_t *packet, size_t length, const struct dhcp_request *request,
                      struct dhcp_reply *reply);

#endif
