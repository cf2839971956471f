/* SPDX-License-Identifier: GPL-3.0-or-later
 * section.c - a section on one worker: begins, changes, listens, leaves.
 *
 * The control thread (service.c) posts what is to be done; here it happens, between turns.
 * Promise: a section's home opens before anything of it is accepted on that worker; without memory
 * for it connections are refused. When a section leaves, its home closes last, and the worker drops
 * it when its last object is freed.
 */
#include <stdlib.h>

#include "section.h"

void section_object(struct worker *w, struct section *s)
{
    s->objects[w->index]++;
    w->live++;
}

void section_object_freed(struct worker *w, struct section *s)
{
    struct actor *home = s->home[w->index];
    struct service *service = s->service; /* the section may be freed with the last word below */
    w->live--;
    s->objects[w->index]--;
    if (!s->leaving[w->index]) return;
    if (s->objects[w->index] == 1 && home) {
        actor_end(w, home, (enum gyre_why)s->leaving_why);
        return;
    }
    if (s->objects[w->index]) return;
    version_switch(w, s, NULL);
    if (atomic_fetch_sub(&s->workers_left, 1) == 1) service_wake(service);
}

bool section_home(struct worker *w, struct section *s)
{
    struct actor *home = s->home[w->index];
    if (home || s->leaving[w->index] || !s->current[w->index]) return home != NULL;
    home = actor_make(w, s, &s->plugin->kinds[KIND_HOME], A_HOME);
    if (!home) return false;
    s->home[w->index] = home;
    s->homes[w->index] = actor_ref(home);
    actor_open(w, home);
    return true;
}

static void tell(struct worker *w, struct actor *a)
{
    actor_take_version(w, a);
    if (!a->kind->p.on_conf || a->flags & A_CLOSING) return;
    call_begin(w, a, CALL_ON_CONF);
    a->kind->p.on_conf(&a->pub);
    call_end(w);
}

void section_publish(struct worker *w, void *arg)
{
    struct version *v = arg;
    struct section *s = v->section;
    if (s->current[w->index]) version_switch(w, s, v);
    else s->current[w->index] = v;
    if (s->home[w->index]) tell(w, s->home[w->index]);
    else if (!section_home(w, s))
        log_error("%s: no memory for its home: connections are refused until there is", s->name);
    for (struct listener *l = s->listeners[w->index]; l; l = l->next)
        if (l->port) tell(w, l->port);
}

void section_listen(struct worker *w, void *arg)
{
    struct listen_order *o = arg;
    if (o->section->leaving[w->index] || !o->section->current[w->index])
        w->ring->ops->close(w->ring, o->fd);
    else listener_add(w, o->section, o->fd, o->text, o->datagrams);
}

void section_unlisten(struct worker *w, void *arg)
{
    struct listen_order *o = arg;
    struct listener *next;
    for (struct listener *l = o->section->listeners[w->index]; l; l = next) {
        next = l->next;
        if (!strcmp(l->text, o->text)) listener_remove(w, l);
    }
}

void section_again(struct worker *w, void *arg)
{
    struct section *s = arg;
    for (struct listener *l = s->listeners[w->index]; l; l = l->next) listener_again(w, l);
}

bool section_leaves(struct section *s, const struct actor *a)
{
    const uint32_t scatter = 2654435761u; /* slots are given in a row, to clients that came so */
    if (a->flags & (A_HOME | A_PORT)) return false;
    return a->slot * scatter >> 24 < atomic_load(&s->leaving_share) ||
           a->kind->p.flags & GYRE_BRIEF;
}

void section_leave(struct worker *w, void *arg)
{
    struct section *s = arg;
    struct actor *next;
    if (s->leaving[w->index] && !s->current[w->index]) return; /* all of it has left */
    s->leaving[w->index] = true;
    section_object(w, s); /* until the end of this function nothing is the last */
    while (s->listeners[w->index]) listener_remove(w, s->listeners[w->index]);
    for (struct actor *a = actor_of_slot(w, s->actors[w->index]); a; a = next) {
        next = actor_of_slot(w, a->section_next);
        if (section_leaves(s, a)) actor_leave(w, a, (enum gyre_why)s->leaving_why);
    }
    section_object_freed(w, s);
}

/* By the slots: what has closed but still flushes or lingers is in no list of the section. */
void section_abort(struct worker *w, void *arg)
{
    struct section *s = arg;
    s->aborted[w->index] = true;
    for (uint32_t i = 0; i < w->slots_n; i++) {
        struct actor *a = slot_at(w, i, w->slots[i].id, SLOT_ACTOR);
        if (a && section_of(a) == s && !(a->flags & (A_HOME | A_PORT)))
            actor_abort(w, a, GYRE_SHUTDOWN);
    }
}
