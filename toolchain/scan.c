/* SPDX-License-Identifier: BSD-2-Clause */
#define _GNU_SOURCE
#include "scan.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Options of gcc, other than those handled by name, whose value is the next word. */
static const char *const valued[] = {
    "-x", "-D", "-U", "-A", "-B", "-T", "-u", "-z", "-e", "-G", "-MF", "-MT", "-MQ", "-include",
    "-imacros", "-iprefix", "-isysroot", "-iwithprefix", "-iwithprefixbefore", "-imultilib",
    "-imultiarch", "-aux-info", "-dumpbase", "-dumpbase-ext", "-dumpdir", "-Xassembler",
    "-Xpreprocessor", "--param", "-wrapper", "-specs", "--specs", "--sysroot", "--entry", "-Tbss",
    "-Tdata", "-Ttext", NULL,
};

static const char *const without_link[] = {
    "-c", "-S", "-E", "-M", "-MM", "-fsyntax-only", "--compile", "--assemble", "--preprocess", NULL,
};

static const char *const without_libraries[] = {
    "-nostdlib", "-nodefaultlibs", "-nostdlib++", NULL,
};

static const char *const include_options[] = {"-isystem", "-idirafter", "-iquote", "-I", NULL};

static const char *const linker_valued[] = {
    "A", "architecture", "b", "format", "c", "mri-script", "defsym", "e", "entry", "f",
    "auxiliary", "F", "filter", "h", "soname", "m", "T", "script", "u", "undefined", "y",
    "trace-symbol", "Y", "z", "Tbss", "Tdata", "Ttext", "section-start", "retain-symbols-file",
    "version-script", "dynamic-list", "wrap", "plugin", "plugin-opt", "sort-section", "hash-style",
    "default-script", "dT", "just-symbols", "init", "fini", "assert", "a", "G", "o", "output", "Map",
    NULL,
};

/* A static program takes no libraries at run time: these say where it would. With value. */
static const char *const run_time_options[] = {"rpath-link", "rpath", "dynamic-linker", NULL};

/* All links are static, and none of them may switch to dynamic libraries in between. */
static const char *const static_options[] = {
    "Bstatic", "dn", "non_shared", "static", "Bdynamic", "dy", "call_shared", NULL,
};

enum verdict { KEEP, KEEP_BOTH, DROP, DROP_BOTH, DIRECTORY_NEXT, LIBRARY_NEXT };

static bool is_among(const char *word, const char *const list[]) {
    for (; *list != NULL; list++)
        if (strcmp(word, *list) == 0)
            return true;
    return false;
}

static bool is_regular_file(const char *path) {
    struct stat status;

    return stat(path, &status) == 0 && S_ISREG(status.st_mode);
}

static enum verdict judge_run_time(const char *name) {
    for (size_t i = 0; run_time_options[i] != NULL; i++) {
        size_t length = strlen(run_time_options[i]);

        if (strncmp(name, run_time_options[i], length) == 0) {
            if (name[length] == '=')
                return DROP;
            if (name[length] == '\0')
                return DROP_BOTH;
        }
    }
    return KEEP;
}

static void add_library(struct scan *scan, const char *word) {
    words_add(&scan->inputs, word);
    scan->names_libgcc |= starts_with(word, "-lgcc");
}

/* What becomes of one word that ld itself reads, and what it says about the link. */
static enum verdict judge_linker_word(struct scan *scan, const char *word) {
    const char *name = word + 1;

    if (word[0] != '-' || word[1] == '\0') {
        words_add(&scan->inputs, word);
        return KEEP;
    }
    if (strcmp(word, "-L") == 0 || strcmp(word, "--library-path") == 0)
        return DIRECTORY_NEXT;
    if (strcmp(word, "-l") == 0 || strcmp(word, "--library") == 0)
        return LIBRARY_NEXT;
    if (word[1] == 'L') {
        if (is_host_library(word + 2))
            return DROP;
        words_add(&scan->directories, word + 2);
        return KEEP;
    }
    if (word[1] == 'l') {
        add_library(scan, word);
        return KEEP;
    }
    if (word[1] == 'R' && word[2] != '\0')
        return is_regular_file(word + 2) ? KEEP : DROP;
    if (*name == '-')
        name++;
    if (strcmp(name, "shared") == 0 || strcmp(name, "Bshareable") == 0) {
        scan->shared = true;
        return KEEP;
    }
    scan->relocatable |= strcmp(word, "-r") == 0 || strcmp(word, "-i") == 0 ||
                         strcmp(word, "-Ur") == 0 || strcmp(name, "relocatable") == 0;
    scan->has_map |= starts_with(name, "Map");
    if (is_among(name, static_options))
        return DROP;
    if (is_among(name, linker_valued))
        return KEEP_BOTH;
    return judge_run_time(name);
}

/* What the words that gcc hands to ld one by one mean together: -Wl,-rpath -Wl,/some/where. */
struct linker_state {
    enum verdict about_next;
};

/* The word to pass on in place of word, or NULL. */
static const char *filter_linker_word(struct scan *scan, struct linker_state *state,
                                      const char *word) {
    enum verdict last = state->about_next;

    state->about_next = KEEP;
    if (last == KEEP_BOTH)
        return word;
    if (last == DROP_BOTH)
        return NULL;
    if (last == DIRECTORY_NEXT)
        word = format_text("-L%s", word);
    if (last == LIBRARY_NEXT)
        word = format_text("-l%s", word);
    switch (judge_linker_word(scan, word)) {
    case KEEP:
        return word;
    case KEEP_BOTH:
        state->about_next = KEEP_BOTH;
        return word;
    case DROP:
        return NULL;
    case DROP_BOTH:
        state->about_next = DROP_BOTH;
        return NULL;
    case DIRECTORY_NEXT:
        state->about_next = DIRECTORY_NEXT;
        return NULL;
    case LIBRARY_NEXT:
        state->about_next = LIBRARY_NEXT;
        return NULL;
    }
    return word;
}

/* -Wl,a,b,c without those of its words that ld must not see. */
static void keep_linker_list(struct scan *scan, struct linker_state *state, const char *list) {
    char *text = format_text("%s", list);
    char *result = NULL;
    char *word;

    while ((word = strsep(&text, ",")) != NULL) {
        const char *kept = filter_linker_word(scan, state, word);

        if (kept != NULL)
            result = format_text("%s,%s", result ? result : "-Wl", kept);
    }
    if (result != NULL)
        words_add(&scan->kept, result);
}

/* What one word says about those behind it. */
struct state {
    struct linker_state linker;
    enum driver driver;
    bool guesses_cxx; /* by the file's name: no -x is in force */
};

static void note_language(struct state *state, char *const word[]) {
    const char *language = word[0][2] != '\0' ? word[0] + 2 : word[1];

    if (language != NULL)
        state->guesses_cxx = state->driver == CXX_DRIVER && strcmp(language, "none") == 0;
}

static void keep_pair(struct scan *scan, const char *option, const char *value) {
    words_add(&scan->kept, option);
    words_add(&scan->kept, value);
}

/* -I and its kin and -L, joined or not. The number of words used up; 0: it is none of these. */
static size_t scan_directory(struct scan *scan, const struct layout *layout, char *const word[]) {
    const char *option = NULL;
    const char *value;
    bool joined;

    if (starts_with(word[0], "-L"))
        option = "-L";
    for (size_t i = 0; option == NULL && include_options[i] != NULL; i++)
        if (starts_with(word[0], include_options[i]))
            option = include_options[i];
    if (option == NULL)
        return 0;
    joined = word[0][strlen(option)] != '\0';
    value = joined ? word[0] + strlen(option) : word[1];
    if (value == NULL) {
        words_add(&scan->kept, word[0]); /* the tool says what is missing */
        return 1;
    }
    if (option[1] == 'L' ? !is_host_library(value) : !is_host_include(value)) {
        const char *place = relocate(layout, value);

        if (option[1] == 'L')
            words_add(&scan->directories, place);
        if (joined && place == value)
            words_add(&scan->kept, word[0]);
        else
            keep_pair(scan, option, place);
    }
    return joined ? 1 : 2;
}

/* Options of gcc that this toolchain must know; anything else is passed on as it stands. */
static void scan_option(struct scan *scan, const char *word) {
    if (is_among(word, without_link))
        scan->stops_early = true;
    else if (strcmp(word, "-shared") == 0 || strcmp(word, "--shared") == 0)
        scan->shared = true;
    else if (strcmp(word, "-r") == 0)
        scan->relocatable = true;
    else if (is_among(word, without_libraries))
        scan->without_cxx_library = true;
    else if (starts_with(word, "-o"))
        scan->output = word + 2;
    else if (starts_with(word, "-l"))
        add_library(scan, word);
}

/* The language that g++ has for a file that gcc takes for C, or NULL. */
static const char *cxx_language(const char *path) {
    size_t length = strlen(path);

    if (length < 3 || path[length - 2] != '.')
        return NULL;
    switch (path[length - 1]) {
    case 'c':
        return "c++";
    case 'h':
        return "c++-header";
    case 'i':
        return "c++-cpp-output";
    default:
        return NULL;
    }
}

static void scan_file(struct scan *scan, const struct state *state, const char *path) {
    const char *language = state->guesses_cxx ? cxx_language(path) : NULL;

    words_add(&scan->inputs, path);
    if (language != NULL)
        keep_pair(scan, "-x", language);
    words_add(&scan->kept, path);
    if (language != NULL)
        keep_pair(scan, "-x", "none");
}

/* One word, with its value if it takes one. The number of words used up. */
static size_t scan_word(struct scan *scan, const struct layout *layout, struct state *state,
                        char *const word[]) {
    const char *kept;
    size_t used;

    if (word[0][0] != '-' || word[0][1] == '\0') {
        scan_file(scan, state, word[0]);
        return 1;
    }
    if (starts_with(word[0], "-Wl,")) {
        keep_linker_list(scan, &state->linker, word[0] + strlen("-Wl,"));
        return 1;
    }
    if (starts_with(word[0], "-x"))
        note_language(state, word);
    if ((used = scan_directory(scan, layout, word)) > 0)
        return used;
    if (word[1] == NULL) {
        /* the tool says what is missing */
    } else if (strcmp(word[0], "-Xlinker") == 0) {
        if ((kept = filter_linker_word(scan, &state->linker, word[1])) != NULL)
            keep_pair(scan, "-Xlinker", kept);
        return 2;
    } else if (strcmp(word[0], "-l") == 0) {
        kept = format_text("-l%s", word[1]);
        scan_option(scan, kept);
        words_add(&scan->kept, kept);
        return 2;
    } else if (strcmp(word[0], "-o") == 0) {
        scan->output = word[1];
        keep_pair(scan, "-o", word[1]);
        return 2;
    } else if (is_among(word[0], valued)) {
        keep_pair(scan, word[0], word[1]);
        return 2;
    }
    scan_option(scan, word[0]);
    /* gcc knows it since version 13 */
    if (strcmp(word[0], "-nostdlib++") != 0)
        words_add(&scan->kept, word[0]);
    return 1;
}

struct scan scan_compiler(const struct layout *layout, enum driver driver, char *const words[]) {
    struct scan scan = {0};
    struct words given = {0};
    struct state state = {.driver = driver, .guesses_cxx = driver == CXX_DRIVER};

    while (*words != NULL)
        words_expand(&given, *words++);
    for (size_t i = 0; i < given.count;)
        i += scan_word(&scan, layout, &state, &given.items[i]);
    return scan;
}

struct scan scan_linker(char *const words[]) {
    struct scan scan = {0};
    struct words given = {0};
    struct linker_state state = {KEEP};

    while (*words != NULL)
        words_expand(&given, *words++);
    for (size_t i = 0; i < given.count; i++) {
        const char *kept = filter_linker_word(&scan, &state, given.items[i]);

        if (kept != NULL)
            words_add(&scan.kept, kept);
    }
    return scan;
}
