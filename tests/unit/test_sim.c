/* SPDX-License-Identifier: GPL-3.0-or-later
 * test_sim.c - the simulated kernel, where it once differed from the real one.
 */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>

#include "sim.h"

static struct sim *sim;
static struct ring *ring;
static int listener;

static void begin(void)
{
    gyre_addr at;
    cr_assert(sim_address("127.0.0.1:7", &at));
    sim = sim_make(1);
    ring = sim_ring(sim, 0);
    listener = sim_listen(sim, 0, &at, false);
}

static void end(void)
{
    ring->ops->free(ring);
    sim_free(sim);
}

TestSuite(sim, .init = begin, .fini = end);

static struct ring_event next(void)
{
    struct ring_event e = {0};
    ring->ops->wait(ring, GYRE_NEVER, true);
    (void)ring->ops->reap(ring, &e, 1);
    return e;
}

static int accepted(void)
{
    ring->ops->accept(ring, listener, 1);
    return next().res;
}

static int dialled(const char *path)
{
    union ring_address to = {.un = {.sun_family = AF_UNIX}};
    int fd = ring->ops->socket(ring, AF_UNIX, SOCK_STREAM);
    snprintf(to.un.sun_path, sizeof to.un.sun_path, "%s", path);
    ring->ops->connect(ring, fd, &to, sizeof to.un, 2);
    cr_assert_eq(next().res, 0);
    return fd;
}

Test(sim, a_cancel_leaves_alone_what_was_submitted_behind_it)
{
    struct sim_end *e = sim_connect(sim, listener, NULL);
    int fd = accepted();
    ring->ops->cancel(ring, 5);
    ring->ops->recv(ring, fd, 5);
    sim_write(e, GYRE_LIT("x"), false);
    cr_expect_eq(next().res, 1);
    ring->ops->cancel(ring, 5);
    cr_expect_eq(next().res, -ECANCELED);
}

Test(sim, a_connection_that_is_over_has_no_peer)
{
    gyre_addr a;
    struct sim_end *e = sim_connect(sim, listener, NULL);
    sim_reset(e);
    int fd = accepted();
    cr_expect_not(ring->ops->peer(ring, fd, &a), "it was reset before it was accepted");
    e = sim_connect(sim, listener, NULL);
    fd = next().res;
    cr_expect(ring->ops->peer(ring, fd, &a));
    sim_eof(e);
    cr_expect(ring->ops->peer(ring, fd, &a));
    ring->ops->shutdown(ring, fd, SHUT_WR);
    cr_expect_not(ring->ops->peer(ring, fd, &a));
}

Test(sim, a_unix_socket_has_no_address_and_no_reset)
{
    gyre_addr a;
    cr_assert(sim_peer(sim, NULL, "/run/it"));
    int fd = dialled("/run/it");
    cr_expect_not(ring->ops->peer(ring, fd, &a));
    cr_expect_not(ring->ops->local(ring, fd, &a));
    sim_reset(sim_accept(sim, NULL, "/run/it"));
    ring->ops->recv(ring, fd, 3);
    cr_expect_eq(next().res, 0);
    ring->ops->send(ring, fd, "x", 1, 4);
    cr_expect_eq(next().res, -EPIPE);
}
