/* SPDX-License-Identifier: BSD-2-Clause */
/* Starts lwIP, and gives it time. */
#include "net.h"

#include <lwip/init.h>
#include <lwip/sys.h>
#include <lwip/tcp.h>
#include <lwip/priv/tcp_priv.h>
#include <lwip/timeouts.h>

#define MILLISECOND 1000000u

static bool begun;

/* As long as lwIP has it: what it compares wraps around, too. */
u32_t sys_now(void) { return (u32_t)(clock_now() / MILLISECOND); }

static void expire(struct timer *timer)
{
    (void)timer;
    sys_check_timeouts();
    net_settle();
}

static struct timer timer = {.expire = expire};

static void set_timer(void)
{
    const u32_t milliseconds = sys_timeouts_sleeptime();
    if (milliseconds == SYS_TIMEOUTS_SLEEPTIME_INFINITE)
        return;
    const uint64_t deadline = clock_now() + (uint64_t)milliseconds * MILLISECOND;
    if (!timer.armed || deadline < timer.deadline)
        timer_arm(&timer, deadline);
}

void net_settle(void)
{
    struct netif *netif;
    NETIF_FOREACH(netif) {
        while (netif->loop_first)
            netif_poll(netif);
    }
    set_timer();
}

bool net_listens(uint16_t port)
{
    for (const struct tcp_pcb_listen *pcb = tcp_listen_pcbs.listen_pcbs; pcb; pcb = pcb->next) {
        if (pcb->local_port == port)
            return true;
    }
    return false;
}

void net_begin(void)
{
    if (begun)
        return;
    begun = true;
    lwip_init();
    net_proc_begin();
    net_settle();
}
