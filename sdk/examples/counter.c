/* SPDX-License-Identifier: MIT
 * counter.c - an example: a plugin that others ask by messages. It has a number; who asks may add
 * to it, and all who follow are told. teller.c asks it; README.md shows the two at work.
 *
 * "counter/1": ADD, 8 bytes big-endian, is answered with the new number, 8 bytes; TOTAL is
 * published, 8 bytes. Promise: whatever else is asked is answered GYRE_INVALID.
 */
#include "services/wide.h"

enum { ADD = 1, TOTAL = 1 };
#ifndef COUNTER
#define COUNTER "counter/1" /* the revision is a part of the name */
#endif

static const struct gyre_wide *wide;

struct state {
    uint64_t total;
};

static void on_mail(struct gyre_actor *home, const struct gyre_mail *mail)
{
    struct state *s = GYRE_STATE(home, struct state);
    uint8_t bytes[8];
    gyre_out out = GYRE_OUT(bytes);
    gyre_in in = gyre_in_of(mail->bytes);
    uint64_t more = gyre_be(&in, 8);
    if (!mail->asked) return;
    if (mail->type != ADD || !gyre_end(&in)) { /* the other process may be anything */
        gyre->reply(home, mail->from, mail->tag, GYRE_INVALID, GYRE_NOTHING);
        return;
    }
    s->total += more;
    gyre_put_be(&out, s->total, 8);
    gyre->reply(home, mail->from, mail->tag, GYRE_OK, gyre_built(&out));
    if (more) wide->publish(home, COUNTER, TOTAL, gyre_built(&out));
}

static const struct gyre_proto home_kind = {GYRE_PROTO, .state_size = sizeof(struct state),
                                            .on_mail = on_mail};
static const struct gyre_need needs[] = {{"wide/1", &wide, 0}, {0}};
static const struct gyre_offer offers[] = {{COUNTER, NULL}, {0}}; /* no table: by messages */

GYRE_PLUGIN(.name = "counter", .version = "1.0", .summary = "A number that others add to",
            .home = &home_kind, .needs = needs, .offers = offers);
