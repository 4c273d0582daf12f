/* SPDX-License-Identifier: BSD-2-Clause */
/* The time as Xen tells it in the shared info: a scale for the processor's counter, the epoch. */
#include "xen/guest.h"

#include "cpu.h"

#define SECOND 1000000000u

/* Versions are odd while Xen writes. */
static uint32_t version_begin(const volatile uint32_t *version)
{
    uint32_t seen;
    while ((seen = __atomic_load_n(version, __ATOMIC_ACQUIRE)) & 1)
        cpu_pause();
    return seen;
}

static bool version_changed(const volatile uint32_t *version, uint32_t seen)
{
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    return *version != seen;
}

static uint64_t shifted(uint64_t value, int shift)
{
    return shift < 0 ? value >> -shift : value << shift;
}

bool xen_clock(uint64_t *frequency, uint64_t *epoch)
{
    if (!xen_shared)
        return false;
    const volatile struct vcpu_time_info *time = &xen_shared->vcpu_info[0].time;
    uint32_t version, scale;
    uint64_t now, ticks;
    int shift;
    do {
        version = version_begin(&time->version);
        scale = time->tsc_to_system_mul;
        shift = time->tsc_shift;
        ticks = cpu_clock() - time->tsc_timestamp;
        now = time->system_time;
    } while (version_changed(&time->version, version));
    if (scale == 0 || shift < -31 || shift > 31)
        return false;
    now += (uint64_t)((unsigned __int128)shifted(ticks, shift) * scale >> 32);
    *frequency = shifted(((uint64_t)SECOND << 32) / scale, -shift);

    const volatile struct shared_info *shared = xen_shared;
    do {
        version = version_begin(&shared->wc_version);
        *epoch = (uint64_t)shared->wc_sec_hi << 32 | shared->wc_sec;
        *epoch = *epoch * SECOND + shared->wc_nsec;
    } while (version_changed(&shared->wc_version, version));
    *epoch += now;
    return true;
}
