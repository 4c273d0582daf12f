/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The same calls about paths, chosen by chance, to the kernel and to the pvh board's tree: results
 * and what is there afterwards have to be the same. Both begin with an empty tmpfs as their root.
 *
 * Arguments: directory (a new one, on a tmpfs), seed, steps. Without a directory, only ours is
 * called, and memory fails now and then. At the end all of it is given back.
 */
#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "call.h"
#include "files.h"
#include "memory_shim.h"

#define SIDES 2
#define SLOTS 8
#define SHOWN 25
#define CANNOT_RUN 77

static struct program program = {.id = 1, .limits = {[RLIMIT_NOFILE] = {64, 64}}};
static struct thread thread = {.program = &program};
struct thread *thread_current = &thread;

static bool alone;
/* The same files, opened on both sides; -1: none. */
static int slots[SLOTS][SIDES];
static char history[SHOWN][700];
static unsigned long step;

/* The root has no /proc to look for leaks with; the end counts what is left. */
const char *__asan_default_options(void);
const char *__asan_default_options(void) { return "detect_leaks=0"; }

/* What the tree needs of others. */
uint64_t clock_stamp(void) { return (uint64_t)1700000000 * 1000000000; }
void say(const char *format, ...) { (void)format; }
bool copy_bytes(void *to, const void *from, size_t size) { return memcpy(to, from, size); }
int64_t copy_length(const char *string, size_t size) { return (int64_t)strnlen(string, size); }
void spaces_forget(const struct node *node, uint64_t offset) { (void)node, (void)offset; }
void locks_end(const struct file *file) { (void)file; }
void locks_close(const struct program *owner, const struct file *file) { (void)owner, (void)file; }
void epoll_forget(struct file *file) { (void)file; }
int lock_control(struct file *file, int request, uint64_t argument)
{
    (void)file, (void)request, (void)argument;
    return -EINVAL;
}
int pipe_size(struct file *file, bool set, unsigned size)
{
    (void)file, (void)set, (void)size;
    return -EBADF;
}
int pipe_open(struct node *node, int flags, struct file **opened)
{
    (void)node, (void)flags, (void)opened;
    return -ENXIO;
}
struct file_system *root_make(void) { return NULL; }
struct file_system *proc_make(void) { return NULL; }
struct file_system *device_files_make(void) { return NULL; }
void *heap_resize(void *memory, size_t size)
{
    void *const next = realloc(memory, size);
    shim_pieces += !memory && next;
    return next;
}

/* What was called, for whoever looks for the difference. */
static void note(const char *format, ...)
{
    char *const line = history[step % SHOWN];
    va_list arguments;
    va_start(arguments, format);
    (void)snprintf(line, 20, "%lu ", step);
    (void)vsnprintf(line + strlen(line), sizeof *history - 20, format, arguments);
    va_end(arguments);
}

static void differ(const char *what)
{
    for (unsigned long i = step + 1; i <= step + SHOWN; i++)
        puts(history[i % SHOWN]);
    printf("differs: %s\n", what);
    exit(1);
}

#define CALLS(X)                                                                                   \
    X(openat)                                                                                      \
    X(mkdirat)                                                                                     \
    X(mknodat)                                                                                     \
    X(unlinkat)                                                                                    \
    X(rmdir)                                                                                       \
    X(unlink)                                                                                      \
    X(renameat2)                                                                                   \
    X(linkat)                                                                                      \
    X(symlinkat)                                                                                   \
    X(readlinkat)                                                                                  \
    X(newfstatat) X(faccessat2) X(fchmodat) X(fchownat) X(truncate) X(utimensat) X(getcwd)         \
        X(chdir) X(fchdir) X(umask) X(close)

static int64_t perform(int side, long number, const int64_t *a)
{
    if (!side) {
        const long result = syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
        return result < 0 ? -errno : result;
    }
    struct call call;
    memcpy(call.a, a, sizeof call.a);
    switch (number) {
#define CALL_OURS(name)                                                                            \
    case SYS_##name: return sys_##name(&call);
        CALLS(CALL_OURS)
#undef CALL_OURS
    default: abort();
    }
}

static const char *name_of(long number)
{
    switch (number) {
#define CALL_NAME(name)                                                                            \
    case SYS_##name: return #name;
        CALLS(CALL_NAME)
#undef CALL_NAME
    default: return "?";
    }
}

/* One call to each side; slot arguments become each side's own descriptor. */
#define SLOT(number) ((int64_t)0x51070000 + (number))
static int64_t results[SIDES];
static int64_t both(const char *shown, long number, const int64_t *arguments)
{
    for (int side = alone; side < SIDES; side++) {
        int64_t real[6];
        for (int i = 0; i < 6; i++) {
            const bool is_slot = (arguments[i] & ~(int64_t)0xff) == SLOT(0);
            real[i] = is_slot ? slots[arguments[i] & 0xff][side] : arguments[i];
        }
        results[side] = perform(side, number, real);
    }
    const int64_t host = results[0], ours = results[1];
    note("%s(%s) = %ld, %ld", name_of(number), shown, (long)host, (long)ours);
    const bool is_number = number == SYS_openat || number == SYS_getcwd;
    if (!alone && (is_number && host >= 0 ? ours < 0 : host != ours))
        differ("results");
    return ours;
}

static uint32_t below(uint32_t most) { return shim_random(most); }

/* A path of a few names, sometimes with what is special. */
static const char *path(char *text)
{
    static const char *const names[] = {"a", "b", "c", "d", "a", "b", "..", ".", "l"};
    char *end = text;
    const unsigned parts = 1 + below(2) + (below(4) ? 0 : below(3));
    if (below(60) == 0)
        return strcpy(text, below(2) ? "" : "/");
    if (below(6) == 0)
        *end++ = '/';
    for (unsigned i = 0; i < parts; i++) {
        if (below(200) == 0) {
            const size_t length = 254 + below(3);
            memset(end, 'x', length);
            end += length;
        } else {
            end = stpcpy(end, names[below(ARRAY_SIZE(names))]);
        }
        if (i + 1 < parts || below(9) == 0)
            end = stpcpy(end, below(9) ? "/" : "//");
    }
    *end = '\0';
    return text;
}

static char one[2000], other[2000], shown[4200];

static int64_t directory(void) { return below(3) ? AT_FDCWD : below(40) ? SLOT(below(SLOTS)) : 77; }

static void call_at(long number, int64_t second, int64_t third, int64_t fourth)
{
    const int64_t from = directory();
    const int64_t arguments[6] = {from, (int64_t)path(one), second, third, fourth};
    (void)snprintf(shown, sizeof shown, "%lx, %s, %lx, %lx", (long)from, one, (long)second,
                   (long)third);
    (void)both(shown, number, arguments);
}

static void call_path(long number, int64_t second)
{
    const int64_t arguments[6] = {(int64_t)path(one), second};
    (void)snprintf(shown, sizeof shown, "%s, %lx", one, (long)second);
    (void)both(shown, number, arguments);
}

static void call_paths(long number, int64_t flags)
{
    const int64_t from = directory(), to = directory();
    const int64_t arguments[6] = {from, (int64_t)path(one), to, (int64_t)path(other), flags};
    (void)snprintf(shown, sizeof shown, "%lx, %s, %lx, %s, %lx", (long)from, one, (long)to, other,
                   (long)flags);
    (void)both(shown, number, arguments);
}

static void close_slot(unsigned slot)
{
    for (int side = alone; side < SIDES; side++) {
        if (slots[slot][side] >= 0)
            (void)perform(side, SYS_close, (const int64_t[6]){slots[slot][side]});
        slots[slot][side] = -1;
    }
}

static void call_open(void)
{
    static const int some[] = {O_CREAT,    O_CREAT | O_EXCL, O_TRUNC, O_DIRECTORY,
                               O_NOFOLLOW, O_APPEND,         O_PATH};
    const unsigned slot = below(SLOTS);
    const int access[] = {O_RDONLY, O_WRONLY, O_RDWR};
    int flags = access[below(3)];
    if (below(3) == 0)
        flags = O_CREAT | O_RDWR;
    for (unsigned i = below(4); i > 0; i--)
        flags |= some[below(ARRAY_SIZE(some))];
    if (flags & O_CREAT && flags & O_DIRECTORY)
        flags &= ~O_DIRECTORY;
    close_slot(slot);
    call_at(SYS_openat, flags, below(2) ? 0644 : 0700, 0);
    for (int side = alone; side < SIDES; side++)
        slots[slot][side] = results[side] >= 0 ? (int)results[side] : -1;
}

static void call_facts(void)
{
    static const int flags[] = {0, AT_SYMLINK_NOFOLLOW, AT_EMPTY_PATH,
                                AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW, 0x8};
    struct stat facts[SIDES] = {0};
    const int64_t from = directory(), flag = flags[below(ARRAY_SIZE(flags))];
    (void)path(one);
    (void)snprintf(shown, sizeof shown, "%lx, %s, %lx", (long)from, one, (long)flag);
    /* Each side fills in its own. */
    for (int side = alone; side < SIDES; side++) {
        const int64_t at = (from & ~(int64_t)0xff) == SLOT(0) ? slots[from & 0xff][side] : from;
        results[side] = perform(side, SYS_newfstatat,
                                (const int64_t[6]){at, (int64_t)one, (int64_t)&facts[side], flag});
    }
    note("newfstatat(%s) = %ld, %ld", shown, (long)results[0], (long)results[1]);
    if (alone)
        return;
    if (results[0] != results[1] || facts[0].st_mode != facts[1].st_mode ||
        facts[0].st_nlink != facts[1].st_nlink || facts[0].st_uid != facts[1].st_uid ||
        facts[0].st_gid != facts[1].st_gid ||
        (!S_ISDIR(facts[0].st_mode) && (facts[0].st_size != facts[1].st_size)) ||
        (S_ISREG(facts[0].st_mode) && facts[0].st_blocks != facts[1].st_blocks))
        differ("facts");
}

/* Reading, writing and cutting what is open, at one of a few places that are far apart. */
static void call_data(void)
{
    static const uint64_t places[] = {0, 4000, 8192, 70000, (uint64_t)1 << 21, (uint64_t)3 << 40};
    static char bytes[SIDES][9000];
    const unsigned slot = below(SLOTS), what = below(5);
    uint64_t place = places[below(ARRAY_SIZE(places))] + below(200);
    const size_t size = below(8) ? below(300) : below(sizeof *bytes);
    int64_t result[SIDES] = {0};
    struct file *const file =
        slots[slot][1] >= 0 ? descriptor_open_file((uint64_t)slots[slot][1]) : NULL;
    if (!file || !file->node || file->node->kind != NODE_FILE)
        return;
    memset(bytes, (int)step, sizeof bytes);
    const int access = file->flags & O_ACCMODE;
    if (what == 0 && access != O_RDONLY) {
        result[0] = alone ? 0 : pwrite(slots[slot][0], bytes[0], size, (off_t)place);
        result[1] = file->operations->write(file, bytes[1], size, &place);
    } else if (what == 1 && access != O_RDONLY) {
        result[0] = alone ? 0 : ftruncate(slots[slot][0], (off_t)place);
        result[1] = file->operations->truncate(file, place);
    } else if (what == 2) {
        const int whence = below(2) ? SEEK_DATA : SEEK_HOLE;
        result[0] = alone ? 0 : lseek(slots[slot][0], (off_t)place, whence);
        result[0] = result[0] < 0 ? -errno : result[0];
        result[1] = file->operations->seek(file, (int64_t)place, whence);
    } else if (what > 2 && access != O_WRONLY) {
        result[0] = alone ? 0 : pread(slots[slot][0], bytes[0], size, (off_t)place);
        result[1] = file->operations->read(file, bytes[1], size, &place);
    }
    note("data %u of %u at %lx, %zu = %ld, %ld", what, slot, (long)place, size, (long)result[0],
         (long)result[1]);
    if (!alone && (result[0] != result[1] || memcmp(bytes[0], bytes[1], sizeof *bytes) != 0))
        differ("data");
}

static void call_texts(long number)
{
    static char texts[SIDES][5000];
    const int64_t from = directory(), size = below(5) ? 4096 : below(12);
    memset(texts, 0, sizeof texts);
    (void)path(one);
    for (int side = alone; side < SIDES; side++) {
        const int64_t at = (from & ~(int64_t)0xff) == SLOT(0) ? slots[from & 0xff][side] : from;
        const int64_t link[6] = {at, (int64_t)one, (int64_t)texts[side], size};
        const int64_t own[6] = {(int64_t)texts[side], size};
        results[side] = perform(side, number, number == SYS_getcwd ? own : link);
    }
    note("%s(%lx, %s, %ld) = %ld %s, %ld %s", name_of(number), (long)from, one, (long)size,
         (long)results[0], texts[0], (long)results[1], texts[1]);
    if (!alone && (results[0] != results[1] || memcmp(texts[0], texts[1], sizeof *texts) != 0))
        differ("text");
}

static int by_name(const void *a, const void *b) { return strcmp(a, b); }

/* A directory's entries, each with its type, in order. */
static size_t list(int side, int descriptor, char (*entries)[300], size_t most)
{
    static char bytes[600];
    size_t count = 0;
    struct file *const file = side ? descriptor_file((unsigned)descriptor) : NULL;
    if (!side)
        (void)lseek(descriptor, 0, SEEK_SET);
    else
        file->position = 0;
    for (;;) {
        const int64_t got = side
                                ? file->operations->list(file, bytes, sizeof bytes, &file->position)
                                : syscall(SYS_getdents64, descriptor, bytes, sizeof bytes);
        if (got <= 0)
            break;
        for (int64_t at = 0; at < got && count < most;) {
            struct dirent *const entry = (struct dirent *)(void *)(bytes + at);
            (void)snprintf(entries[count++], sizeof *entries, "%s %u", entry->d_name,
                           entry->d_type);
            at += entry->d_reclen;
        }
    }
    qsort(entries, count, sizeof *entries, by_name);
    return count;
}

static void call_list(void)
{
    static char entries[SIDES][100][300];
    const unsigned slot = below(SLOTS);
    size_t counts[SIDES] = {0};
    const struct file *const file =
        slots[slot][1] >= 0 ? descriptor_open_file((uint64_t)slots[slot][1]) : NULL;
    if (!file || !file->node || file->node->kind != NODE_DIRECTORY)
        return;
    for (int side = alone; side < SIDES; side++)
        counts[side] = list(side, slots[slot][side], entries[side], 100);
    note("list %u: %zu %zu", slot, counts[0], counts[1]);
    if (alone)
        return;
    for (size_t i = 0; i < counts[0]; i++)
        if (strcmp(entries[0][i], entries[1][i]) != 0)
            differ(entries[0][i]);
    if (counts[0] != counts[1])
        differ("entries");
}

static void call_something(void)
{
    static const struct timespec times[2] = {{.tv_sec = 5, .tv_nsec = 7},
                                             {.tv_sec = 9, .tv_nsec = UTIME_OMIT}};
    static const mode_t modes[] = {S_IFREG | 0640, S_IFSOCK | 0600, 0600, S_IFDIR | 0700, 0170000};
    const int64_t mode = below(01000);
    switch (below(24)) {
    case 0:
    case 1:
    case 2: call_open(); break;
    case 3:
    case 4: call_at(SYS_mkdirat, mode | 0700, 0, 0); break;
    case 5: call_at(SYS_unlinkat, below(2) ? AT_REMOVEDIR : 0, 0, 0); break;
    case 6: call_path(below(2) ? SYS_rmdir : SYS_unlink, 0); break;
    case 7:
    case 8:
    case 9: call_paths(SYS_renameat2, below(2) ? 0 : below(4)); break;
    case 10: call_paths(SYS_linkat, below(2) ? 0 : AT_SYMLINK_FOLLOW); break;
    case 11: {
        const int64_t from = directory();
        const int64_t arguments[6] = {(int64_t)path(other), from, (int64_t)path(one)};
        (void)snprintf(shown, sizeof shown, "%s, %lx, %s", other, (long)from, one);
        (void)both(shown, SYS_symlinkat, arguments);
        break;
    }
    case 12: call_texts(SYS_readlinkat); break;
    case 13: call_texts(SYS_getcwd); break;
    case 14:
    case 15: call_facts(); break;
    case 16: call_at(SYS_faccessat2, below(9), below(3) ? 0 : AT_SYMLINK_NOFOLLOW, 0); break;
    case 17: call_at(SYS_fchmodat, mode | 0600, 0, 0); break;
    case 18: call_at(SYS_fchownat, below(2) ? 0 : -1, 0, below(2) ? 0 : AT_SYMLINK_NOFOLLOW); break;
    case 19: call_path(SYS_truncate, below(5) ? (int64_t)below(9000) : -1); break;
    case 20: call_at(below(3) ? SYS_utimensat : SYS_mknodat, 0, 0, 0); break;
    case 21:
        if (below(2))
            call_at(SYS_mknodat, modes[below(ARRAY_SIZE(modes))], 0, 0);
        else
            call_at(SYS_utimensat, (int64_t)times, below(2) ? 0 : AT_SYMLINK_NOFOLLOW, 0);
        break;
    case 22: {
        const int64_t arguments[6] = {SLOT(below(SLOTS))};
        if (below(2))
            call_path(SYS_chdir, 0);
        else
            (void)both("slot", SYS_fchdir, arguments);
        break;
    }
    default:
        call_list();
        for (unsigned i = below(20); i > 0; i--)
            call_data();
    }
}

static void begin(const char *path_of_root)
{
    struct file_system *system;
    BASE_ASSERT(tmpfs_make("mode=755,size=1g", &system) == 0);
    path_root = system->root;
    program.directory = node_share(path_root);
    memset(slots, -1, sizeof slots);
    alone = !path_of_root;
    if (!alone && ((geteuid() != 0 && unshare(CLONE_NEWUSER) != 0) || chroot(path_of_root) != 0 ||
                   chdir("/") != 0)) {
        perror("chroot");
        exit(CANNOT_RUN);
    }
    for (int side = alone; side < SIDES; side++)
        (void)perform(side, SYS_umask, (const int64_t[6]){022});
}

/* Everything that was there is memory again. */
static void end(void)
{
    for (unsigned i = 0; i < SLOTS; i++)
        close_slot(i);
    node_drop(program.directory);
    heap_put(program.descriptors);
    struct file_system *const system = path_root->system;
    if (system->busy(system))
        differ("somebody uses what nobody has");
    system->release(system);
    if (shim_pages || shim_pieces)
        differ("memory is lost");
}

int main(int argc, char **argv)
{
    if (argc != 4)
        return 2;
    shim_seed = strtoull(argv[2], NULL, 0) * 0x9e3779b97f4a7c15 + 1;
    begin(*argv[1] ? argv[1] : NULL);
    if (alone)
        shim_failures = 20;
    for (const unsigned long steps = strtoul(argv[3], NULL, 0); step < steps; step++)
        call_something();
    shim_failures = 0;
    end();
    return 0;
}
