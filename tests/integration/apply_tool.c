/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the configuration library applies, for tests: apply_tool COMMAND ARGUMENT...
 *
 *     apply FILE [keep]   hostname, net, blk and mount of a document, and then its leases
 *     options OPTION...   the flags and the data of mount(2)
 *     env FILE            our own environment under the document's variables
 *     dhcp FILE...        each file as a packet, for a request of fixed values
 *     request             that request, as it is sent
 *     storm SEED COUNT    that many damaged packets
 *
 * Failures are a line "failed PATH<tab>MESSAGE", and the status 1.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apply_dhcp_packet.h"
#include "apply_parts.h"

extern char **environ;

static struct config_storage storage;
static struct config config;
/* The document, which the config refers to. */
static char *text;

/* Of exactly the file's size, so that a sanitizer sees what is read beyond. */
static char *load(const char *path, size_t *length)
{
    FILE *file = fopen(path, "rb");
    if (!file || fseek(file, 0, SEEK_END) != 0)
        exit(2);
    const long size = ftell(file);
    char *bytes = malloc(size > 0 ? (size_t)size : 1);
    rewind(file);
    if (size < 0 || !bytes || fread(bytes, 1, (size_t)size, file) != (size_t)size)
        exit(2);
    fclose(file);
    *length = (size_t)size;
    return bytes;
}

static void parse(const char *path)
{
    struct config_error error;
    size_t length = 0;
    text = load(path, &length);
    if (!config_parse(text, length, &storage, &config, &error)) {
        fprintf(stderr, "%s: %s\n", error.path, error.message);
        exit(2);
    }
}

static int failed(const struct config_apply_error *error)
{
    printf("failed %s\t%s\n", error->path, error->message);
    return 1;
}

static void print_address(const char *what, const uint8_t address[4])
{
    printf(" %s=%u.%u.%u.%u", what, address[0], address[1], address[2], address[3]);
}

static void print_lease(const struct config_lease *lease)
{
    print_address("address", lease->address);
    printf("/%u", lease->prefix);
    print_address("server", lease->server);
    if (lease->has_router)
        print_address("router", lease->router);
    for (size_t i = 0; i < lease->nameserver_count; i++)
        print_address("nameserver", lease->nameservers[i]);
    printf(" mtu=%u domain=%s times=%lu,%lu,%lu\n", lease->mtu, lease->domain,
           (unsigned long)lease->renew, (unsigned long)lease->rebind,
           (unsigned long)lease->seconds);
}

static int apply(const char *path, bool keep)
{
    static struct config_devices devices;
    static struct config_leases leases;
    struct config_apply_error error;
    parse(path);
    if (!config_apply_hostname(config.hostname, &error) ||
        !config_apply_net(&config.net, &leases, &error) ||
        !config_apply_blk(&config.blk, &devices, &error) ||
        !config_apply_mount(&config.mount, &devices, &error))
        return failed(&error);
    for (size_t i = 0; i < config.blk.count; i++) {
        const struct config_block *block = &config.blk.blocks[i];
        printf("device %s %s\n", block->name, config_device_path(&devices, block));
    }
    for (size_t i = 0; i < leases.count; i++) {
        printf("lease %s", leases.leases[i].interface);
        print_lease(&leases.leases[i]);
    }
    puts("applied");
    fflush(stdout);
    return !keep || config_keep_leases(&config.net, &leases, &error) ? 0 : failed(&error);
}

static int options(char **words, int count)
{
    static struct config_mount_options result;
    const struct config_strings strings = {.items = (const char *const *)words,
                                           .count = (size_t)count};
    if (!config_add_options(&result, &strings)) {
        puts("too long");
        return 1;
    }
    printf("%lx %s\n", result.flags, result.data);
    return 0;
}

static int env(const char *path)
{
    struct config_environment exact = {0};
    struct config_apply_error error;
    parse(path);
    config_measure_env(&config.env, environ, &exact);
    exact.variables = malloc(exact.variables_size * sizeof *exact.variables);
    exact.text = malloc(exact.text_size ? exact.text_size : 1);
    if (!exact.variables || !exact.text)
        return 2;
    /* With less of either there is no room. */
    struct config_environment less = exact;
    less.variables_size--;
    bool enough = config_apply_env(&config.env, environ, &less, &error);
    less = exact;
    less.text_size--;
    if (exact.text_size && (enough || config_apply_env(&config.env, environ, &less, &error)))
        return 2;
    if (!config_apply_env(&config.env, environ, &exact, &error))
        return failed(&error);
    for (char **variable = exact.variables; *variable; variable++)
        puts(*variable);
    free(exact.variables);
    free(exact.text);
    free(text);
    return 0;
}

/* What the packets of the tests answer. */
static const struct dhcp_request request = {.type = DHCP_DISCOVER,
                                            .id = 0x01020304,
                                            .seconds = 258,
                                            .hardware = {2, 0, 0, 0, 0, 1},
                                            .requested = {192, 0, 2, 7},
                                            .server = {192, 0, 2, 1},
                                            .hostname = "shop"};

static int dhcp(char **files, int count)
{
    for (int i = 0; i < count; i++) {
        struct dhcp_reply reply;
        size_t length = 0;
        char *packet = load(files[i], &length);
        if (config_dhcp_read((const uint8_t *)packet, length, &request, &reply)) {
            printf("type=%d", (int)reply.type);
            print_lease(&reply.lease);
        } else {
            puts("refused");
        }
        free(packet);
    }
    return 0;
}

static int print_request(void)
{
    uint8_t packet[DHCP_REQUEST_SIZE];
    const size_t length = config_dhcp_write(packet, &request);
    return fwrite(packet, 1, length, stdout) == length ? 0 : 2;
}

static uint32_t next_number(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*state >> 33);
}

/* Whether a lease is one that may be put to use. */
static bool holds(const struct dhcp_reply *reply)
{
    const struct config_lease *lease = &reply->lease;
    if (reply->type == DHCP_NAK)
        return true;
    return (reply->type == DHCP_OFFER || reply->type == DHCP_ACK) && lease->seconds > 0 &&
           lease->renew <= lease->rebind && lease->rebind <= lease->seconds &&
           lease->prefix > 0 && lease->prefix <= 32 &&
           lease->nameserver_count <= CONFIG_NAMESERVERS && lease->address[0] != 0 &&
           memchr(lease->domain, '\0', sizeof lease->domain) && !strpbrk(lease->domain, " \n#;");
}

/* An answer with options by chance, at the end of memory that is its own. */
static int storm(uint64_t state, unsigned long count)
{
    unsigned long taken = 0;
    for (unsigned long i = 0; i < count; i++) {
        const size_t length = 200 + next_number(&state) % 400;
        uint8_t *packet = malloc(length);
        uint8_t whole[DHCP_REQUEST_SIZE + 64] = {0};
        struct dhcp_reply reply;
        if (!packet)
            return 2;
        config_dhcp_write(whole, &request);
        whole[0] = 2;
        memcpy(whole + 16, (const uint8_t[]){192, 0, 2, 7}, 4);
        static const uint8_t options[] = {53, 1, 5, 54, 4, 192, 0, 2, 1, 51, 4, 0, 0, 1, 0};
        memcpy(whole + 240, options, sizeof options);
        for (size_t at = 240 + sizeof options; at < sizeof whole; at++)
            whole[at] = (uint8_t)next_number(&state);
        /* Options that matter, of lengths that mostly do not fit. */
        static const uint8_t known[] = {1, 3, 6, 15, 26, 51, 52, 53, 54, 58, 59, 255, 0};
        for (size_t at = 240 + sizeof options; at + 16 < sizeof whole; at += 2 + whole[at + 1]) {
            whole[at] = known[next_number(&state) % sizeof known];
            whole[at + 1] = (uint8_t)(next_number(&state) % 12);
        }
        for (uint32_t damage = next_number(&state) % 4; damage > 0; damage--)
            whole[next_number(&state) % sizeof whole] = (uint8_t)next_number(&state);
        memcpy(packet, whole, length);
        if (config_dhcp_read(packet, length, &request, &reply)) {
            taken++;
            if (!holds(&reply))
                abort();
        }
        free(packet);
    }
    printf("%lu\n", taken);
    return 0;
}

int main(int argc, char **argv)
{
    const char *command = argc > 1 ? argv[1] : "";
    if (strcmp(command, "apply") == 0 && argc > 2)
        return apply(argv[2], argc > 3);
    if (strcmp(command, "options") == 0)
        return options(argv + 2, argc - 2);
    if (strcmp(command, "env") == 0 && argc > 2)
        return env(argv[2]);
    if (strcmp(command, "dhcp") == 0)
        return dhcp(argv + 2, argc - 2);
    if (strcmp(command, "request") == 0)
        return print_request();
    if (strcmp(command, "storm") == 0 && argc > 3)
        return storm(strtoull(argv[2], NULL, 10), strtoul(argv[3], NULL, 10));
    return 2;
}
