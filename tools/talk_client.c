/* SPDX-License-Identifier: GPL-3.0-or-later
 * talk_client.c - the far ends of a script: what clients and peers send, expect and see.
 *
 * Promise: expected and got are shown one above the other; a stream that closed says why.
 * Limits: PATIENCE of virtual time for what is expected.
 */
#include "talk_run.h"

#include <stdlib.h>

#include "../tests/sim/shadow.h"

enum { SHOWN = 120, PATTERN_SHOWN = 1000 };

static const char *name_of(const struct run *r)
{
    return r->talk->names[r->step->who];
}

static gyre_view view_of(const struct talk_step *s)
{
    return (gyre_view){s->bytes.p, s->bytes.n};
}

/* Whatever fails: what came is a beginning of what the plugin wrote. A peer that was dialled is not
 * looked at: what is written before it is there is not known. */
static bool got_what_was_written(struct run *r, const struct client *c, const char *name)
{
    char why[128];
    if (!c->end || c->listens || sim_is_datagrams(c->end)) return true;
    return shadow_holds(sim_fd(c->end), sim_all(c->end), why, sizeof why) ||
           talk_wrong(r, "%s %s", name, why);
}

static bool client_open(struct run *r, struct client *c)
{
    gyre_addr from;
    char *text = r->step->bytes.n ? talk_text(r->step) : NULL;
    bool good = !text || sim_address(text, &from);
    free(text);
    if (!good) return talk_fail(r, "no such address; write from \"192.0.2.1:7\"");
    if (c->end && !c->left) return talk_fail(r, "%s is open already", name_of(r));
    if (!got_what_was_written(r, c, name_of(r))) return false;
    const gyre_addr *at = r->step->bytes.n ? &from : NULL;
    int fd = talk_host_listener(r->host, r->step->datagrams, at && !address_is_v4(at));
    if (fd < 0)
        return talk_fail(r, r->step->datagrams ? "the plugin has no `port`: it speaks no UDP"
                                               : "the plugin has no `stream`");
    c->left = false;
    c->end = r->step->datagrams ? sim_sender(r->sim, fd, at) : sim_connect(r->sim, fd, at);
    return c->end ? talk_settle(r) : talk_fail(r, "nobody listens any more");
}

static bool client_send(struct run *r, struct client *c)
{
    struct talk_bytes space = {0};
    gyre_view v = talk_with_kept(r, &space);
    if (sim_is_datagrams(c->end)) {
        sim_write(c->end, v, false);
        v.n = 0;
    }
    for (size_t at = 0, n; at < v.n; at += n) {
        bool apart;
        n = talk_cut_next(r->cut, &r->random, r->step->message, at, v.n, &apart);
        sim_write(c->end, (gyre_view){v.p + at, n}, apart);
    }
    talk_bytes_free(&space);
    return talk_settle(r);
}

/* Lets time pass until n bytes are there (or one datagram), or the end, or patience is over. */
static bool await(struct run *r, struct client *c, size_t n)
{
    int64_t until = sim_now(r->sim) + PATIENCE;
    if (sim_is_slow(c->end))
        return talk_fail(r, "%s does not read now: say %s fast before", name_of(r), name_of(r));
    do {
        if (!talk_settle(r)) return false;
        if (sim_is_datagrams(c->end) ? sim_any(c->end) : sim_unread(c->end).n >= n) break;
    } while (sim_state(c->end) == SIM_OPEN && talk_host_pass(r->host, until));
    return true;
}

/* A stream that was closed before it had an actor was refused by a limit of the host. */
static int why_of(struct run *r, struct client *c)
{
    int why = talk_host_why(r->host, sim_fd(c->end));
    return why || sim_state(c->end) == SIM_OPEN ? why : GYRE_REFUSED;
}

static const char *state_text(struct run *r, struct client *c)
{
    static const char *const whys[] = {
        "", "the peer ended", "the plugin closed", "a deadline passed", "the wire broke",
        "a message was too big", "the input was bad", "the peer was too slow", "it was refused",
        "unknown name", "unreachable", "not granted", "the service leaves", "reload",
        "its owner closed", "crashed", "no memory"};
    int why = why_of(r, c);
    return why > 0 && why < (int)(sizeof whys / sizeof *whys) ? whys[why] : "unknown";
}

static bool nothing_more(struct run *r, struct client *c, gyre_view got)
{
    if (sim_state(c->end) != SIM_OPEN) {
        fprintf(r->report, "    the server has %s this stream: %s\n",
                sim_state(c->end) == SIM_ENDED ? "ended" : "reset", state_text(r, c));
    } else if (!got.n) {
        fprintf(r->report, "    and no more came in a second\n");
    }
    return false;
}

static bool client_read(struct run *r, struct client *c)
{
    gyre_view want = view_of(r->step);
    if (!await(r, c, want.n)) return false;
    gyre_view got = sim_unread(c->end);
    bool whole = sim_is_datagrams(c->end);
    if (whole && !sim_any(c->end)) return talk_fail(r, "no datagram came");
    if (!whole && got.n > want.n) got.n = want.n;
    if (gyre_eq(got, want)) return sim_consume(c->end, want.n), true;
    talk_fail(r, "this is not what came");
    talk_show_difference(r->report, want, sim_unread(c->end));
    return nothing_more(r, c, got);
}

static bool client_match(struct run *r, struct client *c)
{
    int64_t until = sim_now(r->sim) + PATIENCE;
    size_t n = SIZE_MAX, reached = 0;
    bool whole = sim_is_datagrams(c->end);
    if (!await(r, c, 1)) return false;
    for (;;) {
        if (!whole || sim_any(c->end))
            n = talk_match(&r->step->bytes, sim_unread(c->end), whole, &reached);
        if (n != SIZE_MAX || !talk_host_pass(r->host, until)) break;
        if (!talk_settle(r)) return false;
    }
    if (n != SIZE_MAX) return sim_consume(c->end, n), true;
    talk_fail(r, "nothing that matches came");
    gyre_view missing = view_of(r->step), found = gyre_head(&missing, reached);
    fputs("    found     ", r->report);
    talk_show(r->report, found, PATTERN_SHOWN);
    fputs("\n    not       ", r->report);
    talk_show(r->report, missing, PATTERN_SHOWN);
    fputs("\n    got       ", r->report);
    talk_show(r->report, sim_unread(c->end), PATTERN_SHOWN);
    fputc('\n', r->report);
    return nothing_more(r, c, sim_unread(c->end));
}

static bool client_count(struct run *r, struct client *c)
{
    size_t want = (size_t)r->step->number;
    if (!await(r, c, want)) return false;
    gyre_view got = sim_unread(c->end);
    if (sim_is_datagrams(c->end) ? got.n == want : got.n >= want)
        return sim_consume(c->end, want), true;
    talk_fail(r, "%zu bytes came", got.n);
    return nothing_more(r, c, got);
}

static bool silent(struct run *r, struct client *c)
{
    if (!talk_settle(r)) return false;
    if (!sim_any(c->end)) return true;
    talk_fail(r, "%s has unread output", name_of(r));
    fputs("    got       ", r->report);
    talk_show(r->report, sim_unread(c->end), SHOWN);
    fputc('\n', r->report);
    return false;
}

static bool await_end(struct run *r, struct client *c)
{
    int64_t until = sim_now(r->sim) + PATIENCE;
    do
        if (!talk_settle(r)) return false;
    while (sim_state(c->end) == SIM_OPEN && talk_host_pass(r->host, until));
    if (!sim_is_slow(c->end)) return true;
    c->lossy = true;
    if (sim_state(c->end) != SIM_OPEN) sim_consume(c->end, sim_unread(c->end).n);
    return true;
}

/* The end comes after all output was read, but of a slow client: what it did not read is lost.
 * A client that sees the end ends too, as clients do. */
static bool closed(struct run *r, struct client *c)
{
    int want = (int)r->step->number;
    if (sim_is_datagrams(c->end)) return talk_fail(r, "a UDP client has no stream to close");
    if (sim_is_slow(c->end) ? !await_end(r, c)
                            : !silent(r, c) || !await_end(r, c) || !silent(r, c))
        return false;
    enum sim_state state = sim_state(c->end);
    if (state == SIM_OPEN) return talk_fail(r, "it is still open");
    if (want == TALK_WHY_RESET ? state != SIM_RESET : want && want != why_of(r, c))
        return talk_fail(r, "it closed otherwise: %s%s", state_text(r, c),
                    state == SIM_RESET ? " (and the wire was reset)" : "");
    if (!want && state == SIM_RESET)
        return talk_fail(r, "the wire was reset, which can destroy the last output (%s)",
                    state_text(r, c));
    c->left = true;
    sim_eof(c->end);
    return talk_settle(r);
}

static bool listens(struct run *r, struct client *c)
{
    char *text = talk_text(r->step);
    bool path = text && !strncmp(text, "unix:", 5);
    bool good = path || (text && !strncmp(text, "tcp:", 4) && sim_address(text + 4, &c->at));
    if (path) snprintf(c->path, sizeof c->path, "%s", text + 5);
    free(text);
    if (!good) return talk_fail(r, "no such address; write \"tcp:10.0.0.1:80\" or \"unix:/path\"");
    c->listens = true;
    return sim_peer(r->sim, &c->at, path ? c->path : NULL) || talk_fail(r, "it listens already");
}

static bool accepts(struct run *r, struct client *c)
{
    int64_t until = sim_now(r->sim) + PATIENCE;
    struct sim_end *e;
    if (!c->listens) return talk_fail(r, "say peer %s listens … before", name_of(r));
    if (c->end && !c->left && sim_state(c->end) == SIM_OPEN)
        return talk_fail(r, "%s talks to somebody already", name_of(r));
    while (!(e = sim_accept(r->sim, &c->at, c->path[0] ? c->path : NULL)))
        if (!talk_settle(r) || !talk_host_pass(r->host, until))
            return talk_fail(r, "nobody dialled %s", name_of(r));
    c->end = e;
    c->left = false;
    return talk_settle(r);
}

/* With a fault: whatever comes instead of what was expected. */
static bool take_anything(struct run *r, struct client *c)
{
    const struct talk_step *s = r->step;
    size_t n = s->verb == TALK_READ ? s->bytes.n : s->verb == TALK_COUNT ? (size_t)s->number : 1;
    if (!await(r, c, n)) return false;
    size_t have = sim_unread(c->end).n;
    if (s->verb == TALK_MATCH || n > have) n = have;
    if (sim_any(c->end)) sim_consume(c->end, n);
    return true;
}

bool talk_client(struct run *r)
{
    const struct talk_step *s = r->step;
    struct client *c = &r->clients[s->who];
    if (s->verb == TALK_OPEN) return client_open(r, c);
    if (s->verb == TALK_LISTENS) return listens(r, c);
    if (s->verb == TALK_ACCEPTS) return accepts(r, c);
    if (!c->end) return talk_fail(r, "%s is not open", name_of(r));
    if (r->faulty && (s->verb == TALK_READ || s->verb == TALK_MATCH || s->verb == TALK_COUNT))
        return take_anything(r, c);
    switch (s->verb) {
    case TALK_SEND: return client_send(r, c);
    case TALK_READ: return client_read(r, c);
    case TALK_MATCH: return client_match(r, c);
    case TALK_COUNT: return client_count(r, c);
    case TALK_KEEPS: return talk_keep(r, sim_all(c->end));
    case TALK_SILENT: return silent(r, c);
    case TALK_CLOSED: return closed(r, c);
    case TALK_EOF: sim_eof(c->end); break;
    case TALK_RESET: sim_reset(c->end); break;
    case TALK_SLOW: sim_slow(c->end, true); break;
    default: sim_slow(c->end, false); break;
    }
    if (s->verb == TALK_EOF || s->verb == TALK_RESET) c->left = true;
    return talk_settle(r);
}

/* Nothing may be unread, and no stream may have closed without the script saying so. */
void talk_clients_end(struct run *r)
{
    for (uint32_t i = 0; i < r->talk->names_n && !r->failed; i++) {
        struct client *c = &r->clients[i];
        if (!c->end) continue;
        const char *name = r->talk->names[i];
        if (!got_what_was_written(r, c, name)) break;
        if (sim_any(c->end)) {
            talk_fail(r, "at the end %s has unread output", name);
            fputs("    got       ", r->report);
            talk_show(r->report, sim_unread(c->end), SHOWN);
            fputc('\n', r->report);
        } else if (!c->left && sim_state(c->end) != SIM_OPEN) {
            talk_fail(r, "at the end the server has closed %s, and the script does not say so: %s",
                      name, state_text(r, c));
        }
    }
    for (uint32_t i = 0; i < r->talk->names_n; i++)
        if (r->clients[i].end && !sim_is_datagrams(r->clients[i].end)) {
            sim_slow(r->clients[i].end, false);
            sim_eof(r->clients[i].end);
        }
}
