/* SPDX-License-Identifier: GPL-3.0-or-later
 * group.c - who shares a process: union-find over plugins, by the tables that they need from each
 * other and by `group = NAME`; then the order in which a process loads them, offers before needs.
 *
 * A group that is named like a plugin joins that plugin. What the host itself offers binds nobody.
 * Promise: a missing interface, a circle or a contradiction stops only the sections it concerns.
 */
#include <stdlib.h>
#include <string.h>

#include "supervisor.h"

struct node { /* one plugin */
    struct module *module;
    const char *group;       /* as configured, or NULL */
    const char *group_where; /* by whom */
    size_t parent;
    char *trouble;
    bool placed;
};
struct graph {
    struct node node[LIMIT_PLUGINS];
    size_t n;
};

/* The tables of services/: what every process has. */
static const char *const host_offers[] = {"bus/1", "file/1", "work/1", "shared/1", "wide/1"};

static bool host_has(const char *id)
{
    for (size_t i = 0; i < sizeof host_offers / sizeof *host_offers; i++)
        if (strcmp(id, host_offers[i]) == 0) return true;
    return false;
}

static size_t root_of(struct graph *g, size_t i)
{
    while (g->node[i].parent != i) i = g->node[i].parent = g->node[g->node[i].parent].parent;
    return i;
}

static size_t node_of(struct graph *g, struct module *m)
{
    for (size_t i = 0; i < g->n; i++)
        if (g->node[i].module == m) return i;
    if (g->n == LIMIT_PLUGINS) return 0; /* the folder holds no more */
    g->node[g->n] = (struct node){.module = m, .parent = g->n};
    return g->n++;
}

/* Another revision of that interface which somebody offers; or NULL. */
static const char *other_revision(const struct folder *folder, const char *id)
{
    size_t n = strcspn(id, "/") + 1;
    for (size_t i = 0; i < folder->n; i++) {
        const struct plugin_file *f = &folder->files[i];
        for (size_t j = 0; f->module && !f->gone && j < f->module->info->offers_n; j++)
            if (strncmp(f->module->info->offers[j].id, id, n) == 0)
                return f->module->info->offers[j].id;
    }
    return NULL;
}

static bool has_section(const struct plan *plan, const struct module *m)
{
    for (size_t i = 0; i < plan->instances_n; i++)
        if (plan->instances[i].module == m) return true;
    return false;
}

/* Why what it needs is not there. Whoever answers by messages needs a section: nobody else makes it
 * serve. */
static char *missing(const struct plugin_info *info, const struct need_info *need,
                     const struct module *other, const struct folder *folder)
{
    const char *near = other_revision(folder, need->id);
    if (other)
        return text_of("waits: plugin %s asks '%s' of plugin %s, which has no section", info->name,
                       need->id, other->info->name);
    return text_of("waits: plugin %s needs '%s', which no plugin here offers%s%s%s%s", info->name,
                   need->id, need->messages ? " by messages" : "", near ? " (there is '" : "",
                   near ? near : "", near ? "')" : "");
}

/* Joins a plugin with those whose tables it needs; they are added when nothing else named them. */
static void follow_needs(struct graph *g, size_t i, const struct folder *folder,
                         const struct plan *plan)
{
    const struct plugin_info *info = g->node[i].module->info;
    for (size_t j = 0; j < info->needs_n; j++) {
        const struct need_info *need = &info->needs[j];
        if (host_has(need->id)) continue;
        struct module *other = folder_offer(folder, need->id, need->messages);
        bool there = other && (!need->messages || has_section(plan, other));
        if (!there && !need->optional && !g->node[i].trouble)
            g->node[i].trouble = missing(info, need, other, folder);
        else if (there && !need->messages && other != g->node[i].module)
            g->node[root_of(g, i)].parent = root_of(g, node_of(g, other));
    }
}

/* Takes the group of an instance for its plugin; all sections of one plugin must agree. */
static void take_group(struct graph *g, const struct instance *in, struct problems *problems)
{
    const struct entry *e = section_entry(in->conf, "group");
    struct node *n = &g->node[node_of(g, in->module)];
    if (!e || !e->value[0]) return;
    if (n->group && strcmp(n->group, e->value) != 0)
        problem_add(
            problems, false, e->where,
            "group = %s, but %s says group = %s: all sections of plugin %s share one process",
            e->value, n->group_where, n->group, in->conf->plugin);
    n->group = e->value;
    n->group_where = e->where;
}

static bool same_group(const struct node *a, const struct node *b)
{
    return a->group && (strcmp(a->group, b->module->info->name) == 0 ||
                        (b->group && strcmp(a->group, b->group) == 0));
}

static void join_groups(struct graph *g, struct problems *problems)
{
    for (size_t i = 0; i < g->n; i++)
        for (size_t j = 0; j < g->n; j++)
            if (i != j && same_group(&g->node[i], &g->node[j]))
                g->node[root_of(g, i)].parent = root_of(g, j);
    for (size_t i = 0; i < g->n; i++)
        for (size_t j = 0; j < i; j++) {
            const struct node *a = &g->node[i], *b = &g->node[j];
            if (!a->group || !b->group || root_of(g, i) != root_of(g, j) || same_group(a, b) ||
                same_group(b, a))
                continue;
            problem_add(problems, false, a->group_where,
                        "group = %s, but %s says group = %s, and plugins %s and %s share a process",
                        a->group, b->group_where, b->group, a->module->info->name,
                        b->module->info->name);
        }
}

/* Every needed table that one of the crew offers comes from a placed plugin. */
static bool may_load(struct graph *g, size_t i, const struct folder *folder)
{
    const struct plugin_info *info = g->node[i].module->info;
    for (size_t j = 0; j < info->needs_n; j++) {
        if (info->needs[j].messages || host_has(info->needs[j].id)) continue;
        struct module *other = folder_offer(folder, info->needs[j].id, false);
        if (other && other != g->node[i].module && !g->node[node_of(g, other)].placed) return false;
    }
    return true;
}

/* The next plugin of the crew to be loaded, by name where several may be: the order of sections in
 * files changes nothing. */
static struct node *next_node(struct graph *g, size_t root, const struct folder *folder)
{
    struct node *next = NULL;
    for (size_t i = 0; i < g->n; i++) {
        struct node *n = &g->node[i];
        if (n->placed || n->trouble || root_of(g, i) != root || !may_load(g, i, folder)) continue;
        if (!next || strcmp(n->module->info->name, next->module->info->name) < 0) next = n;
    }
    return next;
}

/* Places plugins in load order; those that are left wait for each other. */
static void order(struct graph *g, size_t root, struct crew *crew, const struct folder *folder)
{
    for (struct node *n; (n = next_node(g, root, folder));) {
        n->placed = true;
        crew->modules = grow(crew->modules, crew->modules_n, sizeof *crew->modules);
        crew->modules[crew->modules_n++] = module_hold(n->module);
    }
    for (size_t i = 0; i < g->n; i++) {
        struct node *n = &g->node[i];
        if (root_of(g, i) == root && !n->placed && !n->trouble)
            n->trouble =
                text_of("waits: what plugin %s needs cannot be loaded, or needs it in turn",
                        n->module->info->name);
    }
}

/* "chat", "http+doh", or the group's name. */
static void name_crew(struct graph *g, size_t root, struct crew *crew)
{
    size_t used = 0;
    for (size_t i = 0; i < crew->modules_n && used < sizeof crew->name; i++)
        used += (size_t)snprintf(crew->name + used, sizeof crew->name - used, "%s%s",
                                 used ? "+" : "", crew->modules[i]->info->name);
    for (size_t i = 0; i < g->n; i++)
        if (root_of(g, i) == root && g->node[i].group)
            (void)snprintf(crew->name, sizeof crew->name, "%s", g->node[i].group);
}

static void finish_crew(struct crew *crew, const struct plan *plan)
{
    bool one = true;
    crew->fingerprint = HASH_START;
    for (size_t i = 0; i < crew->modules_n; i++) {
        const struct module *m = crew->modules[i];
        if (!(m->info->flags & GYRE_ONE_WORKER)) one = false;
        crew->fingerprint = hash_bytes(crew->fingerprint, &m->hash, sizeof m->hash);
    }
    crew->workers = one ? 1 : plan->workers;
    crew->ring = plan->ring;
    crew->sandbox = plan->settings.sandbox;
    crew->fingerprint = hash_bytes(crew->fingerprint, &crew->workers, sizeof crew->workers);
    crew->fingerprint = hash_bytes(crew->fingerprint, &crew->ring, sizeof crew->ring);
    crew->fingerprint = hash_bytes(crew->fingerprint, &crew->sandbox, sizeof crew->sandbox);
}

static struct crew *make_crew(struct graph *g, size_t root, const struct folder *folder,
                              const struct plan *plan)
{
    struct crew *crew = need_memory(calloc(1, sizeof *crew));
    order(g, root, crew, folder);
    name_crew(g, root, crew);
    finish_crew(crew, plan);
    return crew;
}

/* Puts the sections of a plugin into the crew, or tells them why not. */
static void seat(struct plan *plan, struct graph *g, size_t root, struct crew *crew)
{
    for (size_t i = 0; i < plan->instances_n; i++) {
        struct instance *in = &plan->instances[i];
        if (!in->module) continue;
        size_t at = node_of(g, in->module);
        if (root_of(g, at) != root) continue;
        if (g->node[at].trouble) {
            in->trouble = text_of("%s", g->node[at].trouble);
            continue;
        }
        in->crew = crew;
        crew->instances = grow(crew->instances, crew->instances_n, sizeof *crew->instances);
        crew->instances[crew->instances_n++] = in;
    }
}

void group_instances(struct plan *plan, const struct folder *folder, struct problems *problems)
{
    struct graph *g = need_memory(calloc(1, sizeof *g));
    for (size_t i = 0; i < plan->instances_n; i++)
        if (plan->instances[i].module) take_group(g, &plan->instances[i], problems);
    for (size_t i = 0; i < g->n; i++) follow_needs(g, i, folder, plan); /* g->n grows on the way */
    join_groups(g, problems);
    for (size_t i = 0; i < g->n; i++) {
        if (root_of(g, i) != i) continue;
        struct crew *crew = make_crew(g, i, folder, plan);
        seat(plan, g, i, crew);
        if (!crew->instances_n) {
            crew_free(crew);
            continue;
        }
        plan->crews = grow(plan->crews, plan->crews_n, sizeof *plan->crews);
        plan->crews[plan->crews_n++] = crew;
    }
    for (size_t i = 0; i < g->n; i++) free(g->node[i].trouble);
    free(g);
}
