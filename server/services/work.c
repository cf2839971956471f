/* SPDX-License-Identifier: GPL-3.0-or-later
 * work.c - "work/1": a plugin's slow computing on a helper thread.
 *
 * The job sees a copy of its input and a builder, nothing else.
 * Limits: LIMIT_JOBS waiting; the builder's out_max, which counts for nobody while the job runs.
 */
#include "services/work.h"

#include <stdlib.h>

#include "../service.h"

struct work {
    struct job job;
    uint32_t slot, section;
    uint64_t id;
    void (*run)(gyre_view, gyre_out *);
    gyre_out out;
    size_t out_max, in_n;
    uint8_t in[];
};

static bool grow(gyre_out *o, size_t more)
{
    struct work *k = o->owner;
    size_t cap = o->cap ? o->cap : 512, need;
    if (__builtin_add_overflow(o->n, more, &need) || need > k->out_max) return false;
    while (cap < need) cap *= 2;
    if (cap > k->out_max) cap = k->out_max;
    uint8_t *grown = realloc(o->p, cap);
    if (!grown) return false;
    o->p = grown;
    o->cap = cap;
    return true;
}

static void do_work(struct job *job)
{
    struct work *k = (struct work *)job;
    if (box_here) box_enter(box_here, CALL_WORK, 0, k->section);
    k->run((gyre_view){k->in, k->in_n}, &k->out);
    if (box_here) box_leave(box_here);
}

static void done(struct worker *w, struct item *item)
{
    struct work *k = (struct work *)((uint8_t *)item - offsetof(struct work, job.item));
    struct request *r = request_at(w, k->slot, k->id);
    if (r)
        request_answer(w, r, &(struct gyre_answer){.err = k->out.full ? GYRE_FULL : GYRE_OK,
                                                   .value = gyre_built(&k->out)});
    free(k->out.p);
    free(k);
}

static int work_run(struct gyre_actor *pub, void (*run)(gyre_view, gyre_out *), gyre_view in,
                    size_t out_max, uint64_t tag, gyre_done *answer)
{
    struct actor *a = enter(pub, "work->run");
    struct worker *w = worker_here;
    if (a->flags & A_CLOSING) return GYRE_GONE;
    if (!run || !answer) bug("work->run", "no job, or nobody to answer");
    struct work *k = in.n > SIZE_MAX / 2 ? NULL : malloc(sizeof *k + in.n);
    struct request *r = k ? request_open(w, a, tag, answer, GYRE_NEVER) : NULL;
    if (!r) goto full;
    *k = (struct work){.job = {.work = do_work, .item = {.run = done}, .worker = w},
                       .slot = r->slot, .section = section_of(a)->id, .id = r->id, .run = run,
                       .out = {.grow = grow, .owner = k}, .out_max = out_max, .in_n = in.n};
    if (in.n) memcpy(k->in, in.p, in.n);
    if (helpers_post(w->service, &k->job)) return GYRE_OK;
    request_refuse(w, r);
full:
    free(k);
    return GYRE_FULL;
}

const struct gyre_work work_table = {.size = sizeof work_table, .run = work_run};
