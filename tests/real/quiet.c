/* SPDX-License-Identifier: GPL-3.0-or-later
 * quiet.c - whether anything still moves: in a ring, on a wire, or on its way to a far end.
 *
 * Asked of the kernel, not of a clock: what one side sent and the other has got is counted on both;
 * what lies in a socket, in flight or behind a full window is read from it; an operation that must
 * end, because its socket is readable, reset or its peer reads, moves. The world rests when two
 * passes in a row find nothing. Where the kernel needs a moment (softirqs, a worker of its own), a
 * poll on the far ends and the ring's own wait are bounded by a millisecond each.
 * Limits: what does not come to rest for REST_MOST stops the program, saying what moves.
 */
#include "real.h"

#include <linux/sock_diag.h>
#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <time.h>

enum { WAITS_AT_ONCE = 3, MOMENT_MS = 1 };
#define REST_MOST GYRE_SECONDS(10)

/* ---- what the kernel says of a socket ---- */

static uint64_t queued(int fd, unsigned long which)
{
    int n = 0;
    return ioctl(fd, which, &n) == 0 && n > 0 ? (uint64_t)n : 0;
}

/* Bytes wait to be sent, and none is in flight: the other side's window is full. Or it had to send
 * again: many small pieces fill a buffer before they fill its window, and the rest is dropped. A
 * reader (-1: there is none) that has taken all there is has opened its window, whether that is
 * known already or not. A unix socket has nothing in between. */
static bool stuck(int fd, int reader)
{
    int unsent = 0;
    struct tcp_info info = {0};
    socklen_t n = sizeof info;
    if (ioctl(fd, SIOCOUTQNSD, &unsent) != 0) return true;
    if (reader >= 0 && !queued(reader, SIOCINQ)) return false;
    if (unsent > 0 && queued(fd, SIOCOUTQ) == (uint64_t)unsent) return true;
    return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &n) == 0 && info.tcpi_backoff > 0;
}

static bool says(int fd, short events)
{
    struct pollfd p = {fd, events, 0};
    return poll(&p, 1, 0) == 1 && p.revents & (events | POLLERR | POLLHUP);
}

static uint64_t dropped(int fd)
{
    uint32_t info[SK_MEMINFO_VARS] = {0};
    socklen_t n = sizeof info;
    return getsockopt(fd, SOL_SOCKET, SO_MEMINFO, info, &n) == 0 ? info[SK_MEMINFO_DROPS] : 0;
}

/* ---- operations ---- */

/* NULL: it waits for somebody else; or it moves when its descriptor is readable. */
static const char *op_moves(const struct sim *m, const struct real_op *op, int *readable)
{
    const struct real_socket *s =
        op->fd >= SIM_FD_FIRST ? m->sockets[op->fd - SIM_FD_FIRST] : NULL;
    *readable = -1;
    if (op->cancelled) return "a cancelled operation has not ended";
    switch (op->what) {
    case DO_READ: return "a file is being read";
    case DO_CONNECT: return "a connect has not ended";
    case DO_EMIT: return "a datagram is being sent";
    case DO_SEND:
        if (s->end && s->end->real >= 0 && !s->write_shut && real_full(s)) return NULL;
        return "a send has not ended";
    case DO_RECV:
        if (s->end && (s->end->eof_sent || s->end->real < 0)) return "a recv has not seen the end";
        break;
    default: break;
    }
    *readable = s ? s->real : op->fd;
    return NULL;
}

static const char *ops_move(struct sim *m)
{
    size_t n = 0;
    for (const struct real_ring *r = m->rings; r; r = r->next)
        for (const struct real_op *op = r->ops; op; op = op->next) n++;
    struct pollfd *polls = real_polls(m, n);
    n = 0;
    for (const struct real_ring *r = m->rings; r; r = r->next)
        for (const struct real_op *op = r->ops; op; op = op->next) {
            int readable;
            const char *why = op_moves(m, op, &readable);
            if (why) return why;
            polls[n++] = (struct pollfd){readable, POLLIN, 0};
        }
    return n && poll(polls, n, 0) > 0 ? "what can be received was not" : NULL;
}

/* ---- wires ---- */

static const char *towards_server(const struct sim_end *e)
{
    const struct real_socket *s = e->socket;
    if (!s && e->written && queued(e->real, SIOCOUTQ) && !stuck(e->real, -1)) return "bytes fly";
    if (!s) return NULL;
    uint64_t there = s->came + queued(s->real, SIOCINQ);
    if (e->in && s->under_way[DO_RECV]) return "a piece has not gone";
    if (there < e->written) return stuck(e->real, s->real) ? NULL : "bytes fly to the server";
    return e->eof_sent && !says(s->real, POLLRDHUP) ? "FIN flies to the server" : NULL;
}

static const char *stream_moves(const struct sim_end *e)
{
    const struct real_socket *s = e->socket;
    if (e->real < 0)
        return s && !s->closed && !says(s->real, 0) ? "RST flies to the server" : NULL;
    if (real_server_ended(e) && e->state == SIM_OPEN) return "FIN flies to a far end";
    if (e->state == SIM_RESET) return NULL;
    if (s && s->closed) /* a full window tells nothing of the close behind it for many seconds */
        return e->written > s->came && !stuck(e->real, -1) ? "RST flies to a far end" : NULL;
    const char *why = towards_server(e);
    if (why || !s) return why;
    uint64_t there = queued(e->real, SIOCINQ);
    if (there && !e->slow) return "a far end has not read";
    if (e->state != SIM_OPEN || s->sent <= e->got_n + there) return NULL;
    return stuck(s->real, e->real) ? NULL : "bytes fly to a far end";
}

/* Datagrams may be lost where a buffer is full; the kernel counts them. */
static const char *datagrams_move(const struct sim_end *e)
{
    const struct real_socket *port = e->listener;
    if (e->came + dropped(e->real) < e->due) return "a datagram flies to a far end";
    if (!port->open || !port->readers) return NULL;
    return port->came + dropped(port->real) < port->due ? "a datagram flies to the server" : NULL;
}

static const char *what_moves(struct sim *m)
{
    const char *why = ops_move(m);
    for (const struct sim_end *e = m->ends; !why && e; e = e->next)
        why = e->datagrams ? datagrams_move(e) : stream_moves(e);
    return why;
}

/* ---- rest ---- */

static int64_t real_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return GYRE_SECONDS(t.tv_sec) + t.tv_nsec;
}

/* Nothing came, and something moves: the kernel needs a moment. */
static void wait_a_moment(struct sim *m, const char *why)
{
    struct real_rest *rest = m->rest;
    size_t n = 0;
    if (!rest->waits++) rest->since_ns = real_ns();
    if (rest->waits <= WAITS_AT_ONCE) return;
    if (real_ns() - rest->since_ns > REST_MOST * sim_patience())
        sim_wrong("it never comes to rest: %s", why);
    for (const struct sim_end *e = m->ends; e; e = e->next) n++;
    struct pollfd *polls = real_polls(m, n);
    n = 0;
    for (const struct sim_end *e = m->ends; e; e = e->next)
        if (e->state == SIM_OPEN) polls[n++] = (struct pollfd){e->real, POLLIN, 0};
    (void)poll(polls, n, MOMENT_MS);
    rest->patient = true;
}

/* Nothing moves, and did not before the last pass of a ring. */
static bool rests(struct sim *m)
{
    struct real_rest *rest = m->rest;
    for (const struct real_ring *r = m->rings; r; r = r->next)
        if (!r->idle) return false;
    const char *why = what_moves(m);
    if (why) {
        rest->calm = 0;
        wait_a_moment(m, why);
    } else if (rest->seen != rest->passes) {
        rest->seen = rest->passes;
        rest->calm++;
    }
    return rest->calm >= 2;
}

bool sim_quiet(const struct sim *m, int64_t *next_ns)
{
    *next_ns = GYRE_NEVER;
    for (const struct real_ring *r = m->rings; r; r = r->next)
        if (r->deadline_ns < *next_ns) *next_ns = r->deadline_ns;
    return rests((struct sim *)(uintptr_t)m); /* looking takes notes */
}

/* A ring alone cannot tell: what it waits for may be on a wire. */
bool sim_idle(const struct ring *r)
{
    const struct real_ring *m = (const struct real_ring *)r;
    return m->idle && rests(m->sim);
}
