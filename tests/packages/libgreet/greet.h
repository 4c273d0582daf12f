/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef GREET_H
#define GREET_H

/* The greeting for NAME, in a static buffer. */
const char *greeting(const char *name);

#endif
