/* SPDX-License-Identifier: GPL-3.0-or-later
 * drain.c - a plugin for tests of leaving without on_leave: idle actors close at once, busy ones
 * when they are through.
 *
 * hold MS: asks its home, and is answered LATE · fill N: writes N bytes · kid MS: an actor without
 * a wire that asks · a line is answered with "ok"
 */
#include "say.h"

static const struct gyre_proto kid_kind;

static void answered(struct gyre_actor *a, const struct gyre_answer *answer)
{
    if (gyre->peer(a)) say(a, "held %s\n", err_word(answer->err));
    else gyre->log(a, GYRE_INFO, "kid was answered %s", err_word(answer->err));
}

static void hold(struct gyre_actor *a, uint64_t ms)
{
    if (!a) return;
    (void)gyre->ask(a, gyre->ref(a->home), 0, GYRE_NOTHING, GYRE_MS((int64_t)ms), 0, answered);
}

static enum gyre_step on_data(struct gyre_actor *a, gyre_view *in)
{
    static const uint8_t zeroes[200000];
    gyre_view line, verb;
    if (!gyre_line(in, &line)) return GYRE_MORE;
    verb = word(&line);
    say(a, "ok\n");
    if (is(verb, "hold")) hold(a, number(&line));
    if (is(verb, "fill")) (void)gyre->write(a, (gyre_view){zeroes, number(&line)});
    if (is(verb, "kid"))
        hold(gyre->dial(a, &(struct gyre_dial){GYRE_DIAL}, &kid_kind), number(&line));
    return GYRE_TOOK;
}

static void home_mail(struct gyre_actor *home, const struct gyre_mail *m)
{
    (void)home;
    (void)m;
}

static void on_close(struct gyre_actor *a, enum gyre_why why)
{
    gyre->log(a, GYRE_INFO, "%s closed %s", gyre->peer(a) ? "stream" : "kid", why_word(why));
}

static const struct gyre_proto stream = {GYRE_PROTO, .on_data = on_data, .on_close = on_close};
static const struct gyre_proto home = {GYRE_PROTO, .on_mail = home_mail};
static const struct gyre_proto kid_kind = {GYRE_PROTO, .on_close = on_close};
static const struct gyre_proto *const kinds[] = {&kid_kind, NULL};

GYRE_PLUGIN(.name = "drain", .version = "1.0", .summary = "Leaves", .stream = &stream,
            .home = &home, .kinds = kinds);
