/* SPDX-License-Identifier: GPL-3.0-or-later
 * shared.c - a plugin for tests of shared/1: bytes that all workers read while they are replaced.
 *
 * set NAME TEXT · get NAME · race NAME TEXT: two replace the same · hold NAME TEXT: replaces, and
 * shows what it had read before · churn NAME N: replaces N times · cells N: makes as many, tells
 * how many there were · align NAME. on_load adds the option text to the cell "loaded".
 */
#include "say.h"
#include "services/shared.h"

static const struct gyre_shared *shared;
static const struct gyre_need needs[] = {{"shared/1", &shared, 0}, {0}};

struct conf {
    gyre_view text;
    struct gyre_cell *loaded;
};
static const struct gyre_option options[] = {GYRE_OPT_TEXT(conf, text, "a", "A text"), {0}};

static void show(struct gyre_actor *a, const gyre_view *v)
{
    if (!v) say(a, "nothing\n");
    else if (v->n < 100) say(a, "%zu %.*s\n", v->n, GYRE_ARG(*v));
    else say(a, "%zu from %c to %c\n", v->n, v->p[0], v->p[v->n - 1]);
}

static void churn(struct gyre_actor *a, struct gyre_cell *c, uint64_t n)
{
    const gyre_view *first = gyre_read(c);
    int res = GYRE_OK;
    for (uint64_t i = 0; i < n && res == GYRE_OK; i++) {
        uint8_t text[4096];
        pattern(text, i, sizeof text);
        res = shared->publish(c, gyre_read(c), (gyre_view){text, sizeof text});
    }
    say(a, "%s, ", err_word(res));
    show(a, first);
}

static enum gyre_step on_data(struct gyre_actor *a, gyre_view *in)
{
    gyre_view line, verb, name;
    if (!gyre_line(in, &line)) return GYRE_MORE;
    verb = word(&line);
    name = word(&line);
    if (is(verb, "cells")) {
        uint64_t most = 0, n = 0;
        uint8_t space[24];
        if (!gyre_dec(name, 10000, &most)) return GYRE_BAD;
        for (bool made = true; made && n < most; n += made) {
            gyre_out o = GYRE_OUT(space);
            gyre_put_dec(&o, n);
            made = shared->cell(a->section, gyre_built(&o)) != NULL;
        }
        return say(a, "%llu\n", (unsigned long long)n), GYRE_TOOK;
    }
    struct gyre_cell *c = shared->cell(a->section, name);
    const gyre_view *was = c ? gyre_read(c) : NULL;
    if (!c) return say(a, "no cell\n"), GYRE_TOOK;
    if (is(verb, "get")) {
        show(a, was);
    } else if (is(verb, "set")) {
        say(a, "%s\n", err_word(shared->publish(c, was, line)));
    } else if (is(verb, "race")) {
        int first = shared->publish(c, was, line), second = shared->publish(c, was, name);
        say(a, "%s %s\n", err_word(first), err_word(second));
    } else if (is(verb, "hold")) {
        (void)shared->publish(c, was, line);
        show(a, was);
        show(a, gyre_read(c));
    } else if (is(verb, "churn")) {
        churn(a, c, number(&line));
    } else if (is(verb, "align")) {
        say(a, "%s\n", was && (uintptr_t)was->p % 16 == 0 ? "aligned" : "crooked");
    } else {
        return GYRE_BAD;
    }
    return GYRE_TOOK;
}

static bool on_load(struct gyre_section *s, void *conf, gyre_out *why)
{
    struct conf *c = conf;
    uint8_t space[100];
    gyre_out o = GYRE_OUT(space);
    c->loaded = shared->cell(s, GYRE_LIT("loaded"));
    const gyre_view *was = c->loaded ? gyre_read(c->loaded) : NULL;
    if (was) gyre_put(&o, *was);
    gyre_put(&o, c->text);
    if (c->loaded && shared->publish(c->loaded, was, gyre_built(&o)) == GYRE_OK) return true;
    gyre_put(why, GYRE_LIT("the cell cannot be filled"));
    return false;
}

static const struct gyre_proto stream = {GYRE_PROTO, .on_data = on_data};

GYRE_PLUGIN(.conf_size = sizeof(struct conf), .name = "shared", .version = "1.0",
            .summary = "Shares", .stream = &stream, .options = options, .needs = needs,
            .on_load = on_load);
