/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * /proc/xen/xsd_port and xsd_kva, by which a xenstored finds the ring of the domain that it serves
 * first. On Linux that is the xenstored's own domain. Here it is the one that started this: its
 * init-xenstore-domain says "--event PORT" on the command line, and grants its page to us. The
 * words of that line are the xenstored's arguments.
 */
#include "xen/guest.h"

#include "file.h"

static uint32_t port, master;
static bool serves;

/* The number behind a word of the command line; false: there is none. */
static bool option_number(const char *option, uint32_t *number)
{
    const size_t length = strlen(option);
    for (const char *word = start_words; *word; word += strspn(word, " ")) {
        const size_t size = strcspn(word, " ");
        const bool is_option = size == length && memcmp(word, option, length) == 0;
        word += size;
        if (!is_option)
            continue;
        char text[12] = "";
        word += strspn(word, " ");
        memcpy(text, word, MIN(strcspn(word, " "), sizeof text - 1));
        return store_number(text, number);
    }
    return false;
}

/* Whether a word of the command line is for the base. */
static bool is_own(const char *word, size_t size)
{
    static const char *const own[] = {"console=", "rumprun."};
    for (size_t i = 0; i < ARRAY_SIZE(own); i++) {
        if (size >= strlen(own[i]) && memcmp(word, own[i], strlen(own[i])) == 0)
            return true;
    }
    return false;
}

char **xen_store_arguments(char *const *first)
{
    const size_t length = strlen(start_words);
    size_t count = 0;
    while (first[count])
        count++;
    /* A word has a byte, and one between it and the next. */
    const size_t most = count + length / 2 + 2;
    char **all = heap_get(most * sizeof *all + length + 1), *text = (char *)(all + most);
    if (!all)
        return NULL;
    memcpy(all, first, count * sizeof *all);
    for (const char *word = start_words; *word; word += strspn(word, " ")) {
        const size_t size = strcspn(word, " ");
        /* Behind it is a document for the base. */
        if (size == 2 && memcmp(word, "--", 2) == 0)
            break;
        if (size > 0 && !is_own(word, size)) {
            all[count++] = memcpy(text, word, size);
            text[size] = '\0';
            text += size + 1;
        }
        word += size;
    }
    all[count] = NULL;
    return all;
}

bool xen_store_serves(void)
{
    return serves;
}

static size_t write_port(char *text, size_t size)
{
    return (size_t)snprintf(text, size, "%u", port);
}

static int open_page(struct node *node, int flags, struct file **opened)
{
    return grant_file_open_one(node, flags, (domid_t)master, GNTTAB_RESERVED_XENSTORE, opened);
}

static struct proc_file port_file = {.name = "xen/xsd_port", .write = write_port};
static struct proc_file page_file = {.name = "xen/xsd_kva", .open = open_page};

void store_page_begin(void)
{
    if (!option_number("--event", &port))
        return;
    if (!option_number("--master-domid", &master) || master >= DOMID_FIRST_RESERVED)
        master = 0;
    serves = true;
    proc_file_add(&port_file);
    proc_file_add(&page_file);
}
