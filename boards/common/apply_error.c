/* SPDX-License-Identifier: BSD-2-Clause */
/* Errors: where in the document, and what went wrong. */
#include <stdarg.h>
#include <stdio.h>

#include "apply_parts.h"

void config_apply_at(struct config_apply_error *error, const char *section, const char *key,
                     const char *below)
{
    /* Nodes that only name the way, so that paths look as those of the parser. */
    const struct json_node root = {.type = JSON_OBJECT};
    const struct json_node outer = {.type = JSON_OBJECT, .parent = &root, .key = section};
    const struct json_node inner = {.type = JSON_OBJECT, .parent = &outer, .key = key};
    config_write_path(error->path, key ? &inner : &outer, key ? below : NULL);
    error->message[0] = '\0';
}

bool config_apply_fail(struct config_apply_error *error, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error->message, sizeof error->message, format, arguments);
    va_end(arguments);
    return false;
}
