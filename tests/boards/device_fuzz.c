/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The files of Xen's devices are sound, whatever a program, Xen, its store and the other domains do
 * with them, with and without memory: nothing is used after it was given back, and at the end all
 * is given back. Each step is two bytes, and what follows for it; the first says which of steps.
 * By itself device_fuzz FILE plays that, a new machine for each PIECE; with -fsanitize=fuzzer and
 * -DFUZZER it is libFuzzer's.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "device_input.h"

#include <xen/sys/gntalloc.h>

#include "memory_shim.h"
#include "space.h"

#define PIECE 2048u
#define MOST_MAPPED 1500u
#define WINDOW_PAGES 32u
#define FILES 6

void xen_devices_begin(void);
const char *start_words;

static struct slot slots[FILES];
static struct space *const space = &shim_program.space;

static void close_file(struct slot *slot)
{
    if (slot->file)
        file_drop(slot->file);
    *slot = (struct slot){.file = NULL};
}

static void open_file(unsigned kind)
{
    struct slot *slot = &slots[kind % FILES];
    const int flags = take(1) % 8 ? O_RDWR | O_NONBLOCK : O_RDONLY;
    const size_t which = kind / FILES % shim_opener_count;
    if (slot->file && kind / FILES % 4)
        return;
    close_file(slot);
    if (shim_openers[which](NULL, flags, &slot->file) != 0)
        slot->file = NULL;
    /* That of xsd_kva. */
    else if (slot->file->operations->map)
        add_offer(slot, 0, 1);
}

static void ask_one(unsigned kind)
{
    struct slot *slot = &slots[kind % FILES];
    if (slot->file && slot->file->operations->control)
        ask(slot, kind / FILES);
}

static void map(unsigned kind)
{
    struct slot *slot = &slots[kind % (FILES + 1) % FILES];
    struct file *file = kind % (FILES + 1) < FILES ? slot->file : NULL;
    const struct offer wanted = any_offer(slot);
    const uint64_t hint = take(1);
    const int way = hint & 0x80 ? MAP_FIXED : 0;
    const uint64_t to = hint & 0x40 ? 0 : WINDOW + hint % WINDOW_PAGES * PAGE_SIZE;
    const int protection = (int)(hint & 0x20 ? take(1) % 8 : PROT_READ | PROT_WRITE);
    const int sharing = take(1) % 8 ? MAP_SHARED : MAP_PRIVATE;
    if (shim_mapped(0, UINT64_MAX) + wanted.count > MOST_MAPPED)
        return;
    (void)space_map(space, to, (uint64_t)wanted.count * PAGE_SIZE, protection,
                    way | sharing | (file ? 0 : MAP_ANONYMOUS), file, wanted.offset);
}

static void unmap(unsigned kind)
{
    const uint64_t at = any_address();
    (void)space_unmap(space, at, kind % 5 * (uint64_t)PAGE_SIZE);
}

static void protect(unsigned kind)
{
    const uint64_t at = any_address();
    (void)space_protect(space, at, kind / 8 % 4 * (uint64_t)PAGE_SIZE, (int)kind & 7);
}

static void move(unsigned kind)
{
    /* The base counts on its tables there. */
    const unsigned failures = shim_table_failures;
    const uint64_t at = any_address(), size = number();
    const uint64_t to = WINDOW + take(1) % WINDOW_PAGES * PAGE_SIZE;
    shim_table_failures = 0;
    if (size < WINDOW_PAGES)
        (void)space_move(space, at, kind % 4 * (uint64_t)PAGE_SIZE, size * PAGE_SIZE,
                         (int)kind >> 2 & 3, to);
    (void)space_drop(space, at, kind % 4 * (uint64_t)PAGE_SIZE);
    shim_table_failures = failures;
}

/* The program itself. */
static void use(unsigned kind)
{
    uint8_t byte = (uint8_t)kind;
    const uint64_t at = any_address();
    if (at >= 2 * PROGRAM_SLOT_SIZE)
        return;
    if (kind & 1)
        (void)copy_bytes((void *)at, &byte, 1);
    else
        (void)copy_bytes(&byte, (const void *)at, 1);
}

/* A store's message, most of whose strings are the same; its head may be the numbers of ports. */
static void transfer(unsigned kind)
{
    struct file *file = slots[kind % FILES].file;
    struct {
        uint32_t words[4];
        char text[16];
    } message;
    const uint64_t at = argument_address(), size = take(1);
    uint64_t position = 0;
    if (!file || !file->operations->read || at >= 2 * PROGRAM_SLOT_SIZE)
        return;
    for (size_t i = 0; i < ARRAY_SIZE(message.words); i++)
        message.words[i] = number();
    for (size_t i = 0; i < sizeof message.text; i++)
        message.text[i] = "\0001"[i % 2 || take(1) % 4 == 0];
    const size_t whole = sizeof message.words + message.words[3] % (sizeof message.text + 1);
    put_argument(at, &message, sizeof message);
    if (kind & 0x80)
        (void)file->operations->read(file, (void *)at, size, &position);
    else
        (void)file->operations->write(file, (void *)at, size < 200 ? whole : size % 33, &position);
    (void)file->operations->poll(file, NULL);
}

static void receive(unsigned kind)
{
    const uint32_t size = (uint32_t)take(1) % 16, type = number();
    struct store_message *message = heap_get(sizeof *message + size + 1);
    for (uint32_t i = 0; message && i < size; i++)
        message->bytes[i] = (char)(take(1) % 3 ? '0' + number() : 0);
    if (message)
        message->head = (struct store_head){.type = type, .size = size};
    if (kind & 1)
        shim_reply(kind >> 1, message);
    else
        shim_watch_event(kind >> 1, message);
}

static void send(unsigned kind)
{
    shim_send(kind < 250 ? kind % 32 : (evtchn_port_t)take(2) % SHIM_PORTS);
}

static void use_grant(unsigned kind)
{
    shim_use_grant((unsigned)(take(1) & 1 ? take(2) : kind >> 2), (uint16_t)((kind & 3) << 3));
}

static void spoil(unsigned kind)
{
    static const unsigned odds[] = {0, 0, 1, 2, 3, 8, 30, 200};
    const unsigned value = kind >> 2;
    if ((kind & 3) == 0)
        shim_failures = odds[value % 8];
    else if ((kind & 3) == 1)
        shim_table_failures = odds[value % 8];
    else if ((kind & 3) == 2) {
        shim_refused_after = 1 + value % 4;
        shim_refusal = -(int)(1 + value / 4);
    } else if (value >= 60)
        shim_break_store();
    else
        shim_next_port = value < 40 ? value : (evtchn_port_t)take(2);
}

static void play_step(void)
{
    static void (*const steps[])(unsigned) = {
        open_file, open_file, ask_one,  ask_one,  ask_one, ask_one, ask_one, map,  map,
        map,       unmap,     unmap,    protect,  protect, move,    use,     use,  transfer,
        transfer,  transfer,  transfer, transfer, receive, receive, receive, send, use_grant,
        spoil};
    const unsigned which = (unsigned)take(1), kind = (unsigned)take(1);
    steps[which % ARRAY_SIZE(steps)](kind);
    shim_check();
}

/* The command line, of words that mean something and of any bytes. */
static void take_words(void)
{
    static const char *const known[] = {" ", "--event ", "--master-domid ", "--", "console=", "7"};
    static char words[512];
    words[0] = '\0';
    for (uint64_t left = take(1) % 32; left > 0; left--) {
        const unsigned value = (unsigned)take(1);
        const char other[] = {(char)(' ' + value % 95), '\0'};
        const size_t used = strlen(words);
        (void)snprintf(words + used, sizeof words - used, "%s",
                       value < 128 ? known[value % ARRAY_SIZE(known)] : other);
    }
    start_words = words;
}

static void check_arguments(void)
{
    char *first[] = {(char[]){"program"}, NULL};
    char **all = xen_store_arguments(first);
    for (char **one = all; *one; one++)
        BASE_ASSERT(strlen(*one) > 0);
    heap_put(all);
}

static void begin(void)
{
    shim_begin();
    shim_begin_store();
    take_words();
    xen_devices_begin();
    check_arguments();
    (void)space_map(space, ARGUMENTS, ARGUMENTS_SIZE, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, NULL, 0);
}

/* What other domains still used goes with the next request of that kind. */
static void end_shares(void)
{
    struct file *file;
    const struct ioctl_gntalloc_alloc_gref none = {.count = 0};
    for (unsigned i = 0; i < 1 << 12; i++)
        shim_use_grant(i, 0);
    BASE_ASSERT(share_file_open(NULL, O_RDWR, &file) == 0);
    space_begin(space, 1);
    (void)space_map(space, ARGUMENTS, ARGUMENTS_SIZE, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, NULL, 0);
    put_argument(ARGUMENTS, &none, sizeof none);
    (void)file->operations->control(file, IOCTL_GNTALLOC_ALLOC_GREF, ARGUMENTS);
    space_end(space);
    file_drop(file);
}

static void finish(void)
{
    shim_failures = shim_table_failures = shim_refused_after = 0;
    for (unsigned i = 0; i < FILES; i++)
        close_file(&slots[i]);
    shim_check();
    space_end(space);
    shim_check();
    end_shares();
    shim_end_store();
    shim_end();
}

static void play(const uint8_t *bytes, size_t size)
{
    input_begin(bytes, size);
    begin();
    while (input_left())
        play_step();
    finish();
}

#ifdef FUZZER
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    play(data, size);
    return 0;
}
#else
int main(int argc, char **argv)
{
    static uint8_t file[1 << 20];
    FILE *stream = argc == 2 ? fopen(argv[1], "rb") : NULL;
    if (!stream)
        return 2;
    const size_t size = fread(file, 1, sizeof file, stream);
    for (size_t i = 0; i < size; i += PIECE)
        play(file + i, MIN(size - i, PIECE));
    return 0;
}
#endif
