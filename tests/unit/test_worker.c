/* SPDX-License-Identifier: GPL-3.0-or-later
 * test_worker.c - worker.c: slots and their ids, ticks, and events that nobody waits for any more.
 */
#include <criterion/criterion.h>
#include <errno.h>

#include "world.h"

static struct worker w;

static void end(void)
{
    free(w.slots);
}

TestSuite(slots, .fini = end);

Test(slots, an_id_finds_its_object_and_its_kind)
{
    int thing, other;
    uint64_t id, other_id;
    uint32_t slot = slot_take(&w, &thing, SLOT_ACTOR, &id);
    uint32_t other_slot = slot_take(&w, &other, SLOT_REQUEST, &other_id);
    cr_expect_neq(slot, other_slot);
    cr_expect_eq(slot_at(&w, slot, id, SLOT_ACTOR), &thing);
    cr_expect_eq(slot_at(&w, other_slot, other_id, SLOT_REQUEST), &other);
    cr_expect_null(slot_at(&w, slot, id, SLOT_REQUEST));
    cr_expect_null(slot_at(&w, slot, other_id, SLOT_ACTOR));
    cr_expect_null(slot_at(&w, 1000, id, SLOT_ACTOR));
    cr_expect_null(slot_at(&w, slot, 0, SLOT_ACTOR), "nobody");
    slot_give(&w, slot);
    cr_expect_null(slot_at(&w, slot, id, SLOT_ACTOR));
    cr_expect_null(slot_at(&w, slot, 0, SLOT_ACTOR));
}

Test(slots, places_are_used_again_ids_never)
{
    int thing;
    uint64_t id, before = 0;
    uint32_t first = slot_take(&w, &thing, SLOT_ACTOR, &before);
    slot_give(&w, first);
    for (int i = 0; i < 100000; i++) {
        cr_assert_eq(slot_take(&w, &thing, SLOT_ACTOR, &id), first);
        cr_assert_gt(id, before);
        cr_assert_null(slot_at(&w, first, before, SLOT_ACTOR));
        slot_give(&w, first);
        before = id;
    }
    cr_expect_leq(w.slots_n, 1);
}

Test(slots, many)
{
    enum { MANY = 10000 };
    static int things[MANY];
    static uint64_t ids[MANY];
    static uint32_t slots[MANY];
    for (int i = 0; i < MANY; i++) slots[i] = slot_take(&w, &things[i], SLOT_ACTOR, &ids[i]);
    for (int i = 0; i < MANY; i += 2) slot_give(&w, slots[i]);
    for (int i = 0; i < MANY; i += 2) slots[i] = slot_take(&w, &things[i], SLOT_ACTOR, &ids[i]);
    for (int i = 0; i < MANY; i++)
        cr_assert_eq(slot_at(&w, slots[i], ids[i], SLOT_ACTOR), &things[i]);
    cr_expect_eq(w.slots_n, MANY, "no place is lost");
}

/* ---- ticks ---- */

static void set_ms(int64_t ms)
{
    w.now_ns = w.began_ns + ms * 1000000;
}

Test(ticks, of_eight_ms_rounded_up)
{
    w.began_ns = 12345;
    set_ms(0);
    uint32_t zero = worker_ticks(&w);
    cr_expect_neq(zero, 0, "0 is no time");
    set_ms(1);
    cr_expect_eq(worker_ticks(&w), zero + 1);
    set_ms(8);
    cr_expect_eq(worker_ticks(&w), zero + 1);
    cr_expect_eq(worker_ms_of(&w, zero), 0);
    cr_expect_eq(worker_ms_of(&w, zero + 1), 8);
    set_ms(1000);
    cr_expect_eq(worker_ms_of(&w, worker_ticks(&w)), 1000);
}

Test(ticks, begin_anew_and_ages_stay_right)
{
    const int64_t day = 24 * 3600 * 1000;
    for (int64_t at = 0; at < 1000 * day; at += day / 2 + 8) {
        set_ms(at);
        uint32_t then = worker_ticks(&w);
        set_ms(at + 396 * day);
        cr_assert_eq(worker_ms_of(&w, then), (at + 7) / 8 * 8, "day %lld", (long long)(at / day));
    }
}

/* ---- events of what is no more ---- */

static bool nothing_opens(struct gyre_actor *a)
{
    (void)a;
    return true;
}
static const struct gyre_proto stream = {GYRE_PROTO, .on_open = nothing_opens};

/* A listener is removed while connections wait: the accepted ones are closed, not lost; the receive
 * buffers of what has gone are given back. */
Test(worker, late_completions_find_nobody)
{
    gyre_addr at = {.ip = {[10] = 0xff, 0xff, 127, 0, 0, 1}, .port = 7000};
    world_begin(1);
    (void)world_plugin("p", &stream, NULL, NULL);
    struct section *s = world_section("p", NULL);
    int fd = sim_listen(world.sim, 0, &at, false);
    cr_assert(service_listen(s, 0, fd, "tcp:127.0.0.1:7000", false));
    world_settle();
    struct sim_end *a = sim_connect(world.sim, fd, NULL);
    world_settle();
    cr_expect_eq(world_stat(s, STAT_STREAMS), 1);
    struct sim_end *b = sim_connect(world.sim, fd, NULL);
    service_unlisten(s, "tcp:127.0.0.1:7000");
    sim_write(a, GYRE_LIT("bytes"), false);
    sim_reset(a);
    world_settle();
    cr_expect_eq(world_stat(s, STAT_STREAMS), sim_state(b) == SIM_OPEN ? 1 : 0);
    cr_expect_null(sim_connect(world.sim, fd, NULL), "nobody listens");
    sim_eof(b);
    world_settle();
    world_end();
}

/* No descriptor is left: accepting rests, and goes on by itself. */
static const struct ring_ops *real;
static struct ring_ops some_fail;
static int failures;

static size_t reap(struct ring *r, struct ring_event *events, size_t most)
{
    size_t n = real->reap(r, events, most);
    for (size_t i = 0; i < n; i++) {
        if (events[i].user >> 56 != OP_ACCEPT || events[i].res < 0 || !failures) continue;
        failures--;
        real->close(r, events[i].res);
        events[i] = (struct ring_event){.user = events[i].user, .res = -EMFILE,
                                        .flags = RING_MORE};
    }
    return n;
}

Test(worker, without_descriptors_accept_rests)
{
    gyre_addr at = {.ip = {[10] = 0xff, 0xff, 127, 0, 0, 1}, .port = 7000};
    world_begin(1);
    (void)world_plugin("p", &stream, NULL, NULL);
    struct section *s = world_section("p", NULL);
    struct ring *ring = world_worker(0)->ring;
    real = ring->ops;
    some_fail = *real;
    some_fail.reap = reap;
    ring->ops = &some_fail;
    failures = 1;
    int fd = sim_listen(world.sim, 0, &at, false);
    cr_assert(service_listen(s, 0, fd, "tcp:127.0.0.1:7000", false));
    world_settle();
    (void)sim_connect(world.sim, fd, NULL);
    world_settle();
    cr_expect_eq(world_stat(s, STAT_HIT_FDS), 1);
    cr_expect_eq(world_stat(s, STAT_STREAMS), 0);
    (void)sim_connect(world.sim, fd, NULL);
    world_wait(GYRE_SECONDS(1));
    cr_expect_eq(world_stat(s, STAT_STREAMS), 1);
    world_end();
}
