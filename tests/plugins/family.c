/* SPDX-License-Identifier: GPL-3.0-or-later
 * family.c - a plugin for tests of the life of actors: homes, children without a wire, and what
 * calls do on an actor that has closed.
 *
 * child N: makes one; grand N: with one of its own; many COUNT: without names; deny N: it refuses
 * to open; brief N: closed at once · quit · after: calls everything after close · home · state ·
 * counts: on_open and on_close so far, on this worker · bug-…: what is wrong
 * Each on_close of one with a name is logged: "NAME closed WHY".
 */
#include "say.h"

struct tally { /* of the home */
    uint64_t opened, closed;
};
struct child {
    gyre_ref mother; /* the stream that it speaks through */
    char name[16];
    bool with_child, denies;
    uint8_t was_zero[1000];
};
static const struct gyre_proto stream, child_kind, odd_kind;

static void note_close(struct gyre_actor *a, const char *name, enum gyre_why why)
{
    GYRE_HOME(a, struct tally)->closed++;
    if (name[0]) gyre->log(a, GYRE_INFO, "%s closed %s", name, why_word(why));
}

/* ---- children ---- */

static struct gyre_actor *make_child(struct gyre_actor *by, gyre_ref mother, gyre_view name)
{
    struct gyre_actor *a = gyre->dial(by, &(struct gyre_dial){GYRE_DIAL}, &child_kind);
    struct child *c = a ? GYRE_STATE(a, struct child) : NULL;
    if (!c) return NULL;
    c->mother = mother;
    if (name.n < sizeof c->name && name.n) memcpy(c->name, name.p, name.n);
    return a;
}

static bool child_open(struct gyre_actor *a)
{
    struct child *c = GYRE_STATE(a, struct child);
    struct gyre_actor *mother = gyre->deref(c->mother, &stream);
    GYRE_HOME(a, struct tally)->opened++;
    if (c->denies) return false;
    if (mother && c->name[0]) say(mother, "%s open\n", c->name);
    if (!c->with_child) return true;
    c->with_child = false;
    return make_child(a, c->mother, GYRE_LIT("grand")) != NULL;
}

static void child_close(struct gyre_actor *a, enum gyre_why why)
{
    struct child *c = GYRE_STATE(a, struct child);
    if (gyre->deref(gyre->ref(a), &child_kind)) gyre->log(a, GYRE_ERROR, "wrong: still there");
    if (gyre->mem(a, NULL, 100)) c->was_zero[0] = 1; /* it lives until on_close returns */
    note_close(a, c->name, why);
}

/* ---- streams ---- */

static void on_close(struct gyre_actor *a, enum gyre_why why)
{
    note_close(a, "stream", why);
}

static bool on_open(struct gyre_actor *a)
{
    GYRE_HOME(a, struct tally)->opened++;
    return true;
}

static void answered(struct gyre_actor *a, const struct gyre_answer *answer)
{
    gyre->log(a, GYRE_ERROR, "wrong: an answer %d after close", answer->err);
}

/* Everything is harmless on an actor that has closed; nothing is carried out but mail. */
static void call_all(struct gyre_actor *a)
{
    gyre_ref self = gyre->ref(a);
    struct gyre_buf *b;
    gyre->close(a, GYRE_FLUSH);
    b = gyre->buf(a, GYRE_LIT("bytes"));
    if (!b) return;
    gyre->log(a, GYRE_INFO,
              "after: write %s write_buf %s timer %s ask %s watch %s link %s room %llu",
              err_word(gyre->write(a, GYRE_LIT("no"))), err_word(gyre->write_buf(a, b, 0, 5)),
              err_word(gyre->timer(a, 0, 0)),
              err_word(gyre->ask(a, self, 0, GYRE_NOTHING, 0, 0, answered)),
              err_word(gyre->watch(a, self, true)), err_word(gyre->link(a, a, 5)),
              (unsigned long long)gyre->room(a));
    gyre->log(a, GYRE_INFO, "after: dial %s deref %s peer %s conf %s",
              gyre->dial(a, &(struct gyre_dial){GYRE_DIAL}, &child_kind) ? "yes" : "NULL",
              gyre->deref(self, &stream) ? "yes" : "NULL", gyre->peer(a) ? "yes" : "NULL",
              gyre->conf(a) == a->conf ? "same" : "other");
    gyre->produce(a);
    gyre->pause(a, true);
    gyre->pause(a, false);
    gyre->limit(a, 10);
    gyre->finish(a);
    gyre->close(a, GYRE_NOW);
}

static void on_timer(struct gyre_actor *a, uint32_t slot)
{
    gyre->log(a, GYRE_ERROR, "wrong: timer %u", slot);
}

static void tell_home(struct gyre_actor *a)
{
    struct gyre_actor *h = a->home;
    gyre_ref ref = gyre->ref(h);
    bool own = h->home == h && h->worker == a->worker && h->section == a->section;
    say(a, "%s of %u workers, generation %u, worker %u, home %s, %s\n", a->section->name,
        a->section->workers, a->section->generation, a->worker, own ? "right" : "wrong",
        a->section->homes[a->worker].at == ref.at && a->section->homes[a->worker].id == ref.id
            ? "listed" : "not listed");
}

static void tell_state(struct gyre_actor *a)
{
    struct gyre_actor *c = make_child(a, gyre->ref(a), GYRE_NOTHING);
    if (!c) return;
    const struct child *s = GYRE_STATE(c, struct child);
    uint8_t sum = 0;
    for (size_t i = 0; i < sizeof s->was_zero; i++) sum |= s->was_zero[i];
    say(a, "state %s, %s, %s\n", sum ? "dirty" : "zero",
        (uintptr_t)c->state % 16 ? "crooked" : "aligned",
        a->state == NULL && gyre->room(c) > 0 && !gyre->peer(c) ? "right" : "wrong");
    memset(GYRE_STATE(c, struct child)->was_zero, 0xff, sizeof s->was_zero);
}

static bool command(struct gyre_actor *a, gyre_view line)
{
    struct tally *t = GYRE_HOME(a, struct tally);
    gyre_view verb = word(&line);
    struct gyre_actor *c = NULL;
    if (is(verb, "quit")) return gyre->close(a, GYRE_FLUSH), true;
    if (is(verb, "after")) return call_all(a), true;
    if (is(verb, "home")) return tell_home(a), true;
    if (is(verb, "state")) return tell_state(a), true;
    if (is(verb, "bug-home")) return gyre->close(a->home, GYRE_FLUSH), true;
    if (is(verb, "bug-write")) return gyre->write(a->home, GYRE_LIT("x")) != 0;
    if (is(verb, "bug-kind")) return gyre->dial(a, &(struct gyre_dial){GYRE_DIAL}, &odd_kind) != 0;
    if (is(verb, "bug-actor")) return gyre->write((struct gyre_actor *)a->section, line) != 0;
    if (is(verb, "bug-metric")) return gyre->count(a, 1, 1), true;
    if (is(verb, "bug-pause")) return gyre->pause(a, false), true;
    if (is(verb, "counts")) {
        return say(a, "%llu opened, %llu closed\n", (unsigned long long)t->opened,
                   (unsigned long long)t->closed) >= 0;
    }
    if (is(verb, "many")) {
        for (uint64_t n = number(&line); n; n--) (void)make_child(a, gyre->ref(a), GYRE_NOTHING);
        return true;
    }
    if (is(verb, "child") || is(verb, "grand")) {
        c = make_child(a, gyre->ref(a), line);
        if (c) GYRE_STATE(c, struct child)->with_child = is(verb, "grand");
    } else if (is(verb, "deny")) {
        c = make_child(a, gyre->ref(a), line);
        if (c) GYRE_STATE(c, struct child)->denies = true;
    } else if (is(verb, "brief")) {
        c = make_child(a, gyre->ref(a), line);
        if (!c) return false;
        gyre->close(c, GYRE_NOW);
        say(a, "%s\n", gyre->deref(gyre->ref(c), &child_kind) ? "there" : "gone");
    }
    return c != NULL;
}

static enum gyre_step on_data(struct gyre_actor *a, gyre_view *in)
{
    gyre_view line;
    if (!gyre_line(in, &line)) return GYRE_MORE;
    return command(a, line) ? GYRE_TOOK : GYRE_BAD;
}

static bool home_open(struct gyre_actor *home)
{
    gyre->log(home, GYRE_INFO, "home open");
    return true;
}
static void home_close(struct gyre_actor *home, enum gyre_why why)
{
    const struct tally *t = GYRE_STATE(home, struct tally);
    gyre->log(home, GYRE_INFO, "home closed %s, %llu of %llu", why_word(why),
              (unsigned long long)t->closed, (unsigned long long)t->opened);
}

static const struct gyre_proto stream = {GYRE_PROTO, .timers = 1, .on_open = on_open,
                                         .on_data = on_data, .on_timer = on_timer,
                                         .on_close = on_close};
static const struct gyre_proto home = {GYRE_PROTO, .state_size = sizeof(struct tally),
                                       .on_open = home_open, .on_close = home_close};
static const struct gyre_proto child_kind = {GYRE_PROTO, .state_size = sizeof(struct child),
                                             .on_open = child_open, .on_close = child_close};
static const struct gyre_proto odd_kind = {GYRE_PROTO}; /* not declared */
static const struct gyre_proto *const kinds[] = {&child_kind, NULL};
static const struct gyre_metric metrics[] = {{"seen", GYRE_COUNTER, "How many"}, {0}};

GYRE_PLUGIN(.name = "family", .version = "1.0", .summary = "Makes actors", .stream = &stream,
            .home = &home, .kinds = kinds, .metrics = metrics);
