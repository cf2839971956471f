/* SPDX-License-Identifier: GPL-3.0-or-later
 * client_echo.c - asks echo: what comes back is what was sent, byte for byte.
 */
#include <stdlib.h>

#include "scenario.h"

struct echo {
    uint64_t wants;      /* bytes that are still to come back */
    uint64_t send, check; /* two rows of the same numbers */
    size_t sent, got;    /* of the words of each row, the bytes used */
    uint64_t send_word, check_word;
    uint64_t ends[16];   /* where each request ends, in bytes from the start */
    uint64_t all_sent, all_got;
};

static void begin(struct run *r, struct client *c)
{
    struct echo *e = c->state;
    (void)r;
    e->send = e->check = c->random ^ 0xec0;
}

static uint8_t next(uint64_t *row, uint64_t *word, size_t *used)
{
    if (*used % 8 == 0) *word = sim_random(row);
    return (uint8_t)(*word >> 8 * (*used)++ % 8);
}

static bool ask(struct run *r, struct client *c, gyre_out *o)
{
    struct echo *e = c->state;
    static const uint32_t sizes[] = {1, 20, 200, 2000, 9000, 20000};
    uint64_t choices = r->plan.tight && !c->slow ? 4 : 6;
    uint64_t n = 1 + sim_random(&c->random) % sizes[sim_random(&c->random) % choices];
    for (uint64_t i = 0; i < n; i++) gyre_put_byte(o, next(&e->send, &e->send_word, &e->sent));
    e->all_sent += n;
    e->ends[c->asked] = e->all_sent;
    return true;
}

static bool answer(struct run *r, struct client *c, gyre_view *v)
{
    struct echo *e = c->state;
    for (size_t i = 0; i < v->n; i++, e->all_got++) {
        if (e->all_got == e->all_sent)
            damage(r, "client %u (echo) got more than it sent", c->number);
        if (v->p[i] != next(&e->check, &e->check_word, &e->got))
            damage(r, "client %u (echo): byte %llu is not what was sent", c->number,
                   (unsigned long long)e->all_got);
    }
    (void)gyre_all(v);
    uint32_t before = c->answered;
    while (c->answered < c->asked && e->ends[c->answered] <= e->all_got) c->answered++;
    return c->answered > before;
}

static bool through(const struct client *c)
{
    return c->answered == c->most;
}

const struct client_kind client_echo = {.site = SITE_ECHO, .name = "echo",
                                        .state_size = sizeof(struct echo), .begin = begin,
                                        .ask = ask, .answer = answer, .through = through};
