/* SPDX-License-Identifier: GPL-3.0-or-later
 * endpoint.c - endpoint strings, the one syntax for listen and dial.
 *
 *   tcp:HOST:PORT   udp:HOST:PORT   unix:/path
 *
 * Promise: exact or refused, and why gives the right form; nothing is looked up. What is listened
 * on has one spelling (text), so that equal endpoints are equal texts.
 */
#include <arpa/inet.h>
#include <net/if.h>
#include <stdarg.h>

#include "config.h"

static const char *const words[] = {
    [ENDPOINT_TCP] = "tcp", [ENDPOINT_UDP] = "udp", [ENDPOINT_UNIX] = "unix"};

struct parts {
    enum endpoint_kind kind;
    gyre_view host; /* without brackets; of unix: the path */
    bool bracketed;
    uint16_t port;
    char *why;
    size_t why_n;
};

static bool refuse(struct parts *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static bool refuse(struct parts *p, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(p->why, p->why_n, fmt, args);
    va_end(args);
    return false;
}

static bool split_kind(struct parts *p, gyre_view *text)
{
    gyre_view word;
    if (gyre_until(text, ':', &word))
        for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
            p->kind = (enum endpoint_kind)i;
            if (gyre_eq(word, gyre_str(words[i]))) return true;
        }
    return refuse(p, "not an endpoint; write tcp:HOST:PORT, udp:HOST:PORT or unix:/path");
}

static bool split_path(struct parts *p, gyre_view path)
{
    p->host = path;
    if (!path.n || path.p[0] != '/') return refuse(p, "the path must begin with /: unix:/run/name");
    if (path.n >= sizeof((struct sockaddr_un *)0)->sun_path)
        return refuse(p, "the path is too long for a socket: at most %zu bytes",
                      sizeof((struct sockaddr_un *)0)->sun_path - 1);
    for (size_t i = 0; i < path.n; i++)
        if (path.p[i] < 0x20 || path.p[i] == 0x7f)
            return refuse(p, "the path has control characters");
    return true;
}

/* "HOST:PORT" or "[IPv6]:PORT". */
static bool split_host(struct parts *p, gyre_view text)
{
    const char *kind = words[p->kind];
    gyre_view port;
    uint64_t number;
    p->bracketed = gyre_skip(&text, GYRE_LIT("["));
    if (p->bracketed) {
        if (!gyre_until(&text, ']', &p->host)) return refuse(p, "no ']' ends the IPv6 address");
        if (text.n && text.p[0] != ':')
            return refuse(p, "after ']' comes the port: %s:[::1]:8080", kind);
        port = text;
        (void)gyre_head(&port, 1);
    } else if (gyre_until(&text, ':', &p->host)) {
        port = text;
        for (size_t i = 0; i < text.n; i++)
            if (text.p[i] == ':')
                return refuse(p, "an IPv6 address stands in brackets: %s:[::1]:8080", kind);
    } else {
        p->host = text;
        port = GYRE_NOTHING;
    }
    if (!p->host.n) return refuse(p, "the host is missing: %s:HOST:PORT", kind);
    if (!port.n) return refuse(p, "the port is missing: %s:HOST:PORT", kind);
    if (!gyre_dec(port, 65535, &number) || !number)
        return refuse(p, "the port must be a number from 1 to 65535");
    p->port = (uint16_t)number;
    return true;
}

static bool split(struct parts *p, gyre_view text)
{
    if (!split_kind(p, &text)) return false;
    return p->kind == ENDPOINT_UNIX ? split_path(p, text) : split_host(p, text);
}

/* Reads an IPv4 or IPv6 literal, the latter perhaps with "%interface". */
static bool literal(const struct parts *p, union ring_address *to, socklen_t *to_n)
{
    char host[INET6_ADDRSTRLEN + IF_NAMESIZE + 1];
    char *zone;
    memset(to, 0, sizeof *to);
    if (p->host.n >= sizeof host || memchr(p->host.p, 0, p->host.n)) return false;
    memcpy(host, p->host.p, p->host.n);
    host[p->host.n] = 0;
    if (!p->bracketed) {
        to->in4.sin_family = AF_INET;
        to->in4.sin_port = htons(p->port);
        *to_n = sizeof to->in4;
        return inet_pton(AF_INET, host, &to->in4.sin_addr) == 1;
    }
    to->in6.sin6_family = AF_INET6;
    to->in6.sin6_port = htons(p->port);
    *to_n = sizeof to->in6;
    zone = strchr(host, '%');
    if (zone) {
        *zone = 0;
        to->in6.sin6_scope_id = if_nametoindex(zone + 1);
        if (!to->in6.sin6_scope_id) return false;
    }
    return inet_pton(AF_INET6, host, &to->in6.sin6_addr) == 1;
}

/* ---- listening ---- */

/* The endpoint's one spelling. */
static void spell(struct endpoint *e, uint16_t port)
{
    char host[INET6_ADDRSTRLEN] = "", zone[IF_NAMESIZE] = "";
    const struct sockaddr_in6 *in6 = &e->address.in6;
    if (e->kind == ENDPOINT_UNIX) {
        (void)snprintf(e->text, sizeof e->text, "unix:%s", e->address.un.sun_path);
    } else if (e->address.any.sa_family == AF_INET) {
        (void)inet_ntop(AF_INET, &e->address.in4.sin_addr, host, sizeof host);
        (void)snprintf(e->text, sizeof e->text, "%s:%s:%u", words[e->kind], host, port);
    } else {
        (void)inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof host);
        if (in6->sin6_scope_id) (void)if_indextoname(in6->sin6_scope_id, zone);
        (void)snprintf(e->text, sizeof e->text, "%s:[%s%s%s]:%u", words[e->kind], host,
                       zone[0] ? "%" : "", zone, port);
    }
}

static size_t listen_both(const struct parts *p, bool everywhere, struct endpoint out[2])
{
    for (size_t i = 0; i < 2; i++) out[i] = (struct endpoint){.kind = p->kind};
    out[0].address.in4.sin_family = AF_INET;
    out[0].address.in4.sin_port = htons(p->port);
    out[0].address.in4.sin_addr.s_addr = htonl(everywhere ? INADDR_ANY : INADDR_LOOPBACK);
    out[0].address_n = sizeof out[0].address.in4;
    out[1].address.in6.sin6_family = AF_INET6;
    out[1].address.in6.sin6_port = htons(p->port);
    out[1].address.in6.sin6_addr = everywhere ? in6addr_any : in6addr_loopback;
    out[1].address_n = sizeof out[1].address.in6;
    for (size_t i = 0; i < 2; i++) spell(&out[i], p->port);
    return 2;
}

size_t endpoint_listen(const char *text, struct endpoint out[2], char *why, size_t why_n)
{
    struct parts p = {.why = why, .why_n = why_n};
    struct endpoint *e = &out[0];
    if (!split(&p, gyre_str(text))) return 0;
    if (p.kind != ENDPOINT_UNIX && !p.bracketed) {
        if (gyre_eq(p.host, GYRE_LIT("*"))) return listen_both(&p, true, out);
        if (gyre_eq(p.host, GYRE_LIT("localhost"))) return listen_both(&p, false, out);
    }
    *e = (struct endpoint){.kind = p.kind};
    if (p.kind == ENDPOINT_UNIX) {
        e->address.un.sun_family = AF_UNIX;
        memcpy(e->address.un.sun_path, p.host.p, p.host.n);
        e->address_n = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + p.host.n + 1);
    } else if (!literal(&p, &e->address, &e->address_n)) {
        (void)refuse(&p, p.bracketed ? "not an IPv6 address of this machine: write %s:[::]:%u, or "
                                       "%s:[fe80::1%%eth0]:%u"
                                     : "the host must be an IPv4 address, an [IPv6] address, "
                                       "localhost or *: write %s:127.0.0.1:%u or %s:*:%u",
                     words[p.kind], p.port, words[p.kind], p.port);
        return 0;
    } else if (p.bracketed && IN6_IS_ADDR_V4MAPPED(&e->address.in6.sin6_addr)) {
        (void)refuse(&p, "write the IPv4 address as such");
        return 0;
    }
    spell(e, p.port);
    return 1;
}

/* ---- dialling ---- */

/* A name as DNS has them: letters, digits, '-', '_' and dots between parts. What has only digits
 * and dots is meant as an IPv4 address. */
static bool is_name_or_ipv4(const struct parts *p)
{
    gyre_view host = p->host;
    union ring_address address;
    socklen_t n;
    uint8_t last = '.';
    bool number = true;
    for (size_t i = 0; i < host.n; i++) {
        uint8_t c = host.p[i], low = gyre_lower(c);
        bool digit = c >= '0' && c <= '9';
        if (c == '.' ? last == '.' : !(digit || (low >= 'a' && low <= 'z') || c == '-' || c == '_'))
            return false;
        number = number && (digit || c == '.');
        last = c;
    }
    return number ? literal(p, &address, &n) : host.n <= 253;
}

bool endpoint_dial(gyre_view text, enum endpoint_kind *kind, char host[256], uint16_t *port,
                   char *why, size_t why_n)
{
    struct parts p = {.why = why, .why_n = why_n};
    union ring_address address;
    socklen_t n;
    if (!split(&p, text)) return false;
    if (p.kind != ENDPOINT_UNIX) {
        if (p.bracketed ? !literal(&p, &address, &n) : !is_name_or_ipv4(&p))
            return refuse(&p, "the host must be a name, an IPv4 address or an [IPv6] address");
    }
    memcpy(host, p.host.p, p.host.n);
    host[p.host.n] = 0;
    *kind = p.kind;
    *port = p.port;
    return true;
}
