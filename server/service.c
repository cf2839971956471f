/* SPDX-License-Identifier: GPL-3.0-or-later
 * service.c - the plugins, sections and versions of one service.
 *
 * Owns: everything that is made here, until service_free. All calls belong to the control thread,
 * which may block (on_load reads zones); workers are told by orders (orders.c) and never waited for
 * here. Promise: a version is published whole or not at all; it is unloaded after its last actor.
 * Limits: LIMIT_SECTIONS, STATS_ROWS / workers.
 */
#include "service.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "blocking.h"
#include "section.h"

void service_wake(struct service *s)
{
    uint64_t one = 1;
    if (s->wake_fd >= 0 && write(s->wake_fd, &one, sizeof one) < 0 && errno != EAGAIN)
        bug(__func__, "eventfd: %s", strerror(errno));
}

/* ---- the service ---- */

static bool own_stats(struct service *s)
{
    void *page = mmap(NULL, sizeof *s->stats, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
                      -1, 0);
    s->stats_private = page != MAP_FAILED;
    s->stats = s->stats_private ? page : NULL;
    return s->stats_private;
}

struct service *service_make(const char *name, uint32_t generation, uint32_t workers,
                             struct stats_page *stats, uint32_t helpers, char *why, size_t why_n)
{
    struct service *s = calloc(1, sizeof *s);
    if (!s || pthread_mutex_init(&s->lock, NULL)) goto fail;
    s->magic = SERVICE_MAGIC;
    s->generation = generation;
    s->workers_n = workers < LIMIT_WORKERS ? workers : LIMIT_WORKERS;
    s->wake_fd = -1;
    snprintf(s->name, sizeof s->name, "%s", name);
    s->stats = stats;
    bool ok = stats || own_stats(s);
    if (ok && helpers) ok = (s->helpers = helpers_make(helpers, &s->stats->box)) != NULL;
    if (ok) return s;
    service_free(s);
    s = NULL;
fail:
    snprintf(why, why_n, "no memory for a service");
    free(s);
    return NULL;
}

bool service_worker(struct service *s, uint32_t index, struct ring *ring)
{
    s->workers[index] = worker_make(s, index, ring);
    return s->workers[index] != NULL;
}

struct plugin *service_load(struct service *s, const char *path, int fd, char *why, size_t why_n)
{
    struct plugin *p = plugin_load(path, fd, why, why_n), **at = &s->plugins;
    if (!p) return NULL;
    if (service_plugin(s, p->name))
        snprintf(why, why_n, "a plugin named %s is loaded already", p->name);
    else if (plugin_bind(s, p, why, why_n)) {
        for (; *at; at = &(*at)->next) p->index++;
        return *at = p;
    }
    free(p->kinds); /* its code stays mapped: nothing is ever unloaded */
    free(p);
    return NULL;
}

struct plugin *service_plugin(struct service *s, const char *name)
{
    struct plugin *p = s->plugins;
    while (p && strcmp(p->name, name)) p = p->next;
    return p;
}

/* ---- versions ---- */

static void *alloc_of_version(void *user, size_t n)
{
    return version_mem(user, n);
}

static void version_free(struct version *v)
{
    grants_free(v);
    v->magic = 0;
    free(v);
}

static bool call_on_load(struct version *v, char *why, size_t why_n)
{
    struct plugin *p = v->section->plugin;
    uint8_t space[512];
    gyre_out out = GYRE_OUT(space);
    struct box *control = &v->section->service->stats->box.of[BOX_CONTROL];
    bool ok = true;
    (void)version_loading(v);
    atomic_fetch_add(&v->section->service->loads, 1);
    box_enter(control, CALL_ON_LOAD, 0, v->section->id);
    if (p->p.on_load) ok = p->p.on_load(&v->section->pub, v->conf, &out);
    box_leave(control);
    atomic_fetch_add(&v->section->service->loads, 1);
    version_loaded();
    if (!ok && !out.n) snprintf(why, why_n, "on_load refused, without saying why");
    else if (!ok) snprintf(why, why_n, "%.*s", (int)out.n, (const char *)out.p);
    plugin_lock_statics(p);
    return ok;
}

struct version *service_version(struct section *s, const struct entry *entries, size_t n, char *why,
                                size_t why_n)
{
    struct version *v = calloc(1, sizeof *v + s->pub.workers * sizeof *v->publish);
    s->service->outgrown[0] = '\0';
    const struct gyre_proto *stream = s->plugin->p.stream ? &s->plugin->kinds[KIND_STREAM].p : NULL;
    if (!v) {
        snprintf(why, why_n, "no memory");
        return NULL;
    }
    v->magic = VERSION_MAGIC;
    v->section = s;
    v->number = s->newest ? s->newest->number + 1 : 1;
    atomic_init(&v->workers, s->pub.workers);
    for (uint32_t i = 0; i < s->pub.workers; i++) {
        v->publish[i].run = section_publish;
        v->publish[i].arg = v;
    }
    v->conf = version_mem(v, s->plugin->p.conf_size ? s->plugin->p.conf_size : 1);
    if (!v->conf) snprintf(why, why_n, "no memory");
    if (v->conf && option_limits(stream, entries, n, &v->limits, why, why_n) &&
        option_fill(&s->plugin->p, entries, n, v->conf, alloc_of_version, v, why, why_n) &&
        call_on_load(v, why, why_n)) {
        s->versions++;
        return v;
    }
    version_free(v);
    return NULL;
}

void version_worker_left(struct version *v)
{
    struct service *s = v->section->service;
    if (atomic_fetch_sub(&v->workers, 1) != 1) return;
    pthread_mutex_lock(&s->lock);
    v->retired_next = s->retired;
    s->retired = v;
    pthread_mutex_unlock(&s->lock);
    service_wake(s);
}

static void unload(struct version *v)
{
    struct plugin *p = v->section->plugin;
    struct box *control = &v->section->service->stats->box.of[BOX_CONTROL];
    v->section->versions--;
    if (v == v->section->newest) v->section->newest = NULL;
    box_enter(control, CALL_ON_UNLOAD, 0, v->section->id);
    if (p->p.on_unload) p->p.on_unload(&v->section->pub, v->conf);
    box_leave(control);
    version_free(v);
}

void service_abandon(struct version *v)
{
    unload(v);
}

void service_publish(struct section *s, struct version *v)
{
    if (s->removed) { /* it left meanwhile */
        service_abandon(v);
        return;
    }
    s->newest = v;
    wide_publish_section(s->service);
    for (uint32_t i = 0; i < s->pub.workers; i++)
        errand_post(s->service->workers[i], &v->publish[i]);
}

void service_refresh(struct service *sv)
{
    char why[600];
    for (struct section *s = sv->sections; s; s = s->next) {
        if (s->removed || !s->newest || !s->entries || !files_changed(s->newest)) continue;
        struct version *v = service_version(s, s->entries, s->entries_n, why, sizeof why);
        if (v) service_publish(s, v);
        if (v) log_info("[%s] its files changed: they are served now", s->name);
        else log_error("[%s] its files changed, but: %s; the old ones are served on", s->name, why);
    }
}

void service_entries(struct section *s, struct entry *entries, size_t n)
{
    for (size_t i = 0; i < s->entries_n; i++) entry_free(&s->entries[i]);
    free(s->entries);
    s->entries = entries;
    s->entries_n = n;
}

/* ---- sections ---- */

static bool take_rows(struct section *s)
{
    struct stats_page *page = s->service->stats;
    uint32_t taken = 0;
    for (uint32_t i = 0; i < STATS_ROWS && taken < s->pub.workers; i++) {
        struct stats_row *row = &page->row[i];
        if (atomic_load(&row->section)) continue;
        memset(row->v, 0, sizeof row->v);
        memset(row->metrics, 0, sizeof row->metrics);
        row->worker = taken;
        s->stats[taken++] = row;
        atomic_store(&row->section, s->id);
        if (atomic_load(&page->rows) <= i) atomic_store(&page->rows, i + 1);
    }
    return taken == s->pub.workers;
}

static void section_free(struct section *s)
{
    for (uint32_t i = 0; i < s->pub.workers; i++)
        if (s->stats[i]) atomic_store(&s->stats[i]->section, 0);
    service_entries(s, NULL, 0);
    orders_free(s);
    addresses_free(s->addresses);
    cells_free(s);
    s->magic = 0;
    free(s);
}

static void section_unlink(struct section *s)
{
    struct section **at = &s->service->sections;
    while (*at && *at != s) at = &(*at)->next;
    if (*at) *at = s->next;
}

void service_forget(struct section *s)
{
    if (s->newest) unload(s->newest);
    if (s->removed) return; /* its workers are told to leave: it is freed when they have (reap) */
    section_unlink(s);
    section_free(s);
}

struct section *service_section_of(struct service *sv, struct plugin *p, uint32_t id,
                                   const char *name, const struct entry *entries, size_t n,
                                   char *why, size_t why_n)
{
    struct section *s = calloc(1, sizeof *s);
    if (!s) {
        snprintf(why, why_n, "no memory");
        return NULL;
    }
    s->magic = SECTION_MAGIC;
    s->id = id;
    s->service = sv;
    s->plugin = p;
    snprintf(s->name, sizeof s->name, "%s", name);
    s->pub = (struct gyre_section){
        s->name, p->p.flags & GYRE_ONE_WORKER ? 1 : sv->workers_n, sv->generation, s->homes};
    atomic_init(&s->workers_left, s->pub.workers);
    s->addresses = addresses_make();
    if (!orders_make(s) || !s->addresses || !take_rows(s))
        snprintf(why, why_n, "no memory, or too many sections");
    else s->newest = service_version(s, entries, n, why, why_n);
    if (!s->newest) {
        section_free(s);
        return NULL;
    }
    s->next = sv->sections;
    sv->sections = s;
    return s;
}

struct section *service_section(struct service *sv, uint32_t id, const char *name,
                                const char *plugin, const struct entry *entries, size_t n,
                                char *why, size_t why_n)
{
    struct plugin *p = service_plugin(sv, plugin);
    if (!p) snprintf(why, why_n, "plugin %s is not loaded", plugin);
    if (!p || !wide_make(sv, p, why, why_n)) return NULL;
    return service_section_of(sv, p, id, name, entries, n, why, why_n);
}

struct section *service_section_at(struct service *sv, uint32_t id)
{
    struct section *s = sv->sections;
    while (s && s->id != id) s = s->next;
    return s;
}

void service_reap(struct service *sv)
{
    struct section *next;
    if (sv->draining) orders_leave_last(sv);
    for (;;) {
        pthread_mutex_lock(&sv->lock);
        struct version *v = sv->retired;
        if (v) sv->retired = v->retired_next;
        pthread_mutex_unlock(&sv->lock);
        if (!v) break;
        unload(v);
    }
    for (struct section *s = sv->sections; s; s = next) {
        next = s->next;
        if (!s->removed || atomic_load(&s->workers_left) || s->versions || orders_wait(s)) continue;
        section_unlink(s);
        section_free(s);
    }
}

void service_free(struct service *sv)
{
    if (!sv) return;
    helpers_free(sv->helpers);
    for (uint32_t i = 0; i < sv->workers_n; i++) { /* what helpers finished last */
        worker_here = sv->workers[i];
        if (worker_here) (void)inbox_run(worker_here);
    }
    worker_here = NULL;
    service_reap(sv);
    for (uint32_t i = 0; i < sv->workers_n; i++) worker_free(sv->workers[i]);
    for (struct section *s = sv->sections, *next; s; s = next) { /* that never served */
        next = s->next;
        if (s->newest) unload(s->newest);
        section_free(s);
    }
    for (struct plugin *p = sv->plugins, *next; p; p = next) {
        next = p->next;
        free(p->kinds);
        free(p);
    }
    wide_free(sv);
    if (sv->stats_private) munmap(sv->stats, sizeof *sv->stats);
    pthread_mutex_destroy(&sv->lock);
    free(sv);
}
