/* SPDX-License-Identifier: BSD-2-Clause */
/* Xen, its store and a program's memory, as far as the files of Xen's devices meet them. */
#ifndef DEVICE_SHIM_H
#define DEVICE_SHIM_H

#include "file.h"
#include "program.h"
#include "xen/guest.h"

#define SHIM_OPENERS 8
#define SHIM_PORTS 4096u

/* The one program. */
extern struct program shim_program;
/* What can be opened, in the order in which it was added. */
extern int (*shim_openers[SHIM_OPENERS])(struct node *, int, struct file **);
extern size_t shim_opener_count;
/* The call into Xen after so many is refused so; 0: none is. */
extern unsigned shim_refused_after;
extern int shim_refusal;
/* The next port that Xen gives, if it is free. */
extern evtchn_port_t shim_next_port;
/* A program's own calls, whose arguments are nobody's business: what Xen answers. */
extern bool shim_is_own_call;
extern int64_t shim_answer;

/* All is as when the machine starts; and as it has to be when nothing is open any more. */
void shim_begin(void);
void shim_end(void);
/* What holds whenever no call is running. */
void shim_check(void);

/* An event comes in. */
void shim_send(evtchn_port_t port);
/* The other domain begins or ends to use what it was granted: a number among all grants. */
void shim_use_grant(unsigned number, uint16_t flags);

/* device_store.c: the client of the xenstore. */

/* As shim_begin and shim_end, which do not call these. */
void shim_begin_store(void);
void shim_end_store(void);
/* The store's answer to one of the requests that wait; message NULL: there was no memory for it. */
void shim_reply(unsigned number, struct store_message *message);
/* One of the watches sees something; the message is the watch's. */
void shim_watch_event(unsigned number, struct store_message *message);
/* The connection to the store breaks at its next use. */
void shim_break_store(void);

#endif
