/* SPDX-License-Identifier: GPL-3.0-or-later
 * client_link.c - talks through a proxy to a peer that sends everything back.
 *
 * The first request links both sides; what follows must come back byte for byte.
 */
#include <stdlib.h>

#include "scenario.h"

struct link {
    uint64_t sent, got, ends[16];
};

static uint8_t byte_at(const struct client *c, uint64_t i)
{
    return (uint8_t)((i * 2654435761u >> 8) ^ c->number);
}

/* Without a descriptor it cannot dial. */
static void begin(struct run *r, struct client *c)
{
    if (r->plan.per_million[FAULT_NO_FDS]) c->excused = true;
}

static bool ask(struct run *r, struct client *c, gyre_out *o)
{
    struct link *l = c->state;
    (void)r;
    if (!c->asked) gyre_put(o, GYRE_LIT("both\n"));
    uint64_t n = 1 + sim_random(&c->random) % 5000;
    while (n--) gyre_put_byte(o, byte_at(c, l->sent++));
    l->ends[c->asked] = l->sent;
    return true;
}

static bool answer(struct run *r, struct client *c, gyre_view *v)
{
    struct link *l = c->state;
    uint32_t before = c->answered;
    struct generation *g = cluster_of(r, c->fd);
    /* The plugin says how the other side ended: when that fails, or leaves because it is idle. */
    if (g && g->draining) c->excused = true;
    if (r->plan.harsh || c->excused) return (void)gyre_all(v), false;
    for (size_t i = 0; i < v->n; i++, l->got++)
        if (l->got == l->sent || v->p[i] != byte_at(c, l->got))
            damage(r, "client %u (link): byte %llu is not what was sent", c->number,
                   (unsigned long long)l->got);
    (void)gyre_all(v);
    while (c->answered < c->asked && l->ends[c->answered] <= l->got) c->answered++;
    return c->answered > before;
}

static bool through(const struct client *c)
{
    return c->answered == c->most;
}

const struct client_kind client_link = {.site = SITE_LINK, .name = "link",
                                        .state_size = sizeof(struct link), .begin = begin,
                                        .ask = ask, .answer = answer, .through = through};
