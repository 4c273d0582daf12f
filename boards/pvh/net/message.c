/* SPDX-License-Identifier: BSD-2-Clause */
/* The parts of a message, in memory of the program. */
#include "socket.h"

static bool move(struct message *message, char *bytes, size_t size, bool put)
{
    while (size && message->part < message->part_count) {
        const struct iovec *part = &message->parts[message->part];
        char *place = (char *)part->iov_base + message->offset;
        const size_t now = MIN(size, part->iov_len - message->offset);
        if (!(put ? copy_bytes(place, bytes, now) : copy_bytes(bytes, place, now)))
            return false;
        bytes += now;
        size -= now;
        message->done += now;
        message->offset += now;
        if (message->offset == part->iov_len) {
            message->part++;
            message->offset = 0;
        }
    }
    return size == 0;
}

bool message_put(struct message *message, const void *bytes, size_t size)
{
    return move(message, (char *)(uintptr_t)bytes, size, true);
}

bool message_get(struct message *message, void *bytes, size_t size)
{
    return move(message, bytes, size, false);
}
