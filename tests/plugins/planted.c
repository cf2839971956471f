/* SPDX-License-Identifier: GPL-3.0-or-later
 * planted.c - a plugin with a bug of each kind that the fuzzer's oracles are for, to see them fire.
 *
 * A line is answered by its length. One that begins with "bug" does what the option bug says: reads
 * a byte past the input; reads the input of the call before; answers by the piece that came;
 * answers too much; keeps memory in the home; never rests; makes an actor that does not end; has
 * itself called more than bytes come.
 */
#include "gyre.h"

struct planted_state {
    const uint8_t *kept;
    uint32_t turns;
};
struct planted_conf {
    int64_t bug;
};
enum {
    BUG_NONE, BUG_OVER, BUG_KEPT, BUG_SPLIT, BUG_OUTPUT, BUG_MEMORY, BUG_REST, BUG_LEFT, BUG_WORK,
};

static const struct gyre_option options[] = {
    GYRE_OPT_CHOICE(planted_conf, bug, "none",
                    "none|over|kept|split|output|memory|rest|left|work", "What is wrong"),
    {0},
};

static const struct gyre_proto planted_kind = {GYRE_PROTO, .name = "left"};

static size_t keep(struct planted_state *s, gyre_view in, size_t n)
{
    const uint8_t *was = s->kept;
    s->kept = in.n ? in.p : NULL;
    return was ? n + (*was & 1) : n;
}

/* n: of the line. The number to be answered. */
static size_t do_wrong(struct gyre_actor *a, gyre_view in, size_t came, size_t n)
{
    static const uint8_t much[2048];
    switch (GYRE_CONF(a, struct planted_conf)->bug) {
    case BUG_OVER: return in.n ? n : n + (in.p[0] & 1);
    case BUG_KEPT: return keep(a->state, in, n);
    case BUG_SPLIT: return came;
    case BUG_OUTPUT: gyre->write(a, GYRE_MAKE(gyre_view, much, sizeof much)); break;
    case BUG_MEMORY: (void)gyre->mem(a->home, NULL, 32); break;
    case BUG_REST: gyre->produce(a); break;
    case BUG_LEFT:
        (void)gyre->dial(a->home, &(struct gyre_dial){GYRE_DIAL}, &planted_kind);
        break;
    case BUG_WORK: gyre->timer(a, 0, 1); break;
    default: break;
    }
    return n;
}

static enum gyre_step planted_data(struct gyre_actor *a, gyre_view *in)
{
    const size_t came = in->n;
    uint8_t space[32] = {0};
    gyre_out out = GYRE_OUT(space);
    gyre_view line;
    if (!gyre_line(in, &line)) return GYRE_MORE;
    size_t n = line.n;
    if (gyre_skip(&line, GYRE_LIT("bug"))) n = do_wrong(a, *in, came, n);
    gyre_put_dec(&out, n);
    gyre_put_byte(&out, '\n');
    gyre->write(a, gyre_built(&out));
    return GYRE_TOOK;
}

static void planted_room(struct gyre_actor *a)
{
    if (GYRE_CONF(a, struct planted_conf)->bug == BUG_REST) gyre->produce(a);
}

/* Five thousand turns for one line, and then no more. */
static void planted_timer(struct gyre_actor *a, uint32_t slot)
{
    struct planted_state *s = a->state;
    if (++s->turns < 5000) gyre->timer(a, slot, 0);
}

static const struct gyre_proto planted_stream = {
    GYRE_PROTO, .state_size = sizeof(struct planted_state), .timers = 1, .on_data = planted_data,
    .on_room = planted_room, .on_timer = planted_timer};
static const struct gyre_proto *const kinds[] = {&planted_kind, NULL};

GYRE_PLUGIN(.name = "planted", .version = "1.0", .summary = "Has bugs, for the fuzzer to find",
            .conf_size = sizeof(struct planted_conf), .options = options,
            .stream = &planted_stream, .kinds = kinds);
