/* SPDX-License-Identifier: GPL-3.0-or-later
 * clients.c - the life of a client: connects, asks, reads, ends; each with a character.
 *
 * Some read slowly, stall, reset, vanish without a word (the server has to end them), leave in the
 * middle, or end their side and wait for the rest. One without such a character must get an answer
 * to all that it asked, in time, and never be closed on; unless its run is harsh, its server was
 * killed, or time jumped.
 */
#include <stdlib.h>

#include "scenario.h"

enum { REQUEST_MOST = 32 * 1024, PATIENCE_S = 60, TRIES = 6 };

static uint64_t own_random(struct client *c, uint64_t n)
{
    return sim_random(&c->random) % n;
}

static const struct client_kind *const kinds[] = {&client_echo, &client_chat, &client_desk,
                                                  &client_http, &client_http, &client_dns_tcp,
                                                  &client_dns_udp, &client_link};

static struct client *client_make(struct run *r, uint32_t number)
{
    const struct client_kind *k = kinds[run_random(r, sizeof kinds / sizeof *kinds)];
    struct client *c = calloc(1, sizeof *c);
    if (r->plan.tight && run_random(r, 2)) k = &client_chat; /* much is said: queues fill */
    if (!c) abort();
    c->kind = k;
    c->number = number;
    c->random = r->seed * 1000003 + number;
    c->fd = -1;
    c->state = calloc(1, k->state_size);
    c->out = malloc(REQUEST_MOST);
    if (!c->state || !c->out) abort();
    c->most = 1 + (uint32_t)own_random(c, 12);
    c->depth = own_random(c, 2) ? 1 : 1 + (uint32_t)own_random(c, 6);
    c->wakes_ns = r->began_ns + (int64_t)own_random(c, 1000) * 1000000;
    /* Datagrams come together, as many in a batch as there are. */
    if (k->datagrams) c->wakes_ns -= c->wakes_ns % GYRE_MS(100);
    /* Some come just when something happens. */
    if (r->plan.events_n && own_random(c, 4) == 0)
        c->wakes_ns = r->began_ns + r->plan.events[own_random(c, r->plan.events_n)].at_ns;
    uint64_t character = k->datagrams || r->plan.plain ? 100 : own_random(c, 20);
    c->slow = character == 0 || character == 1;
    c->vanishes = character == 9;
    c->stalls = character == 2 || c->vanishes;
    c->resets = character == 3;
    c->quits = character == 4;
    if (c->slow || c->stalls) c->depth = c->most; /* it sends on, though it does not read */
    c->half = character >= 5 && character <= 8;
    c->excused = c->slow || c->stalls || c->resets || c->quits || r->plan.harsh;
    if (k->begin) k->begin(r, c);
    return c;
}

void clients_begin(struct run *r)
{
    r->clients_n = r->plan.clients;
    for (uint32_t i = 0; i < r->clients_n; i++) r->clients[i] = client_make(r, i);
}

void clients_free(struct run *r)
{
    for (uint32_t i = 0; i < r->clients_n; i++) {
        free(r->clients[i]->state);
        free(r->clients[i]->out);
        free(r->clients[i]);
    }
}

static void over(struct run *r, struct client *c, const char *why)
{
    sim_say(r->sim, "client %u (%s) is over: %s", c->number, c->kind->name, why);
    c->over = true;
}

static void wake_in(struct run *r, struct client *c, uint64_t most_us)
{
    c->wakes_ns = sim_now(r->sim) + 1000 * (int64_t)(1 + own_random(c, most_us));
}

/* ---- reading ---- */

/* What came must be what the plugin wrote, in order. */
static void check_written(struct run *r, struct client *c)
{
    char why[128];
    if (!shadow_holds(c->fd, sim_all(c->end), why, sizeof why))
        damage(r, "client %u (%s) %s", c->number, c->kind->name, why);
}

static void read_all(struct run *r, struct client *c)
{
    while (sim_any(c->end)) {
        gyre_view v = sim_unread(c->end);
        size_t before = v.n;
        bool whole = false;
        c->seen_n = sim_all(c->end).n;
        if (!c->kind->datagrams) check_written(r, c);
        while ((v.n || c->kind->datagrams) && c->kind->answer(r, c, &v)) {
            whole = true;
            r->answers++;
            if (c->kind->datagrams) break;
        }
        c->began_answer = v.n > 0;
        if (c->kind->datagrams) v.n = 0;
        sim_consume(c->end, before - v.n);
        if (!whole && before == v.n) break;
    }
    c->seen_n = sim_all(c->end).n;
}

/* ---- ending ---- */

static bool is_excused(struct run *r, struct client *c)
{
    struct generation *g = cluster_of(r, c->fd);
    if (c->excused || (c->fd >= 0 && !g)) return true; /* its server is gone: it was killed, or … */
    if (r->plan.tight && c->kind == &client_chat) return true; /* too much was said in a moment */
    if (!g || !g->draining) return false;
    return g->aborted || !c->began_answer; /* what has begun is finished, the rest may be lost */
}

static void server_ended(struct run *r, struct client *c)
{
    if (!c->kind->through(c) && !is_excused(r, c))
        damage(r, "client %u (%s): the server %s its connection after %u of %u answers%s",
               c->number, c->kind->name, sim_state(c->end) == SIM_RESET ? "reset" : "ended",
               c->answered, c->most, c->began_answer ? ", in the middle of one" : "");
    if (!c->said_eof && sim_state(c->end) == SIM_ENDED) sim_eof(c->end);
    over(r, c, "the server ended");
}

static void leave(struct run *r, struct client *c, bool reset)
{
    if (reset) {
        sim_reset(c->end);
        sim_note_fault(r->sim, FAULT_RESET, 1);
        over(r, c, "it resets");
    } else {
        sim_say(r->sim, "client %u (%s) ends its side", c->number, c->kind->name);
        sim_eof(c->end);
        c->said_eof = true;
    }
}

/* ---- writing ---- */

static void send_some(struct run *r, struct client *c)
{
    size_t left = c->out_n - c->out_at, n = left;
    if (!c->kind->datagrams && own_random(c, 3)) n = 1 + (size_t)own_random(c, left);
    sim_say(r->sim, "client %u (%s) sends %zu bytes", c->number, c->kind->name, n);
    sim_write(c->end, (gyre_view){c->out + c->out_at, n},
              !c->kind->datagrams && own_random(c, 2));
    c->out_at += n;
    c->asked_ns = sim_now(r->sim);
}

static bool ask(struct run *r, struct client *c)
{
    gyre_out o = {.p = c->out, .cap = REQUEST_MOST};
    if (c->asked == c->most || c->asked - c->answered >= c->depth) return false;
    if (!c->kind->ask(r, c, &o)) return false;
    c->out_n = o.n;
    c->out_at = 0;
    c->asked++;
    return true;
}

static void act(struct run *r, struct client *c)
{
    if (c->out_at == c->out_n && !c->said_eof) (void)ask(r, c);
    bool all_sent = c->out_at == c->out_n && c->asked == c->most;
    if (c->resets && own_random(c, 8) == 0) return leave(r, c, true);
    if (c->quits && !c->said_eof && own_random(c, 8) == 0) leave(r, c, false);
    if (c->stalls && c->asked_ns && own_random(c, 30) == 0) {
        if (!c->vanishes) return leave(r, c, true);
        sim_say(r->sim, "client %u (%s) vanishes", c->number, c->kind->name);
        c->wakes_ns = GYRE_NEVER;
        return;
    }
    if (c->slow) {
        sim_slow(c->end, false);
        sim_slow(c->end, true);
    }
    if (c->out_at < c->out_n && !c->said_eof) {
        send_some(r, c);
        return wake_in(r, c, 3000);
    }
    if (c->half && all_sent && !c->said_eof && !c->kind->through(c)) {
        sim_note_fault(r->sim, FAULT_HALF_CLOSE, 1);
        leave(r, c, false);
    }
    if (c->kind->through(c) && !c->said_eof) leave(r, c, false);
    c->wakes_ns = GYRE_NEVER;
    if (c->slow || c->stalls || c->resets || c->quits) wake_in(r, c, 200000);
    if (!c->said_eof && c->asked < c->most && c->asked - c->answered < c->depth)
        wake_in(r, c, 100000);
}

static void arrive(struct run *r, struct client *c)
{
    uint32_t w = (uint32_t)own_random(c, r->plan.workers);
    if (c->kind->datagrams) c->end = sim_sender(r->sim, r->ports[w], NULL);
    else c->end = sim_connect(r->sim, r->sockets[c->kind->site][w], NULL);
    sim_say(r->sim, "client %u (%s) connects to worker %u", c->number, c->kind->name, w);
    if (c->slow || c->stalls) sim_slow(c->end, true);
    if (c->slow) sim_note_fault(r->sim, FAULT_SLOW, 1);
    if (c->stalls) sim_note_fault(r->sim, FAULT_STALLED, 1);
    wake_in(r, c, 1000);
}

/* ---- datagrams: asked again when no answer comes ---- */

static void act_datagrams(struct run *r, struct client *c)
{
    if (c->out_at == c->out_n && c->answered == c->asked && !ask(r, c))
        return over(r, c, "it has all answers");
    if (c->out_at == c->out_n) { /* no answer came */
        if (++c->tries == TRIES && !c->excused)
            damage(r, "client %u (%s) asked %d times, and got no answer", c->number,
                   c->kind->name, TRIES);
        if (c->tries >= TRIES) return over(r, c, "it gives up");
        c->out_at = 0;
    }
    send_some(r, c);
    c->wakes_ns = sim_now(r->sim) + GYRE_SECONDS(2);
}

/* ---- all of them ---- */

static void step(struct run *r, struct client *c)
{
    if (!c->end) return arrive(r, c);
    if (c->fd < 0 && !c->kind->datagrams) c->fd = sim_fd(c->end);
    if (!c->stalls) read_all(r, c);
    if (c->kind->datagrams) {
        if (c->answered == c->asked && c->asked) {
            c->out_at = c->out_n = 0;
            c->tries = 0;
        } else if (sim_now(r->sim) < c->wakes_ns) {
            return;
        }
        return act_datagrams(r, c);
    }
    if (sim_state(c->end) != SIM_OPEN) return server_ended(r, c);
    act(r, c);
}

static bool noticed(const struct client *c)
{
    return c->end && (sim_all(c->end).n != c->seen_n || sim_state(c->end) != SIM_OPEN) &&
           !(c->stalls && sim_state(c->end) == SIM_OPEN);
}

bool clients_act(struct run *r)
{
    bool some = false;
    int64_t now = sim_now(r->sim);
    for (uint32_t i = 0; i < r->clients_n; i++) {
        struct client *c = r->clients[i];
        if (c->over || (c->wakes_ns > now && !noticed(c))) continue;
        step(r, c);
        some = true;
    }
    return some;
}

void clients_patience(struct run *r)
{
    int64_t now = sim_now(r->sim);
    for (uint32_t i = 0; i < r->clients_n; i++) {
        struct client *c = r->clients[i];
        if (c->over || !c->end || c->kind->datagrams || is_excused(r, c)) continue;
        if (c->asked_ns && now - c->asked_ns > GYRE_SECONDS(PATIENCE_S))
            damage(r, "client %u (%s) has waited for %d seconds, with %u of %u answers%s",
                   c->number, c->kind->name, PATIENCE_S, c->answered, c->asked,
                   c->fd < 0 ? "; it was never accepted" : "");
    }
}

int64_t clients_next(const struct run *r)
{
    int64_t next = GYRE_NEVER;
    for (uint32_t i = 0; i < r->clients_n; i++)
        if (!r->clients[i]->over && r->clients[i]->wakes_ns < next) next = r->clients[i]->wakes_ns;
    return next;
}

void client_got(struct client *c, uint64_t number, gyre_view v)
{
    uint64_t sum = number * 0xd6e8feb86659fd93u + v.n;
    for (size_t i = 0; i < v.n; i++) sum = (sum ^ v.p[i]) * 0x100000001b3u;
    c->digest += sum ^ sum >> 31;
}

uint64_t clients_digest(const struct run *r)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < r->clients_n; i++)
        sum += (r->clients[i]->digest + r->clients[i]->answered) * (2 * (uint64_t)i + 1);
    return sum;
}

bool clients_over(const struct run *r)
{
    for (uint32_t i = 0; i < r->clients_n; i++)
        if (!r->clients[i]->over) return false;
    return true;
}

void clients_excuse(struct run *r)
{
    for (uint32_t i = 0; i < r->clients_n; i++) r->clients[i]->excused = true;
}
