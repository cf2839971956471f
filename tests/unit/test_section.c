/* SPDX-License-Identifier: GPL-3.0-or-later
 * test_section.c - section.c, service.c: sections that come, change and go beside others.
 */
#include "world.h"

static char told[4096]; /* what the callbacks said, a word each */

static void tell(const struct gyre_actor *a, const char *what, int why)
{
    size_t n = strlen(told);
    snprintf(told + n, sizeof told - n, "%s%u.%s%d ", a->section->name, a->worker, what, (int)why);
}

static bool has(const char *word)
{
    return strstr(told, word) != NULL;
}

static bool home_open(struct gyre_actor *a)
{
    tell(a, "home-open", 0);
    return true;
}
static void home_close(struct gyre_actor *a, enum gyre_why why)
{
    tell(a, "home-close", (int)why);
}
static void home_conf(struct gyre_actor *a)
{
    tell(a, "home-conf", 0);
}
static void on_leave(struct gyre_actor *a, enum gyre_why why)
{
    tell(a, "leave", (int)why);
}
static void on_close(struct gyre_actor *a, enum gyre_why why)
{
    tell(a, "close", (int)why);
}
static enum gyre_step on_data(struct gyre_actor *a, gyre_view *in)
{
    if (in->p[0] == 'q') host_api.close(a, GYRE_FLUSH);
    host_api.write(a, gyre_all(in));
    return GYRE_TOOK;
}
static void on_unload(struct gyre_section *s, void *conf)
{
    size_t n = strlen(told);
    (void)conf;
    snprintf(told + n, sizeof told - n, "%s.unload ", s->name);
}

static const struct gyre_proto stream = {GYRE_PROTO, .on_data = on_data, .on_leave = on_leave,
                                         .on_close = on_close};
static const struct gyre_proto home = {GYRE_PROTO, .on_open = home_open, .on_close = home_close,
                                       .on_conf = home_conf};

static int listen_at(struct section *s, uint32_t worker, const char *text)
{
    gyre_addr at = {.ip = {[10] = 0xff, 0xff, 127, 0, 0, 1}, .port = 7000};
    int fd = sim_listen(world.sim, worker, &at, false);
    cr_assert(service_listen(s, worker, fd, text, false));
    world_settle();
    return fd;
}

static struct sim_end *open_at(int fd)
{
    struct sim_end *e = sim_connect(world.sim, fd, NULL);
    if (e) world_settle();
    return e;
}

static bool echoes(struct sim_end *e)
{
    sim_write(e, GYRE_LIT("x"), false);
    world_settle();
    bool same = gyre_eq(sim_unread(e), GYRE_LIT("x"));
    if (same) sim_consume(e, 1);
    return same;
}

static void quit(struct sim_end *e)
{
    sim_write(e, GYRE_LIT("q"), false);
    world_settle();
    sim_eof(e);
    world_settle();
}

static struct plugin *make_plugin(const char *name, uint32_t flags)
{
    struct plugin *p = world_plugin(name, &stream, &home, NULL);
    p->p.on_unload = on_unload;
    p->p.flags |= flags;
    return p;
}

Test(section, one_is_removed_the_other_serves_on)
{
    world_begin(2);
    (void)make_plugin("a", 0);
    (void)make_plugin("b", 0);
    struct section *a = world_section("a", NULL), *b = world_section("b", NULL);
    cr_expect(has("a0.home-open0") && has("a1.home-open0") && has("b0.home-open0"));
    int at_a = listen_at(a, 0, "tcp:127.0.0.1:1"), at_b = listen_at(b, 1, "tcp:127.0.0.1:2");
    struct sim_end *in_a = open_at(at_a), *in_b = open_at(at_b);
    cr_expect(echoes(in_a) && echoes(in_b));
    told[0] = 0;
    service_remove(a);
    world_settle();
    cr_expect(has("a0.leave13"), "GYRE_RELOAD: %s", told);
    cr_expect(!has("a0.home-close") && !has("b"), "%s", told);
    cr_expect(has("a1.home-close13"), "on a worker where nothing is left: %s", told);
    cr_expect_null(open_at(at_a), "it listens no more");
    cr_expect(echoes(in_a), "and what is open goes on");
    cr_expect_eq(service_section_at(world.service, 1), a);
    quit(in_a);
    cr_expect(has("a0.close2 a0.home-close13 a.unload"), "%s", told);
    cr_expect_null(service_section_at(world.service, 1), "freed");
    cr_expect(echoes(in_b));
    struct sim_end *again = open_at(at_b);
    cr_expect(again && echoes(again));
    world_end();
}

Test(section, a_name_comes_back)
{
    world_begin(1);
    (void)make_plugin("a", 0);
    for (int i = 0; i < 3; i++) {
        struct section *s = world_section("a", NULL);
        struct sim_end *e = open_at(listen_at(s, 0, "tcp:127.0.0.1:1"));
        cr_expect(echoes(e));
        service_remove(s);
        quit(e);
        cr_expect_null(world.service->sections);
    }
    world_end();
}

/* Versions published one after the other, with streams of each. */
Test(section, versions_go_with_their_last_stream)
{
    char why[256];
    world_begin(2);
    (void)make_plugin("a", 0);
    struct section *s = world_section("a", NULL);
    int fd = listen_at(s, 0, "tcp:127.0.0.1:1");
    struct sim_end *first = open_at(fd);
    struct version *second = service_version(s, NULL, 0, why, sizeof why);
    cr_expect_eq(second->number, 2);
    told[0] = 0;
    service_publish(s, second);
    world_settle();
    cr_expect(has("a0.home-conf0") && has("a1.home-conf0"), "%s", told);
    struct sim_end *new = open_at(fd);
    struct version *third = service_version(s, NULL, 0, why, sizeof why);
    service_publish(s, third);
    world_settle();
    cr_expect(!has("unload"), "%s", told);
    cr_expect_eq(s->versions, 3);
    quit(new);
    cr_expect_eq(s->versions, 2);
    quit(first);
    cr_expect_eq(s->versions, 1);
    /* prepared, and thought better of */
    struct version *fourth = service_version(s, NULL, 0, why, sizeof why);
    service_abandon(fourth);
    cr_expect_eq(s->versions, 1);
    cr_expect_eq(s->newest, third);
    world_end();
}

Test(section, a_version_that_comes_too_late_is_dropped)
{
    char why[256];
    world_begin(1);
    (void)make_plugin("a", 0);
    struct section *s = world_section("a", NULL);
    struct sim_end *e = open_at(listen_at(s, 0, "tcp:127.0.0.1:1"));
    struct version *late = service_version(s, NULL, 0, why, sizeof why);
    service_remove(s);
    service_publish(s, late);
    world_settle();
    cr_expect(echoes(e));
    quit(e);
    cr_expect_null(world.service->sections);
    world_end();
}

Test(section, never_served)
{
    char why[256];
    world_begin(1);
    (void)make_plugin("a", 0);
    struct section *s = service_section(world.service, 9, "a", "a", NULL, 0, why, sizeof why);
    cr_assert_not_null(s);
    service_forget(s);
    cr_expect(has("a.unload"));
    cr_expect(!has("home"));
    cr_expect_null(world.service->sections);
    cr_expect_null(service_section(world.service, 9, "b", "b", NULL, 0, why, sizeof why));
    cr_expect_str_eq(why, "plugin b is not loaded");
    world_end();
}

static bool kid_open(struct gyre_actor *a)
{
    tell(a, "kid-open", 0);
    return true;
}

/* It was dialled in the turn in which its section leaves. */
Test(section, who_is_not_open_yet_hears_that_it_leaves_behind_on_open)
{
    static const struct gyre_proto kid = {GYRE_PROTO, .on_open = kid_open, .on_leave = on_leave,
                                          .on_close = on_close};
    world_begin(1);
    (void)world_plugin("a", &stream, &home, &kid);
    struct section *s = world_section("a", NULL);
    struct gyre_actor *a = host_api.dial(&s->home[0]->pub, &(struct gyre_dial){GYRE_DIAL}, &kid);
    cr_assert_not_null(a);
    told[0] = 0;
    service_drain(world.service);
    world_settle();
    cr_expect_str_eq(told, "a0.kid-open0 a0.leave12 ", "%s", told);
    host_api.close(a, GYRE_NOW);
    world_settle();
    cr_expect(has("a0.close2 a0.home-close12"), "%s", told);
    world_end();
}

/* The end came while it was only prepared: an order to leave is on its way. */
Test(section, never_served_but_told_to_leave)
{
    char why[256];
    world_begin(1);
    (void)make_plugin("a", 0);
    struct section *s = service_section(world.service, 9, "a", "a", NULL, 0, why, sizeof why);
    cr_assert_not_null(s);
    service_drain(world.service);
    service_forget(s);
    cr_expect(has("a.unload"));
    cr_assert_eq(world.service->sections, s, "an order names it");
    world_settle();
    cr_expect_null(world.service->sections);
    world_end();
}

Test(section, on_one_worker)
{
    world_begin(3);
    (void)make_plugin("a", GYRE_ONE_WORKER);
    struct section *s = world_section("a", NULL);
    cr_expect_eq(s->pub.workers, 1);
    cr_expect(has("a0.home-open0") && !has("a1"), "%s", told);
    struct sim_end *e = open_at(listen_at(s, 0, "tcp:127.0.0.1:1"));
    cr_expect(echoes(e));
    world_end();
}

Test(section, one_endpoint_of_two_is_closed)
{
    world_begin(1);
    (void)make_plugin("a", 0);
    struct section *s = world_section("a", NULL);
    int one = listen_at(s, 0, "tcp:127.0.0.1:1"), two = listen_at(s, 0, "tcp:127.0.0.1:2");
    struct sim_end *open = open_at(one);
    service_unlisten(s, "tcp:127.0.0.1:1");
    world_settle();
    cr_expect_null(open_at(one));
    cr_expect(echoes(open), "what came by it stays");
    struct sim_end *other = open_at(two);
    cr_expect(other && echoes(other));
    world_end();
}

/* The control thread may look between any two orders of a worker. */
static struct section *seen_between;

static void look(struct worker *w, void *arg)
{
    (void)w;
    (void)arg;
    service_reap(world.service);
    seen_between = world.service->sections;
}

Test(section, is_not_freed_while_an_order_is_on_its_way)
{
    world_begin(1);
    (void)make_plugin("a", 0);
    struct section *s = world_section("a", NULL);
    (void)listen_at(s, 0, "tcp:127.0.0.1:1");
    service_drain(world.service);
    struct errand between = {.run = look};
    errand_post(world_worker(0), &between);
    service_abort(world.service);
    world_settle();
    cr_expect_eq(seen_between, s, "its end was still to be ordered");
    cr_expect_null(world.service->sections, "then it is freed");

    s = world_section("a", NULL);
    service_remove(s);
    while (!service_drained(world.service)) worker_turn(world_worker(0), false);
    service_unlisten(s, "tcp:127.0.0.1:1"); /* too late: no order may name it */
    service_abort(world.service);
    struct worker *w = world_worker(0);
    cr_expect(!atomic_load(&w->inbox.head) && !w->inbox.local);
    world_end();
}

/* ---- metrics and statistics ---- */

Test(section, what_is_counted)
{
    world_begin(2);
    struct plugin *p = make_plugin("a", 0);
    p->metrics_n = 2;
    struct section *s = world_section("a", NULL);
    struct sim_end *e = open_at(listen_at(s, 1, "tcp:127.0.0.1:1"));
    cr_expect(echoes(e) && echoes(e));
    cr_expect_eq(world_stat(s, STAT_STREAMS), 1);
    cr_expect_eq(world_stat(s, STAT_STREAMS_TOTAL), 1);
    cr_expect_eq(world_stat(s, STAT_ACTORS), 3, "two homes and a stream");
    cr_expect_eq(world_stat(s, STAT_MESSAGES), 2);
    cr_expect_eq(world_stat(s, STAT_BYTES_IN), 2);
    cr_expect_eq(world_stat(s, STAT_BYTES_OUT), 2);
    quit(e);
    cr_expect_eq(world_stat(s, STAT_STREAMS), 0);
    cr_expect_eq(world_stat(s, STAT_STREAMS_TOTAL), 1);
    world_as(1);
    host_api.count(&s->home[1]->pub, 1, 5);
    host_api.count(&s->home[1]->pub, 1, -2);
    cr_expect_eq(atomic_load(&s->stats[1]->metrics[1]), 3);
    cr_expect_eq(atomic_load(&s->stats[1]->metrics[0]), 0);
    cr_expect_eq(atomic_load(&s->stats[0]->metrics[1]), 0);
    world_end();
}
