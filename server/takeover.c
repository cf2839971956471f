/* SPDX-License-Identifier: GPL-3.0-or-later
 * takeover.c - makes a supervisor of what the one before it handed over (handover.c).
 *
 * The configuration in force becomes a plan as any other is made, with the ids and versions that
 * the running services know; then each process is given its crew of that plan. Crews are marked as
 * of another program, so the next change replaces every process, unless the same program came back.
 * Promise: touches nothing but the supervisor that it fills; a table that does not add up is
 * refused as a whole.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "handover.h"

struct reading {
    struct supervisor *s;
    struct table_in *t;
    struct config *config;
    struct known_section *known;
    size_t known_n;
    size_t clients_n;
};

static bool field_wrong(struct table_in *t)
{
    t->body.bad = true;
    return false;
}

static void read_state(struct reading *r)
{
    struct supervisor *s = r->s;
    char why[256];
    char *run = table_get_text(r->t), *plugins = table_get_text(r->t);
    if (!run || !plugins || !places_find(run, plugins, &s->places, why, sizeof why))
        (void)field_wrong(r->t);
    free(run);
    free(plugins);
    s->control.fd = table_get_fd(r->t);
    s->control.path = s->places.control;
    uint64_t level = table_get(r->t);
    if (level > GYRE_ERROR) (void)field_wrong(r->t);
    else s->level = (enum gyre_level)level;
    s->began_ms = (int64_t)table_get(r->t);
    s->numbers.section = (uint32_t)table_get(r->t);
    s->numbers.version = (uint32_t)table_get(r->t);
}

static void read_log(struct reading *r)
{
    int terminal = table_get_fd(r->t);
    uint64_t kind = table_get(r->t), style = table_get(r->t);
    char *path = table_get_text(r->t);
    if (kind > LOG_TO_SOCKET || style > LOG_JOURNAL || !path != (kind == LOG_TO_STDERR)) {
        free(path);
        (void)field_wrong(r->t);
    } else if (r->t->draft) { /* this process has a log of its own */
        free(path);
    } else {
        logging_restore(&r->s->logging, terminal, kind, style, path);
    }
}

static void read_client(struct reading *r)
{
    struct client c = {.fd = table_get_fd(r->t)};
    uint64_t state = table_get(r->t);
    c.deadline_ms = (int64_t)table_get(r->t);
    c.answer = table_get_text(r->t);
    c.answer_n = c.answer ? strlen(c.answer) : 0;
    if (state > CLIENT_ANSWERED || r->clients_n == LIMIT_CONTROL_CLIENTS) {
        free(c.answer);
        (void)field_wrong(r->t);
    } else {
        c.state = (enum client_state)state;
        r->s->control.clients[r->clients_n++] = c;
    }
}

static void read_sockets(struct reading *r)
{
    char why[256];
    struct endpoint endpoints[2];
    int fds[LIMIT_WORKERS];
    char *text = table_get_text(r->t);
    uint64_t n = table_get(r->t);
    if (!text || n > LIMIT_WORKERS || endpoint_listen(text, endpoints, why, sizeof why) != 1) {
        free(text);
        (void)field_wrong(r->t);
        return;
    }
    for (uint64_t i = 0; i < n; i++) fds[i] = table_get_fd(r->t);
    sockets_restore(&r->s->sockets, &endpoints[0], fds, (uint32_t)n);
    free(text);
}

/* NULL: none was written, or it is wrong. */
static struct module *read_module(struct reading *r)
{
    char why[512];
    char *copy = table_get_text(r->t);
    if (!copy) return NULL;
    uint64_t hash = table_get(r->t);
    char *text = table_get_text(r->t);
    struct plugin_info *info =
        text ? metadata_read(gyre_str(text), why, sizeof why) : NULL;
    free(text);
    if (!info) {
        free(copy);
        (void)field_wrong(r->t);
        return NULL;
    }
    struct module *m = module_restore(hash, copy, info);
    m->since_ms = (int64_t)table_get(r->t);
    m->proven = table_get(r->t) != 0;
    return m;
}

static void read_file(struct reading *r)
{
    char *name = table_get_text(r->t);
    struct plugin_file *f = name ? folder_file(&r->s->folder, name) : NULL;
    free(name);
    if (!f || f->module || f->previous) {
        (void)field_wrong(r->t);
        return;
    }
    f->signature = table_get(r->t);
    f->gone = table_get(r->t) != 0;
    free(f->problem);
    f->problem = table_get_text(r->t);
    f->module = read_module(r);
    f->previous = read_module(r);
}

static void read_entries(struct reading *r, struct conf_section *section)
{
    uint64_t n = table_get(r->t);
    for (uint64_t i = 0; i < n && !r->t->body.bad; i++) {
        struct entry e = {.key = table_get_text(r->t), .value = table_get_text(r->t)};
        char *where = table_get_text(r->t);
        e.folder = table_get_text(r->t);
        (void)snprintf(e.where, sizeof e.where, "%s", where ? where : "");
        if (!e.key || !e.value || !e.folder || !where) (void)field_wrong(r->t);
        free(where);
        section->entries = grow(section->entries, section->entries_n, sizeof *section->entries);
        section->entries[section->entries_n++] = e;
    }
}

static void read_section(struct reading *r)
{
    struct config *config = r->config;
    struct conf_section section = {.name = table_get_text(r->t), .plugin = table_get_text(r->t)};
    struct known_section known = {0};
    section.instance = table_get_text(r->t);
    char *where = table_get_text(r->t);
    (void)snprintf(section.where, sizeof section.where, "%s", where ? where : "");
    if (!section.name || !section.plugin || !section.instance || !where ||
        config->n == LIMIT_SECTIONS)
        (void)field_wrong(r->t);
    free(where);
    read_entries(r, &section);
    known.name = section.name;
    known.id = (uint32_t)table_get(r->t);
    known.version = (uint32_t)table_get(r->t);
    for (int i = 0; i < STAT_MAX; i++) known.past[i] = (int64_t)table_get(r->t);
    config->sections = grow(config->sections, config->n, sizeof *config->sections);
    config->sections[config->n++] = section;
    r->known = grow(r->known, r->known_n, sizeof *r->known);
    r->known[r->known_n++] = known;
}

static void read_service(struct reading *r)
{
    char *name = table_get_text(r->t);
    struct service *v = name && strlen(name) < LIMIT_NAME ? service_of(r->s, name) : NULL;
    free(name);
    if (!v) {
        (void)field_wrong(r->t);
        return;
    }
    v->generation = (uint32_t)table_get(r->t);
    v->restarts = (uint32_t)table_get(r->t);
    v->restart_ms = (int64_t)table_get(r->t);
    v->backoff = (uint32_t)table_get(r->t);
    v->breaker = table_get(r->t) != 0;
    v->held = table_get(r->t) != 0;
    v->settled = true;
}

static void read_process(struct reading *r)
{
    struct supervisor *s = r->s;
    struct process *p = need_memory(calloc(1, sizeof *p)), **last = &s->processes;
    char *name = table_get_text(r->t);
    (void)snprintf(p->name, sizeof p->name, "%s", name ? name : "");
    free(name);
    p->generation = (uint32_t)table_get(r->t);
    p->pid = (pid_t)table_get(r->t);
    p->exit_fd = table_get_fd(r->t);
    p->channel = table_get_fd(r->t);
    p->stats_fd = table_get_fd(r->t);
    p->state = table_get(r->t) ? DRAINING : READY;
    p->stays = table_get(r->t) != 0;
    p->inherited = !s->upgrade.came_back;
    p->deadline_ms = (int64_t)table_get(r->t);
    p->since_ms = (int64_t)table_get(r->t);
    p->nudge_ms = (int64_t)table_get(r->t);
    p->kill_ms = INT64_MAX;
    p->committing = (uint32_t)table_get(r->t);
    p->terminated = table_get(r->t) != 0;
    if (!r->t->draft && (p->pid <= 0 || p->exit_fd < 0 || !process_map_stats(p)))
        (void)field_wrong(r->t);
    while (*last) last = &(*last)->next;
    *last = p;
}

static void read_record(struct reading *r)
{
    switch (r->t->record) {
    case H_PROGRAM:
        r->s->upgrade.before = table_get_fd(r->t);
        free(r->s->upgrade.from);
        r->s->upgrade.from = table_get_text(r->t);
        break;
    case H_STATE: read_state(r); break;
    case H_CLIENT: read_client(r); break;
    case H_SOCKETS: read_sockets(r); break;
    case H_FILE: read_file(r); break;
    case H_SECTION: read_section(r); break;
    case H_SERVICE: read_service(r); break;
    case H_PROCESS: read_process(r); break;
    case H_LOG: read_log(r); break;
    }
}

/* The plan that was in force. What is wrong with it now, the next change says. */
static void make_plan(struct reading *r)
{
    struct supervisor *s = r->s;
    struct problems ignored = {0};
    const struct plan_source from = {.config = r->config, .folder = &s->folder,
                                     .no_uring = s->no_uring[0] ? s->no_uring : NULL,
                                     .known = r->known, .known_n = r->known_n,
                                     .numbers = &s->numbers};
    s->plan = plan_make(&from, &ignored);
    problems_free(&ignored);
    for (size_t i = 0; i < s->plan->instances_n; i++) {
        struct instance *in = &s->plan->instances[i];
        for (size_t j = 0; in->crew && j < in->doors_n; j++)
            in->doors[j].sockets = sockets_find(s->sockets, in->doors[j].endpoint.text);
    }
    for (size_t i = 0; i < s->plan->crews_n && !s->upgrade.came_back; i++)
        s->plan->crews[i]->fingerprint ^= 1; /* of another program */
}

static void give_crews(struct supervisor *s)
{
    for (struct process *p = s->processes; p; p = p->next) {
        p->plan = plan_hold(s->plan);
        p->has = plan_crew(s->plan, p->name);
        if (p->state == DRAINING) continue;
        p->service = service_of(s, p->name);
        p->service->live = p;
    }
}

bool takeover_read(struct supervisor *s, struct table_in *t, char *why, size_t why_n)
{
    struct reading r = {.s = s, .t = t};
    if (t->format != HANDOVER_FORMAT) {
        (void)snprintf(why, why_n, "the server before it hands over in format %llu, it takes %d",
                       (unsigned long long)t->format, HANDOVER_FORMAT);
        return false;
    }
    r.config = need_memory(calloc(1, sizeof *r.config));
    while (table_next(t)) read_record(&r);
    bool right = !t->wrong && s->places.run[0] && (t->draft || s->control.fd >= 0);
    for (size_t i = 0; i < r.config->n; i++)
        r.config->sections[i].hash = config_hash(&r.config->sections[i]);
    if (right) {
        make_plan(&r);
        give_crews(s);
    } else {
        config_free(r.config);
        (void)snprintf(why, why_n, "what the server before it left does not add up");
    }
    free(r.known);
    return right;
}

int takeover_program(int table_fd)
{
    struct table_in t;
    char why[256];
    int fd = -1;
    if (!table_read(&t, table_fd, false, why, sizeof why)) return -1;
    if (table_next(&t) && t.record == H_PROGRAM) fd = table_get_fd(&t);
    table_in_free(&t);
    return fd;
}
