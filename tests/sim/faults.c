/* SPDX-License-Identifier: GPL-3.0-or-later
 * faults.c - what goes wrong in the simulated world, how often, and the record of a run.
 *
 * Each kind of fault has a row of random numbers of its own, so that adding a kind, or a place
 * where one can happen, does not shift what the others do.
 * Promise: with all chances 0, and while it is calm, nothing happens and no row moves.
 */
#include "kernel.h"

#include <stdarg.h>

void sim_set_fault(struct sim *sim, enum sim_fault f, uint32_t per_million)
{
    sim->per_million[f] = per_million;
    sim->rows[f] = sim->chance ^ ((uint64_t)f + 1) * 0xd6e8feb86659fd93u;
}

void sim_calm(struct sim *sim, bool calm)
{
    sim->calm = calm;
}

bool sim_happens(struct sim *sim, enum sim_fault f)
{
    if (!sim->per_million[f] || sim->calm) return false;
    if (sim_random(&sim->rows[f]) % 1000000 >= sim->per_million[f]) return false;
    sim->faults[f]++;
    return true;
}

uint64_t sim_pick(struct sim *sim, enum sim_fault f, uint64_t n)
{
    return n && sim->per_million[f] ? sim_random(&sim->rows[f]) % n : 0;
}

void sim_note_fault(struct sim *sim, enum sim_fault f, uint64_t n)
{
    sim->faults[f] += n;
}

uint64_t sim_faults(const struct sim *sim, enum sim_fault f)
{
    return sim->faults[f];
}

/* ---- what happened ---- */

void sim_hash_in(struct sim *sim, uint64_t x)
{
    sim->hash = (sim->hash ^ x) * 0x9e3779b97f4a7c15u;
    sim->hash ^= sim->hash >> 29;
}

uint64_t sim_hash(const struct sim *sim)
{
    return sim->hash ^ (uint64_t)sim->now_ns;
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
