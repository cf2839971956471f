/* SPDX-License-Identifier: GPL-3.0-or-later
 * reload.c - one change of everything at a time; the first start is one, and so is --check.
 *
 * Scan the plugin folder, read and check the configuration, make a plan, open what is new to
 * listen on; ask the processes that differ to prepare; when all have, switch and commit. Until then
 * nothing that serves has changed, and any error ends it there. What a process that serves shall
 * load is loaded by another one first, which ends: a plugin that crashes on it takes nothing along.
 * Promise: errors are reported all together, to the log and to who asked. A plugin that crashes
 * does not stop the others' change: if its file is fresh the one before it is used, and if it never
 * served, its restarts go their own way. A proposal (proposal.h) is stricter: all or nothing.
 */
#include <stdlib.h>
#include <string.h>

#include "supervisor.h"

static void begin(struct supervisor *s)
{
    struct reload *r = &s->reload;
    if (!r->rolled_back) problems_free(&r->problems);
    r->failed = r->lost = r->again = r->rolled_back = r->trying = false;
    r->first = !s->plan;
    r->touched = 0;
    r->began_ms = clock_ms();
    if (s->shown) notify_reloading(&s->notify);
    r->stage = STAGE_SCAN;
    watch_again(&s->watch);
    folder_scan(&s->folder);
}

void reload_ask(struct supervisor *s)
{
    struct reload *r = &s->reload;
    if (s->stopping) return;
    if (r->stage != STAGE_IDLE) {
        r->again = true;
        return;
    }
    begin(s);
}

void reload_propose(struct supervisor *s, struct proposal *p)
{
    s->reload.proposal = p;
    begin(s);
}

static void report(struct supervisor *s)
{
    const struct problems *all = &s->reload.problems;
    for (size_t i = 0; i < all->n; i++)
        if (s->check) (void)fprintf(stderr, "%s\n", all->at[i].text);
        else if (all->at[i].warning) log_warn("%s", all->at[i].text);
        else log_error("%s", all->at[i].text);
}

static void keep_sockets(struct supervisor *s)
{
    const struct plan *plan = s->plan;
    for (size_t i = 0; plan && i < plan->instances_n; i++)
        for (size_t j = 0; j < plan->instances[i].doors_n; j++)
            if (plan->instances[i].doors[j].sockets)
                plan->instances[i].doors[j].sockets->keep = true;
    sockets_close_unkept(&s->sockets);
}

/* What a change that was not made has left lying: a service that was forgiven, or whose coming
 * process was stopped for it, and ports that are waited for. */
static void go_on_as_before(struct supervisor *s)
{
    for (struct service *v = s->services; v; v = v->next)
        if (!v->live && !v->coming && !v->held && v->restart_ms == INT64_MAX &&
            plan_crew(s->plan, v->name))
            v->restart_ms = clock_ms();
    for (size_t i = 0; s->plan && i < s->plan->instances_n; i++)
        for (size_t j = 0; j < s->plan->instances[i].doors_n; j++)
            if (s->plan->instances[i].doors[j].problem)
                s->retry_ports_ms = clock_ms() + LIMIT_PORT_RETRY_MS;
}

/* Who asked is told. */
static void answer(struct supervisor *s, bool done)
{
    struct reload *r = &s->reload;
    bool proposed = r->proposal;
    if (done || !proposed) report(s);
    if (!done && !proposed && !r->first) log_error("nothing was changed");
    r->proposal = NULL;
    if (proposed) proposal_done(s, done, &r->problems);
    control_reloaded(s, done, &r->problems);
    upgrade_reloaded(s, done);
}

/* The end of a change, done or not. */
static void finish(struct supervisor *s, bool done)
{
    struct reload *r = &s->reload;
    size_t sections = r->plan ? r->plan->instances_n : 0;
    bool again = r->again;
    if (r->plan != s->plan) plan_drop(r->plan);
    r->plan = NULL;
    r->stage = STAGE_IDLE;
    logging_abandon(&s->logging);
    for (struct process *p = s->processes; p; p = p->next) p->in_reload = false;
    keep_sockets(s);
    services_forget_idle(s);
    if (again && r->rolled_back) { /* the same change, without the plugin that failed */
        begin(s);
        return;
    }
    if (!done && !s->check && !r->first) go_on_as_before(s);
    answer(s, done);
    if (s->shown && !s->stopping) supervisor_ready(s);
    if (s->check && done) (void)printf("%zu sections ok\n", sections);
    if (done && !r->first && r->touched)
        log_info("changed in %lld ms, services touched: %u", (long long)(clock_ms() - r->began_ms),
                 r->touched);
    if (s->check || (!done && r->first)) {
        s->exit_status = done ? 0 : 1;
        supervisor_stop(s, false);
    } else if (again) {
        reload_ask(s);
    }
}

/* ---- scan, read, listen ---- */

static void open_door(struct supervisor *s, const struct instance *in, struct door *door)
{
    const struct instance *was = plan_instance(s->plan, in->conf->name);
    char why[256];
    bool serves = false, told = false;
    door->sockets = sockets_find(s->sockets, door->endpoint.text);
    if (!door->sockets)
        door->sockets =
            sockets_open(&s->sockets, &door->endpoint, instance_workers(in), why, sizeof why);
    if (door->sockets) return;
    door->problem = text_of("%s", why);
    for (size_t i = 0; was && i < was->doors_n; i++) {
        if (was->doors[i].sockets) serves = true;
        if (was->doors[i].problem && strcmp(was->doors[i].endpoint.text, door->endpoint.text) == 0)
            told = true;
    }
    bool gives_up = serves || s->reload.proposal;
    if (!told) /* what serves is not given up for a port that is not to be had */
        problem_add(&s->reload.problems, !gives_up, door->where, "[%s] cannot listen on %s: %s",
                    in->conf->name, door->endpoint.text, why);
}

static void open_doors(struct supervisor *s, struct plan *plan)
{
    s->retry_ports_ms = INT64_MAX;
    for (size_t i = 0; i < plan->instances_n; i++) {
        struct instance *in = &plan->instances[i];
        for (size_t j = 0; in->crew && j < in->doors_n; j++) {
            open_door(s, in, &in->doors[j]);
            if (in->doors[j].problem) s->retry_ports_ms = clock_ms() + LIMIT_PORT_RETRY_MS;
        }
    }
}

static void cannot_start(struct supervisor *s, const struct crew *crew)
{
    s->reload.failed = true;
    problem_add(&s->reload.problems, false, NULL,
                "no process can be started for service %s: the log says why", crew->name);
}

/* Does a process that serves have something else to load? Then another one tries it. */
static bool try_crew(struct supervisor *s, struct plan *plan, const struct crew *crew)
{
    struct service *v = service_of(s, crew->name);
    if (!v->live || crew_change(v->live->has, crew) != CHANGE_MESSAGES) return false;
    for (size_t i = 0; i < crew->instances_n; i++)
        if (instance_changed(v->live->has, crew->instances[i])) {
            if (!process_try(s, v, plan, crew)) cannot_start(s, crew);
            return true;
        }
    return false;
}

/* Asks one service for what differs. */
static void begin_crew(struct supervisor *s, struct plan *plan, const struct crew *crew)
{
    struct service *v = service_of(s, crew->name);
    const struct crew *planned = plan_crew(s->plan, crew->name);
    enum change change;
    if (v->coming) { /* told to serve but without an answer yet, it has what it wanted */
        const struct crew *comes = v->coming->has ? v->coming->has : v->coming->wants;
        if (crew_change(comes, crew) == CHANGE_NONE) return;
        process_drain(s, v->coming, 0);
    } else if (!v->live && planned && crew_change(planned, crew) == CHANGE_NONE) {
        return; /* it backs off */
    }
    change = crew_change(v->live ? v->live->has : NULL, crew);
    if (change == CHANGE_NONE) return;
    s->reload.touched++;
    service_forgive(s, v);
    if (change == CHANGE_MESSAGES) process_change(s, v->live, plan, crew);
    else if (!process_start(s, v, plan, crew, true)) cannot_start(s, crew);
}

static void begin_crews(struct supervisor *s)
{
    struct plan *plan = s->reload.plan;
    for (size_t i = 0; i < plan->crews_n; i++) begin_crew(s, plan, plan->crews[i]);
}

static bool scan_done(struct supervisor *s)
{
    struct reload *r = &s->reload;
    struct conf_draft draft = {.file = ""};
    bool wanted = r->proposal && r->proposal->fresh;
    struct plan_source from = {.before = s->plan,
                               .folder = &s->folder,
                               .single = s->single,
                               .numbers = &s->numbers,
                               .wanted = wanted ? r->proposal->section : NULL,
                               .no_uring = s->no_uring[0] ? s->no_uring : NULL};
    if (r->first) modules_sweep(s->places.copies);
    s->folder.quiet = s->check;
    if (r->proposal) draft = proposal_draft(r->proposal);
    from.config = config_read_draft(s->conf, r->proposal ? &draft : NULL, &r->problems);
    if (!from.config) return false;
    r->plan = plan_make(&from, &r->problems);
    if (!s->check && !r->problems.errors) open_doors(s, r->plan);
    logging_prepare(s, r->plan);
    r->failed = r->problems.errors != 0;
    if (r->failed && !s->check) return false; /* a check goes on with what is right so far */
    for (size_t i = 0; !s->single && !s->check && i < r->plan->crews_n; i++)
        r->trying |= try_crew(s, r->plan, r->plan->crews[i]);
    if (!r->trying) begin_crews(s);
    return true;
}

/* ---- prepare ---- */

void reload_refused(struct supervisor *s, struct process *p, const struct instance *in,
                    const char *why)
{
    struct reload *r = &s->reload;
    r->failed = true;
    if (!p->has && !p->trial && p->service->live && modules_reject(s, p->wants, why)) {
        r->again = r->rolled_back = true;
        problem_add(&r->problems, true, in->conf->where, "[%s] the new plugin file refuses: %s",
                    in->conf->name, why);
        return;
    }
    problem_add(&r->problems, false, in->conf->where, "[%s] %s", in->conf->name, why);
}

/* What a live process was to load has ended the one that tried it. */
static void trial_lost(struct supervisor *s, const struct process *p, const char *why)
{
    const struct instance *in = process_unanswered(p);
    s->reload.failed = s->reload.lost = true;
    if (in)
        problem_add(&s->reload.problems, false, in->conf->where,
                    "[%s] a process that tried to load it %s", in->conf->name, why);
    else problem_add(&s->reload.problems, false, NULL, "service %s: %s", p->name, why);
}

void reload_outgrown(struct supervisor *s, struct process *p, const struct instance *in,
                     gyre_view wants)
{
    struct plan *plan = plan_hold(p->next_plan);
    const struct crew *crew = p->wants;
    struct service *v = p->service;
    log_info("service %s/%u: [%s] wants %.*s now, which its sandbox is closed to: a new process "
             "takes over",
             p->name, p->generation, in->conf->name, (int)(wants.n & 0xfff), wants.p);
    process_abandon(s, p);
    if (!process_start(s, v, plan, crew, true)) cannot_start(s, crew);
    plan_drop(plan);
}

bool reload_lost(struct supervisor *s, struct process *p, const char *why)
{
    struct reload *r = &s->reload;
    bool fresh = !p->has, replaces = p->service && p->service->live && p->service->live != p;
    if (!p->in_reload || r->stage == STAGE_IDLE) return false;
    if (p->trial) {
        trial_lost(s, p, why);
        return true;
    }
    char *where = text_of("service %s/%u", p->name, p->generation);
    bool back = r->stage == STAGE_PREPARE && fresh && replaces && modules_reject(s, p->wants, why);
    bool strict = replaces || s->check || r->proposal;
    bool fails = r->stage == STAGE_PREPARE && (!fresh || strict) && !back;
    problem_add(&r->problems, back, where, "%s", why);
    free(where);
    if (back) r->again = r->rolled_back = true;
    if (back || fails) r->failed = r->lost = true;
    return r->stage == STAGE_PREPARE && fresh && (replaces || r->proposal);
}

static bool any(const struct supervisor *s, bool (*is)(const struct process *))
{
    for (const struct process *p = s->processes; p; p = p->next)
        if (p->in_reload && is(p)) return true;
    return false;
}

static bool prepares(const struct process *p)
{
    return p->unprepared != 0;
}

static bool commits(const struct process *p)
{
    return p->committing || p->moves || p->moving;
}

static void abandon(struct supervisor *s)
{
    for (struct process *p = s->processes; p; p = p->next)
        if (p->in_reload) process_abandon(s, p);
}

/* The last thing that can fail: files. */
static bool write_files(struct supervisor *s)
{
    struct reload *r = &s->reload;
    if (s->plan) history_note(s, r->plan->config, r->proposal);
    r->failed = r->proposal && !proposal_write(s, r->proposal, &r->problems);
    return !r->failed;
}

/* ---- commit ---- */

static void set_level(struct supervisor *s, const struct plan *before)
{
    enum gyre_level level = s->plan->settings.log_level;
    if (before && before->settings.log_level == level) return; /* one set by hand stays */
    s->level = level;
    log_level(level);
    for (struct process *p = s->processes; before && p; p = p->next) process_level(s, p, level);
}

/* Once for all services, and not again while it stays so. */
static void tell_ring(const struct supervisor *s, const struct plan *before)
{
    if (s->plan->settings.ring == RING_AUTO && s->plan->ring == RING_EPOLL &&
        (!before || before->settings.ring != RING_AUTO))
        log_warn("epoll serves in place of io_uring: %s", s->no_uring);
}

/* The new plan is in force; whoever differs is told. */
static void switch_plan(struct supervisor *s)
{
    struct plan *plan = s->reload.plan, *before = s->plan;
    s->plan = plan;
    set_level(s, before);
    logging_commit(s);
    tell_ring(s, before);
    for (size_t i = 0; i < plan->instances_n; i++)
        for (size_t j = 0; j < plan->instances[i].doors_n; j++)
            if (plan->instances[i].doors[j].sockets)
                sockets_grow(plan->instances[i].doors[j].sockets,
                             instance_workers(&plan->instances[i]));
    for (struct process *p = s->processes; p; p = p->next) {
        if (p->in_reload) process_commit(s, p);
        else if (p->state != DRAINING && plan_crew(plan, p->name)) process_adopt(p, plan);
        else if (p->state != DRAINING || (p->stays && !plan_crew(plan, p->name)))
            process_drain(s, p, plan->settings.drain_ms);
        else if (p->stays) process_outlived(s, p, plan);
        if (before && p->state != DRAINING) process_refresh(s, p);
    }
    plan_drop(before);
}

/* At the start nobody waits for long: who is not prepared by then comes later, by itself. */
static void leave_the_slow(struct supervisor *s)
{
    if (clock_ms() < reload_deadline(&s->reload)) return;
    for (struct process *p = s->processes; p; p = p->next)
        if (p->unprepared) p->in_reload = false;
}

int64_t reload_deadline(const struct reload *r)
{
    return r->first && r->stage == STAGE_PREPARE ? r->began_ms + LIMIT_TOGETHER_MS : INT64_MAX;
}

void reload_turn(struct supervisor *s)
{
    struct reload *r = &s->reload;
    if (r->stage == STAGE_SCAN) {
        if (folder_busy(&s->folder)) return;
        if (!scan_done(s)) {
            finish(s, false);
            return;
        }
        r->stage = STAGE_PREPARE;
    }
    if (r->stage == STAGE_PREPARE) {
        if (!s->check) leave_the_slow(s);
        if (!r->lost && any(s, prepares)) return;
        if (r->trying && !r->failed) {
            r->trying = false;
            abandon(s); /* those that have tried */
            begin_crews(s);
            if (any(s, prepares)) return;
        }
        if (r->failed || s->check || !write_files(s)) {
            abandon(s);
            finish(s, !r->failed);
            return;
        }
        switch_plan(s);
        r->stage = STAGE_COMMIT;
    }
    if (r->stage == STAGE_COMMIT && !any(s, commits)) finish(s, true);
}

/* ---- ports that were taken ---- */

void reload_retry_ports(struct supervisor *s)
{
    char why[256];
    s->retry_ports_ms = INT64_MAX;
    if (s->reload.stage != STAGE_IDLE || s->stopping) return; /* which tries by itself */
    for (size_t i = 0; i < s->plan->instances_n; i++) {
        const struct instance *in = &s->plan->instances[i];
        for (size_t j = 0; in->crew && j < in->doors_n; j++) {
            struct door *door = &in->doors[j];
            if (!door->problem) continue;
            door->sockets =
                sockets_open(&s->sockets, &door->endpoint, instance_workers(in), why, sizeof why);
            if (!door->sockets) {
                s->retry_ports_ms = clock_ms() + LIMIT_PORT_RETRY_MS;
                continue;
            }
            log_info("%s: [%s] listens on %s now", door->where, in->conf->name,
                     door->endpoint.text);
            free(door->problem);
            door->problem = NULL;
            for (struct process *p = s->processes; p; p = p->next)
                if (p->state != DRAINING && crew_instance(p->has, in->tally->id))
                    process_listen(s, p, in, door);
        }
    }
}
