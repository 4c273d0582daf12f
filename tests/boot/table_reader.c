/* SPDX-License-Identifier: BSD-2-Clause */
/* Runs the entrypoint's table reader on the build machine, and prints what it read. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "entrypoint.h"

void console_fail(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    exit(STATUS_OWN_FAILURE);
}

int main(int argc, char **argv)
{
    if (argc != 2)
        return 1;
    static struct table table;
    table_read(argv[1], &table);
    for (size_t i = 0; i < table.count; i++) {
        const struct table_program *program = &table.programs[i];
        printf("%s%c%s%c", program->name, 0, program->path, 0);
        for (char **word = program->argv; *word; word++)
            printf("A%s%c", *word, 0);
        for (char **word = program->env; *word; word++)
            printf("E%s%c", *word, 0);
    }
    return 0;
}
