/* SPDX-License-Identifier: BSD-2-Clause */
/* /etc/resolv.conf: a link to /run in images whose root has none of its own. */
#include "net.h"

#include <errno.h>
#include <fcntl.h>
#include <lwip/dns.h>

#include "config.h"
#include "file.h"
#include "resolv.h"

static const char path[] = "/etc/resolv.conf";
static const char other_path[] = "/run/resolv.conf";

static size_t put_address(char *text, size_t size, const ip_addr_t *ip)
{
    char address[IPADDR_STRLEN_MAX];
    if (!ipaddr_ntoa_r(ip, address, sizeof address))
        return 0;
    return (size_t)snprintf(text, size, "nameserver %s\n", address);
}

static void read_address(const struct config_address *address, ip_addr_t *ip)
{
    uint32_t words[4];
    memcpy(words, address->bytes, sizeof words);
    if (address->family == CONFIG_INET)
        ip_addr_set_ip4_u32(ip, words[0]);
    else
        IP_ADDR6(ip, words[0], words[1], words[2], words[3]);
}

static size_t put_all(char *text, size_t size, const struct config_net *net)
{
    size_t used = 0;
    for (size_t i = 0; i < net->search.count && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, "%s%s%s", i ? " " : "search ",
                                 net->search.items[i], i + 1 < net->search.count ? "" : "\n");
    for (size_t i = 0; i < net->nameserver_count && used < size; i++) {
        ip_addr_t ip;
        read_address(&net->nameservers[i], &ip);
        used += put_address(text + used, size - used, &ip);
    }
    for (u8_t i = 0; net->nameserver_count == 0 && i < DNS_MAX_SERVERS && used < size; i++) {
        const ip_addr_t *ip = dns_getserver(i);
        used += ip_addr_isany(ip) ? 0 : put_address(text + used, size - used, ip);
    }
    return MIN(used, size);
}

bool resolv_write(const struct config_net *net, char *message, size_t size)
{
    const size_t room = 1024;
    char *text = heap_get(room);
    const size_t used = text ? put_all(text, room, net) : 0;
    struct file *file = NULL;
    int64_t result = 0;
    if (!text)
        result = -ENOMEM;
    if (used && !result) {
        result = path_open(path_root, path, O_WRONLY | O_CREAT | O_TRUNC, 0644, &file);
        if (result == -EROFS || result == -ENOENT)
            result = path_open(path_root, other_path, O_WRONLY | O_CREAT | O_TRUNC, 0644, &file);
    }
    if (file) {
        result = file->operations->write(file, text, used, &file->position);
        file_drop(file);
    }
    heap_put(text);
    if (result < 0)
        snprintf(message, size, "net.dns: cannot write %s: error %d", path, (int)-result);
    return result >= 0;
}
