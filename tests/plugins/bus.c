/* SPDX-License-Identifier: GPL-3.0-or-later
 * bus.c - a plugin for tests of bus/1: topics over all workers.
 *
 * in TOPIC · out TOPIC · say TOPIC TEXT · body TOPIC TEXT · many N: joins N topics, tells how many
 * it could · long N: a name of N bytes · flood TOPIC N: N times 60,000 bytes · big TOPIC N: N
 * bytes · last TOPIC TEXT: and closes · box TOPIC: an actor without a wire that joins · hold ·
 * free · drop A member that gets "leave" leaves; one that gets "end N" closes; "oust": takes all
 * of its worker out of the topic.
 */
#include "say.h"
#include "services/bus.h"

static const struct gyre_bus *bus;
static const struct gyre_need needs[] = {{"bus/1", &bus, 0}, {0}};

enum { CLIENTS = 8 };
struct home { /* all streams of the worker */
    gyre_ref clients[CLIENTS];
    uint32_t n;
};
struct box {
    gyre_ref owner;
};
struct client {
    gyre_ref box;
};
static const struct gyre_proto stream, box_kind;

static bool on_open(struct gyre_actor *a)
{
    struct home *h = GYRE_HOME(a, struct home);
    h->clients[h->n++ % CLIENTS] = gyre->ref(a);
    return true;
}

/* Everyone of this worker leaves, while the mail is being handed out. */
static void oust(struct gyre_actor *a, gyre_view topic)
{
    const struct home *h = GYRE_HOME(a, struct home);
    for (uint32_t i = 0; i < CLIENTS; i++) {
        struct gyre_actor *c = gyre->deref(h->clients[i], &stream);
        if (c) (void)bus->join(c, topic, false);
    }
}

static void on_mail(struct gyre_actor *a, const struct gyre_mail *m)
{
    if (m->bytes.n > 100) say(a, "%.*s: %zu bytes", GYRE_ARG(m->topic), m->bytes.n);
    else say(a, "%.*s: %.*s", GYRE_ARG(m->topic), GYRE_ARG(m->bytes));
    if (m->body) gyre->write(a, GYRE_LIT(" + "));
    if (m->body) (void)gyre->write_buf(a, m->body, 0, m->body->bytes.n);
    say(a, "%s\n", m->asked || m->tag ? " (wrong)" : "");
    if (is(m->bytes, "leave")) (void)bus->join(a, m->topic, false);
    if (is(m->bytes, "oust")) oust(a, m->topic);
    if (is(m->bytes, "end")) gyre->close(a, GYRE_FLUSH);
}

static void on_bounce(struct gyre_actor *a, const struct gyre_mail *m, int32_t err)
{
    (void)m;
    say(a, "wrong: a bounce %s\n", err_word(err));
}

static void box_mail(struct gyre_actor *box, const struct gyre_mail *m)
{
    struct gyre_actor *owner = gyre->deref(GYRE_STATE(box, struct box)->owner, &stream);
    if (owner) say(owner, "box %.*s: %.*s\n", GYRE_ARG(m->topic), GYRE_ARG(m->bytes));
}

static void make_box(struct gyre_actor *a, gyre_view topic)
{
    struct gyre_actor *box = gyre->dial(a, &(struct gyre_dial){GYRE_DIAL}, &box_kind);
    if (!box) return;
    GYRE_STATE(box, struct box)->owner = gyre->ref(a);
    GYRE_STATE(a, struct client)->box = gyre->ref(box);
    (void)bus->join(box, topic, true);
}

static void join_many(struct gyre_actor *a, uint64_t n)
{
    uint64_t joined = 0;
    for (uint64_t i = 0; i < n; i++) {
        uint8_t space[24];
        gyre_out o = GYRE_OUT(space);
        gyre_put_dec(&o, i);
        joined += bus->join(a, gyre_built(&o), true) == GYRE_OK;
    }
    say(a, "%llu\n", (unsigned long long)joined);
}

static int send_bytes(struct gyre_actor *a, gyre_view topic, uint64_t times, size_t n)
{
    static const uint8_t zeroes[64 * 1024 + 1];
    int res = GYRE_OK;
    for (uint64_t i = 0; i < times && res == GYRE_OK; i++)
        res = bus->send(a, topic, 1, (gyre_view){zeroes, n < sizeof zeroes ? n : sizeof zeroes},
                        NULL);
    return res;
}

static int command(struct gyre_actor *a, gyre_view line)
{
    gyre_view verb = word(&line), topic = word(&line);
    struct gyre_actor *box = gyre->deref(GYRE_STATE(a, struct client)->box, &box_kind);
    uint8_t name[1000];
    uint64_t n = 0;
    memset(name, 'n', sizeof name);
    if (is(verb, "in")) return bus->join(a, topic, true);
    if (is(verb, "out")) return bus->join(a, topic, false);
    if (is(verb, "say")) return bus->send(a, topic, 1, line, NULL);
    if (is(verb, "body")) return bus->send(a, topic, 1, GYRE_LIT("has"), gyre->buf(a, line));
    if (is(verb, "box")) return make_box(a, topic), GYRE_OK;
    if (is(verb, "hold") || is(verb, "free") || is(verb, "drop")) {
        if (box && is(verb, "drop")) gyre->close(box, GYRE_NOW);
        else if (box) gyre->pause(box, is(verb, "hold"));
        return box ? GYRE_OK : GYRE_ABSENT;
    }
    if (is(verb, "flood")) return send_bytes(a, topic, number(&line), 60000);
    if (is(verb, "big")) return send_bytes(a, topic, 1, number(&line));
    if (is(verb, "last")) {
        int res = bus->send(a, topic, 1, line, NULL);
        gyre->close(a, GYRE_FLUSH);
        return res;
    }
    if (!gyre_dec(topic, sizeof name, &n)) return GYRE_UNSUPPORTED;
    if (is(verb, "many")) return join_many(a, n), GYRE_OK;
    if (is(verb, "long")) return bus->join(a, (gyre_view){name, n}, true);
    return bus->send(a, (gyre_view){name, n}, 1, GYRE_LIT("long"), NULL);
}

static enum gyre_step on_data(struct gyre_actor *a, gyre_view *in)
{
    gyre_view line;
    int res;
    if (!gyre_line(in, &line)) return GYRE_MORE;
    res = command(a, line);
    if (res != GYRE_OK) say(a, "%s\n", err_word(res));
    return GYRE_TOOK;
}

static const struct gyre_proto stream = {
    GYRE_PROTO, .state_size = sizeof(struct client), .on_open = on_open, .on_data = on_data,
    .on_mail = on_mail, .on_bounce = on_bounce};
static const struct gyre_proto home = {GYRE_PROTO, .state_size = sizeof(struct home)};
static const struct gyre_proto box_kind = {GYRE_PROTO, .state_size = sizeof(struct box),
                                           .on_mail = box_mail};
static const struct gyre_proto *const kinds[] = {&box_kind, NULL};

GYRE_PLUGIN(.name = "bus", .version = "1.0", .summary = "Topics", .stream = &stream,
            .home = &home, .kinds = kinds, .needs = needs);
