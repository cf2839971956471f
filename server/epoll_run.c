/* SPDX-License-Identifier: GPL-3.0-or-later
 * epoll_run.c - what the operations of ring_epoll.c do, as far as they go without waiting.
 *
 * Owns nothing but the turn of one reap. Promise: an event is told after its effect; no call here
 * waits, but for the reading of a file; one wire has no more than its share of a turn.
 * Limits: WIRE_SHARE accepts or buffers a turn, EPOLL_BATCH datagrams a call.
 */
#include <errno.h>
#include <unistd.h>

#include "core.h"
#include "ring_epoll.h"

enum { WIRE_SHARE = 16 };

/* What stands before the data in the buffer of a datagram. */
struct head {
    uint32_t name_n, control_n, flags, data_n;
    union {
        struct sockaddr any;
        uint8_t room[NAME_BYTES];
    } name;
    _Alignas(struct cmsghdr) uint8_t control[CONTROL_BYTES];
};
_Static_assert(NAME_BYTES >= sizeof(struct sockaddr_in6), "an address fits");
_Static_assert(sizeof(struct head) + 65535 <= RING_DATAGRAM_SIZE, "the longest datagram fits");

bool epoll_runnable(const struct wire *w)
{
    if (w->flags & W_CANCELLED) return true;
    if (w->first && !(w->flags & W_FULL)) return true;
    return w->what && w->what != WIRE_CONNECT && w->flags & W_READABLE;
}

static size_t room(const struct epoll_ring *u)
{
    return u->out_most - u->out_n;
}

static void tell(struct epoll_ring *u, uint64_t user, int32_t res, uint16_t flags, uint16_t bid)
{
    u->out[u->out_n++] = (struct ring_event){user, res, flags, bid};
}

/* The operation of the wire is over. */
static void finish(struct epoll_ring *u, uint32_t fd, int32_t res)
{
    uint64_t user = u->wires[fd].user;
    epoll_forget(u, fd);
    tell(u, user, res, 0, 0);
}

static void drained(struct epoll_ring *u, uint32_t fd)
{
    u->wires[fd].flags &= (uint16_t)~(W_READABLE | W_ENDED);
}

/* A connection that was accepted is of the listener's kind. */
static bool adopt(struct epoll_ring *u, uint32_t listener, int fd)
{
    struct wire *w = epoll_wire(u, fd);
    if (w) w->flags |= u->wires[listener].flags & W_TCP;
    return w;
}

/* ---- what reads; each as far as it goes now ---- */

static void run_accept(struct epoll_ring *u, uint32_t fd)
{
    for (int i = 0; i < WIRE_SHARE && room(u); i++) {
        int got = accept4((int)fd, NULL, NULL, SOCK_CLOEXEC);
        if (got >= 0 && adopt(u, fd, got)) {
            tell(u, u->wires[fd].user, got, RING_MORE, 0);
        } else if (got >= 0) {
            (void)close(got);
            return finish(u, fd, -ENOMEM);
        } else if (errno == EAGAIN) {
            return drained(u, fd);
        } else if (errno != EINTR) {
            return finish(u, fd, -errno);
        }
    }
}

/* TCP gives all that it has: a short read saves the one that would find nothing. */
static bool is_all(const struct wire *w, size_t got)
{
    return w->flags & W_TCP && !(w->flags & (W_ENDED | W_URGENT)) && got < RING_BUFFER_SIZE;
}

static void run_recv(struct epoll_ring *u, uint32_t fd)
{
    struct wire *w = &u->wires[fd];
    for (int i = 0; i < WIRE_SHARE && room(u) && w->flags & W_READABLE; i++) {
        int bid = epoll_take(&u->streams);
        if (bid < 0 && u->streams.taken) return; /* they come back: the next turn goes on */
        if (bid < 0) return finish(u, fd, -ENOBUFS);
        ssize_t got = recv((int)fd, epoll_bytes(&u->streams, (uint32_t)bid), RING_BUFFER_SIZE,
                           MSG_DONTWAIT);
        if (got > 0) {
            epoll_filled(&u->streams, (uint32_t)bid, (size_t)got);
            tell(u, w->user, (int32_t)got, RING_MORE | RING_BUFFER, (uint16_t)bid);
            if (is_all(w, (size_t)got)) drained(u, fd);
            continue;
        }
        epoll_give(&u->streams, (uint32_t)bid);
        if (got < 0 && errno == EAGAIN) return drained(u, fd);
        if (got < 0 && errno == EINTR) continue;
        return finish(u, fd, got < 0 ? -errno : 0);
    }
}

/* Buffers for a batch of datagrams; their places are in bids. */
static size_t take_batch(struct epoll_ring *u, uint16_t bids[EPOLL_BATCH])
{
    size_t most = room(u) < EPOLL_BATCH ? room(u) : EPOLL_BATCH, n = 0;
    for (int bid; n < most && (bid = epoll_take(&u->datagrams)) >= 0; n++) {
        struct head *h = (struct head *)(void *)epoll_bytes(&u->datagrams, (uint32_t)bid);
        bids[n] = (uint16_t)bid;
        u->parts[n] = (struct iovec){h + 1, RING_DATAGRAM_SIZE - sizeof *h};
        u->batch[n].msg_hdr = (struct msghdr){
            .msg_name = &h->name, .msg_namelen = sizeof h->name, .msg_iov = &u->parts[n],
            .msg_iovlen = 1, .msg_control = h->control, .msg_controllen = sizeof h->control};
    }
    return n;
}

static void tell_datagram(struct epoll_ring *u, uint32_t fd, size_t i, uint16_t bid)
{
    const struct msghdr *m = &u->batch[i].msg_hdr;
    struct head *h = (struct head *)(void *)epoll_bytes(&u->datagrams, bid);
    h->name_n = m->msg_namelen;
    h->control_n = (uint32_t)m->msg_controllen;
    h->flags = (uint32_t)m->msg_flags;
    h->data_n = u->batch[i].msg_len;
    epoll_filled(&u->datagrams, bid, sizeof *h + h->data_n);
    tell(u, u->wires[fd].user, (int32_t)h->data_n, RING_MORE | RING_BUFFER, bid | BID_DATAGRAM);
}

static void run_recv_from(struct epoll_ring *u, uint32_t fd)
{
    uint16_t bids[EPOLL_BATCH];
    bool waited = u->datagrams.taken;
    size_t n = take_batch(u, bids), got = 0;
    if (!n && !waited) return finish(u, fd, -ENOBUFS);
    if (!n) return; /* they come back: the next turn goes on */
    int res = recvmmsg((int)fd, u->batch, (unsigned)n, MSG_DONTWAIT, NULL);
    int err = res < 0 ? errno : 0;
    for (; res > 0 && got < (size_t)res; got++) tell_datagram(u, fd, got, bids[got]);
    for (size_t i = n; i-- > got;) epoll_give(&u->datagrams, bids[i]);
    if (err && err != EAGAIN && err != EINTR) finish(u, fd, -err);
    else if (err != EINTR && got < n) drained(u, fd);
}

static void run_poll(struct epoll_ring *u, uint32_t fd)
{
    u->wires[fd].flags &= (uint16_t)~W_READABLE;
    tell(u, u->wires[fd].user, EPOLLIN, RING_MORE, 0);
}

/* ---- what sends ---- */

/* Its first one is over; the user of it. */
static uint64_t task_drop(struct epoll_ring *u, uint32_t fd)
{
    struct wire *w = &u->wires[fd];
    uint32_t place_1 = w->first;
    w->first = u->tasks[place_1 - 1].next;
    if (!w->first) w->last = 0;
    epoll_task_give(u, place_1);
    return u->tasks[place_1 - 1].user;
}

static void task_done(struct epoll_ring *u, uint32_t fd, int32_t res)
{
    tell(u, task_drop(u, fd), res, 0, 0);
}

/* It takes nothing now; from here on the kernel tells when it does. */
static void full(struct epoll_ring *u, uint32_t fd)
{
    struct wire *w = &u->wires[fd];
    w->flags |= W_FULL;
    if (!epoll_watch(u, (int)fd, (uint16_t)((w->flags & W_IN) | W_OUT))) {
        w->flags &= (uint16_t)~W_FULL;
        if (w->first) task_done(u, fd, -errno);
    }
}

static void send_one(struct epoll_ring *u, uint32_t fd)
{
    const struct task t = u->tasks[u->wires[fd].first - 1];
    ssize_t got;
    if (t.what == TASK_CANCELLED) return task_done(u, fd, -ECANCELED);
    do {
        if (t.what == TASK_SEND_MSG)
            got = sendmsg((int)fd, t.p, MSG_DONTWAIT | MSG_NOSIGNAL);
        else
            got = sendto((int)fd, t.p, t.n, MSG_DONTWAIT | MSG_NOSIGNAL,
                         t.to ? &t.to->any : NULL, t.to ? t.to_n : 0);
    } while (got < 0 && errno == EINTR);
    if (got < 0 && errno == EAGAIN) return full(u, fd);
    task_done(u, fd, got < 0 ? -errno : (int32_t)got);
    if (got > 0 && (size_t)got < t.n) full(u, fd); /* part of it: the next would find no room */
}

/* Datagrams of one port go together. */
static void send_batch(struct epoll_ring *u, uint32_t fd)
{
    unsigned n = 0;
    int sent;
    for (uint32_t at = u->wires[fd].first; at && n < EPOLL_BATCH && n < room(u); n++) {
        struct task *t = &u->tasks[at - 1];
        u->parts[n] = (struct iovec){(void *)(uintptr_t)t->p, t->n};
        if (t->what == TASK_SEND_MSG) u->batch[n].msg_hdr = *(const struct msghdr *)t->p;
        else u->batch[n].msg_hdr = (struct msghdr){
                .msg_name = (void *)(uintptr_t)t->to, .msg_namelen = t->to ? t->to_n : 0,
                .msg_iov = &u->parts[n], .msg_iovlen = 1};
        at = t->next;
    }
    do sent = sendmmsg((int)fd, u->batch, n, MSG_DONTWAIT | MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    if (sent < 0 && errno == EAGAIN) return full(u, fd);
    if (sent < 0) return task_done(u, fd, -errno);
    for (int i = 0; i < sent; i++) task_done(u, fd, (int32_t)u->batch[i].msg_len);
}

static void run_sends(struct epoll_ring *u, uint32_t fd)
{
    struct wire *w = &u->wires[fd];
    for (int i = 0; i < WIRE_SHARE && room(u) && w->first && !(w->flags & W_FULL); i++) {
        if (w->flags & W_DATAGRAMS && w->first != w->last) send_batch(u, fd);
        else send_one(u, fd);
    }
    /* A port tells of every datagram that has left, when asked. */
    if (w->flags & W_DATAGRAMS && w->flags & W_OUT && !w->first)
        (void)epoll_watch(u, (int)fd, w->flags & W_IN);
}

/* ---- connecting ---- */

static void connected(struct epoll_ring *u, uint32_t fd, int32_t res)
{
    struct wire *w = &u->wires[fd];
    (void)task_drop(u, fd);
    w->flags &= (uint16_t)~W_FULL;
    finish(u, fd, res);
}

/* Asked again when the kernel says that something came of it, connect tells what. */
static void run_connect(struct epoll_ring *u, uint32_t fd)
{
    const struct task *t = &u->tasks[u->wires[fd].first - 1];
    const union ring_address *to = t->p;
    if (connect((int)fd, &to->any, t->to_n) == 0 || errno == EISCONN) {
        connected(u, fd, 0);
    } else if (errno == EAGAIN) { /* a unix socket whose queue is full: nothing tells of room */
        epoll_push(u, &u->later, fd);
    } else if (errno == EINPROGRESS || errno == EALREADY || errno == EINTR) {
        u->wires[fd].flags |= W_FULL;
        if (!epoll_watch(u, (int)fd, W_IN | W_OUT)) connected(u, fd, -errno);
    } else {
        connected(u, fd, -errno);
    }
}

/* ---- a turn ---- */

void epoll_run(struct epoll_ring *u, uint32_t fd)
{
    struct wire *w = &u->wires[fd];
    bool connecting = w->what == WIRE_CONNECT;
    if (w->flags & W_CANCELLED) {
        if (connecting) connected(u, fd, -ECANCELED);
        else finish(u, fd, -ECANCELED);
    } else if (connecting && !(w->flags & W_FULL)) {
        run_connect(u, fd);
    } else if (w->flags & W_READABLE) {
        switch ((enum wire_what)w->what) {
        case WIRE_ACCEPT: run_accept(u, fd); break;
        case WIRE_RECV: run_recv(u, fd); break;
        case WIRE_RECV_FROM: run_recv_from(u, fd); break;
        case WIRE_POLL: run_poll(u, fd); break;
        case WIRE_CONNECT:
        case WIRE_NOTHING: break;
        }
    }
    w = &u->wires[fd]; /* accepting may have moved it */
    if (!connecting) run_sends(u, fd);
    if (epoll_runnable(w)) epoll_push(u, &u->next, fd);
}

void epoll_run_reads(struct epoll_ring *u)
{
    while (u->reads && room(u)) {
        uint32_t place_1 = u->reads;
        const struct task t = u->tasks[place_1 - 1];
        ssize_t got;
        do got = pread(t.fd, (void *)(uintptr_t)t.p, t.n, (off_t)t.at);
        while (got < 0 && errno == EINTR);
        u->reads = t.next;
        if (!u->reads) u->reads_last = 0;
        epoll_task_give(u, place_1);
        tell(u, t.user, got < 0 ? -errno : (int32_t)got, 0, 0);
    }
}

bool epoll_datagram(struct ring *r, const struct ring_event *e, struct ring_datagram *out)
{
    if (e->res < 0) return false;
    struct head *h = (struct head *)(uintptr_t)r->ops->buffer(r, e->bid);
    memset(out, 0, sizeof *out);
    out->data = (gyre_view){(const uint8_t *)(h + 1), h->data_n};
    out->cut = (h->flags & MSG_TRUNC) != 0;
    return h->name_n && kernel_datagram(&h->name.any, h->control, h->control_n, out);
}
