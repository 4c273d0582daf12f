/* SPDX-License-Identifier: BSD-2-Clause */
/* One program: how it is started, and how one sees that it is ready. */
#include <errno.h>
#include <fcntl.h>

#include "apply.h"
#include "device.h"
#include "entrypoint.h"
#include "file.h"

#define PAGES_PER_MEBIBYTE 256u

/* The program's own variables, and those of the configuration, which win. */
static bool make_environment(char *const *own, const struct config_env *env,
                             struct config_environment *result)
{
    struct config_apply_error error;
    config_measure_env(env, own, result);
    result->variables = heap_get(result->variables_size * sizeof *result->variables);
    result->text = heap_get(result->text_size + 1);
    return result->variables && result->text && config_apply_env(env, own, result, &error);
}

static bool is_directory(const char *path)
{
    struct node *node;
    if (path_find(path_root, path, PATH_FOLLOW | PATH_DIRECTORY, &node) != 0)
        return false;
    node_drop(node);
    return true;
}

/* Nobody writes to the arguments: the const is in the wrong place, as it is in execve. */
static char *const *own_arguments(const struct process *process)
{
    const struct config_strings *argv = &process->entry->argv;
    return argv->count ? (char *const *)(uintptr_t)argv->items : process->program->argv;
}

static int start(const struct process *process, char *const *argv, char *const *env,
                 struct program **started)
{
    const struct config_entry *entry = process->entry;
    struct file *nothing = NULL, *console = console_file();
    const int error =
        process->input ? 0 : path_open(path_root, "/dev/null", O_RDONLY, 0, &nothing);
    const struct program_request request = {
        .name = entry->name,
        .path = process->program->path,
        .argv = argv,
        .env = env,
        .directory = entry->workdir,
        .standard = {process->input ? process->input : nothing,
                     process->output ? process->output : console, console},
        .most_pages = (uint64_t)entry->memory * PAGES_PER_MEBIBYTE,
    };
    const int result = error ? error : console ? program_start(&request, started) : -ENOMEM;
    if (nothing)
        file_drop(nothing);
    if (console)
        file_drop(console);
    return result;
}

int process_start(const struct process *process, struct program **started)
{
    const char *workdir = process->entry->workdir;
    /* Otherwise a missing directory could not be told from a missing program. */
    if (!is_directory(workdir)) {
        say("%s: no directory %s to start in", process->entry->name, workdir);
        return STATUS_OWN_FAILURE;
    }
    struct config_environment environment = {0};
    char *const *own = own_arguments(process);
    char **words = process->serves ? xen_store_arguments(own) : NULL;
    const bool made = make_environment(process->program->env, process->env, &environment) &&
                      (words || !process->serves);
    const int error =
        made ? start(process, words ? words : own, environment.variables, started) : -ENOMEM;
    heap_put(words);
    heap_put(environment.variables);
    heap_put(environment.text);
    if (!error)
        return 0;
    say("cannot start %s: %s", process->program->path, words_of_error(error));
    return error == -ENOENT ? STATUS_NOT_FOUND : STATUS_NOT_RUNNABLE;
}

bool probe(const struct config_entry *entry)
{
    struct node *node;
    if (entry->ready == CONFIG_READY_PORT)
        return net_listens && net_listens(entry->ready_port);
    if (path_find(path_root, entry->ready_file, PATH_FOLLOW, &node) != 0)
        return false;
    node_drop(node);
    return true;
}
