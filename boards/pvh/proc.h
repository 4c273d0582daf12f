/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files that are /proc tell one another. */
#ifndef RUMPRUN_PROC_H
#define RUMPRUN_PROC_H

#include "file.h"
#include "program.h"

/* What a node is: a file, or with only the beginning of its name, a directory it is in; a program,
   if it is one's; and one of that program's descriptors, or PROC_NONE. */
struct proc_place {
    const struct proc_file *file;
    size_t length;
    int program, descriptor;
};
#define PROC_NONE (-1)

struct proc_node {
    struct node node;
    struct proc_place place;
};

static inline const struct proc_place *proc_place(const struct node *node)
{
    return &CONTAINER_OF(node, const struct proc_node, node)->place;
}

/* proc.c */
extern struct proc_file proc_self;
static inline bool proc_is_self(const struct proc_place *place)
{
    return place->file == &proc_self && !place->program;
}
struct proc_place proc_program_place(int program);
int proc_node_make(struct node *directory, const struct proc_place *place, struct node **made);
void proc_release(struct node *node);

/* proc_link.c */
struct file *proc_file_at(const struct proc_place *place);
int64_t proc_read_link(struct node *node, char *to, size_t size);
int proc_follow(struct node *node, struct node **goal);

/* proc_text.c: a text that is written, and only counted where there is no room for it. */
struct text {
    char *to;
    size_t size, length;
};
__attribute__((format(printf, 2, 3))) void text_add(struct text *text, const char *format, ...);
/* Bytes of a program's memory; nothing where they are not there. */
void text_add_bytes(struct text *text, uint64_t from, size_t size);
void text_add_path(struct text *text, struct node *node);
int proc_text_open(struct node *node, int flags, struct file **opened);

/* proc_files.c, proc_program.c: register what they have. */
void proc_files_begin(void);
void proc_program_begin(void);

#endif
