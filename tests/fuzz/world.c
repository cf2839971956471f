/* SPDX-License-Identifier: GPL-3.0-or-later
 * world.c - one service with one worker and one section over the simulated kernel, for many inputs.
 *
 * To make a section costs a thousand times what an input does, so it stays, and each input opens
 * fresh connections. Owns the service and its world. Promise: between two inputs nothing is left of
 * the first, or it is told; the wall clock and randomness begin anew, so an input alone decides.
 * Limits: SETTLE_MOST turns without rest, or CALLS_MOST calls that the plugin asked for, are called
 * endless; LEAVE_MOST of virtual time to leave.
 */
#include "world.h"

#include <stdlib.h>
#include <unistd.h>

#include "account.h"
#include "stream.h"

enum {
    SECTION_ID = 1, PORT = 7000, LOW_WINDOW = 512,
    SETTLE_MOST = 1 << 16, CALLS_MOST = 1 << 18,
};
#define LEAVE_MOST GYRE_SECONDS(600)
#define WALL_BEGINS GYRE_SECONDS(1767225600) /* 2026-01-01T00:00:00Z */

struct seen seen;

/* ---- the plugin, with hooks before its callbacks ---- */

/* A turn may have thousands of calls that the plugin itself asked for. */
static void endless(void)
{
    if (++seen.others > CALLS_MOST) fuzz_wrong("bounded work", "it never comes to rest");
}

static void hook_room(struct gyre_actor *pub)
{
    endless();
    ((struct actor *)(void *)pub)->kind->declared->on_room(pub);
}

static void hook_timer(struct gyre_actor *pub, uint32_t slot)
{
    endless();
    ((struct actor *)(void *)pub)->kind->declared->on_timer(pub, slot);
}

static enum gyre_step hook_data(struct gyre_actor *pub, gyre_view *in)
{
    struct actor *a = (struct actor *)(void *)pub;
    seen.calls++;
    return a->kind->declared->on_data(pub, in);
}

static void hook_close(struct gyre_actor *pub, enum gyre_why why)
{
    struct actor *a = (struct actor *)(void *)pub;
    struct closed *closed = world_closed(a->flags & A_STREAM ? stream_of(a)->fd : -1);
    if (closed) *closed = (struct closed){(uint8_t)why, stream_of(a)->flags & S_DROP};
    if (a->kind->declared->on_close) a->kind->declared->on_close(pub, why);
}

struct plugin *world_load(const char *path)
{
    char why[512] = "";
    struct plugin *p = plugin_load(path, -1, why, sizeof why);
    struct service *s = p ? service_make("fuzz", 1, 1, NULL, 0, why, sizeof why) : NULL;
    if (!s || !plugin_bind(s, p, why, sizeof why)) fuzz_wrong("start", "%s", why);
    service_free(s);
    for (uint32_t i = 0; i < p->kinds_n; i++) {
        struct kind *k = &p->kinds[i];
        if (!k->declared) continue;
        k->p.on_close = hook_close;
        if (k->p.on_data) k->p.on_data = hook_data;
        if (k->p.on_room) k->p.on_room = hook_room;
        if (k->p.on_timer) k->p.on_timer = hook_timer;
    }
    return p;
}

/* ---- making ---- */

enum { ENTRIES_MOST = 16 };

struct entries {
    struct entry at[ENTRIES_MOST];
    size_t n;
};

static void add_entries(struct entries *to, const char *const *pairs)
{
    for (; pairs[0]; pairs += 2) {
        struct entry *e = &to->at[to->n++];
        if (to->n > ENTRIES_MOST) abort();
        *e = (struct entry){.key = strdup(pairs[0]), .value = strdup(pairs[1]),
                            .folder = realpath(".", NULL), .where = "fuzz:1"};
    }
}

/* "key=value" of the environment, for planted.sh. */
static void add_set(struct entries *to)
{
    char key[64];
    const char *set = getenv("FUZZ_SET"), *equals = set ? strchr(set, '=') : NULL;
    if (!equals || (size_t)(equals - set) >= sizeof key) return;
    memcpy(key, set, (size_t)(equals - set));
    key[equals - set] = 0;
    add_entries(to, (const char *const[]){key, equals + 1, NULL});
}

static void listen_on(struct world *w)
{
    gyre_addr at = {.ip = {[10] = 0xff, 0xff, 127, 0, 0, 1}, .port = PORT};
    w->tcp = w->udp = -1;
    if (w->section->plugin->p.stream) {
        w->tcp = sim_listen(w->sim, 0, &at, false);
        service_listen(w->section, 0, w->tcp, "tcp:127.0.0.1:7000", false);
    }
    if (w->section->plugin->p.port) {
        w->udp = sim_listen(w->sim, 0, &at, true);
        service_listen(w->section, 0, w->udp, "udp:127.0.0.1:7000", true);
    }
}

void world_make(struct world *w, struct plugin *p, const struct promise *promise, bool low)
{
    static const char *const low_limits[] = {
        "high_mark", "256", "out_max", "4k", "in_max", "4k", "streams_max", "3", "memory_max", "1m",
        NULL};
    char why[PROBLEM_TEXT] = "no memory";
    struct entries e = {.n = 0};
    *w = (struct world){.sim = sim_make(1)};
    w->service = service_make("fuzz", 1, 1, NULL, 0, why, sizeof why);
    if (!w->service || !service_worker(w->service, 0, sim_ring(w->sim, 0)))
        fuzz_wrong("start", "%s", why);
    w->service->plugins = p;
    add_entries(&e, promise->options);
    sim_set_still(w->sim, true);
    if (low) sim_set_window(w->sim, LOW_WINDOW);
    if (low) add_entries(&e, low_limits);
    if (low) add_entries(&e, promise->low);
    add_set(&e);
    w->section = service_section(w->service, SECTION_ID, p->name, p->name, e.at, e.n, why,
                                 sizeof why);
    while (e.n) entry_free(&e.at[--e.n]);
    if (!w->section) fuzz_wrong("start", "the section is refused: %s", why);
    service_publish(w->section, w->section->newest);
    listen_on(w);
    world_settle(w);
    w->stats = w->section->stats[0];
    w->memory = world_stat(w, STAT_MEMORY);
    w->actors = world_stat(w, STAT_ACTORS);
    w->live = w->service->workers[0]->live;
    world_rest(w);
}

/* ---- turning ---- */

int64_t world_stat(const struct world *w, enum stat_id what)
{
    return atomic_load_explicit(&w->stats->v[what], memory_order_relaxed);
}

/* A turn that would find nothing to do is not taken: it is one in four. */
static bool at_rest(struct world *w)
{
    struct worker *one = w->service->workers[0];
    return !one->ready && !one->touched && !one->inbox.local && !atomic_load(&one->inbox.head) &&
           !one->starved_n && sim_waits(w->sim) && timer_next(one) > sim_now(w->sim);
}

void world_settle(struct world *w)
{
    for (uint32_t n = 0; n < SETTLE_MOST; n++) {
        worker_turn(w->service->workers[0], false);
        w->turns++;
        if (at_rest(w)) return;
    }
    fuzz_wrong("bounded work", "it never comes to rest");
}

void world_wait(struct world *w, int64_t ns)
{
    int64_t until = sim_now(w->sim) + ns, next_ns;
    while (sim_now(w->sim) < until) {
        next_ns = timer_next(w->service->workers[0]);
        sim_advance(w->sim, next_ns < until ? next_ns : until);
        world_settle(w);
    }
}

static void same(const char *what, int64_t was, int64_t is)
{
    if (was != is)
        fuzz_wrong("given back", "%s: %lld before the connections, %lld after them", what,
                   (long long)was, (long long)is);
}

void world_rest(struct world *w)
{
    const int64_t tick_ns = GYRE_MS(TICK_MS);
    same("streams", 0, world_stat(w, STAT_STREAMS));
    same("actors", w->actors, world_stat(w, STAT_ACTORS));
    same("bytes of memory", w->memory, world_stat(w, STAT_MEMORY));
    same("objects of the worker", w->live, w->service->workers[0]->live);
    /* Deadlines are counted in ticks: where in one an input begins must not depend on the last. */
    if (sim_now(w->sim) % tick_ns) world_wait(w, tick_ns - sim_now(w->sim) % tick_ns);
    sim_rewind(w->sim, 1);
    sim_set_wall(w->sim, WALL_BEGINS);
    w->turns = 0;
}

/* ---- the end ---- */

void world_free(struct world *w)
{
    char why[1024] = "";
    int64_t until = sim_now(w->sim) + LEAVE_MOST, next_ns;
    service_drain(w->service);
    for (world_settle(w); !service_drained(w->service); world_settle(w)) {
        if (sim_now(w->sim) >= until) fuzz_wrong("given back", "it does not drain");
        next_ns = timer_next(w->service->workers[0]);
        sim_advance(w->sim, next_ns < until ? next_ns : until);
    }
    if (account_left(w->service, why, sizeof why) || sim_left(w->sim, why, sizeof why) ||
        account_pools(w->service, why, sizeof why))
        fuzz_wrong("given back", "%s", why);
    w->service->plugins = NULL; /* the next world has it */
    service_free(w->service);
    sim_free(w->sim);
}
