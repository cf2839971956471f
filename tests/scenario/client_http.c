/* SPDX-License-Identifier: GPL-3.0-or-later
 * client_http.c - asks http for files: each answer is whole, in order, and a text the file had.
 */
#include <stdlib.h>

#include "scenario.h"

enum { ABSENT = FILES };
struct http {
    struct wanted {
        uint32_t file;
        bool head, part; /* HEAD; the first ten bytes */
    } wanted[16];
};

static bool ask(struct run *r, struct client *c, gyre_out *o)
{
    struct wanted *w = &((struct http *)c->state)->wanted[c->asked];
    (void)r;
    w->file = (uint32_t)(sim_random(&c->random) % FILES); /* the last is none of http's */
    if (w->file == 3 && sim_random(&c->random) % 2) w->file = 1;
    if (w->file == FILES - 1) w->file = ABSENT;
    w->head = sim_random(&c->random) % 6 == 0;
    w->part = w->file != ABSENT && !w->head && sim_random(&c->random) % 6 == 0;
    gyre_put(o, w->head ? GYRE_LIT("HEAD ") : GYRE_LIT("GET "));
    if (w->file == ABSENT) gyre_put(o, GYRE_LIT("/absent"));
    else if (w->file == 0) gyre_put(o, GYRE_LIT("/"));
    else gyre_put(o, gyre_str(site_files_name(w->file) + 4)); /* without "/www" */
    gyre_put(o, GYRE_LIT(" HTTP/1.1\r\nHost: sim\r\n"));
    if (w->part) gyre_put(o, GYRE_LIT("Range: bytes=0-9\r\n"));
    gyre_put(o, GYRE_LIT("\r\n"));
    return true;
}

/* Reads a head: status and length; false: it is not whole. */
static bool head_of(struct run *r, struct client *c, gyre_view *v, uint64_t *status,
                    uint64_t *length)
{
    gyre_view rest = *v, line, word;
    bool has_length = false;
    *length = 0;
    if (!gyre_crlf(&rest, &line)) return false;
    if (!gyre_skip(&line, GYRE_LIT("HTTP/1.1 ")) || !gyre_until(&line, ' ', &word) ||
        !gyre_dec(word, 999, status))
        damage(r, "client %u (http) got no status line", c->number);
    for (;;) {
        if (!gyre_crlf(&rest, &line)) return false;
        if (!line.n) break;
        if (!gyre_until(&line, ':', &word)) damage(r, "client %u (http): a field", c->number);
        if (gyre_eqi(word, GYRE_LIT("content-length")))
            has_length = gyre_dec(gyre_trim(line), 1 << 30, length);
    }
    if (!has_length) damage(r, "client %u (http) got no length", c->number);
    *v = rest;
    return true;
}

static bool answer(struct run *r, struct client *c, gyre_view *v)
{
    const struct wanted *w = &((struct http *)c->state)->wanted[c->answered];
    gyre_view rest = *v, body;
    uint64_t status = 0, length;
    if (c->answered == c->asked && c->excused) return false; /* as 408, when time has jumped */
    if (c->answered == c->asked) damage(r, "client %u (http) got more than it asked", c->number);
    if (!head_of(r, c, &rest, &status, &length)) return false;
    if (!gyre_exact(&rest, w->head ? 0 : (size_t)length, &body)) return false;
    /* Without descriptors, or when a file cannot be read, it says so. */
    bool sorry = (status == 500 || status == 503) &&
                 (r->plan.per_million[FAULT_NO_FDS] || r->plan.harsh);
    if (!sorry && !c->excused && status != (w->file == ABSENT ? 404u : w->part ? 206u : 200u))
        damage(r, "client %u (http) got status %llu for %s", c->number,
               (unsigned long long)status, w->file == ABSENT ? "what is not there"
                                                             : site_files_name(w->file));
    if (status == 200 && !w->head && !site_files_was(r, w->file, body))
        damage(r, "client %u (http) got %zu bytes that never were %s", c->number, body.n,
               site_files_name(w->file));
    if (status == 206 && (body.n != 10 || memcmp(body.p, "file ", 5) != 0))
        damage(r, "client %u (http) got another part of %s", c->number, site_files_name(w->file));
    *v = rest;
    client_got(c, (uint64_t)c->answered << 16 | status, body);
    c->answered++;
    return true;
}

static bool through(const struct client *c)
{
    return c->answered == c->most;
}

const struct client_kind client_http = {.site = SITE_HTTP, .name = "http",
                                        .state_size = sizeof(struct http), .ask = ask,
                                        .answer = answer, .through = through};
