/* SPDX-License-Identifier: BSD-2-Clause */
#define _GNU_SOURCE
#include "paths.h"

#include <limits.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "words.h"

#define INSTALLED_PREFIX "/usr/" TRIPLE
#define DRIVER_BELOW_ROOT "/usr/lib/rumprun-toolchain/driver"

static const char *const host_includes[] = {
    "/usr/include",
    "/usr/include/" HOST,
    "/usr/local/include",
    "/usr/local/include/" HOST,
    NULL,
};

static const char *const host_libraries[] = {
    "/lib",
    "/lib64",
    "/lib/" HOST,
    "/usr/lib",
    "/usr/lib64",
    "/usr/lib/" HOST,
    "/usr/local/lib",
    "/usr/local/lib/" HOST,
    NULL,
};

struct layout find_layout(void) {
    struct layout layout;
    const char *overlay = getenv("RUMPRUN_SYSROOT");
    char path[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", path, sizeof(path) - 1);
    size_t below = strlen(DRIVER_BELOW_ROOT);

    if (length < 0)
        die("/proc/self/exe cannot be read; mount /proc");
    path[length] = '\0';
    if ((size_t)length < below || strcmp(path + (size_t)length - below, DRIVER_BELOW_ROOT) != 0)
        die("%s: not in a directory usr/lib/rumprun-toolchain; move the whole tree", path);
    layout.root = format_text("%.*s", (int)((size_t)length - below), path);
    layout.sysroot = format_text("%s" INSTALLED_PREFIX, layout.root);
    layout.overlay = overlay != NULL && overlay[0] != '\0' ? overlay : layout.sysroot;
    return layout;
}

/* Equal but for doubled and trailing slashes and for "." components. */
static bool same_directory(const char *given, const char *plain) {
    while (*given != '\0') {
        if (given[0] == '/' && (given[1] == '/' || given[1] == '\0'))
            given++;
        else if (given[0] == '/' && given[1] == '.' && (given[2] == '/' || given[2] == '\0'))
            given += 2;
        else if (*given++ != *plain++)
            return false;
    }
    return *plain == '\0';
}

static bool is_listed(const char *directory, const char *const list[]) {
    if (directory[0] != '/')
        return false;
    for (; *list != NULL; list++)
        if (same_directory(directory, *list))
            return true;
    return false;
}

bool is_host_include(const char *directory) {
    return is_listed(directory, host_includes);
}

bool is_host_library(const char *directory) {
    return is_listed(directory, host_libraries);
}

const char *relocate(const struct layout *layout, const char *directory) {
    const char *below = directory + strlen(INSTALLED_PREFIX);
    const char *place;

    if (!starts_with(directory, INSTALLED_PREFIX) || (*below != '/' && *below != '\0'))
        return directory;
    place = format_text("%s%s", layout->overlay, below);
    if (access(place, F_OK) == 0)
        return place;
    place = format_text("%s%s", layout->sysroot, below);
    return access(place, F_OK) == 0 ? place : directory;
}
