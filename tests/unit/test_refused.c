/* SPDX-License-Identifier: GPL-3.0-or-later
 * test_refused.c - refused.c: connections of some addresses are not taken, for a while.
 */
#include "world.h"

static int socket_fd;
static struct section *section;

static enum gyre_step answer(struct gyre_actor *a, gyre_view *in)
{
    (void)gyre_all(in);
    host_api.write(a, GYRE_LIT("yes"));
    return GYRE_TOOK;
}

static const struct gyre_proto stream = {GYRE_PROTO, .on_data = answer};
static gyre_addr address(uint32_t n)
{
    gyre_addr a = {.ip = {[10] = 0xff, 0xff, 192, 0}, .port = 4711};
    a.ip[14] = (uint8_t)(n >> 8);
    a.ip[15] = (uint8_t)n;
    return a;
}

static void begin(void)
{
    const gyre_addr local = {.ip = {[10] = 0xff, 0xff, 127, 0, 0, 1}, .port = 80};
    world_begin(1);
    world_plugin("test", &stream, NULL, NULL);
    section = world_section("test", NULL);
    socket_fd = sim_listen(world.sim, 0, &local, false);
    cr_assert(service_listen(section, 0, socket_fd, "tcp:test", false));
    world_settle();
}

static void end(void)
{
    world_end();
}

TestSuite(refused, .init = begin, .fini = end);

static bool serves(uint32_t n)
{
    gyre_addr from = address(n);
    struct sim_end *peer = sim_connect(world.sim, socket_fd, &from);
    cr_assert_not_null(peer);
    sim_write(peer, GYRE_LIT("x"), true);
    sim_eof(peer);
    world_settle();
    return sim_all(peer).n == 3;
}

static void refuse(uint32_t n, int64_t for_ns)
{
    gyre_addr a = address(n);
    a.port = 0;
    service_refuse(world.service, &a, sim_now(world.sim) + for_ns);
}

static int64_t hits(void)
{
    return section->stats[0]->v[STAT_HIT_REFUSED];
}

Test(refused, for_a_while_and_nobody_else)
{
    cr_expect(serves(1));
    refuse(1, GYRE_SECONDS(5));
    cr_expect_not(serves(1));
    cr_expect(serves(2));
    cr_expect_eq(hits(), 1);
    world_wait(GYRE_SECONDS(6));
    cr_expect(serves(1));
    cr_expect_eq(hits(), 1);
}

Test(refused, again_is_longer_and_zero_is_over)
{
    refuse(1, GYRE_SECONDS(1));
    refuse(1, GYRE_SECONDS(10));
    world_wait(GYRE_SECONDS(2));
    cr_expect_not(serves(1));
    refuse(1, 0);
    cr_expect(serves(1));
}

Test(refused, the_first_to_be_let_in_makes_room)
{
    for (uint32_t i = 0; i < LIMIT_REFUSED; i++) refuse(i, GYRE_SECONDS(i == 7 ? 50 : 100));
    refuse(1000, GYRE_SECONDS(100));
    for (uint32_t i = 0; i < LIMIT_REFUSED; i++) cr_expect_eq(serves(i), i == 7, "number %u", i);
    cr_expect_not(serves(1000));
}
