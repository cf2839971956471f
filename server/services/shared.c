/* SPDX-License-Identifier: GPL-3.0-or-later
 * shared.c - "shared/1": immutable bytes that all workers read while they are replaced.
 *
 * Readers take a pointer and nothing else. What was replaced waits until every worker has been
 * outside of callbacks once: each worker counts its turns, odd inside, even while it waits.
 * Limits: LIMIT_CELLS a section. What waits is looked at with each publish, and freed at the latest
 * with the section.
 */
#include "services/shared.h"

#include <stdlib.h>

#include "../service.h"

struct copy { /* what a cell points to: its view is first */
    gyre_view view;
    struct copy *next; /* retired */
    uint64_t turns[LIMIT_WORKERS];
    uint64_t loads; /* on_load may read, too */
    _Alignas(16) uint8_t bytes[];
};
struct cell {
    struct gyre_cell pub;
    struct cell *next;
    struct section *section;
    size_t name_n;
    uint8_t name[];
};
struct cells {
    struct cell *first;
    struct copy *retired;
    uint32_t n;
};

static struct gyre_cell *cell_of(struct gyre_section *pub, gyre_view name)
{
    struct section *s = (struct section *)(void *)pub;
    struct cell *c;
    ALIVE(s, SECTION);
    pthread_mutex_lock(&s->service->lock);
    if (!s->cells) s->cells = calloc(1, sizeof *s->cells);
    for (c = s->cells ? s->cells->first : NULL; c; c = c->next)
        if (gyre_eq(name, (gyre_view){c->name, c->name_n})) break;
    if (!c && s->cells && s->cells->n < LIMIT_CELLS && name.n && name.n <= LIMIT_TOPIC) {
        c = calloc(1, sizeof *c + name.n);
        if (c) {
            *c = (struct cell){.next = s->cells->first, .section = s, .name_n = name.n};
            memcpy(c->name, name.p, name.n);
            s->cells->first = c;
            s->cells->n++;
        }
    }
    pthread_mutex_unlock(&s->service->lock);
    return c ? &c->pub : NULL;
}

static bool unseen(const struct service *sv, const struct copy *c)
{
    for (uint32_t i = 0; i < sv->workers_n; i++) {
        uint64_t then = c->turns[i];
        if (then & 1 && atomic_load_explicit(&sv->workers[i]->turn, memory_order_acquire) == then)
            return false;
    }
    return !(c->loads & 1) || atomic_load(&sv->loads) != c->loads;
}

static void free_unseen(struct service *sv, struct cells *cells)
{
    for (struct copy **at = &cells->retired; *at;) {
        struct copy *c = *at;
        if (!unseen(sv, c)) {
            at = &c->next;
            continue;
        }
        *at = c->next;
        free(c);
    }
}

static int publish(struct gyre_cell *pub, const gyre_view *was, gyre_view data)
{
    struct cell *cell = (struct cell *)(void *)pub;
    struct service *sv = cell->section->service;
    struct copy *c = data.n > SIZE_MAX / 2 ? NULL : malloc(sizeof *c + data.n);
    struct copy *old = (struct copy *)(uintptr_t)was;
    int res = GYRE_OK;
    if (!c) return GYRE_FULL;
    c->view = (gyre_view){c->bytes, data.n};
    if (data.n) memcpy(c->bytes, data.p, data.n);
    pthread_mutex_lock(&sv->lock);
    if (__atomic_load_n(&pub->now, __ATOMIC_RELAXED) == was) {
        __atomic_store_n(&pub->now, &c->view, __ATOMIC_SEQ_CST);
        c = NULL;
        if (old) {
            for (uint32_t i = 0; i < sv->workers_n; i++)
                old->turns[i] = sv->workers[i] ? atomic_load(&sv->workers[i]->turn) : 0;
            old->loads = atomic_load(&sv->loads);
            old->next = cell->section->cells->retired;
            cell->section->cells->retired = old;
        }
    } else {
        res = GYRE_EXISTS;
    }
    free_unseen(sv, cell->section->cells);
    pthread_mutex_unlock(&sv->lock);
    free(c);
    return res;
}

void cells_free(struct section *s)
{
    struct cells *cells = s->cells;
    if (!cells) return;
    while (cells->retired) {
        struct copy *c = cells->retired;
        cells->retired = c->next;
        free(c);
    }
    while (cells->first) {
        struct cell *c = cells->first;
        cells->first = c->next;
        free((void *)(uintptr_t)c->pub.now);
        free(c);
    }
    free(cells);
    s->cells = NULL;
}

const struct gyre_shared shared_table = {.size = sizeof shared_table, .cell = cell_of,
                                         .publish = publish};
