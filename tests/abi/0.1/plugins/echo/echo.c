/* SPDX-License-Identifier: GPL-3.0-or-later
 * echo.c - RFC 862: sends back what came, over TCP and UDP.
 *
 * Promise: the same bytes in the same order; a datagram for a datagram. Back-pressure is the
 * host's: a client that does not read is not read from.
 * Limits: datagrams from the ports of services that answer anything are dropped, so that two
 * servers cannot be made to talk to each other for ever.
 */
#include "gyre.h"

static enum gyre_step echo_data(struct gyre_actor *a, gyre_view *in)
{
    gyre->write(a, gyre_all(in));
    return GYRE_TOOK;
}

/* echo, daytime, quote of the day, character generator and time answer whatever they get. */
static bool answers_anything(uint16_t port)
{
    return port == 7 || port == 13 || port == 17 || port == 19 || port == 37;
}

static void echo_datagrams(struct gyre_actor *home, const struct gyre_datagram *const *in, size_t n)
{
    (void)home;
    for (size_t i = 0; i < n; i++)
        if (!answers_anything(in[i]->path.peer.port))
            gyre->emit(in[i]->port, &in[i]->path, in[i]->data, 0, 0);
}

static const struct gyre_proto echo_stream = {GYRE_PROTO, .on_data = echo_data};
static const struct gyre_proto echo_port = {GYRE_PROTO, .message_max = 65535,
                                            .on_datagrams = echo_datagrams};

GYRE_PLUGIN(.name = "echo", .version = "1.0", .summary = "Sends back what came (RFC 862)",
            .stream = &echo_stream, .port = &echo_port);
