/* SPDX-License-Identifier: GPL-3.0-or-later
 * kernel.c - the table of ring.h around a real ring.
 *
 * Operations go to the ring that production uses; on the way descriptors and addresses become real
 * ones, and each operation is noted (events.c). Wrong use (a closed descriptor, close with
 * operations under way) stops the program as in the simulator. A short send is one that is asked to
 * take less. Time is virtual: wait never blocks, but for the moment that quiet.c allows.
 */
#include "real.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core.h"

enum { MOMENT_NS = 1000000, LEAST_WINDOW = 48 * 1024, ENDING_PASSES = 200 };

bool real_epoll;

static struct real_ring *ring_of(struct ring *r)
{
    return (struct real_ring *)r;
}

/* ---- operations ---- */

static void op_accept(struct ring *r, int fd, uint64_t user)
{
    struct real_ring *m = ring_of(r);
    real_note(m, DO_ACCEPT, fd, user, 0);
    m->inner->ops->accept(m->inner, real_socket_at(m->sim, fd)->real, user);
}

static void op_recv(struct ring *r, int fd, uint64_t user)
{
    struct real_ring *m = ring_of(r);
    real_limit_buffers(m, false);
    real_note(m, DO_RECV, fd, user, 0);
    m->inner->ops->recv(m->inner, real_socket_at(m->sim, fd)->real, user);
}

static void op_recv_from(struct ring *r, int fd, uint64_t user)
{
    struct real_ring *m = ring_of(r);
    real_limit_buffers(m, true);
    real_note(m, DO_RECV_FROM, fd, user, 0);
    m->inner->ops->recv_from(m->inner, real_socket_at(m->sim, fd)->real, user);
}

/* How many of n bytes a send is asked to take, and whether it goes to the ring by itself. A window
 * that is smaller than what the far end's kernel takes is full by our word alone. */
static size_t most_of(struct real_socket *s, size_t n, struct real_op *op)
{
    struct sim *sim = s->sim;
    size_t room = real_room(s);
    if (room && n > room) n = room;
    if (n && sim->short_sends) {
        size_t most = 1 + (size_t)(sim_random(&sim->chance) % sim->short_sends);
        if (n > most) n = most;
    }
    op->fills = room && n == room;
    op->held = real_full(s) && sim->window < LEAST_WINDOW;
    return n;
}

static void op_send(struct ring *r, int fd, const void *p, size_t n, uint64_t user)
{
    struct real_ring *m = ring_of(r);
    struct real_socket *s = real_socket_at(m->sim, fd);
    struct real_op *op = real_note(m, DO_SEND, fd, user, 1);
    n = most_of(s, n, op);
    op->parts[0] = (struct iovec){(void *)(uintptr_t)p, n};
    op->message = (struct msghdr){.msg_iov = op->parts, .msg_iovlen = 1};
    if (!op->fills && !op->held) m->inner->ops->send(m->inner, s->real, p, n, user);
}

/* Where the kernel is to send what is for that address of the script. */
static socklen_t real_to(struct sim *m, const struct real_socket *port, const struct sockaddr *to,
                         struct real_op *op)
{
    gyre_addr at;
    const struct real_name *name = &m->nowhere_at;
    if (address_from(to, &at)) op->to = real_sender_at(m, port, &at);
    if (op->to) name = &op->to->name;
    op->address = name->at;
    return name->n;
}

static void op_send_to(struct ring *r, int fd, const void *p, size_t n,
                       const union ring_address *to, socklen_t to_n, uint64_t user)
{
    struct real_ring *m = ring_of(r);
    struct real_op *op = real_note(m, DO_EMIT, fd, user, 0);
    struct real_socket *s = real_socket_at(m->sim, fd);
    (void)to_n;
    to_n = real_to(m->sim, s, &to->any, op);
    op->datagrams = 1;
    m->inner->ops->send_to(m->inner, s->real, p, n, &op->address, to_n, user);
}

static uint32_t segments_of(const struct msghdr *h, size_t n)
{
    uint16_t segment = 0;
    struct msghdr whole = *h;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&whole); c; c = CMSG_NXTHDR(&whole, c))
        if (c->cmsg_level == IPPROTO_UDP && c->cmsg_len >= CMSG_LEN(sizeof segment))
            memcpy(&segment, CMSG_DATA(c), sizeof segment);
    return segment && n ? (uint32_t)((n + segment - 1) / segment) : 1;
}

/* Keeps the first `most` bytes of the parts. */
static void cut_parts(struct msghdr *h, size_t most)
{
    size_t i = 0;
    for (; i < h->msg_iovlen && most; most -= h->msg_iov[i++].iov_len)
        if (h->msg_iov[i].iov_len > most) h->msg_iov[i].iov_len = most;
    h->msg_iovlen = i;
}

static void op_send_msg(struct ring *r, int fd, const struct msghdr *h, uint64_t user)
{
    struct real_ring *m = ring_of(r);
    struct real_op *op = real_note(m, h->msg_name ? DO_EMIT : DO_SEND, fd, user, h->msg_iovlen);
    struct real_socket *s = real_socket_at(m->sim, fd);
    size_t n = 0;
    op->message = *h;
    op->message.msg_iov = op->parts;
    for (size_t i = 0; i < h->msg_iovlen; i++) {
        op->parts[i] = h->msg_iov[i];
        n += h->msg_iov[i].iov_len;
    }
    if (h->msg_name) {
        op->message.msg_namelen = real_to(m->sim, s, h->msg_name, op);
        op->message.msg_name = &op->address;
        op->datagrams = segments_of(h, n);
    } else {
        cut_parts(&op->message, most_of(s, n, op));
        if (op->fills || op->held) return;
    }
    m->inner->ops->send_msg(m->inner, s->real, &op->message, user);
}

static void op_read(struct ring *r, int fd, void *p, size_t n, uint64_t at, uint64_t user)
{
    struct real_ring *m = ring_of(r);
    real_note(m, DO_READ, fd, user, 0);
    m->inner->ops->read(m->inner, fd, p, n, at, user);
}

static void op_poll(struct ring *r, int fd, uint64_t user)
{
    struct real_ring *m = ring_of(r);
    real_note(m, DO_POLL, fd, user, 0);
    m->inner->ops->poll(m->inner, fd, user);
}

static void op_connect(struct ring *r, int fd, const union ring_address *to, socklen_t n,
                       uint64_t user)
{
    struct real_ring *m = ring_of(r);
    struct real_op *op = real_note(m, DO_CONNECT, fd, user, 0);
    struct real_socket *s = real_socket_at(m->sim, fd);
    const char *path = to->any.sa_family == AF_UNIX ? to->un.sun_path : NULL;
    (void)address_from(&to->any, &s->peer);
    const struct real_place *p = real_place_at(m->sim, &s->peer, path);
    if (p) {
        op->address = p->name.at;
        n = p->name.n;
    } else if (path) {
        op->address = *to; /* the kernel says itself that nothing is there */
    } else {
        const struct real_name *name =
            real_six(m->sim, &s->peer) ? &m->sim->nobody_six_at : &m->sim->nobody_at;
        op->address = name->at;
        n = name->n;
    }
    m->inner->ops->connect(m->inner, s->real, &op->address, n, user);
}

static void op_cancel(struct ring *r, uint64_t target)
{
    struct real_ring *m = ring_of(r);
    struct real_op *op = *real_find(m, target);
    if (op) op->cancelled = true;
    m->idle = false;
    real_calm_ends(m->sim);
    m->inner->ops->cancel(m->inner, target);
}

static void op_cancel_send(struct ring *r, int fd, uint64_t target)
{
    struct real_ring *m = ring_of(r);
    m->idle = false;
    real_calm_ends(m->sim);
    m->inner->ops->cancel_send(m->inner, real_socket_at(m->sim, fd)->real, target);
}

static void op_shutdown(struct ring *r, int fd, int how)
{
    struct real_ring *m = ring_of(r);
    struct real_socket *s = real_socket_at(m->sim, fd);
    if (how != SHUT_RD) s->write_shut = true;
    real_calm_ends(m->sim);
    m->inner->ops->shutdown(m->inner, s->real, how);
}

/* What the far end has sent is on the wire, though we may hold it back to keep pieces apart. Who
 * accepts late what was dialled knows it by its name. The number that is to be closed. */
static int shut_down(struct real_socket *s)
{
    int fd = s->real;
    if (s->end) real_flush(s->end, true);
    if (s->dialled) (void)real_local_name(fd, &s->name);
    s->closed = true;
    s->first->open--;
    s->real = -1;
    return fd;
}

static void op_close(struct ring *r, int fd)
{
    struct real_ring *m = ring_of(r);
    real_calm_ends(m->sim);
    if (m->closing_n == m->closing_cap) {
        m->closing_cap = m->closing_cap ? 2 * m->closing_cap : 16;
        m->closing = sim_need(realloc(m->closing, m->closing_cap * sizeof *m->closing));
    }
    if (fd < SIM_FD_FIRST) {
        m->closing[m->closing_n++] = fd;
        real_file_closed(fd);
        m->inner->ops->close(m->inner, fd);
        return;
    }
    struct real_socket *s = real_socket_at(m->sim, fd);
    for (int what = 0; what < DO_KINDS; what++)
        if (s->under_way[what])
            sim_wrong("descriptor %d closed while operation %d is under way", fd, what);
    m->closing[m->closing_n++] = s->real;
    m->inner->ops->close(m->inner, shut_down(s));
}

static int op_socket(struct ring *r, int family, int type)
{
    static const union ring_address unnamed = {.un = {.sun_family = AF_UNIX}};
    struct real_ring *m = ring_of(r);
    if (family == AF_INET6 && !m->sim->six) family = AF_INET;
    int fd = m->inner->ops->socket(m->inner, family, type);
    if (fd < 0) return fd;
    struct real_socket *s = real_socket_make(m->sim, REAL_STREAM, fd, m->index);
    s->dialled = true;
    s->process = m->process;
    real_buffer(s, false);
    /* A name of the kernel's choice, by which its far end is known. */
    if (family == AF_UNIX) real_check(bind(fd, &unnamed.any, sizeof(sa_family_t)), "bind");
    return s->fd;
}

static bool op_peer(struct ring *r, int fd, gyre_addr *out)
{
    struct real_ring *m = ring_of(r);
    struct real_socket *s = real_socket_at(m->sim, fd);
    if (!m->inner->ops->peer(m->inner, s->real, out)) return false;
    if (s->end && !s->dialled && !real_same(out, &s->end->real_at))
        sim_wrong("descriptor %d has another peer than its far end", fd);
    *out = s->peer;
    return true;
}

static bool op_local(struct ring *r, int fd, gyre_addr *out)
{
    struct real_ring *m = ring_of(r);
    struct real_socket *s = real_socket_at(m->sim, fd);
    if (!m->inner->ops->local(m->inner, s->real, out)) return false;
    *out = s->dialled && s->end ? s->end->at : s->local;
    return true;
}

/* ---- waiting and reaping ---- */

static void op_wait(struct ring *r, int64_t deadline_ns, bool busy)
{
    struct real_ring *m = ring_of(r);
    int64_t until_ns = GYRE_NEVER;
    real_pump(m->sim);
    if (m->sim->rest->patient) until_ns = m->inner->ops->now(m->inner, GYRE_MONO) + MOMENT_NS;
    m->sim->rest->patient = false;
    real_take_turns(m);
    bool some = real_pass(m, until_ns);
    m->closing_n = 0;
    if (some) real_calm_ends(m->sim);
    m->sim->rest->passes++;
    m->idle = m->events_at == m->events_n && !busy && !m->woken && deadline_ns > m->sim->now_ns;
    m->deadline_ns = deadline_ns;
    m->woken = false;
}

static size_t op_reap(struct ring *r, struct ring_event *out, size_t most)
{
    struct real_ring *m = ring_of(r);
    size_t n = m->events_n - m->events_at;
    if (n > most) n = most;
    for (size_t i = 0; i < n; i++) {
        out[i] = m->events[m->events_at++];
        if (m->sim->alive && !m->sim->alive(m->sim->alive_user, r, &out[i]))
            sim_wrong("an operation (user %lx) ends after what it belongs to was freed",
                      (unsigned long)out[i].user);
    }
    if (m->events_at == m->events_n) m->events_at = m->events_n = 0;
    return n;
}

static void op_give(struct ring *r, uint16_t bid)
{
    struct real_ring *m = ring_of(r);
    if (!m->out[bid]) sim_wrong("buffer %u is not yours", bid);
    m->out[bid] = 0;
    m->buffers_out--;
    m->inner->ops->give(m->inner, bid);
}

static const uint8_t *op_buffer(struct ring *r, uint16_t bid)
{
    struct real_ring *m = ring_of(r);
    if (!m->out[bid]) sim_wrong("buffer %u is not yours", bid);
    return m->inner->ops->buffer(m->inner, bid);
}

static bool op_datagram(struct ring *r, const struct ring_event *e, struct ring_datagram *out)
{
    struct real_ring *m = ring_of(r);
    if (!m->inner->ops->datagram(m->inner, e, out)) return false;
    for (struct sim_end *end = m->sim->ends; end; end = end->next) {
        if (!end->datagrams || !real_same(&end->real_at, &out->path.peer)) continue;
        out->path.peer = end->at;
        out->path.local.port = end->listener->local.port;
        return true;
    }
    sim_wrong("a datagram from nobody of ours");
}

/* ---- the rest of ring.h ---- */

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

static void op_wake(struct ring *r)
{
    struct real_ring *m = ring_of(r);
    m->woken = true;
    m->idle = false;
    m->inner->ops->wake(m->inner);
}

static void drop(struct real_ring *m)
{
    struct real_ring **at = &m->sim->rings;
    m->inner->ops->free(m->inner);
    for (struct real_op *op; (op = m->ops); free(op)) m->ops = op->next;
    while (*at != m) at = &(*at)->next;
    *at = m->next;
    free(m->closing);
    free(m->events);
    free(m);
}

/* The last closes have not been submitted yet. */
static void op_free(struct ring *r)
{
    struct real_ring *m = ring_of(r);
    m->inner->ops->wait(m->inner, GYRE_NEVER, true);
    drop(m);
}

static bool must_end(const struct real_op *op)
{
    return !op->held && !op->fills && !(real_epoll && op->what == DO_SEND);
}

/* When a process dies the kernel ends its operations before its descriptors. A ring that is freed
 * ends them later, and its accept would meanwhile take the wake-up of a connection for others. */
static void end_operations(struct real_ring *m)
{
    bool some = true;
    for (const struct real_op *op = m->ops; op; op = op->next)
        if (must_end(op)) m->inner->ops->cancel(m->inner, op->user);
    for (int i = 0; some && i < ENDING_PASSES; i++) {
        (void)real_pass(m, m->inner->ops->now(m->inner, GYRE_MONO) + MOMENT_NS);
        some = false;
        for (const struct real_op *op = m->ops; op; op = op->next) some |= must_end(op);
    }
    m->closing_n = 0; /* they were submitted as well */
}

void sim_kill(struct sim *sim, uint32_t process)
{
    struct real_ring *next;
    for (struct real_ring *m = sim->rings; m; m = next) {
        next = m->next;
        if (m->process != process) continue;
        end_operations(m);
        drop(m);
    }
    for (size_t i = 0; i < sim->sockets_n; i++) {
        struct real_socket *s = sim->sockets[i];
        if (s->process != process || s->closed) continue;
        s->first->readers -= s->under_way[DO_RECV_FROM];
        close(shut_down(s));
    }
    real_files_kill(process);
    sim_touch(sim);
}

bool sim_ring_left(const struct ring *r, char *why, size_t why_n)
{
    const struct real_ring *m = (const struct real_ring *)r;
    bool some = m->buffers_out > 0;
    if (some)
        snprintf(why + strlen(why), why_n - strlen(why), "%u receive buffers were not given back\n",
                 m->buffers_out);
    for (const struct real_op *op = m->ops; op; op = op->next) {
        if (op->what == DO_POLL) continue;
        snprintf(why + strlen(why), why_n - strlen(why), "operation %d on %d never ended\n",
                 op->what, op->fd);
        some = true;
    }
    return some;
}

uint32_t real_rings_left(const struct sim *sim, char *why, size_t why_n)
{
    uint32_t left = 0;
    for (const struct real_ring *m = sim->rings; m; m = m->next) {
        if (!m->buffers_out) continue;
        left += m->buffers_out;
        size_t used = strlen(why);
        snprintf(why + used, why_n - used, "%u receive buffers of worker %u were not given back\n",
                 m->buffers_out, m->index);
    }
    return left;
}

static const struct ring_ops table = {
    .accept = op_accept, .recv = op_recv, .recv_from = op_recv_from, .send = op_send,
    .send_msg = op_send_msg, .send_to = op_send_to, .read = op_read, .connect = op_connect,
    .poll = op_poll, .cancel = op_cancel,
    .cancel_send = op_cancel_send, .shutdown = op_shutdown, .close = op_close,
    .socket = op_socket, .peer = op_peer, .local = op_local, .wait = op_wait, .reap = op_reap,
    .give = op_give, .buffer = op_buffer, .datagram = op_datagram, .now = op_now,
    .random = op_random, .wake = op_wake, .free = op_free,
};

struct ring *real_ring(char *why, size_t why_n)
{
    return real_epoll ? ring_make_epoll(why, why_n) : ring_make(RING_ANYTHING, why, why_n);
}

struct ring *sim_ring(struct sim *sim, uint32_t worker)
{
    char why[256];
    struct real_ring *m = sim_need(calloc(1, sizeof *m)), **at = &sim->rings;
    m->pub.ops = &table;
    m->inner = real_ring(why, sizeof why);
    if (!m->inner) sim_wrong("%s", why);
    m->sim = sim;
    m->index = worker;
    m->process = sim->process;
    while (*at) at = &(*at)->next;
    *at = m;
    return &m->pub;
}
