/* SPDX-License-Identifier: GPL-3.0-or-later
 * address.c - addresses as text and bytes, and how many connections each address has.
 *
 * The table belongs to a section and is shared by its workers under a lock: it is touched when a
 * connection begins and ends, not while it works. Open addressing, seeded, grows by doubling.
 * Limits: entries are bounded by the section's streams.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include "core.h"

struct seat {
    uint64_t word; /* of the address: keyed, so two that fall together are nobody's to choose */
    uint32_t n;
};
struct addresses {
    pthread_mutex_t lock;
    struct seat *seats;
    uint32_t cap, used; /* used: seats that were ever taken since the last growth */
    uint64_t seed[2];
};

static const uint8_t v4_prefix[12] = {[10] = 0xff, [11] = 0xff};

bool address_from(const struct sockaddr *from, gyre_addr *out)
{
    *out = (gyre_addr){.ip = {0}};
    if (from->sa_family == AF_INET) {
        const struct sockaddr_in *in = (const void *)from;
        memcpy(out->ip, v4_prefix, 12);
        memcpy(out->ip + 12, &in->sin_addr, 4);
        out->port = ntohs(in->sin_port);
        return true;
    }
    if (from->sa_family == AF_INET6) {
        const struct sockaddr_in6 *in = (const void *)from;
        memcpy(out->ip, &in->sin6_addr, 16);
        out->port = ntohs(in->sin6_port);
        out->scope = in->sin6_scope_id;
        return true;
    }
    return false;
}

socklen_t address_to(const gyre_addr *a, bool v4, union ring_address *out)
{
    memset(out, 0, sizeof *out);
    if (v4) {
        out->in4.sin_family = AF_INET;
        out->in4.sin_port = htons(a->port);
        memcpy(&out->in4.sin_addr, a->ip + 12, 4);
        return sizeof out->in4;
    }
    out->in6.sin6_family = AF_INET6;
    out->in6.sin6_port = htons(a->port);
    out->in6.sin6_scope_id = a->scope;
    memcpy(&out->in6.sin6_addr, a->ip, 16);
    return sizeof out->in6;
}

bool address_is_v4(const gyre_addr *a)
{
    return !memcmp(a->ip, v4_prefix, 12);
}

bool address_is_none(const gyre_addr *a)
{
    static const gyre_addr none;
    return !memcmp(a, &none, sizeof none);
}

void address_text(const gyre_addr *a, char *out, size_t n)
{
    char ip[INET6_ADDRSTRLEN];
    if (address_is_none(a)) snprintf(out, n, "unix:");
    else if (address_is_v4(a))
        snprintf(out, n, "%s:%u", inet_ntop(AF_INET, a->ip + 12, ip, sizeof ip), a->port);
    else snprintf(out, n, "[%s]:%u", inet_ntop(AF_INET6, a->ip, ip, sizeof ip), a->port);
}

struct addresses *addresses_make(void)
{
    struct addresses *t = calloc(1, sizeof *t);
    if (!t) return NULL;
    t->cap = 64;
    t->seats = calloc(t->cap, sizeof *t->seats);
    if (!t->seats || pthread_mutex_init(&t->lock, NULL)) {
        free(t->seats);
        free(t);
        return NULL;
    }
    if (getrandom(t->seed, sizeof t->seed, GRND_NONBLOCK) < 0) t->seed[0] = (uintptr_t)t;
    return t;
}

void addresses_free(struct addresses *t)
{
    if (!t) return;
    pthread_mutex_destroy(&t->lock);
    free(t->seats);
    free(t);
}

static uint64_t mix(uint64_t x)
{
    x ^= x >> 32;
    x *= 0xd6e8feb86659fd93u;
    x ^= x >> 32;
    x *= 0xd6e8feb86659fd93u;
    return x ^ x >> 32;
}

static uint64_t word_of(const struct addresses *t, const uint8_t ip[16])
{
    uint64_t a, b;
    memcpy(&a, ip, 8);
    memcpy(&b, ip + 8, 8);
    a = mix(mix(a ^ t->seed[0]) ^ b ^ t->seed[1]);
    return a ? a : 1;
}

/* The seat of that address, or the free one where it would sit. */
static struct seat *seat_of(struct addresses *t, uint64_t word)
{
    for (uint64_t at = word;; at++) {
        struct seat *s = &t->seats[at & (t->cap - 1)];
        if (s->word == word || !s->word) return s;
    }
}

/* Keeps a third free; addresses without connections are left behind. */
static bool grow(struct addresses *t)
{
    struct seat *old = t->seats;
    uint32_t old_cap = t->cap, live = 0;
    for (uint32_t i = 0; i < old_cap; i++) live += old[i].n > 0;
    uint32_t cap = live * 3 > old_cap ? old_cap * 2 : old_cap;
    struct seat *seats = calloc(cap, sizeof *seats);
    if (!seats) return false;
    t->seats = seats;
    t->cap = cap;
    t->used = live;
    for (uint32_t i = 0; i < old_cap; i++)
        if (old[i].n) *seat_of(t, old[i].word) = old[i];
    free(old);
    return true;
}

bool address_take(struct section *section, const gyre_addr *a, int64_t most)
{
    struct addresses *t = section->addresses;
    uint64_t word = word_of(t, a->ip);
    bool taken = false;
    pthread_mutex_lock(&t->lock);
    struct seat *s = seat_of(t, word);
    if (!s->n && t->used >= t->cap / 3 * 2) {
        if (!grow(t)) goto out;
        s = seat_of(t, word);
    }
    if (s->n >= (uint64_t)most) goto out;
    if (!s->word) t->used++;
    s->word = word;
    s->n++;
    taken = true;
out:
    pthread_mutex_unlock(&t->lock);
    return taken;
}

void address_give(struct section *section, const gyre_addr *a)
{
    struct addresses *t = section->addresses;
    if (address_is_none(a)) return;
    pthread_mutex_lock(&t->lock);
    struct seat *s = seat_of(t, word_of(t, a->ip));
    if (!s->n) bug(__func__, "an address that was not taken");
    s->n--;
    pthread_mutex_unlock(&t->lock);
}
