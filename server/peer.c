/* SPDX-License-Identifier: GPL-3.0-or-later
 * peer.c - who is at the other end of a stream, made when a plugin first asks.
 * Owns: nothing; what it makes belongs to the actor (mem.c) and lives as long. Worker: the actor's.
 */
#include <stdio.h>

#include "core.h"

struct peer {
    struct gyre_peer pub;
    char text[64], local[64], listen[sizeof ((struct listener *)NULL)->text];
};

const struct gyre_peer *stream_peer(struct worker *w, struct actor *a)
{
    struct extra *x = actor_extra(w, a);
    const struct stream *s = stream_of(a);
    if (!x || x->peer) return x ? x->peer : NULL;
    struct peer *p = mem_block(w, a, NULL, sizeof *p);
    if (!p) return NULL;
    p->pub.size = sizeof p->pub;
    p->pub.path.peer = s->peer;
    if (s->fd >= 0) {
        if (address_is_none(&s->peer))
            (void)w->ring->ops->peer(w->ring, s->fd, &p->pub.path.peer);
        (void)w->ring->ops->local(w->ring, s->fd, &p->pub.path.local);
    }
    address_text(&p->pub.path.peer, p->text, sizeof p->text);
    address_text(&p->pub.path.local, p->local, sizeof p->local);
    p->pub.text = gyre_str(p->text);
    p->pub.local_text = gyre_str(p->local);
    if (s->from) {
        memcpy(p->listen, s->from->text, sizeof p->listen);
        p->pub.listen = gyre_str(p->listen);
    }
    x->peer = &p->pub;
    return x->peer;
}
