/* SPDX-License-Identifier: GPL-3.0-or-later
 * plan.c - one reading of configuration and plugins: who would run, with what, and what is wrong.
 *
 * A plan touches nothing: it opens no socket and starts nobody. A section whose plugin is missing
 * or broken waits in it; that is news once. Promise: all errors are found in one go; a section that
 * did not change keeps its id, its version and its tally.
 */
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "supervisor.h"

const struct entry *section_entry(const struct conf_section *section, const char *key)
{
    const struct entry *found = NULL;
    for (size_t i = 0; i < section->entries_n; i++)
        if (strcmp(section->entries[i].key, key) == 0) found = &section->entries[i];
    return found;
}

struct instance *plan_instance(const struct plan *plan, const char *name)
{
    for (size_t i = 0; plan && i < plan->instances_n; i++)
        if (strcmp(plan->instances[i].conf->name, name) == 0) return &plan->instances[i];
    return NULL;
}

struct crew *plan_crew(const struct plan *plan, const char *name)
{
    for (size_t i = 0; plan && i < plan->crews_n; i++)
        if (strcmp(plan->crews[i]->name, name) == 0) return plan->crews[i];
    return NULL;
}

uint32_t instance_workers(const struct instance *in)
{
    return in->module->info->flags & GYRE_ONE_WORKER ? 1 : in->crew->workers;
}

static uint32_t workers_of(const struct server_settings *server, bool single)
{
    cpu_set_t cores;
    uint32_t n = server->workers;
    if (n == 0)
        n = single || sched_getaffinity(0, sizeof cores, &cores) != 0 ? 1
                                                                      : (uint32_t)CPU_COUNT(&cores);
    return n > LIMIT_WORKERS ? LIMIT_WORKERS : n;
}

/* What services are told. That epoll is there in place of io_uring is no error, unless io_uring was
 * asked for. */
static enum ring_kind ring_of(const struct plan_source *from, const struct server_settings *server,
                              struct problems *problems)
{
    const struct conf_section *section = config_section(from->config, "server");
    const struct entry *e = section ? section_entry(section, "ring") : NULL;
    if (!from->no_uring) return server->ring;
    if (server->ring == RING_URING)
        problem_add(problems, false, e ? e->where : "", "ring = io_uring: %s", from->no_uring);
    return RING_EPOLL;
}

/* Why a section without a module waits. */
static char *waits_for(const struct folder *folder, const char *plugin)
{
    const char *problem = folder_problem(folder, plugin);
    const char *near = folder_nearest(folder, plugin);
    if (problem) return text_of("waits: the plugin file %s.so %s", plugin, problem);
    if (near)
        return text_of("waits: no plugin %s in %s (did you mean %s?)", plugin,
                       folder->places->plugins, near);
    return text_of("waits: no plugin %s in %s", plugin, folder->places->plugins);
}

static void add_doors(struct instance *in)
{
    char why[PROBLEM_TEXT];
    for (size_t i = 0; i < in->conf->entries_n; i++) {
        const struct entry *e = &in->conf->entries[i];
        struct endpoint endpoints[2];
        size_t n = strcmp(e->key, "listen") == 0
                       ? endpoint_listen(e->value, endpoints, why, sizeof why)
                       : 0; /* what is wrong with it, config_check has said */
        for (size_t j = 0; j < n; j++) {
            in->doors = grow(in->doors, in->doors_n, sizeof *in->doors);
            in->doors[in->doors_n++] = (struct door){.endpoint = endpoints[j], .where = e->where};
        }
    }
}

/* Identity: what has the same name as before is the same section, in a new version if it changed.
 */
static void inherit(struct instance *in, const struct instance *was, const struct plan_source *from)
{
    const struct known_section *known = NULL;
    if (was) {
        in->tally = was->tally;
        in->tally->uses++;
        in->version = was->conf->hash == in->conf->hash ? was->version
                                                          : ++from->numbers->version;
        return;
    }
    in->tally = need_memory(calloc(1, sizeof *in->tally));
    in->tally->uses = 1;
    for (size_t i = 0; i < from->known_n; i++)
        if (from->known[i].id && strcmp(from->known[i].name, in->conf->name) == 0)
            known = &from->known[i];
    in->tally->id = known ? known->id : ++from->numbers->section;
    in->version = known ? known->version : ++from->numbers->version;
    if (known) memcpy(in->tally->past, known->past, sizeof known->past);
}

static void add_instance(struct plan *plan, const struct plan_source *from,
                         struct conf_section *section, struct problems *problems)
{
    const struct instance *was = plan_instance(from->before, section->name);
    struct module *module = folder_module(from->folder, section->plugin);
    size_t errors = problems->errors;
    config_check(section, module ? module->info : NULL, problems);
    section->hash = config_hash(section); /* now with what @files say */
    struct instance in = {.conf = section};
    inherit(&in, was, from);
    if (module && problems->errors == errors) {
        in.module = module_hold(module);
        add_doors(&in);
    }
    if (!module) in.trouble = waits_for(from->folder, section->plugin);
    plan->instances[plan->instances_n++] = in;
}

/* Tells what does not serve, unless it was so before. */
static void tell_troubles(const struct plan *plan, const struct plan_source *from,
                          struct problems *problems)
{
    for (size_t i = 0; i < plan->instances_n; i++) {
        const struct instance *in = &plan->instances[i];
        const struct instance *was = plan_instance(from->before, in->conf->name);
        bool wanted = from->wanted && strcmp(from->wanted, in->conf->name) == 0;
        if (!in->trouble || (was && was->trouble && strcmp(was->trouble, in->trouble) == 0))
            continue;
        problem_add(problems, !wanted, in->conf->where, "[%s] %s", in->conf->name, in->trouble);
    }
}

struct plan *plan_make(const struct plan_source *from, struct problems *problems)
{
    struct config *config = from->config;
    struct plan *plan = need_memory(calloc(1, sizeof *plan));
    plan->uses = 1;
    plan->config = config;
    plan->instances = need_memory(calloc(config->n + 1, sizeof *plan->instances));
    for (size_t i = 0; i < config->n; i++)
        if (strcmp(config->sections[i].plugin, "server") == 0)
            config_check(&config->sections[i], NULL, problems);
        else add_instance(plan, from, &config->sections[i], problems);
    config_check_listens(config, problems);
    if (!server_settings_read(config, &plan->settings)) (void)need_memory(NULL);
    plan->workers = workers_of(&plan->settings, from->single);
    plan->ring = ring_of(from, &plan->settings, problems);
    group_instances(plan, from->folder, problems);
    users_assign(plan, from->before, from->single, problems);
    tell_troubles(plan, from, problems);
    return plan;
}

struct plan *plan_hold(struct plan *plan)
{
    plan->uses++;
    return plan;
}

void crew_free(struct crew *crew)
{
    for (size_t i = 0; i < crew->modules_n; i++) module_drop(crew->modules[i]);
    free(crew->modules);
    free(crew->instances);
    free(crew);
}

static void instance_end(struct instance *in)
{
    for (size_t i = 0; i < in->doors_n; i++) free(in->doors[i].problem);
    free(in->doors);
    free(in->trouble);
    free(in->refused);
    module_drop(in->module);
    if (--in->tally->uses == 0) free(in->tally);
}

void plan_drop(struct plan *plan)
{
    if (!plan || --plan->uses) return;
    for (size_t i = 0; i < plan->crews_n; i++) crew_free(plan->crews[i]);
    for (size_t i = 0; i < plan->instances_n; i++) instance_end(&plan->instances[i]);
    free(plan->crews);
    free(plan->instances);
    server_settings_free(&plan->settings);
    config_free(plan->config);
    free(plan);
}
