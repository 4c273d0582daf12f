/* SPDX-License-Identifier: BSD-2-Clause */
/* One document over another. */
#include <string.h>

#include "config.h"

/* The place of the variable of that name, or env->count. */
static size_t find(const struct config_env *env, const char *name)
{
    size_t i = 0;
    while (i < env->count && strcmp(env->variables[i].name, name) != 0)
        i++;
    return i;
}

static bool override_env(struct config_env *base, const struct config_env *later)
{
    size_t added = 0;
    for (size_t i = 0; i < later->count; i++)
        added += find(base, later->variables[i].name) == base->count;
    if (added > CONFIG_VARIABLES - base->count)
        return false;
    for (size_t i = 0; i < later->count; i++) {
        const size_t place = find(base, later->variables[i].name);
        base->count += place == base->count;
        base->variables[place] = later->variables[i];
    }
    return true;
}

/* Mounts point to blocks of their own document, and then to the copies of those. */
static void override_devices(struct config *base, const struct config *later)
{
    base->blk = later->blk;
    base->mount = later->mount;
    for (size_t i = 0; i < base->mount.count; i++) {
        struct config_one_mount *mount = &base->mount.mounts[i];
        if (mount->block)
            mount->block = &base->blk.blocks[mount->block - later->blk.blocks];
    }
}

bool config_override(struct config *base, const struct config *later)
{
    if (later->rc.count > 0)
        base->rc = later->rc;
    if (later->hostname)
        base->hostname = later->hostname;
    if (later->net.given)
        base->net = later->net;
    if (later->blk.count > 0 || later->mount.count > 0)
        override_devices(base, later);
    if (later->delegate.count > 0)
        base->delegate = later->delegate;
    return override_env(&base->env, &later->env);
}
