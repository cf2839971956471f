/* SPDX-License-Identifier: GPL-3.0-or-later
 * client_desk.c - asks a desk whose clerk pauses, and which itself pauses: each item comes back
 * once, and in order. What the desk is told beside that has no answer.
 */
#include <stdlib.h>

#include "scenario.h"

struct desk {
    uint64_t asked, got, ends[16]; /* items; ends: of each request */
};

static uint64_t pick(struct client *c, uint64_t n)
{
    return sim_random(&c->random) % n;
}

static void put_line(gyre_out *o, gyre_view verb, uint64_t a, uint64_t b)
{
    gyre_put(o, verb);
    gyre_put_dec(o, a);
    gyre_put_byte(o, ' ');
    gyre_put_dec(o, b);
    gyre_put_byte(o, '\n');
}

/* Long ones in tight runs: while the desk rests they are more than it may hold. */
static void put_notes(struct run *r, struct client *c, gyre_out *o, uint64_t n)
{
    while (n--) {
        gyre_put(o, GYRE_LIT("note "));
        for (uint64_t more = pick(c, r->plan.tight ? 800 : 20); more; more--) gyre_put_byte(o, '.');
        gyre_put_byte(o, '\n');
    }
}

static bool ask(struct run *r, struct client *c, gyre_out *o)
{
    struct desk *d = c->state;
    put_notes(r, c, o, pick(c, 3));
    if (pick(c, 3) == 0) put_line(o, GYRE_LIT("hold "), pick(c, 400), 0);
    if (pick(c, 3) == 0) put_line(o, GYRE_LIT("rest "), pick(c, 400), 0);
    put_notes(r, c, o, pick(c, 3));
    for (uint64_t n = 1 + pick(c, 4); n; n--)
        put_line(o, GYRE_LIT("item "), c->number, d->asked++);
    if (pick(c, 3) == 0) put_line(o, GYRE_LIT("rest "), pick(c, 400), 0);
    put_notes(r, c, o, pick(c, 30));
    d->ends[c->asked] = d->asked;
    return true;
}

static bool answer(struct run *r, struct client *c, gyre_view *v)
{
    struct desk *d = c->state;
    gyre_view line, word;
    uint64_t number = 0, item = 0;
    if (!gyre_line(v, &line)) return false;
    const gyre_view whole = line;
    if (r->plan.harsh && gyre_skip(&line, GYRE_LIT("! "))) {
        c->answered = c->most; /* without memory an item may be lost */
        return true;
    }
    if (!gyre_until(&line, ' ', &word) || !gyre_dec(word, CLIENTS_MOST, &number) ||
        !gyre_dec(line, UINT32_MAX, &item) || number != c->number)
        damage(r, "client %u (desk) got what it did not ask for: %.*s", c->number,
               GYRE_ARG(whole));
    if (item != d->got && !r->plan.harsh)
        damage(r, "client %u (desk) got item %llu, and item %llu was due", c->number,
               (unsigned long long)item, (unsigned long long)d->got);
    client_got(c, d->got++, whole);
    while (c->answered < c->asked && d->ends[c->answered] <= d->got) c->answered++;
    return true;
}

static bool through(const struct client *c)
{
    return c->answered == c->most;
}

const struct client_kind client_desk = {.site = SITE_DESK, .name = "desk",
                                        .state_size = sizeof(struct desk), .ask = ask,
                                        .answer = answer, .through = through};
