/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef RUMPRUN_SERIAL_H
#define RUMPRUN_SERIAL_H

/* Finds the ports, which write from then on; needs no memory. */
void serial_begin(void);
/* Lets interrupts tell of what comes in. */
void serial_listen(void);

#endif
