/* SPDX-License-Identifier: GPL-3.0-or-later
 * world.h - for tests: a service with its workers over the in-memory ring, in one thread, and
 * plugins that are made by hand from their kinds.
 *
 * world_begin, then plugins and sections, then world_settle after each thing that was done. A test
 * that calls the core as a worker says so with world_as. world_end counts what is left.
 */
#ifndef WORLD_H
#define WORLD_H

#include <criterion/criterion.h>
#include <stdlib.h>

#include "sim.h"
#include "service.h"

static struct {
    struct sim *sim;
    struct service *service;
    uint32_t sections;
} world;

static inline struct worker *world_worker(uint32_t i)
{
    return world.service->workers[i];
}

/* From here on this thread is that worker. */
static inline struct worker *world_as(uint32_t i)
{
    return worker_here = world_worker(i);
}

static inline void world_begin(uint32_t workers)
{
    char why[256];
    log_open("unit", GYRE_ERROR);
    world.sim = sim_make(1);
    world.service = service_make("unit", 1, workers, NULL, 0, why, sizeof why);
    cr_assert_not_null(world.service, "%s", why);
    for (uint32_t i = 0; i < workers; i++)
        cr_assert(service_worker(world.service, i, sim_ring(world.sim, i)));
    world_as(0);
}

static inline void world_kind(struct kind *k, struct plugin *p, const struct gyre_proto *declared)
{
    k->plugin = p;
    k->declared = declared;
    if (declared) k->p = *declared;
    if (!k->p.message_max) k->p.message_max = LIMIT_MESSAGE;
    if (!k->p.high_mark) k->p.high_mark = LIMIT_HIGH_MARK;
    k->p.name = p->name;
}

/* As plugin_load and service_load would have made it. stream and more may be NULL. */
static inline struct plugin *world_plugin(const char *name, const struct gyre_proto *stream,
                                          const struct gyre_proto *home,
                                          const struct gyre_proto *more)
{
    struct plugin *p = calloc(1, sizeof *p), **at = &world.service->plugins;
    cr_assert_not_null(p);
    snprintf(p->name, sizeof p->name, "%s", name);
    p->p.name = p->name;
    p->p.stream = stream;
    p->p.flags = GYRE_WRITABLE_STATICS; /* else those of this program were locked */
    p->declared = &p->p;
    p->kinds_n = KIND_MORE + 1;
    p->kinds = calloc(p->kinds_n, sizeof *p->kinds);
    cr_assert_not_null(p->kinds);
    world_kind(&p->kinds[KIND_STREAM], p, stream);
    world_kind(&p->kinds[KIND_PORT], p, NULL);
    world_kind(&p->kinds[KIND_HOME], p, home);
    world_kind(&p->kinds[KIND_MORE], p, more);
    for (; *at; at = &(*at)->next) p->index++;
    *at = p;
    return p;
}

/* Turns until nothing is left to do now. */
static inline void world_settle(void)
{
    struct worker *was = worker_here;
    int64_t next_ns;
    bool some = true;
    worker_here = NULL;
    for (int turns = 0; some; turns++) {
        cr_assert_lt(turns, 100000, "it never comes to rest");
        for (uint32_t i = 0; i < world.service->workers_n; i++)
            worker_turn(world_worker(i), false);
        service_reap(world.service);
        some = !sim_quiet(world.sim, &next_ns);
        for (uint32_t i = 0; i < world.service->workers_n; i++) {
            struct worker *w = world_worker(i);
            some |= atomic_load(&w->inbox.head) || w->inbox.local || w->ready || w->touched;
        }
    }
    worker_here = was;
}

/* Time passes, deadline by deadline. */
static inline void world_wait(int64_t ns)
{
    int64_t until = sim_now(world.sim) + ns, next_ns;
    world_settle();
    while (sim_now(world.sim) < until) {
        (void)sim_quiet(world.sim, &next_ns);
        sim_advance(world.sim, next_ns < until ? next_ns : until);
        world_settle();
    }
}

/* A section that serves. entries: pairs of key and value, NULL at the end; or NULL. */
static inline struct section *world_section(const char *plugin, const char *const *pairs)
{
    struct entry entries[8] = {{0}};
    char why[PROBLEM_TEXT];
    size_t n = 0;
    for (; pairs && pairs[2 * n]; n++) {
        char *key = strdup(pairs[2 * n]), *value = strdup(pairs[2 * n + 1]);
        entries[n] = (struct entry){.key = key, .value = value, .where = "unit:1",
                                    .folder = strdup("/")};
    }
    struct section *s = service_section(world.service, ++world.sections, plugin, plugin, entries, n,
                                        why, sizeof why);
    cr_assert_not_null(s, "%s", why);
    while (n--) {
        free(entries[n].key);
        free(entries[n].value);
        free(entries[n].folder);
    }
    service_publish(s, s->newest);
    world_settle();
    return s;
}

/* An actor without a wire of the plugin's further kind, made by the home of worker i, open. */
static inline struct actor *world_actor(struct section *s, uint32_t i)
{
    struct worker *was = worker_here, *w = world_as(i);
    struct gyre_actor *a = host_api.dial(&s->home[i]->pub, &(struct gyre_dial){GYRE_DIAL},
                                         s->plugin->kinds[KIND_MORE].declared);
    cr_assert_not_null(a);
    world_settle();
    (void)w;
    worker_here = was;
    return (struct actor *)(void *)a;
}

static inline int64_t world_stat(const struct section *s, enum stat_id what)
{
    int64_t sum = 0;
    for (uint32_t i = 0; i < s->pub.workers; i++) sum += atomic_load(&s->stats[i]->v[what]);
    return sum;
}

/* Everything leaves; nothing may be left. */
static inline void world_end(void)
{
    char why[1024] = "";
    int64_t memory = 0, actors = 0, streams = 0;
    service_drain(world.service);
    world_wait(GYRE_SECONDS(600));
    cr_expect(service_drained(world.service));
    for (uint32_t i = 0; i < world.service->stats->rows; i++) {
        memory += world.service->stats->row[i].v[STAT_MEMORY];
        actors += world.service->stats->row[i].v[STAT_ACTORS];
        streams += world.service->stats->row[i].v[STAT_STREAMS];
    }
    cr_expect_eq(memory, 0, "%lld bytes of memory are still counted", (long long)memory);
    cr_expect_eq(actors, 0, "%lld actors are still counted", (long long)actors);
    cr_expect_eq(streams, 0, "%lld streams are still counted", (long long)streams);
    for (uint32_t i = 0; i < world.service->workers_n; i++)
        cr_expect_eq(world_worker(i)->live, 0);
    cr_expect_eq(sim_left(world.sim, why, sizeof why), 0, "%s", why);
    worker_here = NULL;
    service_free(world.service);
    sim_free(world.sim);
}
#endif
