/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Programs: each in a slot of the address space, with its own memory, descriptors and signals.
 *
 * Slot 0 is for one program that says itself where it wants to be (ET_EXEC); the baker places the
 * others at the beginning of slot 1, 2 and so on, in the order of the image's table. A program that
 * runs twice at a time gets any other free slot, where its own start code relocates it.
 */
#ifndef RUMPRUN_PROGRAM_H
#define RUMPRUN_PROGRAM_H

#include <signal.h>
#include <sys/resource.h>

#include "base.h"
#include "thread.h"

struct file;
struct node;

#define PROGRAM_SLOTS 100
#define PROGRAM_SLOT_SIZE ((uint64_t)1 << 40)
#define PROGRAM_STACK_SIZE ((uint64_t)8 << 20)
#define PROGRAM_DESCRIPTORS 1024

/* A range of a program's memory, all of it mapped in the same way. */
struct region {
    struct region *next;
    uint64_t start, end;
    /* PROT_READ and so on; and MAP_SHARED, MAP_STACK and so on. */
    int protection, flags;
    /* What is mapped there, from this offset on; NULL for zeros. */
    struct file *file;
    uint64_t offset;
};

struct space {
    uint64_t start, end;
    struct region *regions, *last_found;
    uint64_t break_start, break_end;
    /* Bytes in all regions. */
    uint64_t mapped;
    /* Pages that belong to the program, and how many it may have. */
    uint64_t pages, most_pages;
};

/* What happens at a signal: as the kernel's struct sigaction on x86-64. */
struct signal_action {
    uint64_t handler, flags, restorer, mask;
};

struct descriptor {
    struct file *file;
    bool close_on_exec;
};

struct program {
    struct list all;
    int id;
    unsigned slot;
    char name[128];
    /* Where its file is in the image. */
    char path[256];
    struct space space;
    /* Where its first stack began: argc, argv and so on; the program may have changed them since.
     */
    uint64_t arguments;
    struct list threads;
    size_t thread_count;
    struct descriptor *descriptors;
    unsigned descriptor_count;
    struct node *directory;
    unsigned umask;
    struct rlimit limits[RLIM_NLIMITS];
    struct signal_action actions[64];
    uint64_t pending;
    struct signal_details *details;
    /* How many siginfo_t wait, of its threads too; and who wants to know of every signal. */
    unsigned details_count;
    struct wait_queue signalled;
    /* When it started, and what its ended threads used, in ticks of cpu_clock(): the clock itself
       may have to be measured first. */
    uint64_t started, ran;
    /* Those of setitimer and timer_create. */
    struct interval *intervals;
    bool ending, ended;
    /* 128 + signal where one ended it. */
    int status, signal;
    /* Woken when it ended. */
    struct wait_queue end;
    uint64_t calls;
};

/* program.c: programs. */

/* What to start: argv and env end with NULL; standard input, output and error are three files,
   each of which gets a reference of its own. */
struct program_request {
    const char *name, *path;
    char *const *argv, *const *env;
    const char *directory;
    struct file *standard[3];
    /* The most memory it may have, in pages; 0: no limit of its own. */
    uint64_t most_pages;
};

/* 0 and the program, which runs at the next opportunity, or -errno. */
int program_start(const struct program_request *request, struct program **started);
/* Puts back what is left of one that has ended. */
void program_forget(struct program *program);
/* All of its threads end at their next opportunity; the calling one at once if it is its own. */
void program_end(struct program *program, int status);
/* The same, by a signal. */
void program_kill(struct program *program, int number);
/* From thread_end(): the current thread of a program is no more; the last one puts back what the
   program had. */
void program_thread_ends(struct thread *thread);
struct program *program_find(int id);
extern struct list programs;
/* Called when a program has ended and all it had is put back; entrypoint.c sets it. */
extern void (*program_on_end)(struct program *program);
/* entry.S */
_Noreturn void program_enter(struct registers *registers);
static inline struct program *program_current(void) { return thread_current->program; }

/* load.c: the program's file. Read like anything that somebody else wrote. */

struct elf;

/* Where the program is, as its auxiliary vector says. */
struct loaded {
    uint64_t entry, headers;
    uint64_t header_count, header_size;
};
/* Reads the headers, and says which slot the program was placed in; 0 or -errno. */
int load_headers(struct file *file, struct elf *elf, unsigned *slot);
/* Maps the segments into the space, which is of that slot, or of any if the program is movable;
   what is in the file follows, page by page, as it is used. 0 or -errno. */
int load_program(struct space *space, struct file *file, const struct elf *elf,
                 struct loaded *loaded);

/* stack.c: what a program finds on its stack when it starts (the ABI's argc, argv, envp, auxv). */
int stack_fill(struct program *program, const struct program_request *request,
               const struct loaded *loaded, uint64_t *pointer);

/* vdso.c: what programs call without entering the base. */

/* Where it is, as AT_SYSINFO_EHDR says it (vdso(7)). */
uint64_t vdso_address(void);
/* Whether that is one of its instructions. */
bool vdso_has(uint64_t address);

/* space.c: a program's memory. */

void space_begin(struct space *space, unsigned slot);
void space_end(struct space *space);
/* Maps as mmap(2) does; the address, or -errno. address 0 lets it choose. The file gets a reference
   of its own. */
int64_t space_map(struct space *space, uint64_t address, uint64_t size, int protection, int flags,
                  struct file *file, uint64_t offset);
int space_unmap(struct space *space, uint64_t address, uint64_t size);
int space_protect(struct space *space, uint64_t address, uint64_t size, int protection);
/* Gives the page there back, so that the next access finds it as at first (MADV_DONTNEED). */
int space_drop(struct space *space, uint64_t address, uint64_t size);
struct region *space_find(struct space *space, uint64_t address);

/* fault.c: a page that is to be there and is not yet. */

enum fault_result {
    FAULT_MENDED,
    FAULT_UNMAPPED,
    FAULT_FORBIDDEN,
    FAULT_NO_MEMORY,
    FAULT_BEYOND_FILE
};
enum fault_result fault_mend(struct space *space, uint64_t address, bool write, bool execute);

/* descriptor.c: a program's open files. */

/* The file, without a reference of its own, or NULL. */
struct file *descriptor_file(unsigned number);
/* The lowest free number from first on gets the file, which is the table's then; or -EMFILE. */
int descriptor_add(struct program *program, struct file *file, unsigned first, bool close_on_exec);
int descriptor_close(struct program *program, unsigned number);
void descriptors_end(struct program *program);

/* signal.c: signals. */

#define SIGNAL_BIT(number) ((uint64_t)1 << ((number)-1))
#define SIGNALS_NEVER_BLOCKED (SIGNAL_BIT(SIGKILL) | SIGNAL_BIT(SIGSTOP))

/* Makes a signal pending; thread NULL: for any of the program's. code and value as in siginfo_t.
   0, or -EAGAIN where so many wait that this one's details would be lost. */
int signal_send(struct program *program, struct thread *thread, const siginfo_t *info);
void signal_send_simple(struct program *program, int number, int code);
/* A fault of the current thread, which its registers tell: a handler or the program's end. */
void signal_fault(struct registers *registers, int number, int code, uint64_t address);
/* Before a program is entered, on the thread's stack, if signal_is_due: ends the thread if it must,
   lets handlers run. registers->error is no longer REGISTERS_CALL then. */
void signal_deliver(struct registers *registers);
static inline bool signal_is_due(const struct thread *thread)
{
    return ((thread->pending | thread->program->pending) & ~thread->blocked) != 0 ||
           thread->restore_blocked || thread->must_end;
}
/* Takes one of the set (bit 0 is signal 1) that is pending for the current thread; 0: there is
   none. What waits for one is in program->signalled. */
int signal_take(uint64_t set, siginfo_t *info);
bool signal_is_ignored(const struct program *program, int number);
/* If a signal of that timer_create timer is still pending: counts so many more, and says so. */
bool signal_count_overrun(struct program *program, struct thread *thread, int timer, int more);
/* Nothing of that number is pending any more. */
void signal_flush(struct program *program, int number);
/* Blocks other signals during a wait (ppoll, pselect6, epoll_pwait); with the wait's result, what
   was blocked before is blocked again, after the handler has run. */
void signal_mask_for_wait(uint64_t blocked);
void signal_mask_after_wait(int64_t result);
/* Whether the thread has one pending that is not blocked or ignored. */
bool signal_waits(const struct thread *thread);
void signals_forget(struct signal_details **details);
/* How many stop signals nobody obeyed. */
extern uint64_t signal_stops;

/* signal_frame.c: what a handler finds on its stack. False where there is no room. */
bool signal_frame_make(struct registers *registers, const struct signal_action *action,
                       const siginfo_t *info, uint64_t blocked);
/* What rt_sigreturn does: false if it is nothing that could be continued. */
bool signal_frame_load(struct registers *registers);
/* Linux's smallest stack for handlers; and SS_ONSTACK, SS_DISABLE or 0. */
#define SIGNAL_STACK_LEAST 2048u
int signal_stack_state(const struct thread *thread, uint64_t stack_pointer);

/* sys_timer.c: a program that ends has no timers. */
void intervals_end(struct program *program);

/* futex.c: words that threads of a program wait at. */

int futex_wake_address(uint64_t address, unsigned most);
/* What a thread leaves behind: the word to clear, robust futexes. */
void futex_thread_ends(struct thread *thread);

#endif
