/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory without files: mmap, munmap, mprotect, mremap, brk, madvise, mincore, malloc. */
#define _GNU_SOURCE
#include <errno.h>
#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "check.h"

#define PAGE 4096ul
#define RW (PROT_READ | PROT_WRITE)
#define PRIVATE (MAP_PRIVATE | MAP_ANONYMOUS)

static char *get(size_t pages, int protection)
{
    char *memory = mmap(NULL, pages * PAGE, protection, PRIVATE, -1, 0);
    if (memory == MAP_FAILED) {
        check_done("mmap that the checks need", -1);
        exit(1);
    }
    return memory;
}

static long outcome(const void *mapped) { return mapped == MAP_FAILED ? -1 : 0; }

static bool all(const char *bytes, size_t size, char value)
{
    for (size_t i = 0; i < size; i++)
        if (bytes[i] != value)
            return false;
    return true;
}

static void mapping(void)
{
    char *memory = get(4, RW);
    check_true("a mapping begins at a page", (uintptr_t)memory % PAGE == 0);
    check_true("a mapping is full of zeros", all(memory, 4 * PAGE, 0));
    memset(memory, 'x', 4 * PAGE);
    check_true("a mapping keeps what is written", all(memory, 4 * PAGE, 'x'));
    check_call("munmap of its middle", munmap(memory + PAGE, 2 * PAGE));
    check_text("its beginning is there", probe_read(memory));
    check_text("its middle is not", probe_read(memory + PAGE));
    check_true("the fault's address", probe_address == memory + PAGE);
    check_text("its middle's end is not", probe_read(memory + 3 * PAGE - 1));
    check_text("its end is there", probe_write(memory + 3 * PAGE));
    check_call("munmap of what has a hole", munmap(memory, 4 * PAGE));
    check_call("munmap of what is not there", munmap(memory, 4 * PAGE));
    check_text("nothing is there", probe_read(memory));
    memory = get(1, RW);
    munmap(memory, 1);
    check_text("munmap of one byte takes the page", probe_read(memory));
    memory = mmap(NULL, 100, RW, PRIVATE, -1, 0);
    check_text("a mapping of 100 bytes has a page", probe_write(memory + PAGE - 1));
    munmap(memory, 100);
}

static void places(void)
{
    char *memory = get(8, RW);
    memset(memory, 'x', 8 * PAGE);
    char *again = mmap(memory + 2 * PAGE, PAGE, RW, PRIVATE | MAP_FIXED, -1, 0);
    check_true("MAP_FIXED is where it is wanted", again == memory + 2 * PAGE);
    check_true("MAP_FIXED takes the place", all(again, PAGE, 0));
    check_true("and no more", memory[2 * PAGE - 1] == 'x' && memory[3 * PAGE] == 'x');
    check_done("MAP_FIXED_NOREPLACE on a mapping",
               outcome(mmap(memory, PAGE, RW, PRIVATE | MAP_FIXED_NOREPLACE, -1, 0)));
    munmap(memory + 4 * PAGE, PAGE);
    again = mmap(memory + 4 * PAGE, PAGE, RW, PRIVATE | MAP_FIXED_NOREPLACE, -1, 0);
    check_true("MAP_FIXED_NOREPLACE in a hole", again == memory + 4 * PAGE);
    munmap(memory + 5 * PAGE, PAGE);
    again = mmap(memory + 5 * PAGE, PAGE, RW, PRIVATE, -1, 0);
    check_true("a hint that is free is taken", again == memory + 5 * PAGE);
    again = mmap(memory, PAGE, RW, PRIVATE, -1, 0);
    check_true("a hint that is not free is not", again != memory && again != MAP_FAILED);
    check_true("what was there stays", memory[0] == 'x');
    check_done("mmap of no bytes", outcome(mmap(NULL, 0, RW, PRIVATE, -1, 0)));
    check_done("mmap of more than there is", outcome(mmap(NULL, 1ul << 60, RW, PRIVATE, -1, 0)));
    check_done("mmap without private or shared",
               outcome(mmap(NULL, PAGE, RW, MAP_ANONYMOUS, -1, 0)));
    check_done("MAP_FIXED beside a page's start",
               outcome(mmap(memory + 1, PAGE, RW, PRIVATE | MAP_FIXED, -1, 0)));
    check_done("mmap of no descriptor", outcome(mmap(NULL, PAGE, RW, MAP_PRIVATE, -1, 0)));
    check_call("munmap beside a page's start", munmap(memory + 1, PAGE));
    check_call("munmap of no bytes", munmap(memory, 0));
    again = mmap(NULL, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    check_text("a shared mapping without a file", probe_write(again));
    again = mmap(NULL, 1ul << 30, PROT_NONE, PRIVATE | MAP_NORESERVE, -1, 0);
    check_done("a reservation of a GiB", outcome(again));
    check_call("mprotect of a part", mprotect(again + (512ul << 20), PAGE, RW));
    check_text("which can be written", probe_write(again + (512ul << 20)));
    check_text("the next page cannot", probe_write(again + (512ul << 20) + PAGE));
    check_call("munmap of all", munmap(again, 1ul << 30));
}

static const unsigned char returns[] = {0xc3};

static void protection(void)
{
    char *memory = get(3, RW);
    memset(memory, 'x', 3 * PAGE);
    check_call("mprotect to read", mprotect(memory + PAGE, PAGE, PROT_READ));
    check_text("reading what is to be read", probe_read(memory + PAGE));
    check_text("writing what is to be read", probe_write(memory + PAGE));
    check_true("the fault's address", probe_address == memory + PAGE);
    check_text("writing the page before", probe_write(memory + PAGE - 1));
    check_text("writing the page behind", probe_write(memory + 2 * PAGE));
    check_call("mprotect to nothing", mprotect(memory + PAGE, PAGE, PROT_NONE));
    check_text("reading what is forbidden", probe_read(memory + PAGE));
    check_call("mprotect to all of it", mprotect(memory, 3 * PAGE, RW));
    check_true("its content is still there", all(memory, 3 * PAGE, 'x'));
    memcpy(memory, returns, sizeof returns);
    check_text("running what is data", probe_call(memory));
    check_call("mprotect to execute", mprotect(memory, PAGE, PROT_READ | PROT_EXEC));
    check_text("running what is a function", probe_call(memory));
    check_text("writing a function", probe_write(memory));
    check_call("mprotect to write and execute", mprotect(memory, PAGE, RW | PROT_EXEC));
    check_done("mmap to write and execute", outcome(mmap(NULL, PAGE, RW | PROT_EXEC, PRIVATE, -1, 0)));
    check_call("mprotect of no bytes", mprotect(memory, 0, RW));
    check_call("mprotect beside a page's start", syscall(SYS_mprotect, memory + 1, PAGE, RW));
    munmap(memory + PAGE, PAGE);
    check_call("mprotect with a hole", mprotect(memory, 3 * PAGE, PROT_READ));
    check_call("mprotect of bits that are none", mprotect(memory, PAGE, 0x4000));
    memory = get(1, PROT_NONE);
    check_text("reading what was never to be read", probe_read(memory));
    memory = get(1, PROT_READ);
    check_true("reading what was never written", all(memory, PAGE, 0));
    check_text("writing a constant", probe_write((void *)(uintptr_t)returns));
    check_text("running a constant's neighbour", probe_read(returns));
}

static void moving(void)
{
    char *memory = get(2, RW);
    memset(memory, 'x', 2 * PAGE);
    char *more = mremap(memory, 2 * PAGE, 64 * PAGE, MREMAP_MAYMOVE);
    check_done("mremap to more", outcome(more));
    check_true("it has what it had", all(more, 2 * PAGE, 'x'));
    check_true("and zeros behind", all(more + 2 * PAGE, 62 * PAGE, 0));
    char *less = mremap(more, 64 * PAGE, PAGE, 0);
    check_true("mremap to less stays there", less == more);
    check_text("the rest is gone", probe_read(more + PAGE));
    memory = get(3, RW);
    check_done("mremap where there is no room", outcome(mremap(memory, PAGE, 2 * PAGE, 0)));
    char *goal = get(2, RW);
    memory[0] = 'm';
    char *moved = mremap(memory, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, goal);
    check_true("mremap to a place", moved == goal && moved[0] == 'm');
    check_text("the old place is empty", probe_read(memory));
    check_done("mremap of nothing", outcome(mremap(memory, PAGE, 2 * PAGE, MREMAP_MAYMOVE)));
    check_done("mremap to no bytes", outcome(mremap(goal, PAGE, 0, MREMAP_MAYMOVE)));
    check_done("mremap with flags that are none", outcome(mremap(goal, PAGE, PAGE, 0x100)));
}

static void the_break(void)
{
    const uintptr_t start = (uintptr_t)syscall(SYS_brk, 0);
    check_true("there is a break", start != 0);
    const uintptr_t wanted = start + 10 * PAGE;
    check_true("the break moves up", (uintptr_t)syscall(SYS_brk, wanted) == wanted);
    char *memory = (char *)start;
    check_true("there are zeros below it", all(memory, 10 * PAGE, 0));
    memset(memory, 'x', 10 * PAGE);
    check_true("the break moves down", (uintptr_t)syscall(SYS_brk, start + PAGE) == start + PAGE);
    check_text("nothing is above it", probe_read((char *)((start + 3 * PAGE) & ~(PAGE - 1))));
    syscall(SYS_brk, wanted);
    check_true("and zeros again", all((char *)start + 2 * PAGE, 8 * PAGE, 0));
    check_true("a break below the first is refused",
               (uintptr_t)syscall(SYS_brk, PAGE) == wanted);
    check_true("a break too far is refused",
               (uintptr_t)syscall(SYS_brk, start + (1ul << 46)) == wanted);
    syscall(SYS_brk, start);
}

static void advice(void)
{
    char *memory = get(3, RW);
    memset(memory, 'x', 3 * PAGE);
    check_call("MADV_DONTNEED", madvise(memory + PAGE, PAGE, MADV_DONTNEED));
    check_true("what is not needed is zero", all(memory + PAGE, PAGE, 0));
    check_true("its neighbours stay", memory[PAGE - 1] == 'x' && memory[2 * PAGE] == 'x');
    check_call("MADV_NORMAL", madvise(memory, PAGE, MADV_NORMAL));
    check_call("MADV_WILLNEED", madvise(memory, PAGE, MADV_WILLNEED));
    check_call("MADV_FREE", madvise(memory, PAGE, MADV_FREE));
    check_text("what is free can be written", probe_write(memory));
    check_call("advice that is none", madvise(memory, PAGE, 9999));
    check_call("advice beside a page's start", madvise(memory + 1, PAGE, MADV_DONTNEED));
    check_call("advice about no bytes", madvise(memory, 0, MADV_DONTNEED));
    munmap(memory + PAGE, PAGE);
    check_call("advice with a hole", madvise(memory, 3 * PAGE, MADV_DONTNEED));
    unsigned char there[2] = {2, 2};
    memory[0] = 'x';
    check_call("mincore", mincore(memory, PAGE, there));
    check_value("a page that was written is there", there[0] & 1);
    check_call("mincore with a hole", mincore(memory, 2 * PAGE, there));
    check_call("mlock", mlock(memory, PAGE));
    check_call("munlock", munlock(memory, PAGE));
    check_call("mlock of nothing", mlock(memory + PAGE, PAGE));
    check_call("msync of memory", msync(memory, PAGE, MS_SYNC));
    check_call("msync of nothing", msync(memory + PAGE, PAGE, MS_SYNC));
    check_call("msync, both ways", msync(memory, PAGE, MS_SYNC | MS_ASYNC));
}

static void allocation(void)
{
    static void *blocks[2000];
    bool aligned = true, kept = true;
    for (size_t i = 0; i < 2000; i++) {
        blocks[i] = malloc(i * 7 % 3000 + 1);
        aligned = aligned && (uintptr_t)blocks[i] % 16 == 0;
        memset(blocks[i], (int)(i & 127), i * 7 % 3000 + 1);
    }
    for (size_t i = 0; i < 2000; i++) {
        kept = kept && all(blocks[i], i * 7 % 3000 + 1, (char)(i & 127));
        free(blocks[i]);
    }
    check_true("malloc is aligned", aligned);
    check_true("malloc's blocks are apart", kept);
    char *large = malloc(8ul << 20);
    check_true("malloc of 8 MiB", large && all(large, 8ul << 20, 0));
    free(large);
    check_done("malloc of too much", malloc(SIZE_MAX / 4) ? 0 : -1);
    check_true("calloc is zero", all(calloc(100, 100), 10000, 0));
    check_true("aligned_alloc", (uintptr_t)aligned_alloc(65536, 65536) % 65536 == 0);
    char *grown = NULL;
    for (size_t size = 1; size <= 1ul << 20; size *= 2) {
        grown = realloc(grown, size);
        memset(grown + size / 2, 'g', size - size / 2);
    }
    check_true("realloc keeps", all(grown + 1, (1ul << 20) - 1, 'g'));
    free(grown);
}

int main(void)
{
    check_begin();
    mapping();
    places();
    protection();
    moving();
    the_break();
    advice();
    allocation();
    check_text("page 0", probe_read((void *)16));
    check_text("an address that is none", probe_read((void *)0x8000000000000000ul));
    return 0;
}
