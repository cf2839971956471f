/* SPDX-License-Identifier: GPL-3.0-or-later
 * moves.c - a plugin for tests of streams that move to another process.
 *
 * Each line is answered with its number on that stream: "3: text". no: from here on it does not
 * move · ask: a request stays open · pause: it rests. What it says of itself is a version, 1, and
 * the number; a number of 13 is refused.
 */
#include "gyre.h"

struct client {
    uint64_t lines;
    bool stays;
};

static void never(struct gyre_actor *a, const struct gyre_answer *answer)
{
    (void)a;
    (void)answer;
}

static enum gyre_step on_data(struct gyre_actor *a, gyre_view *in)
{
    struct client *c = GYRE_STATE(a, struct client);
    gyre_view line;
    if (!gyre_line(in, &line)) return GYRE_MORE;
    gyre_out o = gyre->out(a, line.n + 32);
    gyre_put_dec(&o, ++c->lines);
    gyre_put(&o, GYRE_LIT(": "));
    gyre_put(&o, line);
    gyre_put_byte(&o, '\n');
    gyre->write(a, gyre_built(&o));
    if (gyre_eq(line, GYRE_LIT("no"))) c->stays = true;
    if (gyre_eq(line, GYRE_LIT("pause"))) gyre->pause(a, true);
    if (gyre_eq(line, GYRE_LIT("ask")))
        (void)gyre->ask(a, gyre->ref(a->home), 1, GYRE_NOTHING, GYRE_SECONDS(60), 0, never);
    return GYRE_TOOK;
}

static void home_mail(struct gyre_actor *home, const struct gyre_mail *m)
{
    (void)home; /* it never replies */
    (void)m;
}

static bool on_save(struct gyre_actor *a, gyre_out *state)
{
    const struct client *c = GYRE_STATE(a, struct client);
    gyre_put_byte(state, 1);
    gyre_put_be(state, c->lines, 8);
    return !c->stays;
}

static bool on_restore(struct gyre_actor *a, gyre_view state)
{
    struct client *c = GYRE_STATE(a, struct client);
    gyre_in in = gyre_in_of(state);
    uint64_t version = gyre_be(&in, 1);
    c->lines = gyre_be(&in, 8);
    return gyre_end(&in) && version == 1 && c->lines != 13;
}

static const struct gyre_proto home = {GYRE_PROTO, .name = "home", .on_mail = home_mail};
static const struct gyre_proto stream = {GYRE_PROTO, .name = "client",
                                         .state_size = sizeof(struct client), .on_data = on_data,
                                         .on_save = on_save, .on_restore = on_restore};

GYRE_PLUGIN(.name = "moves", .version = "1", .flags = GYRE_WRITABLE_STATICS, .stream = &stream,
            .home = &home);
