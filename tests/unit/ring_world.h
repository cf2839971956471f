/* SPDX-License-Identifier: GPL-3.0-or-later
 * ring_world.h - for tests of what ring.h promises: the same case on io_uring and on epoll.
 *
 * BOTH(name) { … r … } is one case; it is skipped where io_uring is not allowed. next_event waits
 * for one event at most, and a case fails when none comes in time.
 */
#ifndef RING_WORLD_H
#define RING_WORLD_H

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core.h"

#define NS_S 1000000000

#define BOTH(name) \
    static void name(struct ring *); \
    Test(ring_uring, name) \
    { \
        char why[256] = ""; \
        struct ring *r = ring_make(RING_ANYTHING, why, sizeof why); \
        if (!r) cr_skip_test("%s", why); \
        name(r); \
        r->ops->free(r); \
    } \
    Test(ring_epoll, name) \
    { \
        char why[256] = ""; \
        struct ring *r = ring_make_epoll(why, sizeof why); \
        cr_assert(r, "%s", why); \
        name(r); \
        r->ops->free(r); \
    } \
    static void name(struct ring *r)

/* As the core makes them: what it is, and a number. */
static inline uint64_t user(enum op op, uint32_t n)
{
    return op_user(op, n, n + 1);
}

static inline void turn(struct ring *r, int64_t within_ns)
{
    r->ops->wait(r, r->ops->now(r, GYRE_MONO) + within_ns, false);
}

/* The next event, one at a time; NULL when none comes within that time. */
static inline const struct ring_event *maybe_event(struct ring *r, int64_t within_ns)
{
    static struct ring_event e;
    int64_t until = r->ops->now(r, GYRE_MONO) + within_ns;
    do {
        if (r->ops->reap(r, &e, 1)) return &e;
        r->ops->wait(r, until, false);
        if (r->ops->reap(r, &e, 1)) return &e;
    } while (r->ops->now(r, GYRE_MONO) < until);
    return NULL;
}

static inline struct ring_event next_event(struct ring *r)
{
    const struct ring_event *e = maybe_event(r, (int64_t)5 * NS_S);
    cr_assert(e, "nothing happened");
    return *e;
}

static inline void no_event(struct ring *r)
{
    const struct ring_event *e = maybe_event(r, NS_S / 50);
    cr_expect_null(e, "an event of %llx: %d", e ? (unsigned long long)e->user : 0, e ? e->res : 0);
}

#define expect_end(e, who, result) \
    do { \
        struct ring_event got_ = (e); \
        cr_expect_eq(got_.user, (who)); \
        cr_expect_eq(got_.res, (result), "%d", got_.res); \
        cr_expect_eq(got_.flags & RING_MORE, 0); \
    } while (0)

/* ---- sockets ---- */

static inline int listen_at(union ring_address *at, int family, int type)
{
    socklen_t n = sizeof *at;
    int fd = socket(family, type | SOCK_CLOEXEC, 0);
    memset(at, 0, sizeof *at);
    at->any.sa_family = (sa_family_t)family;
    if (family == AF_INET) at->in4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (family == AF_INET6) at->in6.sin6_addr = in6addr_loopback;
    if (family == AF_UNIX) n = sizeof(sa_family_t); /* the kernel names it */
    cr_assert_eq(bind(fd, &at->any, n), 0, "%s", strerror(errno));
    n = sizeof *at;
    cr_assert_eq(getsockname(fd, &at->any, &n), 0);
    if (type == SOCK_STREAM) cr_assert_eq(listen(fd, 64), 0);
    return fd;
}

static inline socklen_t length_of(const union ring_address *at)
{
    if (at->any.sa_family == AF_INET) return sizeof at->in4;
    if (at->any.sa_family == AF_INET6) return sizeof at->in6;
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 +
                       strlen(at->un.sun_path + 1)); /* an abstract name */
}

static inline int dial(const union ring_address *at, int type)
{
    int fd = socket(at->any.sa_family, type | SOCK_CLOEXEC, 0);
    cr_assert_eq(connect(fd, &at->any, length_of(at)), 0, "%s", strerror(errno));
    return fd;
}

/* A connection of that family: its far end, and as `*near` what the server has. */
static inline int pair(int family, int *near)
{
    union ring_address at;
    int listener = listen_at(&at, family, SOCK_STREAM), far = dial(&at, SOCK_STREAM);
    *near = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    cr_assert_geq(*near, 0);
    close(listener);
    return far;
}

static inline void put(int fd, const void *p, size_t n)
{
    for (const char *at = p; n;) {
        ssize_t done = send(fd, at, n, MSG_NOSIGNAL);
        cr_assert_gt(done, 0, "%s", strerror(errno));
        at += done;
        n -= (size_t)done;
    }
}

/* An event that brought these bytes and lets the operation go on. */
static inline void expect_bytes(struct ring *r, uint64_t who, const char *text)
{
    size_t n = strlen(text), at = 0;
    while (at < n) {
        struct ring_event e = next_event(r);
        cr_assert_eq(e.user, who);
        cr_assert_eq(e.flags, RING_MORE | RING_BUFFER, "%d", e.res);
        cr_assert_leq((size_t)e.res, n - at);
        cr_expect_eq(memcmp(r->ops->buffer(r, e.bid), text + at, (size_t)e.res), 0);
        at += (size_t)e.res;
        r->ops->give(r, e.bid);
    }
}

/* Ends an operation that reads, and the descriptor. */
static inline void end_of(struct ring *r, int fd, uint64_t who)
{
    r->ops->cancel(r, who);
    expect_end(next_event(r), who, -ECANCELED);
    r->ops->close(r, fd);
}
#endif
