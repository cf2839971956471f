/* SPDX-License-Identifier: GPL-3.0-or-later
 * send.c - from write to a socket, and how a stream ends.
 *
 * Everything that a turn wrote goes out as one SEND at its end; one SEND is under way at a time. A
 * file is read in pieces, one ahead of what is being sent. After on_close the wire goes on alone:
 * it flushes, sends FIN, and reads what comes until the peer ends too, so that no reset destroys a
 * reply; or, closed NOW or broken, it ends at once.
 * Promise: a descriptor is closed when no operation on it is left, never before.
 * Limits: out_max, high_mark, LIMIT_LINGER_MS.
 */
#include <errno.h>

#include "stream.h"

/* The section's options are for what it accepted; what was dialled has the limits of its kind. */
static uint64_t high_mark(const struct actor *a)
{
    return a->flags & A_DIALLED ? a->kind->p.high_mark : (uint64_t)a->version->limits.high_mark;
}

static uint64_t out_max(const struct actor *a)
{
    uint64_t most = (uint64_t)a->version->limits.out_max, mark = high_mark(a);
    return most > mark ? most : mark;
}

bool stream_over(struct actor *a)
{
    const struct stream *s = stream_of(a);
    return s->out.files || s->out.bytes >= high_mark(a);
}

uint64_t stream_room(struct actor *a)
{
    if (!(a->flags & A_STREAM)) return LIMIT_HIGH_MARK;
    if (a->flags & A_CLOSING || stream_over(a)) return 0;
    return high_mark(a) - stream_of(a)->out.bytes;
}

bool stream_idle(struct actor *a)
{
    const struct stream *s = stream_of(a);
    return !s->in && !s->out.first && !(s->flags & (S_SEND | S_READ));
}

void stream_touch(struct worker *w, struct actor *a)
{
    if (a->flags & A_TOUCHED) return;
    a->flags |= A_TOUCHED;
    stream_of(a)->touched_next = w->touched;
    w->touched = a->slot + 1;
}

/* ---- writing ---- */

static int refuse(struct worker *w, struct actor *a, enum gyre_why why, enum stat_id hit)
{
    count(w, section_of(a), hit, 1);
    actor_end(w, a, why);
    stream_closing(w, a, GYRE_NOW);
    return GYRE_FULL;
}

static int written(struct worker *w, struct actor *a)
{
    stream_touch(w, a);
    if (!stream_over(a)) return GYRE_OK;
    stream_of(a)->flags |= S_OVER;
    return GYRE_AGAIN;
}

static bool may_write(struct actor *a)
{
    return !(a->flags & A_CLOSING) && !(stream_of(a)->flags & (S_FIN | S_DROP));
}

int stream_write(struct worker *w, struct actor *a, gyre_view v)
{
    struct stream *s = stream_of(a);
    if (!may_write(a)) return GYRE_GONE;
    if (!v.n) return GYRE_OK;
    uint64_t most = out_max(a);
    if (v.n > most || s->out.bytes > most - v.n) return refuse(w, a, GYRE_SLOW, STAT_HIT_OUT);
    if (!queue_put(w, section_of(a), &s->out, v))
        return refuse(w, a, GYRE_NO_MEMORY, STAT_HIT_MEMORY);
    return written(w, a);
}

int stream_write_bytes(struct worker *w, struct actor *a, struct bytes_core *core, uint64_t at,
                       uint64_t n)
{
    enum { CHEAPER_COPIED = 1024 }; /* below it a second part of a SEND costs more than the copy */
    struct stream *s = stream_of(a);
    if (at > core->n || n > core->n - at) return GYRE_INVALID;
    if (core->p && n <= CHEAPER_COPIED)
        return stream_write(w, a, (gyre_view){core->p + at, (size_t)n});
    if (!may_write(a)) return GYRE_GONE;
    if (!n) return GYRE_OK;
    uint64_t most = out_max(a), cost = core->p ? n : 0;
    /* One buffer may be longer than out_max: it is shared, and nothing else can queue behind it. */
    if (cost > UINT32_MAX / 2 || (s->out.bytes && (cost > most || s->out.bytes > most - cost)))
        return refuse(w, a, GYRE_SLOW, STAT_HIT_OUT);
    if (!queue_put_shared(w, &s->out, core, at, n))
        return refuse(w, a, GYRE_NO_MEMORY, STAT_HIT_MEMORY);
    return written(w, a);
}

/* ---- sending ---- */

struct sending *stream_sending(struct worker *w, struct stream *s)
{
    if (!s->sending) s->sending = pool_zero(w, sizeof *s->sending);
    return s->sending;
}

void stream_sending_done(struct worker *w, struct stream *s)
{
    if (!s->sending || s->flags & (S_SEND | S_READ | S_CONNECT)) return;
    pool_give(w, s->sending, sizeof *s->sending);
    s->sending = NULL;
}

static void read_file(struct worker *w, struct actor *a)
{
    struct stream *s = stream_of(a);
    struct sending *x = stream_sending(w, s);
    if (!x || !queue_file_begin(w, section_of(a), &s->out, &x->piece))
        return stream_broken(w, a, GYRE_NO_MEMORY);
    s->flags |= S_READ;
    w->ring->ops->read(w->ring, x->piece.fd, x->piece.p, x->piece.n, x->piece.at,
                       actor_user(w, OP_READ, a));
}

void stream_flush(struct worker *w, struct actor *a)
{
    struct stream *s = stream_of(a);
    uint64_t user = actor_user(w, OP_SEND, a);
    struct iovec parts[SENDING_PARTS];
    if (s->flags & (S_DROP | S_CONNECT) || s->fd < 0) return;
    if (a->flags & A_FROZEN && !(a->flags & A_CLOSING)) return;
    if (!(s->flags & S_READ) && queue_file_due(&s->out)) read_file(w, a);
    /* A head waits for the first piece of its file: both go out in one SEND. */
    if (s->flags & (S_SEND | S_DROP)) return;
    if (s->flags & S_READ && s->out.bytes < LIMIT_FILE_CHUNK / 2) return;
    size_t n = queue_parts(&s->out, parts, SENDING_PARTS);
    if (!n) {
        if (s->flags & S_FIN && !(s->flags & (S_FIN_SENT | S_READ))) {
            s->flags |= S_FIN_SENT;
            w->ring->ops->shutdown(w->ring, s->fd, SHUT_WR);
        }
        return;
    }
    struct sending *x = n > 1 ? stream_sending(w, s) : NULL;
    if (!x) { /* one part; or no memory for more at once */
        w->ring->ops->send(w->ring, s->fd, parts[0].iov_base, parts[0].iov_len, user);
    } else {
        memcpy(x->parts, parts, n * sizeof *parts);
        x->message = (struct msghdr){.msg_iov = x->parts, .msg_iovlen = n};
        w->ring->ops->send_msg(w->ring, s->fd, &x->message, user);
    }
    s->flags |= S_SEND;
}

/* After close the peer has LIMIT_LINGER_MS for each step: to take some of the queue, to end. */
static void linger(struct worker *w, struct stream *s)
{
    timer_set(w, &s->deadline, w->now_ns + (int64_t)LIMIT_LINGER_MS * 1000000);
}

/* Output has gone: whoever rested because of it looks again. */
static void gone(struct worker *w, struct actor *a)
{
    struct stream *s = stream_of(a);
    if (a->flags & A_CLOSING) return linger(w, s);
    if (s->flags & S_OVER && !s->out.files &&
        s->out.bytes <= high_mark(a) / 2) {
        s->flags &= ~(uint32_t)S_OVER;
        if (a->kind->p.on_room) a->flags |= A_PRODUCE;
        actor_ready(w, a);
        if (a->extra && a->extra->link_from) actor_ready(w, a->extra->link_from);
    } else if (s->in && !stream_over(a)) { /* it may rest by a smaller mark, of a newer version */
        actor_ready(w, a);
    }
    if (a->flags & A_PRODUCE) actor_ready(w, a);
    if (a->flags & A_LEAVING) actor_leave_if_idle(w, a);
}

void stream_sent(struct worker *w, struct actor *a, int32_t res)
{
    struct stream *s = stream_of(a);
    s->flags &= ~(uint32_t)S_SEND;
    stream_sending_done(w, s);
    if (res > 0) {
        s->active_at = worker_ticks(w);
        count(w, section_of(a), STAT_BYTES_OUT, res);
        queue_sent(w, section_of(a), &s->out, (uint64_t)res);
        if (s->out.first || s->flags & S_FIN) stream_touch(w, a);
        gone(w, a);
    } else if (res != -EAGAIN && res != -EINTR && res != -ECANCELED) {
        stream_broken(w, a, GYRE_RESET);
    } else {
        stream_touch(w, a);
    }
    if (a->flags & A_CLOSED) stream_closed(w, a);
}

void stream_read(struct worker *w, struct actor *a, int32_t res)
{
    struct stream *s = stream_of(a);
    s->flags &= ~(uint32_t)S_READ;
    bool ok = queue_file_end(w, section_of(a), &s->out, &s->sending->piece, res);
    stream_sending_done(w, s);
    if (ok) stream_touch(w, a);
    /* the promised length is gone */
    else if (!(s->flags & S_DROP)) stream_broken(w, a, GYRE_RESET);
    if (ok) gone(w, a);
    if (a->flags & A_CLOSED) stream_closed(w, a);
}

void stream_finish(struct worker *w, struct actor *a)
{
    stream_of(a)->flags |= S_FIN;
    stream_touch(w, a);
}

/* ---- the end ---- */

void stream_broken(struct worker *w, struct actor *a, enum gyre_why why)
{
    stream_of(a)->flags |= S_DROP | S_EOF;
    actor_end(w, a, why);
    actor_ready(w, a);
}

void stream_closing(struct worker *w, struct actor *a, enum gyre_how how)
{
    struct stream *s = stream_of(a);
    bool connected = s->fd >= 0 && !(s->flags & S_CONNECT);
    if (how == GYRE_NOW || !(connected || s->out.first)) s->flags |= S_DROP;
    s->flags |= S_FIN;
    /* The clock of lingering starts now, whatever deadline was nearer. */
    timer_clear(w, &s->deadline);
    linger(w, s);
    if (connected && !(s->flags & S_DROP) && s->out.first) stream_touch(w, a);
}

static void finish(struct worker *w, struct actor *a)
{
    struct stream *s = stream_of(a);
    struct section *sec = section_of(a);
    if (!(s->flags & S_ENDED)) {
        s->flags |= S_ENDED;
        if (s->fd >= 0) w->ring->ops->close(w->ring, s->fd);
        s->fd = -1; /* the number may be another's by the time of the flush */
        queue_drop(w, sec, &s->out);
        stream_discard(w, a);
        stream_sending_done(w, s);
        timer_clear(w, &s->deadline);
        if (s->flags & S_COUNTED) {
            address_give(sec, &s->peer);
            atomic_fetch_sub_explicit(&sec->streams, 1, memory_order_relaxed);
        }
        count(w, sec, STAT_STREAMS, -1);
    }
    actor_free(w, a);
}

void stream_moved(struct worker *w, struct actor *a)
{
    stream_of(a)->flags |= S_DROP | S_EOF;
    stream_closed(w, a);
}

void stream_closed(struct worker *w, struct actor *a)
{
    struct stream *s = stream_of(a);
    stream_discard(w, a); /* not before: on_data may have been reading it */
    if (!(s->flags & (S_DROP | S_ENDED))) {
        if (s->out.first || s->flags & (S_SEND | S_READ)) {
            /* What was dialled and is not yet connected goes on when it is. */
            if (s->fd >= 0 && !(s->flags & (S_SEND | S_READ | S_CONNECT))) stream_touch(w, a);
            return;
        }
        if (!(s->flags & S_EOF)) { /* FIN, then read until the peer ends too */
            if (!(s->flags & S_FIN_SENT)) {
                s->flags |= S_FIN_SENT;
                w->ring->ops->shutdown(w->ring, s->fd, SHUT_WR);
            }
            stream_recv(w, a);
            return;
        }
    }
    if (s->flags & S_STARVED) return;
    if (s->flags & S_UNDER_WAY) {
        if (s->flags & S_SHUT) return;
        s->flags |= S_SHUT;
        if (s->flags & S_CONNECT)
            w->ring->ops->cancel(w->ring, actor_user(w, OP_CONNECT, a));
        w->ring->ops->shutdown(w->ring, s->fd, SHUT_RDWR);
        return;
    }
    finish(w, a);
}
