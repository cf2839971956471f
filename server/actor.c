/* SPDX-License-Identifier: GPL-3.0-or-later
 * actor.c - the life of an actor: made, opened, ended, closed, freed.
 *
 * An actor is one object: its head, its stream or port, its timers, its state. It ends in steps:
 * actor_end marks it (anywhere, also inside a callback), the ready list calls on_close at the end
 * of the turn, then what it owns goes, and the object is freed when its wire has no operation left.
 * Promise: callbacks never nest; on_close comes once and last; children end before their parent.
 * Limits: LIMIT_SLOTS a worker, timers 16 an actor. Worker: the owner's.
 */
#include "core.h"

/* The object: head, stream or port, kin, timers, state; all aligned. */
static size_t timers_at(uint32_t flags)
{
    size_t n = sizeof(struct actor);
    if (flags & A_STREAM) n += sizeof(struct stream);
    if (flags & A_PORT) n += sizeof(struct port);
    if (flags & A_DIALLED) n += sizeof(struct kin);
    return n;
}

static size_t state_at(const struct kind *kind, uint32_t flags)
{
    return (timers_at(flags) + kind->p.timers * sizeof(struct timer) + 15) & ~(size_t)15;
}

static size_t object_bytes(const struct kind *kind, uint32_t flags)
{
    return kind->p.state_size ? state_at(kind, flags) + kind->p.state_size
                              : timers_at(flags) + kind->p.timers * sizeof(struct timer);
}

static uint32_t timers_of(const struct kind *kind, uint32_t flags)
{
    return kind->p.timers + (flags & A_STREAM ? 1 : 0);
}

static struct timer *timer_of(struct actor *a, uint32_t slot)
{
    return (struct timer *)(void *)((uint8_t *)a + timers_at(a->flags)) + slot;
}

struct kin *kin_of(struct actor *a)
{
    return (struct kin *)(void *)((uint8_t *)a + timers_at(a->flags) - sizeof(struct kin));
}

struct actor *actor_of_slot(struct worker *w, uint32_t slot_plus_1)
{
    return slot_plus_1 ? w->slots[slot_plus_1 - 1].object : NULL;
}

uint64_t actor_user(struct worker *w, enum op op, const struct actor *a)
{
    return op_user(op, a->slot, w->slots[a->slot].id);
}

static void link_section(struct worker *w, struct section *s, struct actor *a)
{
    a->section_next = s->actors[w->index];
    if (a->section_next) actor_of_slot(w, a->section_next)->section_before = a->slot + 1;
    s->actors[w->index] = a->slot + 1;
}

static void unlink_section(struct worker *w, struct section *s, struct actor *a)
{
    struct actor *before = actor_of_slot(w, a->section_before);
    if (before) before->section_next = a->section_next;
    else s->actors[w->index] = a->section_next;
    if (a->section_next) actor_of_slot(w, a->section_next)->section_before = a->section_before;
}

struct actor *actor_make(struct worker *w, struct section *s, const struct kind *kind,
                         uint32_t flags)
{
    size_t n = object_bytes(kind, flags);
    struct version *v = s->current[w->index];
    struct actor *a = v ? pool_zero(w, n) : NULL;
    uint64_t id;
    if (!a) return NULL;
    if (!timer_reserve(w, timers_of(kind, flags))) goto no_timers;
    a->slot = slot_take(w, a, SLOT_ACTOR, &id);
    if (a->slot == UINT32_MAX) goto no_slot;
    a->magic = ACTOR_MAGIC;
    a->kind = kind;
    a->flags = flags;
    a->version = v;
    v->users[w->index]++;
    a->pub = (struct gyre_actor){
        .state = kind->p.state_size ? (uint8_t *)a + state_at(kind, flags) : NULL,
        .conf = v->conf, .section = &s->pub, .worker = w->index,
        .home = flags & A_HOME ? &a->pub : s->home[w->index] ? &s->home[w->index]->pub : NULL,
    };
    for (uint32_t i = 0; i < kind->p.timers; i++) {
        struct timer *t = timer_of(a, i);
        t->what = TIMER_SLOT;
        t->slot = (uint8_t)i;
        t->back = (uint16_t)((uint8_t *)t - (uint8_t *)a);
    }
    link_section(w, s, a);
    section_object(w, s);
    count(w, s, STAT_ACTORS, 1);
    return a;
no_slot:
    timer_release(w, timers_of(kind, flags));
no_timers:
    pool_give(w, a, n);
    return NULL;
}

gyre_ref actor_ref(const struct actor *a)
{
    return (gyre_ref){(uint64_t)a->pub.worker << 32 | a->slot, worker_here->slots[a->slot].id};
}

struct actor *actor_at(struct worker *w, gyre_ref r)
{
    struct actor *a;
    if (r.at >> 32 != w->index) return NULL;
    a = slot_at(w, (uint32_t)r.at, r.id, SLOT_ACTOR);
    return a && !(a->flags & A_CLOSING) ? a : NULL;
}

struct extra *actor_extra(struct worker *w, struct actor *a)
{
    if (a->extra) return a->extra;
    a->extra = pool_zero(w, sizeof *a->extra);
    if (a->extra) a->extra->held_end = &a->extra->held;
    return a->extra;
}

void actor_ready(struct worker *w, struct actor *a)
{
    if (a->flags & A_READY) return;
    a->flags |= A_READY;
    a->ready_next = NULL;
    *w->ready_end = a;
    w->ready_end = &a->ready_next;
}

void actor_open(struct worker *w, struct actor *a)
{
    bool ok = true;
    if (a->kind->p.on_open) {
        call_begin(w, a, CALL_ON_OPEN);
        ok = a->kind->p.on_open(&a->pub);
        call_end(w);
    }
    a->flags |= A_OPEN;
    if (!ok && a->flags & A_HOME)
        log_error("%s: its home refused to open; it goes on without", a->pub.section->name);
    if (ok && section_of(a)->leaving[w->index] && section_leaves(section_of(a), a)) {
        /* Born late: accepted in a race with the end, or dialled after it. */
        if (section_of(a)->aborted[w->index]) actor_abort(w, a, GYRE_SHUTDOWN);
        else if (a->kind->p.on_leave) actor_leave(w, a, (enum gyre_why)section_of(a)->leaving_why);
        else a->flags |= A_LEAVING, a->why = section_of(a)->leaving_why;
    }
    if (ok || a->flags & A_HOME) return;
    actor_end(w, a, GYRE_REFUSED);
    if (a->flags & A_STREAM) stream_closing(w, a, GYRE_FLUSH);
}

void actor_end(struct worker *w, struct actor *a, enum gyre_why why)
{
    if (a->flags & A_CLOSING) return;
    a->flags |= A_CLOSING;
    a->why = (uint8_t)why;
    actor_ready(w, a);
}

void actor_abort(struct worker *w, struct actor *a, enum gyre_why why)
{
    actor_end(w, a, why);
    if (a->flags & A_STREAM) stream_closing(w, a, GYRE_NOW);
    actor_ready(w, a); /* it may have closed already, and only its wire be left */
}

void actor_timer(struct worker *w, struct actor *a, uint8_t slot)
{
    if (a->flags & A_CLOSING) return;
    if (!a->kind->p.on_timer) {
        actor_end(w, a, GYRE_TIMEOUT);
        if (a->flags & A_STREAM) stream_closing(w, a, GYRE_FLUSH);
        return;
    }
    call_begin(w, a, CALL_ON_TIMER);
    a->kind->p.on_timer(&a->pub, slot);
    call_end(w);
    stream_later(w, a);
}

int actor_timer_set(struct worker *w, struct actor *a, uint32_t slot, int64_t after_ns)
{
    int64_t due;
    if (slot >= a->kind->p.timers) bug("gyre->timer", "slot %u of %u", slot, a->kind->p.timers);
    struct timer *t = timer_of(a, slot);
    if (after_ns == GYRE_NEVER) {
        timer_clear(w, t);
        return GYRE_OK;
    }
    if (after_ns < 1) after_ns = 1; /* the next turn, not this one */
    if (__builtin_add_overflow(w->now_ns, after_ns, &due)) due = GYRE_NEVER - 1;
    timer_set(w, t, due);
    a->flags |= A_TIMERS;
    return GYRE_OK;
}

void actor_answer(struct worker *w, struct actor *a, gyre_done *done,
                  const struct gyre_answer *answer)
{
    call_begin(w, a, CALL_DONE);
    done(&a->pub, answer);
    call_end(w);
}

/* ---- versions ---- */

void version_unuse(struct worker *w, struct version *v)
{
    if (--v->users[w->index] == 0 && v != v->section->current[w->index])
        version_worker_left(v);
}

void version_switch(struct worker *w, struct section *s, struct version *v)
{
    struct version *old = s->current[w->index];
    s->current[w->index] = v;
    if (old && old->users[w->index] == 0) version_worker_left(old);
}

void actor_take_version(struct worker *w, struct actor *a)
{
    struct version *newest = section_of(a)->current[w->index], *old = a->version;
    if (!newest || newest == old) return;
    newest->users[w->index]++;
    a->version = newest;
    a->pub.conf = newest->conf;
    version_unuse(w, old);
    if (a->flags & A_STREAM) stream_limits(w, a);
}

/* ---- the end ---- */

static void leave_parent(struct actor *a)
{
    if (!(a->flags & A_DIALLED)) return;
    struct kin *k = kin_of(a);
    if (!k->parent) return;
    *k->sibling_at = k->sibling;
    if (k->sibling) kin_of(k->sibling)->sibling_at = k->sibling_at;
    k->parent = NULL;
}

static void unlink_pair(struct worker *w, struct actor *a)
{
    struct extra *x = a->extra;
    if (!x) return;
    if (x->link_to) x->link_to->extra->link_from = NULL;
    if (x->link_from) {
        x->link_from->extra->link_to = NULL;
        x->link_from->extra->link_left = 0;
        actor_ready(w, x->link_from);
    }
    x->link_to = x->link_from = NULL;
}

/* All that it owns. Its wire may still be sending what was queued. */
static void release(struct worker *w, struct actor *a)
{
    struct section *s = section_of(a);
    if (a->flags & A_TIMERS)
        for (uint32_t i = 0; i < a->kind->p.timers; i++) timer_clear(w, timer_of(a, i));
    if (a->extra) {
        request_drop_all(w, a);
        bus_actor_ends(w, a);
        unlink_pair(w, a);
        watch_actor_ends(w, a);
        mail_actor_ends(w, a);
        mem_free_all(w, a);
        pool_give(w, a->extra, sizeof *a->extra);
        a->extra = NULL;
    }
    leave_parent(a);
    unlink_section(w, s, a);
    count(w, s, STAT_ACTORS, -1);
    version_unuse(w, a->version);
    a->version = NULL;
}

/* After on_close: what holds the object decides when it is freed. */
static void closed(struct worker *w, struct actor *a)
{
    struct listener *from = a->flags & A_PORT ? port_of(a)->from : NULL;
    if (a->flags & A_STREAM) stream_closed(w, a);
    else if (!from) actor_free(w, a);
    else if (from->gone) listener_end(w, from);
    else listener_remove(w, from);
}

static void close_now(struct worker *w, struct actor *a)
{
    struct extra *x = a->extra;
    if (x && x->children) { /* they go first; then this one is looked at again */
        for (struct actor *c = x->children; c; c = kin_of(c)->sibling) {
            actor_end(w, c, GYRE_OWNER);
            if (c->flags & A_STREAM) stream_closing(w, c, GYRE_FLUSH);
        }
        actor_ready(w, a);
        return;
    }
    if (a->kind->p.on_close) {
        call_begin(w, a, CALL_ON_CLOSE);
        a->kind->p.on_close(&a->pub, (enum gyre_why)a->why);
        call_end(w);
    }
    a->flags |= A_CLOSED;
    release(w, a);
    closed(w, a);
}

void actor_moved(struct worker *w, struct actor *a)
{
    a->flags |= A_CLOSING | A_CLOSED;
    release(w, a);
    stream_moved(w, a);
}

void actor_free(struct worker *w, struct actor *a)
{
    if (!(a->flags & A_CLOSED)) bug(__func__, "an actor that is not closed");
    if (a->flags & (A_READY | A_TOUCHED)) return; /* comes again when it leaves the list */
    struct section *s = section_of(a);
    slot_give(w, a->slot);
    timer_release(w, timers_of(a->kind, a->flags));
    a->magic = 0;
    pool_give(w, a, object_bytes(a->kind, a->flags));
    section_object_freed(w, s);
}

bool actor_run_ready(struct worker *w)
{
    if (!w->ready) return false;
    for (int n = 0; n < LIMIT_MAILS_A_TURN && w->ready; n++) {
        struct actor *a = w->ready;
        w->ready = a->ready_next;
        if (!w->ready) w->ready_end = &w->ready;
        a->flags &= ~(uint32_t)A_READY;
        if (a->flags & A_CLOSED) {
            closed(w, a);
            continue;
        }
        if (a->flags & A_CLOSING) {
            close_now(w, a);
            continue;
        }
        if (!(a->flags & (A_OPEN | A_STREAM | A_PORT))) {
            actor_open(w, a); /* dialled without a wire */
            if (a->flags & A_CLOSING) continue;
        }
        if (a->flags & A_PRODUCE && a->flags & A_OPEN && stream_room(a)) {
            a->flags &= ~(uint32_t)A_PRODUCE;
            if (a->kind->p.on_room) {
                call_begin(w, a, CALL_ON_ROOM);
                a->kind->p.on_room(&a->pub);
                call_end(w);
            }
        }
        if (a->flags & A_STREAM) stream_resume(w, a);
        else mail_resume(w, a);
    }
    return true;
}

/* ---- leaving ---- */

void actor_last_words(struct worker *w, struct actor *a, enum gyre_why why)
{
    if (a->flags & A_CLOSING) return;
    if (a->kind->p.on_leave) {
        call_begin(w, a, CALL_ON_LEAVE);
        a->kind->p.on_leave(&a->pub, why);
        call_end(w);
    }
    actor_end(w, a, why);
    if (a->flags & A_STREAM) stream_closing(w, a, GYRE_FLUSH);
}

static bool is_idle(struct actor *a)
{
    if (a->requests) return false;
    return !(a->flags & A_STREAM) || stream_idle(a);
}

void actor_leave_if_idle(struct worker *w, struct actor *a)
{
    if (!(a->flags & A_LEAVING) || a->flags & A_CLOSING || !is_idle(a)) return;
    actor_end(w, a, (enum gyre_why)a->why);
    if (a->flags & A_STREAM) stream_closing(w, a, GYRE_FLUSH);
}

void actor_leave(struct worker *w, struct actor *a, enum gyre_why why)
{
    if (a->flags & (A_LEAVING | A_TOLD | A_CLOSING)) return;
    if (a->kind->p.on_leave && !(a->flags & A_OPEN)) return; /* actor_open tells it */
    a->why = (uint8_t)why;
    if (!a->kind->p.on_leave) {
        a->flags |= A_LEAVING;
        actor_leave_if_idle(w, a);
        return;
    }
    a->flags |= A_TOLD;
    call_begin(w, a, CALL_ON_LEAVE);
    a->kind->p.on_leave(&a->pub, why);
    call_end(w);
    stream_later(w, a);
}
