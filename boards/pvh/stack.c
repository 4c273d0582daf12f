/* SPDX-License-Identifier: BSD-2-Clause */
/* What a program finds on its stack: the psABI's argc, argv, envp and auxiliary vector. */
#include <elf.h>
#include <errno.h>
#include <sys/mman.h>

#include "cpu.h"
#include "memory.h"
#include "space.h"

/* All strings and pointers together; as much of the stack as Linux allows for them. */
#define STACK_ARGUMENTS (PROGRAM_STACK_SIZE / 4)
#define TICKS_PER_SECOND 100

/* Written from both ends: strings from the top down, pointers from the bottom up. */
struct writer {
    struct space *space;
    uint64_t strings, pointers;
    bool failed;
};

static uint64_t put_bytes(struct writer *writer, const void *bytes, size_t size)
{
    if (writer->failed || size > writer->strings - writer->pointers) {
        writer->failed = true;
        return 0;
    }
    writer->strings -= size;
    writer->failed = !space_write(writer->space, writer->strings, bytes, size);
    return writer->strings;
}

static uint64_t put_string(struct writer *writer, const char *string)
{
    return put_bytes(writer, string, strlen(string) + 1);
}

static void put_word(struct writer *writer, uint64_t word)
{
    if (!writer->failed)
        writer->failed = !space_write(writer->space, writer->pointers, &word, sizeof word);
    writer->pointers += sizeof word;
}

static void put_fact(struct writer *writer, uint64_t type, uint64_t value)
{
    put_word(writer, type);
    put_word(writer, value);
}

static size_t count_strings(char *const *strings, size_t *bytes)
{
    size_t count = 0;
    for (; strings[count]; count++)
        *bytes += strlen(strings[count]) + 1;
    return count;
}

static void put_strings(struct writer *writer, char *const *strings)
{
    for (; *strings; strings++)
        put_word(writer, put_string(writer, *strings));
    put_word(writer, 0);
}

/* musl's start code finds where the program is by AT_PHDR, if there is no AT_BASE. */
static void put_facts(struct writer *writer, const struct loaded *loaded, uint64_t random,
                      uint64_t path)
{
    put_fact(writer, AT_PAGESZ, PAGE_SIZE);
    put_fact(writer, AT_CLKTCK, TICKS_PER_SECOND);
    put_fact(writer, AT_PHDR, loaded->headers);
    put_fact(writer, AT_PHENT, loaded->header_size);
    put_fact(writer, AT_PHNUM, loaded->header_count);
    put_fact(writer, AT_BASE, 0);
    put_fact(writer, AT_FLAGS, 0);
    put_fact(writer, AT_ENTRY, loaded->entry);
    put_fact(writer, AT_UID, 0);
    put_fact(writer, AT_EUID, 0);
    put_fact(writer, AT_GID, 0);
    put_fact(writer, AT_EGID, 0);
    put_fact(writer, AT_SECURE, 0);
    put_fact(writer, AT_HWCAP, cpu_id(1, 0).d);
    put_fact(writer, AT_RANDOM, random);
    put_fact(writer, AT_EXECFN, path);
    put_fact(writer, AT_SYSINFO_EHDR, vdso_address());
    put_fact(writer, AT_NULL, 0);
}
#define FACTS 18

int stack_fill(struct program *program, const struct program_request *request,
               const struct loaded *loaded, uint64_t *pointer)
{
    struct space *space = &program->space;
    const uint64_t top = space->end;
    const int64_t mapped =
        space_map(space, top - PROGRAM_STACK_SIZE, PROGRAM_STACK_SIZE, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE | MAP_GROWSDOWN, NULL, 0);
    if (mapped < 0)
        return (int)mapped;
    uint8_t random[16];
    random_fill(random, sizeof random);
    size_t bytes = sizeof random + strlen(request->path) + 1;
    const size_t argc = count_strings(request->argv, &bytes);
    const size_t envc = count_strings(request->env, &bytes);
    const size_t words = 1 + argc + 1 + envc + 1 + 2 * FACTS;
    if (argc == 0)
        return -EINVAL;
    if (bytes > STACK_ARGUMENTS || words * sizeof(uint64_t) > STACK_ARGUMENTS)
        return -E2BIG;
    *pointer = program->arguments = round_down(top - bytes - words * sizeof(uint64_t), 16);
    struct writer writer = {.space = space, .strings = top, .pointers = *pointer};
    const uint64_t path = put_string(&writer, request->path);
    const uint64_t random_at = put_bytes(&writer, random, sizeof random);
    put_word(&writer, argc);
    put_strings(&writer, request->argv);
    put_strings(&writer, request->env);
    put_facts(&writer, loaded, random_at, path);
    BASE_ASSERT(writer.failed || writer.pointers <= writer.strings);
    return writer.failed ? -ENOMEM : 0;
}
