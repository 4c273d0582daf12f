/* SPDX-License-Identifier: BSD-2-Clause */
/* The document as a whole, and its small sections. */
#include <assert.h>
#include <string.h>

#include "config_reader.h"

/* Lists of strings come from here, and the NULLs behind them: the room is bounded by the nodes. */
_Static_assert(sizeof((struct config_storage *)0)->strings ==
                   CONFIG_VALUES * sizeof(const char *),
               "there is a string for each value");

_Static_assert(CONFIG_VARIABLES <= JSON_MEMBERS, "the largest object is env");

static bool is_section(const char *key)
{
    static const char *const sections[] = {"rc", "env", "hostname", "net", "blk", "mount"};
    _Static_assert(COUNT_OF(sections) == CONFIG_SECTIONS, "each section may be delegated");
    for (size_t i = 0; i < COUNT_OF(sections); i++) {
        if (strcmp(sections[i], key) == 0)
            return true;
    }
    return false;
}

bool config_read_env(struct config_reader *reader, const struct json_node *node,
                     struct config_env *env)
{
    if (!config_want_named(reader, node, CONFIG_VARIABLES, config_is_variable,
                           "wanted: the name of a variable, without ="))
        return false;
    for (const struct json_node *item = node->first; item; item = item->next) {
        struct config_variable *variable = &env->variables[env->count++];
        variable->name = item->key;
        if (!config_read_string(reader, item, config_is_any, "", &variable->value))
            return false;
    }
    return true;
}

bool config_read_delegate(struct config_reader *reader, const struct json_node *node,
                          struct config_delegate *delegate)
{
    static const char *const keys[] = {"command", "symbol"};
    if (!config_want_named(reader, node, CONFIG_SECTIONS, is_section,
                           "wanted: one of rc, env, hostname, net, blk and mount"))
        return false;
    for (const struct json_node *item = node->first; item; item = item->next) {
        struct config_one_delegate *one = &delegate->sections[delegate->count++];
        one->section = item->key;
        if (!config_want_keys(reader, item, keys, COUNT_OF(keys)))
            return false;
        if (item->count == 0)
            return config_refuse(reader, item, "wanted: the key command or symbol");
        if (!config_read_strings(reader, json_member(item, "command"), 1, 64, config_is_not_empty,
                                 "is empty", &one->command) ||
            !config_read_string(reader, json_member(item, "symbol"), config_is_symbol,
                                "wanted: the name of a C function", &one->symbol))
            return false;
    }
    return true;
}

static bool read_version(struct config_reader *reader, const struct json_node *node)
{
    uint32_t version = CONFIG_VERSION;
    if (node && node->type == JSON_INTEGER && node->value.integer > CONFIG_VERSION)
        return config_refuse(reader, node, "a newer version than this image reads");
    return config_read_integer(reader, node, 1, CONFIG_VERSION, &version);
}

static bool read_sections(struct config_reader *reader, const struct json_node *root,
                          struct config *config)
{
    static const char *const keys[] = {"version", "rc",    "env",     "hostname",
                                       "net",     "blk", "mount", "delegate"};
    /* The version first: what is wrong here may well be right in another one. */
    if ((root->type == JSON_OBJECT && !read_version(reader, json_member(root, "version"))) ||
        !config_want_keys(reader, root, keys, COUNT_OF(keys)) ||
        !config_read_string(reader, json_member(root, "hostname"), config_is_domain,
                            config_wants_domain, &config->hostname))
        return false;
    const struct json_node *rc = json_member(root, "rc"), *env = json_member(root, "env");
    const struct json_node *net = json_member(root, "net"), *blk = json_member(root, "blk");
    const struct json_node *mount = json_member(root, "mount");
    const struct json_node *delegate = json_member(root, "delegate");
    return (!rc || config_read_rc(reader, rc, &config->rc)) &&
           (!env || config_read_env(reader, env, &config->env)) &&
           (!net || config_read_net(reader, net, &config->net)) &&
           (!blk || config_read_blk(reader, blk, &config->blk)) &&
           (!mount || config_read_mount(reader, mount, &config->blk, &config->mount)) &&
           (!delegate || config_read_delegate(reader, delegate, &config->delegate));
}

/* The parser's error as ours. */
static bool refuse_json(const struct json_error *fault, struct config_error *error)
{
    error->message = fault->message;
    error->line = fault->line;
    error->column = fault->column;
    config_write_path(error->path, fault->node, NULL);
    return false;
}

size_t config_values(size_t length)
{
    /* Between two of them is a comma at least, and around those in a list or object is a pair, which
       what is no document may lack. */
    const size_t most = length / 2 + 1 + JSON_LEVELS;
    return most < CONFIG_VALUES ? most : CONFIG_VALUES;
}

bool config_parse(char *text, size_t length, struct config_storage *storage,
                  struct config *config, struct config_error *error)
{
    const struct config_room room = {storage->nodes, storage->strings, CONFIG_VALUES};
    return config_parse_in(text, length, &room, config, error);
}

bool config_parse_in(char *text, size_t length, const struct config_room *room,
                     struct config *config, struct config_error *error)
{
    struct json_error fault;
    struct config_reader reader = {
        .strings = room->strings, .strings_size = room->size, .error = error};
    memset(config, 0, sizeof *config);
    memset(error, 0, sizeof *error);
    if (length > CONFIG_LONGEST_TEXT) {
        error->message = "longer than 1 MiB";
        return false;
    }
    const struct json_node *root = json_parse(text, length, room->nodes, room->size, &fault);
    if (!root)
        return refuse_json(&fault, error);
    const bool accepted = read_sections(&reader, root, config);
    assert(accepted == (error->message == NULL));
    return accepted;
}

const struct config_one_delegate *config_delegate_of(const struct config *config,
                                                     const char *section)
{
    for (size_t i = 0; i < config->delegate.count; i++) {
        if (strcmp(config->delegate.sections[i].section, section) == 0)
            return &config->delegate.sections[i];
    }
    return NULL;
}
