/* SPDX-License-Identifier: GPL-3.0-or-later
 * desk.c - a plugin for the simulator: a desk, and behind it a clerk, who is an actor without a
 * wire.
 *
 * item TEXT: by mail to the clerk, and back from him; then it is said · hold MS: the clerk pauses,
 * and what comes meanwhile waits for him · rest MS: the desk itself pauses, and its input waits ·
 * note …: is taken, and nothing is said. What is said comes in the order in which it was asked. At
 * the end of the input the desk stays until the clerk is through.
 */
#include "say.h"

enum { ITEM = 1, HOLD };
struct desk {
    gyre_ref clerk;
    uint32_t waits; /* for so many items */
    bool ended;
};
static const struct gyre_proto clerk_kind;

static int64_t time_of(gyre_view text)
{
    return GYRE_MS((int64_t)number(&text));
}

/* ---- the clerk ---- */

static void clerk_mail(struct gyre_actor *clerk, const struct gyre_mail *m)
{
    if (m->type == HOLD) {
        gyre->pause(clerk, true);
        (void)gyre->timer(clerk, 0, time_of(m->bytes));
    } else if (gyre->send(clerk, &m->from, 1, ITEM, 0, m->bytes, NULL) != GYRE_OK) {
        gyre->close(clerk, GYRE_NOW);
    }
}

/* He stays as long as his desk. */
static void clerk_leave(struct gyre_actor *clerk, enum gyre_why why)
{
    (void)clerk;
    (void)why;
}

static void go_on(struct gyre_actor *a, uint32_t slot)
{
    (void)slot;
    gyre->pause(a, false);
}

/* ---- the desk ---- */

static bool on_open(struct gyre_actor *a)
{
    struct gyre_actor *clerk = gyre->dial(a, &(struct gyre_dial){GYRE_DIAL}, &clerk_kind);
    if (!clerk) return false;
    GYRE_STATE(a, struct desk)->clerk = gyre->ref(clerk);
    return true;
}

static enum gyre_step on_data(struct gyre_actor *a, gyre_view *in)
{
    struct desk *d = GYRE_STATE(a, struct desk);
    gyre_view line;
    if (!gyre_line(in, &line)) return GYRE_MORE;
    gyre_view verb = word(&line);
    if (is(verb, "note")) return GYRE_TOOK;
    if (is(verb, "rest")) {
        gyre->pause(a, true);
        return gyre->timer(a, 0, time_of(line)) == GYRE_OK ? GYRE_TOOK : GYRE_BAD;
    }
    if (!is(verb, "item") && !is(verb, "hold")) return GYRE_BAD;
    d->waits += is(verb, "item");
    uint32_t type = is(verb, "item") ? ITEM : HOLD;
    return gyre->send(a, &d->clerk, 1, type, 0, line, NULL) == GYRE_OK ? GYRE_TOOK : GYRE_BAD;
}

static void one_less(struct gyre_actor *a)
{
    struct desk *d = GYRE_STATE(a, struct desk);
    d->waits--;
    if (d->ended && !d->waits) gyre->close(a, GYRE_FLUSH);
}

static void on_mail(struct gyre_actor *a, const struct gyre_mail *m)
{
    say(a, "%.*s\n", GYRE_ARG(m->bytes));
    one_less(a);
}

static void on_bounce(struct gyre_actor *a, const struct gyre_mail *m, int32_t err)
{
    say(a, "! %s\n", err_word(err));
    if (m->type == ITEM) one_less(a);
}

static void on_eof(struct gyre_actor *a)
{
    struct desk *d = GYRE_STATE(a, struct desk);
    d->ended = true;
    if (!d->waits) gyre->close(a, GYRE_FLUSH);
}

static const struct gyre_proto stream = {
    GYRE_PROTO, .state_size = sizeof(struct desk), .timers = 1, .on_open = on_open,
    .on_data = on_data, .on_eof = on_eof, .on_timer = go_on, .on_mail = on_mail,
    .on_bounce = on_bounce};
static const struct gyre_proto clerk_kind = {GYRE_PROTO, .timers = 1, .on_mail = clerk_mail,
                                             .on_timer = go_on, .on_leave = clerk_leave};
static const struct gyre_proto *const kinds[] = {&clerk_kind, NULL};

GYRE_PLUGIN(.name = "desk", .version = "1.0", .summary = "A desk with a clerk behind it",
            .stream = &stream, .kinds = kinds);
