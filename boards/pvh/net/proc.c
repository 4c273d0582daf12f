/* SPDX-License-Identifier: BSD-2-Clause */
/* Files below /proc/net, as far as programs read them. */
#include "net.h"

#include <lwip/priv/tcp_priv.h>
#include <lwip/udp.h>

#include "file.h"

#define RTF_UP 1u
#define RTF_GATEWAY 2u

/* What is written, cut off at the end of the room; used counts on. */
struct text {
    char *bytes;
    size_t size, used;
};

__attribute__((format(printf, 2, 3))) static void put(struct text *text, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    const size_t left = text->used < text->size ? text->size - text->used : 0;
    const int length = vsnprintf(left ? text->bytes + text->used : NULL, left, format, arguments);
    va_end(arguments);
    text->used += length > 0 ? (size_t)length : 0;
}

/* lwIP's states as Linux numbers them. */
static unsigned state_of(enum tcp_state state)
{
    static const uint8_t states[] = {
        [CLOSED] = 7,      [LISTEN] = 10,    [SYN_SENT] = 2,   [SYN_RCVD] = 3,
        [ESTABLISHED] = 1, [FIN_WAIT_1] = 4, [FIN_WAIT_2] = 5, [CLOSE_WAIT] = 8,
        [CLOSING] = 11,    [LAST_ACK] = 9,   [TIME_WAIT] = 6,
    };
    return states[state];
}

/* A socket on v6 alone, or on both, belongs into the files of v6. */
static bool is_six(const ip_addr_t *ip) { return !IP_IS_V4_VAL(*ip); }

static void put_address(struct text *text, const ip_addr_t *ip, unsigned port, bool six)
{
    if (!six)
        put(text, " %08X:%04X", (unsigned)(IP_IS_V4_VAL(*ip) ? ip_addr_get_ip4_u32(ip) : 0), port);
    else if (IP_IS_V6_VAL(*ip))
        put(text, " %08X%08X%08X%08X:%04X", (unsigned)ip_2_ip6(ip)->addr[0],
            (unsigned)ip_2_ip6(ip)->addr[1], (unsigned)ip_2_ip6(ip)->addr[2],
            (unsigned)ip_2_ip6(ip)->addr[3], port);
    else
        put(text, " %032X:%04X", 0u, port);
}

static void put_line(struct text *text, unsigned *number, const ip_addr_t *here, unsigned port,
                     const ip_addr_t *there, unsigned there_port, unsigned state)
{
    put(text, "%4u:", (*number)++);
    put_address(text, here, port, is_six(here));
    put_address(text, there, there_port, is_six(here));
    put(text, " %02X 00000000:00000000 00:00000000 00000000     0        0 0 1 0000000000000000\n",
        state);
}

static size_t write_tcp(char *bytes, size_t size, bool six)
{
    struct text text = {bytes, size, 0};
    struct tcp_pcb *const lists[] = {tcp_active_pcbs, tcp_tw_pcbs};
    static const ip_addr_t nobody;
    unsigned number = 0;
    put(&text, "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  "
               "timeout inode\n");
    for (const struct tcp_pcb_listen *pcb = tcp_listen_pcbs.listen_pcbs; pcb; pcb = pcb->next) {
        if (is_six(&pcb->local_ip) == six)
            put_line(&text, &number, &pcb->local_ip, pcb->local_port, &nobody, 0, state_of(LISTEN));
    }
    for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
        for (const struct tcp_pcb *pcb = lists[i]; pcb; pcb = pcb->next) {
            if (is_six(&pcb->local_ip) == six)
                put_line(&text, &number, &pcb->local_ip, pcb->local_port, &pcb->remote_ip,
                         pcb->remote_port, state_of(pcb->state));
        }
    }
    return text.used;
}

static size_t write_udp(char *bytes, size_t size, bool six)
{
    struct text text = {bytes, size, 0};
    unsigned number = 0;
    put(&text, "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  "
               "timeout inode\n");
    for (const struct udp_pcb *pcb = udp_pcbs; pcb; pcb = pcb->next) {
        if (is_six(&pcb->local_ip) == six)
            put_line(&text, &number, &pcb->local_ip, pcb->local_port, &pcb->remote_ip,
                     pcb->remote_port, 7);
    }
    return text.used;
}

static size_t write_tcp4(char *text, size_t size) { return write_tcp(text, size, false); }
static size_t write_tcp6(char *text, size_t size) { return write_tcp(text, size, true); }
static size_t write_udp4(char *text, size_t size) { return write_udp(text, size, false); }
static size_t write_udp6(char *text, size_t size) { return write_udp(text, size, true); }

static size_t write_dev(char *bytes, size_t size)
{
    struct text text = {bytes, size, 0};
    put(&text, "Inter-|   Receive                                                |  Transmit\n"
               " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets "
               "errs drop fifo "
               "colls carrier compressed\n");
    for (const struct net_interface *one = net_interfaces; one; one = one->next)
        put(&text, "%6s: %7lu %7lu 0 %4lu 0 0 0 0 %8lu %7lu 0 0 0 0 0 0\n", one->name,
            one->received_bytes, one->received, one->dropped, one->sent_bytes, one->sent);
    return text.used;
}

static size_t write_route(char *bytes, size_t size)
{
    struct text text = {bytes, size, 0};
    put(&text,
        "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n");
    for (const struct net_interface *one = net_interfaces; one; one = one->next) {
        const uint32_t address = ip4_addr_get_u32(netif_ip4_addr(&one->netif));
        const uint32_t mask = ip4_addr_get_u32(netif_ip4_netmask(&one->netif));
        const uint32_t gateway = ip4_addr_get_u32(netif_ip4_gw(&one->netif));
        if (gateway && netif_default == &one->netif)
            put(&text, "%s\t%08X\t%08X\t%04X\t0\t0\t0\t%08X\t0\t0\t0\n", one->name, 0u, gateway,
                RTF_UP | RTF_GATEWAY, 0u);
        if (address)
            put(&text, "%s\t%08X\t%08X\t%04X\t0\t0\t0\t%08X\t0\t0\t0\n", one->name, address & mask,
                0u, RTF_UP, mask);
    }
    return text.used;
}

void net_proc_begin(void)
{
    static struct proc_file files[] = {
        {.name = "net/tcp", .write = write_tcp4}, {.name = "net/tcp6", .write = write_tcp6},
        {.name = "net/udp", .write = write_udp4}, {.name = "net/udp6", .write = write_udp6},
        {.name = "net/dev", .write = write_dev},  {.name = "net/route", .write = write_route},
    };
    for (size_t i = 0; i < ARRAY_SIZE(files); i++)
        proc_file_add(&files[i]);
}
