/* SPDX-License-Identifier: GPL-3.0-or-later
 * daytime.c - RFC 867: the date and time as one line, over TCP and UDP.
 *
 * Promise: a connection gets one line and is closed; a datagram gets one datagram. What a client
 * sends is ignored. Always UTC.
 * Limits: datagrams from the ports of services that answer anything are dropped, so that two
 * servers cannot be made to talk to each other for ever.
 */
#include <time.h>

#include "gyre.h"

struct daytime_conf {
    int64_t format;
};
enum { FORMAT_LONG, FORMAT_SHORT, FORMAT_ISO };

static const struct gyre_option options[] = {
    GYRE_OPT_CHOICE(daytime_conf, format, "long", "long|short|iso",
                    "The line: long as in RFC 867, short as in old mail, or ISO 8601"),
    {0},
};

/* English in any locale: the host never calls setlocale. */
static gyre_view line(int64_t format, char *out, size_t n)
{
    time_t now = (time_t)(gyre->now(GYRE_WALL) / GYRE_SECONDS(1));
    size_t used = 0;
    struct tm t;
    if (!gmtime_r(&now, &t)) return GYRE_NOTHING;
    switch (format) {
    case FORMAT_LONG: used = strftime(out, n, "%A, %B %d, %Y %H:%M:%S-UTC\r\n", &t); break;
    case FORMAT_SHORT: used = strftime(out, n, "%d %b %Y %H:%M:%S UTC\r\n", &t); break;
    case FORMAT_ISO: used = strftime(out, n, "%Y-%m-%dT%H:%M:%SZ\r\n", &t); break;
    }
    return GYRE_MAKE(gyre_view, (const uint8_t *)out, used);
}

static bool daytime_open(struct gyre_actor *a)
{
    char space[80];
    gyre->write(a, line(GYRE_CONF(a, struct daytime_conf)->format, space, sizeof space));
    gyre->close(a, GYRE_FLUSH);
    return true;
}

/* echo, daytime, quote of the day, character generator and time answer whatever they get. */
static bool answers_anything(uint16_t port)
{
    return port == 7 || port == 13 || port == 17 || port == 19 || port == 37;
}

static void daytime_datagrams(struct gyre_actor *home, const struct gyre_datagram *const *in,
                              size_t n)
{
    char space[80];
    const struct daytime_conf *conf = gyre->conf(home);
    gyre_view now = line(conf->format, space, sizeof space);
    for (size_t i = 0; i < n; i++)
        if (!answers_anything(in[i]->path.peer.port))
            gyre->emit(in[i]->port, &in[i]->path, now, 0, 0);
}

static const struct gyre_proto daytime_stream = {GYRE_PROTO, .message_max = 512,
                                                 .on_open = daytime_open};
static const struct gyre_proto daytime_port = {GYRE_PROTO, .message_max = 512,
                                               .on_datagrams = daytime_datagrams};

GYRE_PLUGIN(.name = "daytime", .version = "1.0", .summary = "The date and time (RFC 867)",
            .stream = &daytime_stream, .port = &daytime_port,
            .conf_size = sizeof(struct daytime_conf), .options = options);
