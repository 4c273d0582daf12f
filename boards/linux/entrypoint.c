/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The first process of the linux board's machine: mounts what programs expect, starts the baked
 * programs as the configuration says, and makes the status of the one that failed the machine's.
 * Every way out ends in console_end().
 */
#include <errno.h>
#include <string.h>
#include <sys/reboot.h>
#include <unistd.h>

#include "crash.h"
#include "entrypoint.h"

int main(int argc, char **argv)
{
    if (getpid() != 1) {
        if (argc == 3 && strcmp(argv[1], CRASH_OPTION) == 0)
            return crash_main(argv[2]);
        static const char refusal[] = "rumprun: the entrypoint is for a machine's first process\n";
        (void)!write(STDERR_FILENO, refusal, sizeof refusal - 1);
        return STATUS_OWN_FAILURE;
    }
    mounts_apply();
    console_open_control();
    crash_arm();
    /* Ctrl-Alt-Del then asks us (SIGINT), instead of resetting the machine under the program. */
    if (reboot(RB_DISABLE_CAD) != 0)
        console_say("Ctrl-Alt-Del stays a reset: %s", strerror(errno));

    static struct table table;
    static struct config config;
    table_read(TABLE_PATH, &table);
    sources_read(&config, &table);
    configuration_apply(&config);
    console_end(start_and_wait(&config, &table));
}
