/* SPDX-License-Identifier: GPL-3.0-or-later
 * request.c - from an accepted request to its one answer.
 *
 * Whoever carries a request out (a helper, another actor, the file cache) keeps its slot and id
 * and asks request_at when done: NULL means that the actor ended meanwhile.
 * Promise: each is answered once while its actor lives; while one is open on_data rests (unless
 * GYRE_OVERLAP). Limits: LIMIT_SLOTS. Worker: the actor's.
 */
#include "core.h"

struct request *request_open(struct worker *w, struct actor *a, uint64_t tag, gyre_done *done,
                             int64_t within_ns)
{
    struct extra *x = actor_extra(w, a);
    struct request *r = x && a->requests < UINT16_MAX ? pool_zero(w, sizeof *r) : NULL;
    int64_t due;
    if (!r) return NULL;
    if (!timer_reserve(w, 1)) goto no_timer;
    r->slot = slot_take(w, r, SLOT_REQUEST, &r->id);
    if (r->slot == UINT32_MAX) goto no_slot;
    r->actor = actor_ref(a);
    r->done = done;
    r->tag = tag;
    r->next = x->asked;
    r->at = &x->asked;
    if (r->next) r->next->at = &r->next;
    x->asked = r;
    a->requests++;
    r->deadline.what = TIMER_REQUEST;
    r->deadline.back = (uint16_t)((uint8_t *)&r->deadline - (uint8_t *)r);
    if (within_ns != GYRE_NEVER && !__builtin_add_overflow(w->now_ns, within_ns, &due))
        timer_set(w, &r->deadline, due > w->now_ns ? due : w->now_ns + 1);
    return r;
no_slot:
    timer_release(w, 1);
no_timer:
    pool_give(w, r, sizeof *r);
    return NULL;
}

struct request *request_at(struct worker *w, uint32_t slot, uint64_t id)
{
    return slot_at(w, slot, id, SLOT_REQUEST);
}

static void free_request(struct worker *w, struct request *r)
{
    timer_clear(w, &r->deadline);
    timer_release(w, 1);
    *r->at = r->next;
    if (r->next) r->next->at = r->at;
    slot_give(w, r->slot);
    pool_give(w, r, sizeof *r);
}

void request_refuse(struct worker *w, struct request *r)
{
    struct actor *a = slot_at(w, (uint32_t)r->actor.at, r->actor.id, SLOT_ACTOR);
    a->requests--;
    free_request(w, r);
}

void request_answer(struct worker *w, struct request *r, const struct gyre_answer *answer)
{
    struct gyre_answer told = *answer;
    struct actor *a = slot_at(w, (uint32_t)r->actor.at, r->actor.id, SLOT_ACTOR);
    gyre_done *done = r->done;
    told.size = sizeof told;
    told.tag = r->tag;
    if (!a) bug(__func__, "a request without its actor");
    a->requests--;
    free_request(w, r);
    if (a->flags & A_CLOSING) return;
    if (a->flags & A_STREAM) stream_answered(w, a);
    actor_answer(w, a, done, &told);
    actor_ready(w, a); /* it rested: go on */
}

void request_late(struct worker *w, struct request *r)
{
    request_answer(w, r, &(struct gyre_answer){.err = GYRE_LATE});
}

void request_drop_all(struct worker *w, struct actor *a)
{
    while (a->extra->asked) free_request(w, a->extra->asked);
    a->requests = 0;
}
