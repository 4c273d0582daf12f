/* SPDX-License-Identifier: BSD-2-Clause */
/* A port of the virtio console: frames in, frames out, and no more kept than a few of them. */
#include "agent.h"

#include <string.h>
#include <unistd.h>

#define PENDING (8 * FRAME_WIRE)
#define NONCE_SIZE 8

static struct channel {
    int port;
    /* No frame is sent to a host that has not said hello; away: there is none. */
    bool welcome, away;
    struct frame_reader reader;
    size_t pending;
    unsigned char out[PENDING];
} channels[CHANNELS];

static enum lab_state lab_state = LAB_STARTING;

void channel_open(unsigned index, int port)
{
    channels[index].port = port;
}

void channel_poll(unsigned index, struct pollfd *wait, bool look)
{
    const struct channel *channel = &channels[index];
    wait->fd = look || !channel->away ? channel->port : -1;
    wait->events = channel->pending ? POLLIN | POLLOUT : POLLIN;
    wait->revents = 0;
}

bool channel_has_room(unsigned index)
{
    return channels[index].pending + FRAME_WIRE <= PENDING;
}

static void flush(struct channel *channel)
{
    size_t sent = 0;
    while (sent < channel->pending) {
        const ssize_t count = write(channel->port, channel->out + sent, channel->pending - sent);
        if (count <= 0)
            break;
        sent += (size_t)count;
    }
    memmove(channel->out, channel->out + sent, channel->pending - sent);
    channel->pending -= sent;
}

void channel_send(unsigned index, uint8_t type, uint32_t job, const void *payload, size_t length)
{
    struct channel *channel = &channels[index];
    if (!channel->welcome || !channel_has_room(index))
        return;
    const struct frame frame = {.type = type, .job = job, .payload = payload, .length = length};
    channel->pending += frame_write(&frame, channel->out + channel->pending);
    flush(channel);
}

void channel_announce(enum lab_state state)
{
    const unsigned char byte = (unsigned char)state;
    lab_state = state;
    for (unsigned index = 0; index < CHANNELS; index++)
        channel_send(index, FRAME_STATE, 0, &byte, sizeof byte);
}

/* A host's new process: what was for an earlier one is forgotten. */
static void welcome(unsigned index, const struct frame *frame)
{
    unsigned char answer[NONCE_SIZE + 1];
    if (frame->length != NONCE_SIZE)
        return;
    job_end_all(index);
    channels[index].pending = 0;
    channels[index].welcome = true;
    memcpy(answer, frame->payload, NONCE_SIZE);
    answer[NONCE_SIZE] = (unsigned char)lab_state;
    channel_send(index, FRAME_WELCOME, 0, answer, sizeof answer);
}

static void obey(unsigned index, const struct frame *frame)
{
    if (frame->type == FRAME_HELLO) {
        welcome(index, frame);
        return;
    }
    /* The rest of what a process sent that is gone. */
    if (!channels[index].welcome)
        return;
    switch (frame->type) {
    case FRAME_INPUT:
        job_input(index, frame);
        break;
    case FRAME_START:
        job_start(index, frame);
        break;
    case FRAME_KILL:
        job_kill(index, frame);
        break;
    case FRAME_SIZE:
        job_size(index, frame);
        break;
    default:
        break;
    }
}

static void receive(unsigned index)
{
    struct channel *channel = &channels[index];
    unsigned char bytes[4096];
    ssize_t count;
    while ((count = read(channel->port, bytes, sizeof bytes)) > 0) {
        struct frame frame;
        for (ssize_t place = 0; place < count; place++) {
            if (frame_take(&channel->reader, bytes[place], &frame))
                obey(index, &frame);
        }
    }
}

void channel_serve(unsigned index, const struct pollfd *wait)
{
    struct channel *channel = &channels[index];
    if (wait->fd < 0)
        return;
    if (wait->revents & POLLOUT)
        flush(channel);
    if (wait->revents & POLLIN)
        receive(index);
    channel->away = wait->revents & POLLHUP;
    if (channel->away && channel->welcome) {
        job_end_all(index);
        channel->pending = 0;
        channel->welcome = false;
    }
}
