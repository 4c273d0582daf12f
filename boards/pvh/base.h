/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What every file of the base uses: assertions, lists, text, and the base's own words on the
 * console.
 *
 * The base runs with interrupts off, on one processor: between two points where it waits, nothing
 * else happens. Interrupts come only while a program runs or the machine is idle; their handlers
 * may use whatever does not wait. So there are no locks.
 */
#ifndef RUMPRUN_BASE_H
#define RUMPRUN_BASE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ARRAY_SIZE(array) (sizeof(array) / sizeof *(array))
#define CONTAINER_OF(pointer, type, member)                                                        \
    ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))

/* Always on: what is wrong here must not go on. */
#define BASE_ASSERT(condition)                                                                     \
    ((condition) ? (void)0 : panic("%s:%d: not so: %s", __FILE__, __LINE__, #condition))

/* Round to a multiple of a power of two. */
static inline uint64_t round_down(uint64_t value, uint64_t unit) { return value & ~(unit - 1); }
static inline uint64_t round_up(uint64_t value, uint64_t unit)
{
    return (value + unit - 1) & ~(unit - 1);
}

/* Of memory: end is the first byte behind it. */
struct range {
    uint64_t start, end;
};

/* A doubly linked list: its head, and a member of each entry. An empty head points to itself. */
struct list {
    struct list *next, *previous;
};

static inline void list_begin(struct list *head) { head->next = head->previous = head; }
static inline bool list_empty(const struct list *head) { return head->next == head; }
static inline void list_add_last(struct list *head, struct list *entry)
{
    entry->next = head;
    entry->previous = head->previous;
    head->previous->next = entry;
    head->previous = entry;
}
static inline void list_add_first(struct list *head, struct list *entry)
{
    list_add_last(head->next, entry);
}
/* The entry is a list of its own then, which may be removed again. */
static inline void list_remove(struct list *entry)
{
    entry->next->previous = entry->previous;
    entry->previous->next = entry->next;
    list_begin(entry);
}
#define LIST_ENTRY(entry, type, member) CONTAINER_OF(entry, type, member)
/* The loop's body may remove the entry it is at. */
#define LIST_EACH(place, head)                                                                     \
    for (struct list *place = (head)->next, *place##_next = place->next; place != (head);          \
         place = place##_next, place##_next = place->next)

/* say.c: the base's own words. */

/* One line "rumprun: ..." on every console there is. */
__attribute__((format(printf, 1, 2))) void say(const char *format, ...);
/* What is wrong, where it was called, then the machine ends. Uses no memory but the stack's. */
__attribute__((format(printf, 1, 2))) _Noreturn void panic(const char *format, ...);
/* Hands the status, 0 to 255, to whoever started the machine, and switches it off. */
_Noreturn void machine_end(int status);

/* text.c: as <string.h> and <stdio.h>; the formats are %c %s %d %i %u %x %X %o %p %%, with 0, -,
   width, precision, and the lengths h, hh, l, ll, z. */

int snprintf(char *buffer, size_t size, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
int vsnprintf(char *buffer, size_t size, const char *format, va_list arguments);
void *memcpy(void *restrict to, const void *restrict from, size_t size);
void *memmove(void *to, const void *from, size_t size);
void *memset(void *to, int byte, size_t size);
int memcmp(const void *one, const void *other, size_t size);
void *memchr(const void *bytes, int byte, size_t size);
size_t strlen(const char *string);
size_t strnlen(const char *string, size_t size);
int strcmp(const char *one, const char *other);
int strncmp(const char *one, const char *other, size_t size);
char *strchr(const char *string, int byte);
char *strrchr(const char *string, int byte);
char *strstr(const char *string, const char *part);
size_t strspn(const char *string, const char *bytes);
size_t strcspn(const char *string, const char *bytes);

/* random.c: bytes that nobody can guess, if the processor has RDRAND; else random_is_weak(). */
void random_fill(void *bytes, size_t size);
bool random_is_weak(void);

#endif
