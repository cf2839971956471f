/* SPDX-License-Identifier: GPL-3.0-or-later
 * play.c - one seed: a world, a cluster, clients, and the plan's faults and orders, to the end.
 *
 * Workers and clients take turns; time moves only when nobody has anything to do. When all clients
 * are through, everything drains, and everything must be back.
 */
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include "scenario.h"

enum { STEPS_MOST = 20000000, END_S = 25 };

static struct outcome *reported;

uint64_t run_random(struct run *r, uint64_t n)
{
    return sim_random(&r->random) % n;
}

static _Noreturn void stop(void)
{
    fflush(NULL);
    _exit(3);
}

void damage(struct run *r, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vsnprintf(reported->damage, sizeof reported->damage, fmt, args);
    va_end(args);
    sim_say(r->sim, "DAMAGE: %s", reported->damage);
    stop();
}

static void kernel_says(const char *what)
{
    snprintf(reported->damage, sizeof reported->damage, "%s", what);
    stop();
}

/* The next thing that time brings. */
static int64_t next_time(struct run *r, int64_t next)
{
    int64_t at;
    if ((at = clients_next(r)) < next) next = at;
    if ((at = cluster_next(r)) < next) next = at;
    if (r->next_event < r->plan.events_n &&
        (at = r->began_ns + r->plan.events[r->next_event].at_ns) < next)
        next = at;
    return next;
}

static bool obey(struct run *r)
{
    const struct event *e = &r->plan.events[r->next_event];
    if (r->next_event == r->plan.events_n || r->began_ns + e->at_ns > sim_now(r->sim)) return false;
    r->next_event++;
    cluster_order(r, e->what);
    if (e->what == ORDER_CLOCK) clients_excuse(r);
    return true;
}

/* Until the clients are over, or (at the end) the cluster is. */
static void turn_until(struct run *r, bool (*over)(const struct run *))
{
    for (uint32_t steps = 0; !over(r); steps++) {
        bool some = obey(r);
        some |= cluster_turn(r);
        some |= clients_act(r);
        some |= peer_act(r);
        if (steps % 4 == 0)
            for (size_t i = 0; i < GENERATIONS; i++)
                if (r->gens[i].service) check_generation(r, &r->gens[i]);
        if (steps == STEPS_MOST) damage(r, "it never comes to rest");
        int64_t next;
        if (some || !sim_quiet(r->sim, &next)) continue;
        clients_patience(r);
        times_check(r);
        next = next_time(r, next);
        if (next == GYRE_NEVER) damage(r, "nothing will ever happen any more");
        sim_advance(r->sim, next < sim_now(r->sim) ? sim_now(r->sim) : next);
    }
}

static void set_faults(struct run *r)
{
    const struct plan *p = &r->plan;
    for (enum sim_fault f = 0; f < FAULT_KINDS; f++) sim_set_fault(r->sim, f, p->per_million[f]);
    sim_set_buffers(r->sim, p->buffers);
    sim_set_queue(r->sim, p->queue);
    if (p->tight) sim_set_window(r->sim, 2048);
    alloc_fail_often(r->seed, p->memory_per_million);
}

static void finish(struct run *r, struct outcome *out)
{
    char why[1024] = "";
    int64_t began = sim_now(r->sim);
    r->next_event = r->plan.events_n; /* what was still to come does not */
    cluster_drain(r);
    turn_until(r, cluster_over);
    if (sim_now(r->sim) - began > GYRE_SECONDS(END_S))
        damage(r, "with no client left, it took %lld s to drain",
               (long long)((sim_now(r->sim) - began) / GYRE_SECONDS(1)));
    sim_kill(r->sim, 0); /* the supervisor's sockets */
    if (sim_left(r->sim, why, sizeof why)) damage(r, "at the end: %s", why);
    if (alloc_failed()) sim_note_fault(r->sim, FAULT_MEMORY, alloc_failed());
    out->events = sim_events(r->sim);
    out->hash = sim_hash(r->sim);
    out->answers = r->answers;
    memcpy(out->hits, r->hits, sizeof out->hits);
    out->digest = clients_digest(r);
    for (enum sim_fault f = 0; f < FAULT_KINDS; f++) out->faults[f] = sim_faults(r->sim, f);
}

void play(uint64_t seed, enum weather weather, bool elsewhere, FILE *trace, struct outcome *out)
{
    struct run *r = calloc(1, sizeof *r);
    bool pools_were_plain = pool_plain;
    if (!r) abort();
    *out = (struct outcome){0};
    reported = out;
    r->seed = seed;
    r->random = seed ^ 0x5eed;
    plan_make(&r->plan, seed, weather);
    alloc_reset();
    alloc_hold();
    alloc_elsewhere(elsewhere ? seed : 0);
    /* Each block of a pool can fail, or lie elsewhere. */
    pool_plain |= elsewhere || r->plan.memory_per_million;
    r->sim = sim_make(seed);
    sim_trace(r->sim, trace);
    sim_process(r->sim, 0);
    sim_files(r->sim);
    sim_on_wrong(kernel_says);
    sim_on_event(r->sim, check_alive, r);
    sim_set_wall(r->sim, GYRE_SECONDS(1767225600)); /* 2026-01-01T00:00:00Z */
    shadow_begin(r->sim);
    callbacks_begin(r);
    for (uint32_t i = 0; i < FILES; i++) site_files_change(r, i);
    r->began_ns = sim_now(r->sim);
    set_faults(r);
    peer_begin(r);
    cluster_begin(r);
    clients_begin(r);
    turn_until(r, clients_over);
    finish(r, out);
    clients_free(r);
    site_files_free(r);
    sim_free(r->sim);
    shadow_end();
    times_end();
    pool_plain = pools_were_plain;
    free(r);
}
