/* SPDX-License-Identifier: GPL-3.0-or-later
 * events.c - operations that are under way in a real ring, until their last event.
 *
 * What the core began is noted here, so that an event of nothing, a buffer that comes twice, or the
 * same operation twice at once stops the program. What came and went is counted for quiet.c.
 * A peer that does not read is full for real: when its window has gone, the socket's buffer
 * is made too small for what lies in it. Buffers that a run shall not have are taken out of the
 * ring once.
 * Owns the operations and the events that the core has not reaped.
 */
#include "real.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "core.h"

/* All of a slow peer's window fits in; and 1: the kernel makes of it the least it allows. */
enum { SERVER_BUFFER = 200 * 1024, SQUEEZED = 1 };

/* ---- noting operations ---- */

struct real_op *real_note(struct real_ring *m, enum real_what what, int fd, uint64_t user,
                          size_t parts)
{
    struct real_op *op = sim_need(calloc(1, sizeof *op + parts * sizeof *op->parts));
    *op = (struct real_op){.next = m->ops, .what = what, .fd = fd, .user = user};
    m->ops = op;
    m->idle = false;
    sim_say(m->sim, "ring %u: begins %d fd %d user %lx", m->index, what, fd, (unsigned long)user);
    real_calm_ends(m->sim);
    if (fd < SIM_FD_FIRST) return op;
    struct real_socket *s = real_socket_at(m->sim, fd);
    if (what == DO_RECV_FROM) s->first->readers++;
    if (s->under_way[what]++ && what < DO_EMIT)
        sim_wrong("the same operation (%d) twice at once on descriptor %d", what, fd);
    return op;
}

struct real_op **real_find(struct real_ring *m, uint64_t user)
{
    struct real_op **at = &m->ops;
    while (*at && (*at)->user != user) at = &(*at)->next;
    return at;
}

static void forget(struct real_ring *m, struct real_op **at)
{
    struct real_op *op = *at;
    struct real_socket *s = op->fd >= SIM_FD_FIRST ? real_socket_at(m->sim, op->fd) : NULL;
    if (s) s->under_way[op->what]--;
    if (s && op->what == DO_RECV_FROM) s->first->readers--;
    *at = op->next;
    free(op);
}

/* ---- what the events of a ring mean ---- */

static void keep_event(struct real_ring *m, struct ring_event e)
{
    if (m->events_n == m->events_cap) {
        m->events_cap = m->events_cap ? 2 * m->events_cap : 64;
        m->events = sim_need(realloc(m->events, m->events_cap * sizeof *m->events));
    }
    m->events[m->events_n++] = e;
}

/* The descriptor of the kernel gets a number of ours. */
static int accepted(struct real_ring *m, struct real_socket *listener, int real)
{
    struct real_socket *s = real_socket_make(m->sim, REAL_STREAM, real, m->index);
    s->process = m->process;
    s->local = listener->local;
    s->end = real_end_of(m->sim, listener, real);
    if (s->end) {
        s->end->socket = s;
        s->peer = s->end->at;
    }
    real_buffer(s, false);
    return s->fd;
}

bool real_full(const struct real_socket *s)
{
    return s->end && s->end->slow && s->sent - s->end->slow_from >= s->sim->window;
}

size_t real_room(const struct real_socket *s)
{
    if (!s->end || !s->end->slow || real_full(s)) return 0;
    return s->sim->window - (size_t)(s->sent - s->end->slow_from);
}

void real_buffer(struct real_socket *s, bool full)
{
    if (s->real >= 0) real_set(s->real, SOL_SOCKET, SO_SNDBUF, full ? SQUEEZED : SERVER_BUFFER);
}

static void take_stock(struct real_socket *s, const struct real_op *op, int32_t res)
{
    if (op->what == DO_EMIT) {
        if (op->to) op->to->due += op->datagrams;
    } else if (op->what == DO_SEND) {
        s->sent += (uint64_t)res;
        if (real_full(s)) real_buffer(s, true);
    } else if (op->what == DO_RECV) {
        s->came += (uint64_t)res;
    } else if (op->what == DO_RECV_FROM) {
        s->first->came++;
    }
}

static void take_event(struct real_ring *m, struct ring_event e)
{
    struct real_op **at = real_find(m, e.user), *op = *at;
    if (!op) sim_wrong("an event (%d) of no operation: user %lx", e.res, (unsigned long)e.user);
    struct real_socket *s = op->fd >= SIM_FD_FIRST ? real_socket_at(m->sim, op->fd) : NULL;
    if (e.flags & RING_BUFFER) {
        if (m->out[e.bid]) sim_wrong("buffer %u came twice", e.bid);
        m->out[e.bid] = 1;
        m->buffers_out++;
    }
    if (op->what == DO_ACCEPT && e.res >= 0) e.res = accepted(m, s, e.res);
    else if (s && e.res >= 0) take_stock(s, op, e.res);
    m->sim->events++;
    sim_say(m->sim, "ring %u: event of %d fd %d user %lx: %d%s%s", m->index, op->what, op->fd,
            (unsigned long)e.user, e.res, e.flags & RING_MORE ? " more" : "",
            e.flags & RING_BUFFER ? " buffer" : "");
    keep_event(m, e);
    if (!(e.flags & RING_MORE)) forget(m, at);
}

/* The send that fills a window goes without the ring: its end is to be the end of a record, so that
 * the kernel does not append to it what comes next, however full the socket is. */
static void fill(struct real_ring *m, const struct real_op *op)
{
    int fd = real_socket_at(m->sim, op->fd)->real;
    ssize_t n = sendmsg(fd, &op->message, MSG_EOR | MSG_NOSIGNAL | MSG_DONTWAIT);
    take_event(m, (struct ring_event){op->user, n < 0 ? -errno : (int32_t)n, 0, 0});
}

void real_take_turns(struct real_ring *m)
{
    struct real_op *next;
    for (struct real_op *op = m->ops; op; op = next) {
        next = op->next;
        if (op->fills) {
            fill(m, op);
        } else if (op->held) {
            struct real_socket *s = real_socket_at(m->sim, op->fd);
            if (real_full(s) && !s->write_shut && s->end->real >= 0) continue;
            op->held = false;
            m->inner->ops->send_msg(m->inner, s->real, &op->message, op->user);
        }
    }
}

/* One pass of the ring. true: something came. `own`: an operation of ours; its events are counted
 * by their results. */
static bool pass_own(struct real_ring *m, int64_t deadline_ns, uint64_t own, uint32_t *taken,
                     bool *over)
{
    struct ring_event events[64];
    bool some = false;
    m->inner->ops->wait(m->inner, deadline_ns, deadline_ns == GYRE_NEVER);
    for (size_t n = 64; n == 64;) {
        n = m->inner->ops->reap(m->inner, events, 64);
        for (size_t i = 0; i < n; i++) {
            if (!own || events[i].user != own) {
                take_event(m, events[i]);
                some = true;
                continue;
            }
            *taken += (events[i].flags & RING_BUFFER) != 0;
            *over |= !(events[i].flags & RING_MORE);
        }
    }
    return some;
}

bool real_pass(struct real_ring *m, int64_t deadline_ns)
{
    return pass_own(m, deadline_ns, 0, NULL, NULL);
}

/* Takes all buffers but the run's out of the ring, through a pair of sockets. */
void real_limit_buffers(struct real_ring *m, bool datagrams)
{
    bool *done = datagrams ? &m->datagrams_limited : &m->streams_limited, over = false;
    uint32_t all = datagrams ? RING_DATAGRAMS : RING_BUFFERS, taken = 0, sent = 0;
    uint64_t own = op_user(datagrams ? OP_RECV_FROM : OP_RECV, 0xffffff, 1);
    int pair[2];
    if (*done) return;
    *done = true;
    if (m->sim->buffers >= all) return;
    real_check(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), "socketpair");
    if (datagrams) m->inner->ops->recv_from(m->inner, pair[0], own);
    else m->inner->ops->recv(m->inner, pair[0], own);
    while (taken < all - m->sim->buffers) {
        if (over) sim_wrong("the ring has fewer buffers than it says: %u", taken);
        if (sent == taken && send(pair[1], "", 1, 0) == 1) sent++;
        (void)pass_own(m, GYRE_NEVER, own, &taken, &over);
    }
    m->inner->ops->cancel(m->inner, own);
    while (!over) (void)pass_own(m, GYRE_NEVER, own, &taken, &over);
    m->inner->ops->close(m->inner, pair[0]); /* the ring may know it by its number */
    close(pair[1]);
}
