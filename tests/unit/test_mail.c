/* SPDX-License-Identifier: GPL-3.0-or-later
 * test_mail.c - mail.c: who fills a box of another worker is not read until it has drained; bounces
 * need no memory.
 */
#include "alloc.h"
#include "services/bus.h"
#include "world.h"

static gyre_ref to;
static uint64_t pings, mails, bounces;
static bool by_topic;

static enum gyre_step on_data(struct gyre_actor *a, gyre_view *in)
{
    static const uint8_t text[60000];
    gyre_view verb = gyre_head(in, 1);
    if (verb.p[0] == 'p') pings++;
    for (int i = 0; verb.p[0] == 'f' && i < 80; i++) {
        gyre_view v = {text, sizeof text};
        if (by_topic) (void)bus_table.send(a, GYRE_LIT("x"), 1, v, NULL);
        else (void)host_api.send(a, &to, 1, 1, 0, v, NULL);
    }
    return GYRE_TOOK;
}

static void on_mail(struct gyre_actor *a, const struct gyre_mail *m)
{
    (void)a;
    cr_assert_eq(m->bytes.n, m->type == 2 ? 4 : 60000);
    mails++;
}

static struct {
    gyre_ref from;
    int32_t err;
} bounced[100];

static void on_bounce(struct gyre_actor *a, const struct gyre_mail *m, int32_t err)
{
    (void)a;
    cr_assert_lt(bounces, 100);
    cr_assert_eq(m->bytes.n, m->type == 2 ? 4 : 60000);
    bounced[bounces].from = m->from;
    bounced[bounces++].err = err;
}

static const struct gyre_proto home = {GYRE_PROTO};
static const struct gyre_proto stream = {GYRE_PROTO, .on_data = on_data, .on_bounce = on_bounce};
static const struct gyre_proto receiver = {GYRE_PROTO, .on_mail = on_mail, .on_bounce = on_bounce};
static const struct gyre_proto deaf = {GYRE_PROTO};
static struct section *s;
static int fd;

static void begin(void)
{
    gyre_addr at = {.ip = {[10] = 0xff, 0xff, 127, 0, 0, 1}, .port = 7000};
    world_begin(2);
    (void)world_plugin("p", &stream, &home, &receiver);
    s = world_section("p", NULL);
    struct actor *r = world_actor(s, 1);
    world_as(1);
    to = host_api.ref(&r->pub);
    (void)bus_table.join(&r->pub, GYRE_LIT("x"), true);
    fd = sim_listen(world.sim, 0, &at, false);
    cr_assert(service_listen(s, 0, fd, "tcp:127.0.0.1:7000", false));
    world_settle();
}

TestSuite(mail, .init = begin, .fini = world_end);

/* Worker 0 alone turns: the other one is busy with something long. */
static void turn_alone(void)
{
    worker_here = NULL;
    for (int i = 0; i < 10; i++) worker_turn(world_worker(0), true);
}

static void flood_and_ping(void)
{
    struct sim_end *e = sim_connect(world.sim, fd, NULL), *other = sim_connect(world.sim, fd, NULL);
    world_settle();
    sim_write(e, GYRE_LIT("fp"), false);
    turn_alone();
    cr_expect_eq(pings, 0, "its input rests");
    cr_expect(inbox_over(world_worker(1)));
    cr_expect_eq(world_stat(s, STAT_HIT_BOX) > 0, 1);
    sim_write(e, GYRE_LIT("p"), false);
    turn_alone();
    cr_expect_eq(pings, 0);
    sim_write(other, GYRE_LIT("p"), false);
    turn_alone();
    cr_expect_eq(pings, 1, "others are read");
    world_settle();
    cr_expect_eq(pings, 3);
    cr_expect_eq(mails + bounces, by_topic ? mails : 80);
    cr_expect_gt(mails, 60);
    sim_eof(e);
    sim_eof(other);
    world_settle();
}

Test(mail, who_fills_a_box_is_not_read)
{
    flood_and_ping();
    cr_expect_gt(bounces, 0);
    for (uint64_t i = 0; i < bounces; i++) cr_expect_eq(bounced[i].err, GYRE_FULL);
}

Test(mail, the_same_by_a_topic)
{
    by_topic = true;
    flood_and_ping();
    cr_expect_eq(bounces, 0);
}

/* One that ends while it rests is forgotten. */
Test(mail, who_rests_may_end)
{
    struct sim_end *e = sim_connect(world.sim, fd, NULL);
    world_settle();
    sim_write(e, GYRE_LIT("f"), false);
    turn_alone();
    cr_expect_not_null(world_worker(0)->choked);
    sim_reset(e);
    turn_alone();
    cr_expect_null(world_worker(0)->choked);
    world_settle();
    cr_expect_gt(mails, 60);
}

/* To a worker where two of four get it. Each bounce comes, and says why; what it costs is had. */
static void some_bounce(uint64_t dry_from)
{
    struct kind kind = {0};
    struct actor *from = world_actor(s, 0), *gone = world_actor(s, 1), *other;
    world_as(1);
    kind = *gone->kind;
    kind.p = deaf;
    other = world_actor(s, 1);
    const struct kind *was = other->kind;
    const gyre_ref all[] = {host_api.ref(&gone->pub), to, host_api.ref(&other->pub), to};
    other->kind = &kind;
    host_api.close(&gone->pub, GYRE_NOW);
    world_settle();
    world_as(0);
    cr_assert_eq(host_api.send(&from->pub, all, 4, 2, 0, GYRE_LIT("what"), NULL), GYRE_OK);
    alloc_reset();
    alloc_fail_at(dry_from, true);
    world_settle();
    alloc_reset();
    cr_expect_eq(mails, 2);
    cr_assert_eq(bounces, 2, "%u bounces", (unsigned)bounces);
    for (int i = 0; i < 2; i++) {
        cr_expect_eq(bounced[i].from.at, all[2 * i].at);
        cr_expect_eq(bounced[i].from.id, all[2 * i].id);
        cr_expect_eq(bounced[i].err, i ? GYRE_UNSUPPORTED : GYRE_GONE);
    }
    other->kind = was;
}

Test(mail, some_of_several_bounce)
{
    some_bounce(0);
}

Test(mail, bounces_need_no_memory)
{
    some_bounce(1);
}
