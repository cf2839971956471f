/* SPDX-License-Identifier: GPL-3.0-or-later
 * operations.c - what each operation of kernel.c does to the world, as far as it goes now.
 *
 * Owns nothing: an operation's bytes are the core's until its event is told.
 * Promise: an event is told after its effect; a multishot operation is over with the first event
 * that lacks RING_MORE, and tells no other. Wrong use (a closed descriptor, close with operations
 * under way, bytes that changed while they were being sent) stops.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "kernel.h"

enum { DATAGRAM_BYTES = 65536 };

static enum sim_result finish(struct sim_op *op, int32_t res)
{
    (void)sim_tell(op->ring, op, res, 0, 0);
    return SIM_OVER;
}

/* A multishot operation tells one more. SIM_OVER: that was its last. */
static enum sim_result tell_more(struct sim_op *op, int32_t res, uint16_t flags, uint16_t bid,
                                 enum sim_fault ends)
{
    uint16_t more = sim_happens(op->ring->sim, ends) ? 0 : RING_MORE;
    return sim_tell(op->ring, op, res, flags | more, bid) ? SIM_PARK : SIM_OVER;
}

/* Of both ends: a send that goes out in many small pieces is looked at in each of them. */
static uint64_t sum_of(uint64_t sum, const uint8_t *p, size_t n)
{
    enum { END = 256 };
    uint64_t word = 0;
    if (n > 2 * END) {
        sum = sum_of(sum, p + n - END, END);
        n = END;
    }
    for (; n >= 8; n -= 8, p += 8) {
        memcpy(&word, p, 8);
        sum = (sum ^ word) * 0xff51afd7ed558ccdu;
        sum ^= sum >> 32;
    }
    word = 0;
    if (n) memcpy(&word, p, n);
    return (sum ^ word ^ (uint64_t)n << 56) * 0xc4ceb9fe1a85ec53u;
}

uint64_t sim_sum(const struct sim_op *op)
{
    uint64_t sum = 1;
    if (op->what != DO_SEND_MSG) return sum_of(sum, op->from, op->n);
    for (size_t i = 0; i < op->message->msg_iovlen; i++)
        sum = sum_of(sum, op->message->msg_iov[i].iov_base, op->message->msg_iov[i].iov_len);
    return sum;
}

static void check_sum(const struct sim_op *op)
{
    if (sim_sum(op) != op->sum)
        sim_wrong("bytes changed while they were being sent on descriptor %d", op->fd);
}

/* Takes a free buffer for n bytes; NULL: none is left. */
static struct sim_buffer *take_buffer(struct sim_ring *m, bool datagram, size_t n, uint16_t *bid)
{
    struct sim_buffer *all = datagram ? m->datagrams : m->streams;
    uint32_t *out = datagram ? &m->datagrams_out : &m->streams_out;
    uint32_t *next = datagram ? &m->next_datagram : &m->next_stream, most = m->sim->buffers;
    if (*out >= most || sim_happens(m->sim, FAULT_NO_BUFFERS)) return NULL;
    while (all[*next % most].bytes) ++*next;
    struct sim_buffer *b = &all[*next % most];
    *bid = (uint16_t)(*next % most | (datagram ? BID_DATAGRAM : 0));
    ++*next;
    b->bytes = sim_need(malloc(n ? n : 1));
    b->n = n;
    b->cut = false;
    ++*out;
    return b;
}

/* ---- each operation ---- */

static enum sim_result run_accept(struct sim_ring *m, struct sim_op *op)
{
    struct sim_socket *l = sim_socket_at(m->sim, op->fd);
    for (struct sim_end *e; (e = l->waiting);) {
        if (sim_happens(m->sim, FAULT_NO_FDS)) return finish(op, -EMFILE);
        if (sim_happens(m->sim, FAULT_AGAIN)) return finish(op, -EINTR);
        l->waiting = e->waiting_next;
        if (!l->waiting) l->waiting_end = &l->waiting;
        if (sim_happens(m->sim, FAULT_ABORTED)) {
            e->state = SIM_RESET;
            return finish(op, -ECONNABORTED);
        }
        struct sim_fd *f = sim_fd_at(m->sim, e->socket->fd);
        f->given = true;
        f->process = m->process;
        if (tell_more(op, e->socket->fd, 0, 0, FAULT_ACCEPT_ENDS) == SIM_OVER) return SIM_OVER;
    }
    return SIM_PARK;
}

static enum sim_result run_recv(struct sim_ring *m, struct sim_op *op)
{
    struct sim_socket *s = sim_socket_at(m->sim, op->fd);
    for (bool some = false; s->in; some = true) {
        struct sim_piece *p = s->in;
        size_t n = p->n - p->at < RING_BUFFER_SIZE ? p->n - p->at : RING_BUFFER_SIZE;
        uint16_t bid;
        if (some && (p->apart || op->last)) {
            if (!op->last) sim_queue(m, op);
            return SIM_PARK;
        }
        if (n > 1 && sim_happens(m->sim, FAULT_SHORT_READ))
            n = 1 + (size_t)sim_pick(m->sim, FAULT_SHORT_READ, n - 1);
        struct sim_buffer *b = take_buffer(m, false, n, &bid);
        if (!b) return finish(op, -ENOBUFS);
        memcpy(b->bytes, p->bytes + p->at, n);
        p->at += n;
        if (p->at == p->n) sim_piece_drop(s);
        if (tell_more(op, (int32_t)n, RING_BUFFER, bid, FAULT_RECV_ENDS) == SIM_OVER)
            return SIM_OVER;
    }
    if (s->reset) return finish(op, -ECONNRESET);
    return s->ended || s->read_shut ? finish(op, 0) : SIM_PARK;
}

static enum sim_result run_recv_from(struct sim_ring *m, struct sim_op *op)
{
    struct sim_socket *s = sim_socket_at(m->sim, op->fd);
    while (s->in) {
        struct sim_piece *p = s->in;
        uint16_t bid;
        if (sim_happens(m->sim, FAULT_LOST)) {
            sim_piece_drop(s);
            continue;
        }
        size_t n = p->n;
        bool cut = n > 1 && sim_happens(m->sim, FAULT_DATAGRAM_CUT);
        if (cut) n = 1 + (size_t)sim_pick(m->sim, FAULT_DATAGRAM_CUT, n - 1);
        struct sim_buffer *b = take_buffer(m, true, n, &bid);
        if (!b) return finish(op, -ENOBUFS);
        if (n) memcpy(b->bytes, p->bytes, n);
        b->path = (gyre_path){p->from, s->local};
        b->cut = cut;
        sim_piece_drop(s);
        if (tell_more(op, (int32_t)n, RING_BUFFER, bid, FAULT_RECV_ENDS) == SIM_OVER)
            return SIM_OVER;
    }
    return SIM_PARK;
}

/* How much of n bytes a send takes; 0: none now. */
static size_t send_room(struct sim *sim, const struct sim_socket *s, size_t n)
{
    size_t room = sim_room(s->end);
    if (n > room) n = room;
    if (n && sim->short_sends) {
        size_t most = 1 + (size_t)(sim_random(&sim->chance) % sim->short_sends);
        if (n > most) n = most;
    }
    if (n > 1 && sim_happens(sim, FAULT_SHORT_WRITE))
        n = 1 + (size_t)sim_pick(sim, FAULT_SHORT_WRITE, n - 1);
    return n;
}

static enum sim_result run_send(struct sim_ring *m, struct sim_op *op)
{
    struct sim_socket *s = sim_socket_at(m->sim, op->fd);
    struct iovec one = {(void *)(uintptr_t)op->from, op->n};
    const struct iovec *part = op->what == DO_SEND ? &one : op->message->msg_iov;
    size_t parts = op->what == DO_SEND ? 1 : op->message->msg_iovlen, all = 0;
    check_sum(op);
    if (s->reset) return finish(op, -ECONNRESET);
    if (s->write_shut || s->gone || !s->connected) return finish(op, -EPIPE);
    if (sim_happens(m->sim, FAULT_AGAIN))
        return finish(op, sim_pick(m->sim, FAULT_AGAIN, 2) ? -EAGAIN : -EINTR);
    if (sim_happens(m->sim, FAULT_SEND_ERROR)) {
        static const int errors[] = {EPIPE, ECONNRESET, ETIMEDOUT};
        s->reset = true;
        s->end->state = SIM_RESET;
        return finish(op, -errors[sim_pick(m->sim, FAULT_SEND_ERROR, 3)]);
    }
    for (size_t i = 0; i < parts; i++) all += part[i].iov_len;
    size_t n = send_room(m->sim, s, all), left = n;
    if (all && !n) return SIM_PARK;
    for (size_t i = 0; i < parts && left; i++) {
        size_t take = part[i].iov_len < left ? part[i].iov_len : left;
        sim_got(s->end, part[i].iov_base, take);
        left -= take;
    }
    return finish(op, (int32_t)n);
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
    if (n > DATAGRAM_BYTES) return -EMSGSIZE;
    if (sim_happens(m->sim, FAULT_EMIT)) return -ENOBUFS;
    for (size_t done = 0; e && (done < n || !n); done += segment) {
        size_t piece = n - done < segment ? n - done : segment;
        sim_got(e, (const uint8_t *)p + done, piece);
        if (!n) break;
    }
    return (int32_t)n;
}

static enum sim_result run_send_to(struct sim_ring *m, struct sim_op *op)
{
    check_sum(op);
    return finish(op, emit(m, op->fd, &op->address, op->from, op->n, SIZE_MAX / 2));
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

/* Of a stream, it is a send of several parts; of a port, a datagram with control data. */
static enum sim_result run_send_msg(struct sim_ring *m, struct sim_op *op)
{
    const struct msghdr *h = op->message;
    union ring_address to = {.any = {.sa_family = AF_UNSPEC}};
    if (!h->msg_name) return run_send(m, op);
    check_sum(op);
    memcpy(&to, h->msg_name, h->msg_namelen < sizeof to ? h->msg_namelen : sizeof to);
    if (h->msg_iovlen != 1) sim_wrong("a datagram of %zu parts", (size_t)h->msg_iovlen);
    return finish(op, emit(m, op->fd, &to, h->msg_iov->iov_base, h->msg_iov->iov_len,
                           segment_of(h)));
}

static enum sim_result run_read(struct sim_ring *m, struct sim_op *op)
{
    int64_t n;
    if (op->fd < SIM_FD_FIRST) {
        n = pread(op->fd, op->to, op->n, (off_t)op->at);
        if (n < 0) n = -errno;
    } else {
        n = sim_file_read(sim_socket_at(m->sim, op->fd), op->to, op->n, op->at);
    }
    return finish(op, (int32_t)n);
}

static enum sim_result run_connect(struct sim_ring *m, struct sim_op *op)
{
    struct sim_socket *s = sim_socket_at(m->sim, op->fd);
    const char *path = op->address.any.sa_family == AF_UNIX ? op->address.un.sun_path : NULL;
    gyre_addr at;
    (void)address_read(&op->address, &at);
    struct sim_peer_place *p = sim_peer_at(m->sim, &at, path);
    if (!p) return finish(op, path ? -ENOENT : -ECONNREFUSED);
    if (sim_happens(m->sim, FAULT_CONNECT)) {
        static const int errors[] = {ECONNREFUSED, ETIMEDOUT, EHOSTUNREACH};
        return finish(op, -errors[sim_pick(m->sim, FAULT_CONNECT, 3)]);
    }
    *p->waiting_end = s->end = sim_end_make(m->sim, s, NULL);
    p->waiting_end = &s->end->waiting_next;
    s->connected = true;
    s->local_path = path != NULL;
    s->local = s->end->at;
    s->peer = at;
    return finish(op, 0);
}

static enum sim_result run_poll(struct sim_ring *m, struct sim_op *op)
{
    struct pollfd p = {.fd = op->fd, .events = POLLIN};
    bool ready = op->fd < SIM_FD_FIRST ? poll(&p, 1, 0) > 0
                                       : sim_notify_ready(sim_socket_at(m->sim, op->fd));
    if (!ready) return SIM_PARK;
    return tell_more(op, POLLIN, 0, 0, FAULT_RECV_ENDS);
}

/* Success may race it: then what is cancelled does what it can, and that is its end. */
static void cancel(struct sim_op *op)
{
    struct sim *sim = op->ring->sim;
    size_t before = op->ring->events_n;
    enum sim_result result = SIM_PARK;
    if (sim->per_million[FAULT_CANCEL_RACE] && sim_happens(sim, FAULT_CANCEL_RACE)) {
        op->last = true;
        result = sim_run(op->ring, op);
        if (op->ring->events_n == before) sim->faults[FAULT_CANCEL_RACE]--; /* there was nothing */
    }
    if (result == SIM_PARK) (void)finish(op, -ECANCELED);
    sim_op_free(op);
}

/* What was submitted behind the cancel is not its target. */
static enum sim_result run_cancel(struct sim_ring *m, struct sim_op *op)
{
    for (struct sim_op *o = m->ops; o; o = o->next) {
        if (o->number > op->number || o->user != op->user) continue;
        if (o->what == DO_CANCEL || o->what == DO_CLOSE) continue;
        cancel(o);
        break;
    }
    return SIM_OVER;
}

static enum sim_result run_close(struct sim_ring *m, struct sim_op *op)
{
    if (op->fd < SIM_FD_FIRST) close(op->fd);
    else sim_close_fd(m->sim, op->fd);
    return SIM_OVER;
}

enum sim_result sim_run(struct sim_ring *m, struct sim_op *op)
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
    case DO_CLOSE: return run_close(m, op);
    }
    return SIM_OVER;
}
