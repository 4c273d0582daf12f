/* SPDX-License-Identifier: BSD-2-Clause */
/* What the machine says, and how it ends. */
#define _DEFAULT_SOURCE
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/reboot.h>
#include <termios.h>
#include <unistd.h>

#include "crash.h"
#include "entrypoint.h"

/* The word on the kernel command line that names the control channel's device below /dev. */
#define CONTROL_OPTION "rumprun.control="

/* How long the last words may take to leave the machine. */
#define DRAIN_SECONDS 10

static int control = -1;

/* Opens a terminal and makes it pass bytes unchanged; -1 where there is none behind the name. */
static int open_raw(const char *path)
{
    struct termios modes;
    const int fd = open(path, O_WRONLY | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return -1;
    /* A serial port without hardware behind it opens, and then answers EIO here. */
    if (tcgetattr(fd, &modes) != 0) {
        close(fd);
        return -1;
    }
    cfmakeraw(&modes);
    modes.c_cflag |= CLOCAL;
    if (tcsetattr(fd, TCSANOW, &modes) != 0 || fcntl(fd, F_SETFL, 0) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

void console_open_control(void)
{
    char line[4096], path[64];
    const int fd = open("/proc/cmdline", O_RDONLY | O_CLOEXEC);
    const ssize_t length = fd < 0 ? -1 : read(fd, line, sizeof line - 1);
    if (fd >= 0)
        close(fd);
    if (length <= 0)
        return;
    line[length] = '\0';
    char *rest;
    for (char *word = strtok_r(line, " \n", &rest); word; word = strtok_r(NULL, " \n", &rest)) {
        if (strncmp(word, CONTROL_OPTION, sizeof CONTROL_OPTION - 1) != 0)
            continue;
        const char *name = word + sizeof CONTROL_OPTION - 1;
        if (snprintf(path, sizeof path, "/dev/%s", name) >= (int)sizeof path)
            return;
        control = open_raw(path);
    }
    if (control < 0)
        return;
    /* A program reads this console, not a terminal: a newline stays a newline. */
    struct termios modes;
    if (tcgetattr(STDOUT_FILENO, &modes) == 0) {
        modes.c_oflag &= (tcflag_t)~OPOST;
        tcsetattr(STDOUT_FILENO, TCSADRAIN, &modes);
    }
}

__attribute__((format(printf, 1, 0))) static void say(const char *format, va_list arguments)
{
    static const char prefix[] = "rumprun: ";
    char line[512];
    const size_t room = sizeof line - sizeof prefix;
    memcpy(line, prefix, sizeof prefix);
    int length = vsnprintf(line + sizeof prefix - 1, room, format, arguments);
    if (length < 0)
        return;
    if ((size_t)length >= room)
        length = (int)room - 1;
    line[sizeof prefix - 1 + (size_t)length] = '\n';
    (void)file_write(STDOUT_FILENO, line, sizeof prefix + (size_t)length);
}

void console_say(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    say(format, arguments);
    va_end(arguments);
}

void console_fail(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    say(format, arguments);
    va_end(arguments);
    console_end(STATUS_OWN_FAILURE);
}

/*
 * Without ACPI or Xen the kernel can only halt, which nobody outside notices. A reset ends such a
 * virtual machine as well: Firecracker and QEMU's -no-reboot take it for the end.
 */
static void switch_off(void)
{
    const int can_power_off =
        access("/sys/firmware/acpi", F_OK) == 0 || access("/sys/hypervisor/type", F_OK) == 0;
    reboot(can_power_off ? RB_POWER_OFF : RB_AUTOBOOT);
}

/* The console is still stuck: leave the rest unsaid. */
static void out_of_time(int number)
{
    (void)number;
    switch_off();
}

void console_end(int status)
{
    /* Every wait below ends with this alarm: a terminal that nobody reads can block for ever. */
    const struct sigaction action = {.sa_handler = out_of_time};
    sigset_t alarm_only;
    sigemptyset(&alarm_only);
    sigaddset(&alarm_only, SIGALRM);
    sigprocmask(SIG_UNBLOCK, &alarm_only, NULL);
    sigaction(SIGALRM, &action, NULL);
    alarm(DRAIN_SECONDS);

    /* A report of what crashed meanwhile comes whole. */
    crash_wait();
    if (crash_memory_ran_out())
        console_say("a process was killed, because the machine ran out of memory");
    /* What the program left running has no part in the machine's last words. */
    kill(-1, SIGKILL);
    sync();
    if (control < 0) {
        console_say("exit status %d", status);
        tcdrain(STDOUT_FILENO);
    } else {
        char line[64];
        const int length = snprintf(line, sizeof line, "rumprun-exit %d end\n", status);
        tcdrain(STDOUT_FILENO);
        (void)file_write(control, line, (size_t)length);
        tcdrain(control);
        /* The kernel announces the power-off with its highest level, after these last words. */
        (void)file_set("/proc/sys/kernel/printk", "0\n");
    }
    switch_off();
    /* Only where the kernel refuses: the end of the first process is a panic. */
    _exit(STATUS_OWN_FAILURE);
}
