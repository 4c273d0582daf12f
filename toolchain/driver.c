/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * x86_64-rumprun-linux-musl-{gcc,cc,c99,g++,c++,cpp,ld,pkg-config}: the host's tools, steered to
 * the target. One program; the end of the name that it is called by says which. It runs for each
 * source file of a build, so it looks at its arguments once and becomes the real tool.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "answer.h"
#include "contributed.h"
#include "paths.h"
#include "recorded.h"
#include "scan.h"
#include "section.h"
#include "words.h"

#define REAL(tool) "/usr/bin/" HOST "-" tool
#define PYTHON "/usr/bin/python3"

/* Each adds directories of the host to the search, or lets another compiler's parts in. */
static const char *const unwanted_variables[] = {
    "CPATH",         "C_INCLUDE_PATH",  "CPLUS_INCLUDE_PATH", "LIBRARY_PATH",
    "COMPILER_PATH", "GCC_EXEC_PREFIX", "LD_RUN_PATH",        NULL,
};

static void set_variable(const char *name, const char *value) {
    if (setenv(name, value, 1) != 0)
        die("no memory for the environment");
}

static void prepare_environment(const struct layout *layout) {
    for (size_t i = 0; unwanted_variables[i] != NULL; i++)
        unsetenv(unwanted_variables[i]);
    set_variable("RUMPRUN_SYSROOT", layout->overlay);
    set_variable("RUMPRUN_TOOLCHAIN_SYSROOT", layout->sysroot);
}

_Noreturn static void become(const struct words *command) {
    execv(command->items[0], command->items);
    if (errno == E2BIG)
        die("%s: the command line is too long; link in several steps", command->items[0]);
    die("%s: %s; install the package that has it", command->items[0], strerror(errno));
}

#define CXX_HINT "install rumprun-toolchain-c++ (in a checkout: make toolchain-c++)"

static bool has_cxx_library(const struct layout *layout) {
    return access(format_text("%s/lib/libstdc++.a", layout->overlay), R_OK) == 0 ||
           access(format_text("%s/lib/libstdc++.a", layout->sysroot), R_OK) == 0;
}

/* Of the words of a link that name libraries: ld would not say where to get this one. */
static void check_cxx_library(const struct layout *layout, const struct words *words) {
    for (size_t i = 0; i < words->count; i++) {
        const char *word = words->items[i];

        if ((strcmp(word, "-lstdc++") == 0 || strcmp(word, "-lsupc++") == 0) &&
            !has_cxx_library(layout))
            die("no %s; " CXX_HINT, word);
    }
}

/* Runs command, and ends as it does where a signal ends it; else its exit status. */
static int run(const struct words *command) {
    pid_t child = fork();
    int status;

    if (child < 0)
        die("no process for %s", command->items[0]);
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGTERM);
        become(command);
    }
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            die("%s: %s", command->items[0], strerror(errno));
    if (WIFSIGNALED(status))
        exit(128 + WTERMSIG(status));
    return WEXITSTATUS(status);
}

/* C++ without the library works as far as nothing of it is needed; if it fails, say how to get
   the library. */
static void tell_missing_library(int status) {
    if (status != 0)
        fputs("note: the C++ library of " TRIPLE " is not there; if one of its headers or symbols "
              "is missing above, " CXX_HINT "\n",
              stderr);
}

_Noreturn static void become_compiler(const struct words *command, bool lacks_cxx) {
    int status;

    if (!lacks_cxx)
        become(command);
    status = run(command);
    tell_missing_library(status);
    exit(status);
}

static const char *base_name(const char *path) {
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

/* The words of a link. -lgcc and its kin are in a directory that also has the host's libraries:
   name the file. */
static void add_link_words(struct words *command, const struct layout *layout,
                           const struct scan *scan, const char *linker) {
    struct closure closure = follow_inputs(layout, scan);

    check_cxx_library(layout, &closure.found);
    for (size_t i = 0; i < scan->kept.count; i++) {
        const char *word = scan->kept.items[i];

        if (scan->names_libgcc && strcmp(word, "-lgcc") == 0) {
            words_add(command, gcc_file("libgcc.a"));
        } else if (scan->names_libgcc &&
                   (strcmp(word, "-lgcc_eh") == 0 || strcmp(word, "-lgcc_s") == 0)) {
            words_add(command, gcc_file("libgcc_eh.a"));
            words_add(command, gcc_file("libgcc.a"));
        } else {
            words_add(command, resolve_library(&closure, word));
        }
    }
    if (scan->relocatable)
        return;
    add_recorded(command, &closure, linker);
    /* A program may define what a shared library defines too; the first definition is the one. */
    if (closure.stands_for_shared)
        words_add(command, format_text("%s--allow-multiple-definition", linker));
}

static void add_words(struct words *command, const struct words *words) {
    for (size_t i = 0; i < words->count; i++)
        words_add(command, words->items[i]);
}

/* A link with -shared yields a static archive: shared_link.py knows how. */
static struct words translation(const struct layout *layout, const char *syntax,
                                const struct scan *scan) {
    struct words command = {0};

    words_add(&command, PYTHON);
    words_add(&command, "-I");
    words_add(&command, format_text("%s/usr/lib/rumprun-toolchain/shared_link.py", layout->root));
    words_add(&command, syntax);
    add_words(&command, &scan->kept);
    return command;
}

/* Headers are recorded by the name that they are, or will be, installed under. */
static void add_directories(struct words *command, const struct layout *layout) {
    const char *const roots[] = {layout->overlay, layout->sysroot};
    const char *last = "/usr/" TRIPLE;
    const char *tree = getenv("RUMPRUN_BUILD_TREE");

    /* Not among the flags of the build, which some sources record. */
    if (tree != NULL && tree[0] != '\0')
        words_add(command, format_text("-ffile-prefix-map=%s=.", tree));

    for (size_t i = layout->overlay == layout->sysroot; i < sizeof(roots) / sizeof(roots[0]); i++) {
        if (strcmp(roots[i], last) != 0)
            words_add(command, format_text("-ffile-prefix-map=%s=%s", roots[i], last));
        words_add(command, format_text("-B%s/lib/", roots[i]));
    }
}

/* A check of autoconf, cmake or meson may ask whether a warning is an error. */
static bool is_check(const struct words *command) {
    static const char *const marks[] = {"conftest.", "CMakeScratch/", "CMakeTmp/", "/meson-private/"};

    for (size_t i = 0; i < command->count; i++)
        for (size_t mark = 0; mark < sizeof(marks) / sizeof(marks[0]); mark++)
            if (strstr(command->items[i], marks[mark]) != NULL)
                return true;
    return false;
}

/* Has the linker write a map, from which the packager learns which archives went into a program;
   returns the map's path, NULL for none. linker is as in recorded.h. */
static const char *add_map(struct words *command, const struct scan *scan, const char *linker) {
    const char *directory = getenv("RUMPRUN_LINK_LOG");
    const char *name = base_name(scan->output ? scan->output : "a.out");
    const char *path;
    struct timespec now;

    if (scan->has_map || scan->relocatable || starts_with(name, "conftest") || is_check(command))
        return NULL;
    if (directory != NULL && directory[0] != '\0') {
        clock_gettime(CLOCK_REALTIME, &now);
        path = format_text("%s/%s.%lld.%09ld.%ld.map", directory, name, (long long)now.tv_sec,
                           now.tv_nsec, (long)getpid());
    } else {
        /* In memory, so that nothing is left behind; the linker inherits the descriptor. */
        int file = memfd_create("map", 0);

        if (file < 0)
            return NULL;
        path = format_text("/proc/self/fd/%d", file);
    }
    words_add(command, format_text("%s-Map=%s", linker, path));
    return path;
}

/* Links, and leaves in the program what went into it, see contributed.h; the exit status. */
static int link_program(const struct layout *layout, const struct words *command,
                        const char *map_path) {
    int status = run(command);
    FILE *map = status == 0 ? fopen(map_path, "re") : NULL;
    char *output = NULL;
    const char *text = map != NULL ? read_contributions(layout, map, &output) : NULL;

    if (text != NULL)
        add_section(output, LINKED_SECTION, text, strlen(text));
    if (map != NULL)
        fclose(map);
    return status;
}

/* RUMPRUN_NO_WERROR: what another libc's headers cause is to be seen, not to stop a build. */
static void soften_warnings(struct words *command) {
    const char *wanted = getenv("RUMPRUN_NO_WERROR");

    if (wanted == NULL || wanted[0] == '\0' || is_check(command))
        return;
    for (size_t i = 1; i < command->count; i++) {
        char *word = command->items[i];

        if (strcmp(word, "-Werror") == 0)
            command->items[i] = format_text("-Wall");
        else if (strncmp(word, "-Werror=", 8) == 0)
            command->items[i] = format_text("-W%s", word + 8);
    }
}

/* The real gcc compiles C++ as well. What g++ adds to a link is added here: it would do so also
   where the library is not there, and knows no -nostdlib++. */
_Noreturn static void run_compiler(const struct layout *layout, const char *name, char *argv[]) {
    enum driver driver = strstr(name, "++") != NULL ? CXX_DRIVER : C_DRIVER;
    bool lacks_cxx = driver == CXX_DRIVER && !has_cxx_library(layout);
    bool is_cpp = strcmp(name, "cpp") == 0;
    struct words command = {0};
    const char *map = NULL;
    struct scan scan;
    bool links;

    for (char **word = argv + 1; *word != NULL; word++)
        if (answer_question(layout, *word))
            exit(0);
    if (driver == CXX_DRIVER && access(REAL("g++"), X_OK) != 0)
        die(REAL("g++") ": %s; install g++", strerror(errno));
    scan = scan_compiler(layout, driver, argv + 1);
    links = scan.inputs.count > 0 && !scan.stops_early && !is_cpp;
    /* musl's libm is empty: the functions are in its libc */
    if (links && driver == CXX_DRIVER && !lacks_cxx && !scan.relocatable &&
        !scan.without_cxx_library)
        words_add(&scan.kept, "-lstdc++");
    if (links)
        check_cxx_library(layout, &scan.inputs);
    if (links && scan.shared) {
        command = translation(layout, "gcc", &scan);
        become_compiler(&command, lacks_cxx);
    }
    words_add(&command, is_cpp ? REAL("cpp") : REAL("gcc"));
    words_add(&command,
              format_text("-specs=%s/usr/lib/rumprun-toolchain/rumprun.specs", layout->root));
    add_directories(&command, layout);
    if (strcmp(name, "c99") == 0)
        words_add(&command, "-std=c99");
    if (links) {
        add_link_words(&command, layout, &scan, "-Wl,");
        map = add_map(&command, &scan, "-Wl,");
    } else {
        add_words(&command, &scan.kept);
    }
    soften_warnings(&command);
    if (map != NULL) {
        int status = link_program(layout, &command, map);

        if (lacks_cxx)
            tell_missing_library(status);
        exit(status);
    }
    become_compiler(&command, lacks_cxx);
}

_Noreturn static void run_linker(const struct layout *layout, char *argv[]) {
    struct scan scan = scan_linker(argv + 1);
    struct words command = {0};
    const char *map;

    check_cxx_library(layout, &scan.inputs);
    if (scan.inputs.count > 0 && scan.shared) {
        command = translation(layout, "ld", &scan);
        become(&command);
    }
    words_add(&command, REAL("ld"));
    words_add(&command, "-nostdlib");
    words_add(&command, "-static");
    add_link_words(&command, layout, &scan, "");
    words_add(&command, format_text("-L%s/lib", layout->overlay));
    words_add(&command, format_text("-L%s/lib", layout->sysroot));
    map = scan.inputs.count > 0 ? add_map(&command, &scan, "") : NULL;
    if (map != NULL)
        exit(link_program(layout, &command, map));
    become(&command);
}

/* --define-prefix: what a .pc file says of /usr/TRIPLE holds for where the file is found. */
_Noreturn static void run_pkg_config(const struct layout *layout, char *argv[]) {
    const char *overlay = layout->overlay;
    const char *own = layout->sysroot;
    struct words command = {0};

    unsetenv("PKG_CONFIG_PATH");
    unsetenv("PKG_CONFIG_SYSROOT_DIR");
    set_variable("PKG_CONFIG_LIBDIR",
                 format_text("%s/lib/pkgconfig:%s/share/pkgconfig:"
                             "%s/lib/pkgconfig:%s/share/pkgconfig",
                             overlay, overlay, own, own));
    /* The compiler searches these anyway, also by the name that they will be installed under. */
    set_variable("PKG_CONFIG_SYSTEM_INCLUDE_PATH",
                 format_text("%s/include:%s/include:/usr/" TRIPLE "/include", overlay, own));
    set_variable("PKG_CONFIG_SYSTEM_LIBRARY_PATH",
                 format_text("%s/lib:%s/lib:/usr/" TRIPLE "/lib", overlay, own));
    words_add(&command, "/usr/bin/pkgconf");
    words_add(&command, "--static");
    words_add(&command, "--define-prefix");
    for (char **word = argv + 1; *word != NULL; word++)
        words_add(&command, *word);
    become(&command);
}

int main(int argc, char *argv[]) {
    struct layout layout = find_layout();
    const char *name = base_name(argc > 0 ? argv[0] : "");
    const char *dash;

    prepare_environment(&layout);
    if (strcmp(name, "pkg-config") == 0 || strstr(name, "-pkg-config") != NULL)
        run_pkg_config(&layout, argv);
    dash = strrchr(name, '-');
    name = dash ? dash + 1 : name;
    if (strcmp(name, "gcc") == 0 || strcmp(name, "cc") == 0 || strcmp(name, "c99") == 0 ||
        strcmp(name, "g++") == 0 || strcmp(name, "c++") == 0 || strcmp(name, "cpp") == 0)
        run_compiler(&layout, name, argv);
    if (strcmp(name, "ld") == 0)
        run_linker(&layout, argv);
    die("%s: unknown name; call it gcc, cc, c99, g++, c++, cpp, ld or pkg-config", name);
}
