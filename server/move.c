/* SPDX-License-Identifier: GPL-3.0-or-later
 * move.c - streams that go to the process which takes over, and those that come from one.
 *
 * The old process FREEZES what may move: nothing is accepted, read or sent any more, while mail on
 * its way still arrives. It SAVES each: what on_save says, output that waits, input that came. The
 * new process RESTORES them, frozen too. Only when all is settled do those that moved go on there,
 * and the rest here. transfer.c carries them.
 * Promise: at each moment one process alone reads and writes a stream; until the end both can go
 * back to what was; a descriptor that is closed because its stream moved sends no FIN.
 * Limits: MOVING_BYTES a stream. Worker: the owner's.
 */
#include <stddef.h>
#include <stdlib.h>

#include "service.h"
#include "stream.h"

enum { MOVING_BYTES = 64 * 1024 * 1024 };

static const struct kind *kind_that_moves(const struct section *s)
{
    return &s->plugin->kinds[KIND_STREAM];
}

bool move_asks(const struct section *s)
{
    return kind_that_moves(s)->p.on_save && !s->removed;
}

struct moving *moving_make(size_t state_n, size_t out_n, size_t in_n)
{
    size_t n = sizeof(struct moving);
    if (__builtin_add_overflow(n, state_n, &n) || __builtin_add_overflow(n, out_n, &n) ||
        __builtin_add_overflow(n, in_n, &n) || n > MOVING_BYTES)
        return NULL;
    struct moving *m = calloc(1, n);
    if (!m) return NULL;
    m->fd = -1;
    m->state_n = state_n;
    m->out_n = out_n;
    m->in_n = in_n;
    return m;
}

/* ---- in the old process ---- */

static bool may_freeze(struct actor *a, const struct kind *kind)
{
    return a->flags & A_STREAM && a->flags & A_OPEN && a->kind == kind &&
           !(a->flags & (A_CLOSING | A_DIALLED | A_LEAVING | A_TOLD));
}

void move_freeze(struct worker *w, void *arg)
{
    struct section *s = arg;
    for (struct listener *l = s->listeners[w->index]; l; l = l->next) listener_pause(w, l);
    for (struct actor *a = actor_of_slot(w, s->actors[w->index]); a;
         a = actor_of_slot(w, a->section_next)) {
        if (!may_freeze(a, kind_that_moves(s))) continue;
        if (a->flags & A_FROZEN && stream_of(a)->flags & S_SEND)
            w->ring->ops->cancel_send(w->ring, stream_of(a)->fd, actor_user(w, OP_SEND, a));
        a->flags |= A_FROZEN;
        stream_balance(w, a);
    }
}

/* Nothing of it is under way, half told or tied to another actor. */
static bool may_save(struct actor *a)
{
    const struct stream *s = stream_of(a);
    const struct extra *x = a->extra;
    const uint32_t not_now = S_UNDER_WAY | S_STARVED | S_FIN | S_DROP | S_EOF_TOLD;
    return a->flags & A_FROZEN && !(a->flags & A_CLOSING) && !a->requests && !a->paused &&
           !(s->flags & not_now) && !s->out.files &&
           !(x && (x->held || x->children || x->link_to || x->link_from));
}

static struct moving *save(struct worker *w, struct actor *a)
{
    struct stream *s = stream_of(a);
    size_t in_n = s->in ? s->in->to - s->in->from : 0;
    struct moving *m = NULL;
    call_begin(w, a, CALL_ON_SAVE);
    gyre_out state = out_make(w, a, LIMIT_MAIL);
    bool willing = a->kind->p.on_save(&a->pub, &state) && !state.full;
    if (willing) m = moving_make(state.n, s->out.bytes, in_n);
    if (m) {
        if (state.n) memcpy(m->bytes, state.p, state.n);
        if (in_n) memcpy(m->bytes + m->state_n + m->out_n, s->in->bytes + s->in->from, in_n);
        queue_copy(&s->out, m->bytes + m->state_n);
        m->worker = w;
        m->actor = actor_ref(a);
        m->section = section_of(a)->id;
        m->fd = s->fd;
        m->peer = s->peer;
        m->age_ms = (uint64_t)((w->now_ns - w->began_ns) / 1000000 - worker_ms_of(w, s->opened_at));
        m->greeted = s->flags & S_GREETED;
    }
    call_end(w);
    return m;
}

void move_save(struct worker *w, void *arg)
{
    struct section *s = arg;
    struct service *service = w->service;
    for (struct actor *a = actor_of_slot(w, s->actors[w->index]); a;
         a = actor_of_slot(w, a->section_next)) {
        struct moving *m = may_save(a) ? save(w, a) : NULL;
        if (!m) continue;
        pthread_mutex_lock(&service->lock);
        m->next = service->moving;
        service->moving = m;
        pthread_mutex_unlock(&service->lock);
    }
}

/* It reads and sends again. */
static void thaw(struct worker *w, struct actor *a)
{
    a->flags &= ~(uint32_t)A_FROZEN;
    if (a->flags & A_CLOSING) return;
    stream_arm_deadline(w, a);
    if (stream_of(a)->out.first) stream_touch(w, a);
    actor_ready(w, a);
    stream_balance(w, a);
}

static void thaw_all(struct worker *w)
{
    for (uint32_t i = 0; i < w->slots_n; i++) {
        struct actor *a = slot_at(w, i, w->slots[i].id, SLOT_ACTOR);
        if (a && a->flags & A_FROZEN) thaw(w, a);
    }
}

/* A stream that lives elsewhere, or was not to live here: its descriptor alone is closed. */
static void drop(struct worker *w, struct actor *a)
{
    a->flags &= ~(uint32_t)A_FROZEN;
    actor_moved(w, a);
}

void move_settle(struct worker *w, void *arg)
{
    struct service *service = arg;
    for (struct moving *m = service->moving; m; m = m->next) {
        struct actor *a = m->worker == w && m->moved ? actor_at(w, m->actor) : NULL;
        if (a) drop(w, a);
    }
    thaw_all(w);
}

/* ---- in the new process ---- */

/* Its actor, frozen and not yet open; NULL: over a limit, or no memory. Takes the descriptor. */
static struct actor *make(struct worker *w, struct section *s, const struct moving *m)
{
    const struct limits *l = &s->current[w->index]->limits;
    bool counted = address_is_none(&m->peer) || address_take(s, &m->peer, l->per_address_max);
    bool room = atomic_fetch_add_explicit(&s->streams, 1, memory_order_relaxed) <
                (uint64_t)l->streams_max;
    struct actor *a =
        counted && room ? stream_make(w, s, kind_that_moves(s), A_FROZEN, m->fd) : NULL;
    if (!a) {
        if (counted) address_give(s, &m->peer);
        atomic_fetch_sub_explicit(&s->streams, 1, memory_order_relaxed);
        return NULL;
    }
    struct stream *to = stream_of(a);
    count(w, s, STAT_STREAMS_TOTAL, -1); /* it was counted where it came from */
    to->flags |= S_COUNTED | (m->greeted ? S_GREETED : 0);
    to->peer = m->peer;
    to->active_at = worker_ticks(w);
    to->opened_at = to->active_at - (uint32_t)(m->age_ms / TICK_MS);
    return a;
}

static bool fill(struct worker *w, struct actor *a, const struct moving *m)
{
    const gyre_view state = {m->bytes, m->state_n}, out = {m->bytes + m->state_n, m->out_n},
                    in = {m->bytes + m->state_n + m->out_n, m->in_n};
    if (!queue_put(w, section_of(a), &stream_of(a)->out, out) || !stream_hold(w, a, in))
        return false;
    call_begin(w, a, CALL_ON_RESTORE);
    bool ok = a->kind->p.on_restore(&a->pub, state);
    call_end(w);
    return ok && !(a->flags & A_CLOSING);
}

void move_restore(struct worker *w, struct item *item)
{
    struct moving *m = (struct moving *)(void *)((uint8_t *)item - offsetof(struct moving, item));
    struct section *s = service_section_at(w->service, m->section);
    m->worker = w;
    if (!s || !kind_that_moves(s)->p.on_restore || !section_home(w, s)) return;
    struct actor *a = make(w, s, m);
    if (!a) return;
    m->moved = fill(w, a, m);
    m->fd = -1; /* the actor's */
    m->actor = actor_ref(a);
    if (m->moved) a->flags |= A_OPEN;
    else drop(w, a);
}

void move_begin(struct worker *w, void *arg)
{
    struct service *service = arg;
    for (struct moving *m = service->moving; m; m = m->next) {
        struct actor *a = m->worker == w && !m->moved ? actor_at(w, m->actor) : NULL;
        if (a && a->flags & A_FROZEN) drop(w, a); /* called off */
    }
    thaw_all(w);
}
