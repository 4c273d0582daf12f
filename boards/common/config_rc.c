/* SPDX-License-Identifier: BSD-2-Clause */
/* The section rc: the programs to start. */
#include "config_reader.h"

/* A TiB. */
#define MOST_MEMORY 1048576u

static bool read_ready(struct config_reader *reader, const struct json_node *node,
                       struct config_entry *entry)
{
    static const char *const keys[] = {"file", "port", "after-ms"};
    static const char *const message = "wanted: one of the keys file, port and after-ms";
    if (!node)
        return true;
    if (!config_want_keys(reader, node, keys, COUNT_OF(keys)))
        return false;
    if (node->count != 1)
        return config_refuse(reader, node, message);
    const struct json_node *file = json_member(node, "file"), *port = json_member(node, "port");
    uint32_t number = 0;
    entry->ready = file ? CONFIG_READY_FILE : port ? CONFIG_READY_PORT : CONFIG_READY_TIME;
    if (!config_read_string(reader, file, config_is_path, config_wants_path, &entry->ready_file) ||
        !config_read_integer(reader, port, 1, 65535, &number) ||
        !config_read_integer(reader, json_member(node, "after-ms"), 0, 3600000, &entry->ready_ms))
        return false;
    entry->ready_port = (uint16_t)number;
    return true;
}

static bool read_restart(struct config_reader *reader, const struct json_node *node,
                         struct config_entry *entry)
{
    static const char *const keys[] = {"policy", "max"};
    static const char *const words[] = {"no", "on-failure", "always"};
    unsigned policy = CONFIG_RESTART_NO;
    if (!node)
        return true;
    if (node->type != JSON_OBJECT) {
        if (!config_read_choice(reader, node, words, COUNT_OF(words), &policy))
            return false;
    } else {
        if (!config_want_keys(reader, node, keys, COUNT_OF(keys)))
            return false;
        const struct json_node *given = config_need(reader, node, "policy");
        /* "no" with a limit would make no sense. */
        if (!given ||
            !config_read_choice(reader, given, words + 1, COUNT_OF(words) - 1, &policy) ||
            !config_read_integer(reader, json_member(node, "max"), 1, 1000000,
                                 &entry->restart_max))
            return false;
        policy += 1;
    }
    entry->restart = (enum config_restart)policy;
    return true;
}

static bool read_runmode(struct config_reader *reader, const struct json_node *node,
                         struct config_entry *entry)
{
    static const char *const words[] = {"", "&", "|"};
    unsigned runmode = CONFIG_WAIT;
    if (!config_read_choice(reader, node, words, COUNT_OF(words), &runmode))
        return false;
    entry->runmode = (enum config_runmode)runmode;
    return true;
}

static bool read_entry(struct config_reader *reader, const struct json_node *node,
                       struct config_entry *entry)
{
    static const char *const keys[] = {"name",  "bin",   "argv",   "runmode",
                                       "workdir", "after", "ready", "restart", "memory"};
    *entry = (struct config_entry){.workdir = "/"};
    if (!config_want_keys(reader, node, keys, COUNT_OF(keys)))
        return false;
    const struct json_node *bin = config_need(reader, node, "bin");
    if (!bin || !config_read_string(reader, bin, config_is_name, config_wants_name, &entry->bin))
        return false;
    entry->name = entry->bin;
    const struct json_node *argv = json_member(node, "argv");
    return config_read_string(reader, json_member(node, "name"), config_is_name,
                              config_wants_name, &entry->name) &&
           config_read_strings(reader, argv, 1, 1024, config_is_any, "", &entry->argv) &&
           read_runmode(reader, json_member(node, "runmode"), entry) &&
           config_read_string(reader, json_member(node, "workdir"), config_is_path,
                              config_wants_path, &entry->workdir) &&
           read_ready(reader, json_member(node, "ready"), entry) &&
           read_restart(reader, json_member(node, "restart"), entry) &&
           config_read_integer(reader, json_member(node, "memory"), 1, MOST_MEMORY,
                               &entry->memory);
}

bool config_read_rc(struct config_reader *reader, const struct json_node *node,
                    struct config_rc *rc)
{
    if (!config_want_list(reader, node, 1, CONFIG_ENTRIES))
        return false;
    for (const struct json_node *item = node->first; item; item = item->next) {
        if (!read_entry(reader, item, &rc->entries[rc->count++]))
            return false;
    }
    return config_read_order(reader, node, rc);
}
