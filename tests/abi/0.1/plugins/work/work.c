/* SPDX-License-Identifier: GPL-3.0-or-later
 * work.c - a plugin for tests of work/1: jobs on a helper thread.
 *
 * upper TEXT · many N: so many jobs at once · big N MOST: a job that builds N bytes into at most
 * MOST · quit TEXT: starts a job and closes · late: starts one after close
 * clock: a job that asks for time and randomness · ping
 */
#include "say.h"
#include "services/work.h"

static const struct gyre_work *work;
static const struct gyre_need needs[] = {{"work/1", &work, 0}, {0}};

/* ---- jobs: they see their input and a builder, nothing else ---- */

static void upper(gyre_view in, gyre_out *out)
{
    for (size_t i = 0; i < in.n; i++) {
        uint8_t c = in.p[i];
        gyre_put_byte(out, c >= 'a' && c <= 'z' ? (uint8_t)(c - 32) : c);
    }
}

static void build(gyre_view in, gyre_out *out)
{
    uint64_t n = 0;
    uint8_t space[64];
    if (!gyre_dec(in, UINT32_MAX, &n)) return;
    for (uint64_t at = 0; at < n; at += sizeof space) {
        size_t part = n - at < sizeof space ? (size_t)(n - at) : sizeof space;
        pattern(space, at, part);
        gyre_put(out, (gyre_view){space, part});
    }
}

static void look(gyre_view in, gyre_out *out)
{
    uint8_t a[16] = {0}, b[16] = {0};
    (void)in;
    gyre->random(a, sizeof a);
    gyre->random(b, sizeof b);
    gyre->log(NULL, GYRE_INFO, "from the job");
    gyre_put(out, memcmp(a, b, sizeof a) ? GYRE_LIT("differs ") : GYRE_LIT("same "));
    gyre_put(out, gyre->now(GYRE_WALL) > 0 ? GYRE_LIT("runs") : GYRE_LIT("stands"));
}

/* ---- answers ---- */

static void answered(struct gyre_actor *a, const struct gyre_answer *answer)
{
    if (answer->value.n > 1000) {
        say(a, "%llu %s %zu\n", (unsigned long long)answer->tag, err_word(answer->err),
            answer->value.n);
        return;
    }
    say(a, "%llu %s ", (unsigned long long)answer->tag, err_word(answer->err));
    gyre->write(a, answer->value);
    gyre->write(a, GYRE_LIT("\n"));
}

static enum gyre_step on_data(struct gyre_actor *a, gyre_view *in)
{
    gyre_view line, verb;
    int res = GYRE_OK;
    if (!gyre_line(in, &line)) return GYRE_MORE;
    verb = word(&line);
    if (is(verb, "ping")) {
        say(a, "pong\n");
    } else if (is(verb, "upper") || is(verb, "quit")) {
        res = work->run(a, upper, line, 1000, 7, answered);
        if (is(verb, "quit")) gyre->close(a, GYRE_FLUSH);
    } else if (is(verb, "big")) {
        gyre_view n = word(&line);
        res = work->run(a, build, n, (size_t)number(&line), 8, answered);
    } else if (is(verb, "clock")) {
        res = work->run(a, look, line, 100, 9, answered);
    } else if (is(verb, "late")) {
        gyre->close(a, GYRE_FLUSH);
        res = work->run(a, upper, line, 1000, 7, answered);
        gyre->log(a, GYRE_INFO, "late %s", err_word(res));
    } else if (is(verb, "many")) {
        for (uint64_t n = number(&line); n && res == GYRE_OK; n--)
            res = work->run(a, upper, GYRE_LIT("x"), 1, n, answered);
    } else {
        return GYRE_BAD;
    }
    if (res != GYRE_OK) say(a, "%s\n", err_word(res));
    return GYRE_TOOK;
}

static const struct gyre_proto stream = {GYRE_PROTO, .on_data = on_data};

GYRE_PLUGIN(.name = "work", .version = "1.0", .summary = "Works", .stream = &stream,
            .needs = needs);
