/* SPDX-License-Identifier: BSD-2-Clause */
/* rtnetlink(7): requests, and what the kernel answers. */
#ifndef RUMPRUN_APPLY_NETLINK_H
#define RUMPRUN_APPLY_NETLINK_H

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Our requests have a few small attributes. */
#define NETLINK_REQUEST_SIZE 512

struct netlink_request {
    union {
        struct nlmsghdr header;
        unsigned char bytes[NETLINK_REQUEST_SIZE];
    };
};

/* One message of an answer. */
struct netlink_answer {
    uint16_t type;
    /* What follows the header. */
    const unsigned char *body;
    size_t length;
};

typedef void netlink_handler(void *context, const struct netlink_answer *answer);

/* apply_netlink.c. Begins a request; the body is the structure of its type. */
void config_netlink_begin(struct netlink_request *request, uint16_t type, uint16_t flags,
                          const void *body, size_t size);
void config_netlink_put(struct netlink_request *request, uint16_t type, const void *data,
                        size_t size);
void config_netlink_put_number(struct netlink_request *request, uint16_t type, uint32_t number);

/* The socket, or -1 with errno. */
int config_netlink_open(void);
/* Sends the request and awaits its acknowledgement: 0 or an errno. */
int config_netlink_do(int fd, struct netlink_request *request);
/* Sends a request for a list and calls the handler for each item: 0 or an errno. */
int config_netlink_list(int fd, struct netlink_request *request, netlink_handler *handler,
                        void *context);

/*
 * The data of the attribute behind a body of that size; NULL where it is not there, or shorter
 * than least.
 */
const void *config_netlink_find(const struct netlink_answer *answer, size_t body, uint16_t type,
                                size_t least, size_t *size);
/* The same among the attributes in an attribute. */
const void *config_netlink_find_in(const void *attributes, size_t length, uint16_t type,
                                   size_t least, size_t *size);

#endif
