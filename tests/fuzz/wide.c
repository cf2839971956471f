/* SPDX-License-Identifier: GPL-3.0-or-later
 * wide.c - the target for links to other processes (server/wide_link.c): the input is what a
 * hostile service sends on one.
 *
 * The first byte says who we are (even: we ask; odd: we answer) and how the rest is cut: into
 * pieces of so many bytes, 0: whole. Oracles: each request of ours is answered exactly once; the
 * link ends with its peer, and nothing is left of it; no more comes back than was asked for.
 */
#include <stdlib.h>

#include "fuzz.h"
#include "sim.h"
#include "wide.h"

const char fuzz_past[] = "sent a frame that was taken";

enum { ASKED = 3, TURNS_MOST = 20000, REPLY_MOST = 64 };

static struct {
    struct sim *sim;
    struct service *service;
    struct plugin *plugin;
    struct section *section;
    const struct gyre_wide *wide;
    uint32_t answers[ASKED], mails;
} world;

static void answered(struct gyre_actor *a, const struct gyre_answer *answer)
{
    (void)a;
    world.answers[answer->tag]++;
    if (answer->err > 0) fuzz_wrong("answers", "an error of %d", answer->err);
    if (answer->err == GYRE_OK) world.mails++;
    if (fuzz_plants && answer->err == GYRE_ABSENT) world.answers[answer->tag]++;
}

static void on_mail(struct gyre_actor *home, const struct gyre_mail *mail)
{
    world.mails++;
    if (!mail->asked) return;
    if (mail->type % 3 == 0)
        (void)host_api.reply(home, mail->from, mail->tag, GYRE_OK, GYRE_LIT("a reply"));
    if (mail->type % 3 == 1)
        (void)host_api.reply(home, mail->from, mail->tag, GYRE_DENIED, GYRE_NOTHING);
}

static const struct gyre_proto home_kind = {GYRE_PROTO, .on_mail = on_mail};
static const struct gyre_need needs[] = {{"wide/1", &world.wide, 0}, {"pair/1", NULL, 0}, {0}};
static const struct gyre_offer offers[] = {{"pair/1", NULL}, {0}};
static const struct gyre_plugin declared = {
    .size = sizeof declared, .option_size = sizeof(struct gyre_option),
    .metric_size = sizeof(struct gyre_metric), .need_size = sizeof(struct gyre_need),
    .offer_size = sizeof(struct gyre_offer), .name = "pair", .home = &home_kind, .needs = needs,
    .offers = offers};

static void settle(void)
{
    int64_t next_ns;
    bool some = true;
    struct worker *w = world.service->workers[0];
    for (int i = 0; some; i++) {
        if (i > TURNS_MOST) fuzz_wrong("bounded work", "it never comes to rest");
        worker_turn(w, false);
        service_reap(world.service);
        fuzz_count.turns++;
        some = !sim_quiet(world.sim, &next_ns) || w->inbox.local || w->ready || w->touched;
    }
}

static void wait_ns(int64_t ns)
{
    int64_t until = sim_now(world.sim) + ns, next_ns;
    for (settle(); sim_now(world.sim) < until; settle()) {
        (void)sim_quiet(world.sim, &next_ns);
        sim_advance(world.sim, next_ns < until ? next_ns : until);
    }
}

void fuzz_begin(const char *plugin)
{
    char why[256];
    (void)plugin;
    log_open("fuzz", GYRE_ERROR);
    log_level(GYRE_ERROR);
    world.wide = &wide_table;
    world.sim = sim_make(1);
    sim_set_still(world.sim, true);
    world.service = service_make("fuzz", 1, 1, NULL, 0, why, sizeof why);
    if (!world.service || !service_worker(world.service, 0, sim_ring(world.sim, 0)))
        fuzz_wrong("start", "no memory");
    world.service->plugins = world.plugin = plugin_own(&declared);
    if (!world.plugin) fuzz_wrong("start", "no memory");
    world.section = service_section(world.service, 1, "pair", "pair", NULL, 0, why, sizeof why);
    if (!world.section) fuzz_wrong("start", "%s", why);
    service_publish(world.section, world.section->newest);
    settle();
}

void fuzz_end(void)
{
    service_drain(world.service);
    for (int i = 0; i < 3 && !service_drained(world.service); i++) wait_ns(GYRE_SECONDS(60));
    if (!service_drained(world.service)) fuzz_wrong("given back", "the service does not leave");
    service_free(world.service);
    sim_free(world.sim);
}

static void ask(void)
{
    struct gyre_actor *home = &world.section->home[0]->pub;
    worker_here = world.service->workers[0];
    for (uint64_t i = 0; i < ASKED; i++)
        if (wide_table.ask(home, "pair/1", 1, GYRE_LIT("?"), GYRE_SECONDS(5), i, answered) < 0)
            fuzz_wrong("start", "a request is refused");
    if (wide_table.follow(home, "pair/1", true) < 0) fuzz_wrong("start", "it cannot follow");
    worker_here = NULL;
    settle();
}

static void send_all(struct sim_end *far, gyre_view input, size_t piece)
{
    size_t sent = input.n;
    while (input.n) {
        sim_write(far, gyre_head(&input, piece ? piece : input.n), true);
        settle();
    }
    fuzz_count.bytes += sent;
}

void fuzz_one(gyre_view input)
{
    struct sim_end *far;
    if (!input.n) return;
    uint8_t how = gyre_head(&input, 1).p[0];
    sim_rewind(world.sim, 1);
    memset(world.answers, 0, sizeof world.answers);
    world.mails = 0;
    int fd = sim_pair(world.sim, 0, &far);
    if (!wide_link(world.service, GYRE_LIT("pair/1"), how & 1, fd))
        fuzz_wrong("start", "no memory");
    settle();
    if (!(how & 1)) ask();
    uint32_t before = world.mails;
    send_all(far, input, how >> 1);
    fuzz_count.past += world.mails > before;
    fuzz_count.further += world.mails > before + 1;
    wait_ns(GYRE_SECONDS(20));
    sim_eof(far);
    wait_ns(GYRE_SECONDS(30));
    for (int i = 0; i < ASKED && !(how & 1); i++)
        if (world.answers[i] != 1) fuzz_wrong("answers", "%u to request %d", world.answers[i], i);
    if (how & 1 && sim_all(far).n > (input.n / WIDE_HEAD + 1) * REPLY_MOST)
        fuzz_wrong("output", "%zu bytes for %zu", sim_all(far).n, input.n);
    struct wide *wide = world.service->wide;
    if (wide->links) wait_ns(GYRE_MS(LIMIT_WIDE_WITHIN_MS)); /* of a request that is not answered */
    if (wide->links || atomic_load(&wide->answering) || atomic_load(&wide->behind))
        fuzz_wrong("given back", "a link is left");
}
