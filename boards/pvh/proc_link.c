/* SPDX-License-Identifier: BSD-2-Clause */
/* The links below /proc, which lead to files and directories whether or not those have a path. */
#include <errno.h>

#include "proc.h"

struct file *proc_file_at(const struct proc_place *place)
{
    const struct program *const program = program_find(place->program);
    return program && (unsigned)place->descriptor < program->descriptor_count
               ? program->descriptors[place->descriptor].file
               : NULL;
}

/* What a link leads to that has a node. */
static int goal_of(const struct proc_place *place, struct node **goal)
{
    if (place->descriptor == PROC_NONE) {
        proc_program = program_find(place->program);
        return proc_program ? place->file->follow(goal) : -ENOENT;
    }
    const struct file *const file = proc_file_at(place);
    if (!file)
        return -ENOENT;
    *goal = file->node ? node_share(file->node) : NULL;
    return 0;
}

/* What a file is that has no path. */
static void add_kind(struct text *text, struct file *file)
{
    struct stat facts;
    if (file_facts(file, &facts) == 0 && (S_ISFIFO(facts.st_mode) || S_ISSOCK(facts.st_mode)))
        text_add(text, "%s:[%lu]", S_ISFIFO(facts.st_mode) ? "pipe" : "socket", facts.st_ino);
    else
        text_add(text, "anon_inode:[%s]", file->operations->name);
}

int64_t proc_read_link(struct node *node, char *to, size_t size)
{
    const struct proc_place *const place = proc_place(node);
    struct text text = {.to = to, .size = size};
    struct node *goal = NULL;
    if (proc_is_self(place)) {
        text_add(&text, "%d", program_current()->id);
    } else {
        const int error = goal_of(place, &goal);
        if (error)
            return error;
        if (goal)
            text_add_path(&text, goal);
        else
            add_kind(&text, proc_file_at(place));
        node_drop(goal);
    }
    return (int64_t)MIN(text.length, size);
}

/* A file without a node of its own: it is opened by sharing it. */
static int open_shared(struct node *node, int flags, struct file **opened)
{
    struct file *const file = proc_file_at(proc_place(node));
    (void)flags;
    if (!file)
        return -ENOENT;
    *opened = file_share(file);
    return 0;
}

static int shared_facts(struct node *node, struct stat *facts)
{
    struct file *const file = proc_file_at(proc_place(node));
    return file ? file_facts(file, facts) : -ENOENT;
}

static const struct node_operations shared_operations = {
    .open = open_shared,
    .facts = shared_facts,
    .release = proc_release,
};

int proc_follow(struct node *node, struct node **goal)
{
    const struct proc_place *const place = proc_place(node);
    if (proc_is_self(place)) {
        const struct proc_place own = proc_program_place(program_current()->id);
        return proc_node_make(node->parent, &own, goal);
    }
    int error = goal_of(place, goal);
    if (error || *goal)
        return error;
    error = proc_node_make(node->parent, place, goal);
    if (!error) {
        (*goal)->operations = &shared_operations;
        (*goal)->kind = NODE_PIPE;
    }
    return error;
}
