/* SPDX-License-Identifier: GPL-3.0-or-later
 * times.c - what must have happened by now, looked at each time before the clock moves.
 *
 * It keeps its own account of when bytes last moved on each stream, from the events that rings give
 * to the core; the core's timers are not asked.
 * Promise: a stream that has closed is gone LIMIT_LINGER_MS after it last moved; one without an
 * open request has moved within idle_time; one that was told to leave, and is idle, is gone.
 * Limits: a stream that is late is damage when it is still late STILL_MS after that was seen: what
 * the kernel holds back for a moment is not the core's.
 */
#include <stdlib.h>

#include "scenario.h"
#include "stream.h"

enum { SLACK_MS = 250, STILL_MS = 500 };

struct times {
    uint32_t id;        /* low bits of the slot's: of the actor that this is about; 0: none */
    bool closing, heard; /* heard: something came */
    int64_t moved_ns;   /* the last bytes; or it began, closed, or had a request open */
    int64_t late_ns;    /* when it was first seen late; 0: it is not */
    uint64_t over_turn; /* in which it was first seen to hold too much; 0: it does not */
};
static struct {
    struct times *at;
    size_t n;
} rows[GENERATIONS][WORKERS_MOST];

static struct times *row_of(struct run *r, size_t g, uint32_t worker, uint32_t slot, uint32_t id)
{
    size_t n = rows[g][worker].n;
    if (slot >= n) {
        struct times *grown = realloc(rows[g][worker].at, (2 * slot + 64) * sizeof *grown);
        if (!grown) abort();
        memset(grown + n, 0, (2 * slot + 64 - n) * sizeof *grown);
        rows[g][worker].at = grown;
        rows[g][worker].n = 2 * slot + 64;
    }
    struct times *t = &rows[g][worker].at[slot];
    if (t->id != id) *t = (struct times){.id = id, .moved_ns = sim_now(r->sim)};
    return t;
}

void times_end(void)
{
    for (size_t g = 0; g < GENERATIONS; g++)
        for (size_t i = 0; i < WORKERS_MOST; i++) free(rows[g][i].at);
    memset(rows, 0, sizeof rows);
}

/* ---- at each event ---- */

/* A receive is cancelled in the turn that held too much; what came in the next wait, before the
 * cancel, is taken, and nothing more. */
static void check_held(struct run *r, const struct worker *w, struct actor *a, struct times *t)
{
    uint64_t turn = atomic_load(&w->turn);
    size_t most = check_in_max(a), held = check_held_of(a);
    if (held < most || r->plan.queue) {
        t->over_turn = 0;
    } else if (!t->over_turn) {
        t->over_turn = turn;
    } else if (t->over_turn != turn) {
        damage(r, "[%s] %zu bytes of one peer are held, of at most %zu, and it is still read",
               a->pub.section->name, held, most);
    }
}

void times_event(struct run *r, size_t g, const struct worker *w, struct actor *a,
                 const struct ring_event *e)
{
    enum op op = (enum op)(e->user >> 56);
    struct times *t = row_of(r, g, w->index, a->slot, (uint32_t)e->user);
    if (e->res <= 0 || op == OP_CONNECT) return;
    if (op == OP_RECV && a->flags & A_CLOSING) return;
    t->moved_ns = sim_now(r->sim);
    if (op != OP_RECV) return;
    t->heard = true;
    check_held(r, w, a, t);
}

/* ---- at rest ---- */

static bool is_idle(struct actor *a)
{
    const struct stream *s = stream_of(a);
    return !a->requests && !check_held_of(a) && !s->out.first && !(s->flags & (S_SEND | S_READ));
}

/* By when it must be gone, or have moved. */
static int64_t due_ns(struct run *r, struct actor *a, struct times *t)
{
    int64_t now = sim_now(r->sim);
    bool closing = a->flags & A_CLOSING;
    if (closing != t->closing) t->moved_ns = now;
    t->closing = closing;
    if (closing) return t->moved_ns + GYRE_MS(LIMIT_LINGER_MS);
    if (a->requests || !(a->flags & A_OPEN)) t->moved_ns = now;
    return t->moved_ns + GYRE_MS(a->version->limits.idle_ms);
}

static void check_stream(struct run *r, struct actor *a, struct times *t)
{
    int64_t now = sim_now(r->sim), due = due_ns(r, a, t);
    const char *name = a->pub.section->name;
    /* One that was accepted in a race with the order may still say what it came for. */
    if (!t->closing && t->heard && a->flags & A_OPEN && a->flags & A_LEAVING && is_idle(a))
        damage(r, "[%s] a stream is idle, has been told to leave, and stays", name);
    if (now < due + GYRE_MS(SLACK_MS)) {
        t->late_ns = 0;
    } else if (!t->late_ns) {
        t->late_ns = now;
    } else if (now >= t->late_ns + GYRE_MS(STILL_MS)) {
        damage(r, t->closing ? "[%s] a stream has closed, nothing has moved for %lld ms, and its "
                               "wire is still there"
                             : "[%s] nothing has moved on a stream for %lld ms, and it stays",
               name, (long long)((now - t->moved_ns) / GYRE_MS(1)));
    }
}

void times_check(struct run *r)
{
    for (size_t g = 0; g < GENERATIONS; g++) {
        const struct service *s = r->gens[g].service;
        for (uint32_t i = 0; s && i < s->workers_n; i++) {
            struct worker *w = s->workers[i];
            for (uint32_t slot = 0; slot < w->slots_n; slot++) {
                uint64_t id = w->slots[slot].id;
                struct actor *a = slot_at(w, slot, id, SLOT_ACTOR);
                if (a && a->flags & A_STREAM)
                    check_stream(r, a, row_of(r, g, i, slot, (uint32_t)id));
            }
        }
    }
}
