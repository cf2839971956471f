/* SPDX-License-Identifier: GPL-3.0-or-later
 * arena.c - malloc for the core and the simulated kernel under the fuzzer, in place of alloc.c:
 * ASan's own is a third of an input's time.
 *
 * What nobody may touch is poisoned by hand: the head of a block, what is left of it behind its n
 * bytes (REDZONE at least), and all of it once it is freed, until many others of its size were.
 * Promise: reading or writing past a block, or after its end, traps as it does with malloc. A
 * report lacks who allocated and freed it: FUZZ_MALLOC makes every block a malloc again, for that.
 * Limits: one thread; ARENA bytes in all; a block that came from elsewhere may be given to
 * core_free.
 */
#include <sanitizer/asan_interface.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "alloc.h"
#include "fuzz.h"

void *core_malloc(size_t n);
void *core_calloc(size_t count, size_t n);
void *core_realloc(void *old, size_t n);
void core_free(void *p);

enum {
    STEP = 64, SMALL = 16 * STEP, /* classes by 64 bytes, then by powers of two */
    SMALL_CLASSES = SMALL / STEP, LARGE_CLASSES = 15, CLASSES = SMALL_CLASSES + LARGE_CLASSES,
    REDZONE = 16, FILL = 64,
    REST_BYTES = 32 * 1024, REST_LEAST = 4, REST_MOST = 64, /* freed, before one is used again */
    TAKEN = 0x7a6e, FREED = 0xf4ee,
};
#define ARENA ((size_t)1 << 32)

struct head {
    struct head *next;
    uint32_t n;
    uint16_t class, state;
};
_Static_assert(sizeof(struct head) == 16, "blocks are aligned as malloc's are");

struct row { /* freed blocks of one class, oldest first */
    struct head *first, **end;
    uint32_t n, rest;
};
static struct {
    uint8_t *at, *bump;
    struct row rows[CLASSES];
    uint64_t live;
    bool off;
} all;

static size_t size_of(unsigned class)
{
    return class < SMALL_CLASSES ? (class + 1) * (size_t)STEP
                                 : (size_t)SMALL << (class - SMALL_CLASSES + 1);
}

static unsigned class_of(size_t size)
{
    if (size <= SMALL) return (unsigned)((size + STEP - 1) / STEP - 1);
    return SMALL_CLASSES + (unsigned)(63 - __builtin_clzll((size - 1) / SMALL));
}

static void begin(void)
{
    all.off = getenv("FUZZ_MALLOC") != NULL;
    all.at = mmap(NULL, ARENA, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (all.at == MAP_FAILED) abort();
    all.bump = all.at;
    for (unsigned i = 0; i < CLASSES; i++) {
        size_t rest = REST_BYTES / size_of(i);
        all.rows[i].end = &all.rows[i].first;
        all.rows[i].rest = rest < REST_LEAST ? REST_LEAST : rest > REST_MOST ? REST_MOST
                                                                             : (uint32_t)rest;
    }
}

static struct head *fresh(unsigned class)
{
    size_t size = size_of(class);
    struct head *h = (struct head *)(void *)all.bump;
    if (size > ARENA - (size_t)(all.bump - all.at)) return NULL;
    all.bump += size;
    __asan_poison_memory_region(h, size);
    return h;
}

/* Whole words, as far as blocks go: memset would be ASan's, which looks at each byte first. */
static void fill(void *p, uint64_t with, size_t n)
{
    volatile uint64_t *at = p;
    for (size_t i = 0; i < n; i += sizeof with) *at++ = with;
}

void *core_malloc(size_t n)
{
    if (!all.at) begin();
    if (all.off) return malloc(n ? n : 1);
    size_t size = sizeof(struct head) + (n ? n : 1) + REDZONE;
    if (n > ARENA || class_of(size) >= CLASSES) return NULL;
    unsigned class = class_of(size);
    struct row *row = &all.rows[class];
    struct head *h = row->first;
    if (row->n > row->rest) {
        row->first = h->next;
        row->n--;
    } else {
        h = fresh(class);
        if (!h) return NULL;
    }
    *h = (struct head){.n = (uint32_t)(n ? n : 1), .class = (uint16_t)class, .state = TAKEN};
    __asan_unpoison_memory_region(h + 1, h->n);
    fill(h + 1, 0xbebebebebebebebe, h->n < FILL ? h->n : FILL);
    all.live++;
    return h + 1;
}

static struct head *head_of(const void *p, const char *call)
{
    struct head *h = (struct head *)(uintptr_t)p - 1;
    if (h->state != TAKEN) fuzz_wrong("memory", "%s of a block that is none, or was freed", call);
    return h;
}

static bool is_ours(const void *p)
{
    return (uintptr_t)p - (uintptr_t)all.at < ARENA && all.at;
}

void core_free(void *p)
{
    if (!is_ours(p)) return free(p);
    struct head *h = head_of(p, "free");
    struct row *row = &all.rows[h->class];
    __asan_poison_memory_region(p, h->n);
    h->state = FREED;
    h->next = NULL;
    if (row->n++) *row->end = h;
    else row->first = h;
    row->end = &h->next;
    all.live--;
}

void *core_calloc(size_t count, size_t n)
{
    size_t all_of_it;
    if (__builtin_mul_overflow(count, n, &all_of_it)) return NULL;
    void *p = core_malloc(all_of_it);
    if (p) fill(p, 0, all_of_it);
    return p;
}

void *core_realloc(void *old, size_t n)
{
    if (!old) return core_malloc(n);
    if (!is_ours(old)) return realloc(old, n ? n : 1);
    size_t was = head_of(old, "realloc")->n;
    void *p = core_malloc(n);
    if (!p) return NULL;
    memcpy(p, old, was < n ? was : n);
    core_free(old);
    return p;
}

uint64_t alloc_live(void)
{
    return all.live;
}
