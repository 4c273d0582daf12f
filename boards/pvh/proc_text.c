/* SPDX-License-Identifier: BSD-2-Clause */
/* The texts below /proc. */
#include <errno.h>

#include "proc.h"

struct text_of_file {
    char *text;
    size_t size;
};

void text_add(struct text *text, const char *format, ...)
{
    const size_t room = text->length < text->size ? text->size - text->length : 0;
    va_list arguments;
    va_start(arguments, format);
    text->length +=
        (size_t)vsnprintf(room ? text->to + text->length : NULL, room, format, arguments);
    va_end(arguments);
}

void text_add_bytes(struct text *text, uint64_t from, size_t size)
{
    if (text->length + size <= text->size && !copy_in(text->to + text->length, from, size))
        return;
    text->length += size;
}

void text_add_path(struct text *text, struct node *node)
{
    char *const path = heap_get(PATH_LONGEST);
    const int64_t size = path ? path_of(node, path, PATH_LONGEST) : -ENOMEM;
    text_add(text, "%s", size > 0 ? path : "(deleted)");
    heap_put(path);
}

static size_t write_text(const struct proc_file *file, char *to, size_t size)
{
    return file->text ? (size_t)snprintf(to, size, "%s", file->text) : file->write(to, size);
}

static int make_text(struct file *file)
{
    const struct proc_place *const place = proc_place(file->node);
    struct text_of_file *const made = file->data;
    proc_program = program_find(place->program);
    if (place->program && !proc_program)
        return -ESRCH;
    const size_t size = write_text(place->file, NULL, 0);
    char *const text = heap_get(size + 1);
    if (!text)
        return -ENOMEM;
    made->size = MIN(write_text(place->file, text, size + 1), size);
    heap_put(made->text);
    made->text = text;
    return 0;
}

/* What is read from the beginning is made anew. */
static int64_t read_file(struct file *file, void *bytes, size_t size, uint64_t *position)
{
    struct text_of_file *const made = file->data;
    const int error = *position == 0 || !made->text ? make_text(file) : 0;
    if (error)
        return error;
    if (*position >= made->size)
        return 0;
    size = MIN(size, made->size - *position);
    if (!copy_bytes(bytes, made->text + *position, size))
        return -EFAULT;
    *position += size;
    return (int64_t)size;
}

static void release_file(struct file *file)
{
    heap_put(((struct text_of_file *)file->data)->text);
    heap_put(file->data);
}

static const struct file_operations text_operations = {
    .name = "proc",
    .read = read_file,
    .seek = file_seek,
    .release = release_file,
};

int proc_text_open(struct node *node, int flags, struct file **opened)
{
    struct text_of_file *const made = heap_get(sizeof *made);
    *opened = made ? file_make(&text_operations, node, flags, made) : NULL;
    if (!*opened)
        heap_put(made);
    return *opened ? 0 : -ENOMEM;
}
