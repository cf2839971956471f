/* SPDX-License-Identifier: GPL-3.0-or-later
 * shadow.c - what plugins wrote to each stream, to be compared with what came to its peer.
 *
 * A table stands before the host's own: write and write_buf note what the host accepted. A file is
 * noted by what it contains at that moment: it is immutable, whoever replaces it makes another.
 * Promise: what a client got is a beginning of what was written to its stream, nothing else, in
 * order, once.
 * Limits: streams that a plugin links are not looked at: there the host writes by itself.
 */
#include <stdlib.h>

#include "../../server/blocking.h"
#include "scenario.h"

struct stream_shadow {
    uint8_t *p;
    size_t n, cap, seen; /* seen: the client has it already */
};
static struct {
    struct run *run;
    struct stream_shadow *at; /* by descriptor */
    size_t n;
    struct gyre_api api;
} all;

static void *need(void *p)
{
    if (!p) abort();
    return p;
}

static struct stream_shadow *shadow_of(int fd)
{
    size_t i = (size_t)(fd - SIM_FD_FIRST);
    if (fd < SIM_FD_FIRST) return NULL;
    if (i >= all.n) {
        size_t n = 2 * i + 64;
        all.at = need(realloc(all.at, n * sizeof *all.at));
        memset(all.at + all.n, 0, (n - all.n) * sizeof *all.at);
        all.n = n;
    }
    return &all.at[i];
}

static uint8_t *room(struct stream_shadow *s, size_t n)
{
    if (s->cap - s->n < n) {
        s->cap = 2 * (s->n + n);
        s->p = need(realloc(s->p, s->cap));
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
    int fd = fd_of(pub), res = host_api.write(pub, v);
    struct stream_shadow *s = accepted(res) ? shadow_of(fd) : NULL;
    if (s && v.n) memcpy(room(s, v.n), v.p, v.n);
    return res;
}

static int shadow_write_buf(struct gyre_actor *pub, struct gyre_buf *b, uint64_t at, uint64_t n)
{
    int fd = fd_of(pub), res = host_api.write_buf(pub, b, at, n);
    struct stream_shadow *s = accepted(res) ? shadow_of(fd) : NULL;
    const struct bytes_core *core = ((struct buf *)(void *)b)->core;
    if (!s || !n) return res;
    uint8_t *to = room(s, (size_t)n);
    if (core->p) {
        memcpy(to, core->p + at, (size_t)n);
        return res;
    }
    sim_calm(all.run->sim, true);
    if (blocking->read(core->fd, to, (size_t)n, at) != (int64_t)n) abort();
    sim_calm(all.run->sim, false);
    return res;
}

const struct gyre_api *shadow_api(void)
{
    all.api = host_api;
    all.api.write = shadow_write;
    all.api.write_buf = shadow_write_buf;
    return &all.api;
}

void shadow_begin(struct run *r)
{
    all.run = r;
}

void shadow_end(void)
{
    for (size_t i = 0; i < all.n; i++) free(all.at[i].p);
    free(all.at);
    all.at = NULL;
    all.n = 0;
}

void shadow_check(struct run *r, struct client *c)
{
    gyre_view got = sim_all(c->end);
    struct stream_shadow *s = shadow_of(c->fd);
    if (!s || got.n == s->seen) return;
    if (got.n > s->n)
        damage(r, "client %u (%s) got %zu bytes, but only %zu were written", c->number,
               c->kind->name, got.n, s->n);
    if (memcmp(s->p + s->seen, got.p + s->seen, got.n - s->seen) != 0)
        damage(r, "client %u (%s) got other bytes than were written, behind byte %zu", c->number,
               c->kind->name, s->seen);
    s->seen = got.n;
}
