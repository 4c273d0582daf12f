/* SPDX-License-Identifier: BSD-2-Clause */
/* What the readers of the sections share; nobody else includes it. */
#ifndef RUMPRUN_CONFIG_READER_H
#define RUMPRUN_CONFIG_READER_H

#include "config.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

struct config_reader {
    const char **strings;
    size_t strings_size, strings_used;
    struct config_error *error;
};

/* Says whether a string is what it should be. */
typedef bool config_test(const char *text);

/*
 * config_reader.c: values. All return false after they have filled in the error. A node that is
 * NULL stands for a key that is not there: the result stays as it was.
 */

/* The second names a key that the object node does not have. */
bool config_refuse(struct config_reader *reader, const struct json_node *node, const char *message);
bool config_refuse_key(struct config_reader *reader, const struct json_node *node, const char *key,
                       const char *message);
/* That node is an object with no other keys than these. */
bool config_want_keys(struct config_reader *reader, const struct json_node *node,
                      const char *const *keys, size_t count);
/* That node is an object of at most this many members, whose keys pass. */
bool config_want_named(struct config_reader *reader, const struct json_node *node, size_t most,
                       config_test *test, const char *message);
bool config_want_list(struct config_reader *reader, const struct json_node *node, size_t least,
                      size_t most);
/* The member, or NULL after a refusal. */
const struct json_node *config_need(struct config_reader *reader, const struct json_node *object,
                                    const char *key);
bool config_read_string(struct config_reader *reader, const struct json_node *node,
                        config_test *test, const char *message, const char **result);
bool config_read_strings(struct config_reader *reader, const struct json_node *node, size_t least,
                         size_t most, config_test *test, const char *message,
                         struct config_strings *result);
bool config_read_boolean(struct config_reader *reader, const struct json_node *node, bool *result);
bool config_read_integer(struct config_reader *reader, const struct json_node *node, uint32_t least,
                         uint32_t most, uint32_t *result);
/* The place of the string among the words. */
bool config_read_choice(struct config_reader *reader, const struct json_node *node,
                        const char *const *words, size_t count, unsigned *result);

/* config_path.c: writes the path of node, and of key in it unless that is NULL. */
void config_write_path(char path[CONFIG_PATH_SIZE], const struct json_node *node, const char *key);

/* config_text.c: what strings may be, each as the schema's pattern of that name. */
config_test config_is_any, config_is_not_empty, config_is_name, config_is_path, config_is_domain,
    config_is_variable, config_is_interface, config_is_mount_path, config_is_fstype,
    config_is_option, config_is_symbol;
extern const char config_wants_name[], config_wants_path[], config_wants_domain[];

/* config_address.c: the length bytes at text as an address of the family, and nothing besides. */
bool config_parse_address(const char *text, size_t length, enum config_family family,
                          uint8_t bytes[16]);

/* One function for each section, for the node of its key. */
bool config_read_rc(struct config_reader *reader, const struct json_node *node,
                    struct config_rc *rc);
bool config_read_env(struct config_reader *reader, const struct json_node *node,
                     struct config_env *env);
bool config_read_net(struct config_reader *reader, const struct json_node *node,
                     struct config_net *net);
bool config_read_blk(struct config_reader *reader, const struct json_node *node,
                     struct config_blk *blk);
/* Mounts name devices of blk, which has been read before. */
bool config_read_mount(struct config_reader *reader, const struct json_node *node,
                       const struct config_blk *blk, struct config_mount *mount);
bool config_read_delegate(struct config_reader *reader, const struct json_node *node,
                          struct config_delegate *delegate);

/* config_order.c: names and "after"; fills in group and after of the entries. */
bool config_read_order(struct config_reader *reader, const struct json_node *list,
                       struct config_rc *rc);

#endif
