/* SPDX-License-Identifier: GPL-3.0-or-later
 * refuse.c - poison: who sends an input that kills a service again is refused there for a while.
 *
 * A report of a crash (crash.c) brings the peer and the first bytes of what its callback had. When
 * one of the last KILLERS_KEPT crashes of that service, within LIMIT_POISON_MS, had the same
 * address or the same bytes, the address is refused for refuse_time of [server]: a new process is
 * told before it accepts. Addresses of datagrams can be forged, a unix socket has none, and behind
 * the loopback stands as a rule a proxy with everybody else's connections: these are never refused,
 * the last unless refuse_loopback says so. A change of the service's section or plugin forgives.
 * Limits: LIMIT_REFUSED addresses a service; the one that would be let in first makes room.
 */
#include <stdlib.h>
#include <string.h>

#include "supervisor.h"

enum { KILLERS_KEPT = 8 };

struct killer { /* one crash */
    gyre_addr peer;
    uint64_t hash; /* 0: there were no bytes */
    int64_t at_ms; /* 0: none yet */
};
struct poison { /* of one service */
    struct killer killers[KILLERS_KEPT]; /* a ring */
    uint32_t at;
    size_t n;
    struct refusal {
        gyre_addr peer; /* port and scope 0 */
        int64_t until_ms;
    } refused[LIMIT_REFUSED];
};

static bool is_loopback(const gyre_addr *a)
{
    static const uint8_t six[16] = {[15] = 1};
    return address_is_v4(a) ? a->ip[12] == 127 : memcmp(a->ip, six, sizeof six) == 0;
}

static uint64_t hash_of(const struct crash *c)
{
    if (!c->bytes_n) return 0;
    uint64_t hash = hash_bytes(HASH_START ^ c->section, c->bytes, c->bytes_n);
    return hash ? hash : 1;
}

/* Keeps this crash. true: one before was like it. */
static bool again(struct poison *p, const gyre_addr *peer, uint64_t hash)
{
    int64_t now = clock_ms();
    bool alike = false;
    for (size_t i = 0; i < KILLERS_KEPT; i++) {
        const struct killer *k = &p->killers[i];
        if (!k->at_ms || now - k->at_ms > LIMIT_POISON_MS) continue;
        alike |= memcmp(k->peer.ip, peer->ip, sizeof peer->ip) == 0 || (hash && k->hash == hash);
    }
    p->killers[p->at] = (struct killer){*peer, hash, now};
    p->at = (p->at + 1) % KILLERS_KEPT;
    return alike;
}

static void forget_past(struct poison *p)
{
    int64_t now = clock_ms();
    for (size_t i = 0; i < p->n;) {
        if (now < p->refused[i].until_ms) i++;
        else p->refused[i] = p->refused[--p->n];
    }
}

static struct refusal *room_for(struct poison *p, const gyre_addr *peer)
{
    struct refusal *first = p->refused;
    for (size_t i = 0; i < p->n; i++) {
        struct refusal *r = &p->refused[i];
        if (memcmp(&r->peer, peer, sizeof *peer) == 0) return r;
        if (r->until_ms < first->until_ms) first = r;
    }
    return p->n < LIMIT_REFUSED ? &p->refused[p->n++] : first;
}

bool refuse_after(struct supervisor *s, struct service *v, const struct crash *c)
{
    gyre_addr peer = {.ip = {0}}; /* the rest of it does not matter */
    const struct server_settings *set = s->plan ? &s->plan->settings : NULL;
    char text[64];
    if (!set || !c->has_peer || c->datagrams || set->refuse_ms == GYRE_NEVER) return false;
    memcpy(peer.ip, c->peer.ip, sizeof peer.ip);
    if (is_loopback(&peer) && !set->refuse_loopback) return false;
    if (!v->poison) v->poison = need_memory(calloc(1, sizeof *v->poison));
    if (!again(v->poison, &peer, hash_of(c))) return false;
    forget_past(v->poison);
    *room_for(v->poison, &peer) = (struct refusal){peer, clock_ms() + set->refuse_ms};
    address_text(&c->peer, text, sizeof text);
    log_warn("service %s refuses %s for %lld s: it was killed by such input before", v->name, text,
             (long long)(set->refuse_ms / 1000));
    if (v->live) process_refuse(s, v->live, &peer, set->refuse_ms);
    if (v->coming) process_refuse(s, v->coming, &peer, set->refuse_ms);
    return true;
}

void refuse_tell(struct supervisor *s, const struct service *v, struct process *p)
{
    int64_t now = clock_ms();
    for (size_t i = 0; v->poison && i < v->poison->n; i++) {
        const struct refusal *r = &v->poison->refused[i];
        if (r->until_ms > now) process_refuse(s, p, &r->peer, r->until_ms - now);
    }
}

void refuse_forget(struct supervisor *s, struct service *v)
{
    for (size_t i = 0; v->poison && v->live && i < v->poison->n; i++)
        process_refuse(s, v->live, &v->poison->refused[i].peer, 0);
    free(v->poison);
    v->poison = NULL;
}

void refuse_json(const struct service *v, FILE *f)
{
    int64_t now = clock_ms();
    bool some = false;
    (void)fputs("\"refused\": [", f);
    for (size_t i = 0; v && v->poison && i < v->poison->n; i++) {
        const struct refusal *r = &v->poison->refused[i];
        char text[64];
        if (r->until_ms <= now) continue;
        address_text(&r->peer, text, sizeof text);
        (void)fprintf(f, "%s{\"address\": \"%.*s\", \"left_ms\": %lld}", some ? ", " : "",
                      (int)(strlen(text) - 2), text, (long long)(r->until_ms - now)); /* no ":0" */
        some = true;
    }
    (void)fputs("]", f);
}
