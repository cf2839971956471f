/* SPDX-License-Identifier: GPL-3.0-or-later
 * callbacks.c - stands between the core and its plugins: is what they are called with what gyre.h
 * promises?
 *
 * Every kind of actor gets these callbacks instead of its own, which each of them calls.
 * Promise: no callback runs inside another; on_open comes first and once, on_close last and once,
 * and to every actor; after close nothing else comes. on_data gets at most message_max, and comes
 * neither behind on_eof nor while its actor is paused, waits for an answer or has too much to send;
 * mail does not come to a paused actor without a wire.
 * Limits: what is not wrapped (on_datagrams, on_down, on_conf, answers) is not looked at.
 */
#include <stdlib.h>

#include "scenario.h"
#include "stream.h"

enum { KINDS = 8 };

struct calls {
    uint64_t id; /* of its slot; 0: none */
    bool opened, ended;
};
static struct {
    struct run *run;
    struct gyre_proto kinds[SITES][KINDS]; /* as they were */
    struct {
        struct calls *at;
        size_t n;
    } rows[GENERATIONS][WORKERS_MOST];
    const char *inside; /* which callback runs */
} all;

static const struct gyre_proto *own(struct actor *a)
{
    const struct plugin *p = a->kind->plugin;
    return &all.kinds[p->index][a->kind - p->kinds];
}

static size_t generation_here(void)
{
    size_t g = 0;
    while (g < GENERATIONS && all.run->gens[g].service != worker_here->service) g++;
    if (g == GENERATIONS) abort();
    return g;
}

/* Its row: a new one on on_open, or when it ends without. */
static struct calls *row_of(struct actor *a)
{
    size_t g = generation_here(), n = all.rows[g][worker_here->index].n, slot = a->slot;
    uint64_t id = worker_here->slots[slot].id;
    if (slot >= n) {
        size_t more = 2 * slot + 64;
        struct calls *grown = realloc(all.rows[g][worker_here->index].at, more * sizeof *grown);
        if (!grown) abort();
        memset(grown + n, 0, (more - n) * sizeof *grown);
        all.rows[g][worker_here->index].at = grown;
        all.rows[g][worker_here->index].n = more;
    }
    struct calls *c = &all.rows[g][worker_here->index].at[slot];
    if (c->id == id) return c;
    if (c->id) damage(all.run, "[%s] an actor was freed without on_close", a->pub.section->name);
    *c = (struct calls){.id = id};
    return c;
}

static struct calls *enter_callback(struct actor *a, const char *name)
{
    const char *section = a->pub.section->name;
    struct calls *c = row_of(a);
    if (all.inside) damage(all.run, "[%s] %s is called inside of %s", section, name, all.inside);
    all.inside = name;
    bool opens = !strcmp(name, "on_open"), closes = !strcmp(name, "on_close");
    if (opens && c->opened) damage(all.run, "[%s] on_open comes a second time", section);
    if (!opens && !closes && !c->opened)
        damage(all.run, "[%s] %s comes before on_open", section, name);
    if (!closes && a->flags & A_CLOSING)
        damage(all.run, "[%s] %s comes after close", section, name);
    return c;
}

static struct actor *actor_of(struct gyre_actor *pub)
{
    return (struct actor *)(void *)pub;
}

static bool on_open(struct gyre_actor *pub)
{
    const struct gyre_proto *was = own(actor_of(pub));
    struct calls *c = enter_callback(actor_of(pub), "on_open");
    bool good = was->on_open ? was->on_open(pub) : true;
    c = row_of(actor_of(pub)); /* it may have moved: another was made */
    c->opened = true;
    all.inside = NULL;
    return good;
}

static enum gyre_step on_data(struct gyre_actor *pub, gyre_view *in)
{
    struct actor *a = actor_of(pub);
    const char *section = pub->section->name;
    struct calls *c = enter_callback(a, "on_data");
    const struct gyre_proto *was = own(a);
    size_t most = a->flags & A_DIALLED ? was->message_max : (size_t)a->version->limits.message_max;
    if (a->flags & A_DIALLED && !most) most = LIMIT_MESSAGE;
    if (a->extra && a->extra->message_max) most = a->extra->message_max;
    if (!in->n) damage(all.run, "[%s] on_data comes without data", section);
    if (in->n > most)
        damage(all.run, "[%s] on_data gets %zu bytes, message_max is %zu", section, in->n, most);
    if (c->ended) damage(all.run, "[%s] on_data comes behind on_eof", section);
    if (a->paused) damage(all.run, "[%s] on_data comes while its actor is paused", section);
    if (a->requests && !(was->flags & GYRE_OVERLAP))
        damage(all.run, "[%s] on_data comes while an answer is waited for", section);
    if (stream_over(a) && !(was->flags & GYRE_DUPLEX))
        damage(all.run, "[%s] on_data comes while too much is to be sent", section);
    enum gyre_step step = was->on_data(pub, in);
    all.inside = NULL;
    return step;
}

static void on_eof(struct gyre_actor *pub)
{
    struct calls *c = enter_callback(actor_of(pub), "on_eof");
    if (c->ended) damage(all.run, "[%s] on_eof comes a second time", pub->section->name);
    c->ended = true;
    own(actor_of(pub))->on_eof(pub);
    all.inside = NULL;
}

static void on_room(struct gyre_actor *pub)
{
    (void)enter_callback(actor_of(pub), "on_room");
    own(actor_of(pub))->on_room(pub);
    all.inside = NULL;
}

static void on_timer(struct gyre_actor *pub, uint32_t slot)
{
    (void)enter_callback(actor_of(pub), "on_timer");
    own(actor_of(pub))->on_timer(pub, slot);
    all.inside = NULL;
}

static void on_mail(struct gyre_actor *pub, const struct gyre_mail *m)
{
    struct actor *a = actor_of(pub);
    (void)enter_callback(a, "on_mail");
    if (a->paused && !(a->flags & A_STREAM))
        damage(all.run, "[%s] mail comes while its actor is paused", pub->section->name);
    own(a)->on_mail(pub, m);
    all.inside = NULL;
}

static void on_bounce(struct gyre_actor *pub, const struct gyre_mail *m, int32_t err)
{
    (void)enter_callback(actor_of(pub), "on_bounce");
    own(actor_of(pub))->on_bounce(pub, m, err);
    all.inside = NULL;
}

static void on_leave(struct gyre_actor *pub, enum gyre_why why)
{
    (void)enter_callback(actor_of(pub), "on_leave");
    own(actor_of(pub))->on_leave(pub, why);
    all.inside = NULL;
}

static void on_close(struct gyre_actor *pub, enum gyre_why why)
{
    struct actor *a = actor_of(pub);
    struct calls *c = enter_callback(a, "on_close");
    if (own(a)->on_close) own(a)->on_close(pub, why);
    *c = (struct calls){0};
    all.inside = NULL;
}

/* ---- standing between ---- */

void callbacks_wrap(struct plugin *p)
{
    if (p->index >= SITES || p->kinds_n > KINDS) abort();
    for (uint32_t i = 0; i < p->kinds_n; i++) {
        struct gyre_proto *k = &p->kinds[i].p;
        all.kinds[p->index][i] = *k;
        if (!p->kinds[i].declared) continue;
        k->on_open = on_open;
        k->on_close = on_close;
        if (k->on_data) k->on_data = on_data;
        if (k->on_eof) k->on_eof = on_eof;
        if (k->on_room) k->on_room = on_room;
        if (k->on_timer) k->on_timer = on_timer;
        if (k->on_mail) k->on_mail = on_mail;
        if (k->on_bounce) k->on_bounce = on_bounce;
        if (k->on_leave) k->on_leave = on_leave;
    }
}

void callbacks_begin(struct run *r)
{
    all.run = r;
    all.inside = NULL;
}

void callbacks_forget(struct run *r, const struct generation *g, bool killed)
{
    for (size_t w = 0; w < WORKERS_MOST; w++) {
        struct calls *at = all.rows[g - r->gens][w].at;
        for (size_t i = 0; i < all.rows[g - r->gens][w].n && !killed; i++)
            if (at[i].id) damage(r, "generation %u ended, and not each actor had on_close",
                                 g->process);
        free(at);
        all.rows[g - r->gens][w].at = NULL;
        all.rows[g - r->gens][w].n = 0;
    }
}
