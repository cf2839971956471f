/* SPDX-License-Identifier: GPL-3.0-or-later
 * stream.c - from a socket to on_data.
 *
 * Bytes are handed over where the kernel put them; only an unfinished tail, or what comes while an
 * actor rests, is copied into an inbuf. An actor rests while it is paused, waits for an answer, its
 * output is over the high mark, or a mailbox it fills is full.
 * Promise: on_data never sees more than message_max, and never depends on how bytes were split;
 * what rests is bounded, and then the socket is not read.
 * Limits: in_max held bytes and what the ring had received by then; deadlines of the section.
 */
#include <errno.h>

#include "stream.h"

static const struct limits *limits_of(struct actor *a)
{
    return &a->version->limits;
}

static size_t message_max(struct actor *a)
{
    if (a->extra && a->extra->message_max) return a->extra->message_max;
    if (a->flags & A_DIALLED) return a->kind->p.message_max;
    return (size_t)limits_of(a)->message_max;
}

static size_t held(const struct stream *s)
{
    return s->in ? s->in->to - s->in->from : 0;
}

/* ---- deadlines ---- */

static void nearer(const struct worker *w, int64_t *due_ms, uint32_t from, int64_t after_ms)
{
    int64_t at;
    if (after_ms == GYRE_NEVER) return;
    at = worker_ms_of(w, from) + after_ms;
    if (at < *due_ms) *due_ms = at;
}

static int64_t handshake_ms(const struct actor *a)
{
    if (!(a->flags & A_DIALLED)) return a->version->limits.handshake_ms;
    return a->kind->p.handshake_ms ? (int64_t)a->kind->p.handshake_ms : GYRE_NEVER;
}

/* When the nearest deadline is, in ms since the worker began, and its name in the statistics. */
static int64_t nearest(const struct worker *w, struct actor *a, enum stat_id *what)
{
    struct stream *s = stream_of(a);
    const struct limits *l = limits_of(a);
    int64_t due = GYRE_NEVER, was;
    if (!(s->flags & S_GREETED)) nearer(w, &due, s->opened_at, handshake_ms(a));
    *what = STAT_HIT_HANDSHAKE;
    was = due;
    if (s->message_at && !a->requests) nearer(w, &due, s->message_at, l->message_ms);
    if (due != was) *what = STAT_HIT_MESSAGE_TIME;
    was = due;
    if (!a->requests) nearer(w, &due, s->active_at, l->idle_ms);
    if (due != was) *what = STAT_HIT_IDLE;
    was = due;
    nearer(w, &due, s->opened_at, l->total_ms);
    if (due != was) *what = STAT_HIT_TOTAL;
    return due;
}

static void set_deadline(struct worker *w, struct actor *a, int64_t due_ms)
{
    if (due_ms < GYRE_NEVER) timer_set(w, &stream_of(a)->deadline, w->began_ns + due_ms * 1000000);
}

void stream_arm_deadline(struct worker *w, struct actor *a)
{
    enum stat_id what;
    set_deadline(w, a, nearest(w, a, &what));
}

void stream_limits(struct worker *w, struct actor *a)
{
    if (!(a->flags & A_OPEN) || a->flags & A_CLOSING) return;
    stream_arm_deadline(w, a);
    actor_ready(w, a); /* it may rest no more */
}

void stream_answered(struct worker *w, struct actor *a)
{
    struct stream *s = stream_of(a);
    s->active_at = worker_ticks(w);
    if (s->message_at) s->message_at = s->active_at;
}

void stream_deadline(struct worker *w, struct actor *a)
{
    enum stat_id what;
    if (a->flags & A_CLOSING) { /* it lingered long enough */
        stream_of(a)->flags |= S_DROP;
        actor_ready(w, a);
        return;
    }
    if (!(a->flags & A_OPEN)) return stream_broken(w, a, GYRE_TIMEOUT); /* dial took too long */
    int64_t due_ms = nearest(w, a, &what), now_ms = (w->now_ns - w->began_ns) / 1000000;
    if (due_ms > now_ms) {
        /* While a request is open only the total counts: look again after a while. */
        if (a->requests && due_ms > now_ms + 1000) due_ms = now_ms + 1000;
        set_deadline(w, a, due_ms);
        return;
    }
    count(w, section_of(a), what, 1);
    actor_last_words(w, a, GYRE_TIMEOUT);
}

/* ---- holding ---- */

bool stream_hold(struct worker *w, struct actor *a, gyre_view v)
{
    struct stream *s = stream_of(a);
    struct inbuf *in = s->in, *grown;
    size_t have = held(s), need, cap = 512 - sizeof *in;
    if (!v.n) return true;
    if (in && in->cap - in->to >= v.n) {
        memcpy(in->bytes + in->to, v.p, v.n);
        in->to += (uint32_t)v.n;
        return true;
    }
    if (__builtin_add_overflow(have, v.n, &need) || need > UINT32_MAX / 4) return false;
    while (cap < need) cap = cap * 2 + sizeof *in;
    if (!memory_take(w, section_of(a), cap)) return false;
    grown = pool_take(w, sizeof *in + cap);
    if (!grown) {
        memory_give(w, section_of(a), cap);
        return false;
    }
    *grown = (struct inbuf){0, (uint32_t)need, (uint32_t)cap};
    if (have) memcpy(grown->bytes, in->bytes + in->from, have);
    memcpy(grown->bytes + have, v.p, v.n);
    stream_discard(w, a);
    s->in = grown;
    return true;
}

void stream_discard(struct worker *w, struct actor *a)
{
    struct stream *s = stream_of(a);
    if (!s->in) return;
    memory_give(w, section_of(a), s->in->cap);
    pool_give(w, s->in, sizeof *s->in + s->in->cap);
    s->in = NULL;
}

/* ---- delivering ---- */

/* Where its bytes go instead of on_data; one that closes ends the link. */
static struct actor *link_of(const struct actor *a)
{
    struct actor *to = a->extra ? a->extra->link_to : NULL;
    return to && !(to->flags & A_CLOSING) ? to : NULL;
}

static bool may_deliver(struct actor *a)
{
    if (a->flags & (A_CLOSING | A_CHOKED | A_FROZEN) || !(a->flags & A_OPEN) || a->paused)
        return false;
    if (link_of(a)) return !stream_over(link_of(a));
    if (a->requests && !(a->kind->p.flags & GYRE_OVERLAP)) return false;
    return a->kind->p.flags & GYRE_DUPLEX || !stream_over(a);
}

static void relay(struct worker *w, struct actor *a, gyre_view *v)
{
    struct extra *x = a->extra;
    struct actor *to = x->link_to;
    uint64_t room = stream_room(to), most = x->link_left < room ? x->link_left : room;
    gyre_view part = gyre_head(v, most < v->n ? (size_t)most : v->n);
    x->link_left -= part.n;
    stream_of(a)->flags |= S_GREETED;
    stream_of(a)->message_at = 0;
    if (!x->link_left) {
        to->extra->link_from = NULL;
        x->link_to = NULL;
    }
    (void)stream_write(w, to, part);
}

/* One call of on_data. false: it wants more, or something ended it. */
static bool deliver_one(struct worker *w, struct actor *a, gyre_view *v)
{
    struct stream *s = stream_of(a);
    size_t most = message_max(a);
    gyre_view part = {v->p, v->n < most ? v->n : most};
    const gyre_view was = part;
    w->given = was;
    call_begin(w, a, CALL_ON_DATA);
    enum gyre_step step = a->kind->p.on_data(&a->pub, &part);
    size_t took = was.n - part.n;
    if (step == GYRE_TOOK && (part.n >= was.n || (part.n && part.p != was.p + took)))
        bug("GYRE_TOOK", "nothing was cut off the front of the input");
    call_end(w);
    if (step == GYRE_TOOK) {
        (void)gyre_head(v, took);
        s->message_at = 0;
        s->flags |= S_GREETED;
        count(w, section_of(a), STAT_MESSAGES, 1);
        return true;
    }
    if (a->flags & A_CLOSING) return false;
    if (step == GYRE_BAD) {
        count(w, section_of(a), STAT_BAD_INPUT, 1);
        actor_end(w, a, GYRE_BAD_INPUT);
        stream_closing(w, a, GYRE_FLUSH); /* else what was answered before hung on the pieces */
    } else if (step == GYRE_MORE && was.n == most) {
        count(w, section_of(a), STAT_HIT_MESSAGE, 1);
        actor_last_words(w, a, GYRE_TOO_BIG);
    } else {
        s->flags |= step == GYRE_MORE ? S_MORE : S_LATER;
    }
    return false;
}

static void deliver(struct worker *w, struct actor *a, gyre_view *v)
{
    stream_of(a)->flags &= ~(uint32_t)(S_MORE | S_LATER);
    while (v->n && may_deliver(a)) {
        if (link_of(a)) relay(w, a, v);
        else if (!a->kind->p.on_data) v->n = 0;
        else if (!deliver_one(w, a, v)) break;
    }
    if (a->flags & A_CLOSING) v->n = 0;
}

/* The peer ended, and what it sent was taken as far as it can be. */
static void tell_eof(struct worker *w, struct actor *a)
{
    struct stream *s = stream_of(a);
    if (!(s->flags & S_EOF) || s->flags & S_EOF_TOLD || a->flags & (A_CLOSING | A_FROZEN)) return;
    if (a->requests || a->paused || (held(s) && !(s->flags & S_MORE && may_deliver(a)))) return;
    s->flags |= S_EOF_TOLD;
    stream_discard(w, a); /* half a message */
    if (a->kind->p.on_eof) {
        call_begin(w, a, CALL_ON_EOF);
        a->kind->p.on_eof(&a->pub);
        call_end(w);
        return;
    }
    actor_end(w, a, GYRE_EOF);
    stream_closing(w, a, GYRE_FLUSH);
}

/* ---- receiving ---- */

static bool too_much_held(struct actor *a)
{
    size_t most = (size_t)limits_of(a)->in_max, message = message_max(a);
    return held(stream_of(a)) >= (most > message ? most : message);
}

void stream_recv(struct worker *w, struct actor *a)
{
    struct stream *s = stream_of(a);
    if (s->flags & (S_RECV | S_EOF | S_DROP | S_CONNECT | S_STARVED)) return;
    s->flags |= S_RECV;
    w->ring->ops->recv(w->ring, s->fd, actor_user(w, OP_RECV, a));
}

/* After a change: goes on reading, or stops. */
void stream_balance(struct worker *w, struct actor *a)
{
    struct stream *s = stream_of(a);
    if (a->flags & A_CLOSING) return;
    if (!too_much_held(a) && !(a->flags & A_FROZEN)) {
        stream_recv(w, a);
    } else if (s->flags & S_RECV && !(s->flags & S_CANCEL)) {
        s->flags |= S_CANCEL;
        if (!(a->flags & A_FROZEN)) count(w, section_of(a), STAT_HIT_IN, 1);
        w->ring->ops->cancel(w->ring, actor_user(w, OP_RECV, a));
    }
}

static void begin_message(struct worker *w, struct actor *a)
{
    struct stream *s = stream_of(a);
    if (s->message_at) return;
    s->message_at = worker_ticks(w);
    stream_arm_deadline(w, a);
}

static void take_bytes(struct worker *w, struct actor *a, gyre_view v)
{
    struct stream *s = stream_of(a);
    count(w, section_of(a), STAT_BYTES_IN, (int64_t)v.n);
    if (a->flags & A_CLOSING) return;
    s->active_at = worker_ticks(w);
    if (!s->in) {
        deliver(w, a, &v);
        if (v.n && !stream_hold(w, a, v)) goto full;
        if (v.n && s->flags & S_MORE) begin_message(w, a);
        return;
    }
    if (!stream_hold(w, a, v)) goto full;
    if (!may_deliver(a)) s->message_at = 0; /* it may be whole: the peer is not waited for */
    stream_resume(w, a);
    return;
full:
    actor_end(w, a, GYRE_NO_MEMORY);
    stream_closing(w, a, GYRE_NOW);
}

void stream_resume(struct worker *w, struct actor *a)
{
    struct stream *s = stream_of(a);
    if (!(a->flags & A_OPEN) || a->flags & A_CLOSING) return;
    if (s->in && may_deliver(a)) {
        gyre_view v = {s->in->bytes + s->in->from, held(s)};
        size_t before = v.n;
        deliver(w, a, &v);
        if (s->in) {
            s->in->from += (uint32_t)(before - v.n);
            if (!v.n) stream_discard(w, a);
            else if (s->flags & S_MORE) begin_message(w, a);
        }
    }
    tell_eof(w, a);
    stream_balance(w, a);
    actor_leave_if_idle(w, a);
}

void stream_later(struct worker *w, struct actor *a)
{
    if (a->flags & A_STREAM && stream_of(a)->flags & S_LATER) actor_ready(w, a);
}

static void starve(struct worker *w, struct actor *a)
{
    if (w->starved_n == w->starved_cap) {
        uint32_t cap = w->starved_cap ? w->starved_cap * 2 : 64;
        gyre_ref *grown = pool_take(w, cap * sizeof *grown);
        if (!grown) return stream_broken(w, a, GYRE_NO_MEMORY);
        if (w->starved_n) memcpy(grown, w->starved, w->starved_n * sizeof *grown);
        pool_give(w, w->starved, w->starved_cap * sizeof *grown);
        w->starved = grown;
        w->starved_cap = cap;
    }
    stream_of(a)->flags |= S_STARVED;
    w->starved[w->starved_n++] = actor_ref(a);
}

void stream_rearm_starved(struct worker *w)
{
    uint32_t n = w->starved_n;
    w->starved_n = 0;
    for (uint32_t i = 0; i < n; i++) {
        struct actor *a = slot_at(w, (uint32_t)w->starved[i].at, w->starved[i].id, SLOT_ACTOR);
        if (!a) continue;
        stream_of(a)->flags &= ~(uint32_t)S_STARVED;
        if (a->flags & A_CLOSED) stream_closed(w, a);
        else stream_balance(w, a); /* it may hold too much by now */
    }
}

static void received(struct worker *w, struct actor *a, const struct ring_event *e)
{
    struct stream *s = stream_of(a);
    if (!(e->flags & RING_MORE)) s->flags &= ~(uint32_t)(S_RECV | S_CANCEL);
    if (e->flags & RING_BUFFER) {
        if (e->res > 0)
            take_bytes(w, a, (gyre_view){w->ring->ops->buffer(w->ring, e->bid), (size_t)e->res});
        w->ring->ops->give(w->ring, e->bid);
    }
    if (e->res == 0) {
        s->flags |= S_EOF;
        if (a->flags & A_OPEN) tell_eof(w, a);
    } else if (e->res == -ENOBUFS) {
        starve(w, a);
    } else if (e->res < 0 && e->res != -ECANCELED) {
        stream_broken(w, a, GYRE_RESET);
    }
    if (a->flags & A_CLOSED) return stream_closed(w, a);
    stream_balance(w, a);
    actor_leave_if_idle(w, a);
}

/* ---- beginning ---- */

void stream_begin(struct worker *w, struct actor *a)
{
    struct stream *s = stream_of(a);
    s->opened_at = s->active_at = worker_ticks(w);
    timer_clear(w, &s->deadline);
    stream_arm_deadline(w, a);
    actor_open(w, a);
    if (!(a->flags & A_CLOSING)) stream_recv(w, a);
}

struct actor *stream_make(struct worker *w, struct section *sec, const struct kind *kind,
                          uint32_t flags, int fd)
{
    struct actor *a = actor_make(w, sec, kind, flags | A_STREAM);
    if (!a) return NULL;
    struct stream *s = stream_of(a);
    s->fd = fd;
    s->deadline.what = TIMER_STREAM;
    s->deadline.back = (uint16_t)((uint8_t *)&s->deadline - (uint8_t *)a);
    count(w, sec, STAT_STREAMS, 1);
    count(w, sec, STAT_STREAMS_TOTAL, 1);
    return a;
}

void stream_accepted(struct worker *w, struct listener *l, int fd)
{
    struct section *sec = l->section;
    const struct limits *lim = &sec->current[w->index]->limits;
    gyre_addr peer = {.ip = {0}};
    struct actor *a = NULL;
    enum stat_id hit = STAT_HIT_STREAMS;
    bool counted = false;
    if (atomic_fetch_add_explicit(&sec->streams, 1,
                                  memory_order_relaxed) >= (uint64_t)lim->streams_max)
        goto refuse;
    hit = STAT_HIT_ADDRESS;
    (void)w->ring->ops->peer(w->ring, fd, &peer); /* of a unix socket: none, all peers alike */
    if (service_refuses(w, &peer)) {
        hit = STAT_HIT_REFUSED;
        goto refuse;
    }
    counted = address_is_none(&peer) || address_take(sec, &peer, lim->per_address_max);
    if (!counted) goto refuse;
    hit = STAT_HIT_MEMORY;
    a = stream_make(w, sec, &sec->plugin->kinds[KIND_STREAM], 0, fd);
    if (!a) goto refuse;
    stream_of(a)->from = l;
    stream_of(a)->flags |= S_COUNTED;
    stream_of(a)->peer = peer;
    stream_begin(w, a);
    return;
refuse:
    if (counted) address_give(sec, &peer);
    atomic_fetch_sub_explicit(&sec->streams, 1, memory_order_relaxed);
    count(w, sec, hit, 1);
    w->ring->ops->close(w->ring, fd);
}

void stream_event(struct worker *w, enum op op, struct actor *a, const struct ring_event *e)
{
    if (op == OP_RECV) received(w, a, e);
    else if (op == OP_SEND) stream_sent(w, a, e->res);
    else if (op == OP_READ) stream_read(w, a, e->res);
    else dial_connected(w, a, e->res);
}
