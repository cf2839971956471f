/* SPDX-License-Identifier: GPL-3.0-or-later
 * worker.c - the turning of one worker.
 *
 * A turn: submit and wait, reap every completion into a list, run what they mean, then mail,
 * datagrams, timers and the ready list until nothing is left, then flush each touched stream once.
 * Owns: the slots, which give every actor and listener a number that ring operations carry; a slot
 * used again has another id, so a late completion finds nobody.
 * Promise: no callback runs while completions are reaped.
 * Limits: RING_EVENTS reaped at once, LIMIT_SLOTS slots.
 */
#include <errno.h>
#include <stdlib.h>

#include "service.h"

enum { ROUNDS = 8 };

_Thread_local struct worker *worker_here;

/* ---- slots ---- */

static bool slots_grow(struct worker *w)
{
    uint32_t cap = w->slots_cap ? w->slots_cap * 2 : 256;
    if (cap > LIMIT_SLOTS) return false;
    struct slot *grown = realloc(w->slots, cap * sizeof *grown);
    if (!grown) return false;
    w->slots = grown;
    w->slots_cap = cap;
    return true;
}

uint32_t slot_take(struct worker *w, void *object, enum slot_kind kind, uint64_t *id)
{
    uint32_t i = w->slot_free;
    if (i) {
        i--;
        w->slot_free = w->slots[i].next_free;
    } else {
        if (w->slots_n == w->slots_cap && !slots_grow(w)) return UINT32_MAX;
        i = w->slots_n++;
    }
    *id = ++w->next_id << 3 | kind;
    w->slots[i] = (struct slot){.object = object, .id = *id};
    return i;
}

void *slot_at(struct worker *w, uint32_t slot, uint64_t id, enum slot_kind kind)
{
    if (slot >= w->slots_n || w->slots[slot].id != id || (id & 7) != kind) return NULL;
    return w->slots[slot].object;
}

void slot_give(struct worker *w, uint32_t slot)
{
    w->slots[slot].id = 0;
    w->slots[slot].next_free = w->slot_free;
    w->slot_free = slot + 1;
}

/* ---- a turn ---- */

/* From 1 on: 0 is no time. */
static int64_t ticks_of(const struct worker *w)
{
    const int64_t tick_ns = GYRE_MS(TICK_MS);
    return (w->now_ns - w->began_ns + tick_ns - 1) / tick_ns + 1;
}

uint32_t worker_ticks(const struct worker *w)
{
    return (uint32_t)ticks_of(w);
}

int64_t worker_ms_of(const struct worker *w, uint32_t ticks)
{
    int64_t now = ticks_of(w);
    return (now - (uint32_t)((uint32_t)now - ticks) - 1) * TICK_MS;
}

static void read_clocks(struct worker *w)
{
    w->now_ns = w->ring->ops->now(w->ring, GYRE_MONO);
    w->wall_ns = w->ring->ops->now(w->ring, GYRE_WALL);
}

/* Nobody waits for this any more: what it brought goes back. */
static void stale(struct worker *w, enum op op, const struct ring_event *e)
{
    if (e->flags & RING_BUFFER) w->ring->ops->give(w->ring, e->bid);
    if (op == OP_ACCEPT && e->res >= 0) w->ring->ops->close(w->ring, e->res);
}

static void run_event(struct worker *w, const struct ring_event *e)
{
    enum op op = (enum op)(e->user >> 56);
    uint32_t slot = (uint32_t)(e->user >> 32) & 0xffffff;
    void *object = NULL;
    if (slot < w->slots_n && (uint32_t)w->slots[slot].id == (uint32_t)e->user)
        object = w->slots[slot].object;
    if (!object) return stale(w, op, e);
    switch (op) {
    case OP_ACCEPT: listener_event(w, object, e); break;
    case OP_RECV_FROM: dgram_event(w, object, e); break;
    case OP_EMIT: dgram_sent(w, object, e->res); break;
    case OP_POLL: ((struct poller *)object)->ready(w, object, e); break;
    case OP_RECV:
    case OP_SEND:
    case OP_READ:
    case OP_CONNECT: stream_event(w, op, object, e); break;
    case OP_NONE: break;
    }
}

static void run_events(struct worker *w)
{
    for (int round = 0; round < RING_COMPLETIONS / RING_EVENTS; round++) {
        size_t n = w->ring->ops->reap(w->ring, w->events, RING_EVENTS);
        for (size_t i = 0; i < n; i++) run_event(w, &w->events[i]);
        if (n < RING_EVENTS) break;
    }
}

static void flush_touched(struct worker *w)
{
    while (w->touched) {
        struct actor *a = actor_of_slot(w, w->touched);
        w->touched = stream_of(a)->touched_next;
        a->flags &= ~(uint32_t)A_TOUCHED;
        stream_flush(w, a);
        if (a->flags & A_CLOSED) stream_closed(w, a);
    }
}

void worker_turn(struct worker *w, bool busy)
{
    struct inbox *box = &w->inbox;
    struct worker *outer = worker_here;
    worker_here = w;
    busy = busy || w->ready || w->touched || box->local;
    if (!busy) {
        atomic_store(&box->sleeping, true);
        if (atomic_load(&box->head)) busy = true;
    }
    uint64_t turn = atomic_load_explicit(&w->turn, memory_order_relaxed);
    atomic_store_explicit(&w->turn, turn + 1, memory_order_release); /* even: sees no shared data */
    w->ring->ops->wait(w->ring, timer_next(w), busy);
    atomic_store_explicit(&w->turn, turn + 2, memory_order_relaxed);
    atomic_thread_fence(memory_order_seq_cst); /* odd: what it reads from here on, it holds */
    atomic_store_explicit(&box->sleeping, false, memory_order_relaxed);
    read_clocks(w);
    run_events(w);
    bool some = true;
    for (int round = 0; some && round < ROUNDS; round++) { /* what is left is done next turn */
        some = dgram_deliver(w);
        some |= inbox_run(w);
        some |= timer_fire_due(w);
        some |= actor_run_ready(w);
    }
    flush_touched(w);
    if (w->starved_n) stream_rearm_starved(w);
    worker_here = outer;
}

void worker_run(struct worker *w)
{
    while (!w->stop) worker_turn(w, false);
}

/* ---- making and freeing ---- */

static void leave(struct worker *w, void *arg)
{
    (void)arg;
    w->stop = true;
}

struct worker *worker_make(struct service *service, uint32_t index, struct ring *ring)
{
    struct worker *w = calloc(1, sizeof *w);
    if (!w) {
        ring->ops->free(ring);
        return NULL;
    }
    w->magic = WORKER_MAGIC;
    w->index = index;
    w->service = service;
    w->ring = ring;
    w->box = &service->stats->box.of[index];
    w->pool = pool_make();
    w->events = calloc(RING_EVENTS, sizeof *w->events);
    w->unchoke.run = worker_unchoke;
    w->leave.run = leave;
    w->inbox.local_end = &w->inbox.local;
    w->ready_end = &w->ready;
    atomic_init(&w->turn, 1);
    ring->ops->random(ring, &w->next_id, sizeof w->next_id);
    read_clocks(w);
    w->began_ns = w->now_ns;
    if (w->pool && w->events) return w;
    worker_free(w);
    return NULL;
}

void worker_free(struct worker *w)
{
    struct worker *outer = worker_here;
    if (!w) return;
    worker_here = w;
    if (w->pool) {
        bus_free(w);
        files_free(w);
        dgram_free(w);
        pool_give(w, w->starved, w->starved_cap * sizeof *w->starved);
        pool_free(w->pool);
    }
    if (w->ring) w->ring->ops->free(w->ring);
    free(w->timers.heap);
    free(w->slots);
    free(w->events);
    free(w);
    worker_here = outer == w ? NULL : outer;
}
