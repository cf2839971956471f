/* SPDX-License-Identifier: GPL-3.0-or-later
 * test_ring_streams.c - what ring.h promises of streams that are there: receive, send, the end.
 */
#include "ring_world.h"

static const uint64_t R = (uint64_t)OP_RECV << 56 | 7, S = (uint64_t)OP_SEND << 56 | 7;

/* ---- receive ---- */

static void receives(struct ring *r, int family)
{
    int fd, far = pair(family, &fd);
    r->ops->recv(r, fd, R);
    no_event(r);
    for (int i = 0; i < 3; i++) {
        put(far, "hello", 5);
        expect_bytes(r, R, "hello");
    }
    no_event(r);
    put(far, "last", 4);
    close(far);
    expect_bytes(r, R, "last");
    expect_end(next_event(r), R, 0);
    no_event(r);
    r->ops->close(r, fd);
}

BOTH(recv_goes_on_to_the_end) { receives(r, AF_INET); }
BOTH(recv_goes_on_to_the_end_ipv6) { receives(r, AF_INET6); }
BOTH(recv_goes_on_to_the_end_unix) { receives(r, AF_UNIX); }

BOTH(recv_of_what_was_there_before)
{
    int fd, far = pair(AF_INET, &fd);
    put(far, "early", 5);
    close(far);
    r->ops->recv(r, fd, R);
    expect_bytes(r, R, "early");
    expect_end(next_event(r), R, 0);
    r->ops->close(r, fd);
}

BOTH(recv_of_a_reset)
{
    struct linger hard = {1, 0};
    int fd, far = pair(AF_INET, &fd);
    r->ops->recv(r, fd, R);
    no_event(r);
    setsockopt(far, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    close(far);
    expect_end(next_event(r), R, -ECONNRESET);
    r->ops->close(r, fd);
}

/* Much, byte by byte the same, by way of few buffers. */
static void receives_much(struct ring *r, int family)
{
    enum { MUCH = 4 << 20, PIECE = 60001 };
    int fd, far = pair(family, &fd);
    uint8_t *bytes = malloc(MUCH);
    for (size_t i = 0; i < MUCH; i++) bytes[i] = (uint8_t)(i * 7 + i / 251);
    fcntl(far, F_SETFL, O_NONBLOCK);
    r->ops->recv(r, fd, R);
    for (size_t sent = 0, got = 0; got < MUCH;) {
        size_t n = MUCH - sent < PIECE ? MUCH - sent : PIECE;
        ssize_t done = n ? send(far, bytes + sent, n, MSG_NOSIGNAL) : 0;
        if (done > 0) sent += (size_t)done;
        struct ring_event e = next_event(r);
        cr_assert_eq(e.user, R);
        if (e.res == -ENOBUFS) {
            r->ops->recv(r, fd, R);
            continue;
        }
        cr_assert_eq(e.flags, RING_MORE | RING_BUFFER);
        cr_assert_leq(e.res, RING_BUFFER_SIZE);
        cr_assert_eq(memcmp(r->ops->buffer(r, e.bid), bytes + got, (size_t)e.res), 0);
        got += (size_t)e.res;
        r->ops->give(r, e.bid);
    }
    free(bytes);
    close(far);
    expect_end(next_event(r), R, 0);
    r->ops->close(r, fd);
}

BOTH(recv_of_much) { receives_much(r, AF_INET); }
BOTH(recv_of_much_unix) { receives_much(r, AF_UNIX); }

BOTH(recv_ends_when_buffers_do)
{
    static uint16_t held[RING_BUFFERS + 1];
    static uint8_t block[RING_BUFFER_SIZE];
    size_t held_n = 0;
    int fd, far = pair(AF_INET, &fd);
    r->ops->recv(r, fd, R);
    for (int i = 0; i < RING_BUFFERS; i++) {
        struct ring_event e;
        put(far, block, sizeof block);
        for (size_t got = 0; got < sizeof block; got += (size_t)e.res) {
            e = next_event(r);
            if (e.res == -ENOBUFS) goto none;
            cr_assert_eq(e.flags, RING_MORE | RING_BUFFER);
            cr_assert_lt(held_n, RING_BUFFERS);
            held[held_n++] = e.bid;
        }
    }
    put(far, "more", 4);
    struct ring_event e = next_event(r);
    cr_expect_eq(e.res, -ENOBUFS, "%d", e.res);
none:
    cr_expect_eq(held_n, RING_BUFFERS);
    for (size_t i = 0; i < held_n; i++)
        for (size_t j = 0; j < i; j++) cr_assert_neq(held[i], held[j]);
    for (size_t i = 0; i < held_n; i++) r->ops->give(r, held[i]);
    r->ops->recv(r, fd, R);
    e = next_event(r);
    cr_expect_eq(e.flags, RING_MORE | RING_BUFFER, "nothing is lost");
    r->ops->give(r, e.bid);
    r->ops->shutdown(r, fd, SHUT_RDWR);
    while ((e = next_event(r)).flags & RING_MORE) r->ops->give(r, e.bid);
    r->ops->close(r, fd);
    close(far);
}

BOTH(recv_rests_and_goes_on)
{
    int fd, far = pair(AF_INET, &fd);
    r->ops->recv(r, fd, R);
    put(far, "one", 3);
    expect_bytes(r, R, "one");
    for (int i = 0; i < 3; i++) {
        r->ops->cancel(r, R);
        expect_end(next_event(r), R, -ECANCELED);
        put(far, "two", 3);
        no_event(r);
        put(far, "two", 3);
        no_event(r);
        r->ops->recv(r, fd, R);
        expect_bytes(r, R, "twotwo");
    }
    r->ops->cancel(r, R + 1); /* nobody */
    no_event(r);
    end_of(r, fd, R);
    close(far);
}

/* Reading stops at urgent data: what follows it must not wait for more. */
BOTH(recv_beyond_urgent_data)
{
    int fd, far = pair(AF_INET, &fd);
    r->ops->recv(r, fd, R);
    put(far, "x", 1);
    expect_bytes(r, R, "x");
    put(far, "before", 6);
    cr_assert_eq(send(far, "!", 1, MSG_OOB), 1);
    put(far, "after", 5);
    expect_bytes(r, R, "beforeafter");
    end_of(r, fd, R);
    close(far);
}

/* So it does at a descriptor that comes along. */
BOTH(recv_beyond_descriptors)
{
    _Alignas(struct cmsghdr) uint8_t control[CMSG_SPACE(sizeof(int))] = {0};
    struct iovec part = {(void *)(uintptr_t)"two", 3};
    struct msghdr m = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control,
                       .msg_controllen = sizeof control};
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    int fd, far = pair(AF_UNIX, &fd), passed = 2;
    *c = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof passed), .cmsg_level = SOL_SOCKET,
                          .cmsg_type = SCM_RIGHTS};
    memcpy(CMSG_DATA(c), &passed, sizeof passed);
    put(far, "one", 3);
    cr_assert_eq(sendmsg(far, &m, 0), 3);
    put(far, "three", 5);
    r->ops->recv(r, fd, R);
    expect_bytes(r, R, "onetwothree");
    end_of(r, fd, R);
    close(far);
}

/* One who talks without a pause does not keep others from being heard. */
BOTH(recv_in_fairness)
{
    static uint8_t block[1 << 18];
    struct ring_event events[512];
    int loud, quiet, loud_far = pair(AF_INET, &loud), quiet_far = pair(AF_INET, &quiet), turns = 0;
    bool heard = false;
    fcntl(loud_far, F_SETFL, O_NONBLOCK);
    r->ops->recv(r, loud, R);
    r->ops->recv(r, quiet, R + 1);
    (void)!write(loud_far, block, sizeof block);
    turn(r, NS_S);
    put(quiet_far, "x", 1);
    while (!heard && turns++ < 4) {
        (void)!write(loud_far, block, sizeof block);
        size_t n = r->ops->reap(r, events, 512);
        for (size_t i = 0; i < n; i++) {
            heard |= events[i].user == R + 1;
            if (events[i].flags & RING_BUFFER) r->ops->give(r, events[i].bid);
            else r->ops->recv(r, loud, R);
        }
        turn(r, NS_S);
    }
    cr_expect(heard);
    close(loud_far), close(quiet_far), close(loud), close(quiet);
}

/* ---- send ---- */

BOTH(send_ends_when_done)
{
    struct iovec parts[2] = {{(void *)(uintptr_t)"foo", 3}, {(void *)(uintptr_t)"bar", 3}};
    struct msghdr m = {.msg_iov = parts, .msg_iovlen = 2};
    char got[16];
    int fd, far = pair(AF_INET, &fd);
    r->ops->send(r, fd, "hello", 5, S);
    cr_expect_lt(recv(far, got, sizeof got, MSG_DONTWAIT), 0, "not at the call");
    expect_end(next_event(r), S, 5);
    r->ops->send_msg(r, fd, &m, S);
    expect_end(next_event(r), S, 6);
    cr_expect_eq(recv(far, got, 11, MSG_WAITALL), 11);
    cr_expect_eq(memcmp(got, "hellofoobar", 11), 0);
    r->ops->close(r, fd);
    close(far);
}

static void sends_much(struct ring *r, int family)
{
    enum { MUCH = 8 << 20 };
    int fd, far = pair(family, &fd);
    uint8_t *bytes = malloc(MUCH), *back = malloc(MUCH);
    size_t sent = 0, got = 0;
    bool waits = false;
    for (size_t i = 0; i < MUCH; i++) bytes[i] = (uint8_t)(i * 5 + i / 241);
    while (sent < MUCH) {
        r->ops->send(r, fd, bytes + sent, MUCH - sent, S);
        const struct ring_event *e = maybe_event(r, NS_S / 20);
        while (!e) { /* the reader is slow: it reads when the writer rests */
            waits = true;
            size_t most = MUCH - got < 400000 ? MUCH - got : 400000;
            ssize_t n = recv(far, back + got, most, MSG_DONTWAIT);
            if (n > 0) got += (size_t)n;
            e = maybe_event(r, n > 0 ? NS_S / 1000 : NS_S);
            cr_assert(e || n > 0);
        }
        cr_assert_eq(e->user, S);
        cr_assert_gt(e->res, 0);
        sent += (size_t)e->res;
    }
    cr_expect(waits);
    cr_expect_eq(recv(far, back + got, MUCH - got, MSG_WAITALL), (ssize_t)(MUCH - got));
    cr_expect_eq(memcmp(bytes, back, MUCH), 0);
    r->ops->close(r, fd);
    close(far);
    free(bytes), free(back);
}

BOTH(send_waits_for_room) { sends_much(r, AF_INET); }
BOTH(send_waits_for_room_unix) { sends_much(r, AF_UNIX); }

BOTH(send_to_nobody)
{
    struct linger hard = {1, 0};
    int fd, far = pair(AF_INET, &fd);
    setsockopt(far, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    close(far);
    r->ops->send(r, fd, "x", 1, S);
    struct ring_event e = next_event(r);
    cr_expect(e.res == -ECONNRESET || e.res == -EPIPE, "%d", e.res);
    r->ops->send(r, fd, "x", 1, S);
    expect_end(next_event(r), S, -EPIPE); /* and no SIGPIPE */
    r->ops->close(r, fd);
}

/* How the core ends a stream with operations under way. */
static void ends_by_shutdown(struct ring *r, int family)
{
    enum { MUCH = 16 << 20 };
    uint8_t *bytes = calloc(1, MUCH);
    int fd, far = pair(family, &fd), left = 2;
    r->ops->recv(r, fd, R);
    for (const struct ring_event *e = NULL;; ) {
        r->ops->send(r, fd, bytes, MUCH, S);
        e = maybe_event(r, NS_S / 20);
        if (!e) break;
        cr_assert_gt(e->res, 0);
    }
    r->ops->shutdown(r, fd, SHUT_RDWR);
    while (left--) {
        struct ring_event e = next_event(r);
        if (e.user == R) cr_expect_eq(e.res, 0, "%d", e.res);
        else cr_expect(e.res == -EPIPE || e.res == -ECONNRESET, "%d", e.res);
        cr_expect_eq(e.flags, 0);
    }
    r->ops->close(r, fd);
    close(far);
    free(bytes);
}

BOTH(shutdown_ends_everything) { ends_by_shutdown(r, AF_INET); }
BOTH(shutdown_ends_everything_unix) { ends_by_shutdown(r, AF_UNIX); }

/* ---- descriptors ---- */

/* A number is used again at once; nothing of what had it before is left. */
BOTH(numbers_used_again)
{
    int first = -1;
    for (uint32_t i = 0; i < 200; i++) {
        int fd, far = pair(i % 3 ? AF_INET : AF_UNIX, &fd);
        if (first < 0) first = fd;
        r->ops->recv(r, fd, user(OP_RECV, i));
        put(far, "x", 1);
        expect_bytes(r, user(OP_RECV, i), "x");
        if (i % 2) put(far, "unread", 6);
        r->ops->cancel(r, user(OP_RECV, i));
        struct ring_event e;
        while ((e = next_event(r)).flags & RING_MORE) r->ops->give(r, e.bid);
        cr_assert_eq(e.res, -ECANCELED);
        r->ops->close(r, fd);
        close(far);
    }
    no_event(r);
}

BOTH(many_streams)
{
    enum { MANY = 300 };
    static int fd[MANY], far[MANY];
    static bool heard[MANY];
    struct ring_event events[64];
    uint32_t left = MANY;
    for (uint32_t i = 0; i < MANY; i++) {
        far[i] = pair(AF_INET, &fd[i]);
        r->ops->recv(r, fd[i], user(OP_RECV, i));
        put(far[i], "x", 1);
    }
    for (int turns = 0; left && turns < 100; turns++) {
        turn(r, NS_S);
        for (size_t n; (n = r->ops->reap(r, events, 64)) > 0;)
            for (size_t i = 0; i < n; i++) {
                uint32_t at = (uint32_t)(events[i].user >> 32) & 0xffffff;
                cr_assert_lt(at, MANY);
                if (events[i].res == -ENOBUFS) {
                    r->ops->recv(r, fd[at], events[i].user);
                    continue;
                }
                cr_expect_not(heard[at]);
                heard[at] = true;
                left--;
                r->ops->give(r, events[i].bid);
            }
    }
    cr_expect_eq(left, 0);
    for (uint32_t i = 0; i < MANY; i++) close(fd[i]), close(far[i]);
}
