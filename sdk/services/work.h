/* SPDX-License-Identifier: MIT
 * work.h - "work/1": slow computing (hashing a password, compressing) on a helper thread.
 */
#ifndef GYRE_WORK_H
#define GYRE_WORK_H
#include "../gyre.h"

struct gyre_work {
    uint32_t size;

    /* Runs job on a helper thread with a copy of `in` and a builder of at most out_max bytes; the
     * job sees these and nothing else: no actor, no call of the host but now, random and log.
     * answer.value: what it built; err GYRE_FULL when that did not fit. A job once accepted runs to
     * its end, even if the actor dies. GYRE_FULL: too many wait already, or no memory. [worker] */
    int (*run)(struct gyre_actor *, void (*job)(gyre_view in, gyre_out *out), gyre_view in,
               size_t out_max, uint64_t tag, gyre_done *);
};
#endif
