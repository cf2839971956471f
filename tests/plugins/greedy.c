/* SPDX-License-Identifier: GPL-3.0-or-later
 * greedy.c - a plugin that reads what is not its own: under AddressSanitizer it must die.
 *
 * A line, or a datagram, is a word: "past" reads the byte behind what came; "later" keeps the view
 * and reads it when a timer fires. Anything else comes back.
 */
#include "gyre.h"

struct state {
    gyre_view kept;
};

static void look(gyre_view v)
{
    static volatile uint8_t seen; /* so that the read is not left out */
    seen = v.p[0];
    (void)seen;
}

/* false: it is none of the words. */
static bool obey(struct gyre_actor *a, gyre_view word)
{
    if (gyre_eq(word, GYRE_LIT("past"))) {
        look((gyre_view){word.p + word.n + 1, 1}); /* behind the line's end */
    } else if (gyre_eq(word, GYRE_LIT("later"))) {
        GYRE_STATE(a, struct state)->kept = word;
        gyre->timer(a, 0, GYRE_MS(1));
    } else {
        return false;
    }
    return true;
}

static void on_timer(struct gyre_actor *a, uint32_t slot)
{
    (void)slot;
    look(GYRE_STATE(a, struct state)->kept);
}

static enum gyre_step on_data(struct gyre_actor *a, gyre_view *in)
{
    gyre_view line = *in, word;
    if (!gyre_line(in, &word)) return GYRE_MORE;
    if (!obey(a, word)) gyre->write(a, gyre_head(&line, word.n + 1));
    return GYRE_TOOK;
}

static void on_datagrams(struct gyre_actor *home, const struct gyre_datagram *const *list, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        gyre_view in = list[i]->data, word;
        if (gyre_line(&in, &word) && !obey(home, word))
            gyre->emit(list[i]->port, &list[i]->path, list[i]->data, 0, 0);
    }
}

static const struct gyre_proto stream = {
    GYRE_PROTO, .state_size = sizeof(struct state), .timers = 1, .message_max = 64,
    .on_data = on_data, .on_timer = on_timer};
static const struct gyre_proto port = {GYRE_PROTO, .message_max = 64, .on_datagrams = on_datagrams};
static const struct gyre_proto home = {GYRE_PROTO, .state_size = sizeof(struct state), .timers = 1,
                                       .on_timer = on_timer};

GYRE_PLUGIN(.name = "greedy", .version = "1.0", .summary = "Reads too much", .stream = &stream,
            .port = &port, .home = &home);
