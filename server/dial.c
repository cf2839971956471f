/* SPDX-License-Identifier: GPL-3.0-or-later
 * dial.c - actors that a plugin makes: outgoing streams, and actors without a wire.
 *
 * A literal address connects at once; a name is looked up on a helper thread first. What is dialled
 * must be granted (on_load's want). The actor exists from the call on; on_open comes when the wire
 * is there, on_close if it cannot be.
 * Limits: within_ns, preset LIMIT_DIAL_MS, for look-up and connecting together. Worker: by's.
 */
#include <errno.h>
#include <stdlib.h>

#include "blocking.h"
#include "service.h"
#include "stream.h"

struct dialling {
    union ring_address to;
    socklen_t to_n;
};
struct look_up {
    struct job job;
    gyre_ref actor;
    char host[256];
    uint16_t port;
    int found; /* 0, or an EAI_ code */
    struct dialling result;
};

static void adopt(struct actor *parent, struct actor *child)
{
    struct kin *k = kin_of(child);
    struct extra *x = parent->extra;
    k->parent = parent;
    k->sibling = x->children;
    k->sibling_at = &x->children;
    if (k->sibling) kin_of(k->sibling)->sibling_at = &k->sibling;
    x->children = child;
}

static void connect_to(struct worker *w, struct actor *a, const struct dialling *to)
{
    struct stream *s = stream_of(a);
    struct sending *x = stream_sending(w, s); /* keeps the address until the operation ends */
    if (!x) return stream_broken(w, a, GYRE_NO_MEMORY);
    x->to = to->to;
    int fd = w->ring->ops->socket(w->ring, to->to.any.sa_family, SOCK_STREAM);
    if (fd < 0) return stream_broken(w, a, GYRE_UNREACHABLE);
    s->fd = fd;
    s->flags |= S_CONNECT;
    w->ring->ops->connect(w->ring, fd, &x->to, to->to_n, actor_user(w, OP_CONNECT, a));
}

void dial_connected(struct worker *w, struct actor *a, int32_t res)
{
    stream_of(a)->flags &= ~(uint32_t)S_CONNECT;
    stream_sending_done(w, stream_of(a));
    if (a->flags & A_CLOSING) {
        if (res < 0) stream_of(a)->flags |= S_DROP;
        if (a->flags & A_CLOSED) stream_closed(w, a);
        return;
    }
    if (res == 0) {
        stream_begin(w, a);
        if (stream_of(a)->out.first || stream_of(a)->flags & S_FIN) stream_touch(w, a);
        actor_ready(w, a); /* it may have been asked to produce, or be linked */
        return;
    }
    stream_broken(w, a, res == -ECONNREFUSED || res == -ENOENT ? GYRE_REFUSED
                        : res == -ETIMEDOUT                    ? GYRE_TIMEOUT
                                                               : GYRE_UNREACHABLE);
}

/* ---- names ---- */

static void look_up(struct job *job)
{
    struct look_up *l = (struct look_up *)job;
    l->found = blocking->resolve(l->host, l->port, false, &l->result.to, &l->result.to_n);
}

static void looked_up(struct worker *w, struct item *item)
{
    struct look_up *l = (struct look_up *)((uint8_t *)item - offsetof(struct look_up, job.item));
    struct actor *a = slot_at(w, (uint32_t)l->actor.at, l->actor.id, SLOT_ACTOR);
    if (a && stream_of(a)->flags & S_DROP) a = NULL; /* closed; else it may have to flush */
    if (a && l->found) stream_broken(w, a, GYRE_NO_NAME);
    else if (a) connect_to(w, a, &l->result);
    free(l);
}

static void find_address(struct worker *w, struct actor *a, const char *host, uint16_t port)
{
    struct dialling to;
    if (!blocking->resolve(host, port, true, &to.to, &to.to_n)) return connect_to(w, a, &to);
    struct look_up *l = calloc(1, sizeof *l);
    if (!l) return stream_broken(w, a, GYRE_NO_MEMORY);
    l->job = (struct job){.work = look_up, .item = {.run = looked_up}, .worker = w};
    l->actor = actor_ref(a);
    l->port = port;
    memcpy(l->host, host, sizeof l->host);
    if (helpers_post(w->service, &l->job)) return;
    free(l);
    stream_broken(w, a, GYRE_NO_NAME);
}

static void dial_out(struct worker *w, struct actor *a, gyre_view text)
{
    enum endpoint_kind kind;
    struct dialling to = {.to_n = 0};
    char host[256], why[128];
    uint16_t port;
    if (!endpoint_dial(text, &kind, host, &port, why, sizeof why) || kind == ENDPOINT_UDP)
        return stream_broken(w, a, GYRE_UNREACHABLE);
    if (kind == ENDPOINT_TCP) return find_address(w, a, host, port);
    to.to.un.sun_family = AF_UNIX;
    to.to_n = sizeof to.to.un;
    if (strlen(host) >= sizeof to.to.un.sun_path) return stream_broken(w, a, GYRE_UNREACHABLE);
    memcpy(to.to.un.sun_path, host, strlen(host));
    connect_to(w, a, &to);
}

struct actor *dial_start(struct worker *w, struct actor *by, const struct gyre_dial *d,
                         const struct kind *kind)
{
    struct section *s = section_of(by);
    int64_t within_ns = d->within_ns > 0 ? d->within_ns : (int64_t)LIMIT_DIAL_MS * 1000000;
    struct actor *a;
    if (by->flags & A_CLOSING || !actor_extra(w, by)) return NULL;
    a = d->to.n ? stream_make(w, s, kind, A_DIALLED, -1) : actor_make(w, s, kind, A_DIALLED);
    if (!a) return NULL;
    adopt(by, a);
    if (!d->to.n) {
        actor_ready(w, a);
        return a;
    }
    if (within_ns < GYRE_NEVER - w->now_ns)
        timer_set(w, &stream_of(a)->deadline, w->now_ns + within_ns);
    if (!grant_dial(by->version, d->to)) {
        log_warn("%s: dial %.*s: not granted; on_load must want \"dial:%.*s\"", s->name,
                 (int)d->to.n, (const char *)d->to.p, (int)d->to.n, (const char *)d->to.p);
        stream_broken(w, a, GYRE_NOT_GRANTED);
    } else {
        dial_out(w, a, d->to);
    }
    return a;
}
