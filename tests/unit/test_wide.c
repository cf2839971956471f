/* SPDX-License-Identifier: GPL-3.0-or-later
 * test_wide.c - wide.c, wide_link.c: both sides of a link, with a far end that says anything.
 */
#include "wide.h"

#include "world.h"

static uint32_t asked, mails, last_type, done_n, done_of[8];
static int32_t done_err;
static bool silent;

static void on_mail(struct gyre_actor *a, const struct gyre_mail *m)
{
    mails++;
    last_type = m->type;
    asked += m->asked;
    cr_expect(gyre_eq(m->topic, GYRE_LIT("pair/1")));
    if (m->asked && !silent) cr_expect_eq(host_api.reply(a, m->from, m->tag, GYRE_OK, m->bytes), 0);
}

static void on_done(struct gyre_actor *a, const struct gyre_answer *answer)
{
    (void)a;
    done_n++;
    done_err = answer->err;
    if (answer->tag < 8) done_of[answer->tag]++;
}

static const struct gyre_wide *table;
static const struct gyre_proto home = {GYRE_PROTO, .on_mail = on_mail};
static const struct gyre_proto kind = {GYRE_PROTO, .on_mail = on_mail};
static const struct gyre_need needs[] = {{"wide/1", &table, 0}, {"pair/1", NULL, 0}, {0}};
static const struct gyre_offer offers[] = {{"pair/1", NULL}, {0}};
static struct section *section;
static struct actor *asker;

static void begin(uint32_t workers)
{
    world_begin(workers);
    struct plugin *p = world_plugin("pair", NULL, &home, &kind);
    p->p.needs = needs;
    p->p.offers = offers;
    p->p.need_size = sizeof *needs;
    p->p.offer_size = sizeof *offers;
    section = world_section("pair", NULL);
    asker = world_actor(section, workers - 1);
    world_as(workers - 1);
}

static struct sim_end *link_to(bool answers)
{
    struct sim_end *far;
    int fd = sim_pair(world.sim, 0, &far);
    cr_assert(wide_link(world.service, GYRE_LIT("pair/1"), answers, fd));
    world_settle();
    return far;
}

static int ask(uint64_t tag, int64_t within_ns)
{
    return wide_table.ask(&asker->pub, "pair/1", 7, GYRE_LIT("text"), within_ns, tag, on_done);
}

static void say(struct sim_end *far, uint32_t n, uint32_t what, uint64_t seq, int32_t word,
                const char *body)
{
    uint8_t bytes[256];
    gyre_out out = GYRE_OUT(bytes);
    gyre_put_be(&out, n, 4);
    gyre_put_be(&out, what, 4);
    gyre_put_be(&out, seq, 8);
    gyre_put_be(&out, (uint32_t)word, 4);
    gyre_put_be(&out, 1000, 4);
    gyre_put(&out, gyre_str(body));
    sim_write(far, gyre_built(&out), false);
    world_settle();
}

static void end(void)
{
    worker_here = NULL;
    world_end();
}

Test(wide, without_a_link_it_is_gone)
{
    begin(2);
    cr_expect_eq(ask(1, 0), GYRE_OK);
    world_settle();
    cr_expect_eq(done_n, 1);
    cr_expect_eq(done_err, GYRE_GONE);
    end();
}

Test(wide, each_request_has_one_answer)
{
    begin(2);
    struct sim_end *far = link_to(false);
    for (uint64_t i = 1; i <= 4; i++) cr_expect_eq(ask(i, GYRE_SECONDS(5)), GYRE_OK);
    world_settle();
    cr_expect_eq(sim_all(far).n, 4 * (WIDE_HEAD + 4));
    say(far, 3, 2, 1, GYRE_OK, "yes");
    say(far, 3, 2, 1, GYRE_OK, "yes"); /* twice */
    say(far, 0, 2, 999, GYRE_OK, "");  /* never asked */
    cr_expect_eq(done_n, 1);
    say(far, 0, 2, 2, GYRE_DENIED, "");
    cr_expect_eq(done_err, GYRE_DENIED);
    world_wait(GYRE_SECONDS(10));
    cr_expect_eq(done_n, 4, "the rest is late");
    cr_expect_eq(done_err, GYRE_LATE);
    say(far, 0, 2, 3, GYRE_OK, "");
    cr_expect_eq(done_n, 4);
    for (int i = 1; i <= 4; i++) cr_expect_eq(done_of[i], 1);
    end();
}

Test(wide, the_end_answers_what_is_open)
{
    begin(2);
    struct sim_end *far = link_to(false);
    cr_expect_eq(wide_table.follow(&asker->pub, "pair/1", true), GYRE_OK);
    for (uint64_t i = 0; i < LIMIT_WIDE_OPEN + 3; i++) cr_expect_eq(ask(9, GYRE_NEVER), GYRE_OK);
    world_settle();
    cr_expect_eq(done_n, 3);
    cr_expect_eq(done_err, GYRE_FULL);
    sim_reset(far);
    world_settle();
    cr_expect_eq(done_n, LIMIT_WIDE_OPEN + 3);
    cr_expect_eq(done_err, GYRE_GONE);
    cr_expect_eq(last_type, GYRE_WIDE_LOST);
    (void)link_to(false);
    cr_expect_eq(last_type, GYRE_WIDE_ANEW);
    end();
}

Test(wide, who_is_replaced_answers_what_it_was_asked)
{
    begin(1);
    struct sim_end *old = link_to(false);
    cr_expect_eq(ask(1, GYRE_SECONDS(5)), GYRE_OK);
    world_settle();
    struct sim_end *next = link_to(false);
    cr_expect_eq(sim_state(old), SIM_ENDED, "nothing more is asked there");
    cr_expect_eq(ask(2, GYRE_SECONDS(5)), GYRE_OK);
    world_settle();
    cr_expect_eq(sim_all(next).n, WIDE_HEAD + 4);
    say(old, 0, 2, 1, GYRE_OK, "");
    cr_expect_eq(done_of[1], 1);
    cr_expect_eq(done_err, GYRE_OK);
    end();
}

Test(wide, requests_come_to_the_home)
{
    begin(2);
    struct sim_end *far = link_to(true);
    say(far, 4, 1, 5, 7, "text");
    cr_expect_eq(asked, 1);
    cr_expect_eq(last_type, 7);
    cr_expect_eq(sim_all(far).n, WIDE_HEAD + 4);
    cr_expect(wide_answering(world.service));
    silent = true;
    say(far, 0, 1, 6, 7, "");
    world_wait(GYRE_SECONDS(5));
    cr_expect_eq(sim_all(far).n, 2 * WIDE_HEAD + 4, "late");
    sim_eof(far);
    world_settle();
    cr_expect(!wide_answering(world.service));
    end();
}

/* Events to one who does not read: bounded, and told when it reads again. */
Test(wide, who_is_behind_loses_events)
{
    static uint8_t bytes[LIMIT_MAIL];
    begin(1);
    struct sim_end *far = link_to(true);
    struct gyre_actor *us = &section->home[0]->pub;
    int res = GYRE_OK;
    sim_slow(far, true);
    for (int i = 0; i < 40; i++) {
        res = wide_table.publish(us, "pair/1", 1, (gyre_view){bytes, sizeof bytes});
        world_settle();
    }
    cr_expect_eq(res, GYRE_AGAIN);
    cr_expect_leq(stream_of(world.service->wide->links->actor)->out.bytes, LIMIT_WIDE_UNREAD);
    sim_slow(far, false);
    world_settle();
    cr_expect_eq(wide_table.publish(us, "pair/1", 1, GYRE_NOTHING), GYRE_OK);
    cr_expect_eq(wide_table.publish(us, "pair/1", GYRE_WIDE_ANEW, GYRE_NOTHING), GYRE_INVALID);
    end();
}

static void ends_the_link(bool answers, uint32_t n, uint32_t what, uint64_t seq, int32_t word)
{
    struct sim_end *far = link_to(answers);
    say(far, n, what, seq, word, "");
    cr_expect_null(world.service->wide->links, "%u %u %d", n, what, word);
}

Test(wide, nonsense_ends_the_link)
{
    begin(1);
    log_level(GYRE_ERROR);
    ends_the_link(true, LIMIT_MAIL + 1, 1, 1, 0);
    ends_the_link(true, UINT32_MAX, 1, 1, 0);
    ends_the_link(true, 0, 0, 1, 0);
    ends_the_link(true, 0, 5, 1, 0);
    ends_the_link(true, 0, 2, 1, 0);
    ends_the_link(true, 0, 1, 0, 0);
    ends_the_link(false, 0, 1, 1, 0);
    ends_the_link(false, 0, 2, 1, 1);
    ends_the_link(false, 0, 2, 1, -65);
    ends_the_link(false, 0, 3, 0, -1);
    end();
}
