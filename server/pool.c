/* SPDX-License-Identifier: GPL-3.0-or-later
 * pool.c - memory of one worker, by size class.
 *
 * Small things (actors, chunks' heads) come in steps of 16 bytes out of slabs, larger ones in
 * powers of two. What is given back is taken again first, so that it is still in the cache. The
 * giver says the size, so blocks carry no header.
 * Promise: no lock, no zeroing. Slabs stay with the pool until it is freed; of each larger class at
 * most KEEP_BYTES are kept. A plain pool makes every block a malloc of its own, so that a sanitizer
 * sees its bounds, and a test can refuse each one.
 */
#include <stdlib.h>

#include "core.h"
#include "poison.h"

enum {
    PLAIN = POISON, /* then redzones and the quarantine of malloc find more than poison would */
    STEP = 16,
    SMALL = 1024,
    SMALL_CLASSES = SMALL / STEP,
    SLAB = 64 * 1024,
    LARGE_FIRST = 11, /* 2^11 … 2^20 */
    LARGE_CLASSES = 10,
    KEEP_BYTES = 1024 * 1024,
};

struct free_block {
    struct free_block *next;
};
struct slab {
    struct slab *next;
    uint64_t align;
};
struct pool {
    struct free_block *small[SMALL_CLASSES];
    struct free_block *large[LARGE_CLASSES];
    uint32_t large_n[LARGE_CLASSES];
    struct slab *slabs;
    uint8_t *bump;
    size_t bump_left;
    uint64_t in_use;
    bool plain;
};

bool pool_plain = PLAIN;

struct pool *pool_make(void)
{
    struct pool *p = calloc(1, sizeof *p);
    if (p) p->plain = pool_plain;
    return p;
}

void pool_free(struct pool *p)
{
    for (int i = 0; i < LARGE_CLASSES; i++)
        for (struct free_block *b = p->large[i], *next; b; b = next) next = b->next, free(b);
    for (struct slab *s = p->slabs, *next; s; s = next) next = s->next, free(s);
    free(p);
}

uint64_t pool_in_use(const struct pool *p)
{
    return p->in_use;
}

static void *small_take(struct pool *p, size_t n)
{
    size_t class = (n + STEP - 1) / STEP - 1, size = (class + 1) * STEP;
    struct free_block *b = p->small[class];
    if (b) {
        p->small[class] = b->next;
        return b;
    }
    if (p->bump_left < size) {
        struct slab *s = malloc(SLAB);
        if (!s) return NULL;
        s->next = p->slabs;
        p->slabs = s;
        p->bump = (uint8_t *)(s + 1);
        p->bump_left = SLAB - sizeof *s;
    }
    void *at = p->bump;
    p->bump += size;
    p->bump_left -= size;
    return at;
}

static int large_class(size_t n)
{
    int class = 0;
    while (class < LARGE_CLASSES && (size_t)1 << (class + LARGE_FIRST) < n) class++;
    return class;
}

static void *large_take(struct pool *p, size_t n)
{
    int class = large_class(n);
    if (class == LARGE_CLASSES) return malloc(n);
    struct free_block *b = p->large[class];
    if (!b) return malloc((size_t)1 << (class + LARGE_FIRST));
    p->large[class] = b->next;
    p->large_n[class]--;
    return b;
}

void *pool_take(struct worker *w, size_t n)
{
    struct pool *p = w->pool;
    void *at;
    if (!n) n = 1;
    if (p->plain) at = malloc(n);
    else at = n <= SMALL ? small_take(p, n) : large_take(p, n);
    if (at) p->in_use += n;
    return at;
}

void *pool_zero(struct worker *w, size_t n)
{
    void *at = pool_take(w, n);
    if (at) memset(at, 0, n);
    return at;
}

void pool_give(struct worker *w, void *at, size_t n)
{
    struct pool *p = w->pool;
    struct free_block *b = at;
    if (!at) return;
    if (!n) n = 1;
    if (p->in_use < n) bug(__func__, "more given than taken");
    p->in_use -= n;
    if (p->plain) {
        free(at);
    } else if (n <= SMALL) {
        size_t class = (n + STEP - 1) / STEP - 1;
        b->next = p->small[class];
        p->small[class] = b;
    } else {
        int class = large_class(n);
        if (class == LARGE_CLASSES ||
            p->large_n[class] >= (uint32_t)(KEEP_BYTES >> (class + LARGE_FIRST))) {
            free(at);
            return;
        }
        b->next = p->large[class];
        p->large[class] = b;
        p->large_n[class]++;
    }
}
