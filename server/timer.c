/* SPDX-License-Identifier: GPL-3.0-or-later
 * timer.c - deadlines of one worker.
 *
 * A binary heap of (time, timer). Most deadlines are moved later again and again and never fire:
 * so moving one later only writes timer.due_ns, and the heap finds out when the old time comes.
 * Promise: a timer fires once, at or after its time, never inside another callback. Its room is
 * reserved when its object is made, so setting it never fails.
 * Limits: as many as there are actors and requests. Worker: the owner's.
 */
#include <stdlib.h>

#include "core.h"

struct timer_entry {
    int64_t due_ns;
    struct timer *timer;
};

static void place(struct timers *h, uint32_t i, struct timer_entry e)
{
    h->heap[i] = e;
    e.timer->at = i + 1;
}

static void sift_up(struct timers *h, uint32_t i, struct timer_entry e)
{
    while (i) {
        uint32_t parent = (i - 1) / 2;
        if (h->heap[parent].due_ns <= e.due_ns) break;
        place(h, i, h->heap[parent]);
        i = parent;
    }
    place(h, i, e);
}

static void sift_down(struct timers *h, uint32_t i, struct timer_entry e)
{
    for (;;) {
        uint32_t child = 2 * i + 1;
        if (child >= h->n) break;
        if (child + 1 < h->n && h->heap[child + 1].due_ns < h->heap[child].due_ns) child++;
        if (e.due_ns <= h->heap[child].due_ns) break;
        place(h, i, h->heap[child]);
        i = child;
    }
    place(h, i, e);
}

static void take_out(struct timers *h, uint32_t i)
{
    struct timer_entry last = h->heap[--h->n];
    h->heap[i].timer->at = 0;
    if (i == h->n) return;
    if (i && h->heap[(i - 1) / 2].due_ns > last.due_ns) sift_up(h, i, last);
    else sift_down(h, i, last);
}

bool timer_reserve(struct worker *w, uint32_t n)
{
    struct timers *h = &w->timers;
    uint32_t cap = h->cap ? h->cap : 64;
    while (cap - h->reserved < n) cap *= 2; /* far below 2^32: LIMIT_SLOTS x 17 */
    if (cap != h->cap) {
        struct timer_entry *grown = realloc(h->heap, cap * sizeof *grown);
        if (!grown) return false;
        h->heap = grown;
        h->cap = cap;
    }
    h->reserved += n;
    return true;
}

void timer_release(struct worker *w, uint32_t n)
{
    w->timers.reserved -= n;
}

void timer_set(struct worker *w, struct timer *t, int64_t due_ns)
{
    struct timers *h = &w->timers;
    t->due_ns = due_ns;
    if (t->at) {
        if (h->heap[t->at - 1].due_ns > due_ns)
            sift_up(h, t->at - 1, (struct timer_entry){due_ns, t});
        return;
    }
    if (h->n == h->reserved) bug(__func__, "no room was reserved for it");
    sift_up(h, h->n++, (struct timer_entry){due_ns, t});
}

void timer_clear(struct worker *w, struct timer *t)
{
    if (t->at) take_out(&w->timers, t->at - 1);
}

int64_t timer_next(struct worker *w)
{
    return w->timers.n ? w->timers.heap[0].due_ns : GYRE_NEVER;
}

static void fire(struct worker *w, struct timer *t)
{
    void *object = (uint8_t *)t - t->back;
    switch ((enum timer_what)t->what) {
    case TIMER_STREAM: stream_deadline(w, object); break;
    case TIMER_SLOT: actor_timer(w, object, t->slot); break;
    case TIMER_REQUEST: request_late(w, object); break;
    case TIMER_LISTEN: listener_retry(w, object); break;
    }
}

bool timer_fire_due(struct worker *w)
{
    struct timers *h = &w->timers;
    bool some = false;
    /* At most as many as there are now: one that is set into the past cannot hold the turn. */
    for (uint32_t most = h->n; most && h->n && h->heap[0].due_ns <= w->now_ns; most--) {
        struct timer *t = h->heap[0].timer;
        if (t->due_ns > w->now_ns) {
            sift_down(h, 0, (struct timer_entry){t->due_ns, t});
            continue;
        }
        take_out(h, 0);
        fire(w, t);
        some = true;
    }
    return some;
}
