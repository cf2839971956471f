/* SPDX-License-Identifier: GPL-3.0-or-later
 * test_ring_rest.c - what ring.h promises of datagrams, files, watched descriptors and time.
 */
#include "ring_world.h"

#include <pthread.h>
#include <stdio.h>
#include <sys/eventfd.h>

static const uint64_t D = (uint64_t)OP_RECV_FROM << 56 | 7, E = (uint64_t)OP_EMIT << 56 | 7,
                      F = (uint64_t)OP_READ << 56 | 7, P = (uint64_t)OP_POLL << 56 | 7;

/* ---- datagrams ---- */

static struct ring_datagram datagram_of(struct ring *r, const struct ring_event *e)
{
    struct ring_datagram d;
    cr_assert_eq(e->user, D);
    cr_assert(e->flags & RING_BUFFER, "%d", e->res);
    cr_assert(r->ops->datagram(r, e, &d));
    return d;
}

static uint16_t port_of_socket(int fd)
{
    union ring_address at;
    socklen_t n = sizeof at;
    getsockname(fd, &at.any, &n);
    return ntohs(at.in4.sin_port); /* the same place in IPv6 */
}

static void brings_datagrams(struct ring *r, int family)
{
    union ring_address at;
    int port = listen_at(&at, family, SOCK_DGRAM), far = dial(&at, SOCK_DGRAM), on = 1;
    if (family == AF_INET) setsockopt(port, IPPROTO_IP, IP_PKTINFO, &on, sizeof on);
    else setsockopt(port, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof on);
    r->ops->recv_from(r, port, D);
    no_event(r);
    for (int i = 0; i < 3; i++) {
        uint8_t local[16] = {[15] = 1};
        static const uint8_t v4[16] = {[10] = 0xff, 0xff, 127, 0, 0, 1};
        cr_assert_eq(send(far, "hello", 5, 0), 5);
        struct ring_event e = next_event(r);
        struct ring_datagram d = datagram_of(r, &e);
        if (family == AF_INET) memcpy(local, v4, 16);
        cr_expect(gyre_eq(d.data, GYRE_LIT("hello")));
        cr_expect_not(d.cut);
        cr_expect_eq(memcmp(d.path.peer.ip, local, 16), 0);
        cr_expect_eq(d.path.peer.port, port_of_socket(far));
        cr_expect_eq(memcmp(d.path.local.ip, local, 16), 0);
        r->ops->give(r, e.bid);
    }
    cr_assert_eq(send(far, "", 0, 0), 0);
    struct ring_event e = next_event(r);
    cr_expect_eq(datagram_of(r, &e).data.n, 0);
    r->ops->give(r, e.bid);
    if (!(e.flags & RING_MORE)) r->ops->recv_from(r, port, D); /* io_uring takes it for the end */
    end_of(r, port, D);
    close(far);
}

BOTH(datagrams_with_addresses) { brings_datagrams(r, AF_INET); }
BOTH(datagrams_with_addresses_ipv6) { brings_datagrams(r, AF_INET6); }

BOTH(datagrams_without_pktinfo_and_the_longest)
{
    static uint8_t longest[65507];
    static const uint8_t zero[16];
    union ring_address at;
    int port = listen_at(&at, AF_INET, SOCK_DGRAM), far = dial(&at, SOCK_DGRAM);
    for (size_t i = 0; i < sizeof longest; i++) longest[i] = (uint8_t)(i * 3);
    r->ops->recv_from(r, port, D);
    cr_assert_eq(send(far, longest, sizeof longest, 0), (ssize_t)sizeof longest);
    struct ring_event e = next_event(r);
    struct ring_datagram d = datagram_of(r, &e);
    cr_expect_eq(d.data.n, sizeof longest);
    cr_expect_eq(memcmp(d.data.p, longest, sizeof longest), 0);
    cr_expect_not(d.cut);
    cr_expect_eq(memcmp(d.path.local.ip, zero, 16), 0);
    r->ops->give(r, e.bid);
    end_of(r, port, D);
    close(far);
}

/* In order, each once, more than a batch; and when the buffers end, what waits is not lost. */
BOTH(datagrams_in_bursts)
{
    enum { BURST = 100, BURSTS = 4 };
    static uint16_t held[BURST * BURSTS];
    union ring_address at;
    uint32_t want = 0, sent = 0, held_n = 0;
    bool ended = false;
    int port = listen_at(&at, AF_INET, SOCK_DGRAM), far = dial(&at, SOCK_DGRAM);
    r->ops->recv_from(r, port, D);
    for (int i = 0; i < BURSTS && !ended; i++) {
        for (int j = 0; j < BURST; j++, sent++)
            cr_assert_eq(send(far, &sent, sizeof sent, 0), (ssize_t)sizeof sent);
        while (want < sent && !ended) {
            struct ring_event e = next_event(r);
            ended = e.res == -ENOBUFS;
            if (ended) break;
            struct ring_datagram d = datagram_of(r, &e);
            uint32_t n;
            memcpy(&n, d.data.p, sizeof n);
            cr_assert_eq(n, want++);
            held[held_n++] = e.bid;
        }
    }
    cr_expect(ended);
    cr_expect_eq(held_n, RING_DATAGRAMS);
    while (held_n) r->ops->give(r, held[--held_n]);
    r->ops->recv_from(r, port, D);
    for (; want < sent; want++) {
        struct ring_event e = next_event(r);
        uint32_t n;
        memcpy(&n, datagram_of(r, &e).data.p, sizeof n);
        cr_assert_eq(n, want);
        r->ops->give(r, e.bid);
    }
    end_of(r, port, D);
    close(far);
}

BOTH(datagrams_sent)
{
    enum { MANY = 100 };
    static uint8_t bytes[MANY][8], too_long[65508];
    union ring_address at, to;
    char got[64];
    int port = listen_at(&at, AF_INET, SOCK_DGRAM), far = listen_at(&to, AF_INET, SOCK_DGRAM);
    struct iovec part = {(void *)(uintptr_t)"message", 7};
    struct msghdr m = {.msg_name = &to, .msg_namelen = sizeof to.in4, .msg_iov = &part,
                       .msg_iovlen = 1};
    r->ops->recv_from(r, port, D);
    for (uint32_t i = 0; i < MANY; i++) {
        snprintf((char *)bytes[i], 8, "n%u", i);
        uint64_t who = user(OP_EMIT, i);
        if (i == MANY / 2) r->ops->send_msg(r, port, &m, who);
        else r->ops->send_to(r, port, bytes[i], i == 7 ? 0 : 8, &to, sizeof to.in4, who);
    }
    r->ops->send_to(r, port, too_long, sizeof too_long, &to, sizeof to.in4, E);
    r->ops->send_to(r, port, "last", 4, &to, sizeof to.in4, E + 1);
    for (uint32_t i = 0; i < MANY; i++)
        expect_end(next_event(r), user(OP_EMIT, i), i == MANY / 2 ? 7 : i == 7 ? 0 : 8);
    expect_end(next_event(r), E, -EMSGSIZE);
    expect_end(next_event(r), E + 1, 4);
    for (uint32_t i = 0; i < MANY; i++) {
        ssize_t n = recv(far, got, sizeof got, 0);
        if (i == MANY / 2) cr_assert_eq(memcmp(got, "message", 7), 0);
        else if (i == 7) cr_assert_eq(n, 0);
        else cr_assert_eq(memcmp(got, bytes[i], 8), 0);
    }
    cr_expect_eq(recv(far, got, sizeof got, 0), 4);
    end_of(r, port, D);
    close(far);
}

/* ---- files and watched descriptors ---- */

BOTH(files)
{
    char path[] = "/tmp/gyre-ring-XXXXXX", got[3][8] = {{0}};
    int fd = mkstemp(path);
    unlink(path);
    cr_assert_eq(write(fd, "0123456789", 10), 10);
    r->ops->read(r, fd, got[0], 4, 0, F);
    r->ops->read(r, fd, got[1], 8, 6, F + 1);
    r->ops->read(r, fd, got[2], 8, 10, F + 2);
    r->ops->read(r, -1, got[2], 8, 10, F + 3);
    int32_t results[4] = {99, 99, 99, 99};
    for (int i = 0; i < 4; i++) {
        struct ring_event e = next_event(r);
        cr_assert(e.user >= F && e.user < F + 4 && !e.flags);
        results[e.user - F] = e.res;
    }
    cr_expect_eq(results[0], 4);
    cr_expect_eq(results[1], 4);
    cr_expect_eq(results[2], 0);
    cr_expect_eq(results[3], -EBADF);
    cr_expect_str_eq(got[0], "0123");
    cr_expect_str_eq(got[1], "6789");
    r->ops->close(r, fd);
}

BOTH(poll_goes_on)
{
    int fd = eventfd(0, EFD_NONBLOCK);
    uint64_t n = 1;
    r->ops->poll(r, fd, P);
    no_event(r);
    for (int i = 0; i < 3; i++) {
        cr_assert_eq(write(fd, &n, sizeof n), (ssize_t)sizeof n);
        struct ring_event e = next_event(r);
        cr_expect_eq(e.user, P);
        cr_expect_eq(e.flags, RING_MORE);
        cr_expect_gt(e.res, 0);
        cr_assert_eq(read(fd, &n, sizeof n), (ssize_t)sizeof n);
        no_event(r);
    }
    end_of(r, fd, P);
}

BOTH(poll_of_what_was_there_before)
{
    int fd = eventfd(1, EFD_NONBLOCK);
    r->ops->poll(r, fd, P);
    cr_expect_eq(next_event(r).user, P);
    end_of(r, fd, P);
}

/* ---- time ---- */

static int64_t waited(struct ring *r, int64_t ns, bool busy)
{
    int64_t begin = r->ops->now(r, GYRE_MONO);
    r->ops->wait(r, begin + ns, busy);
    return r->ops->now(r, GYRE_MONO) - begin;
}

BOTH(deadlines)
{
    struct ring_event e;
    int64_t least = INT64_MAX;
    (void)waited(r, 0, true);
    for (int i = 0; i < 50; i++) {
        int64_t took = waited(r, 300000, false);
        cr_assert_geq(took, 300000, "a deadline is never early");
        if (took < least) least = took;
    }
    cr_expect_lt(least, 900000, "finer than a millisecond: %lld ns", (long long)least);
    cr_expect_lt(waited(r, -NS_S, false), NS_S / 2);
    cr_expect_lt(waited(r, (int64_t)10 * NS_S, true), (int64_t)5 * NS_S, "busy does not wait");
    cr_expect_eq(r->ops->reap(r, &e, 1), 0);
}

static void *wake_it(void *user)
{
    struct ring *r = user;
    r->ops->wake(r);
    return NULL;
}

BOTH(wakes)
{
    struct ring_event e;
    pthread_t thread;
    for (int i = 0; i < 20; i++) {
        cr_assert_eq(pthread_create(&thread, NULL, wake_it, r), 0);
        r->ops->wait(r, GYRE_NEVER, false);
        pthread_join(thread, NULL);
        cr_expect_eq(r->ops->reap(r, &e, 1), 0);
    }
    r->ops->wake(r);
    r->ops->wait(r, GYRE_NEVER, false); /* not lost: it came before */
    cr_expect_eq(r->ops->reap(r, &e, 1), 0);
}

BOTH(randomness)
{
    uint8_t a[600] = {0}, b[600] = {0};
    r->ops->random(r, a, sizeof a);
    r->ops->random(r, b, sizeof b);
    cr_expect_neq(memcmp(a, b, sizeof a), 0);
    cr_expect_neq(memcmp(a + 500, b, 100), 0);
}

/* A worker reaps in pieces; what did not fit comes with the next. */
BOTH(reaps_in_pieces)
{
    enum { MANY = 40 };
    struct ring_event events[7];
    char path[] = "/tmp/gyre-ring-XXXXXX", byte[MANY];
    int fd = mkstemp(path);
    bool seen[MANY] = {false};
    size_t n, all = 0;
    unlink(path);
    cr_assert_eq(write(fd, path, sizeof path), (ssize_t)sizeof path);
    for (uint32_t i = 0; i < MANY; i++) r->ops->read(r, fd, &byte[i], 1, 0, user(OP_READ, i));
    for (int turns = 0; all < MANY && turns < 50; turns++) {
        turn(r, NS_S);
        while ((n = r->ops->reap(r, events, 7)) > 0)
            for (size_t i = 0; i < n; i++, all++) {
                uint32_t at = (uint32_t)(events[i].user >> 32) & 0xffffff;
                cr_assert_lt(at, MANY);
                cr_expect_not(seen[at]);
                seen[at] = true;
            }
    }
    cr_expect_eq(all, MANY);
    r->ops->close(r, fd);
}

/* More than the ring of completions holds, and begun before any of it is waited for. */
BOTH(more_than_the_ring_holds)
{
    enum { MANY = 3 * RING_COMPLETIONS };
    struct ring_event *events = calloc(RING_EVENTS, sizeof *events);
    uint8_t *seen = calloc(MANY, 1), byte = 0;
    int fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);
    size_t n, all = 0;
    for (uint32_t i = 0; i < MANY; i++) r->ops->read(r, fd, &byte, 1, 0, user(OP_READ, i));
    for (int turns = 0; all < MANY && turns < 200; turns++) {
        turn(r, NS_S);
        while ((n = r->ops->reap(r, events, RING_EVENTS)) > 0)
            for (size_t i = 0; i < n; i++, all++) {
                uint32_t at = (uint32_t)(events[i].user >> 32) & 0xffffff;
                cr_assert_lt(at, MANY);
                cr_assert_eq(events[i].res, 1, "%d", events[i].res);
                cr_assert_not(seen[at]++);
            }
    }
    cr_expect_eq(all, MANY);
    r->ops->close(r, fd);
    free(events), free(seen);
}
