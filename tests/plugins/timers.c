/* SPDX-License-Identifier: GPL-3.0-or-later
 * timers.c - a plugin for tests of timers and clocks.
 *
 * set SLOT MS · zero SLOT · past SLOT · never SLOT · far SLOT: the longest there is · all: each
 * slot at 100 ms times its number, the last first · again N: N times from on_timer, each "next
 * turn" · stop SLOT OTHER: when SLOT fires it clears OTHER · mute MS: an actor without on_timer ·
 * wall · dice · quit · bug-slot. A tick tells the time since its set, in ms.
 */
#include "say.h"

enum { SLOTS = 16 };
struct client {
    int64_t set_ns[SLOTS];
    uint64_t again, stops[SLOTS]; /* stops: + 1 */
};
static const struct gyre_proto mute_kind;

static void set(struct gyre_actor *a, uint64_t slot, int64_t after_ns)
{
    struct client *c = GYRE_STATE(a, struct client);
    c->set_ns[slot % SLOTS] = gyre->now(GYRE_MONO);
    if (gyre->timer(a, (uint32_t)slot, after_ns) != GYRE_OK) say(a, "not set\n");
}

static void on_timer(struct gyre_actor *a, uint32_t slot)
{
    struct client *c = GYRE_STATE(a, struct client);
    int64_t after = gyre->now(GYRE_MONO) - c->set_ns[slot];
    say(a, "tick %u %lld\n", slot, (long long)(after / GYRE_MS(1)));
    if (c->stops[slot]) set(a, c->stops[slot] - 1, GYRE_NEVER);
    if (c->again && c->again--) set(a, slot, 0);
}

static bool command(struct gyre_actor *a, gyre_view line)
{
    struct client *c = GYRE_STATE(a, struct client);
    gyre_view verb = word(&line);
    uint64_t slot = number(&line), more = number(&line);
    if (is(verb, "set")) {
        set(a, slot, GYRE_MS((int64_t)more));
    } else if (is(verb, "zero")) {
        set(a, slot, 0);
    } else if (is(verb, "past")) {
        set(a, slot, INT64_MIN);
    } else if (is(verb, "never")) {
        set(a, slot, GYRE_NEVER);
    } else if (is(verb, "far")) {
        set(a, slot, GYRE_NEVER - 1);
    } else if (is(verb, "all")) {
        for (uint64_t i = SLOTS; i-- > 0;) set(a, i, GYRE_MS(100 * (int64_t)i));
    } else if (is(verb, "again")) {
        c->again = slot;
        set(a, 0, 0);
    } else if (is(verb, "stop")) {
        c->stops[slot % SLOTS] = more + 1;
    } else if (is(verb, "mute")) {
        struct gyre_actor *mute = gyre->dial(a, &(struct gyre_dial){GYRE_DIAL}, &mute_kind);
        return mute && gyre->timer(mute, 0, GYRE_MS((int64_t)slot)) == GYRE_OK;
    } else if (is(verb, "wall")) {
        int64_t wall = gyre->now(GYRE_WALL), mono = gyre->now(GYRE_MONO);
        say(a, "%lld %s\n", (long long)(wall / GYRE_SECONDS(1)),
            mono > 0 && mono == gyre->now(GYRE_MONO) ? "still" : "moving");
    } else if (is(verb, "dice")) {
        uint64_t a_few[4] = {0};
        gyre->random(a_few, sizeof a_few);
        say(a, "%016llx %016llx\n", (unsigned long long)a_few[0], (unsigned long long)a_few[3]);
    } else if (is(verb, "quit")) {
        gyre->close(a, GYRE_FLUSH);
    } else {
        return is(verb, "bug-slot") && gyre->timer(a, SLOTS, 0) == GYRE_OK;
    }
    return true;
}

static enum gyre_step on_data(struct gyre_actor *a, gyre_view *in)
{
    gyre_view line;
    if (!gyre_line(in, &line)) return GYRE_MORE;
    return command(a, line) ? GYRE_TOOK : GYRE_BAD;
}

static void mute_close(struct gyre_actor *a, enum gyre_why why)
{
    gyre->log(a, GYRE_INFO, "mute closed %s", why_word(why));
}

static const struct gyre_proto stream = {GYRE_PROTO, .state_size = sizeof(struct client),
                                         .timers = SLOTS, .on_data = on_data,
                                         .on_timer = on_timer};
static const struct gyre_proto mute_kind = {GYRE_PROTO, .timers = 1, .on_close = mute_close};
static const struct gyre_proto *const kinds[] = {&mute_kind, NULL};

GYRE_PLUGIN(.name = "timers", .version = "1.0", .summary = "Ticks", .stream = &stream,
            .kinds = kinds);
