/* SPDX-License-Identifier: GPL-3.0-or-later
 * fields.c - the lines "name: value" of a head, and what they say about its framing.
 *
 * Names are told apart by their length and then compared; the values of names we do not know are
 * noted and not looked at. The rules on framing are RFC 9112, 6: a request that could be read in
 * two ways is refused, and the connection ends with it.
 */
#include "fields.h"
#include "letters.h"
#include "scan.h"

size_t token_length(gyre_view v)
{
    size_t n = 0;
    while (n < v.n && letters[v.p[n]] & IN_TOKEN) n++;
    return n;
}

/* The name is a token, and no byte of a token but a letter becomes a letter by this. */
static bool name_is(const uint8_t *name, const char *lower, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if ((name[i] | 0x20) != (uint8_t)lower[i]) return false;
    return true;
}
#define NAME_IS(name, literal) name_is(name, literal, sizeof(literal) - 1)

static enum field_name name_of(const uint8_t *name, size_t n)
{
    switch (n) {
    case 4: return NAME_IS(name, "host") ? FIELD_HOST : FIELD_OTHER;
    case 5: return NAME_IS(name, "range") ? FIELD_RANGE : FIELD_OTHER;
    case 6: return NAME_IS(name, "expect") ? FIELD_EXPECT : FIELD_OTHER;
    case 8:
        if (NAME_IS(name, "if-range")) return FIELD_IF_RANGE;
        return NAME_IS(name, "if-match") ? FIELD_IF_MATCH : FIELD_OTHER;
    case 10: return NAME_IS(name, "connection") ? FIELD_CONNECTION : FIELD_OTHER;
    case 13: return NAME_IS(name, "if-none-match") ? FIELD_IF_NONE_MATCH : FIELD_OTHER;
    case 14: return NAME_IS(name, "content-length") ? FIELD_CONTENT_LENGTH : FIELD_OTHER;
    case 17:
        if (NAME_IS(name, "if-modified-since")) return FIELD_IF_MODIFIED_SINCE;
        return NAME_IS(name, "transfer-encoding") ? FIELD_TRANSFER_ENCODING : FIELD_OTHER;
    case 19: return NAME_IS(name, "if-unmodified-since") ? FIELD_IF_UNMODIFIED_SINCE : FIELD_OTHER;
    default: return FIELD_OTHER;
    }
}

gyre_view field_value(const struct request *r, uint32_t i)
{
    const struct field *f = &r->fields[i];
    return GYRE_MAKE(gyre_view, r->p + f->value_at, f->value_n);
}

bool field_find(const struct request *r, enum field_name id, uint32_t nth, gyre_view *value)
{
    if (!(r->seen & FIELD_BIT(id))) return false;
    for (uint32_t i = 0; i < r->fields_n; i++) {
        if (r->fields[i].id != id || nth--) continue;
        *value = field_value(r, i);
        return true;
    }
    return false;
}

bool list_next(gyre_view *list, gyre_view *element)
{
    while (list->n) {
        if (!gyre_until(list, ',', element)) *element = gyre_all(list);
        *element = gyre_trim(*element);
        if (element->n) return true;
    }
    return false;
}

/* host, host:port, [v6]:port. */
bool host_is_right(gyre_view host, size_t more)
{
    size_t n = host.n, at = 0;
    if (n && host.p[0] == '[') {
        for (at = 1; at < n && letters[host.p[at]] & (IN_HOST | IN_COLON); at++) continue;
        if (at == n || host.p[at] != ']') return false;
        at++;
    } else {
        at = scan_name(host.p, 0, n + more);
        while (at < n && letters[host.p[at]] & IN_HOST) at++;
        if (at > n) at = n;
    }
    if (at == n) return true;
    if (host.p[at] != ':') return false;
    while (++at < n)
        if (host.p[at] < '0' || host.p[at] > '9') return false;
    return true;
}

/* One line. Where it begins and ends is noted in name_at and value_at. */
static int read_field(struct request *r, struct field *f)
{
    const uint8_t *p = r->p;
    size_t at = f->name_at, end = f->value_at, colon = scan_name(p, at, r->head_n);
    uint32_t bit;
    while (letters[p[colon]] & IN_TOKEN) colon++;   /* the CR at the end is none */
    if (colon == at || p[colon] != ':') return 400; /* also a folded line: it has no name */
    f->name_n = (uint16_t)(colon - at);
    f->id = (uint16_t)name_of(p + at, colon - at);
    for (at = colon + 1; p[at] == ' ' || p[at] == '\t'; at++) continue;
    while (end > at && (p[end - 1] == ' ' || p[end - 1] == '\t')) end--;
    f->value_at = (uint16_t)at;
    f->value_n = (uint16_t)(end - at);
    bit = FIELD_BIT(f->id);
    r->again |= r->seen & bit;
    r->seen |= bit;
    return 0;
}

/* RFC 9112, 3.2: one Host in 1.1, at most one in 1.0; the one of an absolute target wins. */
static int read_host(struct request *r)
{
    gyre_view host;
    if (!field_find(r, FIELD_HOST, 0, &host)) return r->minor ? 400 : 0;
    if (r->again & FIELD_BIT(FIELD_HOST)) return 400;
    if (!host_is_right(host, r->head_n - (size_t)(host.p - r->p) - host.n)) return 400;
    if (!r->host.n) r->host = host;
    return 0;
}

/* RFC 9112, 6.3. "chunked" alone is understood; it must be the last coding in any case. */
static int read_transfer(struct request *r)
{
    gyre_view line, coding = GYRE_NOTHING;
    uint32_t codings = 0;
    if (!r->minor || r->seen & FIELD_BIT(FIELD_CONTENT_LENGTH)) return 400;
    for (uint32_t nth = 0; field_find(r, FIELD_TRANSFER_ENCODING, nth, &line); nth++) {
        while (list_next(&line, &coding)) {
            codings++;
            if (gyre_eqi(coding, GYRE_LIT("chunked")) && line.n) return 400;
        }
    }
    if (!codings || !gyre_eqi(coding, GYRE_LIT("chunked"))) return 400;
    if (codings > 1) return r->again & FIELD_BIT(FIELD_TRANSFER_ENCODING) ? 400 : 501;
    r->body = BODY_CHUNKED;
    return 0;
}

/* Digits only, once. A number that does not fit is the largest that does: too long anyway. */
static int read_length(struct request *r)
{
    gyre_view value = GYRE_NOTHING;
    if (r->again & FIELD_BIT(FIELD_CONTENT_LENGTH)) return 400;
    if (!field_find(r, FIELD_CONTENT_LENGTH, 0, &value) || !value.n) return 400;
    for (size_t i = 0; i < value.n; i++)
        if (value.p[i] < '0' || value.p[i] > '9') return 400;
    if (!gyre_dec(value, UINT64_MAX, &r->length)) r->length = UINT64_MAX;
    if (r->length) r->body = BODY_LENGTH;
    return 0;
}

/* 1.1 goes on unless "close" is said, 1.0 only if "keep-alive" is. */
static void read_connection(struct request *r)
{
    gyre_view line, option;
    bool close = false;
    for (uint32_t nth = 0; field_find(r, FIELD_CONNECTION, nth, &line); nth++) {
        while (list_next(&line, &option)) {
            if (gyre_eqi(option, GYRE_LIT("close"))) close = true;
            if (gyre_eqi(option, GYRE_LIT("keep-alive"))) r->keep = true;
        }
    }
    if (close) r->keep = false;
}

int fields_read(struct request *r)
{
    int status;
    r->seen = r->again = 0;
    r->body = BODY_NONE;
    r->length = 0;
    r->keep = r->minor != 0;
    if (r->fields_n > FIELDS_MAX) return 431;
    for (uint32_t i = 0; i < r->fields_n; i++) {
        status = read_field(r, &r->fields[i]);
        if (status) return status;
    }
    status = read_host(r);
    if (status) return status;
    if (r->seen & FIELD_BIT(FIELD_TRANSFER_ENCODING)) status = read_transfer(r);
    else if (r->seen & FIELD_BIT(FIELD_CONTENT_LENGTH)) status = read_length(r);
    if (status) return status;
    if (r->seen & FIELD_BIT(FIELD_CONNECTION)) read_connection(r);
    return 0;
}
