/* SPDX-License-Identifier: GPL-3.0-or-later
 * listen.c - sockets that accept, and UDP ports, of one section on one worker.
 *
 * The supervisor owns every listening socket; here is a copy of its descriptor. One multishot
 * accept is armed on each and armed again only when it says that it ended.
 * Promise: a socket is closed when its operation has ended; a connection that is accepted in a race
 * with the end is served once more and then closed.
 * Limits: without descriptors, or memory for a port, it rests for ACCEPT_REST_MS.
 * Worker: the owner's.
 */
#include <errno.h>
#include <stdio.h>

#include "core.h"

enum { ACCEPT_REST_MS = 50 };

static void arm(struct worker *w, struct listener *l)
{
    if (l->armed || l->gone || l->paused) return;
    l->armed = true;
    enum op op = l->datagrams ? OP_RECV_FROM : OP_ACCEPT;
    uint64_t user = op_user(op, l->slot, l->id);
    if (l->datagrams) w->ring->ops->recv_from(w->ring, l->fd, user);
    else w->ring->ops->accept(w->ring, l->fd, user);
}

static void rest(struct worker *w, struct listener *l)
{
    timer_set(w, &l->retry, w->now_ns + (int64_t)ACCEPT_REST_MS * 1000000);
}

void listener_retry(struct worker *w, struct listener *l)
{
    if (l->datagrams && !l->port && !l->gone && !dgram_open(w, l)) rest(w, l);
    else arm(w, l);
}

void listener_rest(struct worker *w, struct listener *l, int32_t res)
{
    log_error("%s: %s: %s", l->section->name, l->text, strerror(-res));
    rest(w, l);
}

void listener_add(struct worker *w, struct section *s, int fd, const char *text, bool datagrams)
{
    struct listener *l = pool_zero(w, sizeof *l);
    if (!l || !timer_reserve(w, 1)) goto fail;
    l->section = s;
    l->fd = fd;
    l->datagrams = datagrams;
    l->retry.what = TIMER_LISTEN;
    l->retry.back = (uint16_t)((uint8_t *)&l->retry - (uint8_t *)l);
    snprintf(l->text, sizeof l->text, "%s", text);
    l->slot = slot_take(w, l, SLOT_LISTENER, &l->id);
    if (l->slot == UINT32_MAX) goto no_slot;
    l->next = s->listeners[w->index];
    s->listeners[w->index] = l;
    section_object(w, s);
    listener_retry(w, l);
    if (datagrams && !l->port)
        log_error("%s: no memory to receive on %s yet", s->name, text);
    return;
no_slot:
    timer_release(w, 1);
fail:
    log_error("%s: no memory to listen on %s", s->name, text);
    pool_give(w, l, sizeof *l);
    w->ring->ops->close(w->ring, fd);
}

/* Frees it once its operation has ended and its port is closed. */
void listener_end(struct worker *w, struct listener *l)
{
    if (!l->gone || l->armed) return;
    if (l->port) {
        if (!(l->port->flags & A_CLOSED)) {
            enum gyre_why why = (enum gyre_why)l->section->leaving_why;
            actor_end(w, l->port, why ? why : GYRE_RELOAD);
            return; /* its close comes back here (actor.c) */
        }
        if (port_of(l->port)->emits) return; /* dgram_sent comes back here */
        struct actor *port = l->port;
        l->port = NULL;
        port_of(port)->from = NULL;
        actor_free(w, port);
    }
    w->ring->ops->close(w->ring, l->fd);
    timer_clear(w, &l->retry);
    timer_release(w, 1);
    struct section *s = l->section;
    slot_give(w, l->slot);
    pool_give(w, l, sizeof *l);
    section_object_freed(w, s);
}

void listener_remove(struct worker *w, struct listener *l)
{
    struct listener **at = &l->section->listeners[w->index];
    while (*at != l) at = &(*at)->next;
    *at = l->next;
    l->gone = true;
    struct actor *a = actor_of_slot(w, l->section->actors[w->index]);
    for (; a; a = actor_of_slot(w, a->section_next))
        if (a->flags & A_STREAM && stream_of(a)->from == l) stream_of(a)->from = NULL;
    if (l->armed)
        w->ring->ops->cancel(w->ring,
                             op_user(l->datagrams ? OP_RECV_FROM : OP_ACCEPT, l->slot, l->id));
    else listener_end(w, l);
}

/* A connection may lie on the socket whose wake-up went to a process that has left: arming anew
 * looks first. */
void listener_again(struct worker *w, struct listener *l)
{
    l->paused = false;
    if (l->armed && !l->datagrams)
        w->ring->ops->cancel(w->ring, op_user(OP_ACCEPT, l->slot, l->id)); /* its end arms it */
    else arm(w, l);
}

void listener_pause(struct worker *w, struct listener *l)
{
    if (l->datagrams || l->paused) return;
    l->paused = true;
    if (l->armed) w->ring->ops->cancel(w->ring, op_user(OP_ACCEPT, l->slot, l->id));
}

void listener_event(struct worker *w, struct listener *l, const struct ring_event *e)
{
    if (!(e->flags & RING_MORE)) l->armed = false;
    if (e->res >= 0) {
        if (!l->section->plugin->p.stream || !section_home(w, l->section))
            w->ring->ops->close(w->ring, e->res);
        else stream_accepted(w, l, e->res);
    } else if (e->res == -EMFILE || e->res == -ENFILE || e->res == -ENOBUFS || e->res == -ENOMEM) {
        count(w, l->section, STAT_HIT_FDS, 1);
        if (!l->armed) rest(w, l);
        if (!l->armed && !l->gone) return;
    } else if (e->res != -ECANCELED && e->res != -ECONNABORTED && e->res != -EINTR && !l->gone) {
        listener_rest(w, l, e->res);
        if (!l->armed) return;
    }
    if (l->gone) listener_end(w, l);
    else arm(w, l);
}
