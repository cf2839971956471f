/* SPDX-License-Identifier: GPL-3.0-or-later
 * link.c - a plugin for tests of link: a proxy between a client and what it dials.
 *
 * The first line says which: both (all, both ways) · some N (the next N bytes out, then lines
 * again) · out (from the client only) · echo (to itself) · twice (two links to one) · drop N (N
 * bytes, but ended at once) · other-quits (linked, and closed at once) · quit. Lines that come to
 * on_data are answered with "line: …". A side that ends finishes the other; one that closes is
 * told to the client by "other closed WHY".
 */
#include "say.h"

struct side {
    gyre_ref other;
};
static const struct gyre_proto stream, out_kind;

static struct gyre_actor *other_of(struct gyre_actor *a)
{
    gyre_ref r = GYRE_STATE(a, struct side)->other;
    struct gyre_actor *found = gyre->deref(r, &stream);
    return found ? found : gyre->deref(r, &out_kind);
}

static bool on_open(struct gyre_actor *a)
{
    struct gyre_actor *out =
        gyre->dial(a, &(struct gyre_dial){GYRE_DIAL, .to = GYRE_LIT("tcp:10.0.0.1:80")}, &out_kind);
    if (!out) return false;
    GYRE_STATE(out, struct side)->other = gyre->ref(a);
    GYRE_STATE(a, struct side)->other = gyre->ref(out);
    return true;
}

static void link_or_say(struct gyre_actor *a, struct gyre_actor *from, struct gyre_actor *to,
                        uint64_t n)
{
    int res = gyre->link(from, to, n);
    if (res != GYRE_OK) say(a, "%s\n", err_word(res));
}

static bool command(struct gyre_actor *a, gyre_view line)
{
    gyre_view whole = line, verb = word(&line);
    struct gyre_actor *out = other_of(a);
    if (is(verb, "both") && out) {
        link_or_say(a, a, out, UINT64_MAX);
        link_or_say(a, out, a, UINT64_MAX);
    } else if (is(verb, "out") && out) {
        link_or_say(a, a, out, UINT64_MAX);
    } else if (is(verb, "some") && out) {
        link_or_say(a, a, out, number(&line));
    } else if (is(verb, "echo")) {
        link_or_say(a, a, a, number(&line));
    } else if (is(verb, "twice") && out) {
        link_or_say(a, out, out, 5);
        link_or_say(a, a, out, 5);
        link_or_say(a, out, NULL, 0);
        link_or_say(a, a, out, 5);
    } else if (is(verb, "drop") && out) {
        link_or_say(a, a, out, number(&line));
        link_or_say(a, a, NULL, 1);
    } else if (is(verb, "quit")) {
        gyre->close(a, GYRE_FLUSH);
    } else if (is(verb, "other-quits") && out) {
        link_or_say(a, a, out, UINT64_MAX);
        GYRE_STATE(out, struct side)->other = (gyre_ref){0, 0}; /* its end is told to nobody */
        gyre->close(out, GYRE_FLUSH);
    } else {
        say(a, "line: %.*s\n", GYRE_ARG(whole));
    }
    return true;
}

static enum gyre_step on_data(struct gyre_actor *a, gyre_view *in)
{
    gyre_view line;
    if (!gyre_line(in, &line)) return GYRE_MORE;
    return command(a, line) ? GYRE_TOOK : GYRE_BAD;
}

static enum gyre_step out_data(struct gyre_actor *out, gyre_view *in)
{
    gyre_view line;
    struct gyre_actor *a = other_of(out);
    if (!gyre_line(in, &line)) return GYRE_MORE;
    if (a) say(a, "out line: %.*s\n", GYRE_ARG(line));
    return GYRE_TOOK;
}

static void on_eof(struct gyre_actor *a)
{
    struct gyre_actor *other = other_of(a);
    if (other) gyre->finish(other);
    else gyre->close(a, GYRE_FLUSH);
}

static void out_close(struct gyre_actor *out, enum gyre_why why)
{
    struct gyre_actor *a = other_of(out);
    if (a) say(a, "other closed %s\n", why_word(why));
}

static bool on_load(struct gyre_section *s, void *conf, gyre_out *why)
{
    (void)conf;
    int handle = gyre->want(s, GYRE_LIT("dial:*"));
    if (handle < 0) gyre_put(why, gyre_str(err_word(handle)));
    return handle >= 0;
}

static const struct gyre_proto stream = {GYRE_PROTO, .state_size = sizeof(struct side),
                                         .on_open = on_open, .on_data = on_data, .on_eof = on_eof};
static const struct gyre_proto out_kind = {GYRE_PROTO, .state_size = sizeof(struct side),
                                           .on_data = out_data, .on_eof = on_eof,
                                           .on_close = out_close};
static const struct gyre_proto *const kinds[] = {&out_kind, NULL};

GYRE_PLUGIN(.name = "link", .version = "1.0", .summary = "A proxy", .stream = &stream,
            .kinds = kinds, .on_load = on_load);
