/* SPDX-License-Identifier: GPL-3.0-or-later
 * dial.c - a plugin for tests of outgoing streams.
 *
 * dial TO [TEXT]: TEXT is written before it is connected · fin TO [TEXT]: and finished · cut TO
 * [TEXT]: and closed · now TO [TEXT]: and closed, NOW · refuse TO: on_open says no · room TO: and
 * asked to produce · ear TO: without on_eof · say TEXT · close · mark · peer · ping · quit
 * Option grant: what on_load wants.
 */
#include "say.h"

struct conf {
    struct gyre_list grant;
};
static const struct gyre_option options[] = {
    GYRE_OPT_LIST(conf, grant, "What on_load wants"),
    {0},
};
struct client {
    gyre_ref out; /* the last one dialled */
};
struct out {
    gyre_ref mother;
    bool refuses, opened;
};
static const struct gyre_proto stream, out_kind, ear_kind;

/* ---- the outgoing side ---- */

static struct gyre_actor *mother_of(struct gyre_actor *out)
{
    return gyre->deref(GYRE_STATE(out, struct out)->mother, &stream);
}

static bool out_open(struct gyre_actor *out)
{
    struct out *o = GYRE_STATE(out, struct out);
    struct gyre_actor *mother = mother_of(out);
    const struct gyre_peer *p = gyre->peer(out);
    o->opened = true;
    if (mother && p && !o->refuses)
        say(mother, "open %.*s%s\n", GYRE_ARG(p->text), p->listen.n ? " (wrong)" : "");
    return !o->refuses;
}

static enum gyre_step out_data(struct gyre_actor *out, gyre_view *in)
{
    struct gyre_actor *mother = mother_of(out);
    gyre_view line;
    if (!gyre_line(in, &line)) return GYRE_MORE;
    if (mother) say(mother, "got %.*s\n", GYRE_ARG(line));
    return GYRE_TOOK;
}

static void out_eof(struct gyre_actor *out)
{
    struct gyre_actor *mother = mother_of(out);
    if (mother) say(mother, "eof\n");
}

static void out_room(struct gyre_actor *out)
{
    struct gyre_actor *mother = mother_of(out);
    if (mother) say(mother, GYRE_STATE(out, struct out)->opened ? "room\n" : "room too early\n");
}

static void out_close(struct gyre_actor *out, enum gyre_why why)
{
    struct gyre_actor *mother = mother_of(out);
    if (mother) say(mother, "closed %s\n", why_word(why));
    else gyre->log(out, GYRE_INFO, "out closed %s", why_word(why));
}

/* ---- the client's side ---- */

static struct gyre_actor *dial(struct gyre_actor *a, gyre_view to, const struct gyre_proto *kind)
{
    struct gyre_actor *out =
        gyre->dial(a, &(struct gyre_dial){GYRE_DIAL, .to = to, .within_ns = GYRE_SECONDS(3)}, kind);
    if (!out) return NULL;
    GYRE_STATE(out, struct out)->mother = gyre->ref(a);
    GYRE_STATE(a, struct client)->out = gyre->ref(out);
    return out;
}

static struct gyre_actor *last_out(struct gyre_actor *a)
{
    gyre_ref out = GYRE_STATE(a, struct client)->out;
    struct gyre_actor *found = gyre->deref(out, &out_kind);
    return found ? found : gyre->deref(out, &ear_kind);
}

static void tell_peer(struct gyre_actor *a)
{
    const struct gyre_peer *p = gyre->peer(a);
    if (!p) return;
    say(a, "%.*s to %.*s by %.*s, %u\n", GYRE_ARG(p->text), GYRE_ARG(p->local_text),
        GYRE_ARG(p->listen), p->secure);
}

static bool command_out(struct gyre_actor *a, gyre_view verb, gyre_view line)
{
    struct gyre_actor *out = last_out(a);
    if (!out) return say(a, "no out\n") >= 0;
    if (is(verb, "close")) return gyre->close(out, GYRE_FLUSH), true;
    if (is(verb, "finish")) return gyre->finish(out), true;
    if (is(verb, "mark")) return say(a, "%llu\n", (unsigned long long)gyre->room(out)) >= 0;
    if (!is(verb, "say")) return false;
    gyre->write(out, line);
    gyre->write(out, GYRE_LIT("\n"));
    return true;
}

static bool command(struct gyre_actor *a, gyre_view line)
{
    gyre_view verb = word(&line), to;
    struct gyre_actor *out;
    if (is(verb, "ping")) return say(a, "pong\n") >= 0;
    if (is(verb, "quit")) return gyre->close(a, GYRE_FLUSH), true;
    if (is(verb, "peer")) return tell_peer(a), true;
    if (is(verb, "say") || is(verb, "close") || is(verb, "finish") || is(verb, "mark"))
        return command_out(a, verb, line);
    to = word(&line);
    out = dial(a, to, is(verb, "ear") ? &ear_kind : &out_kind);
    if (!out) return say(a, "NULL\n") >= 0;
    GYRE_STATE(out, struct out)->refuses = is(verb, "refuse");
    if (line.n) say(a, "write %s\n", err_word(gyre->write(out, line)));
    if (is(verb, "fin")) gyre->finish(out);
    if (is(verb, "room")) gyre->produce(out);
    if (is(verb, "cut")) gyre->close(out, GYRE_FLUSH);
    if (is(verb, "now")) gyre->close(out, GYRE_NOW);
    return true;
}

static enum gyre_step on_data(struct gyre_actor *a, gyre_view *in)
{
    gyre_view line;
    if (!gyre_line(in, &line)) return GYRE_MORE;
    return command(a, line) ? GYRE_TOOK : GYRE_BAD;
}

static bool on_load(struct gyre_section *s, void *conf, gyre_out *why)
{
    const struct conf *c = conf;
    for (size_t i = 0; i < c->grant.n; i++) {
        int handle = gyre->want(s, c->grant.at[i].text);
        if (handle >= 0) continue;
        gyre_put(why, gyre_str(c->grant.at[i].where));
        gyre_put(why, GYRE_LIT(": want "));
        gyre_put(why, c->grant.at[i].text);
        gyre_put(why, GYRE_LIT(": "));
        gyre_put(why, gyre_str(err_word(handle)));
        return false;
    }
    return true;
}

static const struct gyre_proto stream = {GYRE_PROTO, .state_size = sizeof(struct client),
                                         .on_data = on_data};
static const struct gyre_proto out_kind = {
    GYRE_PROTO, .state_size = sizeof(struct out), .message_max = 1000, .high_mark = 2000,
    .on_open = out_open, .on_data = out_data, .on_eof = out_eof, .on_room = out_room,
    .on_close = out_close};
static const struct gyre_proto ear_kind = {
    GYRE_PROTO, .state_size = sizeof(struct out), .on_open = out_open, .on_data = out_data,
    .handshake_ms = 3000, .on_close = out_close};
static const struct gyre_proto *const kinds[] = {&out_kind, &ear_kind, NULL};

GYRE_PLUGIN(.conf_size = sizeof(struct conf), .name = "dial", .version = "1.0",
            .summary = "Dials", .stream = &stream, .kinds = kinds, .options = options,
            .on_load = on_load);
