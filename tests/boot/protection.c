/* SPDX-License-Identifier: BSD-2-Clause */
/* Does, once it has said so, one thing that no program may do: the one that its argument names. */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

typedef void deed(void);

/* Returns, as a function that does nothing. */
static unsigned char in_data[16] = {0xc3};
static const unsigned char in_constants[16] = {0xc3};

static void call(const volatile void *address)
{
    deed *function;
    memcpy(&function, &address, sizeof function);
    function();
}

static void write_to(uintptr_t address) { *(volatile char *)address = 1; }

static void write_text(void) { write_to((uintptr_t)call); }
static void write_constant(void) { write_to((uintptr_t)in_constants); }
static void write_base(void) { write_to(0xffffffff80100000); }
static void write_base_text_directly(void) { write_to(0xffff800000100000); }
static void read_null(void)
{
    const char *volatile null = NULL;
    printf("%d\n", *null);
}
static void call_null(void) { call(NULL); }
static void call_data(void) { call(in_data); }
static void call_constant(void) { call(in_constants); }

static void call_stack(void)
{
    volatile unsigned char here[16] = {0xc3};
    call(here);
}

static void call_heap(void)
{
    unsigned char *heap = malloc(16);
    heap[0] = 0xc3;
    call(heap);
}

static void call_mapping(void)
{
    unsigned char *mapped =
        mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    mapped[0] = 0xc3;
    call(mapped);
}

static int deep(int level)
{
    volatile char room[512];
    room[0] = (char)level;
    return level < 0 ? 0 : deep(level + 1) + room[0];
}

static void recurse(void) { printf("%d\n", deep(0)); }

static void *recurse_as_thread(void *with)
{
    recurse();
    return with;
}

static void recurse_in_thread(void)
{
    pthread_t thread;
    pthread_create(&thread, NULL, recurse_as_thread, NULL);
    pthread_join(thread, NULL);
}

static __attribute__((noinline)) void fill(volatile char *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        bytes[i] = 'x';
}

static __attribute__((noinline, optimize("stack-protector-all"))) void smash(void)
{
    char room[16];
    fill(room, sizeof room + 32);
}

static void free_twice(void)
{
    void *volatile block = malloc(100);
    free(block);
    free(block);
}

static void free_wrongly(void)
{
    char *block = malloc(100);
    void *volatile inside = block + 16;
    free(inside);
}

static void overrun(void)
{
    char *volatile block = malloc(30);
    fill(block, 64);
    free(block);
}

static void divide(void)
{
    volatile int zero = 0;
    printf("%d\n", 100 / zero);
}

static void terminate(void) { raise(SIGTERM); }

static const struct {
    const char *name;
    deed *function;
} deeds[] = {
    {"write-text", write_text},
    {"write-constant", write_constant},
    {"write-base", write_base},
    {"write-base-directly", write_base_text_directly},
    {"read-null", read_null},
    {"call-null", call_null},
    {"call-data", call_data},
    {"call-constant", call_constant},
    {"call-stack", call_stack},
    {"call-heap", call_heap},
    {"call-mapping", call_mapping},
    {"recurse", recurse},
    {"recurse-in-thread", recurse_in_thread},
    {"smash", smash},
    {"free-twice", free_twice},
    {"free-wrongly", free_wrongly},
    {"overrun", overrun},
    {"divide", divide},
    {"abort", abort},
    {"terminate", terminate},
};

int main(int argc, char **argv)
{
    for (size_t i = 0; argc > 1 && i < sizeof deeds / sizeof *deeds; i++)
        if (strcmp(argv[1], deeds[i].name) == 0) {
            puts(argv[1]);
            fflush(stdout);
            deeds[i].function();
            puts("nothing happened");
            return 0;
        }
    return 2;
}
