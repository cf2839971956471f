/* SPDX-License-Identifier: GPL-3.0-or-later
 * test_dial.c - dial.c: connections that do not come, and names that are looked up.
 *
 * The ring of the worker is the one in memory, but a connect may be made to hang: it ends only when
 * it is cancelled, or when the test lets it.
 */
#include <criterion/criterion.h>
#include <errno.h>

#include "world.h"

static struct ring_ops ops;
static const struct ring_ops *real;
static uint64_t hanging; /* the user word of a connect that was begun; 0: none */
static int cancels;
static struct ring_event late; /* told at the next reap */
static bool hangs;
static struct {
    int fd;
    union ring_address to;
    socklen_t n;
} held;

static void slow_connect(struct ring *r, int fd, const union ring_address *to, socklen_t n,
                         uint64_t user)
{
    if (!hangs) return real->connect(r, fd, to, n, user);
    hanging = user;
    held.fd = fd;
    held.to = *to;
    held.n = n;
}

static void slow_cancel(struct ring *r, uint64_t user)
{
    if (user != hanging) return real->cancel(r, user);
    cancels++;
    late = (struct ring_event){.user = user, .res = -ECANCELED};
    hanging = 0;
    sim_touch(world.sim);
}

static size_t slow_reap(struct ring *r, struct ring_event *events, size_t most)
{
    if (!late.user) return real->reap(r, events, most);
    events[0] = late;
    late.user = 0;
    return 1;
}

/* The connect that hung goes on. */
static void let_go(void)
{
    struct ring *r = world_worker(0)->ring;
    cr_assert_neq(hanging, 0);
    uint64_t user = hanging;
    hanging = 0;
    real->connect(r, held.fd, &held.to, held.n, user);
    sim_touch(world.sim);
    world_settle();
}

/* ---- the plugin: what came of the dial ---- */

static int opened, closed_n;
static enum gyre_why closed_why;

static bool out_open(struct gyre_actor *a)
{
    (void)a;
    opened++;
    return true;
}

static void out_close(struct gyre_actor *a, enum gyre_why why)
{
    (void)a;
    closed_n++;
    closed_why = why;
}

static const struct gyre_proto home = {GYRE_PROTO};
static const struct gyre_proto out_kind = {GYRE_PROTO, .on_open = out_open, .on_close = out_close};

static struct section *s;
static gyre_addr peer_at = {.ip = {[10] = 0xff, 0xff, 10, 0, 0, 1}, .port = 80};

static bool want_all(struct gyre_section *section, void *conf, gyre_out *why)
{
    (void)conf;
    (void)why;
    return host_api.want(section, GYRE_LIT("dial:*")) >= 0;
}

static void begin(void)
{
    world_begin(1);
    world_plugin("p", NULL, &home, &out_kind)->p.on_load = want_all;
    s = world_section("p", NULL);
    real = world_worker(0)->ring->ops;
    ops = *real;
    ops.connect = slow_connect;
    ops.cancel = slow_cancel;
    ops.reap = slow_reap;
    world_worker(0)->ring->ops = &ops;
    cr_assert(sim_peer(world.sim, &peer_at, NULL));
    hangs = true;
    world_as(0);
}

TestSuite(dial, .init = begin, .fini = world_end);

static struct gyre_actor *dial(const char *to, int64_t within_ns)
{
    struct gyre_actor *a = host_api.dial(
        &s->home[0]->pub,
        &(struct gyre_dial){GYRE_DIAL, .to = gyre_str(to), .within_ns = within_ns}, &out_kind);
    cr_assert_not_null(a);
    return a;
}

static void expect_closed(enum gyre_why why)
{
    cr_expect_eq(opened, 0);
    cr_expect_eq(closed_n, 1);
    cr_expect_eq(closed_why, why, "%d, not %d", closed_why, why);
}

Test(dial, within_so_long)
{
    (void)dial("tcp:10.0.0.1:80", GYRE_SECONDS(3));
    world_wait(GYRE_MS(2900));
    cr_expect_eq(closed_n, 0);
    world_wait(GYRE_MS(200));
    expect_closed(GYRE_TIMEOUT);
    cr_expect_eq(cancels, 1, "the connect was given up");
}

Test(dial, ten_seconds_if_not_said)
{
    (void)dial("tcp:10.0.0.1:80", 0);
    world_wait(GYRE_MS(9900));
    cr_expect_eq(closed_n, 0);
    world_wait(GYRE_MS(200));
    expect_closed(GYRE_TIMEOUT);
}

Test(dial, in_time)
{
    struct gyre_actor *a = dial("tcp:10.0.0.1:80", GYRE_SECONDS(3));
    cr_expect_eq(host_api.write(a, GYRE_LIT("early")), GYRE_OK);
    world_wait(GYRE_SECONDS(2));
    let_go();
    cr_expect_eq(opened, 1);
    struct sim_end *e = sim_accept(world.sim, &peer_at, NULL);
    cr_assert_not_null(e);
    cr_expect(gyre_eq(sim_unread(e), GYRE_LIT("early")));
    world_wait(GYRE_SECONDS(10));
    cr_expect_eq(closed_n, 0, "its time was for connecting alone");
    sim_eof(e);
    world_settle();
    cr_expect_eq(closed_why, GYRE_EOF);
}

/* Closed with bytes queued: they wait for the wire, as long as a close may linger. */
Test(dial, closed_before_it_is_connected)
{
    struct gyre_actor *a = dial("tcp:10.0.0.1:80", GYRE_SECONDS(60));
    (void)host_api.write(a, GYRE_LIT("words"));
    host_api.close(a, GYRE_FLUSH);
    world_wait(GYRE_SECONDS(2));
    expect_closed(GYRE_CLOSED);
    cr_expect_eq(cancels, 0);
    let_go();
    struct sim_end *e = sim_accept(world.sim, &peer_at, NULL);
    cr_assert_not_null(e);
    cr_expect(gyre_eq(sim_unread(e), GYRE_LIT("words")));
    cr_expect_eq(sim_state(e), SIM_ENDED);
    sim_eof(e);
    world_settle();
    cr_expect_eq(opened, 0);
}

Test(dial, closed_and_never_connected)
{
    struct gyre_actor *a = dial("tcp:10.0.0.1:80", GYRE_SECONDS(60));
    (void)host_api.write(a, GYRE_LIT("words"));
    host_api.close(a, GYRE_FLUSH);
    world_wait(GYRE_SECONDS(4));
    cr_expect_eq(cancels, 0);
    world_wait(GYRE_SECONDS(2));
    cr_expect_eq(cancels, 1);
    expect_closed(GYRE_CLOSED);
}

Test(dial, closed_with_nothing_to_send)
{
    host_api.close(dial("tcp:10.0.0.1:80", 0), GYRE_FLUSH);
    world_settle();
    expect_closed(GYRE_CLOSED);
    cr_expect_eq(cancels, 1);
}

Test(dial, closed_now)
{
    struct gyre_actor *a = dial("tcp:10.0.0.1:80", 0);
    (void)host_api.write(a, GYRE_LIT("words"));
    host_api.close(a, GYRE_NOW);
    world_settle();
    expect_closed(GYRE_CLOSED);
    cr_expect_eq(cancels, 1);
}

/* The answer and the end of its time come in one turn. */
Test(dial, connected_in_the_moment_it_is_late)
{
    (void)dial("tcp:10.0.0.1:80", GYRE_SECONDS(3));
    world_wait(GYRE_MS(2999));
    uint64_t user = hanging;
    hanging = 0;
    late = (struct ring_event){.user = user, .res = -ECONNREFUSED};
    sim_advance(world.sim, sim_now(world.sim) + GYRE_MS(1));
    world_settle();
    cr_expect_eq(closed_n, 1);
    cr_expect(closed_why == GYRE_REFUSED || closed_why == GYRE_TIMEOUT);
}

/* ---- names: looked up by a helper, here at once ---- */

Test(dial, a_name)
{
    gyre_addr four = {.ip = {[10] = 0xff, 0xff, 127, 0, 0, 1}, .port = 80};
    gyre_addr six = {.ip = {[15] = 1}, .port = 80};
    hangs = false;
    cr_assert(sim_peer(world.sim, &four, NULL));
    cr_assert(sim_peer(world.sim, &six, NULL));
    (void)dial("tcp:localhost:80", 0);
    cr_expect_eq(closed_n + opened, 0, "not inside of the call");
    world_settle();
    cr_expect_eq(opened, 1);
}

/* Too long for a label: no name server is asked. */
Test(dial, a_name_that_is_none)
{
    char text[128] = "tcp:";
    memset(text + 4, 'a', 70);
    memcpy(text + 74, ".invalid:80", 12);
    (void)dial(text, 0);
    world_settle();
    expect_closed(GYRE_NO_NAME);
}

Test(dial, closed_while_its_name_is_looked_up)
{
    struct gyre_actor *a = dial("tcp:localhost:80", 0);
    host_api.close(a, GYRE_FLUSH);
    world_settle();
    expect_closed(GYRE_CLOSED);
    cr_expect_eq(hanging, 0, "nothing was begun");
}

Test(dial, closed_with_words_while_its_name_is_looked_up)
{
    gyre_addr four = {.ip = {[10] = 0xff, 0xff, 127, 0, 0, 1}, .port = 80};
    gyre_addr six = {.ip = {[15] = 1}, .port = 80};
    hangs = false;
    cr_assert(sim_peer(world.sim, &four, NULL));
    cr_assert(sim_peer(world.sim, &six, NULL));
    struct gyre_actor *a = dial("tcp:localhost:80", 0);
    (void)host_api.write(a, GYRE_LIT("words"));
    host_api.close(a, GYRE_FLUSH);
    world_settle();
    struct sim_end *e = sim_accept(world.sim, &four, NULL);
    if (!e) e = sim_accept(world.sim, &six, NULL);
    cr_assert_not_null(e);
    cr_expect(gyre_eq(sim_unread(e), GYRE_LIT("words")));
    sim_eof(e);
    world_settle();
    expect_closed(GYRE_CLOSED);
}
