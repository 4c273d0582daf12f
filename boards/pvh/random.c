/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Random bytes: RDRAND's, or where the processor has none, those of a generator (splitmix64) that
 * starts from the clock, which somebody may guess.
 */
#include "cpu.h"
#include "base.h"

#define FEATURE_RDRAND (1u << 30)
/* As often as Intel's guide to it says. */
#define MOST_TRIES 10

static uint64_t weak_state;

static bool has_rdrand(void)
{
    /* Asked once: a hypervisor answers, which takes its time. */
    static uint32_t features;
    if (!features)
        features = cpu_id(1, 0).c | 1;
    return features & FEATURE_RDRAND;
}

static bool take(uint64_t *value)
{
    for (unsigned i = 0; i < MOST_TRIES; i++) {
        bool done;
        __asm__ volatile("rdrand %0" : "=r"(*value), "=@ccc"(done));
        if (done)
            return true;
    }
    return false;
}

static uint64_t take_weak(void)
{
    weak_state = (weak_state ? weak_state : cpu_clock()) + 0x9e3779b97f4a7c15;
    uint64_t value = weak_state ^ cpu_clock();
    value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9;
    value = (value ^ value >> 27) * 0x94d049bb133111eb;
    return value ^ value >> 31;
}

bool random_is_weak(void)
{
    return weak_state != 0 || !has_rdrand();
}

void random_fill(void *bytes, size_t size)
{
    const bool strong = has_rdrand();
    for (size_t done = 0; done < size;) {
        uint64_t value;
        if (!strong || !take(&value)) {
            if (!weak_state)
                say("random numbers are weak: the processor gives none");
            value = take_weak();
        }
        const size_t part = MIN(size - done, sizeof value);
        memcpy((char *)bytes + done, &value, part);
        done += part;
    }
}
