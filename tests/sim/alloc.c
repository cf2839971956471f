/* SPDX-License-Identifier: GPL-3.0-or-later
 * alloc.c - malloc and its like for the core under test: a table of live blocks, and failures.
 *
 * Owns no memory but its table: blocks come from the C library, so sanitizers see them as ever.
 * Promise: a block that came from elsewhere (a library's) may be given to core_free.
 * Limits: memory. Any thread; one lock. What is made of these four: alloc_more.c.
 */
#include "alloc.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base.h"

void *core_malloc(size_t n);
void *core_calloc(size_t count, size_t n);
void *core_realloc(void *old, size_t n);
void core_free(void *p);

struct live {
    uintptr_t p; /* 0: free place */
    size_t n;
    uint32_t owner;
};
static struct {
    pthread_mutex_t lock;
    struct live *at;
    size_t cap, used; /* cap: a power of two, at most half of it used */
    uint64_t bytes, calls, failed, fail_at, chance, places;
    uint32_t per_million, held, owner;
    bool for_good;
    void (*tell)(void);
} all = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* ---- the table: open addressing; removal moves what follows back ---- */

static size_t home_of(uintptr_t p)
{
    return (size_t)((p >> 4) * 0x9e3779b97f4a7c15u >> 20) & (all.cap - 1);
}

static void put(struct live block)
{
    size_t i = home_of(block.p);
    while (all.at[i].p) i = (i + 1) & (all.cap - 1);
    all.at[i] = block;
}

static void grow(void)
{
    struct live *old = all.at;
    size_t n = all.cap;
    all.cap = n ? 2 * n : 1024;
    all.at = sim_need(calloc(all.cap, sizeof *all.at));
    for (size_t i = 0; i < n; i++)
        if (old[i].p) put(old[i]);
    free(old);
}

static void note(void *p, size_t n)
{
    if (2 * (all.used + 1) > all.cap) grow();
    put((struct live){(uintptr_t)p, n, all.owner});
    all.used++;
    all.bytes += n;
}

/* false: it is not ours */
static bool forget(void *p)
{
    size_t mask = all.cap - 1, i, gap;
    if (!all.cap) return false;
    for (i = home_of((uintptr_t)p); all.at[i].p != (uintptr_t)p; i = (i + 1) & mask)
        if (!all.at[i].p) return false;
    all.used--;
    all.bytes -= all.at[i].n;
    for (gap = i;;) {
        i = (i + 1) & mask;
        if (!all.at[i].p) break;
        if (((i - home_of(all.at[i].p)) & mask) < ((i - gap) & mask)) continue;
        all.at[gap] = all.at[i];
        gap = i;
    }
    all.at[gap].p = 0;
    return true;
}

/* ---- failing ---- */

static bool fails(void)
{
    if (all.held) return false;
    all.calls++;
    bool now = all.fail_at && (all.calls == all.fail_at ||
                               (all.for_good && all.calls > all.fail_at));
    if (all.per_million && sim_random(&all.chance) % 1000000 < all.per_million) now = true;
    all.failed += now;
    if (now && all.tell) all.tell();
    return now;
}

/* One of a few blocks, so that addresses say nothing of the order of calls. */
static void *somewhere(size_t n, bool zero)
{
    enum { MOST = 4 };
    void *some[MOST];
    size_t count = all.places ? 1 + (size_t)(sim_random(&all.places) % MOST) : 1;
    size_t taken = all.places ? (size_t)(sim_random(&all.places) % count) : 0;
    for (size_t i = 0; i < count; i++) some[i] = zero ? calloc(1, n) : malloc(n);
    for (size_t i = 0; i < count; i++)
        if (i != taken) free(some[i]);
    return some[taken];
}

static void *take(void *old, size_t n, bool zero)
{
    void *p = NULL;
    pthread_mutex_lock(&all.lock);
    if (!fails()) {
        if (old && !forget(old)) sim_wrong("realloc of a block that is none");
        p = old ? realloc(old, n ? n : 1) : somewhere(n ? n : 1, zero);
        note(sim_need(p), n);
    }
    pthread_mutex_unlock(&all.lock);
    return p;
}

void *core_malloc(size_t n)
{
    return take(NULL, n, false);
}

void *core_calloc(size_t count, size_t n)
{
    size_t all_of_it;
    if (__builtin_mul_overflow(count, n, &all_of_it)) return NULL;
    return take(NULL, all_of_it ? all_of_it : 1, true);
}

void *core_realloc(void *old, size_t n)
{
    return take(old, n, false);
}

void core_free(void *p)
{
    if (!p) return;
    pthread_mutex_lock(&all.lock);
    (void)forget(p);
    pthread_mutex_unlock(&all.lock);
    free(p);
}

/* ---- for tests ---- */

uint64_t alloc_calls(void)
{
    return all.calls;
}

uint64_t alloc_failed(void)
{
    return all.failed;
}

void alloc_reset(void)
{
    all.calls = all.failed = all.fail_at = 0;
    all.per_million = all.held = 0;
    all.for_good = false;
}

void alloc_fail_at(uint64_t n, bool for_good)
{
    all.fail_at = n ? all.calls + n : 0;
    all.for_good = for_good;
}

void alloc_tell(void (*tell)(void))
{
    all.tell = tell;
}

void alloc_fail_often(uint64_t seed, uint32_t per_million)
{
    all.chance = seed;
    all.per_million = per_million;
}

void alloc_elsewhere(uint64_t seed)
{
    all.places = seed;
}

void alloc_hold(void)
{
    all.held++;
}

void alloc_go_on(void)
{
    all.held--;
}

uint64_t alloc_live(void)
{
    return all.used;
}

uint64_t alloc_live_bytes(void)
{
    return all.bytes;
}

uint64_t alloc_live_of(uint32_t process)
{
    uint64_t n = 0;
    for (size_t i = 0; i < all.cap; i++) n += all.at[i].p && all.at[i].owner == process;
    return n;
}

uint32_t alloc_owner(uint32_t process)
{
    uint32_t was = all.owner;
    all.owner = process;
    return was;
}

void alloc_crash(uint32_t process)
{
    for (size_t i = 0; i < all.cap;) {
        void *p = (void *)all.at[i].p;
        if (!p || all.at[i].owner != process) {
            i++;
            continue;
        }
        (void)forget(p); /* another may have moved to this place: it is looked at again */
        free(p);
    }
}
