/* SPDX-License-Identifier: GPL-3.0-or-later
 * check.c - what must be true of a service between two turns.
 *
 * Promise: looks only; changes nothing.
 */
#include "queue.h"
#include "scenario.h"
#include "stream.h"

/* The number of the generation, and its worker. GENERATIONS: none. */
static size_t generation_of(const struct run *r, const struct ring *ring, struct worker **w)
{
    for (size_t g = 0; g < GENERATIONS; g++) {
        const struct service *s = r->gens[g].service;
        for (uint32_t i = 0; s && i < s->workers_n; i++) {
            *w = s->workers[i];
            if (*w && (*w)->ring == ring) return g;
        }
    }
    return GENERATIONS;
}

size_t check_held_of(struct actor *a)
{
    const struct stream *s = stream_of(a);
    return s->in ? s->in->to - s->in->from : 0;
}

size_t check_in_max(struct actor *a)
{
    const struct limits *l = &a->version->limits;
    size_t most = (size_t)l->in_max, message = (size_t)l->message_max;
    if (a->flags & A_DIALLED) message = a->kind->p.message_max;
    if (a->extra && a->extra->message_max) message = a->extra->message_max;
    return most > message ? most : message;
}

/* ---- at each event, before the core has it ---- */

static void check_queue(struct run *r, struct actor *a)
{
    const struct queue *q = &stream_of(a)->out;
    uint64_t bytes = 0;
    for (const struct chunk *c = q->first; c; c = c->next) {
        if (!c->core) bytes += c->to - c->from;
        else if (c->core->p) bytes += c->n;
    }
    if (bytes != q->bytes)
        damage(r, "[%s] %llu bytes are queued for one peer, and counted as %u",
               a->pub.section->name, (unsigned long long)bytes, q->bytes);
}

static void check_event(struct run *r, size_t g, const struct worker *w, struct actor *a,
                        const struct ring_event *e)
{
    enum op op = (enum op)(e->user >> 56);
    const struct sending *x = stream_of(a)->sending;
    if (op == OP_SEND) check_queue(r, a);
    if (op == OP_READ && (!x || !x->piece.chunk))
        damage(r, "[%s] a file was read into what had been given back", a->pub.section->name);
    times_event(r, g, w, a, e);
}

bool check_alive(void *user, const struct ring *ring, const struct ring_event *e)
{
    struct worker *w = NULL;
    uint32_t slot = (uint32_t)(e->user >> 32) & 0xffffff;
    size_t g = generation_of(user, ring, &w);
    if (g == GENERATIONS) return true; /* it is being made */
    if (slot >= w->slots_n || (uint32_t)w->slots[slot].id != (uint32_t)e->user) return false;
    struct actor *a = slot_at(w, slot, w->slots[slot].id, SLOT_ACTOR);
    if (a && a->flags & A_STREAM) check_event(user, g, w, a, e);
    return true;
}

/* ---- between turns ---- */

static void check_stream(struct run *r, struct actor *a)
{
    const struct stream *s = stream_of(a);
    const struct limits *l = &a->version->limits;
    /* What one wait brings may come on top; times.c looks at the next. */
    uint64_t out_most = (uint64_t)l->out_max;
    uint64_t in_most = check_in_max(a) + (uint64_t)RING_BUFFERS * RING_BUFFER_SIZE;
    /* A shared buffer may be longer than out_max when it is alone; a piece of a file is added. */
    if (section_of(a)->id == SITE_HTTP + 1u) out_most += LIMIT_FILE_CACHED + LIMIT_FILE_CHUNK;
    if (s->out.bytes > out_most)
        damage(r, "[%s] %u bytes are queued for one peer, out_max is %llu", a->pub.section->name,
               s->out.bytes, (unsigned long long)out_most);
    if (check_held_of(a) > in_most)
        damage(r, "[%s] %zu bytes of one peer are held, %llu may be", a->pub.section->name,
               check_held_of(a), (unsigned long long)in_most);
    if (!(a->flags & A_CLOSING) && s->flags & S_RECV && !(s->flags & S_CANCEL) &&
        check_held_of(a) >= check_in_max(a))
        damage(r, "[%s] %zu bytes of one peer are held, and more is asked for",
               a->pub.section->name, check_held_of(a));
}

static void check_section(struct run *r, struct section *s)
{
    const struct limits *l = s->newest ? &s->newest->limits : NULL;
    int64_t memory = 0;
    for (uint32_t i = 0; i < s->pub.workers; i++) {
        struct worker *w = s->service->workers[i];
        uint32_t n = 0;
        memory += s->stats[i]->v[STAT_MEMORY];
        for (struct actor *a = actor_of_slot(w, s->actors[i]); a; n++) {
            if (a->magic != ACTOR_MAGIC) damage(r, "[%s] a freed actor is in its list", s->name);
            if (a->flags & A_STREAM && a->version) check_stream(r, a);
            a = actor_of_slot(w, a->section_next);
            if (n > 100000) damage(r, "[%s] the list of its actors has no end", s->name);
        }
        if (s->stats[i]->v[STAT_ACTORS] != (int64_t)n)
            damage(r, "[%s] counts %lld actors, and has %u", s->name,
                   (long long)s->stats[i]->v[STAT_ACTORS], n);
    }
    if (memory < 0) damage(r, "[%s] counts %lld bytes", s->name, (long long)memory);
    if (l && memory > l->memory_max)
        damage(r, "[%s] has %lld bytes, memory_max is %lld", s->name, (long long)memory,
               (long long)l->memory_max);
    if (l && atomic_load(&s->streams) > (uint64_t)l->streams_max)
        damage(r, "[%s] has more streams than streams_max", s->name);
}

void check_generation(struct run *r, const struct generation *g)
{
    for (struct section *s = g->service->sections; s; s = s->next) check_section(r, s);
}
