/* SPDX-License-Identifier: GPL-3.0-or-later
 * pieces.c - a plugin that is wrong: what it answers depends on the pieces in which bytes came.
 *
 * Tells how many bytes each call of on_data has got. A test of the test host.
 */
#include "say.h"

static enum gyre_step on_data(struct gyre_actor *a, gyre_view *in)
{
    say(a, "%zu\n", gyre_all(in).n);
    return GYRE_TOOK;
}

static const struct gyre_proto stream = {GYRE_PROTO, .on_data = on_data};

GYRE_PLUGIN(.name = "pieces", .version = "1.0", .summary = "tells in which pieces bytes came",
            .stream = &stream);
