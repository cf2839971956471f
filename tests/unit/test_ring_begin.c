/* SPDX-License-Identifier: GPL-3.0-or-later
 * test_ring_begin.c - what ring.h promises of the beginning of streams: accept and connect.
 */
#include "ring_world.h"

#include <poll.h>
#include <sys/resource.h>

static const uint64_t A = (uint64_t)OP_ACCEPT << 56 | 7, R = (uint64_t)OP_RECV << 56 | 7,
                      S = (uint64_t)OP_SEND << 56 | 7, C = (uint64_t)OP_CONNECT << 56 | 7;

/* ---- accept ---- */

static void accepts(struct ring *r, int family)
{
    union ring_address at;
    int listener = listen_at(&at, family, SOCK_STREAM), far[3];
    r->ops->accept(r, listener, A);
    no_event(r);
    for (int i = 0; i < 3; i++) {
        far[i] = dial(&at, SOCK_STREAM);
        struct ring_event e = next_event(r);
        cr_expect_eq(e.user, A);
        cr_expect_eq(e.flags, RING_MORE);
        cr_assert_geq(e.res, 0);
        cr_expect(fcntl(e.res, F_GETFD) & FD_CLOEXEC);
        put(far[i], "x", 1);
        r->ops->recv(r, e.res, R);
        expect_bytes(r, R, "x");
        end_of(r, e.res, R);
        close(far[i]);
    }
    end_of(r, listener, A);
}

BOTH(accept_goes_on) { accepts(r, AF_INET); }
BOTH(accept_goes_on_ipv6) { accepts(r, AF_INET6); }
BOTH(accept_goes_on_unix) { accepts(r, AF_UNIX); }

BOTH(accept_of_many_at_once)
{
    enum { MANY = 60 };
    union ring_address at;
    int listener = listen_at(&at, AF_INET, SOCK_STREAM), far[MANY];
    for (int i = 0; i < MANY; i++) far[i] = dial(&at, SOCK_STREAM);
    r->ops->accept(r, listener, A);
    for (int i = 0; i < MANY; i++) {
        struct ring_event e = next_event(r);
        cr_assert_eq(e.flags, RING_MORE);
        r->ops->close(r, e.res);
        close(far[i]);
    }
    end_of(r, listener, A);
}

/* The old generation of a service took it: nobody may wait for the next one. */
BOTH(accept_of_what_another_process_took)
{
    union ring_address at;
    int listener = listen_at(&at, AF_INET, SOCK_STREAM), other = dup(listener);
    r->ops->accept(r, listener, A);
    no_event(r);
    int far = dial(&at, SOCK_STREAM), taken = accept(other, NULL, NULL);
    if (taken >= 0) close(taken);
    no_event(r);
    int again = dial(&at, SOCK_STREAM);
    struct ring_event e = next_event(r);
    cr_expect_geq(e.res, 0);
    r->ops->close(r, e.res);
    end_of(r, listener, A);
    close(dial(&at, SOCK_STREAM)); /* the other still listens: no event comes of it here */
    no_event(r);
    close(far), close(again), close(other);
}

/* A service on epoll left the flag on the socket, which outlives it: accept waits all the same. */
BOTH(accept_of_a_listener_that_does_not_block)
{
    union ring_address at;
    int listener = listen_at(&at, AF_INET, SOCK_STREAM), far[3];
    cr_assert_eq(fcntl(listener, F_SETFL, fcntl(listener, F_GETFL) | O_NONBLOCK), 0);
    r->ops->accept(r, listener, A);
    for (int i = 0; i < 3; i++) {
        no_event(r);
        far[i] = dial(&at, SOCK_STREAM);
        struct ring_event e = next_event(r);
        cr_expect_eq(e.user, A);
        cr_expect_eq(e.flags, RING_MORE);
        cr_assert_geq(e.res, 0, "%d", e.res);
        no_event(r);
        r->ops->recv(r, e.res, R); /* the flag is the listener's, not the connection's */
        no_event(r);
        put(far[i], "x", 1);
        expect_bytes(r, R, "x");
        end_of(r, e.res, R);
        close(far[i]);
    }
    end_of(r, listener, A);
}

BOTH(accept_without_descriptors)
{
    union ring_address at;
    struct rlimit old, low;
    int listener = listen_at(&at, AF_INET, SOCK_STREAM), far = dial(&at, SOCK_STREAM);
    int highest = dup(listener);
    close(highest);
    getrlimit(RLIMIT_NOFILE, &old);
    low = old;
    low.rlim_cur = (rlim_t)highest;
    setrlimit(RLIMIT_NOFILE, &low);
    r->ops->accept(r, listener, A);
    expect_end(next_event(r), A, -EMFILE);
    setrlimit(RLIMIT_NOFILE, &old);
    r->ops->accept(r, listener, A);
    struct ring_event e = next_event(r);
    cr_expect_geq(e.res, 0);
    r->ops->close(r, e.res);
    end_of(r, listener, A);
    close(far);
}

/* ---- connect ---- */

static void connects(struct ring *r, int family)
{
    union ring_address at;
    gyre_addr peer, local;
    int listener = listen_at(&at, family, SOCK_STREAM);
    int fd = r->ops->socket(r, family, SOCK_STREAM);
    cr_assert_geq(fd, 0);
    r->ops->connect(r, fd, &at, length_of(&at), C);
    expect_end(next_event(r), C, 0);
    int far = accept(listener, NULL, NULL);
    cr_expect_eq(r->ops->peer(r, fd, &peer), family != AF_UNIX);
    cr_expect_eq(r->ops->local(r, fd, &local), family != AF_UNIX);
    r->ops->recv(r, fd, R);
    r->ops->send(r, fd, "hello", 5, S);
    expect_end(next_event(r), S, 5);
    put(far, "back", 4);
    expect_bytes(r, R, "back");
    close(far);
    struct ring_event e = next_event(r); /* with our bytes unread: reset, where there is such */
    cr_expect_eq(e.flags, 0);
    cr_expect_leq(e.res, 0);
    r->ops->close(r, fd);
    close(listener);
}

BOTH(connect_to_ipv4) { connects(r, AF_INET); }
BOTH(connect_to_ipv6) { connects(r, AF_INET6); }
BOTH(connect_to_unix) { connects(r, AF_UNIX); }

BOTH(connect_to_nobody)
{
    union ring_address at;
    int listener = listen_at(&at, AF_INET, SOCK_STREAM);
    close(listener);
    int fd = r->ops->socket(r, AF_INET, SOCK_STREAM);
    r->ops->connect(r, fd, &at, length_of(&at), C);
    expect_end(next_event(r), C, -ECONNREFUSED);
    r->ops->close(r, fd);
    memset(&at, 0, sizeof at);
    at.un = (struct sockaddr_un){.sun_family = AF_UNIX, .sun_path = "/nowhere/at/all"};
    fd = r->ops->socket(r, AF_UNIX, SOCK_STREAM);
    r->ops->connect(r, fd, &at, sizeof at.un, C);
    expect_end(next_event(r), C, -ENOENT);
    r->ops->close(r, fd);
}

/* A queue that is full: connecting goes on until there is room, or it is cancelled. */
static void connects_when_there_is_room(struct ring *r, int family, bool cancel)
{
    union ring_address at;
    int listener = listen_at(&at, family, SOCK_STREAM), waiting[64], n = 0;
    listen(listener, 0);
    for (;; n++) {
        waiting[n] = socket(family, SOCK_STREAM | SOCK_NONBLOCK, 0);
        if (connect(waiting[n], &at.any, length_of(&at)) == 0) continue;
        struct pollfd p = {.fd = waiting[n], .events = POLLOUT};
        if (errno == EAGAIN || poll(&p, 1, 50) == 0) break;
    }
    int fd = r->ops->socket(r, family, SOCK_STREAM);
    r->ops->connect(r, fd, &at, length_of(&at), C);
    no_event(r);
    if (cancel) {
        r->ops->cancel(r, C);
        expect_end(next_event(r), C, -ECANCELED);
    } else {
        for (int i = 0; i <= n; i++) {
            struct pollfd p = {.fd = listener, .events = POLLIN};
            if (poll(&p, 1, 2000) > 0) close(accept(listener, NULL, NULL));
        }
        expect_end(next_event(r), C, 0);
    }
    r->ops->close(r, fd);
    close(listener);
    while (n >= 0) close(waiting[n--]);
}

BOTH(connect_waits_for_room_unix) { connects_when_there_is_room(r, AF_UNIX, false); }
BOTH(connect_waits_for_room) { connects_when_there_is_room(r, AF_INET, false); }
BOTH(connect_cancelled) { connects_when_there_is_room(r, AF_INET, true); }
