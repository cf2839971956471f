/* SPDX-License-Identifier: GPL-3.0-or-later
 * duplex.c - a plugin for tests of what a kind may ask for: OVERLAP and DUPLEX.
 *
 * ask MS: asks its home, which never replies · ping · write N · heard: logged
 */
#include "say.h"

static void answered(struct gyre_actor *a, const struct gyre_answer *answer)
{
    say(a, "answer %llu %s\n", (unsigned long long)answer->tag, err_word(answer->err));
}

static bool command(struct gyre_actor *a, gyre_view line)
{
    static const uint8_t zeroes[1 << 20];
    gyre_view verb = word(&line);
    uint64_t n = number(&line);
    if (is(verb, "ping")) return say(a, "pong\n") >= 0;
    if (is(verb, "heard")) return gyre->log(a, GYRE_INFO, "heard"), true;
    if (is(verb, "write")) return n <= sizeof zeroes && gyre->write(a, (gyre_view){zeroes, n}) >= 0;
    if (!is(verb, "ask")) return false;
    return gyre->ask(a, a->section->homes[0], 1, line, GYRE_MS((int64_t)n), n, answered) == GYRE_OK;
}

static enum gyre_step on_data(struct gyre_actor *a, gyre_view *in)
{
    gyre_view line;
    if (!gyre_line(in, &line)) return GYRE_MORE;
    return command(a, line) ? GYRE_TOOK : GYRE_BAD;
}

static void home_mail(struct gyre_actor *home, const struct gyre_mail *m)
{
    (void)home;
    (void)m;
}

static const struct gyre_proto stream = {GYRE_PROTO, .flags = GYRE_OVERLAP | GYRE_DUPLEX,
                                         .on_data = on_data};
static const struct gyre_proto home = {GYRE_PROTO, .on_mail = home_mail};

GYRE_PLUGIN(.name = "duplex", .version = "1.0", .summary = "Overlaps", .stream = &stream,
            .home = &home);
