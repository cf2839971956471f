/* SPDX-License-Identifier: GPL-3.0-or-later
 * leaving.c - how a process is told to go: all at once, or replaced, and then one by one.
 *
 * A process that drains belongs to no service any more; it ends by itself when nothing is left of
 * it, and process_late sees to one that does not. One that was replaced may keep its streams for
 * stay_time. Limit: LIMIT_STAYING of a service; the oldest goes when one more would stay.
 */
#include <string.h>

#include "supervisor.h"

static const int64_t drain_never_ms = (int64_t)366 * 24 * 3600 * 1000; /* more than anyone waits */

/* It drains from here on; until when, and how, is told. */
static void begin_drain(struct supervisor *s, struct process *p, int64_t within_ms, enum drain how)
{
    if (p->service && p->service->live == p) p->service->live = NULL;
    if (p->service && p->service->coming == p) p->service->coming = NULL;
    p->service = NULL;
    p->in_reload = p->moves = p->moving = false;
    p->nudge_ms = INT64_MAX;
    p->state = DRAINING;
    p->stays = how == DRAIN_REPLACED;
    p->since_ms = clock_ms();
    message_begin(&s->out, M_DRAIN);
    bool limited = !p->stays && within_ms < drain_never_ms; /* when its stay ends, we tell it */
    message_put_number(&s->out, (uint64_t)(limited ? within_ms : drain_never_ms));
    message_put_number(&s->out, how);
    p->deadline_ms = clock_after(within_ms < drain_never_ms ? within_ms : INT64_MAX);
    if (!p->stays && p->deadline_ms < INT64_MAX) p->deadline_ms += LIMIT_GRACE_MS;
    process_tell(s, p, -1);
}

void process_drain(struct supervisor *s, struct process *p, int64_t within_ms)
{
    if (p->state != DRAINING || p->stays) begin_drain(s, p, within_ms, DRAIN_STOP);
}

void process_leave(struct supervisor *s, struct process *p)
{
    begin_drain(s, p, s->plan->settings.drain_ms, DRAIN_SPREAD);
}

/* Processes are in order of age. */
static void leave_the_oldest(struct supervisor *s, const char *name)
{
    struct process *oldest = NULL;
    size_t n = 0;
    for (struct process *p = s->processes; p; p = p->next) {
        if (!p->stays || strcmp(p->name, name) != 0) continue;
        if (!oldest) oldest = p;
        n++;
    }
    if (n > LIMIT_STAYING) process_leave(s, oldest);
}

void process_replaced(struct supervisor *s, struct process *p)
{
    begin_drain(s, p, s->plan->settings.stay_ms, DRAIN_REPLACED);
    leave_the_oldest(s, p->name);
}

void process_outlived(struct supervisor *s, struct process *p, const struct plan *plan)
{
    for (size_t i = 0; p->has && i < p->has->instances_n; i++) {
        const struct instance *in = p->has->instances[i];
        const struct instance *now = plan_instance(plan, in->conf->name);
        if (now && now->tally->id == in->tally->id) continue;
        message_begin(&s->out, M_REMOVE);
        message_put_number(&s->out, in->tally->id);
        process_tell(s, p, -1);
    }
}
