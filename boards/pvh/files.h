/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files about open files need of each other. */
#ifndef RUMPRUN_FILES_H
#define RUMPRUN_FILES_H

#include <fcntl.h>
#include <time.h>

#include "call.h"
#include "file.h"

/* As Linux's MAX_RW_COUNT: no call moves more. */
#define FILE_MOVE_MOST 0x7ffff000u

#define FILE_ALWAYS_READY (POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM)

static inline bool file_is_path(const struct file *file) { return file->flags & O_PATH; }
static inline bool file_reads(const struct file *file)
{
    return !file_is_path(file) && (file->flags & O_ACCMODE) != O_WRONLY;
}
static inline bool file_writes(const struct file *file)
{
    const int access = file->flags & O_ACCMODE;
    return !file_is_path(file) && (access == O_WRONLY || access == O_RDWR);
}
static inline bool file_is(const struct file *file, enum node_kind kind)
{
    return file->node && file->node->kind == kind;
}
/* The seek operation of what has no position, but lets it be set without an error. */
int64_t file_seek_nowhere(struct file *file, int64_t offset, int whence);
/* Whether bytes have no place in the file: pread and its like are errors. */
static inline bool file_is_stream(const struct file *file)
{
    return !file->operations->seek || file->operations->seek == file_seek_nowhere;
}
/* What a file that no file system knows tells of itself. */
void file_facts_of_own(const struct file *file, mode_t mode, struct stat *facts);

/* descriptor.c */

/* The file, unless it was opened by O_PATH. */
struct file *descriptor_open_file(uint64_t number);
/* A new file of a system call, which had one reference, gets a number; or it is dropped. */
int descriptor_give(struct file *file, bool close_on_exec);
/* How many descriptors the program may have. */
unsigned descriptor_limit(const struct program *program);

/* pipe.c: fcntl's F_GETPIPE_SZ, and F_SETPIPE_SZ if it is to be set. */
int pipe_size(struct file *file, bool set, unsigned size);

/* lock.c: advisory locks. */

/* fcntl's F_GETLK, F_SETLK, F_SETLKW and F_OFD_*. */
int lock_control(struct file *file, int request, uint64_t argument);
/* The program closed a descriptor of the file; the file has gone. */
void locks_close(const struct program *program, const struct file *file);
void locks_end(const struct file *file);

/* poll.c: waiting for many files. */

struct poll_watch {
    void (*add)(struct poll_watch *watch, struct wait_queue *queue, unsigned events);
};
/* What the file is ready for. */
static inline unsigned file_ready(struct file *file, struct poll_watch *watch)
{
    return file->operations->poll ? file->operations->poll(file, watch) : FILE_ALWAYS_READY;
}
/* A deadline from a struct timespec of the program's; address 0: for ever. 0 or -errno. */
int deadline_read(uint64_t address, uint64_t *deadline);
/* The deadline after so many nanoseconds. */
uint64_t deadline_after(uint64_t nanoseconds);
/* As poll and epoll_wait have it: less than 0 is for ever; 0, which is not waited for, is 0. */
uint64_t deadline_after_milliseconds(int time);
/* signal_mask_for_wait with the program's mask, if its address is not 0. */
int wait_mask_read(uint64_t address, uint64_t size);

/* console_file.c: the open operation of /dev/console. */
int console_open(struct node *node, int flags, struct file **opened);

/* devices_plain.c */
void devices_plain_add(void);

/* epoll.c: the file has gone. */
void epoll_forget(struct file *file);

#endif
