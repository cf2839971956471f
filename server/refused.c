/* SPDX-License-Identifier: GPL-3.0-or-later
 * refused.c - addresses whose connections this service does not take, as the supervisor says.
 *
 * Written by the control thread, read by workers as they accept: nothing is locked while the list
 * is empty, which is nearly always. Limits: LIMIT_REFUSED addresses.
 */
#include "service.h"

static struct refused *find(struct service *s, const gyre_addr *a)
{
    for (uint32_t i = 0; i < s->refused_n; i++)
        if (!memcmp(s->refused[i].ip, a->ip, sizeof a->ip)) return &s->refused[i];
    return NULL;
}

/* All places are taken: that of the one that would be let in first. */
static struct refused *first_to_go(struct service *s)
{
    struct refused *first = s->refused;
    for (uint32_t i = 1; i < LIMIT_REFUSED; i++)
        if (s->refused[i].until_ns < first->until_ns) first = &s->refused[i];
    return first;
}

void service_refuse(struct service *s, const gyre_addr *a, int64_t until_ns)
{
    pthread_mutex_lock(&s->lock);
    struct refused *r = find(s, a);
    if (!r && s->refused_n < LIMIT_REFUSED) r = &s->refused[s->refused_n++];
    if (!r) r = first_to_go(s);
    memcpy(r->ip, a->ip, sizeof r->ip);
    r->until_ns = until_ns;
    pthread_mutex_unlock(&s->lock);
}

bool service_refuses(struct worker *w, const gyre_addr *a)
{
    struct service *s = w->service;
    if (!atomic_load_explicit(&s->refused_n, memory_order_relaxed)) return false;
    pthread_mutex_lock(&s->lock);
    const struct refused *r = find(s, a);
    bool refuses = r && w->now_ns < r->until_ns;
    pthread_mutex_unlock(&s->lock);
    return refuses;
}
