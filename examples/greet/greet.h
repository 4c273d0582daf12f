/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef GREET_H
#define GREET_H

/* The greeting for a name; the text is valid until the next call. */
const char *greet(const char *name);

#endif
