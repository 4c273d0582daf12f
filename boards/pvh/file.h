/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Open files, and the tree of names they are opened by.
 *
 * Operations get addresses that have been checked to be in the program's half, or the base's own
 * memory; they copy by copy_bytes (memory.h), which fails where nothing is mapped: -EFAULT then.
 * Results are counts or -errno, as system calls give them.
 */
#ifndef RUMPRUN_FILE_H
#define RUMPRUN_FILE_H

#include <poll.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "base.h"
#include "memory.h"
#include "thread.h"

struct file;
struct node;
struct program;
struct region;
struct statfs;

enum node_kind { NODE_DIRECTORY, NODE_FILE, NODE_LINK, NODE_DEVICE, NODE_PIPE, NODE_SOCKET };

/* Who wants to know when a file's readiness changes: a file adds its waiters to its queues, by
   poll_add. NULL: nobody. */
struct poll_watch;
/* Once or more from within poll. Without memory, the caller of poll is told. */
void poll_add(struct poll_watch *watch, struct wait_queue *queue);
/* The same for a queue that tells of these events alone. */
void poll_add_for(struct poll_watch *watch, struct wait_queue *queue, unsigned events);

/* Operations that are NULL are not there: -EINVAL or whatever Linux says. */
struct file_operations {
    const char *name;
    /* position is the file's own, or that of pread; it is to be moved on. */
    int64_t (*read)(struct file *file, void *bytes, size_t size, uint64_t *position);
    int64_t (*write)(struct file *file, const void *bytes, size_t size, uint64_t *position);
    /* POLLIN and so on, what is so now. Files without it are always ready to read and write. */
    unsigned (*poll)(struct file *file, struct poll_watch *watch);
    int64_t (*control)(struct file *file, unsigned request, uint64_t argument);
    int64_t (*seek)(struct file *file, int64_t offset, int whence);
    /* The page of the file at that offset, for a mapping; 0: none. owned is set where the mapping
       is to put it back. A private mapping that is to be written copies it. */
    physical_t (*page)(struct file *file, uint64_t offset, bool write, bool *owned);
    /* For what maps itself (devices): called by mmap with the region that was made for it. */
    int (*map)(struct file *file, struct region *region);
    void (*unmap)(struct file *file, struct region *region, uint64_t start, uint64_t end);
    /* Before mprotect changes such a region, or a part of it: 0, or why that may not be. */
    int (*protect)(struct file *file, const struct region *region, int protection);
    /* For those without a node. */
    int (*facts)(struct file *file, struct stat *facts);
    int (*truncate)(struct file *file, uint64_t size);
    /* fsync, for what is not in memory alone. */
    int (*sync)(struct file *file);
    /* getdents64: fills in as many entries as fit. */
    int64_t (*list)(struct file *file, void *entries, size_t size, uint64_t *position);
    /* The last reference is gone. */
    void (*release)(struct file *file);
};

struct file {
    const struct file_operations *operations;
    unsigned references;
    /* O_RDONLY and so on, O_NONBLOCK, O_APPEND. */
    int flags;
    uint64_t position;
    /* What it was opened by, with a reference; NULL for pipes and the like. */
    struct node *node;
    /* The operations' own. */
    void *data;
    /* epoll's entries for this file. */
    struct list watched;
};

/* file.c: open files. */

/* With one reference; NULL without memory. A node gets another reference. */
struct file *file_make(const struct file_operations *operations, struct node *node, int flags,
                       void *data);
static inline struct file *file_share(struct file *file) { file->references++; return file; }
void file_drop(struct file *file);
/* As fstat(2), of the node or of the file's own. */
int file_facts(struct file *file, struct stat *facts);
/* As lseek(2) on a file with a size: the seek operation of regular files. Those without a seek
   operation are streams: lseek and pread answer ESPIPE. */
int64_t file_seek(struct file *file, int64_t offset, int whence);
/* Puts an entry of a directory behind those that are in the buffer of so many bytes, for list: the
   bytes used then, or as before where it does not fit. next is the position behind the entry. */
size_t file_list_entry(void *entries, size_t size, size_t used, uint64_t number, uint64_t next,
                       enum node_kind kind, const char *name, size_t length);

/* The tree: nodes. */

struct node_operations {
    /* Finds or makes the entry of that name; the result has a reference of its own. */
    int (*find)(struct node *directory, const char *name, size_t length, struct node **found);
    int (*make)(struct node *directory, const char *name, size_t length, mode_t mode,
                struct node **made);
    int (*make_link)(struct node *directory, const char *name, size_t length, const char *goal);
    /* Another name for what is there. */
    int (*link)(struct node *directory, const char *name, size_t length, struct node *node);
    int (*unlink)(struct node *directory, const char *name, size_t length, bool is_directory);
    int (*rename)(struct node *from, const char *name, size_t length, struct node *to,
                  const char *new_name, size_t new_length, unsigned flags);
    /* The goal of a link, not ended by a NUL; its length, at most size. */
    int64_t (*read_link)(struct node *node, char *goal, size_t size);
    /* For links whose goal is no path, such as /proc/self/fd/0: what they lead to. */
    int (*follow)(struct node *node, struct node **goal);
    /* The name that the node has in its parent, not ended by a NUL: its length, or -ENOENT. */
    int64_t (*name)(struct node *node, char *name, size_t size);
    /* A file with one reference, or -errno. */
    int (*open)(struct node *node, int flags, struct file **opened);
    /* What node_facts does not know. */
    int (*facts)(struct node *node, struct stat *facts);
    /* Changes what valid says: mode, owner, times, size. */
    int (*change)(struct node *node, const struct stat *facts, unsigned valid);
    void (*release)(struct node *node);
};
#define NODE_RENAME_KEEP 1u      /* RENAME_NOREPLACE: what is there stays */
#define NODE_RENAME_EXCHANGE 2u
#define NODE_CHANGE_MODE 1u
#define NODE_CHANGE_OWNER 2u
#define NODE_CHANGE_ACCESSED 4u
#define NODE_CHANGE_MODIFIED 8u
#define NODE_CHANGE_SIZE 16u

struct node {
    const struct node_operations *operations;
    enum node_kind kind;
    unsigned references;
    struct file_system *system;
    /* The directory it is in, which ".." is; the root's is itself. With a reference. */
    struct node *parent;
    /* What is mounted on this directory. */
    struct file_system *mounted;
    uint64_t number;
    void *data;
};

struct file_system {
    const char *type;
    struct node *root;
    /* The directory it is mounted on, with a reference; NULL for the first. */
    struct node *covered;
    struct file_system *next;
    bool read_only;
    /* Sets what is not 0 for files without a size: type, sizes. */
    int (*facts)(struct file_system *system, struct statfs *facts);
    /* Before it is unmounted: whether something of it is in use. NULL: it stays. */
    bool (*busy)(struct file_system *system);
    /* It is unmounted: nobody can find its nodes any more. */
    void (*release)(struct file_system *system);
    uint64_t device;
    void *data;
};

static inline struct node *node_share(struct node *node) { node->references++; return node; }

/* node.c: what all file systems share. */

/* Fills in a node that has one reference, in a directory; or a file system's root, with NULL. */
void node_begin(struct node *node, const struct node_operations *operations, enum node_kind kind,
                struct file_system *system, struct node *parent);
void node_drop(struct node *node);
/* What a file's times are set to. */
struct timespec node_time(void);
/* As stat(2). */
int node_facts(struct node *node, struct stat *facts);
/* As chmod(2) and so on; -EROFS, -EPERM. */
int node_change(struct node *node, const struct stat *facts, unsigned valid);
/* As statfs(2). */
int system_facts(struct file_system *system, struct statfs *facts);
/* file_operations.read of directories. */
int64_t directory_read(struct file *file, void *bytes, size_t size, uint64_t *position);

/* What file_operations.list fills in. Positions 0 and 1 are "." and "..". */
struct listing {
    void *entries;
    size_t size, used;
    uint64_t *position;
    bool full;
};
struct listing listing_begin(struct file *file, void *entries, size_t size, uint64_t *position);
/* Adds the entry, behind which the position is after; false: it does not fit. */
bool listing_add(struct listing *listing, const char *name, size_t length, uint64_t number,
                 enum node_kind kind, uint64_t after);
int64_t listing_end(const struct listing *listing);

/* path.c: names. */

#define PATH_LONGEST 4096
#define PATH_NAME_LONGEST 255
#define PATH_FOLLOW 1u      /* a link at the end too */
#define PATH_DIRECTORY 2u   /* it has to be one */
/* The node of a path from a directory on; -errno. */
int path_find(struct node *from, const char *path, unsigned how, struct node **found);
/* The directory that the last component is, or is to be, in; and that component. */
int path_find_parent(struct node *from, const char *path, struct node **directory,
                     const char **name, size_t *length);
/* The entry of that name, a file system's own: what may be mounted there is not looked at. */
int path_entry(struct node *directory, const char *name, size_t length, struct node **found);
/* Whether a directory was removed while somebody uses it: nothing can be made in it any more. */
bool path_is_gone(struct node *directory);
/* As open(2), for the base itself and sys_file.c. */
int path_open(struct node *from, const char *path, int flags, mode_t mode, struct file **opened);
/* The absolute path of a node; its length with the NUL, -ERANGE, or -ENOENT if it has none. */
int64_t path_of(struct node *node, char *path, size_t size);
extern struct node *path_root;

/* mount.c: file systems. */
extern struct file_system *mounts_first;
int mount_on(struct node *directory, struct file_system *system);
int mount_end(struct node *root, bool although_busy);
/* The image's root with /dev, /proc, /tmp, /run and /dev/shm: what every machine has. */
void mounts_begin(void);
/* What mount(2) can: "tmpfs", and what devices bring. */
int mount_type(const char *type, const char *source, struct node *directory, unsigned long flags,
               const char *options);

/* tmpfs.c, root.c, device_files.c, proc.c: file systems; NULL without memory. */
int tmpfs_make(const char *options, struct file_system **made);
struct file_system *root_make(void);
struct file_system *device_files_make(void);
struct file_system *proc_make(void);

/* The files below /dev and /proc register here; a driver adds its own. All of it stays. */
struct device_file {
    struct device_file *next;
    /* Below /dev, such as "null" or "xen/evtchn". */
    const char *name;
    mode_t mode;
    uint32_t device;
    int (*open)(struct node *node, int flags, struct file **opened);
};
void device_file_add(struct device_file *file);
/* What was added as this node. */
struct device_file *device_file_of(struct node *node);
/* A file below /proc whose text is made when it is opened; size and text as snprintf. */
struct proc_file {
    struct proc_file *next;
    /* Below /proc, such as "meminfo" or "self/maps" ("self" has every program's number, too). */
    const char *name;
    size_t (*write)(char *text, size_t size);
    /* Instead of write, where it is always the same. */
    const char *text;
    /* Instead of write, where there is more to it. */
    int (*open)(struct node *node, int flags, struct file **opened);
    /* Instead of both: it is a link that leads there. */
    int (*follow)(struct node **goal);
};
/* Whose file it is, for write and follow of files below "self". */
extern struct program *proc_program;
void proc_file_add(struct proc_file *file);

/* console_file.c: /dev/console, and the standard files of a program that has no others. */
struct file *console_file(void);
/* pipe.c */
int pipe_make(struct file **reader, struct file **writer, int flags);
/* The open operation of a NODE_PIPE of any file system: waits for the other side as open(2) does.
 */
int pipe_open(struct node *node, int flags, struct file **opened);

#endif
