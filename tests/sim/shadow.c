/* SPDX-License-Identifier: GPL-3.0-or-later
 * shadow.c - what plugins wrote to each stream, to be compared with what came to its peer.
 *
 * Owns a copy of all bytes written, by descriptor, between begin and end. One world at a time.
 * Promise: calls go on unchanged to the table behind. Limits: shadow.h.
 */
#include "shadow.h"

#include <stdlib.h>

#include "base.h"
#include "blocking.h"
#include "service.h"
#include "stream.h"

struct stream_shadow {
    uint8_t *p;
    size_t n, cap, seen; /* seen: was compared already */
    bool linked;
};
static struct {
    struct sim *sim; /* NULL: nothing is noted */
    struct stream_shadow *at; /* by descriptor */
    size_t n;
    const struct gyre_api *behind;
    struct gyre_api api;
} all;

static struct stream_shadow *shadow_of(int fd)
{
    size_t i = (size_t)(fd - SIM_FD_FIRST);
    if (fd < SIM_FD_FIRST || !all.sim) return NULL;
    if (i >= all.n) {
        size_t n = 2 * i + 64;
        all.at = sim_need(realloc(all.at, n * sizeof *all.at));
        memset(all.at + all.n, 0, (n - all.n) * sizeof *all.at);
        all.n = n;
    }
    return &all.at[i];
}

static uint8_t *room(struct stream_shadow *s, size_t n)
{
    if (s->cap - s->n < n) {
        s->cap = 2 * (s->n + n);
        s->p = sim_need(realloc(s->p, s->cap));
    }
    s->n += n;
    return s->p + s->n - n;
}

static int fd_of(struct gyre_actor *pub)
{
    struct actor *a = (struct actor *)(void *)pub;
    return a->flags & A_STREAM ? stream_of(a)->fd : -1;
}

static bool accepted(int res)
{
    return res == GYRE_OK || res == GYRE_AGAIN;
}

static int shadow_write(struct gyre_actor *pub, gyre_view v)
{
    int fd = fd_of(pub), res = all.behind->write(pub, v);
    struct stream_shadow *s = accepted(res) ? shadow_of(fd) : NULL;
    if (s && v.n) memcpy(room(s, v.n), v.p, v.n);
    return res;
}

static int shadow_write_buf(struct gyre_actor *pub, struct gyre_buf *b, uint64_t at, uint64_t n)
{
    int fd = fd_of(pub), res = all.behind->write_buf(pub, b, at, n);
    struct stream_shadow *s = accepted(res) ? shadow_of(fd) : NULL;
    const struct bytes_core *core = ((struct buf *)(void *)b)->core;
    if (!s || !n) return res;
    uint8_t *to = room(s, (size_t)n);
    if (core->p) {
        memcpy(to, core->p + at, (size_t)n);
        return res;
    }
    sim_calm(all.sim, true);
    if (blocking->read(core->fd, to, (size_t)n, at) != (int64_t)n)
        sim_wrong("a file that is sent has fewer bytes than were written");
    sim_calm(all.sim, false);
    return res;
}

static int shadow_link(struct gyre_actor *from, struct gyre_actor *to, uint64_t n)
{
    struct stream_shadow *s = to && n ? shadow_of(fd_of(to)) : NULL;
    if (s) s->linked = true;
    return all.behind->link(from, to, n);
}

const struct gyre_api *shadow_before(const struct gyre_api *behind)
{
    all.behind = behind;
    all.api = *behind;
    all.api.write = shadow_write;
    all.api.write_buf = shadow_write_buf;
    all.api.link = shadow_link;
    return &all.api;
}

void shadow_begin(struct sim *sim)
{
    all.sim = sim;
}

void shadow_end(void)
{
    for (size_t i = 0; i < all.n; i++) free(all.at[i].p);
    free(all.at);
    all.at = NULL;
    all.n = 0;
    all.sim = NULL;
}

bool shadow_holds(int fd, gyre_view came, char *why, size_t why_n)
{
    struct stream_shadow *s = shadow_of(fd);
    if (!s || s->linked || came.n == s->seen) return true;
    if (came.n > s->n) {
        snprintf(why, why_n, "got %zu bytes, but only %zu were written", came.n, s->n);
        return false;
    }
    if (memcmp(s->p + s->seen, came.p + s->seen, came.n - s->seen) == 0) s->seen = came.n;
    while (s->seen < came.n && s->p[s->seen] == came.p[s->seen]) s->seen++;
    if (s->seen == came.n) return true;
    snprintf(why, why_n, "got other bytes than were written, behind byte %zu", s->seen);
    return false;
}
