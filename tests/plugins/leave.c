/* SPDX-License-Identifier: GPL-3.0-or-later
 * leave.c - a plugin for tests of last words and of the limits that lead to them.
 *
 * A line is echoed. on_leave writes "bye WHY". When the service leaves: mode stay: waits for one
 * more line · mode deaf: ignores it · mode now: closes NOW · mode flush (at first): closes.
 * mode loud: writes 100 KB as its last words. hold: asks, and is answered in 3 s. kid: makes an
 * actor without a wire that is asked to leave, too.
 */
#include "say.h"

enum mode { FLUSH, STAY, DEAF, NOW, LOUD };
struct client {
    int mode;
    bool leaving;
};
static const struct gyre_proto kid_kind;

static int mode_of(gyre_view w)
{
    static const char *const words[] = {"flush", "stay", "deaf", "now", "loud"};
    int i = 0;
    while (i < LOUD && !is(w, words[i])) i++;
    return i;
}

static void answered(struct gyre_actor *a, const struct gyre_answer *answer)
{
    say(a, "held %s\n", err_word(answer->err));
}

static void home_mail(struct gyre_actor *home, const struct gyre_mail *m)
{
    (void)home;
    (void)m;
}

static enum gyre_step on_data(struct gyre_actor *a, gyre_view *in)
{
    struct client *c = GYRE_STATE(a, struct client);
    gyre_view line;
    if (!gyre_line(in, &line)) return GYRE_MORE;
    say(a, "%.*s\n", GYRE_ARG(line));
    if (gyre_skip(&line, GYRE_LIT("mode "))) c->mode = mode_of(line);
    if (is(line, "kid")) (void)gyre->dial(a, &(struct gyre_dial){GYRE_DIAL}, &kid_kind);
    if (is(line, "quit") || (c->leaving && c->mode == STAY)) gyre->close(a, GYRE_FLUSH);
    if (is(line, "hold"))
        (void)gyre->ask(a, gyre->ref(a->home), 0, line, GYRE_SECONDS(3), 0, answered);
    return GYRE_TOOK;
}

static void on_leave(struct gyre_actor *a, enum gyre_why why)
{
    static const uint8_t loud[100000];
    struct client *c = GYRE_STATE(a, struct client);
    c->leaving = true;
    if (c->mode != DEAF) say(a, "bye %s\n", why_word(why));
    if (c->mode == LOUD) (void)gyre->write(a, (gyre_view){loud, sizeof loud});
    if (c->mode == FLUSH || c->mode == LOUD) gyre->close(a, GYRE_FLUSH);
    if (c->mode == NOW) gyre->close(a, GYRE_NOW);
}

static void on_close(struct gyre_actor *a, enum gyre_why why)
{
    gyre->log(a, GYRE_INFO, "closed %s", why_word(why));
}

static void kid_leave(struct gyre_actor *kid, enum gyre_why why)
{
    gyre->log(kid, GYRE_INFO, "kid asked to leave %s", why_word(why));
    gyre->close(kid, GYRE_FLUSH);
}

static const struct gyre_proto stream = {
    GYRE_PROTO, .state_size = sizeof(struct client), .message_max = 30, .on_data = on_data,
    .on_leave = on_leave, .on_close = on_close};
static const struct gyre_proto home = {GYRE_PROTO, .on_mail = home_mail};
static const struct gyre_proto kid_kind = {GYRE_PROTO, .on_leave = kid_leave};
static const struct gyre_proto *const kinds[] = {&kid_kind, NULL};

GYRE_PLUGIN(.name = "leave", .version = "1.0", .summary = "Says goodbye", .stream = &stream,
            .home = &home, .kinds = kinds);
