/* SPDX-License-Identifier: GPL-3.0-or-later
 * check.c - what must be true of a service between two turns.
 *
 * Promise: looks only; changes nothing.
 */
#include "queue.h"
#include "scenario.h"
#include "stream.h"

static const struct generation *generation_of(const struct run *r, const struct ring *ring,
                                              const struct worker **w)
{
    for (size_t g = 0; g < GENERATIONS; g++) {
        const struct service *s = r->gens[g].service;
        for (uint32_t i = 0; s && i < s->workers_n; i++) {
            *w = s->workers[i];
            if (*w && (*w)->ring == ring) return &r->gens[g];
        }
    }
    return NULL;
}

bool check_alive(void *user, const struct ring *ring, uint64_t op)
{
    const struct worker *w = NULL;
    uint32_t slot = (uint32_t)(op >> 32) & 0xffffff;
    if (!generation_of(user, ring, &w)) return true; /* it is being made */
    return slot < w->slots_n && (uint32_t)w->slots[slot].id == (uint32_t)op;
}

static size_t held_of(const struct stream *s)
{
    return s->in ? s->in->to - s->in->from : 0;
}

static void check_stream(struct run *r, struct actor *a)
{
    const struct stream *s = stream_of(a);
    const struct limits *l = &a->version->limits;
    uint64_t out_most = (uint64_t)l->out_max, in_most = (uint64_t)l->in_max;
    if (in_most < (uint64_t)l->message_max) in_most = (uint64_t)l->message_max;
    in_most += (uint64_t)RING_BUFFERS * RING_BUFFER_SIZE; /* what the ring had by then */
    /* A shared buffer may be longer than out_max when it is alone; a piece of a file is added. */
    if (section_of(a)->id == SITE_HTTP + 1u) out_most += LIMIT_FILE_CACHED + LIMIT_FILE_CHUNK;
    if (s->out.bytes > out_most)
        damage(r, "[%s] %u bytes are queued for one peer, out_max is %llu", a->pub.section->name,
               s->out.bytes, (unsigned long long)out_most);
    if (held_of(s) > in_most)
        damage(r, "[%s] %zu bytes of one peer are held, %llu may be", a->pub.section->name,
               held_of(s), (unsigned long long)in_most);
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
