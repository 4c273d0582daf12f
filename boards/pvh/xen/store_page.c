/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * /proc/xen/xsd_port and xsd_kva, by which a xenstored finds the ring of the domain that it serves
 * first. On Linux that is the xenstored's own domain. Here it is the one that started this: its
 * init-xenstore-domain says "--event PORT" on the command line, and grants its page to us.
 */
#include "xen/guest.h"

#include <errno.h>
#include <sys/mman.h>

#include "file.h"
#include "program.h"

static char port_text[12], master_text[12];
static uint32_t master;

/* The number behind a word of the command line, as text; false: there is none. */
static bool option_number(const char *option, char *text, size_t size, uint32_t *number)
{
    const size_t length = strlen(option);
    for (const char *word = start_words; word && *word; word += strspn(word, " ")) {
        const size_t this = strcspn(word, " ");
        const bool found = this == length && memcmp(word, option, length) == 0;
        word += this;
        if (!found)
            continue;
        word += strspn(word, " ");
        const size_t digits = strcspn(word, " ");
        if (digits >= size)
            return false;
        memcpy(text, word, digits);
        text[digits] = '\0';
        return store_number(text, number);
    }
    return false;
}

static size_t write_port(char *text, size_t size)
{
    return (size_t)snprintf(text, size, "%s", port_text);
}

/* One mapping at a time, of one page. */
struct page_file {
    physical_t frame;
    grant_handle_t handle;
};

static int page_map(struct file *file, struct region *region)
{
    struct page_file *page = file->data;
    const bool write = region->protection & PROT_WRITE;
    if (region->end - region->start != PAGE_SIZE || region->offset != 0 || page->frame ||
        !(region->flags & MAP_SHARED))
        return -EINVAL;
    const physical_t frame = frame_get();
    if (!frame)
        return -ENOMEM;
    const int64_t result =
        grant_map(frame, (domid_t)master, GNTTAB_RESERVED_XENSTORE, !write, &page->handle);
    if (result == 0 && paging_map(region->start, frame, write ? PAGING_WRITE : 0)) {
        page->frame = frame;
        return 0;
    }
    if (result == 0)
        grant_unmap(frame, page->handle);
    frame_put(frame);
    return result == 0 ? -ENOMEM : (int)result;
}

static void page_unmap(struct file *file, struct region *region, uint64_t start, uint64_t end)
{
    (void)region, (void)end;
    struct page_file *page = file->data;
    if (!page->frame)
        return;
    (void)paging_unmap(start, NULL);
    grant_unmap(page->frame, page->handle);
    frame_put(page->frame);
    page->frame = 0;
}

static void page_release(struct file *file)
{
    heap_put(file->data);
}

static const struct file_operations page_operations = {
    .name = "xsd_kva", .map = page_map, .unmap = page_unmap, .release = page_release};

static int page_file_open(struct node *node, int flags, struct file **opened)
{
    struct page_file *page = heap_get(sizeof *page);
    if (!page)
        return -ENOMEM;
    *opened = file_make(&page_operations, node, flags, page);
    if (!*opened)
        heap_put(page);
    return *opened ? 0 : -ENOMEM;
}

static struct proc_file port_file = {.name = "xen/xsd_port", .write = write_port};
static struct proc_file page_file = {.name = "xen/xsd_kva", .open = page_file_open};

void store_page_begin(void)
{
    uint32_t port;
    if (!option_number("--event", port_text, sizeof port_text, &port))
        return;
    if (!option_number("--master-domid", master_text, sizeof master_text, &master) ||
        master >= DOMID_FIRST_RESERVED)
        master = 0;
    proc_file_add(&port_file);
    proc_file_add(&page_file);
}
