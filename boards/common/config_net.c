/* SPDX-License-Identifier: BSD-2-Clause */
/* The section net: interfaces, routers and resolvers. */
#include <assert.h>
#include <string.h>

#include "config_reader.h"

static const char wants_address[] = "wanted: an IP address";
static const char wants_interface[] = "wanted: the name of an interface";

/* The address and the prefix behind its slash, which has no zeros in front. */
static bool parse_prefixed(const char *text, struct config_interface_address *result)
{
    const char *slash = strchr(text, '/');
    if (!slash)
        return false;
    const char *digits = slash + 1;
    const size_t count = strspn(digits, "0123456789");
    if (count == 0 || count > 3 || digits[count] != '\0' || (digits[0] == '0' && count > 1))
        return false;
    unsigned prefix = 0;
    for (size_t i = 0; i < count; i++)
        prefix = prefix * 10 + (unsigned)(digits[i] - '0');
    if (prefix > (result->family == CONFIG_INET ? 32u : 128u))
        return false;
    result->prefix = (uint8_t)prefix;
    result->address.family = result->family;
    return config_parse_address(text, (size_t)(slash - text), result->family,
                                result->address.bytes);
}

/* Type and method, which have to go together. */
static bool read_method(struct config_reader *reader, const struct json_node *node,
                        struct config_interface_address *result)
{
    static const char *const families[] = {"inet", "inet6"};
    static const char *const methods[] = {"static", "dhcp", "auto"};
    const struct json_node *type = config_need(reader, node, "type");
    const struct json_node *how = type ? config_need(reader, node, "method") : NULL;
    unsigned family = 0, method = 0;
    if (!how || !config_read_choice(reader, type, families, COUNT_OF(families), &family) ||
        !config_read_choice(reader, how, methods, COUNT_OF(methods), &method))
        return false;
    result->family = (enum config_family)family;
    result->method = (enum config_method)method;
    if (result->method == (result->family == CONFIG_INET ? CONFIG_AUTO : CONFIG_DHCP))
        return config_refuse(reader, how, "the type has no such method");
    return true;
}

static bool read_interface_address(struct config_reader *reader, const struct json_node *node,
                                   struct config_interface_address *result)
{
    static const char *const keys[] = {"type", "method", "addr"};
    const char *text = NULL;
    *result = (struct config_interface_address){0};
    if (!config_want_keys(reader, node, keys, COUNT_OF(keys)) ||
        !read_method(reader, node, result))
        return false;
    const struct json_node *addr = json_member(node, "addr");
    if (!config_read_string(reader, addr, config_is_any, "", &text))
        return false;
    if (result->method != CONFIG_STATIC)
        return !addr || config_refuse(reader, addr, "the method finds the address itself");
    if (!addr)
        return config_refuse_key(reader, node, "addr", "missing for method static");
    return parse_prefixed(text, result) ||
           config_refuse(reader, addr, "wanted: an address of the type, a slash and a prefix");
}

static bool read_interface(struct config_reader *reader, const struct json_node *node,
                           struct config_interface *result)
{
    static const char *const keys[] = {"create", "addrs"};
    *result = (struct config_interface){.name = node->key};
    if (!config_want_keys(reader, node, keys, COUNT_OF(keys)) ||
        !config_read_boolean(reader, json_member(node, "create"), &result->create))
        return false;
    const struct json_node *addrs = json_member(node, "addrs");
    if (!addrs)
        return true;
    if (!config_want_list(reader, addrs, 0, CONFIG_ADDRESSES))
        return false;
    for (const struct json_node *item = addrs->first; item; item = item->next) {
        if (!read_interface_address(reader, item, &result->addresses[result->count++]))
            return false;
    }
    return true;
}

static bool read_interfaces(struct config_reader *reader, const struct json_node *node,
                            struct config_net *net)
{
    if (!node)
        return true;
    if (!config_want_named(reader, node, CONFIG_INTERFACES, config_is_interface, wants_interface))
        return false;
    for (const struct json_node *item = node->first; item; item = item->next) {
        if (!read_interface(reader, item, &net->interfaces[net->interface_count++]))
            return false;
    }
    return true;
}

/* A list of addresses of either family. */
static bool read_addresses(struct config_reader *reader, const struct json_node *node, size_t most,
                           struct config_address *result, size_t *count)
{
    if (!node)
        return true;
    if (!config_want_list(reader, node, 0, most))
        return false;
    for (const struct json_node *item = node->first; item; item = item->next) {
        struct config_address *address = &result[(*count)++];
        const char *text = NULL;
        if (!config_read_string(reader, item, config_is_any, "", &text))
            return false;
        assert(text);
        address->family = strchr(text, ':') ? CONFIG_INET6 : CONFIG_INET;
        if (!config_parse_address(text, strlen(text), address->family, address->bytes))
            return config_refuse(reader, item, wants_address);
    }
    return true;
}

static bool read_dns(struct config_reader *reader, const struct json_node *node,
                     struct config_net *net)
{
    static const char *const keys[] = {"nameservers", "search"};
    if (!node)
        return true;
    return config_want_keys(reader, node, keys, COUNT_OF(keys)) &&
           read_addresses(reader, json_member(node, "nameservers"), CONFIG_NAMESERVERS,
                          net->nameservers, &net->nameserver_count) &&
           config_read_strings(reader, json_member(node, "search"), 0, 6, config_is_domain,
                               config_wants_domain, &net->search);
}

bool config_read_net(struct config_reader *reader, const struct json_node *node,
                     struct config_net *net)
{
    static const char *const keys[] = {"interfaces", "gateways", "dns"};
    net->given = true;
    return config_want_keys(reader, node, keys, COUNT_OF(keys)) &&
           read_interfaces(reader, json_member(node, "interfaces"), net) &&
           read_addresses(reader, json_member(node, "gateways"), CONFIG_GATEWAYS, net->gateways,
                          &net->gateway_count) &&
           read_dns(reader, json_member(node, "dns"), net);
}
