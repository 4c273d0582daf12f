/* SPDX-License-Identifier: BSD-2-Clause */
/* What gcc is asked about itself (-dumpmachine, -print-...), answered for the target. */
#ifndef RUMPRUN_ANSWER_H
#define RUMPRUN_ANSWER_H

#include <stdbool.h>

#include "paths.h"

/* Prints the answer if word is a question of this kind; false: it is not. */
bool answer_question(const struct layout *layout, const char *word);

/* The file that the real gcc finds for name among its own, such as libgcc.a. */
const char *gcc_file(const char *name);

#endif
