/* SPDX-License-Identifier: GPL-3.0-or-later
 * flow.c - a plugin for tests of what flows out and what rests: write, produce, pause, limit,
 * finish, close.
 *
 * write N: one write, its result is logged · produce N: from on_room, as there is room · endless
 * N: produce without writing, N times · room · pause MS · twice MS: paused two times, the second
 * ends after 2 MS · nap MS LENGTH: paused for LENGTH after MS · limit N · finish · flush N · now N
 * · silent: logged, not answered · ping
 */
#include "say.h"

enum { RESUME, RESUME_TOO, NAP, TIMERS };
struct client {
    uint64_t produced, left, endless;
    int64_t nap_ns;
    bool finished;
};

static void write_pattern(struct gyre_actor *a, size_t n)
{
    static _Thread_local uint8_t space[2 * 1024 * 1024];
    int res;
    if (n > sizeof space) n = sizeof space;
    pattern(space, 0, n);
    res = gyre->write(a, (gyre_view){space, n});
    gyre->log(a, GYRE_INFO, "write %zu %s room %llu", n, err_word(res),
              (unsigned long long)gyre->room(a));
}

static void on_room(struct gyre_actor *a)
{
    struct client *c = GYRE_STATE(a, struct client);
    uint8_t space[1000];
    if (c->endless && --c->endless) gyre->produce(a);
    if (c->endless == 0 && !c->left) gyre->log(a, GYRE_INFO, "room again");
    while (c->left && gyre->room(a)) {
        size_t n = c->left < sizeof space ? (size_t)c->left : sizeof space;
        if (n > gyre->room(a)) n = (size_t)gyre->room(a);
        pattern(space, c->produced, n);
        if (gyre->write(a, (gyre_view){space, n}) < 0) return;
        c->produced += n;
        c->left -= n;
    }
    if (c->left) gyre->produce(a);
    else if (c->produced) gyre->log(a, GYRE_INFO, "produced %llu", (unsigned long long)c->produced);
}

static void on_timer(struct gyre_actor *a, uint32_t slot)
{
    struct client *c = GYRE_STATE(a, struct client);
    if (slot != NAP) {
        gyre->pause(a, false);
        return;
    }
    gyre->pause(a, true);
    (void)gyre->timer(a, RESUME, c->nap_ns);
}

static bool command(struct gyre_actor *a, gyre_view line)
{
    struct client *c = GYRE_STATE(a, struct client);
    gyre_view verb = word(&line);
    uint64_t n = number(&line), more = number(&line);
    if (is(verb, "ping")) return say(a, "pong\n") >= 0 || c->finished;
    if (is(verb, "silent")) {
        gyre->log(a, GYRE_INFO, "heard");
    } else if (is(verb, "room")) {
        say(a, "%llu\n", (unsigned long long)gyre->room(a));
    } else if (is(verb, "write")) {
        write_pattern(a, (size_t)n);
    } else if (is(verb, "produce") || is(verb, "endless")) {
        c->produced = 0;
        c->left = is(verb, "produce") ? n : 0;
        c->endless = is(verb, "produce") ? 0 : n;
        gyre->produce(a);
    } else if (is(verb, "pause") || is(verb, "twice")) {
        gyre->pause(a, true);
        (void)gyre->timer(a, RESUME, GYRE_MS((int64_t)n));
        if (is(verb, "pause")) return true;
        gyre->pause(a, true);
        (void)gyre->timer(a, RESUME_TOO, GYRE_MS(2 * (int64_t)n));
    } else if (is(verb, "nap")) {
        (void)gyre->timer(a, NAP, GYRE_MS((int64_t)n));
        c->nap_ns = GYRE_MS((int64_t)more);
    } else if (is(verb, "limit")) {
        gyre->limit(a, (uint32_t)n);
    } else if (is(verb, "finish")) {
        gyre->finish(a);
        c->finished = true;
        gyre->log(a, GYRE_INFO, "write after finish %s", err_word(gyre->write(a, verb)));
    } else if (is(verb, "flush") || is(verb, "now")) {
        write_pattern(a, (size_t)n);
        gyre->close(a, is(verb, "now") ? GYRE_NOW : GYRE_FLUSH);
    } else {
        return false;
    }
    return true;
}

static enum gyre_step on_data(struct gyre_actor *a, gyre_view *in)
{
    gyre_view line;
    if (!gyre_line(in, &line)) return GYRE_MORE;
    return command(a, line) ? GYRE_TOOK : GYRE_BAD;
}

static void on_close(struct gyre_actor *a, enum gyre_why why)
{
    gyre->log(a, GYRE_INFO, "closed %s", why_word(why));
}

static const struct gyre_proto stream = {
    GYRE_PROTO, .state_size = sizeof(struct client), .message_max = 100, .timers = TIMERS,
    .on_data = on_data, .on_room = on_room, .on_timer = on_timer, .on_close = on_close};

GYRE_PLUGIN(.name = "flow", .version = "1.0", .summary = "Lets bytes flow", .stream = &stream);
