/* SPDX-License-Identifier: GPL-3.0-or-later
 * udp.c - a plugin for tests of datagrams: on_datagrams and emit.
 *
 * Each datagram is a command: path · batch: how many came at once, of this callback · train N
 * SEGMENT: N bytes as a train · many N: emits N, tells how many were taken · later MS: answers
 * then · wrong: what emit refuses · state: of port and home · anything else comes back, with (cut)
 * if it was
 */
#include "say.h"

struct home {
    gyre_ref port;
    gyre_path path;
    uint64_t seen;
};
static const struct gyre_proto port;

__attribute__((format(printf, 2, 3))) static int tell(const struct gyre_datagram *d,
                                                      const char *fmt, ...)
{
    char text[256];
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    return gyre->emit(d->port, &d->path, (gyre_view){(const uint8_t *)text, (size_t)n}, 0, 0);
}

static void tell_path(const struct gyre_datagram *d)
{
    const uint8_t *p = d->path.peer.ip + 12, *l = d->path.local.ip + 12;
    (void)tell(d, "%u.%u.%u.%u:%u to %u.%u.%u.%u:%u", p[0], p[1], p[2], p[3], d->path.peer.port,
               l[0], l[1], l[2], l[3], d->path.local.port);
}

static void tell_wrong(const struct gyre_datagram *d)
{
    static const uint8_t zeroes[65508];
    gyre_path nowhere = d->path;
    nowhere.peer.port = 0;
    (void)tell(d, "long %s port %s segment %s",
               err_word(gyre->emit(d->port, &d->path, (gyre_view){zeroes, sizeof zeroes}, 0, 0)),
               err_word(gyre->emit(d->port, &nowhere, (gyre_view){zeroes, 1}, 0, 0)),
               err_word(gyre->emit(d->port, &d->path, (gyre_view){zeroes, 5}, 6, 0)));
}

static void train(const struct gyre_datagram *d, size_t n, uint32_t segment)
{
    uint8_t space[65507];
    if (n > sizeof space) n = sizeof space;
    pattern(space, 0, n);
    (void)gyre->emit(d->port, &d->path, (gyre_view){space, n}, segment, 0);
}

static void many(const struct gyre_datagram *d, uint64_t n)
{
    gyre_path aside = d->path; /* where nobody is */
    uint64_t taken = 0;
    aside.peer.port++;
    for (uint64_t i = 0; i < n; i++) taken += gyre->emit(d->port, &aside, d->data, 0, 0) >= 0;
    gyre->log(d->port, GYRE_INFO, "taken %llu", (unsigned long long)taken);
}

static void one(struct gyre_actor *h, const struct gyre_datagram *d, size_t n)
{
    struct home *home = GYRE_STATE(h, struct home);
    gyre_view line = d->data, verb = word(&line);
    home->seen++;
    home->port = gyre->ref(d->port);
    home->path = d->path;
    if (is(verb, "path")) return tell_path(d);
    if (is(verb, "wrong")) return tell_wrong(d);
    if (is(verb, "batch")) return (void)tell(d, "%zu", n);
    if (is(verb, "later")) return (void)gyre->timer(h, 0, GYRE_MS((int64_t)number(&line)));
    if (is(verb, "many")) return many(d, number(&line));
    if (is(verb, "state")) {
        bool found = gyre->deref(home->port, &port) == d->port;
        return (void)tell(d, "%s %s %s %llu", found ? "port" : "lost",
                          d->port->home == h ? "home" : "strange",
                          gyre->peer(d->port) ? "wire" : "no wire",
                          (unsigned long long)home->seen);
    }
    if (is(verb, "train")) {
        size_t bytes = number(&line);
        return train(d, bytes, (uint32_t)number(&line));
    }
    (void)gyre->emit(d->port, &d->path, d->data, 0, 0);
    if (d->cut) (void)tell(d, "(cut)");
}

static void on_datagrams(struct gyre_actor *h, const struct gyre_datagram *const *in, size_t n)
{
    for (size_t i = 0; i < n; i++) one(h, in[i], n);
}

static void on_timer(struct gyre_actor *h, uint32_t slot)
{
    struct home *home = GYRE_STATE(h, struct home);
    struct gyre_actor *p = gyre->deref(home->port, &port);
    (void)slot;
    if (p) (void)gyre->emit(p, &home->path, GYRE_LIT("now"), 0, 0);
}

static bool port_open(struct gyre_actor *p)
{
    gyre->log(p, GYRE_INFO, "port open %s", p->state ? "with state" : "without");
    return true;
}

static void port_close(struct gyre_actor *p, enum gyre_why why)
{
    gyre->log(p, GYRE_INFO, "port closed %s", why_word(why));
}

static void port_conf(struct gyre_actor *p)
{
    gyre->log(p, GYRE_INFO, "port has conf");
}

static const struct gyre_proto port = {
    GYRE_PROTO, .state_size = 40, .message_max = 2000, .on_open = port_open,
    .on_datagrams = on_datagrams, .on_close = port_close, .on_conf = port_conf};
static const struct gyre_proto home = {GYRE_PROTO, .state_size = sizeof(struct home), .timers = 1,
                                       .on_timer = on_timer};

GYRE_PLUGIN(.name = "udp", .version = "1.0", .summary = "Datagrams", .port = &port,
            .home = &home);
