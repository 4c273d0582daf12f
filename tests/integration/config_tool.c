/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads each file as a runtime configuration and prints a line "bad PATH<tab>MESSAGE", or a line
 * "good" and lines that start with a blank: what the library made of it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"

static struct config_storage storage;
static struct config config;

/* Of exactly the file's size, so that a sanitizer sees what is read beyond. */
static char *load(const char *path, size_t *length)
{
    FILE *file = fopen(path, "rb");
    if (!file || fseek(file, 0, SEEK_END) != 0)
        exit(2);
    const long size = ftell(file);
    char *text = malloc(size > 0 ? (size_t)size : 1);
    rewind(file);
    if (size < 0 || !text || fread(text, 1, (size_t)size, file) != (size_t)size)
        exit(2);
    fclose(file);
    *length = (size_t)size;
    return text;
}

static void print_strings(const char *what, const struct config_strings *strings)
{
    printf(" %s %zu", what, strings->count);
    for (size_t i = 0; i < strings->count; i++)
        printf(" %zu", strlen(strings->items[i]));
    printf("%s\n", strings->count == 0 || !strings->items[strings->count] ? "" : " no end");
}

static void print_address(const char *what, const struct config_address *address, int prefix)
{
    printf(" %s ", what);
    for (int i = 0; i < (address->family == CONFIG_INET ? 4 : 16); i++)
        printf("%02x", address->bytes[i]);
    printf(" %d\n", prefix);
}

static void print_rc(void)
{
    for (size_t i = 0; i < config.rc.count; i++) {
        const struct config_entry *entry = &config.rc.entries[i];
        printf(" entry %s %s %d %u %llx %s %d %s %d %lu %d %lu %lu\n", entry->name, entry->bin,
               (int)entry->runmode, entry->group, (unsigned long long)entry->after,
               entry->workdir, (int)entry->ready, entry->ready_file ? entry->ready_file : "-",
               (int)entry->ready_port, (unsigned long)entry->ready_ms, (int)entry->restart,
               (unsigned long)entry->restart_max, (unsigned long)entry->memory);
        print_strings("argv", &entry->argv);
    }
}

static void print_net(void)
{
    const struct config_net *net = &config.net;
    for (size_t i = 0; i < net->interface_count; i++) {
        const struct config_interface *interface = &net->interfaces[i];
        printf(" interface %s %d\n", interface->name, (int)interface->create);
        for (size_t j = 0; j < interface->count; j++) {
            if (interface->addresses[j].method == CONFIG_STATIC)
                print_address("static", &interface->addresses[j].address,
                              interface->addresses[j].prefix);
            else
                puts(interface->addresses[j].method == CONFIG_DHCP ? " dhcp" : " auto");
        }
    }
    for (size_t i = 0; i < net->gateway_count; i++)
        print_address("gateway", &net->gateways[i], -1);
    for (size_t i = 0; i < net->nameserver_count; i++)
        print_address("nameserver", &net->nameservers[i], -1);
    print_strings("search", &net->search);
}

static void print_rest(void)
{
    for (size_t i = 0; i < config.env.count; i++)
        printf(" env %s %zu\n", config.env.variables[i].name,
               strlen(config.env.variables[i].value));
    printf(" hostname %s\n", config.hostname ? config.hostname : "-");
    for (size_t i = 0; i < config.blk.count; i++) {
        const struct config_block *block = &config.blk.blocks[i];
        printf(" block %s %d %s %d\n", block->name, (int)block->type, block->path,
               (int)block->readonly);
    }
    for (size_t i = 0; i < config.mount.count; i++) {
        const struct config_one_mount *mount = &config.mount.mounts[i];
        const char *name = mount->block ? mount->block->name : mount->tag;
        printf(" mount %s %d %s %s\n", mount->path, (int)mount->source, name ? name : "-",
               mount->fstype ? mount->fstype : "-");
        print_strings("options", &mount->options);
    }
    for (size_t i = 0; i < config.delegate.count; i++) {
        const struct config_one_delegate *one = &config.delegate.sections[i];
        printf(" delegate %s %s\n", one->section, one->symbol ? one->symbol : "-");
        print_strings("command", &one->command);
    }
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        struct config_error error;
        size_t length;
        char *text = load(argv[i], &length);
        struct config *later = malloc(sizeof *later);
        if (config_parse(text, length, &storage, later, &error)) {
            /* Over an empty one it gives the same, and nothing leads back into it. */
            memset(&config, 0, sizeof config);
            if (!config_override(&config, later))
                abort();
            memset(later, 0xff, sizeof *later);
            puts("good");
            print_rc();
            print_net();
            print_rest();
        } else {
            printf("bad %s\t%s\n", error.path, error.message);
        }
        free(later);
        free(text);
    }
    return 0;
}
