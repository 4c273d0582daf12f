/* SPDX-License-Identifier: BSD-2-Clause */
/* Pipes and FIFOs: bytes in a ring of pages, which are there only while something is in them. */
#include <sys/ioctl.h>

#include "files.h"

#define PIPE_SIZE 65536u
#define PIPE_MOST (1u << 20)
/* As PIPE_BUF: so much is written as a whole. */
#define PIPE_ATOMIC 4096u
/* In file->position: the reader has seen a writer, so that its absence is an end (POLLHUP). */
#define HAD_WRITER UINT64_MAX

struct pipe {
    /* Bytes from tail to head are there; byte n is in page n / PAGE_SIZE modulo their number. */
    physical_t *pages;
    uint64_t head, tail, capacity;
    /* Open files that read and write; and how often one was opened (FIFOs wait for that). */
    unsigned files, readers, writers;
    uint64_t reader_opens, writer_opens;
    struct wait_queue readable, writable, opened;
    /* Of a FIFO: what it is, among all that are open. */
    struct list fifos;
    const struct file_system *system;
    uint64_t number;
};

static struct list fifos = {&fifos, &fifos};

static physical_t *page_of(const struct pipe *pipe, uint64_t position)
{
    return &pipe->pages[position / PAGE_SIZE & (pipe->capacity / PAGE_SIZE - 1)];
}

static struct pipe *pipe_new(void)
{
    struct pipe *pipe = heap_get(sizeof *pipe);
    physical_t *pages = heap_get(PIPE_SIZE / PAGE_SIZE * sizeof *pages);
    if (!pipe || !pages) {
        heap_put(pipe);
        heap_put(pages);
        return NULL;
    }
    pipe->pages = pages;
    pipe->capacity = PIPE_SIZE;
    list_begin(&pipe->fifos);
    return pipe;
}

static void ring_free(physical_t *pages, uint64_t capacity)
{
    for (uint64_t i = 0; i < capacity / PAGE_SIZE; i++) {
        if (pages[i])
            pages_put(pages[i], 0);
    }
    heap_put(pages);
}

static void pipe_free(struct pipe *pipe)
{
    list_remove(&pipe->fifos);
    ring_free(pipe->pages, pipe->capacity);
    heap_put(pipe);
}

/* Puts as many bytes in as fit. None where they have to stay together and cannot all be there. */
static int64_t put(struct pipe *pipe, const char *bytes, size_t size)
{
    const uint64_t before = pipe->head;
    size = MIN(size, pipe->capacity - (pipe->head - pipe->tail));
    while (size) {
        const size_t within = pipe->head % PAGE_SIZE, some = MIN(size, PAGE_SIZE - within);
        physical_t *page = page_of(pipe, pipe->head);
        if (!*page)
            *page = pages_get(0);
        if (!*page || !copy_bytes((char *)page_pointer(*page) + within, bytes, some)) {
            if (size + (pipe->head - before) <= PIPE_ATOMIC)
                pipe->head = before;
            return pipe->head > before ? (int64_t)(pipe->head - before) : *page ? -EFAULT : -ENOMEM;
        }
        pipe->head += some;
        bytes += some;
        size -= some;
    }
    return (int64_t)(pipe->head - before);
}

/* Moves the tail on, over bytes of one page, which goes if nothing else is in it. */
static void consume(struct pipe *pipe, size_t size)
{
    const uint64_t page_start = round_down(pipe->tail, PAGE_SIZE);
    physical_t *page = page_of(pipe, pipe->tail);
    pipe->tail += size;
    if (pipe->tail == pipe->head) {
        /* The next bytes come into the same page, which the cache knows. */
        pipe->head = pipe->tail = page_start;
    } else if (pipe->tail % PAGE_SIZE == 0 && pipe->head <= page_start + pipe->capacity) {
        pages_put(*page, 0);
        *page = 0;
    }
}

static int64_t take(struct pipe *pipe, char *bytes, size_t size)
{
    size_t done = 0;
    while (done < size && pipe->head > pipe->tail) {
        const size_t within = pipe->tail % PAGE_SIZE;
        const size_t some = MIN(MIN(size - done, PAGE_SIZE - within), pipe->head - pipe->tail);
        const char *page = page_pointer(*page_of(pipe, pipe->tail));
        if (!copy_bytes(bytes + done, page + within, some))
            return done ? (int64_t)done : -EFAULT;
        consume(pipe, some);
        done += some;
    }
    return (int64_t)done;
}

/* Whether a write of PIPE_ATOMIC would have to wait. */
static bool is_full(const struct pipe *pipe)
{
    return pipe->capacity - (pipe->head - pipe->tail) < PIPE_ATOMIC;
}

static int64_t pipe_read(struct file *file, void *bytes, size_t size, uint64_t *position)
{
    struct pipe *pipe = file->data;
    (void)position;
    while (size && pipe->head == pipe->tail) {
        if (!pipe->writers)
            return 0;
        if (file->flags & O_NONBLOCK)
            return -EAGAIN;
        const int result = wait_on(&pipe->readable, WAIT_FOR_EVER);
        if (result < 0)
            return result;
    }
    const bool was_full = is_full(pipe);
    const int64_t result = take(pipe, bytes, size);
    if (was_full && !is_full(pipe))
        wait_wake_all(&pipe->writable);
    return result;
}

static int64_t broken(void)
{
    if (program_current())
        signal_send_simple(program_current(), SIGPIPE, SI_USER);
    return -EPIPE;
}

static int64_t pipe_write(struct file *file, const void *bytes, size_t size, uint64_t *position)
{
    struct pipe *pipe = file->data;
    size_t done = 0;
    int64_t result = 0;
    (void)position;
    while (done < size) {
        /* Little goes in as a whole. */
        const uint64_t room = pipe->capacity - (pipe->head - pipe->tail);
        if (!pipe->readers) {
            result = broken();
        } else if (room >= MIN(size - done, size <= PIPE_ATOMIC ? PIPE_ATOMIC : 1)) {
            result = put(pipe, (const char *)bytes + done, size - done);
            if (result > 0)
                wait_wake_all(&pipe->readable);
        } else if (file->flags & O_NONBLOCK) {
            result = -EAGAIN;
        } else {
            result = wait_on(&pipe->writable, WAIT_FOR_EVER);
        }
        if (result < 0)
            return done ? (int64_t)done : result;
        done += (size_t)result;
    }
    return (int64_t)done;
}

static unsigned pipe_poll(struct file *file, struct poll_watch *watch)
{
    struct pipe *pipe = file->data;
    unsigned ready = 0;
    if (file_reads(file)) {
        poll_add(watch, &pipe->readable);
        if (pipe->head > pipe->tail)
            ready |= POLLIN | POLLRDNORM;
        if (!pipe->writers && file->position != pipe->writer_opens)
            ready |= POLLHUP;
    }
    if (file_writes(file)) {
        poll_add(watch, &pipe->writable);
        if (!is_full(pipe))
            ready |= POLLOUT | POLLWRNORM;
        if (!pipe->readers)
            ready |= POLLERR;
    }
    return ready;
}

static int64_t pipe_control(struct file *file, unsigned request, uint64_t argument)
{
    const struct pipe *pipe = file->data;
    const int there = (int)(pipe->head - pipe->tail);
    if (request != FIONREAD)
        return -ENOTTY;
    return copy_out(argument, &there, sizeof there) ? 0 : -EFAULT;
}

static int pipe_facts(struct file *file, struct stat *facts)
{
    file_facts_of_own(file, S_IFIFO | 0600, facts);
    return 0;
}

static void pipe_release(struct file *file)
{
    struct pipe *pipe = file->data;
    pipe->readers -= file_reads(file);
    pipe->writers -= file_writes(file);
    if (--pipe->files == 0) {
        pipe_free(pipe);
        return;
    }
    wait_wake_all(&pipe->readable);
    wait_wake_all(&pipe->writable);
}

static const struct file_operations pipe_operations = {
    .name = "pipe",
    .read = pipe_read,
    .write = pipe_write,
    .poll = pipe_poll,
    .control = pipe_control,
    .facts = pipe_facts,
    .release = pipe_release,
};

/* A file that reads or writes the pipe, or both. */
static struct file *pipe_file(struct pipe *pipe, struct node *node, int flags)
{
    struct file *file = file_make(&pipe_operations, node, flags, pipe);
    if (!file)
        return NULL;
    file->position = HAD_WRITER;
    pipe->files++;
    if (file_reads(file)) {
        pipe->readers++;
        pipe->reader_opens++;
    }
    if (file_writes(file)) {
        pipe->writers++;
        pipe->writer_opens++;
    }
    wait_wake_all(&pipe->opened);
    return file;
}

int pipe_make(struct file **reader, struct file **writer, int flags)
{
    struct pipe *pipe = pipe_new();
    if (!pipe)
        return -ENOMEM;
    *reader = pipe_file(pipe, NULL, O_RDONLY | flags);
    if (!*reader) {
        pipe_free(pipe);
        return -ENOMEM;
    }
    *writer = pipe_file(pipe, NULL, O_WRONLY | flags);
    if (*writer)
        return 0;
    file_drop(*reader);
    return -ENOMEM;
}

/* The pipe of a FIFO, which is there while anybody has it open. */
static struct pipe *fifo_find(const struct node *node)
{
    LIST_EACH(place, &fifos) {
        struct pipe *pipe = LIST_ENTRY(place, struct pipe, fifos);
        if (pipe->system == node->system && pipe->number == node->number)
            return pipe;
    }
    struct pipe *pipe = pipe_new();
    if (!pipe)
        return NULL;
    pipe->system = node->system;
    pipe->number = node->number;
    list_add_last(&fifos, &pipe->fifos);
    return pipe;
}

/* Waits until the other side is open, or was meanwhile. */
static int fifo_meet(struct file *file)
{
    struct pipe *pipe = file->data;
    const bool reads = (file->flags & O_ACCMODE) == O_RDONLY;
    const uint64_t *opens = reads ? &pipe->writer_opens : &pipe->reader_opens;
    const uint64_t before = *opens;
    if ((file->flags & O_ACCMODE) == O_RDWR || (reads ? pipe->writers : pipe->readers))
        return 0;
    if (file->flags & O_NONBLOCK) {
        file->position = pipe->writer_opens;
        return reads ? 0 : -ENXIO;
    }
    while (*opens == before) {
        const int result = wait_on(&pipe->opened, WAIT_FOR_EVER);
        if (result < 0)
            return result;
    }
    return 0;
}

int pipe_open(struct node *node, int flags, struct file **opened)
{
    struct pipe *pipe = fifo_find(node);
    if (!pipe)
        return -ENOMEM;
    struct file *file = pipe_file(pipe, node, flags);
    if (!file) {
        if (!pipe->files)
            pipe_free(pipe);
        return -ENOMEM;
    }
    const int result = fifo_meet(file);
    if (result < 0)
        file_drop(file);
    else
        *opened = file;
    return result;
}

/* Another ring, which has room for what is in the old one. */
static int resize(struct pipe *pipe, uint64_t capacity)
{
    struct pipe next = *pipe;
    next.pages = heap_get(capacity / PAGE_SIZE * sizeof *next.pages);
    if (!next.pages)
        return -ENOMEM;
    next.capacity = capacity;
    next.head = next.tail = 0;
    for (uint64_t at = pipe->tail; at < pipe->head;) {
        const size_t within = at % PAGE_SIZE, some = MIN(PAGE_SIZE - within, pipe->head - at);
        if (put(&next, (char *)page_pointer(*page_of(pipe, at)) + within, some) < (int64_t)some) {
            ring_free(next.pages, capacity);
            return -ENOMEM;
        }
        at += some;
    }
    ring_free(pipe->pages, pipe->capacity);
    pipe->pages = next.pages;
    pipe->capacity = capacity;
    pipe->head = next.head;
    pipe->tail = next.tail;
    wait_wake_all(&pipe->writable);
    return 0;
}

int pipe_size(struct file *file, bool set, unsigned size)
{
    struct pipe *pipe = file->data;
    if (file->operations != &pipe_operations)
        return -EBADF;
    if (set && size > PIPE_MOST)
        return size > INT32_MAX ? -EINVAL : -EPERM;
    uint64_t capacity = PAGE_SIZE;
    while (capacity < size)
        capacity *= 2;
    if (set && capacity < pipe->head - pipe->tail)
        return -EBUSY;
    if (set && capacity != pipe->capacity) {
        const int result = resize(pipe, capacity);
        if (result < 0)
            return result;
    }
    return (int)pipe->capacity;
}

static int64_t pipe_call(uint64_t address, int flags)
{
    struct file *reader, *writer;
    if (flags & ~(O_CLOEXEC | O_NONBLOCK))
        return -EINVAL;
    const int result = pipe_make(&reader, &writer, flags & O_NONBLOCK);
    if (result < 0)
        return result;
    int numbers[2];
    numbers[0] = descriptor_give(reader, flags & O_CLOEXEC);
    numbers[1] = numbers[0] < 0 ? numbers[0] : descriptor_give(writer, flags & O_CLOEXEC);
    if (numbers[0] < 0)
        file_drop(writer);
    if (numbers[1] >= 0 && copy_out(address, numbers, sizeof numbers))
        return 0;
    if (numbers[0] >= 0)
        (void)descriptor_close(program_current(), (unsigned)numbers[0]);
    if (numbers[1] >= 0)
        (void)descriptor_close(program_current(), (unsigned)numbers[1]);
    return numbers[1] < 0 ? numbers[1] : -EFAULT;
}

int64_t sys_pipe(const struct call *call) { return pipe_call(call->a[0], 0); }
int64_t sys_pipe2(const struct call *call) { return pipe_call(call->a[0], (int)call->a[1]); }
