/* SPDX-License-Identifier: BSD-2-Clause */
/* The console as a terminal: lines that are edited, or bytes as they come. */
#include <sys/ioctl.h>
#include <termios.h>

#include "device.h"
#include "files.h"

/* How many characters may wait to be read. */
#define CELLS 2048u
/* Beside a character: its line ends here; and it ends the file, and is nothing to read itself. */
#define CELL_LAST 0x100u
#define CELL_END 0x200u
#define TENTH 100000000u
#define WRITE_SOME 256u

/* As the kernel's struct termios, which is shorter than the C library's. */
struct modes {
    uint32_t input, output, control, local;
    uint8_t line, characters[19];
};

static struct modes modes = {
    .input = ICRNL,
    .output = OPOST | ONLCR,
    .control = B115200 | CS8 | CREAD | HUPCL | CLOCAL,
    .local = ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN,
    .characters = {[VINTR] = 3, [VQUIT] = 28, [VERASE] = 127, [VKILL] = 21, [VEOF] = 4, [VMIN] = 1,
                   [VSTART] = 17, [VSTOP] = 19, [VSUSP] = 26, [VREPRINT] = 18, [VDISCARD] = 15,
                   [VWERASE] = 23, [VLNEXT] = 22},
};
static struct winsize window;

/* What has come in, counted from the start: up to taken it was read, up to ready it can be, and up
   to end it is a line that is still edited. */
static uint16_t cells[CELLS];
static size_t taken, ready, end;
static struct wait_queue readable;

static void put(const char *bytes, size_t size)
{
    char out[2 * WRITE_SOME];
    size_t length = 0;
    const bool returns = (modes.output & (OPOST | ONLCR)) == (OPOST | ONLCR);
    for (size_t i = 0; i < size; i++) {
        if (bytes[i] == '\n' && returns)
            out[length++] = '\r';
        out[length++] = bytes[i];
    }
    console_write(out, length);
}

static bool is_shown_by_two(uint8_t c)
{
    return (c < ' ' || c == 127) && c != '\t' && c != '\n' && modes.local & ECHOCTL;
}

static void echo(uint8_t c)
{
    const char two[] = {'^', (char)(c ^ 64)}, one = (char)c;
    if (!(modes.local & ECHO) && !(c == '\n' && modes.local & ECHONL && modes.local & ICANON))
        return;
    put(is_shown_by_two(c) ? two : &one, is_shown_by_two(c) ? 2 : 1);
}

static void erase_last(void)
{
    static const char back[] = "\b \b\b \b";
    if (end == ready)
        return;
    const bool two = is_shown_by_two((uint8_t)cells[--end % CELLS]);
    if (modes.local & ECHO && modes.local & ECHOE)
        put(back, two ? 6 : 3);
}

static bool is(uint8_t c, unsigned which)
{
    return c && c == modes.characters[which];
}

/* Puts a character into the line; the last place is for what ends it. */
static void keep(unsigned cell)
{
    if (end - taken < CELLS - (cell & CELL_LAST ? 0 : 1))
        cells[end++ % CELLS] = (uint16_t)cell;
}

static void edit(uint8_t c)
{
    if (is(c, VERASE)) {
        erase_last();
    } else if (is(c, VKILL)) {
        while (end > ready)
            erase_last();
    } else if (is(c, VEOF)) {
        keep(CELL_LAST | CELL_END);
        ready = end;
    } else {
        const bool last = c == '\n' || is(c, VEOL) || is(c, VEOL2);
        echo(c);
        keep(c | (last ? CELL_LAST : 0));
        if (last)
            ready = end;
    }
}

static void take(uint8_t c)
{
    if (c == '\r' && modes.input & IGNCR)
        return;
    if (c == '\r' && modes.input & ICRNL)
        c = '\n';
    else if (c == '\n' && modes.input & INLCR)
        c = '\r';
    if (modes.local & ISIG && (is(c, VINTR) || is(c, VQUIT) || is(c, VSUSP))) {
        /* There are no sessions whose programs it could be for: only the line goes. */
        echo(c);
        end = ready;
    } else if (modes.local & ICANON) {
        edit(c);
    } else {
        echo(c);
        keep(c);
        ready = end;
    }
}

/* From the interrupt of a device. */
static void input(struct console_device *device)
{
    char bytes[64];
    size_t count;
    (void)device;
    const size_t before = ready;
    while ((count = console_read(bytes, sizeof bytes)) > 0) {
        for (size_t i = 0; i < count; i++)
            take((uint8_t)bytes[i]);
    }
    if (ready != before)
        wait_wake_all(&readable);
}

/* How many bytes have to be there for a read to go on, and how long that may take. */
static size_t needed(size_t size)
{
    return modes.local & ICANON ? 1 : MIN((size_t)modes.characters[VMIN], size);
}
static uint64_t patience(void)
{
    return modes.local & ICANON ? 0 : (uint64_t)modes.characters[VTIME] * TENTH;
}

/* Until there is enough, or nothing more is to be waited for; 0 or -errno. */
static int wait_for_input(const struct file *file, size_t size)
{
    const uint64_t first = patience() ? deadline_after(patience()) : WAIT_FOR_EVER;
    while (ready - taken < MAX(needed(size), 1)) {
        const size_t before = ready;
        if (!needed(size) && !patience())
            return 0;
        if (file->flags & O_NONBLOCK)
            return ready > taken ? 0 : -EAGAIN;
        /* With a least number, the time is that between two bytes. */
        const uint64_t deadline = !needed(size)                       ? first
                                  : patience() && ready > taken ? deadline_after(patience())
                                                                : WAIT_FOR_EVER;
        const int result = wait_on(&readable, deadline);
        if (result < 0 && ready == before)
            return result == -ETIMEDOUT || ready > taken ? 0 : result;
    }
    return 0;
}

static int64_t console_file_read(struct file *file, void *bytes, size_t size, uint64_t *position)
{
    (void)position;
    const int result = size ? wait_for_input(file, size) : 0;
    if (result < 0)
        return result;
    size_t done = 0;
    while (done < size && taken < ready) {
        const unsigned cell = cells[taken % CELLS];
        const char c = (char)cell;
        if (!(cell & CELL_END) && !copy_bytes((char *)bytes + done, &c, 1))
            return done ? (int64_t)done : -EFAULT;
        taken++;
        done += !(cell & CELL_END);
        if (cell & CELL_LAST)
            break;
    }
    return (int64_t)done;
}

static int64_t console_file_write(struct file *file, const void *bytes, size_t size,
                                  uint64_t *position)
{
    char some[WRITE_SOME];
    (void)file, (void)position;
    for (size_t done = 0; done < size;) {
        const size_t part = MIN(size - done, sizeof some);
        if (!copy_bytes(some, (const char *)bytes + done, part))
            return done ? (int64_t)done : -EFAULT;
        put(some, part);
        done += part;
    }
    return (int64_t)size;
}

static unsigned console_file_poll(struct file *file, struct poll_watch *watch)
{
    const size_t enough = patience() ? 1 : MAX(needed(SIZE_MAX), 1);
    (void)file;
    poll_add(watch, &readable);
    return POLLOUT | POLLWRNORM | (ready - taken >= enough ? POLLIN | POLLRDNORM : 0u);
}

static void set_modes(const struct modes *next, bool flush)
{
    if (flush)
        taken = ready = end;
    const bool edited = modes.local & ICANON;
    modes = *next;
    /* What had been typed so far can be read at once, without more of it or as a line. */
    if (edited && !(modes.local & ICANON))
        ready = end;
    else if (!edited && modes.local & ICANON && end > taken)
        cells[(end - 1) % CELLS] |= CELL_LAST;
    wait_wake_all(&readable);
}

static int64_t console_file_control(struct file *file, unsigned request, uint64_t argument)
{
    struct modes next;
    const int waiting = (int)(ready - taken), none = 0;
    (void)file;
    switch (request) {
    case TCGETS:
        return copy_out(argument, &modes, sizeof modes) ? 0 : -EFAULT;
    case TCSETS:
    case TCSETSW:
    case TCSETSF:
        if (!copy_in(&next, argument, sizeof next))
            return -EFAULT;
        set_modes(&next, request == TCSETSF);
        return 0;
    case TIOCGWINSZ:
        return copy_out(argument, &window, sizeof window) ? 0 : -EFAULT;
    case TIOCSWINSZ:
        return copy_in(&window, argument, sizeof window) ? 0 : -EFAULT;
    case FIONREAD:
        return copy_out(argument, &waiting, sizeof waiting) ? 0 : -EFAULT;
    /* What is written has left when the call returns. */
    case TIOCOUTQ:
        return copy_out(argument, &none, sizeof none) ? 0 : -EFAULT;
    case TCSBRK:
        return 0;
    case TCFLSH:
        if (argument > TCIOFLUSH)
            return -EINVAL;
        if (argument != TCOFLUSH)
            taken = ready = end;
        return 0;
    default:
        return -ENOTTY;
    }
}

static const struct file_operations console_operations = {
    .name = "console",
    .read = console_file_read,
    .write = console_file_write,
    .poll = console_file_poll,
    .control = console_file_control,
};

int console_open(struct node *node, int flags, struct file **opened)
{
    const char *value;
    *opened = file_make(&console_operations, node, flags, NULL);
    if (!*opened)
        return -ENOMEM;
    if (!console_owner) {
        /* A program reads what is said beside a control channel: a newline stays one. */
        if (start_option("rumprun.control", &value) >= 0)
            modes.output &= (uint32_t)~OPOST;
        console_owner = input;
        input(NULL);
    }
    return 0;
}

struct file *console_file(void)
{
    struct file *file;
    return path_open(path_root, "/dev/console", O_RDWR, 0, &file) == 0 ? file : NULL;
}
