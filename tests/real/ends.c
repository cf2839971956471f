/* SPDX-License-Identifier: GPL-3.0-or-later
 * ends.c - far ends: real non-blocking sockets that clients, senders and peers of a test hold.
 *
 * What a test writes is queued here and goes to the kernel as soon as it may: a piece that is to
 * stay apart waits until the server has received what came before it. What comes is read at once,
 * unless the end is slow. All of it happens in real_pump, which each turn of a ring begins with.
 * Promise: an end's state is what its own socket says: FIN, RST. Limits: memory.
 */
#include "real.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    END_BUFFER = 16 * 1024,       /* what a slow stream takes is to lie with the server, mostly */
    DATAGRAM_BUFFER = 4 << 20,    /* of a sender: as many answers as may come in one turn */
    ANSWER_MS = 1000,             /* for the loopback to finish a handshake */
    READ_MOST = 64 * 1024,
};

/* ---- what came ---- */

static void keep(struct sim_end *e, const void *p, size_t n)
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
    e->came++;
}

/* false: nothing more comes now */
static bool read_some(struct sim_end *e)
{
    static uint8_t bytes[READ_MOST];
    ssize_t n = recv(e->real, bytes, sizeof bytes, MSG_DONTWAIT);
    if (n > 0 || (!n && e->datagrams)) return keep(e, bytes, (size_t)n), true;
    if (!n && e->state == SIM_OPEN) e->state = SIM_ENDED;
    if (n < 0 && errno != EAGAIN && errno != EINTR && !e->datagrams) e->state = SIM_RESET;
    return false;
}

bool real_server_ended(const struct sim_end *e)
{
    if (!e->socket) return e->listener && !e->listener->open;
    return e->socket->closed || e->socket->write_shut;
}

/* Of a slow one, when the server has ended: reading the rest is the only way to see how. */
static bool may_read(const struct sim_end *e)
{
    return e->datagrams || (e->state == SIM_OPEN && (!e->slow || real_server_ended(e)));
}

/* What came before it is there to be read. */
static void see_reset(struct sim_end *e)
{
    while (read_some(e)) continue;
    e->state = SIM_RESET;
}

/* ---- what goes ---- */

static void drop_pieces(struct sim_end *e)
{
    for (struct real_piece *p; (p = e->in); free(p)) e->in = p->next;
    e->in_end = &e->in;
}

/* Of a stream: has the server got all that was written before? */
static bool must_wait(const struct sim_end *e, const struct real_piece *p)
{
    if (e->datagrams || !p->apart || p->at) return false;
    return e->written > (e->socket ? e->socket->came : 0);
}

void real_flush(struct sim_end *e, bool at_once)
{
    struct real_piece *p;
    while (e->real >= 0 && (p = e->in)) {
        if (!at_once && must_wait(e, p)) return;
        ssize_t n = send(e->real, p->bytes + p->at, p->n - p->at, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && (errno == EAGAIN || errno == ENOBUFS)) return;
        if (n < 0 && e->datagrams) n = (ssize_t)p->n; /* a port that is closed: it is lost */
        else if (n < 0) see_reset(e);
        else if (e->datagrams) e->written++, e->listener->due++;
        else e->written += (uint64_t)n;
        real_calm_ends(e->listener ? e->listener->sim : e->socket->sim);
        if (n < 0) return drop_pieces(e);
        p->at += (size_t)n;
        if (p->at < p->n) continue;
        e->in = p->next;
        if (!e->in) e->in_end = &e->in;
        free(p);
    }
    if (!e->eof || e->eof_sent || e->real < 0) return;
    e->eof_sent = true;
    (void)shutdown(e->real, SHUT_WR); /* it may be reset already */
}

/* ---- peers ---- */

/* The server's socket whose own name is that; NULL: none yet. */
static struct real_socket *dialled_from(struct sim *m, const struct real_name *name)
{
    for (size_t i = 0; i < m->sockets_n; i++) {
        struct real_socket *s = m->sockets[i];
        if (!s->dialled || s->end) continue;
        if (!s->closed) (void)real_local_name(s->real, &s->name);
        if (real_same_name(&s->name, name)) return s;
    }
    return NULL;
}

static struct sim_end *end_make(struct sim *m, int real, const gyre_addr *at)
{
    struct sim_end *e = sim_need(calloc(1, sizeof *e));
    e->real = real;
    e->in_end = &e->in;
    if (at) e->at = *at;
    if (!at) {
        memset(e->at.ip + 10, 0xff, 2);
        memcpy(e->at.ip + 12, "\x7f\0\0\1", 4);
    }
    if (!e->at.port) e->at.port = m->next_port++;
    real_check(real_local_name(real, &e->name) ? 0 : -1, "getsockname");
    (void)address_from(&e->name.at.any, &e->real_at);
    e->next = m->ends;
    m->ends = e;
    sim_touch(m);
    return e;
}

static void answer_dials(struct sim *m, struct real_place *p)
{
    int fd;
    while ((fd = accept4(p->real, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0) {
        struct real_name name;
        struct real_socket *s = real_peer_name(fd, &name) ? dialled_from(m, &name) : NULL;
        if (!s) { /* a stranger */
            close(fd);
            continue;
        }
        struct sim_end *e = end_make(m, fd, NULL);
        e->socket = s;
        s->end = e;
        *p->waiting_end = e;
        p->waiting_end = &e->waiting_next;
    }
}

void real_pump(struct sim *m)
{
    size_t n = 0, i = 0;
    for (struct real_place *p = m->places; p; p = p->next) answer_dials(m, p);
    for (struct sim_end *e = m->ends; e; e = e->next) n++;
    struct pollfd *polls = real_polls(m, n);
    for (struct sim_end *e = m->ends; e; e = e->next, i++) {
        real_flush(e, false);
        bool may = may_read(e), asked = may || e->state == SIM_ENDED;
        polls[i] = (struct pollfd){asked ? e->real : -1, may ? POLLIN : 0, 0};
    }
    if (!n || poll(polls, n, 0) <= 0) return;
    i = 0;
    for (struct sim_end *e = m->ends; e; e = e->next, i++) {
        int err = 0;
        socklen_t err_n = sizeof err;
        if (!polls[i].revents) continue;
        if (may_read(e)) {
            size_t before = e->got_n;
            enum sim_state was = e->state;
            while (read_some(e)) continue;
            if (e->got_n != before || e->state != was) real_calm_ends(m);
        } else if (polls[i].revents & POLLERR && e->state == SIM_ENDED &&
                   getsockopt(e->real, SOL_SOCKET, SO_ERROR, &err, &err_n) == 0 && err) {
            e->state = SIM_RESET; /* it wrote to what was closed */
            real_calm_ends(m);
        }
    }
}

/* ---- making ---- */

static bool shakes_hands(int fd, const struct real_name *to)
{
    struct pollfd p = {fd, POLLOUT, 0};
    if (connect(fd, &to->at.any, to->n) == 0) return true;
    return errno == EINPROGRESS && poll(&p, 1, ANSWER_MS) == 1 && !(p.revents & POLLERR);
}

struct sim_end *sim_connect(struct sim *m, int listener, const gyre_addr *from)
{
    struct real_socket *l = m->sockets[listener - SIM_FD_FIRST]->first;
    if (!l->open) return NULL;
    int fd = real_check(socket(l->name.at.any.sa_family,
                               SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), "socket");
    real_set(fd, SOL_SOCKET, SO_RCVBUF, END_BUFFER);
    real_set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    if (!shakes_hands(fd, &l->name)) sim_wrong("connect to a listener: %s", strerror(errno));
    struct sim_end *e = end_make(m, fd, from);
    e->listener = l;
    return e;
}

struct sim_end *sim_sender(struct sim *m, int port, const gyre_addr *from)
{
    struct real_socket *s = m->sockets[port - SIM_FD_FIRST]->first;
    struct real_name name;
    int most = DATAGRAM_BUFFER;
    if (!s->open) return NULL;
    int fd = real_bound(s->name.at.any.sa_family == AF_INET6, SOCK_DGRAM, &name);
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &most, sizeof most) != 0)
        real_set(fd, SOL_SOCKET, SO_RCVBUF, most);
    real_check(connect(fd, &s->name.at.any, s->name.n), "connect");
    struct sim_end *e = end_make(m, fd, from);
    e->datagrams = true;
    e->listener = s;
    return e;
}

/* One that was reset before it was accepted has no name any more: they are accepted in order. */
struct sim_end *real_end_of(struct sim *m, struct real_socket *listener, int real)
{
    struct real_name name;
    bool named = real_peer_name(real, &name);
    struct sim_end *found = NULL;
    for (struct sim_end *e = m->ends; e; e = e->next) {
        if (e->datagrams || e->socket || e->listener != listener->first) continue;
        if (named ? real_same_name(&e->name, &name) : e->real < 0) found = e;
    }
    return found;
}

struct sim_end *real_sender_at(struct sim *m, const struct real_socket *port, const gyre_addr *at)
{
    for (struct sim_end *e = m->ends; e; e = e->next)
        if (e->datagrams && e->listener == port->first && real_same(&e->at, at)) return e;
    return NULL;
}

struct real_place *real_place_at(struct sim *m, const gyre_addr *at, const char *path)
{
    for (struct real_place *p = m->places; p; p = p->next)
        if (path ? !strcmp(p->path, path) : !p->path[0] && real_same(&p->at, at)) return p;
    return NULL;
}

/* A path is played by a name of the kernel's choice that is in no folder. */
bool sim_peer(struct sim *m, const gyre_addr *at, const char *path)
{
    static const union ring_address unnamed = {.un = {.sun_family = AF_UNIX}};
    if (real_place_at(m, at, path)) return false;
    struct real_place *p = sim_need(calloc(1, sizeof *p));
    p->waiting_end = &p->waiting;
    if (path) {
        snprintf(p->path, sizeof p->path, "%s", path);
        p->real = real_check(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");
        real_check(bind(p->real, &unnamed.any, sizeof(sa_family_t)), "bind");
        real_check(real_local_name(p->real, &p->name) ? 0 : -1, "getsockname");
    } else {
        p->at = *at;
        p->real = real_bound(real_six(m, at), SOCK_STREAM, &p->name);
        real_set(p->real, IPPROTO_TCP, TCP_NODELAY, 1);
    }
    real_set(p->real, SOL_SOCKET, SO_RCVBUF, END_BUFFER);
    real_check(fcntl(p->real, F_SETFL, O_NONBLOCK), "fcntl");
    real_check(listen(p->real, SOMAXCONN), "listen");
    p->next = m->places;
    m->places = p;
    return true;
}

struct sim_end *sim_accept(struct sim *m, const gyre_addr *at, const char *path)
{
    struct real_place *p = real_place_at(m, at, path);
    struct sim_end *e = p ? p->waiting : NULL;
    if (!e) return NULL;
    p->waiting = e->waiting_next;
    if (!p->waiting) p->waiting_end = &p->waiting;
    return e;
}

void real_end_free(struct sim_end *e)
{
    drop_pieces(e);
    if (e->real >= 0) close(e->real);
    free(e->got);
    free(e->sizes);
    free(e);
}

/* ---- what a test does with them ---- */

static struct sim *world_of(const struct sim_end *e)
{
    return e->listener ? e->listener->sim : e->socket->sim;
}

void sim_write(struct sim_end *e, gyre_view v, bool apart)
{
    if (e->state == SIM_RESET || e->real < 0 || (!v.n && !e->datagrams)) return;
    struct real_piece *p = sim_need(malloc(sizeof *p + v.n));
    *p = (struct real_piece){.n = v.n, .apart = apart};
    if (v.n) memcpy(p->bytes, v.p, v.n);
    *e->in_end = p;
    e->in_end = &p->next;
    real_flush(e, false);
    sim_touch(world_of(e));
}

void sim_eof(struct sim_end *e)
{
    e->eof = !e->datagrams;
    real_flush(e, false);
    sim_touch(world_of(e));
}

/* A slow one takes what is in its window before it reads again, or breaks the wire. */
static void read_window(struct sim_end *e)
{
    struct pollfd p = {e->real, POLLIN, 0};
    while (e->slow && e->state == SIM_OPEN && e->socket && e->got_n < e->socket->sent &&
           poll(&p, 1, ANSWER_MS) == 1)
        (void)read_some(e);
}

/* What was written before is on the wire, and may come together now. */
void sim_reset(struct sim_end *e)
{
    static const struct linger at_once = {1, 0};
    if (e->datagrams || e->real < 0) return;
    real_flush(e, true);
    read_window(e);
    e->state = SIM_RESET;
    drop_pieces(e);
    real_check(setsockopt(e->real, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once), "SO_LINGER");
    close(e->real);
    e->real = -1;
    sim_touch(world_of(e));
}

void sim_slow(struct sim_end *e, bool slow)
{
    if (e->socket && !e->datagrams) real_buffer(e->socket, false);
    if (!slow) read_window(e);
    e->slow = slow;
    e->slow_from = e->socket ? e->socket->sent : 0;
    sim_touch(world_of(e));
}

bool sim_is_slow(const struct sim_end *e)
{
    return e->slow;
}

bool sim_is_datagrams(const struct sim_end *e)
{
    return e->datagrams;
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
    return e->datagrams ? e->listener->fd : e->socket ? e->socket->fd : -1;
}
