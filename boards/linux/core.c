/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A core as Linux writes it (fs/binfmt_elf.c) and as gdb does: ELF header, program headers, and
 * the notes of the first PT_NOTE. It comes through a pipe, so it is read from front to back, and
 * all sizes in it are bounded by what the headers before them allow.
 */
#include <elf.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/procfs.h>
#include <unistd.h>

#include "core.h"

/* The headers before the notes; a core of Linux has them in the first of 65535 at most. */
#define HEADER_LIMIT (65535u * sizeof(Elf64_Phdr))

/* What remains of the part that is being read. */
struct input {
    int descriptor;
    uint64_t left;
};

static int take(struct input *input, void *to, size_t size)
{
    char *next = to;
    if (size > input->left)
        return -1;
    input->left -= size;
    while (size > 0) {
        const ssize_t got = read(input->descriptor, next, size);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return -1;
        next += got;
        size -= (size_t)got;
    }
    return 0;
}

static int skip(struct input *input, uint64_t size)
{
    char unused[4096];
    while (size > 0) {
        const size_t part = size < sizeof unused ? (size_t)size : sizeof unused;
        if (take(input, unused, part) != 0)
            return -1;
        size -= part;
    }
    return 0;
}

/* Goes to the notes, and bounds the input by their size. */
static int find_notes(struct input *input)
{
    Elf64_Ehdr header;
    Elf64_Phdr segment;
    uint64_t position = sizeof header;

    if (take(input, &header, sizeof header) != 0 ||
        memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 || header.e_ident[EI_CLASS] != ELFCLASS64 ||
        header.e_type != ET_CORE || header.e_machine != EM_X86_64 ||
        header.e_phoff != sizeof header || header.e_phentsize != sizeof segment)
        return -1;
    for (unsigned i = 0; i < header.e_phnum; i++) {
        if (take(input, &segment, sizeof segment) != 0)
            return -1;
        position += sizeof segment;
        if (segment.p_type != PT_NOTE)
            continue;
        if (segment.p_offset < position || segment.p_offset - position > HEADER_LIMIT ||
            skip(input, segment.p_offset - position) != 0)
            return -1;
        input->left = segment.p_filesz;
        return 0;
    }
    return -1;
}

static void take_thread(const struct elf_prstatus *status, struct core *core)
{
    if (core->thread_count < CORE_THREADS) {
        struct core_thread *thread = &core->threads[core->thread_count];
        thread->id = status->pr_pid;
        _Static_assert(sizeof thread->registers == sizeof status->pr_reg, "the same registers");
        memcpy(&thread->registers, &status->pr_reg, sizeof thread->registers);
    }
    if (core->thread_count == 0 && core->signal == 0)
        core->signal = status->pr_cursig;
    core->thread_count++;
}

static void take_cause(const siginfo_t *info, struct core *core)
{
    core->signal = info->si_signo;
    core->code = info->si_code;
    core->address = (uint64_t)(uintptr_t)info->si_addr;
    core->sender = info->si_pid;
}

static int take_auxiliary(struct input *input, uint64_t size, struct core *core)
{
    Elf64_auxv_t entry;
    for (; size >= sizeof entry; size -= sizeof entry) {
        if (take(input, &entry, sizeof entry) != 0)
            return -1;
        if (entry.a_type == AT_PHDR)
            core->program_headers = entry.a_un.a_val;
        if (entry.a_type == AT_SYSINFO_EHDR)
            core->vdso = entry.a_un.a_val;
    }
    return skip(input, size);
}

static int take_content(struct input *input, const Elf64_Nhdr *note, struct core *core)
{
    union {
        struct elf_prstatus status;
        siginfo_t info;
    } content;

    if (note->n_type == NT_PRSTATUS && note->n_descsz == sizeof content.status) {
        if (take(input, &content.status, sizeof content.status) != 0)
            return -1;
        take_thread(&content.status, core);
        return 0;
    }
    /* gdb writes one a thread; that of the signal is the first. */
    if (note->n_type == NT_SIGINFO && note->n_descsz == sizeof content.info && !core->code) {
        if (take(input, &content.info, sizeof content.info) != 0)
            return -1;
        take_cause(&content.info, core);
        return 0;
    }
    if (note->n_type == NT_AUXV)
        return take_auxiliary(input, note->n_descsz, core);
    return skip(input, note->n_descsz);
}

int core_read(int descriptor, struct core *core)
{
    struct input input = {.descriptor = descriptor, .left = sizeof(Elf64_Ehdr) + HEADER_LIMIT * 2};
    Elf64_Nhdr note;

    memset(core, 0, sizeof *core);
    if (find_notes(&input) != 0)
        return -1;
    /* Names and contents are filled up to multiples of 4 bytes. A cut core keeps what it has. */
    while (input.left >= sizeof note && take(&input, &note, sizeof note) == 0) {
        if (skip(&input, ((uint64_t)note.n_namesz + 3) & ~UINT64_C(3)) != 0 ||
            take_content(&input, &note, core) != 0 ||
            skip(&input, -(uint64_t)note.n_descsz & 3) != 0)
            break;
    }
    return core->thread_count > 0 ? 0 : -1;
}
