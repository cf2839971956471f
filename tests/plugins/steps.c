/* SPDX-License-Identifier: GPL-3.0-or-later
 * steps.c - a plugin for tests of what on_data may answer, and of the end of the input.
 *
 * ping · bad · say-bad: says so first · two, and a second line: one message · later-W: LATER until
 * W wakes it: timer mail bounce down room answer bytes (more of them) topic · bug-took: TOOK with
 * nothing cut · bug-back: cut off the end · stay: on_eof keeps it open for a second
 */
#include "say.h"
#include "services/bus.h"

static const struct gyre_bus *bus;
static const struct gyre_need needs[] = {{"bus/1", &bus, 0}, {0}};

struct client {
    bool waits, woken, stays, ended;
};

static void wake(struct gyre_actor *a)
{
    GYRE_STATE(a, struct client)->woken = true;
}

static void on_timer(struct gyre_actor *a, uint32_t slot)
{
    if (slot) gyre->close(a, GYRE_FLUSH);
    else wake(a);
}

static void on_mail(struct gyre_actor *a, const struct gyre_mail *m)
{
    (void)m;
    wake(a);
}

static void on_bounce(struct gyre_actor *a, const struct gyre_mail *m, int32_t err)
{
    (void)m;
    (void)err;
    wake(a);
}

static void on_down(struct gyre_actor *a, gyre_ref who, enum gyre_why why)
{
    (void)who;
    (void)why;
    wake(a);
}

static void answered(struct gyre_actor *a, const struct gyre_answer *answer)
{
    (void)answer;
    wake(a);
}

/* Mail back to whom it came from; and to the topic. */
static void home_mail(struct gyre_actor *home, const struct gyre_mail *m)
{
    if (m->bytes.n) (void)bus->send(home, m->bytes, 0, GYRE_NOTHING, NULL);
    else (void)gyre->send(home, &m->from, 1, 0, 0, GYRE_NOTHING, NULL);
}

/* Begins what will wake it. */
static bool begin(struct gyre_actor *a, gyre_view what)
{
    const gyre_ref nobody = {0, 0}, home = gyre->ref(a->home);
    if (is(what, "timer")) return gyre->timer(a, 0, GYRE_MS(100)) == GYRE_OK;
    if (is(what, "mail")) return !gyre->send(a, &home, 1, 0, 0, GYRE_NOTHING, NULL);
    if (is(what, "bounce")) return !gyre->send(a, &nobody, 1, 0, 0, GYRE_NOTHING, NULL);
    if (is(what, "down")) return !gyre->watch(a, nobody, true);
    if (is(what, "room")) return gyre->produce(a), true;
    if (is(what, "answer")) return !gyre->ask(a, nobody, 0, what, 0, 0, answered);
    if (is(what, "topic"))
        return !bus->join(a, what, true) && !gyre->send(a, &home, 1, 0, 0, what, NULL);
    return is(what, "bytes");
}

static enum gyre_step later(struct gyre_actor *a, gyre_view what, size_t behind)
{
    struct client *c = GYRE_STATE(a, struct client);
    if (!c->waits && !begin(a, what)) return GYRE_BAD;
    c->waits = true;
    if (is(what, "bytes") && behind) wake(a);
    if (!c->woken) return GYRE_LATER;
    c->waits = c->woken = false;
    say(a, "took later-%.*s\n", GYRE_ARG(what));
    return GYRE_TOOK;
}

static enum gyre_step on_data(struct gyre_actor *a, gyre_view *in)
{
    struct client *c = GYRE_STATE(a, struct client);
    const gyre_view was = *in;
    gyre_view line, second;
    if (c->ended) say(a, "wrong: on_data behind the end\n");
    if (!gyre_line(in, &line)) return GYRE_MORE;
    if (is(line, "bad")) return GYRE_BAD;
    if (is(line, "say-bad")) return say(a, "bad\n"), GYRE_BAD;
    if (is(line, "bug-took")) return *in = was, GYRE_TOOK;
    if (is(line, "bug-back")) {
        *in = (gyre_view){was.p, was.n - 1};
        return GYRE_TOOK;
    }
    if (is(line, "bug-more")) return *in = (gyre_view){was.p - 1, was.n + 1}, GYRE_TOOK;
    if (is(line, "ping")) return say(a, "pong\n"), GYRE_TOOK;
    if (is(line, "stay")) return c->stays = true, GYRE_TOOK;
    if (gyre_skip(&line, GYRE_LIT("later-"))) return later(a, line, in->n);
    if (!is(line, "two")) return GYRE_BAD;
    if (!gyre_line(in, &second)) return GYRE_MORE;
    say(a, "two %.*s\n", GYRE_ARG(second));
    return GYRE_TOOK;
}

/* Callbacks go on after the end; on_data does not. */
static void on_eof(struct gyre_actor *a)
{
    struct client *c = GYRE_STATE(a, struct client);
    say(a, "eof\n");
    c->ended = true;
    if (!c->stays) return gyre->close(a, GYRE_FLUSH);
    (void)gyre->timer(a, 0, GYRE_MS(100));
    (void)gyre->timer(a, 1, GYRE_MS(1000));
    gyre->produce(a);
    gyre->pause(a, true);
    gyre->pause(a, false);
}

static void on_room(struct gyre_actor *a)
{
    wake(a);
}

static void on_close(struct gyre_actor *a, enum gyre_why why)
{
    gyre->log(a, GYRE_INFO, "closed %s", why_word(why));
}

static const struct gyre_proto stream = {
    GYRE_PROTO, .state_size = sizeof(struct client), .message_max = 50, .timers = 2,
    .on_data = on_data, .on_eof = on_eof, .on_room = on_room, .on_timer = on_timer,
    .on_mail = on_mail, .on_bounce = on_bounce, .on_down = on_down, .on_close = on_close};
static const struct gyre_proto home = {GYRE_PROTO, .on_mail = home_mail};

GYRE_PLUGIN(.name = "steps", .version = "1.0", .summary = "Takes one step at a time",
            .stream = &stream, .home = &home, .needs = needs);
