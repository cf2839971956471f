/* SPDX-License-Identifier: GPL-3.0-or-later
 * restart.c - services over the lives of their processes: ready, crashed, started again.
 *
 * A crash of what served is answered at once, the next ones after 10 ms * 2^n, 20 % more or less,
 * up to LIMIT_BACKOFF_MS. More than LIMIT_CRASHES in LIMIT_CRASH_WINDOW_MS opens the breaker of
 * that service: one try every LIMIT_BREAKER_MS. Exit code 2 is an error of configuration: nobody
 * tries until something changes, unless it came of a change that is refused for it. A fresh plugin
 * file that does not stand up is rolled back.
 * Promise: never touches another service; sockets stay open, so connections wait meanwhile.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/wait.h>

#include "introduce.h"

enum { EXIT_CONFIGURATION = 2, BACKOFF_FIRST_MS = 10, BACKOFF_MOST = 10 };

struct service *service_of(struct supervisor *s, const char *name)
{
    for (struct service *v = s->services; v; v = v->next)
        if (strcmp(v->name, name) == 0) return v;
    struct service *v = need_memory(calloc(1, sizeof *v));
    (void)snprintf(v->name, sizeof v->name, "%s", name);
    v->restart_ms = INT64_MAX;
    v->next = s->services;
    s->services = v;
    return v;
}

void services_forget_idle(struct supervisor *s)
{
    for (struct service **at = &s->services; *at;) {
        struct service *v = *at;
        if (v->live || v->coming || plan_crew(s->plan, v->name)) {
            at = &v->next;
            continue;
        }
        *at = v->next;
        free(v->poison);
        free(v);
    }
}

/* A crash now. true: too many of late. */
static bool count_crash(struct service *v, int64_t now)
{
    int64_t oldest = v->crashes_ms[v->crashes_at];
    v->crashes_ms[v->crashes_at] = now;
    v->crashes_at = (v->crashes_at + 1) % LIMIT_CRASHES;
    return oldest && now - oldest < LIMIT_CRASH_WINDOW_MS;
}

static int64_t backoff_ms(const struct service *v)
{
    uint32_t random = 0, n = v->backoff < BACKOFF_MOST ? v->backoff : BACKOFF_MOST;
    int64_t wait = (int64_t)BACKOFF_FIRST_MS << n;
    if (getrandom(&random, sizeof random, GRND_NONBLOCK) < 0) random = (uint32_t)clock_ms();
    wait += wait * ((int64_t)(random % 41) - 20) / 100;
    return wait < LIMIT_BACKOFF_MS ? wait : LIMIT_BACKOFF_MS;
}

void service_forgive(struct supervisor *s, struct service *v)
{
    refuse_forget(s, v);
    memset(v->crashes_ms, 0, sizeof v->crashes_ms);
    v->backoff = 0;
    v->breaker = v->held = false;
    v->restart_ms = INT64_MAX;
}

static void plan_restart(struct service *v, bool served)
{
    int64_t now = clock_ms(), wait;
    v->settled = true;
    if (count_crash(v, now) && !v->breaker) {
        v->breaker = true;
        log_error("service %s crashed %d times in %d s: its breaker opens, one try every %d s",
                  v->name, LIMIT_CRASHES + 1, LIMIT_CRASH_WINDOW_MS / 1000,
                  LIMIT_BREAKER_MS / 1000);
    }
    if (v->breaker) wait = LIMIT_BREAKER_MS;
    else if (served && !v->backoff) wait = 0;
    else wait = backoff_ms(v);
    v->backoff++;
    v->restart_ms = now + wait;
}

void service_start(struct supervisor *s, struct service *v)
{
    struct crew *crew = plan_crew(s->plan, v->name);
    v->restart_ms = INT64_MAX;
    if (!crew || v->coming || s->stopping) return;
    for (size_t i = 0; i < crew->instances_n; i++) {
        free(crew->instances[i]->refused);
        crew->instances[i]->refused = NULL;
    }
    v->restarts++;
    if (!process_start(s, v, s->plan, crew, false)) plan_restart(v, false);
}

void service_ready(struct supervisor *s, struct process *p)
{
    struct service *v = p->service;
    struct process *old = v->live;
    log_info("service %s/%u is ready after %lld ms", p->name, p->generation,
             (long long)(clock_ms() - p->since_ms));
    p->state = READY;
    p->since_ms = clock_ms();
    v->live = p;
    v->coming = NULL;
    v->settled = true;
    v->restart_ms = INT64_MAX;
    for (size_t i = 0; i < p->has->modules_n; i++) p->has->modules[i]->proven = true;
    introduce(s, p); /* before the old one is told to leave: those who ask turn away from it */
    if (!old) return;
    process_replaced(s, old);
    p->nudge_ms = clock_ms() + LIMIT_NUDGE_MS;
}

bool modules_reject(struct supervisor *s, const struct crew *crew, const char *why)
{
    bool some = false;
    for (size_t i = 0; i < crew->modules_n; i++)
        if (clock_ms() - crew->modules[i]->since_ms < LIMIT_FRESH_MS)
            some |= folder_reject(&s->folder, crew->modules[i], why);
    return some;
}

static bool is_gauge(int stat)
{
    return stat == STAT_STREAMS || stat == STAT_ACTORS || stat == STAT_MEMORY;
}

/* Its counters go on in the tallies of its sections. */
static void keep_totals(const struct process *p)
{
    uint32_t rows = p->stats ? atomic_load(&p->stats->rows) : 0;
    for (uint32_t i = 0; i < rows && i < STATS_ROWS; i++) {
        const struct stats_row *row = &p->stats->row[i];
        struct instance *in = crew_instance(p->has, atomic_load(&row->section));
        for (int j = 0; in && j < STAT_MAX; j++)
            if (!is_gauge(j))
                in->tally->past[j] =
                    (int64_t)((uint64_t)in->tally->past[j] + (uint64_t)atomic_load(&row->v[j]));
    }
}

static void say_end(const struct process *p, int status, char *out, size_t n)
{
    const char *name = WIFSIGNALED(status) ? sigabbrev_np(WTERMSIG(status)) : NULL;
    if (p->said[0]) (void)snprintf(out, n, "has ended: %s", p->said);
    else if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
        (void)snprintf(out, n, "was ended by its sandbox: it made a system call that nothing in "
                               "its configuration grants");
    else if (WIFSIGNALED(status))
        (void)snprintf(out, n, "crashed: SIG%s (%s)", name ? name : "?",
                       strsignal(WTERMSIG(status)));
    else (void)snprintf(out, n, "ended with status %d, and was not asked to", WEXITSTATUS(status));
}

/* A process that was to serve is gone. */
static void lost(struct supervisor *s, struct process *p, int status)
{
    char how[sizeof p->said + 64];
    struct service *v = p->service;
    const struct crew *crew = p->has ? p->has : p->wants;
    bool served = p->state == READY;
    bool proposed = served && p->in_reload && s->reload.stage == STAGE_PREPARE; /* not in force */
    say_end(p, status, how, sizeof how);
    if (!p->in_reload) log_error("service %s/%u %s", p->name, p->generation, how);
    if (WIFSIGNALED(status)) (void)crash_report(s, p, how);
    if (v->live == p) v->live = NULL;
    if (v->coming == p) v->coming = NULL;
    if (s->stopping || reload_lost(s, p, how)) return;
    if (served && clock_ms() - p->since_ms >= LIMIT_HEALTHY_MS) {
        v->backoff = 0;
        v->breaker = false;
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_CONFIGURATION && !proposed) {
        v->held = v->settled = true;
        log_error("service %s stays down until its configuration or plugin changes", v->name);
        return;
    }
    bool open = v->breaker;
    plan_restart(v, served);
    if ((!served || (v->breaker && !open)) && modules_reject(s, crew, how)) reload_ask(s);
}

/* It was leaving, and crashed instead of being told to end. */
static void crashed_late(struct supervisor *s, struct process *p, int status)
{
    char how[sizeof p->said + 64];
    say_end(p, status, how, sizeof how);
    log_error("service %s/%u, while it drained, %s", p->name, p->generation, how);
    (void)crash_report(s, p, how);
}

void process_ended(struct supervisor *s, struct process *p)
{
    process_readable(s, p); /* its last words */
    int status = process_reap(p);
    struct process **at = &s->processes;
    while (*at != p) at = &(*at)->next;
    *at = p->next;
    keep_totals(p);
    for (struct process *other = s->processes; other; other = other->next)
        if (other->state == READY && strcmp(other->name, p->name) == 0) process_nudge(s, other);
    if (p->state != DRAINING) lost(s, p, status);
    else if (WIFSIGNALED(status) && atomic_load(&p->stats->box.first)) crashed_late(s, p, status);
    else if (status) log_warn("service %s/%u did not drain to its end", p->name, p->generation);
    else log_debug("service %s/%u has drained", p->name, p->generation);
    process_free(p);
}
