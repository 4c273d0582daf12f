/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files that keep a program's memory tell one another: space*.c, fault.c, load.c. */
#ifndef RUMPRUN_SPACE_H
#define RUMPRUN_SPACE_H

#include "file.h"
#include "program.h"

/* So many pages are the base's: programs meet the end of memory first, and it can say so. */
#define PAGES_KEPT 16u

/* A region that maps itself is not joined with others, moved, or filled by faults. */
static inline bool region_is_device(const struct region *region)
{
    return region->file && region->file->operations->map;
}

/* space.c */

/* The link to the first region that ends above the address. */
struct region **space_place(struct space *space, uint64_t address);
/* What cannot be there now is refused at once; less may be asked for again and again, and not used.
 */
bool space_has_room(const struct space *space, uint64_t size);
/* The flags for a page of the region that is mapped as now says (PAGING_OWNED counts). */
unsigned region_paging(const struct region *region, unsigned now);

/* space_move.c: as mremap(2). */
int64_t space_move(struct space *space, uint64_t address, uint64_t old_size, uint64_t new_size,
                   int flags, uint64_t new_address);
/* Pages of the file from that offset on are gone: nobody keeps one mapped that is the file's. */
void spaces_forget(const struct node *node, uint64_t offset);

/* fault.c: what a fault does, for the base. */

/* Lets the pages of a range come in; false where one cannot. */
bool fault_populate(struct space *space, uint64_t address, uint64_t size);
/* Writes to memory of a program that is not running; NULL are zeros. False where it cannot be. */
bool space_write(struct space *space, uint64_t address, const void *bytes, size_t size);

#endif
