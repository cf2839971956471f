/* SPDX-License-Identifier: GPL-3.0-or-later
 * world.c - the world of sim.h over real sockets: clock, addresses, the server's sockets.
 *
 * Every address of a script is played by the loopback, at a port that the kernel chose: 192.0.2.1:7
 * may be 127.0.0.1:40123. The core and the script see the script's addresses alone. The core's
 * descriptors of sockets are numbers of ours, from SIM_FD_FIRST, so that use after close shows.
 * Owns every socket and end until sim_free.
 * Limits: descriptors and ports. No thread: one test, one thread.
 */
#include "real.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    FIRST_PORT = 40000,          /* of far ends */
    BACKLOG = 4096, PORT_BUFFER = 1 << 20, /* as server/sockets.c */
};

int real_check(int res, const char *what)
{
    if (res < 0) sim_wrong("%s: %s", what, strerror(errno));
    return res;
}

void real_set(int fd, int level, int option, int value)
{
    real_check(setsockopt(fd, level, option, &value, sizeof value), "setsockopt");
}

/* ---- names ---- */

bool real_local_name(int fd, struct real_name *out)
{
    *out = (struct real_name){.n = sizeof out->at};
    return getsockname(fd, &out->at.any, &out->n) == 0;
}

bool real_peer_name(int fd, struct real_name *out)
{
    *out = (struct real_name){.n = sizeof out->at};
    return getpeername(fd, &out->at.any, &out->n) == 0;
}

bool real_same_name(const struct real_name *a, const struct real_name *b)
{
    return a->n == b->n && !memcmp(&a->at, &b->at, a->n);
}

bool real_same(const gyre_addr *a, const gyre_addr *b)
{
    return !memcmp(a->ip, b->ip, sizeof a->ip) && a->port == b->port;
}

bool real_six(const struct sim *m, const gyre_addr *a)
{
    static const uint8_t four[12] = {[10] = 0xff, [11] = 0xff};
    return m->six && memcmp(a->ip, four, sizeof four) != 0;
}

static int bind_loopback(bool six, int type, struct real_name *name)
{
    union ring_address at = {.in4 = {.sin_family = AF_INET}};
    at.in4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (six) at.in6 = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_addr = in6addr_loopback};
    int fd = socket(six ? AF_INET6 : AF_INET, type | SOCK_CLOEXEC, 0);
    if (fd < 0) return -1;
    if (bind(fd, &at.any, six ? sizeof at.in6 : sizeof at.in4) == 0 && real_local_name(fd, name))
        return fd;
    close(fd);
    return -1;
}

int real_bound(bool six, int type, struct real_name *name)
{
    return real_check(bind_loopback(six, type, name), "a socket on the loopback");
}

/* ---- making and freeing ---- */

struct sim *sim_make(uint64_t seed)
{
    struct sim *m = sim_need(calloc(1, sizeof *m));
    m->rest = sim_need(calloc(1, sizeof *m->rest));
    m->seed = seed;
    m->chance = ~seed;
    m->now_ns = GYRE_SECONDS(1000);
    m->buffers = RING_BUFFERS;
    m->window = SIM_WINDOW;
    m->process = 1;
    m->next_port = FIRST_PORT;
    m->nobody = real_bound(false, SOCK_STREAM, &m->nobody_at);
    m->nowhere = real_bound(false, SOCK_DGRAM, &m->nowhere_at);
    m->nobody_six = bind_loopback(true, SOCK_STREAM, &m->nobody_six_at);
    m->six = m->nobody_six >= 0;
    return m;
}

static void socket_free(struct real_socket *s)
{
    if (s->real >= 0) close(s->real);
    free(s);
}

static bool stays(const struct sim_end *e)
{
    return !e->datagrams && e->socket && !e->socket->closed;
}

void sim_rewind(struct sim *m, uint64_t seed)
{
    size_t kept = m->sockets_n;
    while (kept && m->sockets[kept - 1]->closed) kept--;
    for (struct sim_end **at = &m->ends, *e; (e = *at);) {
        if (stays(e)) {
            at = &e->next;
            continue;
        }
        *at = e->next;
        if (e->socket) e->socket->end = NULL;
        real_end_free(e);
    }
    while (m->sockets_n > kept) socket_free(m->sockets[--m->sockets_n]);
    m->seed = seed;
    m->chance = ~seed;
    m->next_port = FIRST_PORT;
    real_calm_ends(m);
}

void sim_free(struct sim *m)
{
    for (size_t i = 0; i < m->sockets_n; i++) socket_free(m->sockets[i]);
    for (struct sim_end *e; (e = m->ends); real_end_free(e)) m->ends = e->next;
    for (struct real_place *p; (p = m->places); free(p)) {
        m->places = p->next;
        close(p->real);
    }
    real_files_free(m);
    close(m->nobody);
    close(m->nowhere);
    if (m->six) close(m->nobody_six);
    free(m->sockets);
    free(m->polls);
    free(m->rest);
    free(m);
}

/* ---- what a run varies ---- */

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

/* The kernel's completion queue is as long as it is. */
void sim_set_queue(struct sim *m, uint32_t events)
{
    (void)m;
    (void)events;
}

void sim_process(struct sim *m, uint32_t process)
{
    m->process = process;
}

uint32_t sim_process_of(const struct sim *m, int fd)
{
    return m->sockets[fd - SIM_FD_FIRST]->process;
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

void real_calm_ends(struct sim *m)
{
    *m->rest = (struct real_rest){.calm = 0};
}

void sim_touch(struct sim *m)
{
    for (struct real_ring *r = m->rings; r; r = r->next) r->idle = false;
    real_calm_ends(m);
}

struct pollfd *real_polls(struct sim *m, size_t n)
{
    if (n <= m->polls_cap) return m->polls;
    m->polls_cap = 2 * n;
    m->polls = sim_need(realloc(m->polls, m->polls_cap * sizeof *m->polls));
    return m->polls;
}

/* ---- sockets of the server ---- */

struct real_socket *real_socket_at(struct sim *m, int fd)
{
    size_t i = (size_t)(fd - SIM_FD_FIRST);
    if (fd < SIM_FD_FIRST || i >= m->sockets_n) sim_wrong("descriptor %d is no socket", fd);
    if (m->sockets[i]->closed) sim_wrong("descriptor %d is used after close", fd);
    return m->sockets[i];
}

struct real_socket *real_socket_make(struct sim *m, enum real_kind kind, int real, uint32_t worker)
{
    struct real_socket *s = sim_need(calloc(1, sizeof *s));
    if (m->sockets_n == m->sockets_cap) {
        m->sockets_cap = m->sockets_cap ? 2 * m->sockets_cap : 16;
        m->sockets = sim_need(realloc(m->sockets, m->sockets_cap * sizeof *m->sockets));
    }
    s->sim = m;
    s->kind = kind;
    s->fd = SIM_FD_FIRST + (int)m->sockets_n;
    s->real = real;
    s->worker = worker;
    s->process = m->process;
    s->first = s;
    s->open = 1;
    m->sockets[m->sockets_n++] = s;
    return s;
}

static bool is_wildcard(const gyre_addr *a)
{
    static const uint8_t zero[16], four[16] = {[10] = 0xff, [11] = 0xff};
    return !memcmp(a->ip, zero, 16) || !memcmp(a->ip, four, 16);
}

/* A wildcard is played by the loopback as well: a test is not to be reached from outside. The
 * kernel then says, as for a wildcard, which address a datagram came to. */
int sim_listen(struct sim *m, uint32_t worker, const gyre_addr *local, bool datagrams)
{
    struct real_name name;
    bool six = real_six(m, local);
    int fd = real_bound(six, datagrams ? SOCK_DGRAM : SOCK_STREAM, &name);
    struct real_socket *s =
        real_socket_make(m, datagrams ? REAL_PORT : REAL_LISTENER, fd, worker);
    s->local = *local;
    s->name = name;
    if (datagrams) {
        real_set(fd, SOL_SOCKET, SO_RCVBUF, PORT_BUFFER);
        if (is_wildcard(local) && six) real_set(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
        else if (is_wildcard(local)) real_set(fd, IPPROTO_IP, IP_PKTINFO, 1);
        return s->fd;
    }
    real_set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    real_check(listen(fd, BACKLOG), "listen");
    return s->fd;
}

int sim_share(struct sim *m, int listener)
{
    struct real_socket *of = real_socket_at(m, listener);
    int fd = real_check(fcntl(of->real, F_DUPFD_CLOEXEC, 0), "fcntl");
    struct real_socket *s = real_socket_make(m, of->kind, fd, of->worker);
    s->local = of->local;
    s->name = of->name;
    s->first = of->first;
    s->first->open++;
    return s->fd;
}

uint32_t sim_left(const struct sim *m, char *why, size_t why_n)
{
    static const char *const kinds[] = {"stream", "listening socket", "UDP port"};
    uint32_t left = real_rings_left(m, why, why_n);
    for (size_t i = 0; i < m->sockets_n; i++) {
        const struct real_socket *s = m->sockets[i];
        if (s->closed) continue;
        size_t used = strlen(why);
        snprintf(why + used, why_n - used, "descriptor %d (a %s) was not closed\n", s->fd,
                 kinds[s->kind]);
        left++;
    }
    return left;
}
