/* SPDX-License-Identifier: BSD-2-Clause */
/* The section env: the document's variables over those of a program. */
#include <string.h>

#include "apply_parts.h"

/* Whether the string is a variable of that name. */
static bool is_called(const char *variable, const char *name)
{
    const size_t length = strlen(name);
    return strncmp(variable, name, length) == 0 && variable[length] == '=';
}

static bool is_among(char *const *own, const char *name)
{
    for (; *own; own++) {
        if (is_called(*own, name))
            return true;
    }
    return false;
}

/* The document's variable of the string's name, or NULL. */
static const struct config_variable *find(const struct config_env *env, const char *variable)
{
    for (size_t i = 0; i < env->count; i++) {
        if (is_called(variable, env->variables[i].name))
            return &env->variables[i];
    }
    return NULL;
}

void config_measure_env(const struct config_env *env, char *const *own,
                        struct config_environment *result)
{
    size_t count = 1, size = 0;
    for (size_t i = 0; own[i]; i++) {
        const struct config_variable *over = find(env, own[i]);
        size += over ? strlen(over->name) + 1 + strlen(over->value) + 1 : 0;
        count++;
    }
    for (size_t i = 0; i < env->count; i++) {
        const struct config_variable *variable = &env->variables[i];
        if (is_among(own, variable->name))
            continue;
        size += strlen(variable->name) + 1 + strlen(variable->value) + 1;
        count++;
    }
    result->variables_size = count;
    result->text_size = size;
}

/* Room that is left. */
struct room {
    char *text;
    size_t size;
};

/* NAME=VALUE, or NULL where there is too little room. */
static char *write_variable(struct room *room, const struct config_variable *variable)
{
    const size_t name = strlen(variable->name), value = strlen(variable->value);
    if (room->size < 2 || name > room->size - 2 || value > room->size - 2 - name)
        return NULL;
    char *text = room->text;
    memcpy(text, variable->name, name);
    text[name] = '=';
    memcpy(text + name + 1, variable->value, value + 1);
    room->text += name + 1 + value + 1;
    room->size -= name + 1 + value + 1;
    return text;
}

bool config_apply_env(const struct config_env *env, char *const *own,
                      struct config_environment *result, struct config_apply_error *error)
{
    struct room room = {.text = result->text, .size = result->text_size};
    size_t count = 0;
    config_apply_at(error, "env", NULL, NULL);
    for (size_t i = 0; own[i]; i++) {
        const struct config_variable *over = find(env, own[i]);
        char *variable = over ? write_variable(&room, over) : own[i];
        if (!variable || count + 1 >= result->variables_size)
            return config_apply_fail(error, "no room for a program's environment");
        result->variables[count++] = variable;
    }
    for (size_t i = 0; i < env->count; i++) {
        if (is_among(own, env->variables[i].name))
            continue;
        char *variable = write_variable(&room, &env->variables[i]);
        if (!variable || count + 1 >= result->variables_size)
            return config_apply_fail(error, "no room for a program's environment");
        result->variables[count++] = variable;
    }
    if (count >= result->variables_size)
        return config_apply_fail(error, "no room for a program's environment");
    result->variables[count] = NULL;
    return true;
}
