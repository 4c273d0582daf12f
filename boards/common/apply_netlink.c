/* SPDX-License-Identifier: BSD-2-Clause */
/* rtnetlink(7). */
#define _GNU_SOURCE
#include "apply_netlink.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* The kernel makes no longer ones for who reads with this much room. */
#define ANSWER_SIZE 16384

static size_t aligned(size_t size)
{
    return (size + NLMSG_ALIGNTO - 1) & ~(size_t)(NLMSG_ALIGNTO - 1);
}

void config_netlink_begin(struct netlink_request *request, uint16_t type, uint16_t flags,
                          const void *body, size_t size)
{
    memset(request, 0, sizeof *request);
    assert(sizeof request->header + size <= sizeof request->bytes);
    memcpy(request->bytes + sizeof request->header, body, size);
    request->header.nlmsg_type = type;
    request->header.nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
    request->header.nlmsg_len = (uint32_t)(sizeof request->header + aligned(size));
}

void config_netlink_put(struct netlink_request *request, uint16_t type, const void *data,
                        size_t size)
{
    const struct rtattr attribute = {.rta_len = (uint16_t)(sizeof attribute + size),
                                     .rta_type = type};
    const size_t used = request->header.nlmsg_len;
    assert(used + sizeof attribute + aligned(size) <= sizeof request->bytes);
    memcpy(request->bytes + used, &attribute, sizeof attribute);
    memcpy(request->bytes + used + sizeof attribute, data, size);
    request->header.nlmsg_len = (uint32_t)(used + sizeof attribute + aligned(size));
}

void config_netlink_put_number(struct netlink_request *request, uint16_t type, uint32_t number)
{
    config_netlink_put(request, type, &number, sizeof number);
}

int config_netlink_open(void)
{
    const struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
    const int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    if (fd < 0)
        return -1;
    if (connect(fd, (const struct sockaddr *)&kernel, sizeof kernel) == 0)
        return fd;
    const int reason = errno;
    close(fd);
    errno = reason;
    return -1;
}

static int send_request(int fd, const struct netlink_request *request)
{
    for (;;) {
        if (send(fd, request->bytes, request->header.nlmsg_len, 0) >= 0)
            return 0;
        if (errno != EINTR)
            return errno;
    }
}

/* The length of what was received, or -1 with errno. */
static ssize_t receive(int fd, unsigned char *buffer, size_t size)
{
    for (;;) {
        /* With MSG_TRUNC it is the length that there was. */
        const ssize_t got = recv(fd, buffer, size, MSG_TRUNC);
        if (got >= 0 && (size_t)got <= size)
            return got;
        if (got >= 0)
            errno = EMSGSIZE;
        if (errno != EINTR)
            return -1;
    }
}

/* Whether this message ends the answer; reason is 0 or an errno then. */
static bool is_end(const struct netlink_answer *answer, int *reason)
{
    int32_t code = 0;
    if (answer->type != NLMSG_ERROR && answer->type != NLMSG_DONE)
        return false;
    if (answer->length >= sizeof code)
        memcpy(&code, answer->body, sizeof code);
    *reason = code < 0 ? -code : 0;
    return true;
}

/* Hands on the messages of one datagram; whether the answer is at its end. */
static bool take(const unsigned char *buffer, size_t length, netlink_handler *handler,
                 void *context, int *reason)
{
    struct nlmsghdr header;
    while (length >= sizeof header) {
        memcpy(&header, buffer, sizeof header);
        if (header.nlmsg_len < sizeof header || header.nlmsg_len > length) {
            *reason = EBADMSG;
            return true;
        }
        const struct netlink_answer answer = {.type = header.nlmsg_type,
                                              .body = buffer + sizeof header,
                                              .length = header.nlmsg_len - sizeof header};
        if (is_end(&answer, reason))
            return true;
        if (handler)
            handler(context, &answer);
        const size_t whole = aligned(header.nlmsg_len);
        buffer += whole < length ? whole : length;
        length -= whole < length ? whole : length;
    }
    return false;
}

static int exchange(int fd, const struct netlink_request *request, netlink_handler *handler,
                    void *context)
{
    _Alignas(struct nlmsghdr) unsigned char buffer[ANSWER_SIZE];
    int reason = send_request(fd, request);
    while (!reason) {
        const ssize_t got = receive(fd, buffer, sizeof buffer);
        if (got < 0)
            return errno;
        if (take(buffer, (size_t)got, handler, context, &reason))
            break;
    }
    return reason;
}

int config_netlink_do(int fd, struct netlink_request *request)
{
    request->header.nlmsg_flags |= NLM_F_ACK;
    return exchange(fd, request, NULL, NULL);
}

int config_netlink_list(int fd, struct netlink_request *request, netlink_handler *handler,
                        void *context)
{
    request->header.nlmsg_flags |= NLM_F_DUMP;
    return exchange(fd, request, handler, context);
}

const void *config_netlink_find_in(const void *attributes, size_t length, uint16_t type,
                                   size_t least, size_t *size)
{
    const unsigned char *next = attributes;
    struct rtattr attribute;
    while (length >= sizeof attribute) {
        memcpy(&attribute, next, sizeof attribute);
        if (attribute.rta_len < sizeof attribute || attribute.rta_len > length)
            return NULL;
        const size_t data = attribute.rta_len - sizeof attribute;
        if ((attribute.rta_type & NLA_TYPE_MASK) == type) {
            *size = data;
            return data < least ? NULL : next + sizeof attribute;
        }
        const size_t whole = aligned(attribute.rta_len);
        next += whole < length ? whole : length;
        length -= whole < length ? whole : length;
    }
    return NULL;
}

const void *config_netlink_find(const struct netlink_answer *answer, size_t body, uint16_t type,
                                size_t least, size_t *size)
{
    const size_t skipped = aligned(body);
    if (answer->length < skipped)
        return NULL;
    return config_netlink_find_in(answer->body + skipped, answer->length - skipped, type, least,
                                  size);
}
