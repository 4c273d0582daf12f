/* SPDX-License-Identifier: BSD-2-Clause */
#define _GNU_SOURCE
#include "answer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "words.h"

#define REAL_GCC "/usr/bin/" HOST "-gcc"

/* What the real gcc prints for one option. */
static char *gcc_says(const char *option) {
    char *text = NULL;
    size_t room = 0;
    int ends[2];
    int status;
    FILE *stream;
    pid_t child;

    if (pipe(ends) != 0 || (child = fork()) < 0)
        die("no process for " REAL_GCC);
    if (child == 0) {
        dup2(ends[1], STDOUT_FILENO);
        close(ends[0]);
        close(ends[1]);
        execl(REAL_GCC, REAL_GCC, option, (char *)NULL);
        _exit(127);
    }
    close(ends[1]);
    stream = fdopen(ends[0], "re");
    if (stream == NULL || getdelim(&text, &room, '\0', stream) < 0)
        text = NULL;
    if (waitpid(child, &status, 0) < 0 || status != 0 || text == NULL)
        die(REAL_GCC " %s failed; install gcc", option);
    fclose(stream);
    return text;
}

const char *gcc_file(const char *name) {
    char *path = gcc_says(format_text("-print-file-name=%s", name));

    path[strcspn(path, "\n")] = '\0';
    return path;
}

/* Whether path, which gcc names, does for our target. gcc writes the directories that it shares
   with the host as /usr/lib/gcc/.../../.., and beside libgcc are libraries against glibc. */
static bool is_target_neutral(const char *path, const char *name) {
    if (!starts_with(path, "/usr/lib/gcc/") || strstr(path, "/../") != NULL)
        return false;
    return !starts_with(name, "lib") || strcmp(name, "libgcc.a") == 0 ||
           strcmp(name, "libgcc_eh.a") == 0;
}

/* -print-file-name: ours, or one of gcc's own; a file of the host's is as good as none. */
static void print_file_name(const struct layout *layout, const char *name) {
    const char *const directories[] = {layout->overlay, layout->sysroot};
    const char *path;

    for (size_t i = 0; i < sizeof(directories) / sizeof(directories[0]); i++) {
        path = format_text("%s/lib/%s", directories[i], name);
        if (access(path, F_OK) == 0) {
            puts(path);
            return;
        }
    }
    path = gcc_file(name);
    puts(is_target_neutral(path, name) ? path : name);
}

static void print_program_name(const struct layout *layout, const char *name) {
    const char *path = format_text("%s/usr/bin/" TRIPLE "-%s", layout->root, name);

    if (access(path, X_OK) == 0)
        puts(path);
    else
        fputs(gcc_says(format_text("-print-prog-name=%s", name)), stdout);
}

/* Build systems look for lib*.a in these directories themselves: the host's must not be there. */
static void print_search_directories(const struct layout *layout) {
    char *text = gcc_says("-print-search-dirs");
    char *libraries = strstr(text, "libraries: ");

    if (libraries != NULL)
        *libraries = '\0';
    printf("%slibraries: =%s/lib/", text, layout->overlay);
    if (strcmp(layout->overlay, layout->sysroot) != 0)
        printf(":%s/lib/", layout->sysroot);
    putchar('\n');
}

bool answer_question(const struct layout *layout, const char *word) {
    const char *option = word + 1;

    if (word[0] != '-' || (word[1] != '-' && word[1] != 'p' && word[1] != 'd'))
        return false;
    if (*option == '-')
        option++;
    if (strcmp(option, "dumpmachine") == 0 || strcmp(option, "print-multiarch") == 0)
        puts(TRIPLE);
    else if (strcmp(option, "print-sysroot") == 0)
        puts(layout->sysroot);
    else if (starts_with(option, "print-file-name="))
        print_file_name(layout, strchr(option, '=') + 1);
    else if (starts_with(option, "print-prog-name="))
        print_program_name(layout, strchr(option, '=') + 1);
    else if (strcmp(option, "print-search-dirs") == 0)
        print_search_directories(layout);
    else
        return false;
    return true;
}
