/* SPDX-License-Identifier: GPL-3.0-or-later
 * conf.c - a plugin for tests of configuration versions: who sees which, and when one is unloaded.
 *
 * text: of the version it began with · take: the newest · home: of its home · all: every option ·
 * kid: what a new actor without a wire sees · mem: what on_load left in memory of the version ·
 * quit on_load refuses text = bad; it and on_unload are logged, so is on_conf, with the text.
 */
#include "say.h"

struct conf {
    gyre_view text;
    int64_t number, size, time, flag, choice;
    gyre_view path, secret;
    struct gyre_list items;
    char *made; /* by on_load */
};
static const struct gyre_option options[] = {
    GYRE_OPT_TEXT(conf, text, "first", "A text"),
    GYRE_OPT_INT(conf, number, "5", "1..10", "A number"),
    GYRE_OPT_SIZE(conf, size, "64k", "1k..1g", "A size"),
    GYRE_OPT_TIME(conf, time, "30s", "1s..1d|never", "A time"),
    GYRE_OPT_BOOL(conf, flag, "yes", "A flag"),
    GYRE_OPT_CHOICE(conf, choice, "basic", "off|basic|full", "A choice"),
    GYRE_OPT_PATH(conf, path, "/none", "A path"),
    GYRE_OPT_SECRET(conf, secret, "A secret"),
    GYRE_OPT_LIST(conf, items, "Some"),
    {0},
};
static const struct gyre_proto kid_kind;

static void say_text(struct gyre_actor *a, const void *conf)
{
    const struct conf *c = conf;
    say(a, "%.*s\n", GYRE_ARG(c->text));
}

static void say_all(struct gyre_actor *a)
{
    const struct conf *c = GYRE_CONF(a, struct conf);
    say(a, "%lld %lld %lld %lld %lld %.*s %.*s\n", (long long)c->number, (long long)c->size,
        (long long)c->time, (long long)c->flag, (long long)c->choice, GYRE_ARG(c->path),
        GYRE_ARG(c->secret));
    for (size_t i = 0; i < c->items.n; i++)
        say(a, "%.*s (%s)\n", GYRE_ARG(c->items.at[i].text), c->items.at[i].where);
}

static enum gyre_step on_data(struct gyre_actor *a, gyre_view *in)
{
    gyre_view line;
    if (!gyre_line(in, &line)) return GYRE_MORE;
    if (is(line, "text")) {
        say_text(a, a->conf);
    } else if (is(line, "take")) {
        const void *newest = gyre->conf(a);
        say_text(a, newest == a->conf ? newest : NULL);
    } else if (is(line, "home")) {
        say_text(a, a->home->conf);
    } else if (is(line, "all")) {
        say_all(a);
    } else if (is(line, "mem")) {
        say(a, "%s\n", GYRE_CONF(a, struct conf)->made);
    } else if (is(line, "kid")) {
        struct gyre_actor *kid = gyre->dial(a, &(struct gyre_dial){GYRE_DIAL}, &kid_kind);
        if (kid) say_text(a, kid->conf);
    } else if (is(line, "quit")) {
        gyre->close(a, GYRE_FLUSH);
    } else if (is(line, "bug-want")) {
        (void)gyre->want(a->section, GYRE_LIT("dial:*"));
    } else if (is(line, "bug-mem")) {
        (void)gyre->mem(NULL, NULL, 10);
    } else {
        return GYRE_BAD;
    }
    return GYRE_TOOK;
}

static void on_conf(struct gyre_actor *a)
{
    gyre->log(a, GYRE_INFO, "worker %u has %.*s", a->worker,
              GYRE_ARG(GYRE_CONF(a, struct conf)->text));
}

static bool on_load(struct gyre_section *s, void *conf, gyre_out *why)
{
    struct conf *c = conf;
    gyre->log(NULL, GYRE_INFO, "%s: load %.*s", s->name, GYRE_ARG(c->text));
    if (is(c->text, "bad")) return gyre_put(why, GYRE_LIT("bad is bad")), false;
    if (is(c->text, "mute")) return false;
    char *first = gyre->mem(NULL, NULL, 4);
    if (first) memcpy(first, "abcd", 4);
    c->made = first ? gyre->mem(NULL, first, c->text.n + 10) : NULL;
    if (!c->made || c->made[4]) { /* growth is zeroed */
        gyre_put(why, c->made ? GYRE_LIT("not zeroed") : GYRE_LIT("no memory"));
        return false;
    }
    memcpy(c->made + 4, c->text.p, c->text.n);
    return gyre->mem(NULL, gyre->mem(NULL, NULL, 100), 0) == NULL;
}

static void on_unload(struct gyre_section *s, void *conf)
{
    const struct conf *c = conf;
    gyre->log(NULL, GYRE_INFO, "%s: unload %.*s", s->name, GYRE_ARG(c->text));
}

static const struct gyre_proto stream = {GYRE_PROTO, .on_data = on_data};
static const struct gyre_proto home = {GYRE_PROTO, .on_conf = on_conf};
static const struct gyre_proto kid_kind = {GYRE_PROTO};
static const struct gyre_proto *const kinds[] = {&kid_kind, NULL};

GYRE_PLUGIN(.conf_size = sizeof(struct conf), .name = "conf", .version = "1.0",
            .summary = "Shows its configuration", .stream = &stream, .home = &home,
            .kinds = kinds, .options = options, .on_load = on_load, .on_unload = on_unload);
