/* SPDX-License-Identifier: BSD-2-Clause */
/* The first process of the lab's dom0: it sets up the machine and runs what the host asks for. */
#ifndef RUMPRUN_LAB_AGENT_H
#define RUMPRUN_LAB_AGENT_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "frame.h"

/* Ports of one name and a digit each, so that so many hosts' processes can be at work. */
#define CHANNELS 4
#define PORT_NAME "rumprun.lab."

/* At a time, of all channels. */
#define JOBS 64

enum lab_state { LAB_STARTING = 0, LAB_READY = 1, LAB_FAILED = 2 };

/* setup.c: file systems, modules, and what a program may count on; false where that fails. */
bool setup_machine(void);
/* The ports' descriptors, in order; false where they do not appear. */
bool setup_ports(int ports[CHANNELS]);
/* A line for the hypervisor's console. */
void setup_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* channel.c: a connection with the host. */
void channel_open(unsigned index, int port);
/* What to wait for. Without a host, a port is ready all the time: it is looked at now and then. */
void channel_poll(unsigned index, struct pollfd *wait, bool look);
void channel_serve(unsigned index, const struct pollfd *wait);
/* Whether a whole frame has room, and one there; the caller has asked. */
bool channel_has_room(unsigned index);
void channel_send(unsigned index, uint8_t type, uint32_t job, const void *payload, size_t length);
/* Tells all that are connected. */
void channel_announce(enum lab_state state);

/* job.c: commands. Frames are from the host and have been checked for their length only. */
void job_input(unsigned channel, const struct frame *frame);
void job_start(unsigned channel, const struct frame *frame);
void job_kill(unsigned channel, const struct frame *frame);
void job_size(unsigned channel, const struct frame *frame);
/* Ends all jobs of a channel, and forgets them. */
void job_end_all(unsigned channel);
/* A child has ended, which may be a job. */
void job_reap(pid_t process, int status);
/* What to wait for: so many of the entries are used. */
nfds_t job_poll(struct pollfd wait[2 * JOBS]);
/* Passes on what jobs have written, as far as there is room for it. */
void job_serve(void);

#endif
