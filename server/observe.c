/* SPDX-License-Identifier: GPL-3.0-or-later
 * observe.c - what a service says of its open streams, and how one of them is ended from outside.
 *
 * The supervisor asks for a piece of the table of slots at a time; the control thread has that
 * worker write the answer between two callbacks, and waits for it, as for a commit. Nothing is
 * counted or kept for it while nobody asks.
 * Promise: a worker is held up for LIMIT_ROWS rows or SLOTS_A_TIME slots, no longer.
 */
#include <stdio.h>

#include "serve.h"

enum { SLOTS_A_TIME = 16384 };

struct look { /* at one worker */
    uint32_t slot, section, rows; /* section 0: all */
    uint64_t id;                  /* its low half; of a stream that is to end */
    bool found;
    struct message_out *out;
};

static enum row_state state_of(struct actor *a)
{
    if (a->flags & A_CLOSING) return ROW_CLOSING;
    if (!(a->flags & A_OPEN)) return ROW_OPENING;
    bool rests = a->paused || a->requests || a->flags & A_CHOKED || !stream_room(a);
    return rests ? ROW_RESTING : ROW_READING;
}

static void put_peer(struct worker *w, struct actor *a, struct message_out *out)
{
    const struct stream *s = stream_of(a);
    gyre_addr peer = s->peer;
    char text[64] = "";
    if (address_is_none(&peer) && s->fd >= 0) (void)w->ring->ops->peer(w->ring, s->fd, &peer);
    if (!address_is_none(&peer)) address_text(&peer, text, sizeof text);
    message_put_text(out, gyre_str(text));
}

static uint64_t ms_since(const struct worker *w, uint32_t ticks)
{
    int64_t ms = (w->now_ns - w->began_ns) / 1000000 - worker_ms_of(w, ticks);
    return ticks && ms > 0 ? (uint64_t)ms : 0;
}

static void put_row(struct worker *w, struct actor *a, struct message_out *out)
{
    const struct stream *s = stream_of(a);
    message_put_number(out, (uint64_t)w->index << 32 | a->slot);
    message_put_number(out, (uint32_t)w->slots[a->slot].id);
    message_put_number(out, section_of(a)->id);
    message_put_number(out, ms_since(w, s->opened_at));
    message_put_number(out, ms_since(w, s->active_at));
    message_put_number(out, s->out.bytes);
    message_put_number(out, state_of(a));
    put_peer(w, a, out);
    message_put_text(out, gyre_str(s->from ? s->from->text : ""));
}

/* The actor in a slot if it has a wire, or NULL. */
static struct actor *stream_in(struct worker *w, uint32_t slot)
{
    struct actor *a =
        slot < w->slots_n ? slot_at(w, slot, w->slots[slot].id, SLOT_ACTOR) : NULL;
    return a && a->flags & A_STREAM ? a : NULL;
}

static void look_around(struct worker *w, void *user)
{
    struct look *l = user;
    uint32_t end = l->slot < UINT32_MAX - SLOTS_A_TIME ? l->slot + SLOTS_A_TIME : UINT32_MAX;
    for (; l->slot < end && l->slot < w->slots_n && l->rows < LIMIT_ROWS; l->slot++) {
        struct actor *a = stream_in(w, l->slot);
        if (!a || (l->section && section_of(a)->id != l->section)) continue;
        put_row(w, a, l->out);
        l->rows++;
    }
    if (l->slot >= w->slots_n) l->slot = UINT32_MAX;
}

static void look_at_one(struct worker *w, void *user)
{
    struct look *l = user;
    struct actor *a = stream_in(w, l->slot);
    if (!a || (uint32_t)w->slots[l->slot].id != l->id) return;
    l->found = true;
    l->section = section_of(a)->id;
    put_peer(w, a, l->out);
    actor_abort(w, a, GYRE_RESET);
}

bool observe_list(struct serve *s, struct message *m)
{
    static _Thread_local struct message_out out;
    enum { NEXT_AT = 12 + 8 }; /* in the message, behind its head and the question */
    uint64_t question = message_get_number(m), from = message_get_number(m);
    uint64_t section = message_get_number(m), next = UINT64_MAX, worker = from >> 32;
    struct look l = {.slot = (uint32_t)from, .section = (uint32_t)section, .out = &out};
    if (!gyre_end(&m->in)) return false;
    message_begin(&out, M_ROWS);
    message_put_number(&out, question);
    message_put_number(&out, next);
    if (s->running && worker < s->service->workers_n) {
        threads_call(&s->threads, (uint32_t)worker, look_around, &l);
        if (l.slot != UINT32_MAX) next = worker << 32 | l.slot;
        else if (worker + 1 < s->service->workers_n) next = (worker + 1) << 32;
    }
    gyre_patch_be(&out.out, NEXT_AT, next, 8);
    (void)message_send(&out, s->start->channel, -1);
    return true;
}

bool observe_kill(struct serve *s, struct message *m)
{
    static _Thread_local struct message_out out;
    enum { FOUND_AT = 12 + 8, SECTION_AT = FOUND_AT + 8 };
    uint64_t question = message_get_number(m), place = message_get_number(m);
    struct look l = {.slot = (uint32_t)place, .id = message_get_number(m), .out = &out};
    if (!gyre_end(&m->in)) return false;
    message_begin(&out, M_KILLED);
    message_put_number(&out, question);
    message_put_number(&out, 0);
    message_put_number(&out, 0);
    if (s->running && place >> 32 < s->service->workers_n)
        threads_call(&s->threads, (uint32_t)(place >> 32), look_at_one, &l);
    if (!l.found) message_put_text(&out, GYRE_NOTHING);
    gyre_patch_be(&out.out, FOUND_AT, l.found, 8);
    gyre_patch_be(&out.out, SECTION_AT, l.section, 8);
    (void)message_send(&out, s->start->channel, -1);
    return true;
}
