/* SPDX-License-Identifier: BSD-2-Clause */
/* Waiting, and being told. */
#include <errno.h>

#include "program.h"
#include "thread.h"

void wait_add(struct waiter *waiter, struct wait_queue *queue)
{
    waiter->queue = queue;
    waiter->thread = thread_current;
    waiter->woken = false;
    waiter->next = NULL;
    waiter->previous = queue->last;
    *(queue->last ? &queue->last->next : &queue->first) = waiter;
    queue->last = waiter;
}

void wait_remove(struct waiter *waiter)
{
    struct wait_queue *const queue = waiter->queue;
    if (!queue)
        return;
    *(waiter->previous ? &waiter->previous->next : &queue->first) = waiter->next;
    *(waiter->next ? &waiter->next->previous : &queue->last) = waiter->previous;
    waiter->queue = NULL;
}

static void time_out(struct timer *timer)
{
    struct thread *thread = CONTAINER_OF(timer, struct thread, timer);
    thread->timed_out = true;
    thread_ready(thread);
}

static int sleep_until(uint64_t deadline, bool interruptible)
{
    struct thread *const thread = thread_current;
    thread->timed_out = false;
    thread->interruptible = interruptible;
    const bool interrupted = interruptible && (thread->must_end || signal_waits(thread));
    if (!thread->woken && !interrupted) {
        if (deadline != WAIT_FOR_EVER) {
            thread->timer.expire = time_out;
            timer_arm(&thread->timer, deadline);
        }
        thread_wait();
        timer_disarm(&thread->timer);
    }
    thread->interruptible = false;
    if (thread->woken) {
        thread->woken = false;
        return 0;
    }
    return thread->timed_out ? -ETIMEDOUT : -EINTR;
}

int wait_sleep(uint64_t deadline)
{
    return sleep_until(deadline, true);
}

int wait_on(struct wait_queue *queue, uint64_t deadline)
{
    struct waiter waiter = {0};
    wait_add(&waiter, queue);
    const int result = wait_sleep(deadline);
    wait_remove(&waiter);
    return result;
}

void wait_on_surely(struct wait_queue *queue)
{
    struct waiter waiter = {0};
    wait_add(&waiter, queue);
    while (!waiter.woken)
        (void)sleep_until(WAIT_FOR_EVER, false);
    wait_remove(&waiter);
}

unsigned wait_wake(struct wait_queue *queue, unsigned most)
{
    unsigned count = 0;
    for (struct waiter *waiter = queue->first, *next; waiter && count < most; waiter = next) {
        next = waiter->next;
        if (waiter->notify) {
            waiter->notify(waiter);
            continue;
        }
        if (waiter->woken)
            continue;
        waiter->woken = true;
        waiter->thread->woken = true;
        thread_ready(waiter->thread);
        count++;
    }
    return count;
}

void wait_interrupt(struct thread *thread)
{
    if (thread->interruptible)
        thread_ready(thread);
}
