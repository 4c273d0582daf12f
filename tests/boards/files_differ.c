/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The same calls about files, chosen by chance, to the kernel and to the pvh board's files: results
 * and memory have to be the same. Descriptors have the same numbers on both sides.
 *
 * Arguments: directory (a new one, on a tmpfs), seed, steps. With the directory "-", only ours is
 * called, and memory fails now and then. At the end all of it is given back.
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <unistd.h>

#include "files_shim.h"
#include "memory_shim.h"

#define SIDES 2
#define ARENA 0x6000u
/* In a call's arguments: an offset in either side's memory. */
#define AT(offset) (ADDRESS_MARK | (offset))
#define ADDRESS_MARK ((uint64_t)1 << 62)
#define STRUCTURES 0x5000u
#define FIRST 3u
#define LAST 24u
#define SHOWN 40
#define SHOWN_BYTES 48
#define EVENTS 40
#define FILES 3
#define LONGEST 100000

static _Alignas(8) char arenas[SIDES][ARENA];
static struct iovec vectors[SIDES][4];
static char history[SHOWN][200];
static unsigned long step;
static bool alone;

/* Its search needs descriptors of its own; the end counts what is left. */
const char *__asan_default_options(void);
const char *__asan_default_options(void) { return "detect_leaks=0"; }

static void differ(const char *what)
{
    for (unsigned long i = step + 1; i <= step + SHOWN; i++)
        fputs(history[i % SHOWN], stdout);
    for (unsigned i = 0; i < SHIM_LIMIT; i++) {
        const struct file *file = descriptor_file(i);
        if (file)
            printf("%x: %s, flags %x\n", i, file->operations->name, file->flags);
    }
    for (int side = 0; side < SIDES; side++) {
        for (unsigned i = 0; i < SHOWN_BYTES; i++)
            printf("%02x%s", arenas[side][STRUCTURES + i] & 0xffu, i % 8 == 7 ? " " : "");
        fputs(side ? "on this board\n" : "on Linux\n", stdout);
    }
    printf("differs: %s\n", what);
    exit(1);
}

static int64_t perform(int side, long number, const uint64_t *arguments)
{
    uint64_t real[6];
    for (int i = 0; i < 6; i++) {
        const bool marked = (arguments[i] >> 48) == (ADDRESS_MARK >> 48);
        const uint64_t offset = arguments[i] & ~ADDRESS_MARK;
        real[i] = !marked           ? arguments[i]
                  : offset >= ARENA ? (uintptr_t)vectors[side]
                                    : (uintptr_t)&arenas[side][offset];
    }
    if (side)
        return shim_call(number, real);
    if (alone)
        return 0;
    const long result = syscall(number, real[0], real[1], real[2], real[3], real[4], real[5]);
    return result < 0 ? -errno : result;
}

static void note(const char *name, const uint64_t *arguments, int64_t kernels, int64_t ours)
{
    snprintf(history[step % SHOWN], sizeof history[0],
             "%lu %s(%lx, %lx, %lx, %lx, %lx, %lx) = %ld, %ld\n", step, name, arguments[0],
             arguments[1], arguments[2], arguments[3], arguments[4], arguments[5], kernels, ours);
}

static void compare(int64_t kernels, int64_t ours)
{
    if (alone)
        return;
    if (kernels != ours)
        differ("the result");
    if (memcmp(arenas[0], arenas[1], ARENA) != 0)
        differ("memory");
}

static void both(const char *name, long number, const uint64_t *arguments)
{
    const int64_t kernels = perform(0, number, arguments), ours = perform(1, number, arguments);
    note(name, arguments, kernels, ours);
    compare(kernels, ours);
}
#define BOTH(name, ...) both(#name, SYS_##name, (const uint64_t[6]){__VA_ARGS__})

static uint64_t any_of(uint64_t below) { return shim_random((uint32_t)below); }
static uint64_t descriptor(void) { return FIRST + any_of(LAST - FIRST); }
#define PICK(...)                                                                                  \
    ((const uint64_t[]){__VA_ARGS__})[any_of(sizeof((const uint64_t[]){__VA_ARGS__}) / 8)]

static void set(uint64_t offset, const void *bytes, size_t size)
{
    for (int side = 0; side < SIDES; side++)
        memcpy(&arenas[side][offset], bytes, size);
}

/* A place for bytes; sometimes one that cannot be, or is no address at all. */
static uint64_t place(void) { return any_of(40) ? AT(any_of(0x1000)) : PICK(8, UINT64_MAX - 20); }
static uint64_t little(void) { return PICK(0, 1, 7, 8, 9, any_of(100), any_of(300), any_of(4000)); }
static uint64_t position(void)
{
    return PICK(0, 1, any_of(300), any_of(20000), 4096, 8192, UINT64_MAX, UINT64_MAX - any_of(9));
}

static void make(void)
{
    const uint64_t flags = PICK(0, O_CLOEXEC, 1, 0x10000000) | O_NONBLOCK;
    switch (any_of(6)) {
    case 0:
        BOTH(pipe2, any_of(9) ? AT(STRUCTURES) : 8, flags);
        break;
    case 1:
        BOTH(eventfd2, any_of(4), flags | any_of(2));
        break;
    case 2:
        BOTH(epoll_create1, PICK(0, EPOLL_CLOEXEC, 1));
        break;
    case 3:
        BOTH(timerfd_create, PICK(0, 1, 7, 2, 77), PICK(0, O_CLOEXEC, 1) | O_NONBLOCK);
        break;
    default: {
        static const char *const paths[] = {"f0", "f1", "f0", "f1", "f2", "/dev/null", "/dev/zero",
                                            "/dev/full", "fifo", ".", "none"};
        const char *path = paths[any_of(ARRAY_SIZE(paths))];
        /* By edge, a FIFO that is open for both tells more than the kernel's. */
        const uint64_t both_ways = strcmp(path, "fifo") == 0 ? O_RDONLY : O_RDWR;
        const int how = (int)(PICK(O_RDONLY, O_WRONLY, both_ways, both_ways) | O_NONBLOCK |
                              PICK(0, 0, O_APPEND, O_CLOEXEC, O_PATH));
        const int64_t ours = shim_open(path, how, 0);
        const int opened = alone ? (int)ours : open(path, how);
        const int64_t kernels = opened < 0 && !alone ? -errno : opened;
        note(path, (const uint64_t[6]){(uint64_t)how}, kernels, ours);
        compare(kernels, ours);
    }
    }
}

static void numbers(void)
{
    switch (any_of(12)) {
    case 0:
        BOTH(dup, descriptor());
        break;
    case 1:
        BOTH(dup2, descriptor(), descriptor() + 16 * !any_of(6));
        break;
    case 2:
        BOTH(dup3, descriptor(), descriptor(), PICK(0, O_CLOEXEC, O_NONBLOCK));
        break;
    case 3:
        BOTH(fcntl, descriptor(), PICK(F_DUPFD, F_DUPFD_CLOEXEC), PICK(0, 10, 39, 40, UINT64_MAX));
        break;
    case 4:
        BOTH(fcntl, descriptor(), PICK(F_GETFD, F_GETFL, 999, F_GETPIPE_SZ));
        break;
    case 5:
        BOTH(fcntl, descriptor(), F_SETFD, any_of(2));
        break;
    case 6:
        if (!any_of(20))
            BOTH(close_range, descriptor(), descriptor(), PICK(0, 4, 8));
        break;
    default:
        BOTH(close, descriptor());
    }
}

static void build_vectors(size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const uint64_t at = any_of(0x1000), size = PICK(0, 0, 1, 5, any_of(100), any_of(2000));
        for (int side = 0; side < SIDES; side++)
            vectors[side][i] = (struct iovec){&arenas[side][at], size};
    }
}

static void move(void)
{
    const uint64_t count = any_of(5);
    build_vectors(MIN(count, 4));
    switch (any_of(10)) {
    case 0:
    case 1:
        BOTH(read, descriptor(), place(), little());
        break;
    case 2:
        BOTH(write, descriptor(), AT(any_of(0x1000)), little());
        break;
    case 3:
        BOTH(pread64, descriptor(), place(), little(), position());
        break;
    case 4:
        /* Without a bad address: the kernel's tmpfs gets longer by what could not be written. */
        BOTH(pwrite64, descriptor(), AT(any_of(0x1000)), little(), position());
        break;
    case 5:
        BOTH(readv, descriptor(), count < 4 ? AT(ARENA) : 8, count);
        break;
    case 6:
        BOTH(writev, descriptor(), count < 4 ? AT(ARENA) : 8, count);
        break;
    case 7:
        BOTH(preadv, descriptor(), AT(ARENA), MIN(count, 4), position());
        break;
    case 8:
        BOTH(pwritev2, descriptor(), AT(ARENA), MIN(count, 4), position());
        break;
    default: {
        const uint64_t number = PICK(1, 2, UINT64_MAX, UINT64_MAX - 1);
        set(STRUCTURES, &number, sizeof number);
        BOTH(write, descriptor(), AT(STRUCTURES), 8);
    }
    }
}

static void about_files(void)
{
    const uint64_t from = any_of(9000), to = any_of(9000), number = descriptor();
    const uint64_t to_number = descriptor();
    const struct file *file = descriptor_file((unsigned)number);
    const struct file *out = descriptor_file((unsigned)to_number);
    set(STRUCTURES, &from, sizeof from);
    set(STRUCTURES + 8, &to, sizeof to);
    switch (any_of(10)) {
    case 0:
        BOTH(ftruncate, descriptor(), position());
        break;
    case 1:
        BOTH(fallocate, descriptor(), 0, any_of(9000), any_of(9000));
        break;
    case 2:
        BOTH(fadvise64, descriptor(), 0, PICK(0, 10, UINT64_MAX), any_of(8));
        break;
    case 3:
        BOTH(fsync, descriptor());
        break;
    case 4:
        BOTH(ioctl, descriptor(), PICK(FIOCLEX, FIONCLEX));
        break;
    case 5:
        BOTH(ioctl, descriptor(), FIONREAD, PICK(AT(STRUCTURES), AT(STRUCTURES), 8));
        break;
    case 6:
        /* What else can be sent from and to is the kernel's secret; in its pipes, and within a
           file, what was sent changes with the file. */
        if ((!file || file_is(file, NODE_FILE)) && (!out || file_is(out, NODE_FILE)) &&
            (!file || !out || file->node != out->node))
            BOTH(sendfile, to_number, number, PICK(0, AT(STRUCTURES)), any_of(6000));
        break;
    case 7:
        BOTH(copy_file_range, descriptor(), PICK(0, AT(STRUCTURES)), descriptor(),
             PICK(0, AT(STRUCTURES + 8)), any_of(6000), !any_of(9));
        break;
    default:
        /* Where a directory ends is each file system's own. */
        if (!file || !file_is(file, NODE_DIRECTORY))
            BOTH(lseek, number, position(), PICK(0, 1, 2, 5));
    }
}

static void locks(void)
{
    struct flock lock;
    memset(&lock, 0, sizeof lock);
    lock.l_type = (short)PICK(F_RDLCK, F_WRLCK, F_UNLCK, F_UNLCK, 9);
    lock.l_whence = (short)PICK(SEEK_SET, SEEK_SET, SEEK_CUR, SEEK_END, 7);
    lock.l_start = (off_t)PICK(any_of(30), any_of(30), UINT64_MAX - 3, INT64_MAX);
    lock.l_len = (off_t)PICK(any_of(10), 0, UINT64_MAX - any_of(9), INT64_MAX);
    set(STRUCTURES, &lock, sizeof lock);
    /* To the kernel, all counters and their like are one file. */
    const uint64_t number = descriptor();
    const struct file *file = descriptor_file((unsigned)number);
    if (file && !file->node)
        return;
    if (!any_of(5)) {
        BOTH(flock, number, PICK(LOCK_SH, LOCK_EX, LOCK_UN, 0) | LOCK_NB);
        return;
    }
    const uint64_t arguments[6] = {
        number, PICK(F_OFD_SETLK, F_OFD_SETLK, F_OFD_GETLK, F_SETLK, F_GETLK), AT(STRUCTURES)};
    const int64_t kernels = perform(0, SYS_fcntl, arguments);
    const int64_t ours = perform(1, SYS_fcntl, arguments);
    note("fcntl", arguments, kernels, ours);
    /* Which of several locks is told is up to the kernel. */
    const struct flock *found = (const struct flock *)&arenas[1][STRUCTURES];
    if (found->l_type != F_UNLCK && (arguments[1] == F_GETLK || arguments[1] == F_OFD_GETLK) &&
        ((const struct flock *)&arenas[0][STRUCTURES])->l_type != F_UNLCK)
        memcpy(&arenas[1][STRUCTURES], &arenas[0][STRUCTURES], sizeof lock);
    compare(kernels, ours);
}

static void wait_for_some(void)
{
    struct pollfd files[4];
    uint64_t sets[3];
    memset(files, 0, sizeof files);
    for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
        files[i].fd = any_of(9) ? (int)descriptor() : -1;
        files[i].events = (short)any_of(0x400);
    }
    for (size_t i = 0; i < ARRAY_SIZE(sets); i++)
        sets[i] = (uint64_t)(any_of(1u << 22) & any_of(1u << 22)) & (any_of(1u << 22) << FIRST);
    const struct timespec none = {0, 0};
    if (any_of(2)) {
        set(STRUCTURES, files, sizeof files);
        BOTH(poll, AT(STRUCTURES), any_of(5), 0);
    } else {
        set(STRUCTURES, sets, sizeof sets);
        set(STRUCTURES + 64, &none, sizeof none);
        BOTH(pselect6, any_of(27), PICK(0, AT(STRUCTURES)), PICK(0, AT(STRUCTURES + 8)),
             PICK(0, AT(STRUCTURES + 16)), AT(STRUCTURES + 64), 0);
    }
}

static int compare_events(const void *one, const void *other)
{
    return memcmp(one, other, sizeof(struct epoll_event));
}

static void watch(void)
{
    struct epoll_event event = {.data.u64 = any_of(1000)};
    event.events = (uint32_t)(any_of(32) | PICK(0, 0, EPOLLET, EPOLLONESHOT));
    set(STRUCTURES, &event, sizeof event);
    if (any_of(2)) {
        BOTH(epoll_ctl, descriptor(), PICK(1, 1, 2, 3, 4), descriptor(),
             any_of(20) ? AT(STRUCTURES) : 8);
        return;
    }
    /* All that are ready, in any order. */
    const uint64_t arguments[6] = {descriptor(), AT(STRUCTURES), any_of(9) ? EVENTS : 0, 0};
    const int64_t kernels = perform(0, SYS_epoll_wait, arguments);
    const int64_t ours = perform(1, SYS_epoll_wait, arguments);
    note("epoll_wait", arguments, kernels, ours);
    for (int side = 0; side < SIDES && kernels == ours && kernels > 0; side++)
        qsort(&arenas[side][STRUCTURES], (size_t)kernels, sizeof event, compare_events);
    compare(kernels, ours);
}

/* Beyond the calls' own descriptors. */
static int kernels_files[FILES];
static struct file *our_files[FILES];

/* What is in the files. */
static void compare_files(void)
{
    static char content[SIDES][LONGEST];
    for (int i = 0; i < FILES && !alone; i++) {
        uint64_t begin = 0;
        const ssize_t kernels = pread(kernels_files[i], content[0], LONGEST, 0);
        struct file *file = our_files[i];
        const int64_t ours = file->operations->read(file, content[1], LONGEST, &begin);
        if (kernels != ours || memcmp(content[0], content[1], (size_t)ours) != 0)
            differ("a file");
    }
}

static void (*const kinds[])(void) = {make,  numbers,       move,  move, about_files,
                                      locks, wait_for_some, watch, watch};

static void begin(const char *directory)
{
    const struct rlimit limit = {SHIM_LIMIT, SHIM_LIMIT};
    struct node *made;
    syscall(SYS_close_range, FIRST, ~0u, 0);
    shim_files_begin();
    program_current()->id = getpid();
    signal(SIGPIPE, SIG_IGN);
    if (!alone && (chdir(directory) != 0 || mkfifo("fifo", 0600) != 0))
        differ("the start");
    BASE_ASSERT(path_root->operations->make(path_root, "fifo", 4, S_IFIFO | 0600, &made) == 0);
    node_drop(made);
    for (int i = 0; i < FILES; i++) {
        const char path[] = {'f', (char)('0' + i), '\0'};
        if (!alone) {
            const int opened = open(path, O_RDWR | O_CREAT, 0600);
            kernels_files[i] = dup2(opened, SHIM_LIMIT + i);
            close(opened);
        }
        if (kernels_files[i] < 0 || shim_open("/dev/null", O_RDWR, 0) != i ||
            path_open(path_root, path, O_RDWR | O_CREAT, 0600, &our_files[i]) != 0)
            differ("the first files");
    }
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
        differ("the limit");
}

int main(int count, char **words)
{
    BASE_ASSERT(count == 4);
    alone = strcmp(words[1], "-") == 0;
    shim_seed = strtoull(words[2], NULL, 0) * 2654435761u + 1;
    begin(words[1]);
    const unsigned long steps = strtoul(words[3], NULL, 0);
    /* The table grows once. */
    BASE_ASSERT(shim_call(SYS_dup2, (const uint64_t[6]){0, SHIM_LIMIT - 1}) == SHIM_LIMIT - 1);
    if (!alone)
        BASE_ASSERT(dup2(0, SHIM_LIMIT - 1) == SHIM_LIMIT - 1);
    const size_t pieces = shim_pieces;
    shim_failures = alone ? 8 : 0;
    for (step = 0; step < steps; step++) {
        kinds[any_of(ARRAY_SIZE(kinds))]();
        compare_files();
    }
    shim_failures = 0;
    for (uint64_t number = FIRST; number < SHIM_LIMIT; number++)
        (void)shim_call(SYS_close, (const uint64_t[6]){number});
    /* Files that are empty have no pages. */
    for (int i = 0; i < FILES; i++)
        BASE_ASSERT(our_files[i]->operations->truncate(our_files[i], 0) == 0);
    if (shim_pieces > pieces || shim_pages > 0)
        differ("what was there before");
    return 0;
}
