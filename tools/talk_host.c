/* SPDX-License-Identifier: GPL-3.0-or-later
 * talk_host.c - one service without processes: the real core over sim, workers run in turn.
 *
 * Owns the world, the service and the entries of its one section, from make to end.
 * Promise: nothing is started that talk_host_end does not stop and count. Time passes only in
 * talk_host_pass. Blocking work runs inline, so a run is repeatable.
 * Limits: SETTLE_TURNS turns without rest are called endless; DRAIN_MOST of virtual time to leave.
 */
#include <dirent.h>
#include <stdlib.h>

#include "../tests/sim/account.h"
#include "../tests/sim/alloc.h"
#include "../tests/sim/doors.h"
#include "../tests/sim/shadow.h"
#include "../tests/sim/sim.h"
#include "service.h"
#include "talk.h"

enum { SECTION_ID = 1, SETTLE_TURNS = 1 << 22, FIRST_PORT = 7000 };
#define DRAIN_MOST GYRE_SECONDS(600)

struct talk_host {
    const char *path, *tmp;
    struct sim *sim;
    struct service *service;
    struct plugin *plugin;
    struct section *section;
    struct conf_section conf; /* as config.c would have read it */
    uint32_t workers, next_stream, next_port;
    int streams[LIMIT_WORKERS], ports[LIMIT_WORKERS], ports6[LIMIT_WORKERS];
    uint8_t *whys;            /* by descriptor */
    size_t whys_n;
    size_t fds;               /* of the process, before */
    uint64_t blocks;          /* allocated by the core, before */
};

static struct talk_host *running; /* on_close is called without a pointer of ours */
/* Loaded once a process, as in production: its statics are read-only after the first on_load. Goes
 * from the service of one run to that of the next. */
static struct plugin *loaded;

static void *need(void *p)
{
    if (!p) bug(__func__, "no memory");
    return p;
}

static size_t count_fds(void)
{
    DIR *d = opendir("/proc/self/fd");
    size_t n = 0;
    while (d && readdir(d)) n++;
    if (d) closedir(d);
    return n;
}

struct talk_host *talk_host_make(const char *plugin, const char *tmp, const struct talk_cut *cut)
{
    struct talk_host *h = need(calloc(1, sizeof *h));
    h->path = plugin;
    h->tmp = tmp;
    h->workers = 1;
    h->fds = count_fds();
    h->blocks = alloc_live();
    h->sim = sim_make(1);
    sim_set_wall(h->sim, GYRE_SECONDS(1767225600)); /* 2026-01-01T00:00:00Z */
    if (cut->how == CUT_BYTES) sim_set_short_sends(h->sim, 97);
    if (cut->how == CUT_SEED) {
        sim_set_short_sends(h->sim, 1 + (uint32_t)(cut->seed * 911 % 4096));
        sim_set_buffers(h->sim, 1 + (uint32_t)(cut->seed % 7));
    }
    running = h;
    return h;
}

struct sim *talk_host_mem(struct talk_host *h)
{
    return h->sim;
}

void talk_host_workers(struct talk_host *h, uint32_t n)
{
    h->workers = n;
}

/* ---- the section's entries ---- */

void talk_host_set(struct talk_host *h, const char *key, const char *value, const char *where)
{
    struct conf_section *c = &h->conf;
    c->entries = need(realloc(c->entries, (c->entries_n + 1) * sizeof *c->entries));
    struct entry *e = &c->entries[c->entries_n++];
    *e = (struct entry){.key = need(strdup(key)), .value = need(strdup(value)),
                        .folder = need(strdup(h->tmp))};
    snprintf(e->where, sizeof e->where, "%s", where);
}

void talk_host_unset(struct talk_host *h, const char *key)
{
    struct conf_section *c = &h->conf;
    size_t kept = 0;
    for (size_t i = 0; i < c->entries_n; i++) {
        if (strcmp(c->entries[i].key, key) != 0) c->entries[kept++] = c->entries[i];
        else entry_free(&c->entries[i]);
    }
    c->entries_n = kept;
}

static bool refused(char *why, size_t why_n, struct problems *p)
{
    size_t used = 0;
    why[0] = 0;
    for (size_t i = 0; i < p->n && used + 1 < why_n; i++) {
        int n = snprintf(why + used, why_n - used, "%s%s", used ? "\n" : "", p->at[i].text);
        used = strlen(why);
        if (n < 0) break;
    }
    if (!used) snprintf(why, why_n, "no memory to say what is wrong");
    return false;
}

/* Checks the entries as the supervisor does before it tells a service. */
static bool check(struct talk_host *h, char *why, size_t why_n)
{
    const struct gyre_plugin *declared = plugin_descriptor(h->path, why, why_n);
    char *text = NULL;
    size_t text_n = 0;
    FILE *f = declared ? open_memstream(&text, &text_n) : NULL;
    struct problems problems = {0};
    if (!f) return false;
    (void)metadata_write(declared, f);
    fclose(f);
    struct plugin_info *info = metadata_read((gyre_view){(uint8_t *)text, text_n}, why, why_n);
    free(text);
    if (!info) return false;
    if (!h->conf.name) { /* the first time */
        char listen[64];
        h->conf.name = need(strdup(info->name));
        h->conf.plugin = h->conf.name;
        h->conf.instance = "";
        snprintf(h->conf.where, sizeof h->conf.where, "%s", "script:1");
        snprintf(listen, sizeof listen, "tcp:127.0.0.1:%d", FIRST_PORT);
        if (info->streams) talk_host_set(h, "listen", listen, "script:1");
        memcpy(listen, "udp", 3);
        if (info->datagrams) talk_host_set(h, "listen", listen, "script:1");
        if (info->flags & GYRE_ONE_WORKER) h->workers = 1;
    }
    config_check(&h->conf, info, &problems);
    metadata_free(info);
    bool good = !problems.errors || refused(why, why_n, &problems);
    problems_free(&problems);
    return good;
}

/* ---- why streams closed ---- */

/* Stands before the plugin's own on_close in the host's copy of its kinds. */
static void note_close(struct gyre_actor *pub, enum gyre_why why)
{
    struct actor *a = (struct actor *)(void *)pub;
    int fd = a->flags & A_STREAM ? stream_of(a)->fd : -1;
    if (fd >= SIM_FD_FIRST) {
        size_t i = (size_t)(fd - SIM_FD_FIRST);
        if (i >= running->whys_n) {
            size_t n = 2 * i + 64;
            running->whys = need(realloc(running->whys, n));
            memset(running->whys + running->whys_n, 0, n - running->whys_n);
            running->whys_n = n;
        }
        running->whys[i] = (uint8_t)why;
    }
    if (a->kind->declared->on_close) a->kind->declared->on_close(pub, why);
}

int talk_host_why(const struct talk_host *h, int fd)
{
    size_t i = (size_t)(fd - SIM_FD_FIRST);
    return fd >= SIM_FD_FIRST && i < h->whys_n ? h->whys[i] : 0;
}

/* ---- starting ---- */

bool talk_host_load(const char *path, bool interposed, char *why, size_t why_n)
{
    struct service *s = loaded ? NULL : service_make("gyre-test", 1, 0, NULL, 0, why, why_n);
    if (!s) return loaded != NULL;
    loaded = service_load(s, path, -1, why, why_n);
    s->plugins = NULL; /* it goes from service to service */
    service_free(s);
    if (!loaded) return false;
    if (interposed) doors_set(loaded);
    *loaded->p.api = shadow_before(*loaded->p.api);
    for (uint32_t i = 0; i < loaded->kinds_n; i++)
        if (loaded->kinds[i].declared) loaded->kinds[i].p.on_close = note_close;
    return true;
}

static bool load(struct talk_host *h, char *why, size_t why_n)
{
    uint64_t before = alloc_live();
    if (!talk_host_load(h->path, false, why, why_n)) return false;
    h->blocks += alloc_live() - before;
    h->service = service_make("gyre-test", 1, h->workers, NULL, 0, why, why_n);
    if (!h->service) return false;
    for (uint32_t i = 0; i < h->workers; i++) {
        if (service_worker(h->service, i, sim_ring(h->sim, i))) continue;
        service_free(h->service);
        h->service = NULL;
        return snprintf(why, why_n, "no memory for a worker"), false;
    }
    h->plugin = h->service->plugins = loaded;
    return true;
}

static void listen_at(struct talk_host *h, uint32_t worker, int fd, const char *text,
                      bool datagrams)
{
    struct ring *ring = h->service->workers[worker]->ring;
    if (!service_listen(h->section, worker, fd, text, datagrams)) ring->ops->close(ring, fd);
}

static void listen_on(struct talk_host *h)
{
    gyre_addr at = {.ip = {[10] = 0xff, 0xff, 127, 0, 0, 1}, .port = FIRST_PORT};
    for (uint32_t i = 0; i < h->workers; i++) {
        h->streams[i] = h->ports[i] = h->ports6[i] = -1;
        if (h->plugin->p.stream) {
            h->streams[i] = sim_listen(h->sim, i, &at, false);
            listen_at(h, i, h->streams[i], "tcp:127.0.0.1:7000", false);
        }
        if (h->plugin->p.port) {
            h->ports[i] = sim_listen(h->sim, i, &at, true);
            listen_at(h, i, h->ports[i], "udp:127.0.0.1:7000", true);
        }
    }
}

bool talk_host_start(struct talk_host *h, char *why, size_t why_n)
{
    if (!check(h, why, why_n)) return false;
    if (!h->service && !load(h, why, why_n)) return false;
    h->section = service_section(h->service, SECTION_ID, h->conf.name, h->conf.plugin,
                                 h->conf.entries, h->conf.entries_n, why, why_n);
    if (!h->section) return false;
    service_publish(h->section, h->section->newest);
    listen_on(h);
    return true;
}

bool talk_host_serves(const struct talk_host *h)
{
    return h->section != NULL;
}

bool talk_host_reload(struct talk_host *h, char *why, size_t why_n)
{
    if (h->service->draining) return snprintf(why, why_n, "the service has left"), false;
    if (!check(h, why, why_n)) return false;
    struct version *v =
        service_version(h->section, h->conf.entries, h->conf.entries_n, why, why_n);
    if (v) service_publish(h->section, v);
    return v != NULL;
}

int talk_host_listener(struct talk_host *h, bool datagrams, bool v6)
{
    const gyre_addr at = {.ip = {[15] = 1}, .port = FIRST_PORT};
    uint32_t *next = datagrams ? &h->next_port : &h->next_stream, i = (*next)++ % h->workers;
    if (!datagrams || !v6 || h->ports[i] < 0) return (datagrams ? h->ports : h->streams)[i];
    if (h->ports6[i] < 0) { /* most scripts need none */
        h->ports6[i] = sim_listen(h->sim, i, &at, true);
        listen_at(h, i, h->ports6[i], "udp:[::1]:7000", true);
    }
    return h->ports6[i];
}

/* ---- turning ---- */

static bool has_mail(struct talk_host *h)
{
    for (uint32_t i = 0; i < h->workers; i++) {
        struct worker *w = h->service->workers[i];
        if (atomic_load(&w->inbox.head) || w->inbox.local || w->ready || w->touched) return true;
    }
    return false;
}

static bool turn(struct talk_host *h, int64_t *next_ns)
{
    for (uint32_t i = 0; i < h->workers; i++) worker_turn(h->service->workers[i], false);
    service_reap(h->service);
    return !sim_quiet(h->sim, next_ns) || has_mail(h);
}

bool talk_host_settle(struct talk_host *h)
{
    int64_t next_ns;
    for (uint32_t turns = 0; turns < SETTLE_TURNS; turns++)
        if (!turn(h, &next_ns)) return true;
    return false;
}

bool talk_host_pass(struct talk_host *h, int64_t until_ns)
{
    int64_t next_ns;
    (void)sim_quiet(h->sim, &next_ns);
    if (sim_now(h->sim) >= until_ns) return false;
    sim_advance(h->sim, next_ns < until_ns ? next_ns : until_ns);
    return true;
}

void talk_host_drain(struct talk_host *h)
{
    service_drain(h->service);
}

/* ---- the end and its account ---- */

static bool leave(struct talk_host *h, char *why, size_t why_n)
{
    int64_t until = sim_now(h->sim) + DRAIN_MOST;
    bool rests = true;
    service_drain(h->service);
    while ((rests = talk_host_settle(h)) && !service_drained(h->service) &&
           talk_host_pass(h, until))
        ;
    if (!rests) return snprintf(why, why_n, "it never comes to rest\n"), false;
    if (!service_drained(h->service))
        return snprintf(why, why_n, "the service was still not drained after 10 minutes\n"), false;
    bool some = account_left(h->service, why, why_n);
    return !(sim_left(h->sim, why, why_n) > 0 || some);
}

bool talk_host_end(struct talk_host *h, char *why, size_t why_n)
{
    bool good = true;
    why[0] = 0;
    if (h->section) good = leave(h, why, why_n);
    if (h->service) {
        service_abort(h->service);
        service_stop(h->service);
        (void)talk_host_settle(h);
        if (h->section && good) good = !account_pools(h->service, why, why_n);
        h->service->plugins = NULL; /* the next run has it */
        service_free(h->service);
    }
    sim_free(h->sim);
    size_t fds = count_fds();
    if (good && fds != h->fds) {
        snprintf(why, why_n, "%zu real descriptors were open before, %zu are after\n", h->fds, fds);
        good = false;
    }
    while (h->conf.entries_n) entry_free(&h->conf.entries[--h->conf.entries_n]);
    free(h->conf.entries);
    free(h->conf.name);
    free(h->whys);
    if (good && alloc_live() != h->blocks) {
        snprintf(why, why_n, "%llu blocks of the core were allocated before, %llu are after\n",
                 (unsigned long long)h->blocks, (unsigned long long)alloc_live());
        good = false;
    }
    free(h);
    running = NULL;
    return good;
}
