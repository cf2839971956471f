/* SPDX-License-Identifier: GPL-3.0-or-later
 * operations.c - what each operation of kernel.c does to the world, as far as it goes now.
 *
 * Owns nothing: an operation's bytes are the core's until its event is told.
 * Promise: an event is told after its effect; a multishot operation is over with the first event
 * that lacks RING_MORE. Wrong use (a closed descriptor, close with operations under way) stops.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "kernel.h"

enum { SIM_DATAGRAM_BYTES = 65536 };

static void tell(struct sim_ring *m, uint64_t user, int32_t res, uint16_t flags, uint16_t bid)
{
    if (m->events_n == m->events_cap) {
        m->events_cap = m->events_cap ? 2 * m->events_cap : 64;
        m->events = sim_need(realloc(m->events, m->events_cap * sizeof *m->events));
    }
    m->events[m->events_n++] = (struct ring_event){user, res, flags, bid};
}

static bool finish(struct sim_ring *m, const struct sim_op *op, int32_t res)
{
    tell(m, op->user, res, 0, 0);
    return true;
}

/* Takes a free buffer for n bytes; NULL: none is left. */
static struct sim_buffer *take_buffer(struct sim_ring *m, bool datagram, size_t n, uint16_t *bid)
{
    struct sim_buffer *all = datagram ? m->datagrams : m->streams;
    for (uint32_t i = 0; i < m->sim->buffers; i++) {
        if (all[i].bytes) continue;
        all[i].bytes = sim_need(malloc(n ? n : 1));
        all[i].n = n;
        *bid = (uint16_t)(i | (datagram ? BID_DATAGRAM : 0));
        return &all[i];
    }
    return NULL;
}

/* ---- each operation: as far as it goes now; true: it is over ---- */

static bool run_accept(struct sim_ring *m, struct sim_op *op)
{
    struct sim_socket *l = sim_socket_at(m->sim, op->fd);
    for (struct sim_end *e; (e = l->waiting);) {
        l->waiting = e->waiting_next;
        e->socket->given = true;
        tell(m, op->user, e->socket->fd, RING_MORE, 0);
    }
    return false;
}

static struct sim_piece *drop_piece(struct sim_socket *s)
{
    struct sim_piece *p = s->in;
    s->in = p->next;
    if (!s->in) s->in_end = &s->in;
    free(p);
    return s->in;
}

static bool run_recv(struct sim_ring *m, struct sim_op *op)
{
    struct sim_socket *s = sim_socket_at(m->sim, op->fd);
    struct sim_piece *p = s->in;
    bool some = false;
    while (p && !(some && p->apart)) {
        size_t n = p->n - p->at < RING_BUFFER_SIZE ? p->n - p->at : RING_BUFFER_SIZE;
        uint16_t bid;
        struct sim_buffer *b = take_buffer(m, false, n, &bid);
        if (!b) return finish(m, op, -ENOBUFS);
        memcpy(b->bytes, p->bytes + p->at, n);
        tell(m, op->user, (int32_t)n, RING_MORE | RING_BUFFER, bid);
        some = true;
        p->at += n;
        if (p->at == p->n) p = drop_piece(s);
    }
    if (p) return false;
    if (s->reset) return finish(m, op, -ECONNRESET);
    return s->ended || s->read_shut ? finish(m, op, 0) : false;
}

static bool run_recv_from(struct sim_ring *m, struct sim_op *op)
{
    struct sim_socket *s = sim_socket_at(m->sim, op->fd);
    for (struct sim_piece *p = s->in; p; p = drop_piece(s)) {
        uint16_t bid;
        struct sim_buffer *b = take_buffer(m, true, p->n, &bid);
        if (!b) return finish(m, op, -ENOBUFS);
        if (p->n) memcpy(b->bytes, p->bytes, p->n);
        b->path = (gyre_path){p->from, s->local};
        tell(m, op->user, (int32_t)p->n, RING_MORE | RING_BUFFER, bid);
    }
    return false;
}

static bool run_send(struct sim_ring *m, struct sim_op *op)
{
    struct sim_socket *s = sim_socket_at(m->sim, op->fd);
    if (s->reset) return finish(m, op, -ECONNRESET);
    if (s->write_shut || !s->connected) return finish(m, op, -EPIPE);
    size_t n = op->n, room = sim_room(s->end);
    if (op->n && !room) return false;
    if (n > room) n = room;
    if (n && m->sim->short_sends) {
        size_t most = 1 + (size_t)(sim_random(&m->sim->chance) % m->sim->short_sends);
        if (n > most) n = most;
    }
    sim_got(s->end, op->from, n);
    return finish(m, op, (int32_t)n);
}

static bool address_read(const union ring_address *from, gyre_addr *out)
{
    memset(out, 0, sizeof *out);
    if (from->any.sa_family == AF_INET6) {
        memcpy(out->ip, &from->in6.sin6_addr, 16);
        out->port = ntohs(from->in6.sin6_port);
    } else if (from->any.sa_family == AF_INET) {
        memset(out->ip + 10, 0xff, 2);
        memcpy(out->ip + 12, &from->in4.sin_addr, 4);
        out->port = ntohs(from->in4.sin_port);
    }
    return from->any.sa_family == AF_INET6 || from->any.sa_family == AF_INET;
}

static int32_t emit(struct sim_ring *m, int fd, const union ring_address *to, const void *p,
                    size_t n, size_t segment)
{
    struct sim_socket *s = sim_socket_at(m->sim, fd);
    gyre_addr at;
    if (!address_read(to, &at)) return -EAFNOSUPPORT;
    struct sim_end *e = sim_sender_at(m->sim, s, &at);
    if (n > SIM_DATAGRAM_BYTES) return -EMSGSIZE;
    for (size_t done = 0; e && (done < n || !n); done += segment) {
        size_t piece = n - done < segment ? n - done : segment;
        sim_got(e, (const uint8_t *)p + done, piece);
        if (!n) break;
    }
    return (int32_t)n;
}

static bool run_send_to(struct sim_ring *m, struct sim_op *op)
{
    return finish(m, op, emit(m, op->fd, &op->address, op->from, op->n, SIZE_MAX / 2));
}

static size_t segment_of(const struct msghdr *h)
{
    uint16_t segment = 0;
    struct msghdr whole = *h;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&whole); c; c = CMSG_NXTHDR(&whole, c))
        if (c->cmsg_level == IPPROTO_UDP && c->cmsg_len >= CMSG_LEN(sizeof segment))
            memcpy(&segment, CMSG_DATA(c), sizeof segment);
    return segment ? segment : SIZE_MAX / 2;
}

static bool run_send_msg(struct sim_ring *m, struct sim_op *op)
{
    const struct msghdr *h = op->message;
    struct sim_op flat = *op;
    uint8_t *bytes;
    bool over;
    for (size_t i = 0; i < h->msg_iovlen; i++) flat.n += h->msg_iov[i].iov_len;
    bytes = sim_need(malloc(flat.n ? flat.n : 1));
    for (size_t i = 0, at = 0; i < h->msg_iovlen; at += h->msg_iov[i++].iov_len)
        memcpy(bytes + at, h->msg_iov[i].iov_base, h->msg_iov[i].iov_len);
    flat.from = bytes;
    if (h->msg_name) {
        memcpy(&flat.address, h->msg_name, h->msg_namelen);
        over = finish(m, op, emit(m, op->fd, &flat.address, bytes, flat.n, segment_of(h)));
    } else {
        over = run_send(m, &flat);
    }
    free(bytes);
    return over;
}

static bool run_read(struct sim_ring *m, struct sim_op *op)
{
    ssize_t n = pread(op->fd, op->to, op->n, (off_t)op->at);
    return finish(m, op, n < 0 ? -errno : (int32_t)n);
}

static bool run_connect(struct sim_ring *m, struct sim_op *op)
{
    struct sim_socket *s = sim_socket_at(m->sim, op->fd);
    const char *path = op->address.any.sa_family == AF_UNIX ? op->address.un.sun_path : NULL;
    gyre_addr at;
    (void)address_read(&op->address, &at);
    struct sim_peer_place *p = sim_peer_at(m->sim, &at, path);
    if (!p) return finish(m, op, path ? -ENOENT : -ECONNREFUSED);
    struct sim_end **line = &p->waiting;
    while (*line) line = &(*line)->waiting_next;
    *line = s->end = sim_end_make(m->sim, s, NULL);
    s->connected = true;
    s->local = s->end->at;
    s->peer = at;
    return finish(m, op, 0);
}

static bool run_poll(struct sim_ring *m, struct sim_op *op)
{
    struct pollfd p = {.fd = op->fd, .events = POLLIN};
    if (poll(&p, 1, 0) > 0) tell(m, op->user, p.revents, RING_MORE, 0);
    return false;
}

static bool run_cancel(struct sim_ring *m, struct sim_op *op)
{
    for (struct sim_op **at = &m->first; *at != op; at = &(*at)->next) {
        if ((*at)->user != op->user || (*at)->what >= DO_CANCEL) continue;
        finish(m, op, -ECANCELED);
        sim_unlink(m, at);
        break;
    }
    return true;
}

static bool run_shutdown(struct sim_ring *m, struct sim_op *op)
{
    struct sim_socket *s = sim_socket_at(m->sim, op->fd);
    if (op->how != SHUT_WR) s->read_shut = true;
    if (op->how != SHUT_RD) s->write_shut = true;
    if (s->end && s->write_shut && s->end->state == SIM_OPEN) s->end->state = SIM_ENDED;
    return true;
}

static bool run_close(struct sim_ring *m, struct sim_op *op)
{
    for (const struct sim_op *o = m->first; o; o = o->next)
        if (o != op && o->fd == op->fd && o->what < DO_CANCEL)
            sim_wrong("descriptor %d closed while operation %d is under way", op->fd, o->what);
    if (op->fd < SIM_FD_FIRST) close(op->fd);
    else sim_server_closes(sim_socket_at(m->sim, op->fd));
    return true;
}

bool sim_run(struct sim_ring *m, struct sim_op *op)
{
    switch (op->what) {
    case DO_ACCEPT: return run_accept(m, op);
    case DO_RECV: return run_recv(m, op);
    case DO_RECV_FROM: return run_recv_from(m, op);
    case DO_SEND: return run_send(m, op);
    case DO_SEND_MSG: return run_send_msg(m, op);
    case DO_SEND_TO: return run_send_to(m, op);
    case DO_READ: return run_read(m, op);
    case DO_CONNECT: return run_connect(m, op);
    case DO_POLL: return run_poll(m, op);
    case DO_CANCEL: return run_cancel(m, op);
    case DO_SHUTDOWN: return run_shutdown(m, op);
    case DO_CLOSE: return run_close(m, op);
    }
    return true;
}
