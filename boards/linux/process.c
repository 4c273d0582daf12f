/* SPDX-License-Identifier: BSD-2-Clause */
/* One program's process. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "apply.h"
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

/* The program's own variables, and those of the configuration, which win. */
static bool make_environment(char *const *own, const struct config_env *env,
                             struct config_environment *result)
{
    struct config_apply_error error;
    config_measure_env(env, own, result);
    result->variables = calloc(result->variables_size, sizeof *result->variables);
    /* malloc(0) may be NULL. */
    result->text = malloc(result->text_size + 1);
    return result->variables && result->text && config_apply_env(env, own, result, &error);
}

/* What this process has, the program gets: before it starts its own limit, and afterwards none. */
static void limit_memory(uint32_t mebibytes)
{
    const rlim_t most = mebibytes ? (rlim_t)mebibytes << 20 : RLIM_INFINITY;
    const struct rlimit limit = {.rlim_cur = most, .rlim_max = most};
    must(setrlimit(RLIMIT_DATA, &limit) == 0 ? 0 : errno, "limit a program's memory");
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
    if (process->entry->memory)
        limit_memory(process->entry->memory);
    const int error = posix_spawn(pid, process->program->path, &files, &attributes, words, env);
    if (process->entry->memory)
        limit_memory(0);
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
    struct config_environment environment = {0};
    const bool made = make_environment(process->program->env, process->env, &environment);
    const int error = made ? spawn(process, environment.variables, pid) : ENOMEM;
    free(environment.variables);
    free(environment.text);
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
