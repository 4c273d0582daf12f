/* SPDX-License-Identifier: BSD-2-Clause */
/* One program's process. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "entrypoint.h"
#include "supervise.h"

static void must(int error, const char *what)
{
    if (error)
        console_fail("cannot %s: %s", what, strerror(error));
}

static void direct_files(posix_spawn_file_actions_t *files, const struct process *process)
{
    must(posix_spawn_file_actions_init(files), "prepare a program");
    if (process->input < 0)
        must(posix_spawn_file_actions_addopen(files, STDIN_FILENO, "/dev/null", O_RDONLY, 0),
             "prepare a program's standard input");
    else
        must(posix_spawn_file_actions_adddup2(files, process->input, STDIN_FILENO),
             "prepare a program's standard input");
    if (process->output >= 0)
        must(posix_spawn_file_actions_adddup2(files, process->output, STDOUT_FILENO),
             "prepare a program's standard output");
    must(posix_spawn_file_actions_addchdir_np(files, process->entry->workdir),
         "prepare a program's working directory");
}

static bool is_named(const char *assignment, const char *name)
{
    const size_t length = strlen(name);
    return strncmp(assignment, name, length) == 0 && assignment[length] == '=';
}

/* The program's own variables, and those of the configuration, which win. NULL: no memory. */
static char **make_env(char *const *own, const struct config_env *env)
{
    size_t count = 0;
    while (own[count])
        count++;
    char **all = calloc(count + env->count + 1, sizeof *all);
    if (!all)
        return NULL;
    memcpy(all, own, count * sizeof *all);
    for (size_t i = 0; i < env->count; i++) {
        const struct config_variable *variable = &env->variables[i];
        const size_t size = strlen(variable->name) + strlen(variable->value) + 2;
        char *assignment = malloc(size);
        if (!assignment)
            return NULL;
        snprintf(assignment, size, "%s=%s", variable->name, variable->value);
        size_t place = 0;
        while (place < count && !is_named(all[place], variable->name))
            place++;
        all[place] = assignment;
        count += place == count;
    }
    return all;
}

/* Only the assignments that are not the program's own are in memory of their own. */
static void free_env(char **all, char *const *own)
{
    for (size_t i = 0; all && all[i]; i++) {
        size_t place = 0;
        while (own[place] && own[place] != all[i])
            place++;
        if (!own[place])
            free(all[i]);
    }
    free(all);
}

/* 0 or the errno of what kept the program from starting. */
static int spawn(const struct process *process, char *const *env, pid_t *pid)
{
    const struct config_strings *argv = &process->entry->argv;
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    sigset_t none;

    sigemptyset(&none);
    direct_files(&files, process);
    must(posix_spawnattr_init(&attributes), "prepare a program");
    must(posix_spawnattr_setsigmask(&attributes, &none), "prepare a program's signals");
    must(posix_spawnattr_setsigdefault(&attributes, process->blocked),
         "prepare a program's signals");
    must(posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
                                                   POSIX_SPAWN_SETSID),
         "prepare a program");
    /* posix_spawn only reads the arguments: its const is in the wrong place, as execve's is. */
    char *const *words =
        argv->count ? (char *const *)(uintptr_t)argv->items : process->program->argv;
    const int error = posix_spawn(pid, process->program->path, &files, &attributes, words, env);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&files);
    return error;
}

int process_start(const struct process *process, pid_t *pid)
{
    const char *workdir = process->entry->workdir;
    struct stat facts;
    /* Otherwise a missing directory could not be told from a missing program. */
    if (stat(workdir, &facts) != 0 || !S_ISDIR(facts.st_mode)) {
        console_say("%s: no directory %s to start in", process->entry->name, workdir);
        return STATUS_OWN_FAILURE;
    }
    char **env = make_env(process->program->env, process->env);
    const int error = env ? spawn(process, env, pid) : ENOMEM;
    free_env(env, process->program->env);
    if (!error)
        return 0;
    console_say("cannot start %s: %s", process->program->path, strerror(error));
    return error == ENOENT ? STATUS_NOT_FOUND : STATUS_NOT_RUNNABLE;
}

int process_status(int wait_status)
{
    if (WIFSIGNALED(wait_status))
        return SUPERVISE_SIGNAL_BASE + WTERMSIG(wait_status);
    return WEXITSTATUS(wait_status);
}
