/* SPDX-License-Identifier: BSD-2-Clause */
/* Applies the sections of the configuration that nobody else does. */
#include <stdlib.h>
#include <sys/types.h>
#include <unistd.h>

#include "apply.h"
#include "entrypoint.h"

/* What a function applies, an entrypoint has to bring that has the function. */
static void refuse_symbols(const struct config_delegate *delegate)
{
    for (size_t i = 0; i < delegate->count; i++) {
        const struct config_one_delegate *one = &delegate->sections[i];
        if (one->symbol)
            console_fail("delegate.%s: this entrypoint has no function %s", one->section,
                         one->symbol);
    }
}

static bool is_ours(const struct config *config, const char *section)
{
    return !config_delegate_of(config, section);
}

static void must(bool done, const struct config_apply_error *error)
{
    if (!done)
        console_fail("%s: %s", error->path, error->message);
}

/* A process of its own renews what DHCP servers lent, as long as the machine runs. */
static void keep_leases(const struct config_net *net, struct config_leases *leases)
{
    struct config_apply_error error;
    bool ends = false;
    for (size_t i = 0; i < leases->count; i++)
        ends |= leases->leases[i].seconds != UINT32_MAX;
    if (!ends)
        return;
    const pid_t pid = fork();
    if (pid < 0)
        console_fail("net: cannot make a process to renew leases");
    if (pid > 0)
        return;
    if (!config_keep_leases(net, leases, &error))
        console_say("%s: %s", error.path, error.message);
    _exit(EXIT_FAILURE);
}

void configuration_apply(const struct config *config)
{
    static struct config_devices devices;
    static struct config_leases leases;
    struct config_apply_error error;
    refuse_symbols(&config->delegate);
    if (is_ours(config, "hostname"))
        must(config_apply_hostname(config->hostname, &error), &error);
    if (is_ours(config, "net")) {
        must(config_apply_net(&config->net, &leases, &error), &error);
        keep_leases(&config->net, &leases);
    }
    if (is_ours(config, "blk"))
        must(config_apply_blk(&config->blk, &devices, &error), &error);
    if (is_ours(config, "mount"))
        must(config_apply_mount(&config->mount, &devices, &error), &error);
}
