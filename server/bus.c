/* SPDX-License-Identifier: GPL-3.0-or-later
 * bus.c - "bus/1": topics over all workers of the process.
 *
 * Each worker knows its own members. A worker's topic_members counts them by hash, so that mail to
 * a topic is copied only to workers that may have one.
 * Promise: one copy a worker; the sender gets none; members that leave while a mail is handed out
 * do not get it. Limits: LIMIT_TOPIC, LIMIT_TOPICS_PER_ACTOR, LIMIT_MAIL, LIMIT_BOX.
 */
#include "services/bus.h"

#include <stdlib.h>

#include "mail.h"

struct topic_seat { /* one actor in one topic */
    struct topic_seat *next; /* of the actor */
    struct topic *topic;
    struct actor *actor;
    uint32_t index; /* in topic->members */
};
struct topic {
    struct topic *next; /* in its bucket */
    struct topic_seat **members;
    const struct plugin *plugin;
    uint32_t n, cap, hash;
    uint8_t name_n;
    uint8_t name[];
};
struct topics {
    struct topic *bucket[256];
    gyre_ref *names; /* whom one mail is for, while it is handed out; room for the largest topic */
    uint32_t names_cap;
    uint64_t leaves; /* how often anyone left a topic */
};

static uint32_t hash_of(const struct plugin *p, gyre_view name)
{
    uint32_t h = 2166136261u ^ p->index;
    for (size_t i = 0; i < name.n; i++) h = (h ^ name.p[i]) * 16777619u;
    return h ^ h >> 16;
}

static struct topic **find(struct worker *w, const struct plugin *p, gyre_view name, uint32_t hash)
{
    struct topic **at = &w->topics->bucket[hash & 255];
    while (*at && !((*at)->hash == hash && (*at)->plugin == p && (*at)->name_n == name.n &&
                    !memcmp((*at)->name, name.p, name.n)))
        at = &(*at)->next;
    return at;
}

static struct topic *topic_of(struct worker *w, const struct plugin *p, gyre_view name)
{
    uint32_t hash = hash_of(p, name);
    if (!w->topics) w->topics = pool_zero(w, sizeof *w->topics);
    if (!w->topics) return NULL;
    struct topic **at = find(w, p, name, hash), *t = *at;
    if (t) return t;
    t = pool_zero(w, sizeof *t + name.n);
    if (!t) return NULL;
    t->plugin = p;
    t->hash = hash;
    t->name_n = (uint8_t)name.n;
    memcpy(t->name, name.p, name.n);
    t->next = NULL;
    *at = t;
    return t;
}

static void topic_free_if_empty(struct worker *w, struct topic *t)
{
    if (t->n) return;
    *find(w, t->plugin, (gyre_view){t->name, t->name_n}, t->hash) = t->next;
    pool_give(w, t->members, t->cap * sizeof *t->members);
    pool_give(w, t, sizeof *t + t->name_n);
}

static void leave(struct worker *w, struct topic_seat **at)
{
    struct topic_seat *seat = *at, *last;
    struct topic *t = seat->topic;
    w->topics->leaves++;
    *at = seat->next;
    last = t->members[--t->n];
    t->members[seat->index] = last;
    last->index = seat->index;
    atomic_fetch_sub_explicit(&w->topic_members[t->hash & 255], 1, memory_order_relaxed);
    pool_give(w, seat, sizeof *seat);
    topic_free_if_empty(w, t);
}

static bool names_room(struct worker *w, uint32_t cap)
{
    struct topics *all = w->topics;
    if (all->names_cap >= cap) return true;
    gyre_ref *names = pool_take(w, cap * sizeof *names);
    if (!names) return false;
    /* It may be in use: a callback joins while a mail is handed out. */
    if (all->names_cap) memcpy(names, all->names, all->names_cap * sizeof *names);
    pool_give(w, all->names, all->names_cap * sizeof *names);
    all->names = names;
    all->names_cap = cap;
    return true;
}

static bool members_room(struct worker *w, struct topic *t)
{
    if (t->n < t->cap) return true;
    uint32_t cap = t->cap ? t->cap * 2 : 8;
    if (!names_room(w, cap)) return false;
    struct topic_seat **grown = pool_take(w, cap * sizeof *grown);
    if (!grown) return false;
    if (t->n) memcpy(grown, t->members, t->n * sizeof *grown);
    pool_give(w, t->members, t->cap * sizeof *grown);
    t->members = grown;
    t->cap = cap;
    return true;
}

/* The seat of an actor that has extras, or the end of its list. */
static struct topic_seat **seat_in(struct extra *x, const struct plugin *p, gyre_view name)
{
    struct topic_seat **at = &x->seats;
    while (*at && !((*at)->topic->plugin == p &&
                    gyre_eq(name, (gyre_view){(*at)->topic->name, (*at)->topic->name_n})))
        at = &(*at)->next;
    return at;
}

int bus_join_of(struct worker *w, struct actor *a, const struct plugin *p, gyre_view name, bool in)
{
    struct extra *x = actor_extra(w, a);
    struct topic_seat **at, *seat;
    int seats = 0;
    if (a->flags & A_CLOSING) return GYRE_GONE;
    if (!name.n || name.n > LIMIT_TOPIC) return GYRE_INVALID;
    if (!x) return GYRE_FULL;
    at = seat_in(x, p, name);
    if (!in) {
        if (*at) leave(w, at);
        return GYRE_OK;
    }
    if (*at) return GYRE_OK;
    for (seat = x->seats; seat; seat = seat->next) seats++;
    if (seats >= LIMIT_TOPICS_PER_ACTOR) return GYRE_FULL;
    struct topic *t = topic_of(w, p, name);
    if (!t) return GYRE_FULL;
    seat = members_room(w, t) ? pool_take(w, sizeof *seat) : NULL;
    if (!seat) {
        topic_free_if_empty(w, t);
        return GYRE_FULL;
    }
    *seat = (struct topic_seat){x->seats, t, a, t->n};
    x->seats = seat;
    t->members[t->n++] = seat;
    atomic_fetch_add_explicit(&w->topic_members[t->hash & 255], 1, memory_order_relaxed);
    return GYRE_OK;
}

static int bus_join(struct gyre_actor *pub, gyre_view name, bool in)
{
    struct actor *a = enter(pub, "bus->join");
    return bus_join_of(worker_here, a, a->kind->plugin, name, in);
}

static bool is_member(const struct actor *a, const struct plugin *p, gyre_view name)
{
    return a && a->extra && *seat_in(a->extra, p, name);
}

/* Hands out to a list of names made first: members may leave meanwhile. */
static void run_topic(struct worker *w, struct item *item)
{
    struct mail *m = (struct mail *)item;
    gyre_view name = mail_topic(m);
    struct topic *t = w->topics ? *find(w, m->plugin, name, hash_of(m->plugin, name)) : NULL;
    uint32_t n = t ? t->n : 0;
    uint64_t leaves = n ? w->topics->leaves : 0;
    for (uint32_t i = 0; i < n; i++) w->topics->names[i] = actor_ref(t->members[i]->actor);
    for (uint32_t i = 0; i < n; i++) {
        gyre_ref to = w->topics->names[i]; /* a callback that joins may move the list */
        if (to.at == m->from.at && to.id == m->from.id) continue;
        if (w->topics->leaves != leaves && !is_member(actor_at(w, to), m->plugin, name)) continue;
        m->uses++;
        mail_deliver(w, to, m);
    }
    mail_drop(w, m);
}

static int bus_send(struct gyre_actor *pub, gyre_view name, uint32_t type, gyre_view text,
                    struct gyre_buf *body)
{
    struct actor *a = enter(pub, "bus->send");
    struct worker *w = worker_here;
    struct bytes_core *core = body ? buf_check(body, "bus->send")->core : NULL;
    uint32_t hash = hash_of(a->kind->plugin, name) & 255;
    int res = GYRE_OK;
    if (!name.n || name.n > LIMIT_TOPIC) return GYRE_INVALID;
    if (text.n > LIMIT_MAIL) return GYRE_FULL;
    for (uint32_t i = 0; i < w->service->workers_n; i++) {
        struct worker *to = w->service->workers[i];
        if (!atomic_load_explicit(&to->topic_members[hash], memory_order_relaxed)) continue;
        if (inbox_over(to)) {
            mail_choke(w, a, to);
            res = GYRE_AGAIN;
            continue;
        }
        struct mail *m = mail_make(a, 0, type, 0, name, text, core);
        if (!m) return res == GYRE_OK && !i ? GYRE_FULL : GYRE_AGAIN;
        m->plugin = a->kind->plugin;
        m->item.run = run_topic;
        inbox_post(to, &m->item);
        mail_choke(w, a, to);
    }
    return res;
}

void bus_actor_ends(struct worker *w, struct actor *a)
{
    while (a->extra->seats) leave(w, &a->extra->seats);
}

void bus_free(struct worker *w)
{
    struct topics *all = w->topics;
    if (!all) return;
    pool_give(w, all->names, all->names_cap * sizeof *all->names);
    pool_give(w, all, sizeof *all);
    w->topics = NULL;
}

const struct gyre_bus bus_table = {.size = sizeof bus_table, .join = bus_join, .send = bus_send};
