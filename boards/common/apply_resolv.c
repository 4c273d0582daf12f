/* SPDX-License-Identifier: BSD-2-Clause */
/* /etc/resolv.conf, which the resolvers of C libraries read. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "apply_net.h"

static const char resolv_file[] = "/etc/resolv.conf";

/* Room for three lines with addresses and one with six domains, and more. */
struct text {
    char bytes[1024];
    size_t used;
};

__attribute__((format(printf, 2, 3))) static void put(struct text *text, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    const size_t left = sizeof text->bytes - text->used;
    const int length = vsnprintf(text->bytes + text->used, left, format, arguments);
    va_end(arguments);
    if (length > 0)
        text->used += (size_t)length < left ? (size_t)length : left - 1;
}

static void put_nameserver(struct text *text, int family, const uint8_t *bytes)
{
    char address[INET6_ADDRSTRLEN];
    if (inet_ntop(family, bytes, address, sizeof address))
        put(text, "nameserver %s\n", address);
}

/* Those of the document, or else those that were lent. */
static void put_nameservers(struct text *text, const struct config_net *document,
                            const struct config_leases *leases)
{
    size_t count = document->nameserver_count;
    for (size_t i = 0; i < count; i++) {
        const struct config_address *address = &document->nameservers[i];
        put_nameserver(text, address->family == CONFIG_INET ? AF_INET : AF_INET6, address->bytes);
    }
    for (size_t i = 0; document->nameserver_count == 0 && i < leases->count; i++) {
        const struct config_lease *lease = &leases->leases[i];
        for (size_t j = 0; j < lease->nameserver_count && count < CONFIG_NAMESERVERS; j++, count++)
            put_nameserver(text, AF_INET, lease->nameservers[j]);
    }
}

static void put_search(struct text *text, const struct config_net *document,
                       const struct config_leases *leases)
{
    const struct config_strings *search = &document->search;
    for (size_t i = 0; i < search->count; i++)
        put(text, "%s%s%s", i ? " " : "search ", search->items[i],
            i + 1 < search->count ? "" : "\n");
    for (size_t i = 0; search->count == 0 && i < leases->count; i++) {
        if (leases->leases[i].domain[0] != '\0') {
            put(text, "search %s\n", leases->leases[i].domain);
            return;
        }
    }
}

bool config_net_write_resolv(struct net *net, const struct config_leases *leases)
{
    struct text text = {.used = 0};
    config_apply_at(net->error, "net", "dns", NULL);
    put_search(&text, net->document, leases);
    put_nameservers(&text, net->document, leases);
    if (text.used == 0)
        return true;
    const int reason = config_write_whole(resolv_file, text.bytes, text.used);
    return !reason || config_apply_fail(net->error, "cannot write %s: %s", resolv_file,
                                        strerror(reason));
}
