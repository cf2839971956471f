/* SPDX-License-Identifier: GPL-3.0-or-later
 * ask.c - a plugin for tests of requests between actors: ask, reply, and what rests meanwhile.
 *
 * name N · ask A TEXT · within A MS TEXT · nobody TEXT · deaf TEXT · long A BYTES · two A TEXT ·
 * ping · quit · reply TEXT: to the ask that waits
 * TEXT of an ask says what its receiver does: now, later, twice, positive, denied, long, quit.
 */
#include "names.h"

struct client {
    gyre_ref asker; /* whose ask waits for a reply */
    uint64_t token, tag;
};
static const struct gyre_proto stream, deaf_kind;

static void answered(struct gyre_actor *a, const struct gyre_answer *answer)
{
    if (answer->value.n > 100)
        say(a, "answer %llu %s of %zu bytes\n", (unsigned long long)answer->tag,
            err_word(answer->err), answer->value.n);
    else
        say(a, "answer %llu %s %.*s\n", (unsigned long long)answer->tag, err_word(answer->err),
            GYRE_ARG(answer->value));
}

static void reply(struct gyre_actor *a, const struct gyre_mail *m, int32_t err, gyre_view v)
{
    say(a, "replied %s\n", err_word(gyre->reply(a, m->from, m->tag, err, v)));
}

static void on_mail(struct gyre_actor *a, const struct gyre_mail *m)
{
    static const uint8_t long_text[64 * 1024 + 1];
    struct client *c = GYRE_STATE(a, struct client);
    if (!m->asked) say(a, "not asked\n");
    if (is(m->bytes, "now")) {
        reply(a, m, GYRE_OK, GYRE_LIT("at once"));
    } else if (is(m->bytes, "twice")) {
        reply(a, m, GYRE_OK, GYRE_LIT("first"));
        reply(a, m, GYRE_OK, GYRE_LIT("second"));
    } else if (is(m->bytes, "denied")) {
        reply(a, m, GYRE_DENIED, GYRE_LIT("why"));
    } else if (is(m->bytes, "positive")) {
        reply(a, m, 5, GYRE_NOTHING);
    } else if (is(m->bytes, "long")) {
        reply(a, m, GYRE_OK, (gyre_view){long_text, sizeof long_text});
        reply(a, m, GYRE_OK, (gyre_view){long_text, sizeof long_text - 1});
    } else if (is(m->bytes, "quit")) {
        gyre->close(a, GYRE_FLUSH);
    } else {
        if (m->bytes.n > 100) say(a, "asked, of %zu bytes\n", m->bytes.n);
        else say(a, "asked %.*s\n", GYRE_ARG(m->bytes));
        c->asker = m->from;
        c->token = m->tag;
    }
}

static void home_mail(struct gyre_actor *home, const struct gyre_mail *m)
{
    (void)name_take(home, m);
}

static void ask(struct gyre_actor *a, gyre_ref to, gyre_view text, int64_t within_ns)
{
    struct client *c = GYRE_STATE(a, struct client);
    int res = gyre->ask(a, to, 7, text, within_ns, ++c->tag, answered);
    if (res != GYRE_OK) say(a, "%s\n", err_word(res));
}

static void ask_long(struct gyre_actor *a, gyre_ref to, size_t n)
{
    static const uint8_t text[64 * 1024 + 1];
    ask(a, to, (gyre_view){text, n < sizeof text ? n : sizeof text}, 0);
}

static bool command(struct gyre_actor *a, gyre_view line)
{
    struct client *c = GYRE_STATE(a, struct client);
    gyre_view verb = word(&line), who;
    gyre_ref to;
    if (is(verb, "ping")) return say(a, "pong\n") >= 0;
    if (is(verb, "quit")) return gyre->close(a, GYRE_FLUSH), true;
    if (is(verb, "name")) return name_tell(a, line), true;
    if (is(verb, "nobody")) return ask(a, (gyre_ref){(uint64_t)60 << 32, 1}, line, 0), true;
    if (is(verb, "deaf")) {
        struct gyre_actor *deaf = gyre->dial(a, &(struct gyre_dial){GYRE_DIAL}, &deaf_kind);
        return deaf && (ask(a, gyre->ref(deaf), line, 0), true);
    }
    if (is(verb, "reply")) {
        say(a, "replied %s\n", err_word(gyre->reply(a, c->asker, c->token, GYRE_OK, line)));
        return true;
    }
    who = word(&line);
    to = name_find(a, who);
    if (is(verb, "ask")) return ask(a, to, line, 0), true;
    if (is(verb, "long")) return ask_long(a, to, number(&line)), true;
    if (is(verb, "within")) {
        int64_t within = GYRE_MS((int64_t)number(&line));
        return ask(a, to, line, within), true;
    }
    if (!is(verb, "two")) return false;
    ask(a, to, line, 0);
    ask(a, to, line, 0);
    return true;
}

static enum gyre_step on_data(struct gyre_actor *a, gyre_view *in)
{
    gyre_view line;
    if (!gyre_line(in, &line)) return GYRE_MORE;
    return command(a, line) ? GYRE_TOOK : GYRE_BAD;
}

static const struct gyre_proto stream = {GYRE_PROTO, .state_size = sizeof(struct client),
                                         .on_data = on_data, .on_mail = on_mail};
static const struct gyre_proto home = {GYRE_PROTO, .state_size = sizeof(struct names),
                                       .on_mail = home_mail};
static const struct gyre_proto deaf_kind = {GYRE_PROTO};
static const struct gyre_proto *const kinds[] = {&deaf_kind, NULL};

GYRE_PLUGIN(.name = "ask", .version = "1.0", .summary = "Asks and replies", .stream = &stream,
            .home = &home, .kinds = kinds);
