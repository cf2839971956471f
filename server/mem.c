/* SPDX-License-Identifier: GPL-3.0-or-later
 * mem.c - memory that actors own, counted bytes, and builders.
 *
 * A block has a header of 16 bytes and a place in its owner's list, so that it goes with its owner.
 * Counted bytes (struct bytes_core) are shared by any number of names (struct buf) on any thread;
 * a name belongs to one actor, so names are never counted across cores.
 * Promise: growth is zeroed; a foreign or stale pointer is a bug of the plugin, and named.
 * Limits: the section's memory_max, checked against each worker's share first, so that the count
 * costs no shared cache line.
 */
#include <stdlib.h>

#include "blocking.h"
#include "core.h"

enum { BLOCK_MAGIC = 0x0b10c4ed, BUF_MAGIC = 0x0b0ff3a1 };

struct block {
    uint32_t magic, index;
    uint64_t n;
};
struct outspace {
    struct outspace *next;
    struct worker *worker;
    struct section *section;
    uint8_t *p;
    size_t cap, most;
};

/* ---- counting ---- */

bool memory_take(struct worker *w, struct section *s, uint64_t n)
{
    const struct version *v = s->current[w->index];
    _Atomic int64_t *mine = &s->stats[w->index]->v[STAT_MEMORY];
    int64_t most = v ? v->limits.memory_max : LIMIT_MEMORY, sum = 0;
    int64_t now = atomic_load_explicit(mine, memory_order_relaxed);
    if (n > (uint64_t)most) goto full;
    if (now + (int64_t)n > most / (int64_t)s->pub.workers) {
        for (uint32_t i = 0; i < s->pub.workers; i++)
            sum += atomic_load_explicit(&s->stats[i]->v[STAT_MEMORY], memory_order_relaxed);
        if (sum + (int64_t)n > most) goto full;
    }
    atomic_store_explicit(mine, now + (int64_t)n, memory_order_relaxed);
    return true;
full:
    count(w, s, STAT_HIT_MEMORY, 1);
    return false;
}

void memory_give(struct worker *w, struct section *s, uint64_t n)
{
    count(w, s, STAT_MEMORY, -(int64_t)n);
}

/* ---- blocks ---- */

static bool list_room(struct worker *w, void ***list, uint32_t n, uint32_t *cap)
{
    if (n < *cap) return true;
    uint32_t more = *cap ? *cap * 2 : 4;
    void **grown = pool_take(w, more * sizeof *grown);
    if (!grown) return false;
    if (n) memcpy(grown, *list, n * sizeof *grown);
    pool_give(w, *list, *cap * sizeof *grown);
    *list = grown;
    *cap = more;
    return true;
}

static void block_unlink(struct extra *x, struct block *b)
{
    struct block *last = x->blocks[--x->blocks_n];
    x->blocks[b->index] = last;
    last->index = b->index;
}

void *mem_block(struct worker *w, struct actor *owner, void *old, size_t n)
{
    struct extra *x = actor_extra(w, owner);
    struct section *s = section_of(owner);
    struct block *was = old ? (struct block *)old - 1 : NULL, *b = NULL;
    if (!x) return NULL;
    if (was && (was->magic != BLOCK_MAGIC || was->index >= x->blocks_n ||
                x->blocks[was->index] != was))
        bug("gyre->mem", "the old block is not one of this actor");
    if (n > SIZE_MAX / 2) return NULL;
    if (n) {
        size_t keep = was ? (was->n < n ? was->n : n) : 0;
        if (!memory_take(w, s, n)) return NULL;
        b = list_room(w, &x->blocks, x->blocks_n, &x->blocks_cap) ? pool_take(w, sizeof *b + n)
                                                                  : NULL;
        if (!b) {
            memory_give(w, s, n);
            return NULL;
        }
        *b = (struct block){BLOCK_MAGIC, x->blocks_n, n};
        if (keep) memcpy(b + 1, old, keep);
        memset((uint8_t *)(b + 1) + keep, 0, n - keep);
        x->blocks[x->blocks_n++] = b;
    }
    if (was) {
        block_unlink(x, was);
        memory_give(w, s, was->n);
        was->magic = 0;
        pool_give(w, was, sizeof *was + was->n);
    }
    return b ? b + 1 : NULL;
}

/* ---- counted bytes ---- */

static struct bytes_core *core_make(uint64_t n, size_t room)
{
    struct bytes_core *c = room > SIZE_MAX - sizeof *c ? NULL : malloc(sizeof *c + room);
    if (!c) return NULL;
    atomic_init(&c->count, 1);
    c->fd = -1;
    c->n = n;
    c->p = NULL;
    return c;
}

struct bytes_core *bytes_room(uint64_t n)
{
    struct bytes_core *c = core_make(n, n);
    if (c) c->p = (uint8_t *)(c + 1);
    return c;
}

struct bytes_core *bytes_make(gyre_view v)
{
    struct bytes_core *c = bytes_room(v.n);
    if (c && v.n) memcpy(c->p, v.p, v.n);
    return c;
}

struct bytes_core *bytes_of_file(int fd, uint64_t n)
{
    struct bytes_core *c = core_make(n, 0);
    if (c) c->fd = fd;
    else blocking->close(fd);
    return c;
}

struct bytes_core *borrow_bytes(struct bytes_core *c)
{
    atomic_fetch_add_explicit(&c->count, 1, memory_order_relaxed);
    return c;
}

void bytes_drop(struct bytes_core *c)
{
    if (!c || atomic_fetch_sub_explicit(&c->count, 1, memory_order_acq_rel) != 1) return;
    if (c->fd >= 0) blocking->close(c->fd);
    free(c);
}

struct buf *buf_make(struct worker *w, struct actor *owner, struct bytes_core *core)
{
    struct extra *x = actor_extra(w, owner);
    struct buf *b = x && core ? pool_zero(w, sizeof *b) : NULL;
    uint64_t cost = core && core->p ? core->n : 0;
    if (!b) goto fail;
    if (!memory_take(w, section_of(owner), cost)) goto fail;
    if (!list_room(w, (void ***)&x->bufs, x->bufs_n, &x->bufs_cap)) {
        memory_give(w, section_of(owner), cost);
        goto fail;
    }
    *b = (struct buf){.pub.bytes = {core->p, core->n}, .magic = BUF_MAGIC, .index = x->bufs_n,
                      .owner = owner, .core = core};
    x->bufs[x->bufs_n++] = b;
    return b;
fail:
    pool_give(w, b, sizeof *b);
    bytes_drop(core);
    return NULL;
}

struct buf *buf_check(struct gyre_buf *pub, const char *where)
{
    struct buf *b = (struct buf *)pub;
    if (!b || b->magic != BUF_MAGIC) bug(where, "that is no buffer, or it was dropped");
    return b;
}

void buf_name(struct buf *b, struct bytes_core *core)
{
    *b = (struct buf){.pub.bytes = {core->p, core->n}, .magic = BUF_MAGIC, .core = core};
}

void buf_forget(struct worker *w, struct buf *b)
{
    struct actor *owner = b->owner;
    struct extra *x = owner->extra;
    struct buf *last = x->bufs[--x->bufs_n];
    x->bufs[b->index] = last;
    last->index = b->index;
    memory_give(w, section_of(owner), b->core->p ? b->core->n : 0);
    bytes_drop(b->core);
    b->magic = 0;
    pool_give(w, b, sizeof *b);
}

void mem_free_all(struct worker *w, struct actor *a)
{
    struct extra *x = a->extra;
    if (!x) return;
    while (x->bufs_n) buf_forget(w, x->bufs[x->bufs_n - 1]);
    while (x->blocks_n) (void)mem_block(w, a, (struct block *)x->blocks[x->blocks_n - 1] + 1, 0);
    pool_give(w, x->bufs, x->bufs_cap * sizeof *x->bufs);
    pool_give(w, x->blocks, x->blocks_cap * sizeof *x->blocks);
    x->bufs = NULL;
    x->blocks = NULL;
    x->bufs_cap = x->blocks_cap = 0;
}

/* ---- builders ---- */

static bool out_grow(gyre_out *o, size_t more)
{
    struct outspace *s = o->owner;
    size_t cap = s->cap ? s->cap : 512, need;
    if (!s->worker->outs) bug("gyre_put", "a builder of gyre->out outlived its callback");
    if (__builtin_add_overflow(o->n, more, &need) || need > s->most) {
        count(s->worker, s->section, STAT_BUILD_FULL, 1);
        return false;
    }
    while (cap < need) cap *= 2;
    if (cap > s->most) cap = s->most;
    if (!memory_take(s->worker, s->section, cap)) return false;
    uint8_t *grown = pool_take(s->worker, cap);
    if (!grown) {
        memory_give(s->worker, s->section, cap);
        return false;
    }
    if (o->n) memcpy(grown, o->p, o->n);
    memory_give(s->worker, s->section, s->cap);
    pool_give(s->worker, s->p, s->cap);
    s->p = o->p = grown;
    s->cap = o->cap = cap;
    return true;
}

gyre_out out_make(struct worker *w, struct actor *a, size_t most)
{
    struct outspace *s = pool_zero(w, sizeof *s);
    if (!s) return (gyre_out){.full = true};
    *s = (struct outspace){w->outs, w, section_of(a), NULL, 0, most};
    w->outs = s;
    return (gyre_out){.grow = out_grow, .owner = s};
}

void outs_reset(struct worker *w)
{
    while (w->outs) {
        struct outspace *s = w->outs;
        w->outs = s->next;
        if (s->cap) memory_give(w, s->section, s->cap);
        pool_give(w, s->p, s->cap);
        pool_give(w, s, sizeof *s);
    }
}
