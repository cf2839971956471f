/* SPDX-License-Identifier: GPL-3.0-or-later
 * kernel.c - the table of ring.h over the world of net.c.
 *
 * A call only notes the operation. wait looks at each noted one in order and lets it go as far as
 * it can (operations.c); what happened waits in a list that reap empties. One pass over the list is
 * one turn of the kernel: run_pass is the place where a scheduler may choose another order.
 * Owns its operations, events and receive buffers; a buffer is its own allocation of exact size.
 * Promise: nothing completes at the call. Time never moves here.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "kernel.h"

static struct sim_ring *sim_of(struct ring *r)
{
    return (struct sim_ring *)r;
}

/* ---- noting operations ---- */

static struct sim_op *note(struct ring *r, enum sim_what what, int fd, uint64_t user)
{
    struct sim_ring *m = sim_of(r);
    struct sim_op *op = sim_need(calloc(1, sizeof *op));
    op->what = what;
    op->fd = fd;
    op->user = user;
    for (const struct sim_op *o = m->first; o; o = o->next) {
        if (o->fd != fd || o->what != what || what == DO_CANCEL || what == DO_SEND_TO) continue;
        if (what == DO_READ || what == DO_SEND_MSG) continue;
        sim_wrong("the same operation (%d) twice at once on descriptor %d", what, fd);
    }
    *m->last = op;
    m->last = &op->next;
    m->idle = false;
    return op;
}

static void sim_op_accept(struct ring *r, int fd, uint64_t user)
{
    note(r, DO_ACCEPT, fd, user);
}

static void sim_op_recv(struct ring *r, int fd, uint64_t user)
{
    note(r, DO_RECV, fd, user);
}

static void sim_op_recv_from(struct ring *r, int fd, uint64_t user)
{
    note(r, DO_RECV_FROM, fd, user);
}

static void sim_op_send(struct ring *r, int fd, const void *p, size_t n, uint64_t user)
{
    struct sim_op *op = note(r, DO_SEND, fd, user);
    op->from = p;
    op->n = n;
}

static void sim_op_send_msg(struct ring *r, int fd, const struct msghdr *m, uint64_t user)
{
    note(r, DO_SEND_MSG, fd, user)->message = m;
}

static void sim_op_send_to(struct ring *r, int fd, const void *p, size_t n,
                           const union ring_address *to, socklen_t to_n, uint64_t user)
{
    struct sim_op *op = note(r, DO_SEND_TO, fd, user);
    op->from = p;
    op->n = n;
    memcpy(&op->address, to, to_n);
}

static void sim_op_read(struct ring *r, int fd, void *p, size_t n, uint64_t at, uint64_t user)
{
    struct sim_op *op = note(r, DO_READ, fd, user);
    op->to = p;
    op->n = n;
    op->at = at;
}

static void sim_op_connect(struct ring *r, int fd, const union ring_address *to, socklen_t n,
                           uint64_t user)
{
    memcpy(&note(r, DO_CONNECT, fd, user)->address, to, n);
}

static void sim_op_poll(struct ring *r, int fd, uint64_t user)
{
    note(r, DO_POLL, fd, user);
}

static void sim_op_cancel(struct ring *r, uint64_t target)
{
    note(r, DO_CANCEL, -1, target);
}

static void sim_op_shutdown(struct ring *r, int fd, int how)
{
    note(r, DO_SHUTDOWN, fd, 0)->how = how;
}

static void sim_op_close(struct ring *r, int fd)
{
    note(r, DO_CLOSE, fd, 0);
}

/* ---- buffers ---- */

static struct sim_buffer *buffer_at(struct sim_ring *m, uint16_t bid)
{
    uint32_t i = bid & (BID_DATAGRAM - 1u);
    if (i >= m->sim->buffers) sim_wrong("there is no buffer %u", bid);
    struct sim_buffer *b = bid & BID_DATAGRAM ? &m->datagrams[i] : &m->streams[i];
    if (!b->bytes) sim_wrong("buffer %u is not yours", bid);
    return b;
}

static void sim_op_give(struct ring *r, uint16_t bid)
{
    struct sim_buffer *b = buffer_at(sim_of(r), bid);
    free(b->bytes);
    b->bytes = NULL;
}

static const uint8_t *sim_op_buffer(struct ring *r, uint16_t bid)
{
    return buffer_at(sim_of(r), bid)->bytes;
}

static bool sim_op_datagram(struct ring *r, const struct ring_event *e, struct ring_datagram *out)
{
    if (e->res < 0) return false;
    const struct sim_buffer *b = buffer_at(sim_of(r), e->bid);
    *out = (struct ring_datagram){.data = {b->bytes, b->n}, .path = b->path};
    return true;
}

void sim_unlink(struct sim_ring *m, struct sim_op **at)
{
    struct sim_op *op = *at;
    *at = op->next;
    if (m->last == &op->next) m->last = at;
    free(op);
}

/* In the order of noting. A cancel unlinks an operation before itself, so the place of the running
 * one is found anew. */
static void run_pass(struct sim_ring *m)
{
    struct sim_op *next;
    for (struct sim_op *op = m->first; op; op = next) {
        next = op->next;
        if (!sim_run(m, op)) continue;
        struct sim_op **at = &m->first;
        while (*at != op) at = &(*at)->next;
        sim_unlink(m, at);
    }
}

/* ---- the turn ---- */

static void sim_op_wait(struct ring *r, int64_t deadline_ns, bool busy)
{
    struct sim_ring *m = sim_of(r);
    run_pass(m);
    m->idle = m->events_at == m->events_n && !busy && !m->woken && deadline_ns > m->sim->now_ns;
    m->deadline_ns = deadline_ns;
    m->woken = false;
}

static size_t sim_op_reap(struct ring *r, struct ring_event *out, size_t most)
{
    struct sim_ring *m = sim_of(r);
    size_t n = m->events_n - m->events_at;
    if (n > most) n = most;
    if (n) memcpy(out, m->events + m->events_at, n * sizeof *out);
    m->events_at += n;
    if (m->events_at == m->events_n) m->events_at = m->events_n = 0;
    return n;
}

static void sim_op_wake(struct ring *r)
{
    sim_of(r)->woken = true;
    sim_of(r)->idle = false;
}

bool sim_quiet(const struct sim *sim, int64_t *next_ns)
{
    *next_ns = GYRE_NEVER;
    for (size_t i = 0; i < LIMIT_WORKERS; i++) {
        const struct sim_ring *m = sim->rings[i];
        if (!m) continue;
        if (!m->idle) return false;
        if (m->deadline_ns < *next_ns) *next_ns = m->deadline_ns;
    }
    return true;
}

void sim_touch(struct sim *sim)
{
    for (size_t i = 0; i < LIMIT_WORKERS; i++)
        if (sim->rings[i]) sim->rings[i]->idle = false;
}

/* ---- the rest of ring.h ---- */

static int sim_op_socket(struct ring *r, int family, int type)
{
    struct sim_ring *m = sim_of(r);
    (void)family;
    if ((type & 0xff) != SOCK_STREAM) return -EPROTONOSUPPORT;
    struct sim_socket *s = sim_socket_make(m->sim, SIM_STREAM, m->index);
    s->given = true;
    return s->fd;
}

static bool sim_op_peer(struct ring *r, int fd, gyre_addr *out)
{
    struct sim_socket *s = sim_socket_at(sim_of(r)->sim, fd);
    *out = s->peer;
    return s->connected;
}

static bool sim_op_local(struct ring *r, int fd, gyre_addr *out)
{
    *out = sim_socket_at(sim_of(r)->sim, fd)->local;
    return true;
}

static int64_t sim_op_now(struct ring *r, enum gyre_clock clock)
{
    const struct sim *sim = sim_of(r)->sim;
    return sim->now_ns + (clock == GYRE_WALL ? sim->wall_from_zero_ns : 0);
}

static void sim_op_random(struct ring *r, void *p, size_t n)
{
    uint8_t *at = p;
    while (n--) *at++ = (uint8_t)sim_random(&sim_of(r)->sim->seed);
}

static void sim_op_free(struct ring *r)
{
    struct sim_ring *m = sim_of(r);
    run_pass(m);
    for (struct sim_op *op; (op = m->first); free(op)) m->first = op->next;
    for (size_t i = 0; i < RING_BUFFERS; i++) free(m->streams[i].bytes);
    for (size_t i = 0; i < RING_DATAGRAMS; i++) free(m->datagrams[i].bytes);
    m->sim->rings[m->index] = NULL;
    free(m->events);
    free(m);
}

uint32_t sim_rings_left(const struct sim *sim, char *why, size_t why_n)
{
    uint32_t left = 0;
    for (size_t i = 0; i < LIMIT_WORKERS; i++) {
        const struct sim_ring *m = sim->rings[i];
        uint32_t out = 0;
        for (size_t b = 0; m && b < sim->buffers; b++)
            out += (m->streams[b].bytes ? 1u : 0u) + (m->datagrams[b].bytes ? 1u : 0u);
        if (!out) continue;
        left += out;
        size_t used = strlen(why);
        snprintf(why + used, why_n - used, "%u receive buffers of worker %zu were not given back\n",
                 out, i);
    }
    return left;
}

static const struct ring_ops sim_ops = {
    .accept = sim_op_accept, .recv = sim_op_recv, .recv_from = sim_op_recv_from,
    .send = sim_op_send, .send_msg = sim_op_send_msg, .send_to = sim_op_send_to,
    .read = sim_op_read, .connect = sim_op_connect, .poll = sim_op_poll, .cancel = sim_op_cancel,
    .shutdown = sim_op_shutdown, .close = sim_op_close, .socket = sim_op_socket,
    .peer = sim_op_peer, .local = sim_op_local, .wait = sim_op_wait, .reap = sim_op_reap,
    .give = sim_op_give, .buffer = sim_op_buffer, .datagram = sim_op_datagram, .now = sim_op_now,
    .random = sim_op_random, .wake = sim_op_wake, .free = sim_op_free,
};

struct ring *sim_ring(struct sim *sim, uint32_t worker)
{
    struct sim_ring *m = sim_need(calloc(1, sizeof *m));
    m->pub.ops = &sim_ops;
    m->sim = sim;
    m->index = worker;
    m->last = &m->first;
    sim->rings[worker] = m;
    return &m->pub;
}
