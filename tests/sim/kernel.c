/* SPDX-License-Identifier: GPL-3.0-or-later
 * kernel.c - the table of ring.h over the world of net.c, and its scheduler.
 *
 * A call only notes the operation. wait runs what is queued: operations that are new, and those
 * that something happened to; each goes as far as it can (operations.c) and is over, or parked
 * until something happens to its socket. What it told waits in a list that reap empties.
 * With faults on, the order of running and of events is shuffled as far as the real kernel leaves
 * it open (events of one operation keep their order; cancel and close come after what was
 * submitted before them), and an operation may be held back for a while.
 * Owns its operations, events and receive buffers; a buffer is its own allocation of exact size.
 * Promise: nothing completes at the call. Time never moves here.
 */
#include "kernel.h"

#include <errno.h>
#include <stdlib.h>

static struct sim_ring *ring_of(struct ring *r)
{
    return (struct sim_ring *)r;
}

/* ---- noting operations ---- */

static void push(struct sim_ring *m, struct sim_op *op)
{
    if (m->queue_n == m->queue_cap) {
        m->queue_cap = m->queue_cap ? 2 * m->queue_cap : 64;
        m->queue = sim_need(realloc(m->queue, m->queue_cap * sizeof(struct sim_op *)));
    }
    m->queue[m->queue_n++] = op;
}

void sim_queue(struct sim_ring *m, struct sim_op *op)
{
    op->state = OP_QUEUED;
    op->due_ns = 0;
    push(m, op);
    m->idle = false;
}

/* Where a descriptor keeps its one operation of that kind; NULL: there may be many. */
static struct sim_op **place_of(struct sim_fd *fd, enum sim_what what)
{
    switch (what) {
    case DO_ACCEPT:
    case DO_RECV:
    case DO_RECV_FROM:
    case DO_POLL:
    case DO_CONNECT: return &fd->in;
    case DO_SEND: return &fd->out;
    case DO_SEND_MSG: return fd->socket->kind == SIM_STREAM ? &fd->out : NULL;
    default: return NULL;
    }
}

/* Something happened to what it waits for. */
void sim_wake(struct sim_op *op)
{
    if (op && op->state == OP_PARKED) sim_queue(op->ring, op);
}

static struct sim_op *note(struct ring *r, enum sim_what what, int fd, uint64_t user)
{
    struct sim_ring *m = ring_of(r);
    struct sim_op *op = m->spare;
    if (op) m->spare = op->next;
    else op = sim_need(malloc(sizeof *op));
    *op = (struct sim_op){.ring = m, .next = m->ops, .what = what, .fd = fd,
                          .number = ++m->submitted, .user = user};
    if (m->ops) m->ops->before = op;
    m->ops = op;
    if (what != DO_CANCEL && fd >= SIM_FD_FIRST) {
        struct sim_fd *f = sim_fd_at(m->sim, fd);
        struct sim_op **place = place_of(f, what);
        if (place && *place)
            sim_wrong("%s begins on descriptor %d while %s is under way", sim_op_name(op), fd,
                      sim_op_name(*place));
        if (place) *place = op;
        else if (what != DO_CLOSE) f->others++;
    }
    sim_hash_in(m->sim, (uint64_t)what << 56 ^ (uint64_t)fd << 24 ^ user);
    if (m->sim->trace)
        sim_say(m->sim, "ring %u: %s fd %d user %lx", m->index, sim_op_name(op), fd,
                (unsigned long)user);
    sim_queue(m, op);
    return op;
}

void sim_op_free(struct sim_op *op)
{
    struct sim_ring *m = op->ring;
    for (size_t i = 0; op->state == OP_QUEUED && i < m->queue_n; i++)
        if (m->queue[i] == op) m->queue[i] = NULL;
    if (op->what != DO_CANCEL && op->fd >= SIM_FD_FIRST) {
        struct sim_fd *f = &m->sim->fds[op->fd - SIM_FD_FIRST];
        struct sim_op **place = place_of(f, op->what);
        if (place && *place == op) *place = NULL;
        else if (!place && op->what != DO_CLOSE) f->others--;
        if (op->what == DO_ACCEPT || op->what == DO_RECV_FROM) sim_acceptor(f->socket, op, false);
    }
    if (op->next) op->next->before = op->before;
    if (op->before) op->before->next = op->next;
    else m->ops = op->next;
    op->next = m->spare;
    m->spare = op;
}

static void op_accept(struct ring *r, int fd, uint64_t user)
{
    struct sim_op *op = note(r, DO_ACCEPT, fd, user);
    sim_acceptor(sim_socket_at(ring_of(r)->sim, fd), op, true);
}

static void op_recv(struct ring *r, int fd, uint64_t user)
{
    note(r, DO_RECV, fd, user);
}

static void op_recv_from(struct ring *r, int fd, uint64_t user)
{
    struct sim_op *op = note(r, DO_RECV_FROM, fd, user);
    sim_acceptor(sim_socket_at(ring_of(r)->sim, fd), op, true);
}

static void op_send(struct ring *r, int fd, const void *p, size_t n, uint64_t user)
{
    struct sim_op *op = note(r, DO_SEND, fd, user);
    op->from = p;
    op->n = n;
    op->sum = sim_sum(op);
}

static void op_send_msg(struct ring *r, int fd, const struct msghdr *m, uint64_t user)
{
    struct sim_op *op = note(r, DO_SEND_MSG, fd, user);
    op->message = m;
    op->sum = sim_sum(op);
}

static void op_send_to(struct ring *r, int fd, const void *p, size_t n,
                       const union ring_address *to, socklen_t to_n, uint64_t user)
{
    struct sim_op *op = note(r, DO_SEND_TO, fd, user);
    op->from = p;
    op->n = n;
    op->sum = sim_sum(op);
    memcpy(&op->address, to, to_n);
}

static void op_read(struct ring *r, int fd, void *p, size_t n, uint64_t at, uint64_t user)
{
    struct sim_op *op = note(r, DO_READ, fd, user);
    op->to = p;
    op->n = n;
    op->at = at;
}

static void op_connect(struct ring *r, int fd, const union ring_address *to, socklen_t n,
                       uint64_t user)
{
    memcpy(&note(r, DO_CONNECT, fd, user)->address, to, n);
}

static void op_poll(struct ring *r, int fd, uint64_t user)
{
    note(r, DO_POLL, fd, user);
}

static void op_cancel(struct ring *r, uint64_t target)
{
    note(r, DO_CANCEL, -1, target);
}

static void op_cancel_send(struct ring *r, int fd, uint64_t target)
{
    (void)fd;
    op_cancel(r, target);
}

static void op_close(struct ring *r, int fd)
{
    note(r, DO_CLOSE, fd, 0);
}

/* At once, as the real one. */
static void op_shutdown(struct ring *r, int fd, int how)
{
    struct sim *sim = ring_of(r)->sim;
    struct sim_fd *f = sim_fd_at(sim, fd);
    struct sim_socket *s = f->socket;
    sim_hash_in(sim, (uint64_t)fd << 8 ^ (uint64_t)how);
    if (sim->trace) sim_say(sim, "ring %u: shutdown fd %d how %d", ring_of(r)->index, fd, how);
    if (how != SHUT_WR) s->read_shut = true;
    if (how != SHUT_RD) s->write_shut = true;
    if (s->end && s->write_shut && s->end->state == SIM_OPEN) s->end->state = SIM_ENDED;
    sim_wake(f->in);
    sim_wake(f->out);
}

/* ---- the turn ---- */

static bool is_control(const struct sim_op *op)
{
    return op->what == DO_CANCEL || op->what == DO_CLOSE;
}

/* Operations only: control keeps its place behind them. */
static void shuffle(struct sim_ring *m)
{
    size_t n = 0;
    while (n < m->queue_n && !is_control(m->queue[n])) n++;
    if (n < 2 || !sim_happens(m->sim, FAULT_REORDERED)) return;
    for (size_t i = n - 1; i > 0; i--) {
        size_t j = (size_t)sim_pick(m->sim, FAULT_REORDERED, i + 1);
        struct sim_op *op = m->queue[i];
        m->queue[i] = m->queue[j];
        m->queue[j] = op;
    }
}

/* true: not yet */
static bool held_back(struct sim_ring *m, struct sim_op *op)
{
    if (is_control(op) || op->last) return false;
    if (!op->due_ns) {
        op->due_ns = m->sim->now_ns;
        if (sim_happens(m->sim, FAULT_LATE))
            op->due_ns += 1 + (int64_t)sim_pick(m->sim, FAULT_LATE, 20000000);
    }
    if (op->due_ns > m->sim->now_ns && op->due_ns < m->held_ns) m->held_ns = op->due_ns;
    return op->due_ns > m->sim->now_ns;
}

/* What is queued while it runs (by what its operations do to other sockets) comes the next time;
 * what is parked meanwhile was parked by its own run. */
static void run_queue(struct sim_ring *m)
{
    size_t n = 0, kept = 0;
    for (size_t i = 0; i < m->queue_n; i++)
        if (m->queue[i]) m->queue[n++] = m->queue[i]; /* the others were cancelled */
    m->queue_n = n;
    m->held_ns = GYRE_NEVER;
    shuffle(m);
    for (size_t i = 0; i < n; i++) {
        struct sim_op *op = m->queue[i];
        if (!op) continue; /* cancelled meanwhile */
        if (held_back(m, op)) {
            m->queue[kept++] = op;
            continue;
        }
        m->queue[i] = NULL;
        op->state = OP_PARKED;
        if (sim_run(m, op) == SIM_OVER) sim_op_free(op);
    }
    if (m->queue_n > n)
        memmove((void *)(m->queue + kept), (void *)(m->queue + n),
                (m->queue_n - n) * sizeof(struct sim_op *));
    m->queue_n = kept + m->queue_n - n;
}

/* Real descriptors (inotify) say nothing by themselves: they are looked at in each turn. */
static void look_at_real(struct sim_ring *m)
{
    for (struct sim_op *op = m->sim->still ? NULL : m->ops; op; op = op->next)
        if (op->what == DO_POLL && op->fd < SIM_FD_FIRST) sim_wake(op);
}

static void op_wait(struct ring *r, int64_t deadline_ns, bool busy)
{
    struct sim_ring *m = ring_of(r);
    look_at_real(m);
    run_queue(m);
    bool due = false;
    for (size_t i = 0; i < m->queue_n; i++)
        due |= m->queue[i] && m->queue[i]->due_ns <= m->sim->now_ns;
    m->idle = m->events_at == m->events_n && !busy && !m->woken && !due &&
              deadline_ns > m->sim->now_ns;
    m->deadline_ns = deadline_ns;
    m->woken = false;
    sim_hash_in(m->sim, (uint64_t)deadline_ns);
}

static void op_wake(struct ring *r)
{
    ring_of(r)->woken = true;
    ring_of(r)->idle = false;
}

bool sim_idle(const struct ring *r)
{
    return ((const struct sim_ring *)r)->idle;
}

bool sim_quiet(const struct sim *sim, int64_t *next_ns)
{
    *next_ns = GYRE_NEVER;
    for (const struct sim_ring *m = sim->rings; m; m = m->next) {
        if (!m->idle) return false;
        if (m->deadline_ns < *next_ns) *next_ns = m->deadline_ns;
        if (m->held_ns < *next_ns) *next_ns = m->held_ns;
    }
    return true;
}

bool sim_waits(const struct sim *sim)
{
    for (const struct sim_ring *m = sim->rings; m; m = m->next)
        if (m->queue_n || m->events_at < m->events_n || m->woken) return false;
    return true;
}

void sim_touch(struct sim *sim)
{
    for (struct sim_ring *m = sim->rings; m; m = m->next) m->idle = false;
}

/* ---- the rest of ring.h ---- */

static int op_socket(struct ring *r, int family, int type)
{
    struct sim_ring *m = ring_of(r);
    (void)family;
    if ((type & 0xff) != SOCK_STREAM) return -EPROTONOSUPPORT;
    if (sim_happens(m->sim, FAULT_NO_FDS)) return -EMFILE;
    struct sim_socket *s = sim_socket_make(m->sim, SIM_STREAM, m->index);
    struct sim_fd *f = &m->sim->fds[s->fd - SIM_FD_FIRST];
    f->given = true;
    f->process = m->process;
    return s->fd;
}

/* A path is no address; and a connection that was reset, or has ended both ways, has no peer. */
static bool op_peer(struct ring *r, int fd, gyre_addr *out)
{
    struct sim_socket *s = sim_socket_at(ring_of(r)->sim, fd);
    bool over = s->reset || (s->ended && s->write_shut);
    if (!s->connected || s->local_path || over) return false;
    *out = s->peer;
    return true;
}

static bool op_local(struct ring *r, int fd, gyre_addr *out)
{
    struct sim_socket *s = sim_socket_at(ring_of(r)->sim, fd);
    if (!s->local_path) *out = s->local;
    return !s->local_path;
}

static int64_t op_now(struct ring *r, enum gyre_clock clock)
{
    const struct sim *sim = ring_of(r)->sim;
    return sim->now_ns + (clock == GYRE_WALL ? sim->wall_from_zero_ns : 0);
}

static void op_random(struct ring *r, void *p, size_t n)
{
    uint8_t *at = p;
    while (n--) *at++ = (uint8_t)sim_random(&ring_of(r)->sim->seed);
}

static void op_free(struct ring *r)
{
    struct sim_ring *m = ring_of(r), **at = &m->sim->rings;
    if (!m->dead) {
        m->sim->calm = true; /* the last closes are not to be held back */
        run_queue(m);
        m->sim->calm = false;
    }
    while (m->ops) sim_op_free(m->ops);
    for (struct sim_op *op; (op = m->spare); free(op)) m->spare = op->next;
    for (size_t i = 0; i < RING_BUFFERS; i++) free(m->streams[i].bytes);
    for (size_t i = 0; i < RING_DATAGRAMS; i++) free(m->datagrams[i].bytes);
    while (*at != m) at = &(*at)->next;
    *at = m->next;
    free((void *)m->queue);
    free(m->events);
    free(m);
}

void sim_kill(struct sim *sim, uint32_t process)
{
    struct sim_ring *next;
    for (struct sim_ring *m = sim->rings; m; m = next) {
        next = m->next;
        m->dead = m->process == process;
        if (m->dead) op_free(&m->pub);
    }
    for (size_t i = 0; i < sim->fds_n; i++)
        if (sim->fds[i].process == process && sim->fds[i].given && !sim->fds[i].closed)
            sim_close_fd(sim, SIM_FD_FIRST + (int)i);
}

bool sim_ring_left(const struct ring *r, char *why, size_t why_n)
{
    const struct sim_ring *m = (const struct sim_ring *)r;
    bool some = m->streams_out || m->datagrams_out;
    if (some)
        snprintf(why + strlen(why), why_n - strlen(why), "%u receive buffers were not given back\n",
                 m->streams_out + m->datagrams_out);
    for (const struct sim_op *op = m->ops; op; op = op->next) {
        if (op->what == DO_POLL) continue;
        snprintf(why + strlen(why), why_n - strlen(why), "%s on descriptor %d never ended\n",
                 sim_op_name(op), op->fd);
        some = true;
    }
    return some;
}

uint32_t sim_rings_left(const struct sim *sim, char *why, size_t why_n)
{
    uint32_t left = 0;
    for (const struct sim_ring *m = sim->rings; m; m = m->next) {
        uint32_t out = m->streams_out + m->datagrams_out;
        if (!out) continue;
        left += out;
        size_t used = strlen(why);
        snprintf(why + used, why_n - used, "%u receive buffers of worker %u were not given back\n",
                 out, m->index);
    }
    return left;
}

static const struct ring_ops table = {
    .accept = op_accept, .recv = op_recv, .recv_from = op_recv_from, .send = op_send,
    .send_msg = op_send_msg, .send_to = op_send_to, .read = op_read, .connect = op_connect,
    .poll = op_poll, .cancel = op_cancel,
    .cancel_send = op_cancel_send, .shutdown = op_shutdown, .close = op_close,
    .socket = op_socket, .peer = op_peer, .local = op_local, .wait = op_wait, .reap = sim_op_reap,
    .give = sim_op_give, .buffer = sim_op_buffer, .datagram = sim_op_datagram, .now = op_now,
    .random = op_random, .wake = op_wake, .free = op_free,
};

struct ring *sim_ring(struct sim *sim, uint32_t worker)
{
    struct sim_ring *m = sim_need(calloc(1, sizeof *m)), **at = &sim->rings;
    m->pub.ops = &table;
    m->sim = sim;
    m->index = worker;
    m->process = sim->process;
    while (*at) at = &(*at)->next;
    *at = m;
    return &m->pub;
}
