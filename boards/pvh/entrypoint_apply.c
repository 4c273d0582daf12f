/* SPDX-License-Identifier: BSD-2-Clause */
/* Applies the sections of the configuration that nobody else does. */
#include <errno.h>
#include <sys/mount.h>

#include "apply_parts.h"
#include "call.h"
#include "device.h"
#include "entrypoint.h"
#include "file.h"

/* What a function applies, an entrypoint has to bring that has the function. */
static void refuse_symbols(const struct config_delegate *delegate)
{
    for (size_t i = 0; i < delegate->count; i++) {
        const struct config_one_delegate *one = &delegate->sections[i];
        if (one->symbol)
            ENTRYPOINT_FAIL("delegate.%s: this entrypoint has no function %s", one->section,
                            one->symbol);
    }
}

static void apply_hostname(const char *hostname)
{
    if (!hostname)
        return;
    if (strlen(hostname) >= sizeof host_name)
        ENTRYPOINT_FAIL("hostname: cannot call the machine %s: %s", hostname,
                        words_of_error(-EINVAL));
    (void)snprintf(host_name, sizeof host_name, "%s", hostname);
}

static void apply_net(const struct config_net *net)
{
    static char message[CONFIG_MESSAGE_SIZE];
    if (net_apply) {
        if (!net_apply(net, message, sizeof message))
            ENTRYPOINT_FAIL("%s", message);
    } else if (net->given) {
        ENTRYPOINT_FAIL("net: the image was baked without a network");
    }
}

/* Programs read and write the devices themselves: there is no file system for them. */
static void apply_blk(const struct config_blk *blk)
{
    for (size_t i = 0; i < blk->count; i++) {
        const struct config_block *block = &blk->blocks[i];
        struct node *node;
        if (block->type == CONFIG_FILE || block->readonly)
            ENTRYPOINT_FAIL("blk.%s: this board cannot make a file, or what is read-only, a device",
                            block->name);
        const int error = path_find(path_root, block->path, PATH_FOLLOW, &node);
        if (error)
            ENTRYPOINT_FAIL("blk.%s: %s: %s", block->name, block->path, words_of_error(error));
        node_drop(node);
    }
}

static int make_directory(const char *path, struct node **made)
{
    struct node *directory;
    const char *name;
    size_t length;
    const int error = path_find_parent(path_root, path, &directory, &name, &length);
    if (error)
        return error;
    const int result = directory->system->read_only || !directory->operations->make
                           ? -EROFS
                           : directory->operations->make(directory, name, length, S_IFDIR | 0755,
                                                         made);
    node_drop(directory);
    return result;
}

/* The directory of an absolute path, which is made if it is not there, and so are those above. */
static int make_directories(const char *path, struct node **found)
{
    const size_t length = strlen(path);
    char *part = heap_get(length + 1);
    int error = part ? 0 : -ENOMEM;
    *found = NULL;
    for (size_t end = 1; !error && end <= length; end++) {
        if (path[end] != '/' && path[end] != '\0')
            continue;
        if (*found)
            node_drop(*found);
        memcpy(part, path, end);
        error = path_find(path_root, part, PATH_FOLLOW | PATH_DIRECTORY, found);
        if (error == -ENOENT)
            error = make_directory(part, found);
    }
    heap_put(part);
    return error;
}

static void apply_one_mount(const struct config_one_mount *one)
{
    static const char *const types[] = {
        [CONFIG_BLK] = "a block device", [CONFIG_TMPFS] = "tmpfs", [CONFIG_KERNFS] = "proc",
        [CONFIG_9P] = "9p"};
    static struct config_mount_options options;
    struct node *directory;
    memset(&options, 0, sizeof options);
    if (one->source == CONFIG_KERNFS && strcmp(one->path, "/proc") == 0)
        return;
    if (one->source != CONFIG_TMPFS)
        ENTRYPOINT_FAIL("mount.%s: this board cannot mount %s", one->path, types[one->source]);
    if (!config_add_options(&options, &one->options))
        ENTRYPOINT_FAIL("mount.%s: the options are longer than the %d bytes that mount takes",
                        one->path, CONFIG_MOUNT_DATA_SIZE - 1);
    int error = make_directories(one->path, &directory);
    if (error)
        ENTRYPOINT_FAIL("mount.%s: cannot make the directory: %s", one->path,
                        words_of_error(error));
    error = mount_type("tmpfs", "tmpfs", directory, options.flags, options.data);
    node_drop(directory);
    if (error)
        ENTRYPOINT_FAIL("mount.%s: cannot mount tmpfs: %s", one->path, words_of_error(error));
}

void configuration_apply(const struct config *config)
{
    refuse_symbols(&config->delegate);
    if (!config_delegate_of(config, "hostname"))
        apply_hostname(config->hostname);
    if (!config_delegate_of(config, "net"))
        apply_net(&config->net);
    if (!config_delegate_of(config, "blk"))
        apply_blk(&config->blk);
    if (config_delegate_of(config, "mount"))
        return;
    for (size_t i = 0; i < config->mount.count; i++)
        apply_one_mount(&config->mount.mounts[i]);
}
