/* SPDX-License-Identifier: GPL-3.0-or-later
 * cluster.c - the supervisor's part of a scenario: generations of one service with six plugins.
 *
 * The listening sockets belong to process 0 and live as long as the run; each generation gets
 * descriptors of its own for them. A new one serves before the old one drains; a killed one is
 * followed by another at once. Orders are carried out without faults: what is under test is how
 * the workers live with them.
 * Promise: whatever a generation took is back when it ends, or it is damage.
 */
#include <stdlib.h>

#include "config.h"
#include "scenario.h"

enum { ABORT_MS = 1000, ENTRIES = 8 };

static struct plugin *plugins; /* loaded once a process; every service has them */
static struct stats_page pages[GENERATIONS];

static const struct site {
    const char *plugin;
    bool datagrams;
    const char *key[3], *value[3];
} sites[SITES] = {
    [SITE_ECHO] = {"echo", false, {0}, {0}},
    [SITE_CHAT] = {"chat", false, {"motd"}, {"Welcome."}},
    [SITE_DESK] = {"tests/plugins/desk", false, {0}, {0}},
    [SITE_HTTP] = {"http", false, {"root"}, {"/www"}},
    [SITE_DNS] = {"dns", true, {"zones", "zone"}, {"/zones", "example.test"}},
    [SITE_LINK] = {"tests/plugins/link", false, {0}, {0}},
};

static void no(struct run *r, const char *what, const char *why)
{
    damage(r, "%s: %s", what, why);
}

void cluster_load(const char *folder)
{
    char why[512], path[4096];
    struct service *s = service_make("load", 1, 1, &pages[0], 0, why, sizeof why);
    for (size_t i = 0; s && i < SITES; i++) {
        bool bundled = !strchr(sites[i].plugin, '/');
        snprintf(path, sizeof path, "%s/%s%s.so", folder, bundled ? "plugins/" : "",
                 sites[i].plugin);
        struct plugin *p = service_load(s, path, -1, why, sizeof why);
        if (p) *p->p.api = shadow_before(&host_api), callbacks_wrap(p);
        else fprintf(stderr, "%s: %s\n", path, why), exit(2);
    }
    if (!s) fprintf(stderr, "%s\n", why), exit(2);
    plugins = s->plugins;
    s->plugins = NULL;
    service_free(s);
}

/* ---- sections ---- */

static char *text(const char *s)
{
    char *copy = strdup(s);
    if (!copy) abort();
    return copy;
}

/* The entries of a site; extra: one more, or NULL. The caller, or the section, has them. */
static struct entry *entries_of(const struct run *r, enum site_id id, const char *extra_key,
                                const char *extra_value, size_t *n)
{
    static const char *const tight[][2] = {{"high_mark", "4k"}, {"out_max", "10k"},
                                           {"in_max", "8k"}, {"message_max", "4k"}};
    struct entry *e = calloc(ENTRIES, sizeof *e);
    if (!e) abort();
    *n = 0;
    for (size_t i = 0; i < 3 && sites[id].key[i]; i++)
        e[(*n)++] = (struct entry){.key = text(sites[id].key[i]),
                                   .value = text(sites[id].value[i])};
    for (size_t i = 0; r->plan.tight && id <= SITE_DESK && i < 4; i++)
        e[(*n)++] = (struct entry){.key = text(tight[i][0]), .value = text(tight[i][1])};
    if (extra_key) e[(*n)++] = (struct entry){.key = text(extra_key), .value = text(extra_value)};
    for (size_t i = 0; i < *n; i++) {
        e[i].folder = text("/");
        snprintf(e[i].where, sizeof e[i].where, "sim:%zu", i + 1);
    }
    return e;
}

static void entries_free(struct entry *e, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        free(e[i].key);
        free(e[i].value);
        free(e[i].folder);
    }
    free(e);
}

/* ---- turning ---- */

/* Beside what its ring may bring. */
static bool has_work(const struct worker *w)
{
    return atomic_load(&w->inbox.head) || w->inbox.local || w->ready || w->touched;
}

/* true: some worker has to turn again. */
static bool turn(struct run *r, struct generation *g, bool force)
{
    struct service *s = g->service;
    uint32_t first = (uint32_t)run_random(r, s->workers_n);
    bool some = false;
    (void)alloc_owner(g->process);
    sim_process(r->sim, g->process);
    for (uint32_t i = 0; i < s->workers_n; i++) {
        struct worker *w = s->workers[(first + i) % s->workers_n];
        if (!force && !has_work(w) && sim_idle(w->ring)) continue;
        alloc_go_on();
        worker_turn(w, false);
        alloc_hold();
    }
    service_reap(s);
    for (uint32_t i = 0; i < s->workers_n; i++) some |= has_work(s->workers[i]);
    (void)alloc_owner(0);
    return some;
}

/* What was posted is done, and told to the rings. */
static void settle(struct run *r, struct generation *g)
{
    for (int i = 0; i < 2; i++) (void)turn(r, g, true);
}

/* ---- a generation begins ---- */

static struct generation *free_place(struct run *r)
{
    for (size_t i = 0; i < GENERATIONS; i++)
        if (!r->gens[i].service) return &r->gens[i];
    return NULL;
}

static struct generation *newest(struct run *r)
{
    struct generation *found = NULL;
    for (size_t i = 0; i < GENERATIONS; i++)
        if (r->gens[i].service && (!found || r->gens[i].process > found->process))
            found = &r->gens[i];
    return found;
}

static void listen_on(struct run *r, struct generation *g, enum site_id id)
{
    struct section *s = service_section_at(g->service, id + 1u);
    for (uint32_t i = 0; i < r->plan.workers; i++) {
        service_listen(s, i, sim_share(r->sim, r->sockets[id][i]), "tcp:127.0.0.1:7000", false);
        if (sites[id].datagrams)
            service_listen(s, i, sim_share(r->sim, r->ports[i]), "udp:127.0.0.1:7000", true);
    }
}

static void start(struct run *r, struct generation *g)
{
    char why[600] = "";
    *g = (struct generation){.process = ++r->processes};
    struct stats_page *page = &pages[g - r->gens];
    memset(page, 0, sizeof page->rows + SITES * WORKERS_MOST * sizeof page->row[0]);
    sim_calm(r->sim, true);
    alloc_hold();
    sim_process(r->sim, g->process);
    (void)alloc_owner(g->process);
    struct service *s = g->service = service_make("sim", g->process, r->plan.workers, page, 0, why,
                                                  sizeof why);
    if (!s) no(r, "a generation cannot start", why);
    s->plugins = plugins;
    for (uint32_t i = 0; i < r->plan.workers; i++)
        if (!service_worker(s, i, sim_ring(r->sim, i))) no(r, "a worker", "no memory");
    for (enum site_id id = 0; id < SITES; id++) {
        size_t n;
        struct entry *e = entries_of(r, id, NULL, NULL, &n);
        const char *slash = strrchr(sites[id].plugin, '/');
        const char *name = slash ? slash + 1 : sites[id].plugin;
        struct section *sec = service_section(s, id + 1u, name, name, e, n, why, sizeof why);
        if (!sec) no(r, sites[id].plugin, why);
        service_publish(sec, sec->newest);
        service_entries(sec, e, n);
    }
    sim_say(r->sim, "generation %u starts", g->process);
    settle(r, g);
    (void)alloc_owner(g->process);
    for (enum site_id id = 0; id < SITES; id++) listen_on(r, g, id);
    settle(r, g);
    alloc_go_on();
    sim_calm(r->sim, false);
}

void cluster_begin(struct run *r)
{
    gyre_addr at = {.ip = {[10] = 0xff, 0xff, 127, 0, 0, 1}};
    for (uint32_t i = 0; i < r->plan.workers; i++) {
        for (enum site_id id = 0; id < SITES; id++) {
            at.port = (uint16_t)(7000 + id);
            r->sockets[id][i] = sim_listen(r->sim, i, &at, false);
            if (sites[id].datagrams) r->ports[i] = sim_listen(r->sim, i, &at, true);
        }
    }
    start(r, &r->gens[0]);
}

/* ---- a generation ends ---- */

static void note_hits(struct run *r, const struct service *s)
{
    for (uint32_t i = 0; i < s->stats->rows; i++)
        for (int what = 0; what < STAT_MAX; what++)
            r->hits[what] += (uint64_t)s->stats->row[i].v[what];
}

static void end(struct run *r, struct generation *g)
{
    char why[1024] = "";
    struct service *s = g->service;
    note_hits(r, s);
    if (account_left(s, why, sizeof why)) no(r, "after a generation has drained", why);
    (void)alloc_owner(g->process);
    service_stop(s);
    (void)alloc_owner(0);
    settle(r, g);
    for (uint32_t i = 0; i < s->workers_n; i++)
        if (sim_ring_left(s->workers[i]->ring, why, sizeof why)) no(r, "when a ring ended", why);
    if (account_pools(s, why, sizeof why)) no(r, "when a generation ended", why);
    s->plugins = NULL;
    callbacks_forget(r, g, false);
    service_free(s);
    g->service = NULL;
    uint64_t blocks = alloc_live_of(g->process);
    if (blocks) damage(r, "generation %u left %llu blocks of memory", g->process,
                       (unsigned long long)blocks);
    sim_say(r->sim, "generation %u has ended", g->process);
}

static void kill_generation(struct run *r, struct generation *g)
{
    sim_say(r->sim, "generation %u is killed", g->process);
    sim_kill(r->sim, g->process);
    alloc_crash(g->process);
    callbacks_forget(r, g, true);
    g->service = NULL;
}

static void drain(struct run *r, struct generation *g)
{
    if (g->draining) return;
    g->draining = true;
    g->drain_until_ns = sim_now(r->sim) + GYRE_MS(r->plan.drain_ms);
    sim_say(r->sim, "generation %u drains", g->process);
    sim_note_fault(r->sim, FAULT_DRAIN, 1);
    (void)alloc_owner(g->process);
    service_drain(g->service);
    (void)alloc_owner(0);
}

static bool listens(const struct service *s)
{
    for (struct section *sec = s->sections; sec; sec = sec->next)
        for (uint32_t i = 0; i < sec->pub.workers; i++)
            if (!sec->leaving[i]) return true;
    return false;
}

/* Between two turns: has it stopped accepting (then the newest looks again, for a wake-up may have
 * gone to the wrong one), has it drained, is it late? */
static bool watch_drain(struct run *r, struct generation *g)
{
    bool some = false;
    if (!g->stopped_accepting && !listens(g->service)) {
        struct generation *next = newest(r);
        g->stopped_accepting = some = true;
        settle(r, g);
        (void)alloc_owner(next->process);
        if (next != g) service_again(next->service);
        (void)alloc_owner(0);
    }
    if (service_drained(g->service)) {
        end(r, g);
        some = true;
    } else if (sim_now(r->sim) >= g->drain_until_ns) {
        if (g->aborted)
            damage(r, "generation %u does not end, %d ms after it was told to end at once",
                   g->process, ABORT_MS);
        g->aborted = true;
        g->drain_until_ns = sim_now(r->sim) + GYRE_MS(ABORT_MS);
        sim_say(r->sim, "generation %u has to end at once", g->process);
        (void)alloc_owner(g->process);
        service_abort(g->service);
        (void)alloc_owner(0);
        some = true;
    }
    return some;
}

bool cluster_turn(struct run *r)
{
    bool some = false;
    for (size_t i = 0; i < GENERATIONS; i++) {
        struct generation *g = &r->gens[i];
        if (!g->service) continue;
        some |= turn(r, g, false);
        if (g->draining) some |= watch_drain(r, g);
    }
    return some;
}

int64_t cluster_next(const struct run *r)
{
    int64_t next = GYRE_NEVER;
    for (size_t i = 0; i < GENERATIONS; i++) {
        const struct generation *g = &r->gens[i];
        if (g->service && g->draining && g->drain_until_ns < next) next = g->drain_until_ns;
    }
    return next;
}

struct generation *cluster_of(struct run *r, int fd)
{
    uint32_t process = fd < SIM_FD_FIRST ? 0 : sim_process_of(r->sim, fd);
    for (size_t i = 0; i < GENERATIONS; i++)
        if (r->gens[i].service && r->gens[i].process == process) return &r->gens[i];
    return NULL;
}

/* ---- orders ---- */

/* A version that differs, or one that must be refused. */
static void reload(struct run *r, struct generation *g)
{
    static const char *const times[] = {"4m", "5m", "6m"};
    char why[600] = "";
    enum site_id id = (enum site_id)run_random(r, SITES);
    bool bad = id == SITE_HTTP && run_random(r, 3) == 0;
    size_t n;
    struct entry *e = entries_of(r, id, bad ? "root" : "idle_time",
                                 bad ? "/nowhere" : times[run_random(r, 3)], &n);
    struct section *s = service_section_at(g->service, id + 1u);
    struct version *v = s ? service_version(s, e, n, why, sizeof why) : NULL;
    sim_say(r->sim, "reload of %s: %s", sites[id].plugin, v ? "taken" : why);
    if (s && !v != bad) damage(r, "a reload of %s: %s", sites[id].plugin, v ? "taken" : why);
    if (v) service_publish(s, v);
    entries_free(e, n);
}

static void replace(struct run *r)
{
    struct generation *g = free_place(r);
    if (!g) return;
    start(r, g);
    for (size_t i = 0; i < GENERATIONS; i++)
        if (r->gens[i].service && &r->gens[i] != g) drain(r, &r->gens[i]);
}

void cluster_order(struct run *r, enum order what)
{
    struct generation *g = newest(r);
    sim_calm(r->sim, what != ORDER_FILE);
    (void)alloc_owner(g->process);
    sim_process(r->sim, g->process);
    switch (what) {
    case ORDER_AGAIN: service_again(g->service); break;
    case ORDER_RELOAD:
        reload(r, g);
        sim_note_fault(r->sim, FAULT_RELOAD, 1);
        break;
    case ORDER_REFRESH:
        site_files_change(r, FILES - 1);
        service_refresh(g->service);
        break;
    case ORDER_FILE: site_files_change(r, (uint32_t)run_random(r, FILES - 1)); break;
    case ORDER_REPLACE: replace(r); break;
    case ORDER_CRASH:
        kill_generation(r, g);
        start(r, g);
        sim_note_fault(r->sim, FAULT_CRASH, 1);
        break;
    case ORDER_CLOCK:
        sim_advance(r->sim, sim_now(r->sim) + (int64_t)run_random(r, (uint64_t)GYRE_SECONDS(7200)));
        __attribute__((fallthrough));
    case ORDER_WALL:
        sim_set_wall(r->sim, (int64_t)run_random(r, (uint64_t)GYRE_SECONDS(2000000000)));
        sim_note_fault(r->sim, FAULT_CLOCK, 1);
        break;
    }
    (void)alloc_owner(0);
    sim_calm(r->sim, false);
}

void cluster_drain(struct run *r)
{
    for (size_t i = 0; i < GENERATIONS; i++)
        if (r->gens[i].service) drain(r, &r->gens[i]);
}

bool cluster_over(const struct run *r)
{
    for (size_t i = 0; i < GENERATIONS; i++)
        if (r->gens[i].service) return false;
    return true;
}
