/* SPDX-License-Identifier: GPL-3.0-or-later
 * record.c - what sim.h says of faults and of what happened, as far as a real kernel has it.
 *
 * The kernel's faults come as it likes, and cannot be asked for: chances of them are taken and
 * forgotten. What a test does itself is counted. Two runs are never alike: there is no hash.
 */
#include "real.h"

#include <stdarg.h>

void sim_set_fault(struct sim *sim, enum sim_fault f, uint32_t per_million)
{
    (void)sim;
    (void)f;
    (void)per_million;
}

void sim_calm(struct sim *sim, bool calm)
{
    (void)sim;
    (void)calm;
}

void sim_note_fault(struct sim *sim, enum sim_fault f, uint64_t n)
{
    sim->faults[f] += n;
}

uint64_t sim_faults(const struct sim *sim, enum sim_fault f)
{
    return sim->faults[f];
}

uint64_t sim_hash(const struct sim *sim)
{
    (void)sim;
    return 0;
}

uint64_t sim_events(const struct sim *sim)
{
    return sim->events;
}

void sim_trace(struct sim *sim, FILE *to)
{
    sim->trace = to;
}

void sim_say(struct sim *sim, const char *fmt, ...)
{
    va_list args;
    if (!sim->trace) return;
    fprintf(sim->trace, "%14.6f ", (double)sim->now_ns / 1e9);
    va_start(args, fmt);
    vfprintf(sim->trace, fmt, args);
    va_end(args);
    fputc('\n', sim->trace);
}

void sim_on_event(struct sim *sim,
                  bool (*alive)(void *, const struct ring *, const struct ring_event *), void *user)
{
    sim->alive = alive;
    sim->alive_user = user;
}
