/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Says whether an image is for the hypervisor that runs. Xen's domctl interface changes from
 * release to release, and calls of another version are refused with EACCES before anything else
 * (do_domctl in xen/common/domctl.c): so the running one is asked by a call that changes nothing.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zlib.h>

#define __XEN_TOOLS__
#include <xen/domctl.h>
#include <xen/sys/privcmd.h>

/* EX_DIFFERS: the image is for another hypervisor. EX_TROUBLE: that cannot be told. */
enum { EX_FITS, EX_DIFFERS, EX_TROUBLE };

/* More than an image has, even with an initramfs; it is unpacked into memory. */
#define LONGEST (256u << 20)
/* Versions count up by one, and Xen 4.20 has 0x17. */
#define NEWEST 0xffu
#define PAGE 4096u

/* As in toolchain/xen-abi.h. */
static const char owner[8] = "rumprun";
#define KIND 1u

static int trouble(const char *name, const char *what)
{
    (void)fprintf(stderr, "rumprun-check-xen: %s: %s\n", name, what);
    return EX_TROUBLE;
}

/* The file, unpacked where gzip has packed it; NULL with errno. */
static uint8_t *read_file(const char *name, size_t *size)
{
    size_t room = 1u << 20;
    uint8_t *bytes = NULL;
    errno = 0;
    gzFile file = gzopen(name, "rb");
    *size = 0;
    for (int got = 1; file && got > 0;) {
        uint8_t *larger = room <= LONGEST ? realloc(bytes, room) : NULL;
        if (!larger) {
            errno = room <= LONGEST ? ENOMEM : EFBIG;
            break;
        }
        bytes = larger;
        got = gzread(file, bytes + *size, (unsigned)(room - *size));
        if (got < 0 && errno == 0)
            errno = EIO;
        *size += got > 0 ? (size_t)got : 0;
        room = *size == room ? 2 * room : room;
    }
    int error = errno;
    /* Z_BUF_ERROR: it ends early. */
    if (file && gzclose(file) == Z_BUF_ERROR && !error)
        error = EIO;
    if (error) {
        free(bytes);
        bytes = NULL;
        errno = error;
    }
    return bytes;
}

/* Whether the notes have ours: then *version is what it says, 0 for any hypervisor. */
static bool find_in_notes(const uint8_t *notes, size_t size, uint32_t *version)
{
    Elf64_Nhdr head;
    for (size_t at = 0; size - at >= sizeof head;) {
        memcpy(&head, notes + at, sizeof head);
        at += sizeof head;
        const uint64_t name = ((uint64_t)head.n_namesz + 3) & ~3ull;
        const uint64_t text = ((uint64_t)head.n_descsz + 3) & ~3ull;
        if (name + text > size - at)
            return false;
        if (head.n_namesz == sizeof owner && memcmp(notes + at, owner, sizeof owner) == 0 &&
            head.n_type == KIND && head.n_descsz == sizeof *version) {
            memcpy(version, notes + at + name, sizeof *version);
            return true;
        }
        at += (size_t)(name + text);
    }
    return false;
}

/* NULL, or what is wrong. */
static const char *find_version(const uint8_t *bytes, size_t size, uint32_t *version)
{
    Elf64_Ehdr head;
    if (size < sizeof head || memcmp(bytes, ELFMAG, SELFMAG) != 0 ||
        bytes[EI_CLASS] != ELFCLASS64 || bytes[EI_DATA] != ELFDATA2LSB)
        return "no ELF file of 64 bits";
    memcpy(&head, bytes, sizeof head);
    for (unsigned i = 0; i < head.e_phnum; i++) {
        Elf64_Phdr part;
        if (head.e_phentsize != sizeof part || head.e_phoff > size ||
            (i + 1) * sizeof part > size - head.e_phoff)
            return "its program headers are damaged";
        memcpy(&part, bytes + head.e_phoff + i * sizeof part, sizeof part);
        if (part.p_type != PT_NOTE)
            continue;
        if (part.p_offset > size || part.p_filesz > size - part.p_offset)
            return "its notes are damaged";
        if (find_in_notes(bytes + part.p_offset, (size_t)part.p_filesz, version))
            return NULL;
    }
    return "no image of rumpdeb: it does not say which hypervisor it is for";
}

/* Memory that the hypervisor may read and write: the kernel keeps it where it is. */
static struct xen_domctl *call_memory(void)
{
    _Static_assert(sizeof(struct xen_domctl) <= PAGE, "a call fits into a page");
    const int file = open("/dev/xen/hypercall", O_RDWR | O_CLOEXEC);
    const int flags = file < 0 ? MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED : MAP_SHARED;
    void *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, flags, file, 0);
    if (file >= 0)
        (void)close(file);
    return page == MAP_FAILED ? NULL : page;
}

/* Asks who the first domain is. 0, or an error: EACCES means that another version is spoken. */
static int try_version(int file, struct xen_domctl *call, uint32_t version)
{
    memset(call, 0, PAGE);
    call->cmd = XEN_DOMCTL_getdomaininfo;
    call->interface_version = version;
    privcmd_hypercall_t request = {.op = __HYPERVISOR_domctl, .arg = {(uintptr_t)call}};
    return ioctl(file, IOCTL_PRIVCMD_HYPERCALL, &request) < 0 ? errno : 0;
}

static int differs(const char *name, uint32_t wanted, int file, struct xen_domctl *call)
{
    for (uint32_t version = 1; version <= NEWEST; version++) {
        if (try_version(file, call, version) == EACCES)
            continue;
        (void)fprintf(stderr,
                      "rumprun-check-xen: %s: for Xen with domctl interface %#x, and the running "
                      "one has %#x; install the image for that\n",
                      name, wanted, version);
        return EX_DIFFERS;
    }
    return trouble(name, "the running hypervisor does not say which domctl interface it has");
}

static int check(const char *name, uint32_t wanted)
{
    const int file = open("/dev/xen/privcmd", O_RDWR | O_CLOEXEC);
    if (file < 0)
        return trouble("/dev/xen/privcmd", errno == ENOENT ? "not there: no domain of Xen runs this"
                                                           : strerror(errno));
    struct xen_domctl *call = call_memory();
    if (!call)
        return trouble(name, strerror(errno));
    const int error = try_version(file, call, wanted);
    if (error == EACCES)
        return differs(name, wanted, file, call);
    return error ? trouble("the hypervisor", strerror(error)) : EX_FITS;
}

int main(int argc, char **argv)
{
    if (argc != 2 || argv[1][0] == '-') {
        const bool help = argc == 2 && strcmp(argv[1], "--help") == 0;
        (void)fprintf(help ? stdout : stderr, "usage: rumprun-check-xen IMAGE\n"
                      "see whether the hypervisor that runs is the one that IMAGE is for\n");
        return help ? EX_FITS : EX_TROUBLE;
    }
    size_t size;
    uint32_t version = 0;
    uint8_t *bytes = read_file(argv[1], &size);
    if (!bytes)
        return trouble(argv[1], strerror(errno));
    const char *wrong = find_version(bytes, size, &version);
    free(bytes);
    if (wrong)
        return trouble(argv[1], wrong);
    return version ? check(argv[1], version) : EX_FITS;
}
