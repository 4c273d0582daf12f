/* SPDX-License-Identifier: BSD-2-Clause */
/* The sections blk and mount: block devices, and file systems on them or elsewhere. */
#include <string.h>

#include "config_reader.h"

static const char wants_mount_path[] = "wanted: an absolute path without //, . and ..";
static const char wants_fstype[] = "wanted: the kernel's name of a file system";
static const char wants_option[] = "wanted: one option, without a comma";

static bool read_block(struct config_reader *reader, const struct json_node *node,
                       struct config_block *block)
{
    static const char *const keys[] = {"type", "path", "readonly"};
    static const char *const words[] = {"disk", "file"};
    unsigned type = 0;
    *block = (struct config_block){.name = node->key};
    if (!config_want_keys(reader, node, keys, COUNT_OF(keys)))
        return false;
    const struct json_node *kind = config_need(reader, node, "type");
    const struct json_node *path = kind ? config_need(reader, node, "path") : NULL;
    if (!path || !config_read_choice(reader, kind, words, COUNT_OF(words), &type))
        return false;
    block->type = (enum config_block_type)type;
    return config_read_string(reader, path, config_is_path, config_wants_path, &block->path) &&
           config_read_boolean(reader, json_member(node, "readonly"), &block->readonly);
}

bool config_read_blk(struct config_reader *reader, const struct json_node *node,
                     struct config_blk *blk)
{
    if (!config_want_named(reader, node, CONFIG_BLOCKS, config_is_name, config_wants_name))
        return false;
    for (const struct json_node *item = node->first; item; item = item->next) {
        if (!read_block(reader, item, &blk->blocks[blk->count++]))
            return false;
    }
    return true;
}

/* The key name: needed for two sources, and refused for the others. */
static bool read_name(struct config_reader *reader, const struct json_node *node,
                      const struct config_blk *blk, struct config_one_mount *mount)
{
    const struct json_node *given = json_member(node, "name");
    const char *name = NULL;
    if (!config_read_string(reader, given, config_is_name, config_wants_name, &name))
        return false;
    if (mount->source != CONFIG_BLK && mount->source != CONFIG_9P)
        return !given || config_refuse(reader, given, "the source has no names");
    if (!given)
        return config_refuse_key(reader, node, "name", "missing");
    if (mount->source == CONFIG_9P) {
        mount->tag = name;
        return true;
    }
    for (size_t i = 0; i < blk->count; i++) {
        if (strcmp(blk->blocks[i].name, name) == 0)
            mount->block = &blk->blocks[i];
    }
    return mount->block || config_refuse(reader, given, "no block device is called so");
}

static bool read_one_mount(struct config_reader *reader, const struct json_node *node,
                           const struct config_blk *blk, struct config_one_mount *mount)
{
    static const char *const keys[] = {"source", "name", "fstype", "options"};
    static const char *const words[] = {"blk", "tmpfs", "kernfs", "9p"};
    unsigned source = 0;
    *mount = (struct config_one_mount){.path = node->key};
    if (!config_want_keys(reader, node, keys, COUNT_OF(keys)))
        return false;
    const struct json_node *given = config_need(reader, node, "source");
    const struct json_node *fstype = json_member(node, "fstype");
    if (!given || !config_read_choice(reader, given, words, COUNT_OF(words), &source))
        return false;
    mount->source = (enum config_source)source;
    if (!read_name(reader, node, blk, mount) ||
        !config_read_string(reader, fstype, config_is_fstype, wants_fstype, &mount->fstype))
        return false;
    if (fstype && mount->source != CONFIG_BLK)
        return config_refuse(reader, fstype, "the source has no types");
    return config_read_strings(reader, json_member(node, "options"), 0, 32, config_is_option,
                               wants_option, &mount->options);
}

bool config_read_mount(struct config_reader *reader, const struct json_node *node,
                       const struct config_blk *blk, struct config_mount *mount)
{
    if (!config_want_named(reader, node, CONFIG_MOUNTS, config_is_mount_path, wants_mount_path))
        return false;
    for (const struct json_node *item = node->first; item; item = item->next) {
        if (!read_one_mount(reader, item, blk, &mount->mounts[mount->count++]))
            return false;
    }
    return true;
}
