/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * In which order entries start, and whether they ever can: see lib/rumprun/config/order.py, which
 * has the same rules. Sets of entries are bits of a word.
 */
#include <assert.h>
#include <string.h>

#include "config_reader.h"

_Static_assert(CONFIG_ENTRIES <= 64, "a set of entries is 64 bits");

static uint64_t bit(size_t place)
{
    return UINT64_C(1) << place;
}

/* The place of the first entry of that name, or rc->count. */
static size_t find(const struct config_rc *rc, const char *name)
{
    size_t place = 0;
    while (place < rc->count && strcmp(rc->entries[place].name, name) != 0)
        place++;
    return place;
}

/* Names differ; what is in "after" is the name of an entry. */
static bool read_names(struct config_reader *reader, const struct json_node *list,
                       struct config_rc *rc)
{
    size_t place = 0;
    for (const struct json_node *node = list->first; node; node = node->next, place++) {
        struct config_entry *entry = &rc->entries[place];
        struct config_strings names = {0};
        if (find(rc, entry->name) != place) {
            const struct json_node *own = json_member(node, "name");
            return config_refuse(reader, own ? own : json_member(node, "bin"),
                                 "an entry before is called so, too");
        }
        const struct json_node *after = json_member(node, "after");
        if (!config_read_strings(reader, after, 0, CONFIG_ENTRIES, config_is_name,
                                 config_wants_name, &names))
            return false;
        const struct json_node *item = after ? after->first : NULL;
        for (size_t i = 0; i < names.count; i++, item = item->next) {
            const size_t wanted = find(rc, names.items[i]);
            if (wanted == rc->count)
                return config_refuse(reader, item, "no entry is called so");
            entry->after |= bit(wanted);
        }
    }
    return true;
}

static void find_groups(struct config_rc *rc)
{
    for (unsigned i = 0; i < rc->count; i++) {
        const bool piped = i > 0 && rc->entries[i - 1].runmode == CONFIG_PIPE;
        rc->entries[i].group = piped ? rc->entries[i - 1].group : i;
    }
}

/* For each group, the groups that start before it, at once or in the end, and itself. */
static void find_reach(const struct config_rc *rc, uint64_t reach[CONFIG_ENTRIES])
{
    uint64_t ended = 0;
    for (size_t i = 0; i < rc->count; i++)
        reach[i] = bit(i);
    for (size_t i = 0; i < rc->count; i++) {
        const struct config_entry *entry = &rc->entries[i];
        reach[entry->group] |= ended;
        for (size_t j = 0; j < rc->count; j++) {
            if (entry->after & bit(j))
                reach[entry->group] |= bit(rc->entries[j].group);
        }
        if (entry->runmode == CONFIG_WAIT)
            ended |= bit(entry->group);
    }
    for (size_t middle = 0; middle < rc->count; middle++) {
        for (size_t i = 0; i < rc->count; i++) {
            if (reach[i] & bit(middle))
                reach[i] |= reach[middle];
        }
    }
}

/* Refuses an "after" of what waits for the entry's own group. */
static bool check_circles(struct config_reader *reader, const struct json_node *list,
                          const struct config_rc *rc)
{
    uint64_t reach[CONFIG_ENTRIES];
    size_t place = 0;
    find_reach(rc, reach);
    for (const struct json_node *node = list->first; node; node = node->next, place++) {
        const struct json_node *after = json_member(node, "after");
        for (const struct json_node *item = after ? after->first : NULL; item; item = item->next) {
            const size_t wanted = find(rc, item->value.string);
            assert(wanted < rc->count);
            if (reach[rc->entries[wanted].group] & bit(rc->entries[place].group))
                return config_refuse(reader, item, "it starts only after this entry, or with it");
        }
    }
    return true;
}

bool config_read_order(struct config_reader *reader, const struct json_node *list,
                       struct config_rc *rc)
{
    assert(rc->count > 0 && rc->count == list->count);
    if (!read_names(reader, list, rc))
        return false;
    if (rc->entries[rc->count - 1].runmode == CONFIG_PIPE) {
        const struct json_node *last = list->first;
        while (last->next)
            last = last->next;
        return config_refuse(reader, json_member(last, "runmode"),
                             "no entry follows to read the pipe");
    }
    find_groups(rc);
    return check_circles(reader, list, rc);
}
