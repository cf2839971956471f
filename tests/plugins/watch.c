/* SPDX-License-Identifier: GPL-3.0-or-later
 * watch.c - a plugin for tests of watch and deref: who ended, why, and who is still there.
 *
 * name N · watch A · unwatch A · nobody · self · deref A · quit · bad · ping · flip A: on, off, on
 */
#include "names.h"

static const struct gyre_proto stream, home;

static void home_mail(struct gyre_actor *h, const struct gyre_mail *m)
{
    (void)name_take(h, m);
}

/* The name that an actor told last. */
static const char *name_of(struct gyre_actor *a, gyre_ref r)
{
    const struct names *all = GYRE_HOME(a, struct names);
    for (uint32_t i = 0; i < all->n; i++)
        if (all->at[i].ref.at == r.at && all->at[i].ref.id == r.id) return all->at[i].text;
    return "?";
}

static void on_down(struct gyre_actor *a, gyre_ref who, enum gyre_why why)
{
    say(a, "down %s %s\n", name_of(a, who), why_word(why));
}

static void watch(struct gyre_actor *a, gyre_ref who, bool on)
{
    int res = gyre->watch(a, who, on);
    if (res != GYRE_OK) say(a, "%s\n", err_word(res));
}

static bool command(struct gyre_actor *a, gyre_view line)
{
    gyre_view verb = word(&line);
    gyre_ref who = name_find(a, line);
    if (is(verb, "ping")) return say(a, "pong\n") >= 0;
    if (is(verb, "quit")) return gyre->close(a, GYRE_FLUSH), true;
    if (is(verb, "name")) return name_tell(a, line), true;
    if (is(verb, "self")) return watch(a, gyre->ref(a), true), true;
    if (is(verb, "nobody")) {
        watch(a, (gyre_ref){0, 0}, true);
        watch(a, (gyre_ref){(uint64_t)60 << 32, 1}, true);
    } else if (is(verb, "watch") || is(verb, "unwatch")) {
        watch(a, who, is(verb, "watch"));
    } else if (is(verb, "flip")) {
        watch(a, who, true);
        watch(a, who, false);
        watch(a, who, true);
    } else if (is(verb, "deref")) {
        say(a, "%s %s\n", gyre->deref(who, &stream) ? "stream" : "none",
            gyre->deref(who, &home) ? "home" : "none");
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

static const struct gyre_proto stream = {GYRE_PROTO, .on_data = on_data, .on_down = on_down};
static const struct gyre_proto home = {GYRE_PROTO, .state_size = sizeof(struct names),
                                       .on_mail = home_mail};

GYRE_PLUGIN(.name = "watch", .version = "1.0", .summary = "Watches", .stream = &stream,
            .home = &home);
