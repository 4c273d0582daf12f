/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef RUMPRUN_RESOLV_H
#define RUMPRUN_RESOLV_H

#include "base.h"

struct config_net;

/* Writes the file that the resolvers of C libraries read: the document's name servers and domains,
   or else what DHCP said; false with a message that says why not. */
bool resolv_write(const struct config_net *net, char *message, size_t size);

#endif
