/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * device-model qemu: runs QEMU for the domain that this stub domain is there for.
 * device-model qmp: gives dom0 its monitor, by a channel of libxenvchan.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <xenstore.h>

#include "device_model.h"

#define QEMU "/bin/qemu"
#define PROXY "/bin/vchan-socket-proxy"
/* Of the package seabios, and of ipxe-qemu; the manifest puts them there. */
#define FIRMWARE "/lib/firmware"
#define MONITOR "/run/qmp"

/* libxl's STUBDOM_CONSOLE_SAVE and STUBDOM_CONSOLE_RESTORE. */
#define SAVE "/dev/hvc1"
#define RESTORE "/dev/hvc2"
/* What libxl writes where QEMU is to read a state. */
#define RESTORE_WORD "$STUBDOM_RESTORE_INCOMING_ARG"

#define DOM0 "0"

void fail(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("device-model: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    exit(EXIT_FAILURE);
}

/* What libxl says, and what its protocol leaves to us. */
static void complete(struct words *words)
{
    for (size_t place = 0; place < words->count; place++) {
        if (!strcmp(words->word[place], RESTORE_WORD))
            words->word[place] = text("fd:%d", device_stream(RESTORE, O_RDONLY));
    }
    char *save = text("fd=%d,set=1,opaque=save", device_stream(SAVE, O_WRONLY));
    char *const more[] = {
        "-add-fd", save,
        "-chardev", "socket,id=libxl-cmd,path=" MONITOR ",server=on,wait=off",
        "-mon", "chardev=libxl-cmd,mode=control",
        /* With its last monitor's connection, QEMU would give up the set of descriptors. */
        "-chardev", "file,id=kept,path=/dev/null", "-mon", "chardev=kept,mode=control",
        "-L", FIRMWARE,
    };
    for (size_t place = 0; place < sizeof more / sizeof *more; place++)
        words_add(words, more[place]);
}

_Noreturn static void run(const char *program, struct words *words)
{
    execv(program, words->word);
    fail("cannot run %s: %s", program, strerror(errno));
}

_Noreturn static void run_qemu(struct xs_handle *store)
{
    struct words words = {.count = 0};
    words_add(&words, text("qemu"));
    store_arguments(store, store_target(store), &words);
    xs_close(store);
    device_wait_for_all(&words);
    network_join(&words);
    complete(&words);
    truncate_nothing();
    run(QEMU, &words);
}

_Noreturn static void run_proxy(struct xs_handle *store)
{
    struct words words = {.count = 0};
    words_add(&words, text("vchan-socket-proxy"));
    words_add(&words, text("--mode=server"));
    words_add(&words, text(DOM0));
    words_add(&words, text("device-model/%u/qmp-vchan", store_target(store)));
    words_add(&words, text(MONITOR));
    xs_close(store);
    run(PROXY, &words);
}

int main(int argc, char **argv)
{
    const bool qmp = argc == 2 && !strcmp(argv[1], "qmp");
    if (argc != 2 || !(qmp || !strcmp(argv[1], "qemu"))) {
        fputs("usage: device-model qemu|qmp\n", stderr);
        return 2;
    }
    struct xs_handle *store = xs_open(0);
    if (!store)
        fail("no xenstore: %s", strerror(errno));
    if (qmp)
        run_proxy(store);
    run_qemu(store);
}
