/* SPDX-License-Identifier: BSD-2-Clause */
/* Open files. */
#include <dirent.h>
#include <unistd.h>

#include "files.h"

struct file *file_make(const struct file_operations *operations, struct node *node, int flags,
                       void *data)
{
    struct file *file = heap_get(sizeof *file);
    if (!file)
        return NULL;
    file->operations = operations;
    file->references = 1;
    file->flags = flags & O_PATH ? flags & (O_PATH | O_DIRECTORY | O_NOFOLLOW)
                                 : flags & ~(O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_CLOEXEC);
    file->node = node ? node_share(node) : NULL;
    file->data = data;
    list_begin(&file->watched);
    return file;
}

void file_drop(struct file *file)
{
    BASE_ASSERT(file->references > 0);
    if (--file->references)
        return;
    if (!list_empty(&file->watched))
        epoll_forget(file);
    locks_end(file);
    if (file->operations->release)
        file->operations->release(file);
    if (file->node)
        node_drop(file->node);
    heap_put(file);
}

void file_facts_of_own(const struct file *file, mode_t mode, struct stat *facts)
{
    *facts = (struct stat){
        .st_mode = mode, .st_nlink = 1, .st_blksize = PAGE_SIZE, .st_ino = (uintptr_t)file->data};
}

int file_facts(struct file *file, struct stat *facts)
{
    if (file->node)
        return node_facts(file->node, facts);
    if (file->operations->facts)
        return file->operations->facts(file, facts);
    file_facts_of_own(file, 0600, facts);
    return 0;
}

int64_t file_seek_nowhere(struct file *file, int64_t offset, int whence)
{
    (void)file, (void)offset, (void)whence;
    return 0;
}

int64_t file_seek(struct file *file, int64_t offset, int whence)
{
    struct stat facts = {0};
    const int result = whence == SEEK_SET || whence == SEEK_CUR ? 0 : file_facts(file, &facts);
    if (result < 0)
        return result;
    int64_t start = 0;
    if (whence == SEEK_CUR)
        start = (int64_t)file->position;
    else if (whence == SEEK_END)
        start = facts.st_size;
    else if (whence == SEEK_DATA || whence == SEEK_HOLE) {
        /* All of it is data, and the end a hole. */
        if (offset < 0 || offset >= facts.st_size)
            return -ENXIO;
        offset = whence == SEEK_HOLE ? facts.st_size : offset;
    }
    if (offset > 0 && start > INT64_MAX - offset)
        return -EOVERFLOW;
    if (start + offset < 0)
        return -EINVAL;
    file->position = (uint64_t)(start + offset);
    return start + offset;
}

size_t file_list_entry(void *entries, size_t size, size_t used, uint64_t number, uint64_t next,
                       enum node_kind kind, const char *name, size_t length)
{
    static const unsigned char types[] = {
        [NODE_DIRECTORY] = DT_DIR, [NODE_FILE] = DT_REG,  [NODE_LINK] = DT_LNK,
        [NODE_DEVICE] = DT_CHR,    [NODE_PIPE] = DT_FIFO, [NODE_SOCKET] = DT_SOCK};
    char *const to = (char *)entries + used;
    struct dirent entry = {.d_ino = number, .d_off = (off_t)next, .d_type = types[kind]};
    const size_t whole = round_up(offsetof(struct dirent, d_name) + length + 1, 8);
    if (length > PATH_NAME_LONGEST || used > size || whole > size - used)
        return used;
    entry.d_reclen = (unsigned short)whole;
    memcpy(entry.d_name, name, length);
    return copy_bytes(to, &entry, whole) ? used + whole : used;
}
