/* SPDX-License-Identifier: GPL-3.0-or-later
 * ring_epoll.c - the epoll kernel behind ring.h, for where io_uring is not allowed.
 *
 * Operations are noted at the call and done in reap, by epoll_run.c, as far as they go without
 * waiting. A wait that finds work left asks the kernel only every second time: so a request costs
 * one epoll wait, one recv and one send.
 * Owns: the ring. Promise: a wire is run once a turn, in the order in which things came.
 * Limits: EPOLL_*, RING_BUFFERS. A read of a file that is not in memory holds up its worker.
 */
#include "ring_epoll.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "core.h"

enum { LATER_MS = 5 };
#define WAKE UINT64_MAX /* no wire has this number */

static struct epoll_ring *epoll_of(struct ring *r)
{
    return (struct epoll_ring *)r;
}

/* ---- tasks and buffers ---- */

/* The operation ends with this before it began. */
static void refuse(struct epoll_ring *u, uint64_t user, int err)
{
    if (u->refused_n == EPOLL_REFUSED) bug(__func__, "%s, for too many", strerror(-err));
    u->refused[u->refused_n++] = (struct ring_event){.user = user, .res = err};
}

/* false: no memory, and it is told. */
static bool task_add(struct epoll_ring *u, int fd, const struct task *t)
{
    struct wire *w = epoll_wire(u, fd);
    uint32_t place_1 = w ? epoll_task_take(u) : 0;
    if (!place_1) {
        refuse(u, t->user, -ENOMEM);
        return false;
    }
    u->tasks[place_1 - 1] = *t;
    u->tasks[place_1 - 1].next = 0;
    if (w->last) u->tasks[w->last - 1].next = place_1;
    else w->first = place_1;
    w->last = place_1;
    if (epoll_runnable(w)) epoll_push(u, &u->next, (uint32_t)fd);
    return true;
}

static struct stock *stock_of(struct epoll_ring *u, uint16_t bid)
{
    return bid & BID_DATAGRAM ? &u->datagrams : &u->streams;
}

static void ring_give(struct ring *r, uint16_t bid)
{
    epoll_give(stock_of(epoll_of(r), bid), bid & (BID_DATAGRAM - 1u));
}

static const uint8_t *ring_buffer(struct ring *r, uint16_t bid)
{
    return epoll_bytes(stock_of(epoll_of(r), bid), bid & (BID_DATAGRAM - 1u));
}

/* ---- operations ---- */

static void arm(struct ring *r, int fd, enum wire_what what, uint16_t flags, uint64_t user)
{
    struct epoll_ring *u = epoll_of(r);
    struct wire *w = epoll_wire(u, fd);
    if (!w) return refuse(u, user, -ENOMEM);
    if (w->user) bug(__func__, "descriptor %d has an operation that reads", fd);
    /* Not yet what is to be connected: now the kernel would call it hung up. */
    if (what != WIRE_CONNECT && !epoll_watch(u, fd, (uint16_t)((w->flags & W_OUT) | W_IN)))
        return refuse(u, user, -errno);
    uint32_t *at = epoll_bucket(u, user);
    w->user = user;
    w->what = (uint8_t)what;
    w->flags |= flags;
    w->same_hash = *at;
    *at = (uint32_t)fd + 1;
    if (epoll_runnable(w)) epoll_push(u, &u->next, (uint32_t)fd);
}

/* The socket is shared with other processes, so that a connection which epoll told of may be gone:
 * accept must not wait for the next one. io_uring does not care. */
static void ring_accept(struct ring *r, int fd, uint64_t user)
{
    int flags = fcntl(fd, F_GETFL), domain = 0;
    socklen_t n = sizeof domain;
    bool tcp = getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &n) == 0 && domain != AF_UNIX;
    if (flags < 0 || (!(flags & O_NONBLOCK) && fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0))
        return refuse(epoll_of(r), user, -errno);
    arm(r, fd, WIRE_ACCEPT, (uint16_t)(W_SHARED | W_READABLE | (tcp ? W_TCP : 0)), user);
}

static void ring_recv(struct ring *r, int fd, uint64_t user)
{
    arm(r, fd, WIRE_RECV, 0, user);
}

static void ring_recv_from(struct ring *r, int fd, uint64_t user)
{
    struct epoll_ring *u = epoll_of(r);
    if (!u->datagrams.n && !epoll_stock_make(&u->datagrams, RING_DATAGRAMS, RING_DATAGRAM_SIZE))
        return refuse(u, user, -ENOMEM);
    arm(r, fd, WIRE_RECV_FROM, W_SHARED | W_DATAGRAMS, user);
}

static void ring_poll(struct ring *r, int fd, uint64_t user)
{
    arm(r, fd, WIRE_POLL, W_SHARED, user);
}

static void ring_send(struct ring *r, int fd, const void *p, size_t n, uint64_t user)
{
    const struct task t = {.user = user, .p = p, .n = n, .what = TASK_SEND};
    (void)task_add(epoll_of(r), fd, &t);
}

static void ring_send_msg(struct ring *r, int fd, const struct msghdr *m, uint64_t user)
{
    const struct task t = {.user = user, .p = m, .what = TASK_SEND_MSG};
    (void)task_add(epoll_of(r), fd, &t);
}

static void ring_send_to(struct ring *r, int fd, const void *p, size_t n,
                         const union ring_address *to, socklen_t to_n, uint64_t user)
{
    const struct task t = {.user = user, .p = p, .n = n, .to = to, .to_n = to_n, .what = TASK_SEND};
    (void)task_add(epoll_of(r), fd, &t);
}

static void ring_read(struct ring *r, int fd, void *p, size_t n, uint64_t at, uint64_t user)
{
    struct epoll_ring *u = epoll_of(r);
    uint32_t place_1 = epoll_task_take(u);
    if (!place_1) return refuse(u, user, -ENOMEM);
    u->tasks[place_1 - 1] =
        (struct task){.user = user, .p = p, .n = n, .at = at, .fd = fd, .what = TASK_READ};
    if (u->reads_last) u->tasks[u->reads_last - 1].next = place_1;
    else u->reads = place_1;
    u->reads_last = place_1;
}

static void ring_connect(struct ring *r, int fd, const union ring_address *to, socklen_t n,
                         uint64_t user)
{
    struct epoll_ring *u = epoll_of(r);
    const struct task t = {.user = user, .p = to, .to_n = n, .what = TASK_ADDRESS};
    if (!task_add(u, fd, &t)) return;
    arm(r, fd, WIRE_CONNECT, to->any.sa_family == AF_UNIX ? 0 : W_TCP, user);
}

static void ring_cancel(struct ring *r, uint64_t target)
{
    struct epoll_ring *u = epoll_of(r);
    uint32_t at = *epoll_bucket(u, target);
    while (at && u->wires[at - 1].user != target) at = u->wires[at - 1].same_hash;
    if (!at) return;
    u->wires[at - 1].flags |= W_CANCELLED;
    epoll_push(u, &u->next, at - 1);
}

static void ring_cancel_send(struct ring *r, int fd, uint64_t target)
{
    struct epoll_ring *u = epoll_of(r);
    struct wire *w = epoll_wire(u, fd);
    struct task *t = w && w->first ? &u->tasks[w->first - 1] : NULL;
    if (!t || t->user != target) return;
    t->what = TASK_CANCELLED;
    w->flags &= (uint16_t)~W_FULL;
    epoll_push(u, &u->next, (uint32_t)fd);
}

/* What is closed leaves the epoll set by itself, but for what others hold too. */
static void ring_close(struct ring *r, int fd)
{
    struct epoll_ring *u = epoll_of(r);
    if ((uint32_t)fd < u->wires_n) {
        struct wire *w = &u->wires[fd];
        if (w->user || w->first) bug(__func__, "descriptor %d has operations under way", fd);
        if (w->flags & W_SHARED && w->flags & W_ADDED)
            (void)epoll_ctl(u->fd, EPOLL_CTL_DEL, fd, NULL);
        w->flags &= W_LISTED;
        w->generation++;
    }
    (void)close(fd);
}

static int ring_socket(struct ring *r, int family, int type)
{
    (void)r;
    int fd = socket(family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    return fd < 0 ? -errno : fd;
}

/* ---- waiting and reaping ---- */

static void notice(struct epoll_ring *u, const struct epoll_event *e)
{
    uint32_t fd = (uint32_t)e->data.u64;
    if (e->data.u64 == WAKE) return;
    struct wire *w = &u->wires[fd];
    if (w->generation != e->data.u64 >> 32) return;
    if (e->events & ~(uint32_t)EPOLLOUT) w->flags |= W_READABLE;
    if (e->events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) w->flags |= W_ENDED;
    if (e->events & EPOLLPRI) w->flags |= W_URGENT;
    if (e->events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) w->flags &= (uint16_t)~W_FULL;
    /* It rests: what comes meanwhile is no reason to wake up. */
    if (!w->what && e->events & EPOLLIN) (void)epoll_watch(u, (int)fd, w->flags & W_OUT);
    if (epoll_runnable(w)) epoll_push(u, &u->next, fd);
}

static int wait_until(struct epoll_ring *u, int64_t until_ns)
{
    int64_t left = until_ns == GYRE_NEVER ? 0 : until_ns - kernel_now(&u->pub, GYRE_MONO);
    if (left < 0) left = 0;
    if (!u->coarse) {
        struct timespec t = {.tv_sec = left / 1000000000, .tv_nsec = left % 1000000000};
        int n = epoll_pwait2(u->fd, u->events, EPOLL_EVENTS, until_ns == GYRE_NEVER ? NULL : &t,
                             NULL);
        if (n >= 0 || (errno != ENOSYS && errno != EPERM)) return n;
        u->coarse = true; /* valgrind, and profiles that are older than the call */
    }
    int64_t ms = (left + 999999) / 1000000;
    return epoll_wait(u->fd, u->events, EPOLL_EVENTS,
                      until_ns == GYRE_NEVER ? -1 : ms < INT32_MAX ? (int)ms : INT32_MAX);
}

static void ring_wait(struct ring *r, int64_t deadline_ns, bool busy)
{
    struct epoll_ring *u = epoll_of(r);
    bool work = u->next.first || u->now.first || u->reads || u->refused_n;
    int64_t until = deadline_ns;
    u->unseen = work && !u->unseen;
    if (!u->unseen) {
        if (u->later.first) {
            int64_t soon = kernel_now(r, GYRE_MONO) + GYRE_MS(LATER_MS);
            if (soon < until) until = soon;
        }
        int n = wait_until(u, work || busy ? 0 : until);
        if (n < 0 && errno != EINTR) bug(__func__, "epoll: %s", strerror(errno));
        for (int i = 0; i < n; i++) notice(u, &u->events[i]);
        epoll_append(u, &u->next, &u->later);
    }
    epoll_append(u, &u->now, &u->next);
}

static size_t ring_reap(struct ring *r, struct ring_event *out, size_t most)
{
    struct epoll_ring *u = epoll_of(r);
    u->out = out;
    u->out_n = 0;
    u->out_most = most;
    u->streams.taken = u->datagrams.taken = false;
    while (u->refused_n && u->out_n < most) out[u->out_n++] = u->refused[--u->refused_n];
    epoll_run_reads(u);
    while (u->now.first && u->out_n < most) epoll_run(u, epoll_pop(u, &u->now));
    return u->out_n;
}

static void ring_wake(struct ring *r)
{
    kernel_wake(epoll_of(r)->wake_fd); /* never read: each write is a new edge */
}

static void ring_free(struct ring *r)
{
    struct epoll_ring *u = epoll_of(r);
    if (u->fd >= 0) close(u->fd);
    if (u->wake_fd >= 0) close(u->wake_fd);
    epoll_stock_free(&u->streams);
    epoll_stock_free(&u->datagrams);
    free(u->wires);
    free(u->tasks);
    free(u);
}

static const struct ring_ops epoll_ops = {
    .accept = ring_accept, .recv = ring_recv, .recv_from = ring_recv_from, .send = ring_send,
    .send_msg = ring_send_msg, .send_to = ring_send_to, .read = ring_read,
    .connect = ring_connect, .poll = ring_poll, .cancel = ring_cancel,
    .cancel_send = ring_cancel_send,
    .shutdown = kernel_shutdown, .close = ring_close, .socket = ring_socket, .peer = kernel_peer,
    .local = kernel_local, .wait = ring_wait, .reap = ring_reap, .give = ring_give,
    .buffer = ring_buffer, .datagram = epoll_datagram, .now = kernel_now, .random = kernel_random,
    .wake = ring_wake, .free = ring_free,
};

struct ring *ring_make_epoll(char *why, size_t why_n)
{
    struct epoll_event wake = {.events = EPOLLIN | EPOLLET, .data.u64 = WAKE};
    struct epoll_ring *u = calloc(1, sizeof *u);
    if (!u) {
        snprintf(why, why_n, "no memory for an epoll ring");
        return NULL;
    }
    u->pub.ops = &epoll_ops;
    u->fd = epoll_create1(EPOLL_CLOEXEC);
    u->wake_fd = eventfd(0, EFD_CLOEXEC);
    if (u->fd >= 0 && u->wake_fd >= 0 && epoll_ctl(u->fd, EPOLL_CTL_ADD, u->wake_fd, &wake) == 0 &&
        epoll_stock_make(&u->streams, RING_BUFFERS, RING_BUFFER_SIZE))
        return &u->pub;
    snprintf(why, why_n, "cannot make an epoll ring: %s", strerror(errno));
    ring_free(&u->pub);
    return NULL;
}
