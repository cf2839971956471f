/* SPDX-License-Identifier: MIT
 * shared.h - "shared/1": immutable data for all workers, replaced whole while readers go on:
 * a routing table, a set of banned addresses, a topic tree.
 */
#ifndef GYRE_SHARED_H
#define GYRE_SHARED_H
#include "../gyre.h"

struct gyre_cell {
    const gyre_view *now; /* read it with gyre_read */
};

struct gyre_shared {
    uint32_t size;

    /* The cell of that name of the section, made at the first call, holding nothing. It lives as
     * long as the section. NULL: over 256 cells, or no memory. [any] */
    struct gyre_cell *(*cell)(struct gyre_section *, gyre_view name);

    /* Replaces what the cell holds by a copy of data, if it still holds `was` (a value of gyre_read
     * in this same callback, or NULL); else GYRE_EXISTS: somebody was first, read again. The host
     * frees the old bytes once no callback on any worker can still see them. The copy is aligned
     * for any type, and must hold no pointers into itself: use offsets. GYRE_FULL: no memory.
     * [worker], and in on_load */
    int (*publish)(struct gyre_cell *, const gyre_view *was, gyre_view data);
};

/* What the cell holds, or NULL. Valid until the callback returns. [worker], and in on_load */
static inline const gyre_view *gyre_read(const struct gyre_cell *c)
{
    return __atomic_load_n(&c->now, __ATOMIC_ACQUIRE);
}
#endif
