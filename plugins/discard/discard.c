/* SPDX-License-Identifier: GPL-3.0-or-later
 * discard.c - RFC 863: takes what comes, over TCP and UDP, and answers nothing.
 *
 * Promise: never a byte back. What came is counted. Limits: those of the host.
 */
#include "gyre.h"

enum { METRIC_BYTES };

static enum gyre_step discard_data(struct gyre_actor *a, gyre_view *in)
{
    gyre->count(a, METRIC_BYTES, (int64_t)gyre_all(in).n);
    return GYRE_TOOK;
}

static void discard_datagrams(struct gyre_actor *home, const struct gyre_datagram *const *in,
                              size_t n)
{
    for (size_t i = 0; i < n; i++) gyre->count(home, METRIC_BYTES, (int64_t)in[i]->data.n);
}

static const struct gyre_metric metrics[] = {
    {"bytes", GYRE_COUNTER, "Bytes thrown away"},
    {0},
};
static const struct gyre_proto discard_stream = {GYRE_PROTO, .on_data = discard_data};
static const struct gyre_proto discard_port = {GYRE_PROTO, .message_max = 65535,
                                               .on_datagrams = discard_datagrams};

GYRE_PLUGIN(.name = "discard", .version = "1.0", .summary = "Takes what comes (RFC 863)",
            .stream = &discard_stream, .port = &discard_port, .metrics = metrics);
