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
    m->now_ns = GYRE_SECONDS(1000);
    m->buffers = RING_BUFFERS;
    m->window = SIM_WINDOW;
    m->next_port = FIRST_PORT;
    return m;
}

static void socket_free(struct sim_socket *s)
{
    for (struct sim_piece *p; (p = s->in); free(p)) s->in = p->next;
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
        if (!e->datagrams && (size_t)(e->socket->fd - SIM_FD_FIRST) < kept) {
            at = &e->next;
            continue;
        }
        *at = e->next;
        end_free(e);
    }
    while (m->sockets_n > kept) socket_free(m->sockets[--m->sockets_n]);
    m->seed = seed;
    m->chance = ~seed;
    m->next_port = FIRST_PORT;
}

void sim_free(struct sim *m)
{
    for (size_t i = 0; i < m->sockets_n; i++) socket_free(m->sockets[i]);
    for (struct sim_end *e, *next = m->ends; (e = next); end_free(e)) next = e->next;
    for (struct sim_peer_place *p; (p = m->peers); free(p)) m->peers = p->next;
    free(m->sockets);
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

void sim_set_window(struct sim *m, size_t n)
{
    m->window = n;
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
    sim_touch(m);
}

/* ---- sockets ---- */

struct sim_socket *sim_socket_at(struct sim *m, int fd)
{
    size_t i = (size_t)(fd - SIM_FD_FIRST);
    if (fd < SIM_FD_FIRST || i >= m->sockets_n) sim_wrong("descriptor %d is no socket", fd);
    if (m->sockets[i]->closed) sim_wrong("descriptor %d is used after close", fd);
    return m->sockets[i];
}

struct sim_socket *sim_socket_make(struct sim *m, enum sim_kind kind, uint32_t worker)
{
    struct sim_socket *s = sim_need(calloc(1, sizeof *s));
    if (m->sockets_n == m->sockets_cap) {
        m->sockets_cap = m->sockets_cap ? 2 * m->sockets_cap : 16;
        m->sockets = sim_need(realloc(m->sockets, m->sockets_cap * sizeof *m->sockets));
    }
    s->sim = m;
    s->kind = kind;
    s->fd = SIM_FD_FIRST + (int)m->sockets_n;
    s->worker = worker;
    s->in_end = &s->in;
    m->sockets[m->sockets_n++] = s;
    return s;
}

int sim_listen(struct sim *m, uint32_t worker, const gyre_addr *local, bool datagrams)
{
    struct sim_socket *s = sim_socket_make(m, datagrams ? SIM_PORT : SIM_LISTENER, worker);
    s->local = *local;
    s->given = true;
    return s->fd;
}

/* The server closed. Input it never read, or that comes later, makes the kernel send a reset. */
void sim_server_closes(struct sim_socket *s)
{
    s->closed = true;
    if (s->kind == SIM_LISTENER)
        for (struct sim_end *e; (e = s->waiting); e->state = SIM_RESET)
            s->waiting = e->waiting_next;
    if (!s->end) return;
    if (s->in) s->end->state = SIM_RESET;
    else if (s->end->state == SIM_OPEN) s->end->state = SIM_ENDED;
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

static void wait_in_line(struct sim_end **line, struct sim_end *e)
{
    while (*line) line = &(*line)->waiting_next;
    *line = e;
}

struct sim_end *sim_connect(struct sim *m, int listener, const gyre_addr *from)
{
    struct sim_socket *l = m->sockets[listener - SIM_FD_FIRST];
    if (l->closed) return NULL;
    struct sim_socket *s = sim_socket_make(m, SIM_STREAM, l->worker);
    struct sim_end *e = sim_end_make(m, s, from);
    s->end = e;
    s->connected = true;
    s->local = l->local;
    s->peer = e->at;
    wait_in_line(&l->waiting, e);
    sim_touch(m);
    return e;
}

struct sim_end *sim_sender(struct sim *m, int port, const gyre_addr *from)
{
    struct sim_socket *s = m->sockets[port - SIM_FD_FIRST];
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
    p->next = m->peers;
    m->peers = p;
    return true;
}

struct sim_end *sim_accept(struct sim *m, const gyre_addr *at, const char *path)
{
    struct sim_peer_place *p = sim_peer_at(m, at, path);
    struct sim_end *e = p ? p->waiting : NULL;
    if (e) p->waiting = e->waiting_next;
    return e;
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
    sim_touch(s->sim);
}

void sim_eof(struct sim_end *e)
{
    e->socket->ended = true;
    sim_touch(e->socket->sim);
}

void sim_reset(struct sim_end *e)
{
    e->socket->reset = true;
    e->state = SIM_RESET;
    sim_touch(e->socket->sim);
}

void sim_slow(struct sim_end *e, bool slow)
{
    e->slow = slow;
    e->slow_from = e->got_n;
    sim_touch(e->socket->sim);
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
    return e->socket->given ? e->socket->fd : -1;
}

/* ---- the account at the end ---- */

uint32_t sim_left(const struct sim *m, char *why, size_t why_n)
{
    uint32_t left = sim_rings_left(m, why, why_n);
    for (size_t i = 0; i < m->sockets_n; i++) {
        const struct sim_socket *s = m->sockets[i];
        static const char *const kinds[] = {"stream", "listening socket", "UDP port"};
        if (!s->given || s->closed) continue;
        size_t used = strlen(why);
        snprintf(why + used, why_n - used, "descriptor %d (a %s) was not closed\n", s->fd,
                 kinds[s->kind]);
        left++;
    }
    return left;
}
