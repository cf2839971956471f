/* SPDX-License-Identifier: GPL-3.0-or-later
 * peer.c - what the plugin link dials: a peer that sends back what it gets, and ends when it ends.
 */
#include "scenario.h"

static const gyre_addr at = {.ip = {[10] = 0xff, 0xff, 10, 0, 0, 1}, .port = 80};

void peer_begin(struct run *r)
{
    (void)sim_peer(r->sim, &at, NULL);
}

static bool serve(struct run *r, struct sim_end **e)
{
    gyre_view v = sim_unread(*e);
    bool some = v.n > 0, over = sim_state(*e) != SIM_OPEN;
    size_t n = v.n > 1 ? 1 + (size_t)run_random(r, v.n) : v.n;
    if (n) sim_write(*e, (gyre_view){v.p, n}, run_random(r, 2));
    sim_consume(*e, n);
    if (!over || n < v.n) return some;
    sim_eof(*e);
    *e = r->peers[--r->peers_n];
    return true;
}

bool peer_act(struct run *r)
{
    bool some = false;
    for (struct sim_end *e; (e = sim_accept(r->sim, &at, NULL)); some = true)
        if (r->peers_n < sizeof r->peers / sizeof *r->peers) r->peers[r->peers_n++] = e;
    for (uint32_t i = r->peers_n; i-- > 0;) some |= serve(r, &r->peers[i]);
    return some;
}
