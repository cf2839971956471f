/* SPDX-License-Identifier: GPL-3.0-or-later
 * mail.c - a plugin for tests of mail: send, order, bodies, bounces, and actors that hold mail.
 *
 * name N · send A,B TEXT · body A TEXT · kept · burst A COUNT · nobody TEXT · far TEXT ·
 * deaf TEXT · big A BYTES · flood A COUNT · last A TEXT · ping
 * round: the homes hand a mail on to each other, for ever
 * box N: makes an actor without a wire, which tells what it gets. hold · free · drop: of it.
 */
#include "names.h"

enum { MAIL_TEXT = 1, MAIL_BODY, MAIL_ROUND, SEND_MOST = 8 };

struct client {
    gyre_ref box, sent_to[SEND_MOST]; /* sent_to: of the last send, to check bounces */
    size_t sent_n;
    struct gyre_buf *kept;
    uint64_t tag;
};
struct box {
    gyre_ref owner;
    uint32_t pauses;
};
static const struct gyre_proto stream, box_kind, deaf_kind;

/* ---- what comes ---- */

static void say_text(struct gyre_actor *a, gyre_view text)
{
    if (text.n > 100) say(a, "of %zu bytes", text.n);
    else say(a, "%.*s", GYRE_ARG(text));
}

static void on_mail(struct gyre_actor *a, const struct gyre_mail *m)
{
    struct client *c = GYRE_STATE(a, struct client);
    say(a, "mail %u %llu ", m->type, (unsigned long long)m->tag);
    say_text(a, m->bytes);
    if (m->body) {
        (void)gyre->write(a, GYRE_LIT(" + "));
        (void)gyre->write_buf(a, m->body, 0, m->body->bytes.n);
        if (c->kept) gyre->buf_drop(a, c->kept);
        c->kept = gyre->buf_share(a, m->body);
    }
    if (m->topic.n || m->asked) say(a, " (wrong)");
    say(a, "\n");
}

static void on_bounce(struct gyre_actor *a, const struct gyre_mail *m, int32_t err)
{
    const struct client *c = GYRE_STATE(a, struct client);
    size_t i = 0;
    while (i < c->sent_n && (c->sent_to[i].at != m->from.at || c->sent_to[i].id != m->from.id)) i++;
    say(a, "bounce %s %u %llu ", err_word(err), m->type, (unsigned long long)m->tag);
    say_text(a, m->bytes);
    if (i < c->sent_n) say(a, ", for %zu\n", i + 1);
    else say(a, ", for another\n");
}

static void hand_on(struct gyre_actor *a)
{
    const struct gyre_section *s = a->section;
    const gyre_ref next = s->homes[(a->worker + 1) % s->workers];
    (void)gyre->send(a, &next, 1, MAIL_ROUND, 0, GYRE_NOTHING, NULL);
}

static void home_mail(struct gyre_actor *home, const struct gyre_mail *m)
{
    if (m->type == MAIL_ROUND) hand_on(home);
    else (void)name_take(home, m);
}

/* ---- the box: an actor without a wire ---- */

static struct gyre_actor *owner_of(struct gyre_actor *box)
{
    return gyre->deref(GYRE_STATE(box, struct box)->owner, &stream);
}

static void hold(struct gyre_actor *box, bool on)
{
    struct box *b = GYRE_STATE(box, struct box);
    if (!on && !b->pauses) return;
    gyre->pause(box, on);
    b->pauses += on ? 1 : UINT32_MAX;
}

static bool box_open(struct gyre_actor *box)
{
    struct gyre_actor *owner = owner_of(box);
    if (owner) say(owner, "box open\n");
    return true;
}

static void box_mail(struct gyre_actor *box, const struct gyre_mail *m)
{
    struct gyre_actor *owner = owner_of(box);
    if (owner) {
        say(owner, "box ");
        say_text(owner, m->bytes);
        say(owner, "\n");
    }
    if (is(m->bytes, "stop")) hold(box, true);
    if (is(m->bytes, "die")) gyre->close(box, GYRE_NOW);
}

/* Mail that is sent in the same callback comes after on_open. */
static void make_box(struct gyre_actor *a, gyre_view name)
{
    struct client *c = GYRE_STATE(a, struct client);
    struct gyre_actor *box = gyre->dial(a, &(struct gyre_dial){GYRE_DIAL}, &box_kind);
    if (!box) return;
    GYRE_STATE(box, struct box)->owner = gyre->ref(a);
    c->box = gyre->ref(box);
    name_tell(box, name);
    (void)gyre->send(a, &c->box, 1, MAIL_TEXT, 0, GYRE_LIT("first"), NULL);
}

static void pause_box(struct gyre_actor *a, bool on)
{
    struct gyre_actor *box = gyre->deref(GYRE_STATE(a, struct client)->box, &box_kind);
    if (box) hold(box, on);
}

/* ---- what goes ---- */

/* To all of "a,b,c". */
static int send_names(struct gyre_actor *a, gyre_view names, uint32_t type, gyre_view text,
                      struct gyre_buf *body)
{
    struct client *c = GYRE_STATE(a, struct client);
    gyre_view name;
    c->sent_n = 0;
    while (names.n && c->sent_n < SEND_MOST) {
        if (!gyre_until(&names, ',', &name)) name = gyre_all(&names);
        c->sent_to[c->sent_n++] = name_find(a, name);
    }
    return gyre->send(a, c->sent_to, c->sent_n, type, ++c->tag, text, body);
}

static void send_to(struct gyre_actor *a, gyre_ref to, gyre_view text)
{
    struct client *c = GYRE_STATE(a, struct client);
    c->sent_to[0] = to;
    c->sent_n = 1;
    say(a, "%s\n", err_word(gyre->send(a, &to, 1, MAIL_TEXT, ++c->tag, text, NULL)));
}

static void send_many(struct gyre_actor *a, gyre_view name, uint64_t times, size_t bytes)
{
    static const uint8_t zeroes[64 * 1024 + 1];
    uint8_t space[32];
    int res = GYRE_OK;
    for (uint64_t i = 0; i < times && res == GYRE_OK; i++) {
        gyre_out text = GYRE_OUT(space);
        gyre_put_dec(&text, i);
        res = send_names(a, name, MAIL_TEXT,
                         bytes ? (gyre_view){zeroes, bytes} : gyre_built(&text), NULL);
    }
    say(a, "%s\n", err_word(res));
}

static void send_deaf(struct gyre_actor *a, gyre_view text)
{
    struct gyre_actor *deaf = gyre->dial(a, &(struct gyre_dial){GYRE_DIAL}, &deaf_kind);
    if (deaf) send_to(a, gyre->ref(deaf), text);
}

static bool command(struct gyre_actor *a, gyre_view line)
{
    struct client *c = GYRE_STATE(a, struct client);
    gyre_view verb = word(&line), who;
    if (is(verb, "ping")) return say(a, "pong\n") >= 0;
    if (is(verb, "round")) return hand_on(a), true;
    if (is(verb, "name")) return name_tell(a, line), true;
    if (is(verb, "nobody")) return send_to(a, (gyre_ref){0, 0}, line), true;
    if (is(verb, "far")) return send_to(a, (gyre_ref){(uint64_t)60 << 32, 9}, line), true;
    if (is(verb, "deaf")) return send_deaf(a, line), true;
    if (is(verb, "box")) return make_box(a, line), true;
    if (is(verb, "hold") || is(verb, "free")) return pause_box(a, is(verb, "hold")), true;
    if (is(verb, "drop")) {
        struct gyre_actor *box = gyre->deref(c->box, &box_kind);
        if (box) gyre->close(box, GYRE_NOW);
        return box != NULL;
    }
    if (is(verb, "kept") && c->kept) {
        (void)gyre->write_buf(a, c->kept, 0, c->kept->bytes.n);
        return say(a, "\n") >= 0;
    }
    who = word(&line);
    if (is(verb, "send")) {
        (void)send_names(a, who, MAIL_TEXT, line, NULL);
    } else if (is(verb, "last")) {
        (void)send_names(a, who, MAIL_TEXT, line, NULL);
        gyre->close(a, GYRE_FLUSH);
    } else if (is(verb, "body")) {
        (void)send_names(a, who, MAIL_BODY, GYRE_LIT("has"), gyre->buf(a, line));
    } else if (is(verb, "burst")) {
        send_many(a, who, number(&line), 0);
    } else if (is(verb, "flood")) {
        send_many(a, who, number(&line), 60000);
    } else if (is(verb, "big")) {
        send_many(a, who, 1, number(&line));
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

static const struct gyre_proto stream = {GYRE_PROTO, .state_size = sizeof(struct client),
                                         .on_data = on_data, .on_mail = on_mail,
                                         .on_bounce = on_bounce};
static const struct gyre_proto home = {GYRE_PROTO, .state_size = sizeof(struct names),
                                       .on_mail = home_mail};
static const struct gyre_proto box_kind = {GYRE_PROTO, .state_size = sizeof(struct box),
                                           .on_open = box_open, .on_mail = box_mail};
static const struct gyre_proto deaf_kind = {GYRE_PROTO};
static const struct gyre_proto *const kinds[] = {&box_kind, &deaf_kind, NULL};

GYRE_PLUGIN(.name = "mail", .version = "1.0", .summary = "Sends mail", .stream = &stream,
            .home = &home, .kinds = kinds);
