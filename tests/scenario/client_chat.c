/* SPDX-License-Identifier: GPL-3.0-or-later
 * client_chat.c - talks in a room of chat: nobody's line is changed, lost, doubled or out of order.
 *
 * Each line says who sent it and its number. Whoever saw one line of a sender sees all that follow,
 * as long as both stay.
 */
#include <stdlib.h>

#include "scenario.h"

struct chat {
    uint32_t last[CLIENTS_MOST]; /* the number of the last line of each, + 1; 0: none yet */
};

static bool ask(struct run *r, struct client *c, gyre_out *o)
{
    if (c->asked + 1 == c->most) {
        gyre_put(o, GYRE_LIT("/quit\n"));
    } else {
        gyre_put(o, GYRE_LIT("line "));
        gyre_put_dec(o, c->number);
        gyre_put_byte(o, ' ');
        gyre_put_dec(o, c->asked);
        gyre_put_byte(o, ' ');
        uint64_t n = sim_random(&c->random) % (r->plan.tight ? 900 : 200);
        while (n--) gyre_put_byte(o, 'x');
        gyre_put_byte(o, '\n');
    }
    c->answered = c->asked + 1; /* its own line does not come back */
    return true;
}

static bool answer(struct run *r, struct client *c, gyre_view *v)
{
    struct chat *chat = c->state;
    gyre_view line, word, nick;
    uint64_t from = 0, number = 0;
    if (!gyre_crlf(v, &line)) return false;
    const gyre_view whole = line;
    if (gyre_eq(line, GYRE_LIT("Welcome.")) || gyre_skip(&line, GYRE_LIT("* "))) return true;
    if (r->plan.harsh && gyre_skip(&line, GYRE_LIT("! too busy"))) return true;
    if (!gyre_until(&line, ' ', &nick) || !nick.n || nick.p[nick.n - 1] != ':' ||
        !gyre_skip(&line, GYRE_LIT("line ")) || !gyre_until(&line, ' ', &word) ||
        !gyre_dec(word, CLIENTS_MOST - 1, &from) || !gyre_until(&line, ' ', &word) ||
        !gyre_dec(word, 100, &number))
        damage(r, "client %u (chat) got a line that nobody said: %.*s", c->number,
               GYRE_ARG(whole));
    for (size_t i = 0; i < line.n; i++)
        if (line.p[i] != 'x') damage(r, "client %u (chat) got a changed line", c->number);
    if (from == c->number) damage(r, "client %u (chat) got its own line", c->number);
    uint32_t *last = &chat->last[from];
    if (*last && number < *last)
        damage(r, "client %u (chat) got line %llu of %llu after line %u", c->number,
               (unsigned long long)number, (unsigned long long)from, *last - 1);
    if (*last && number > *last && !c->excused && !r->plan.harsh)
        damage(r, "client %u (chat) did not get line %u of %llu", c->number, *last,
               (unsigned long long)from);
    *last = (uint32_t)number + 1;
    /* Not for comparing kernels: who hears whom while one comes or leaves is a matter of turns. */
    return true;
}

static bool through(const struct client *c)
{
    return c->asked == c->most && c->out_at == c->out_n;
}

const struct client_kind client_chat = {.site = SITE_CHAT, .name = "chat",
                                        .state_size = sizeof(struct chat), .ask = ask,
                                        .answer = answer, .through = through};
