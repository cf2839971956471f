/* SPDX-License-Identifier: GPL-3.0-or-later
 * handover.c - writes all that a supervisor knows into a table; takeover.c is the other half.
 *
 * Only between two changes (STAGE_IDLE, no service starting), so there is no half of anything.
 * The configuration in force goes along, not the files: who takes over begins with what serves, and
 * then reads the files as for any other change. Promise: looks only; nothing is changed by it.
 */
#include <unistd.h>

#include "handover.h"

static void write_module(struct table *t, const struct module *m)
{
    table_text(t, m ? m->copy : NULL);
    if (!m) return;
    table_number(t, m->hash);
    table_text(t, m->info->text);
    table_number(t, (uint64_t)m->since_ms);
    table_number(t, m->proven);
}

static void write_files(const struct folder *folder, struct table *t)
{
    for (size_t i = 0; i < folder->n; i++) {
        const struct plugin_file *f = &folder->files[i];
        table_begin(t, H_FILE);
        table_text(t, f->name);
        table_number(t, f->signature);
        table_number(t, f->gone);
        table_text(t, f->problem);
        write_module(t, f->module);
        write_module(t, f->previous);
        table_end(t);
    }
}

static void write_section(struct table *t, const struct conf_section *section,
                          const struct instance *in)
{
    table_begin(t, H_SECTION);
    table_text(t, section->name);
    table_text(t, section->plugin);
    table_text(t, section->instance);
    table_text(t, section->where);
    table_number(t, section->entries_n);
    for (size_t i = 0; i < section->entries_n; i++) {
        table_text(t, section->entries[i].key);
        table_text(t, section->entries[i].value);
        table_text(t, section->entries[i].where);
        table_text(t, section->entries[i].folder);
    }
    table_number(t, in ? in->tally->id : 0);
    table_number(t, in ? in->version : 0);
    for (int i = 0; i < STAT_MAX; i++) table_number(t, in ? (uint64_t)in->tally->past[i] : 0);
    table_end(t);
}

static void write_sections(const struct plan *plan, struct table *t)
{
    for (size_t i = 0; i < plan->config->n; i++) {
        const struct conf_section *section = &plan->config->sections[i];
        write_section(t, section, plan_instance(plan, section->name));
    }
}

static void write_services(const struct supervisor *s, struct table *t)
{
    for (const struct service *v = s->services; v; v = v->next) {
        table_begin(t, H_SERVICE);
        table_text(t, v->name);
        table_number(t, v->generation);
        table_number(t, v->restarts);
        table_number(t, (uint64_t)v->restart_ms);
        table_number(t, v->backoff);
        table_number(t, v->breaker);
        table_number(t, v->held);
        table_end(t);
    }
}

static void write_processes(const struct supervisor *s, struct table *t)
{
    for (const struct process *p = s->processes; p; p = p->next) {
        table_begin(t, H_PROCESS);
        table_text(t, p->name);
        table_number(t, p->generation);
        table_number(t, (uint64_t)p->pid);
        table_fd(t, p->exit_fd);
        table_fd(t, p->channel);
        table_fd(t, p->stats_fd);
        table_number(t, p->state == DRAINING);
        table_number(t, p->stays);
        table_number(t, (uint64_t)p->deadline_ms);
        table_number(t, (uint64_t)p->since_ms);
        table_number(t, (uint64_t)p->nudge_ms);
        table_number(t, p->committing);
        table_number(t, p->terminated);
        table_end(t);
    }
}

static void write_sockets(const struct supervisor *s, struct table *t)
{
    for (const struct socket_set *set = s->sockets; set; set = set->next) {
        table_begin(t, H_SOCKETS);
        table_text(t, set->endpoint.text);
        table_number(t, set->n);
        for (uint32_t i = 0; i < set->n; i++) table_fd(t, set->fds[i]);
        table_end(t);
    }
}

/* Those who wait, and answers on their way. Nobody is in the middle of a request. */
static void write_clients(const struct control *control, struct table *t)
{
    for (size_t i = 0; i < LIMIT_CONTROL_CLIENTS; i++) {
        const struct client *c = &control->clients[i];
        if (c->fd < 0 || c->state > CLIENT_ANSWERED) continue;
        table_begin(t, H_CLIENT);
        table_fd(t, c->fd);
        table_number(t, c->state);
        table_number(t, (uint64_t)c->deadline_ms);
        table_bytes(t, GYRE_MAKE(gyre_view, (const uint8_t *)c->answer + c->sent,
                                 c->answer ? c->answer_n - c->sent : 0));
        table_end(t);
    }
}

void handover_write(const struct supervisor *s, struct table *t, int program)
{
    table_begin(t, H_PROGRAM);
    table_fd(t, program);
    table_text(t, GYRE_VERSION);
    table_end(t);
    table_begin(t, H_STATE);
    table_text(t, s->places.run);
    table_text(t, s->places.plugins);
    table_fd(t, s->control.fd);
    table_number(t, s->level);
    table_number(t, (uint64_t)s->began_ms);
    table_number(t, s->numbers.section);
    table_number(t, s->numbers.version);
    table_end(t);
    table_begin(t, H_LOG);
    table_fd(t, s->logging.terminal);
    table_number(t, s->logging.now.kind);
    table_number(t, s->logging.now.style);
    table_text(t, s->logging.now.path);
    table_end(t);
    write_clients(&s->control, t);
    write_sockets(s, t);
    write_files(&s->folder, t);
    write_sections(s->plan, t);
    write_services(s, t);
    write_processes(s, t);
}
