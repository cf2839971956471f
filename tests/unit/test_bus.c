/* SPDX-License-Identifier: GPL-3.0-or-later
 * test_bus.c - bus.c: topics belong to a plugin, and all its sections share them.
 */
#include "services/bus.h"
#include "world.h"

static uint64_t heard[3]; /* by type of the mail's receiver: its section */

static void on_mail(struct gyre_actor *a, const struct gyre_mail *m)
{
    (void)m;
    heard[((struct section *)(void *)a->section)->id - 1]++;
}

static const struct gyre_proto home = {GYRE_PROTO};
static const struct gyre_proto one_kind = {GYRE_PROTO, .on_mail = on_mail};
static const struct gyre_proto other_kind = {GYRE_PROTO, .on_mail = on_mail};
static const struct gyre_proto deaf_kind = {GYRE_PROTO};

static void join(struct actor *a, const char *topic, bool in)
{
    world_as(a->pub.worker);
    cr_assert_eq(bus_table.join(&a->pub, gyre_str(topic), in), GYRE_OK);
}

static void say(struct actor *a, const char *topic)
{
    world_as(a->pub.worker);
    cr_assert_eq(bus_table.send(&a->pub, gyre_str(topic), 1, GYRE_LIT("text"), NULL), GYRE_OK);
    world_settle();
}

Test(bus, topics_of_two_plugins_are_apart)
{
    world_begin(2);
    (void)world_plugin("one", NULL, &home, &one_kind);
    (void)world_plugin("other", NULL, &home, &other_kind);
    struct section *first = world_section("one", NULL), *second = world_section("one", NULL);
    struct section *third = world_section("other", NULL);
    struct actor *a = world_actor(first, 0), *b = world_actor(second, 1), *c = world_actor(third,
                                                                                           0);
    struct actor *speaker = world_actor(first, 1), *stranger = world_actor(third, 1);
    join(a, "topic", true);
    join(b, "topic", true);
    join(c, "topic", true);
    say(speaker, "topic");
    cr_expect_eq(heard[0], 1);
    cr_expect_eq(heard[1], 1, "sections of one plugin share");
    cr_expect_eq(heard[2], 0, "another plugin does not");
    say(stranger, "topic");
    cr_expect_eq(heard[0], 1);
    cr_expect_eq(heard[2], 1);
    world_end();
}

/* Memory of topics and seats comes and goes. */
Test(bus, nothing_is_left_of_a_topic)
{
    world_begin(1);
    (void)world_plugin("one", NULL, &home, &one_kind);
    struct section *s = world_section("one", NULL);
    struct actor *members[40];
    char name[16];
    for (int i = 0; i < 40; i++) members[i] = world_actor(s, 0);
    join(members[0], "x", true); /* the table itself is made now */
    uint64_t before = pool_in_use(world_worker(0)->pool);
    for (int t = 0; t < 60; t++) {
        snprintf(name, sizeof name, "topic %d", t);
        for (int i = 1; i < 40; i++) join(members[i], name, true);
    }
    cr_expect_gt(pool_in_use(world_worker(0)->pool), before);
    say(members[0], "topic 7");
    cr_expect_eq(heard[0], 39);
    for (int t = 0; t < 60; t++) {
        snprintf(name, sizeof name, "topic %d", t);
        for (int i = 1; i < 40; i++) join(members[i * 7 % 39 + 1], name, false);
    }
    say(members[0], "topic 7");
    cr_expect_eq(heard[0], 39);
    for (int i = 0; i < 256; i++)
        cr_expect_eq(atomic_load(&world_worker(0)->topic_members[i]) == 0 ||
                         atomic_load(&world_worker(0)->topic_members[i]) == 1, 1);
    /* The worker keeps its list of names for the largest topic. */
    cr_expect_leq(pool_in_use(world_worker(0)->pool),
                  before + 40 * sizeof(struct extra) + 64 * sizeof(gyre_ref));
    world_end();
}

/* A member whose kind has no on_mail: nobody hears, and nothing bounces or is left. */
Test(bus, a_deaf_member)
{
    world_begin(1);
    (void)world_plugin("one", NULL, &home, &deaf_kind);
    struct section *s = world_section("one", NULL);
    struct actor *a = world_actor(s, 0), *b = world_actor(s, 0);
    join(a, "topic", true);
    say(b, "topic");
    cr_expect_eq(heard[0], 0);
    world_end();
}
