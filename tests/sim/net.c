/* SPDX-License-Identifier: GPL-3.0-or-later
 * net.c - the world of sim.h: clock, randomness, sockets and their far ends.
 *
 * Owns every socket and end until sim_free, so a test may look at what has closed.
 * Promise: what a far end does is seen by the server at its next turn, in order.
 * Limits: memory only. No thread: one test, one thread.
 */
#include "kernel.h"

#include <stdio.h>
#include <stdlib.h>

enum { FIRST_PORT = 40000 }; /* of far ends */

struct sim *sim_make(uint64_t seed)
{
    struct sim *m = sim_need(calloc(1, sizeof *m));
    m->seed = seed;
    m->chance = ~seed;
    m->process = 1;
    m->now_ns = GYRE_SECONDS(1000);
    m->buffers = RING_BUFFERS;
    m->window = SIM_WINDOW;
    m->next_port = FIRST_PORT;
    return m;
}

static void socket_free(struct sim_socket *s)
{
    while (s->in) sim_piece_drop(s);
    free(s->path);
    free(s);
}

static void end_free(struct sim_end *e)
{
    free(e->got);
    free(e->sizes);
    free(e);
}

void sim_rewind(struct sim *m, uint64_t seed)
{
    size_t kept = m->sockets_n;
    while (kept && m->sockets[kept - 1]->closed) kept--;
    for (struct sim_end **at = &m->ends, *e; (e = *at);) {
        if (!e->datagrams && !e->socket->closed) {
            at = &e->next;
            continue;
        }
        *at = e->next;
        if (!e->datagrams) e->socket->end = NULL;
        end_free(e);
    }
    while (m->sockets_n > kept) socket_free(m->sockets[--m->sockets_n]);
    while (m->fds_n && m->fds[m->fds_n - 1].closed) m->fds_n--;
    m->seed = seed;
    m->chance = ~seed;
    m->next_port = FIRST_PORT;
}

void sim_free(struct sim *m)
{
    for (size_t i = 0; i < m->sockets_n; i++) socket_free(m->sockets[i]);
    for (struct sim_end *e, *next = m->ends; (e = next); end_free(e)) next = e->next;
    for (struct sim_peer_place *p; (p = m->peers); free(p)) m->peers = p->next;
    sim_files_free(m);
    free((void *)m->sockets);
    free(m->fds);
    free(m);
}

void sim_set_buffers(struct sim *m, uint32_t n)
{
    m->buffers = n;
}

void sim_set_short_sends(struct sim *m, uint32_t n)
{
    m->short_sends = n;
}

void sim_set_still(struct sim *m, bool still)
{
    m->still = still;
}

void sim_set_window(struct sim *m, size_t n)
{
    m->window = n;
}

void sim_set_queue(struct sim *m, uint32_t events)
{
    m->queue = events;
}

void sim_process(struct sim *m, uint32_t process)
{
    m->process = process;
}

uint32_t sim_process_of(const struct sim *m, int fd)
{
    return m->fds[fd - SIM_FD_FIRST].process;
}

void sim_set_wall(struct sim *m, int64_t wall_ns)
{
    m->wall_from_zero_ns = wall_ns - m->now_ns;
}

int64_t sim_now(const struct sim *m)
{
    return m->now_ns;
}

void sim_advance(struct sim *m, int64_t to_ns)
{
    if (to_ns < m->now_ns) sim_wrong("time goes backwards");
    m->now_ns = to_ns;
    for (struct sim_ring *r = m->rings; r; r = r->next)
        if (r->deadline_ns <= to_ns || r->held_ns <= to_ns) r->idle = false;
}

/* ---- sockets and descriptors ---- */

struct sim_fd *sim_fd_at(struct sim *m, int fd)
{
    size_t i = (size_t)(fd - SIM_FD_FIRST);
    if (fd < SIM_FD_FIRST || i >= m->fds_n) sim_wrong("descriptor %d is none", fd);
    if (m->fds[i].closed) sim_wrong("descriptor %d is used after close", fd);
    return &m->fds[i];
}

struct sim_socket *sim_socket_at(struct sim *m, int fd)
{
    return sim_fd_at(m, fd)->socket;
}

int sim_fd_make(struct sim *m, struct sim_socket *s)
{
    if (m->fds_n == m->fds_cap) {
        m->fds_cap = m->fds_cap ? 2 * m->fds_cap : 64;
        m->fds = sim_need(realloc(m->fds, m->fds_cap * sizeof *m->fds));
    }
    m->fds[m->fds_n] = (struct sim_fd){.socket = s, .process = m->process};
    s->fds++;
    return SIM_FD_FIRST + (int)m->fds_n++;
}

struct sim_socket *sim_socket_make(struct sim *m, enum sim_kind kind, uint32_t worker)
{
    struct sim_socket *s = sim_need(calloc(1, sizeof *s));
    if (m->sockets_n == m->sockets_cap) {
        m->sockets_cap = m->sockets_cap ? 2 * m->sockets_cap : 16;
        m->sockets = sim_need(realloc((void *)m->sockets, m->sockets_cap * sizeof *m->sockets));
    }
    s->sim = m;
    s->kind = kind;
    s->worker = worker;
    s->in_end = &s->in;
    s->waiting_end = &s->waiting;
    s->fd = sim_fd_make(m, s);
    m->sockets[m->sockets_n++] = s;
    return s;
}

int sim_listen(struct sim *m, uint32_t worker, const gyre_addr *local, bool datagrams)
{
    struct sim_socket *s = sim_socket_make(m, datagrams ? SIM_PORT : SIM_LISTENER, worker);
    s->local = *local;
    m->fds[s->fd - SIM_FD_FIRST].given = true;
    return s->fd;
}

int sim_share(struct sim *m, int listener)
{
    int fd = sim_fd_make(m, sim_socket_at(m, listener));
    m->fds[fd - SIM_FD_FIRST].given = true;
    return fd;
}

void sim_piece_drop(struct sim_socket *s)
{
    struct sim_piece *p = s->in;
    s->in = p->next;
    if (!s->in) s->in_end = &s->in;
    free(p);
}

/* The server closed. Input it never read, or that comes later, makes the kernel send a reset. */
static void last_close(struct sim_socket *s)
{
    s->closed = true;
    if (s->kind == SIM_LISTENER)
        for (struct sim_end *e; (e = s->waiting); e->state = SIM_RESET)
            s->waiting = e->waiting_next;
    if (s->kind >= SIM_FILE) sim_file_free(s);
    if (!s->end) return;
    if (s->in) s->end->state = SIM_RESET;
    else if (s->end->state == SIM_OPEN) s->end->state = SIM_ENDED;
}

void sim_close_fd(struct sim *m, int fd)
{
    struct sim_fd *f = sim_fd_at(m, fd);
    /* A watch is closed when its worker ends, and its poll ends with the ring. */
    if ((f->in || f->out || f->others) && f->socket->kind != SIM_NOTIFY)
        sim_wrong("descriptor %d is closed while operations on it are under way", fd);
    f->closed = true;
    if (--f->socket->fds == 0) last_close(f->socket);
}

/* ---- who accepts: one of those that are armed is told of each arrival, as the kernel does ---- */

void sim_acceptor(struct sim_socket *s, struct sim_op *op, bool armed)
{
    struct sim_op *from = armed ? NULL : op;
    for (size_t i = 0; i < ACCEPTORS; i++) {
        if (s->acceptors[i] != from) continue;
        s->acceptors[i] = armed ? op : NULL;
        return;
    }
    if (armed) sim_wrong("more than %d accept on one socket", ACCEPTORS);
}

void sim_wake_one(struct sim_socket *s)
{
    size_t from = (size_t)sim_pick(s->sim, FAULT_REORDERED, ACCEPTORS);
    for (size_t i = 0; i < ACCEPTORS; i++) {
        struct sim_op *op = s->acceptors[(from + i) % ACCEPTORS];
        if (!op || op->ring->dead) continue;
        sim_wake(op);
        return;
    }
}

/* ---- far ends ---- */

struct sim_end *sim_end_make(struct sim *m, struct sim_socket *s, const gyre_addr *at)
{
    struct sim_end *e = sim_need(calloc(1, sizeof *e));
    e->socket = s;
    if (at) e->at = *at;
    if (!at) {
        memset(e->at.ip + 10, 0xff, 2);
        memcpy(e->at.ip + 12, "\x7f\0\0\1", 4);
    }
    if (!e->at.port) e->at.port = m->next_port++;
    e->next = m->ends;
    m->ends = e;
    return e;
}

struct sim_end *sim_connect(struct sim *m, int listener, const gyre_addr *from)
{
    struct sim_socket *l = m->fds[listener - SIM_FD_FIRST].socket;
    if (l->closed) return NULL;
    struct sim_socket *s = sim_socket_make(m, SIM_STREAM, l->worker);
    struct sim_end *e = sim_end_make(m, s, from);
    s->end = e;
    s->connected = true;
    s->local = l->local;
    s->peer = e->at;
    *l->waiting_end = e;
    l->waiting_end = &e->waiting_next;
    sim_wake_one(l);
    return e;
}

int sim_pair(struct sim *m, uint32_t worker, struct sim_end **far)
{
    struct sim_socket *s = sim_socket_make(m, SIM_STREAM, worker);
    *far = s->end = sim_end_make(m, s, NULL);
    s->connected = true;
    sim_fd_at(m, s->fd)->given = true;
    return s->fd;
}

struct sim_end *sim_sender(struct sim *m, int port, const gyre_addr *from)
{
    struct sim_socket *s = m->fds[port - SIM_FD_FIRST].socket;
    if (s->closed) return NULL;
    struct sim_end *e = sim_end_make(m, s, from);
    e->datagrams = true;
    return e;
}

struct sim_end *sim_sender_at(struct sim *m, const struct sim_socket *port, const gyre_addr *at)
{
    for (struct sim_end *e = m->ends; e; e = e->next)
        if (e->socket == port && !memcmp(e->at.ip, at->ip, 16) && e->at.port == at->port) return e;
    return NULL;
}

struct sim_peer_place *sim_peer_at(struct sim *m, const gyre_addr *at, const char *path)
{
    for (struct sim_peer_place *p = m->peers; p; p = p->next)
        if (path ? !strcmp(p->path, path)
                 : !p->path[0] && !memcmp(p->at.ip, at->ip, 16) && p->at.port == at->port)
            return p;
    return NULL;
}

bool sim_peer(struct sim *m, const gyre_addr *at, const char *path)
{
    if (sim_peer_at(m, at, path)) return false;
    struct sim_peer_place *p = sim_need(calloc(1, sizeof *p));
    if (path) snprintf(p->path, sizeof p->path, "%s", path);
    else p->at = *at;
    p->waiting_end = &p->waiting;
    p->next = m->peers;
    m->peers = p;
    return true;
}

struct sim_end *sim_accept(struct sim *m, const gyre_addr *at, const char *path)
{
    struct sim_peer_place *p = sim_peer_at(m, at, path);
    struct sim_end *e = p ? p->waiting : NULL;
    if (!e) return NULL;
    p->waiting = e->waiting_next;
    if (!p->waiting) p->waiting_end = &p->waiting;
    return e;
}

static void wake_input(struct sim_socket *s)
{
    sim_wake(s->sim->fds[s->fd - SIM_FD_FIRST].in);
}

void sim_write(struct sim_end *e, gyre_view v, bool apart)
{
    struct sim_socket *s = e->socket;
    if (s->closed && !e->datagrams) e->state = SIM_RESET;
    if (s->closed || e->state == SIM_RESET || (!v.n && !e->datagrams)) return;
    struct sim_piece *p = sim_need(malloc(sizeof *p + v.n));
    *p = (struct sim_piece){.from = e->at, .n = v.n, .apart = apart};
    if (v.n) memcpy(p->bytes, v.p, v.n);
    *s->in_end = p;
    s->in_end = &p->next;
    if (e->datagrams) sim_wake_one(s);
    else wake_input(s);
}

void sim_eof(struct sim_end *e)
{
    e->socket->ended = true;
    wake_input(e->socket);
}

/* A unix socket has no reset: its far end has gone, and that is an end. */
void sim_reset(struct sim_end *e)
{
    struct sim_socket *s = e->socket;
    if (s->local_path) s->ended = s->gone = true;
    else s->reset = true;
    e->state = SIM_RESET;
    wake_input(e->socket);
    sim_wake(e->socket->sim->fds[e->socket->fd - SIM_FD_FIRST].out);
}

void sim_slow(struct sim_end *e, bool slow)
{
    e->slow = slow;
    e->slow_from = e->got_n;
    sim_wake(e->socket->sim->fds[e->socket->fd - SIM_FD_FIRST].out);
}

bool sim_is_slow(const struct sim_end *e)
{
    return e->slow;
}

bool sim_is_datagrams(const struct sim_end *e)
{
    return e->datagrams;
}

size_t sim_room(const struct sim_end *e)
{
    size_t used = e->got_n - e->slow_from;
    if (!e->slow) return SIZE_MAX;
    size_t window = e->socket->sim->window;
    return used < window ? window - used : 0;
}

void sim_got(struct sim_end *e, const void *p, size_t n)
{
    if (e->got_cap - e->got_n < n) {
        e->got_cap = 2 * (e->got_n + n);
        e->got = sim_need(realloc(e->got, e->got_cap));
    }
    if (n) memcpy(e->got + e->got_n, p, n);
    e->got_n += n;
    if (!e->datagrams) return;
    if (e->sizes_n == e->sizes_cap) {
        e->sizes_cap = e->sizes_cap ? 2 * e->sizes_cap : 8;
        e->sizes = sim_need(realloc(e->sizes, e->sizes_cap * sizeof *e->sizes));
    }
    e->sizes[e->sizes_n++] = n;
}

bool sim_any(const struct sim_end *e)
{
    return e->datagrams ? e->sizes_at < e->sizes_n : e->got_at < e->got_n;
}

gyre_view sim_unread(const struct sim_end *e)
{
    size_t n = e->got_n - e->got_at;
    if (e->datagrams) n = sim_any(e) ? e->sizes[e->sizes_at] : 0;
    return n ? (gyre_view){e->got + e->got_at, n} : GYRE_NOTHING;
}

void sim_consume(struct sim_end *e, size_t n)
{
    e->got_at += n;
    if (e->datagrams) e->sizes_at++;
}

gyre_view sim_all(const struct sim_end *e)
{
    return (gyre_view){e->got, e->got_n};
}

enum sim_state sim_state(const struct sim_end *e)
{
    return e->state;
}

int sim_fd(const struct sim_end *e)
{
    return e->socket->sim->fds[e->socket->fd - SIM_FD_FIRST].given ? e->socket->fd : -1;
}

/* ---- the account at the end ---- */

uint32_t sim_left(const struct sim *m, char *why, size_t why_n)
{
    uint32_t left = sim_rings_left(m, why, why_n);
    static const char *const kinds[] = {"stream", "listening socket", "UDP port", "file", "folder",
                                        "watch of folders"};
    for (size_t i = 0; i < m->fds_n; i++) {
        const struct sim_fd *f = &m->fds[i];
        if (!f->given || f->closed) continue;
        size_t used = strlen(why);
        snprintf(why + used, why_n - used, "descriptor %d (a %s) was not closed\n",
                 SIM_FD_FIRST + (int)i, kinds[f->socket->kind]);
        left++;
    }
    return left;
}
