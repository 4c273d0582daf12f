/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The runtime configuration of an image, read from its JSON document without any allocation.
 *
 *     static struct config_storage storage;
 *     static struct config config;
 *     struct config_error error;
 *     if (!config_parse(text, length, &storage, &config, &error))
 *         complain(error.path, error.message);
 *
 * The library accepts and refuses what "rumpdeb config check" does, the document's form is that of
 * runtime-config.schema.json. It holds no state: all is in what the caller passes. Whatever the
 * structs below point to is in the text and the storage, which have to stay as long as the config.
 * A section that the document does not have is as if it were empty; rc and net say so themselves.
 */
#ifndef RUMPRUN_CONFIG_H
#define RUMPRUN_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "json.h"

/* The newest version of the form that this reads. */
#define CONFIG_VERSION 1

#define CONFIG_LONGEST_TEXT (1u << 20)
#define CONFIG_VALUES 8192
#define CONFIG_ENTRIES 64
#define CONFIG_VARIABLES 1024
#define CONFIG_INTERFACES 16
#define CONFIG_ADDRESSES 16
#define CONFIG_GATEWAYS 8
#define CONFIG_NAMESERVERS 3
#define CONFIG_BLOCKS 64
#define CONFIG_MOUNTS 64
#define CONFIG_SECTIONS 6
#define CONFIG_PATH_SIZE 256

/* A list of strings; behind the last is a NULL, as execve(2) wants it. */
struct config_strings {
    const char *const *items;
    size_t count;
};

enum config_runmode {
    /* Later entries start when it has ended. */
    CONFIG_WAIT,
    CONFIG_BACKGROUND,
    /* Its output is the next entry's input. */
    CONFIG_PIPE,
};

enum config_ready { CONFIG_READY_STARTED, CONFIG_READY_FILE, CONFIG_READY_PORT, CONFIG_READY_TIME };

enum config_restart { CONFIG_RESTART_NO, CONFIG_RESTART_ON_FAILURE, CONFIG_RESTART_ALWAYS };

/* One program to start. */
struct config_entry {
    const char *name, *bin, *workdir;
    /* count 0: the document does not say; then the program has those that it was baked with. */
    struct config_strings argv;
    enum config_runmode runmode;
    /* The first entry of the pipe that this one is in, which starts as a whole; or this entry. */
    unsigned group;
    /* Bit i: rc.entries[i] has to be ready, or to have ended. The whole can always be started. */
    uint64_t after;
    enum config_ready ready;
    const char *ready_file;
    uint16_t ready_port;
    uint32_t ready_ms;
    enum config_restart restart;
    /* How often at most; 0: without limit. */
    uint32_t restart_max;
    /* How much of it the program may have, in MiB; 0: what there is. */
    uint32_t memory;
};

struct config_rc {
    /* 0: the document does not say; then all programs run in the order of the image. */
    size_t count;
    struct config_entry entries[CONFIG_ENTRIES];
};

struct config_variable {
    const char *name, *value;
};

struct config_env {
    size_t count;
    struct config_variable variables[CONFIG_VARIABLES];
};

enum config_family { CONFIG_INET, CONFIG_INET6 };

enum config_method { CONFIG_STATIC, CONFIG_DHCP, CONFIG_AUTO };

/* An address in the order of the network; of IPv4, the first four bytes. */
struct config_address {
    enum config_family family;
    uint8_t bytes[16];
};

struct config_interface_address {
    enum config_family family;
    enum config_method method;
    /* For CONFIG_STATIC only. */
    struct config_address address;
    uint8_t prefix;
};

struct config_interface {
    const char *name;
    bool create;
    size_t count;
    struct config_interface_address addresses[CONFIG_ADDRESSES];
};

struct config_net {
    /* Whether the document has the section. */
    bool given;
    size_t interface_count, gateway_count, nameserver_count;
    struct config_interface interfaces[CONFIG_INTERFACES];
    struct config_address gateways[CONFIG_GATEWAYS];
    struct config_address nameservers[CONFIG_NAMESERVERS];
    struct config_strings search;
};

enum config_block_type { CONFIG_DISK, CONFIG_FILE };

struct config_block {
    const char *name, *path;
    enum config_block_type type;
    bool readonly;
};

struct config_blk {
    size_t count;
    struct config_block blocks[CONFIG_BLOCKS];
};

enum config_source { CONFIG_BLK, CONFIG_TMPFS, CONFIG_KERNFS, CONFIG_9P };

struct config_one_mount {
    const char *path;
    enum config_source source;
    /* For CONFIG_BLK, otherwise NULL. */
    const struct config_block *block;
    /* For CONFIG_9P, otherwise NULL. */
    const char *tag;
    /* NULL: any that the kernel has. */
    const char *fstype;
    struct config_strings options;
};

struct config_mount {
    size_t count;
    struct config_one_mount mounts[CONFIG_MOUNTS];
};

struct config_one_delegate {
    /* The section's key. */
    const char *section;
    /* The command runs where images are made; count 0: there is none. */
    struct config_strings command;
    /* NULL: there is none. */
    const char *symbol;
};

struct config_delegate {
    size_t count;
    struct config_one_delegate sections[CONFIG_SECTIONS];
};

struct config {
    struct config_rc rc;
    struct config_env env;
    /* NULL: the document does not say. */
    const char *hostname;
    struct config_net net;
    struct config_blk blk;
    struct config_mount mount;
    struct config_delegate delegate;
};

/* Room for what a document is taken apart into; nothing in it is of use to the caller. */
struct config_storage {
    struct json_node nodes[CONFIG_VALUES];
    const char *strings[CONFIG_VALUES];
};

/* The same of a size of the caller's: a document of so many bytes has at most config_values(). */
struct config_room {
    struct json_node *nodes;
    const char **strings;
    size_t size;
};

struct config_error {
    /* Such as rc[2].runmode; empty for the document as a whole. A long one ends with "...". */
    char path[CONFIG_PATH_SIZE];
    const char *message;
    /* For what is no JSON, where in the text, from 1; otherwise 0. */
    size_t line, column;
};

/*
 * Reads the length bytes at text, which are overwritten. Returns false where the document is
 * refused; then error says why, and nothing in config may be used.
 */
bool config_parse(char *text, size_t length, struct config_storage *storage,
                  struct config *config, struct config_error *error);

/* For machines with little memory; the nodes may go afterwards. */
bool config_parse_in(char *text, size_t length, const struct config_room *room,
                     struct config *config, struct config_error *error);
size_t config_values(size_t length);

/* What applies the section of this key, or NULL where the entrypoint does. */
const struct config_one_delegate *config_delegate_of(const struct config *config,
                                                     const char *section);

/*
 * Makes base what a later document says: each section that it has takes the place of base's, but
 * that blk and mount are one section, since mounts name block devices, and that variables of env
 * are added or replaced one by one. Returns false, and leaves env as it was, where those are more
 * than CONFIG_VARIABLES.
 */
bool config_override(struct config *base, const struct config *later);

#endif
