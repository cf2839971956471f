/* SPDX-License-Identifier: GPL-3.0-or-later
 * dgram.c - UDP ports: datagrams in batches to the home actor, answers from where they came to.
 *
 * What a turn received is collected, in the buffers where the kernel put it, and handed over in one
 * call for each section; then the buffers go back. An answer is copied once, into an emit that
 * lives until the kernel has it.
 * Limits: LIMIT_DATAGRAMS_BATCH a call, LIMIT_EMITS under way on a worker, then answers are
 * dropped and counted. Worker: the port's.
 */
#include <errno.h>

#include "core.h"

struct collected {
    struct gyre_datagram pub;
    uint16_t bid;
};
struct datagrams {
    struct collected at[LIMIT_DATAGRAMS_BATCH];
    const struct gyre_datagram *list[LIMIT_DATAGRAMS_BATCH];
    uint32_t n, emits;
    struct section *section; /* of all collected */
};
struct emit {
    struct actor *port;
    uint64_t id;
    uint32_t slot, size; /* size: as taken from the pool */
    union ring_address to;
    struct msghdr message;
    struct iovec part;
    _Alignas(struct cmsghdr) uint8_t control[CMSG_SPACE(sizeof(struct in6_pktinfo)) +
                                             CMSG_SPACE(sizeof(uint16_t))];
    uint8_t bytes[];
};

bool dgram_open(struct worker *w, struct listener *l)
{
    static const uint8_t zero[16];
    struct actor *port;
    if (!w->datagrams) w->datagrams = pool_zero(w, sizeof *w->datagrams);
    if (!w->datagrams || !section_home(w, l->section)) return false;
    port = actor_make(w, l->section, &l->section->plugin->kinds[KIND_PORT], A_PORT);
    if (!port) return false;
    port_of(port)->from = l;
    l->port = port;
    (void)w->ring->ops->local(w->ring, l->fd, &l->local);
    l->wild = !memcmp(l->local.ip + (address_is_v4(&l->local) ? 12 : 0), zero,
                      address_is_v4(&l->local) ? 4 : 16);
    actor_open(w, port);
    return true;
}

bool dgram_deliver(struct worker *w)
{
    struct datagrams *d = w->datagrams;
    if (!d || !d->n) return false;
    struct section *s = d->section;
    struct actor *home = s->home[w->index];
    const struct kind *kind = &s->plugin->kinds[KIND_PORT];
    uint32_t n = d->n;
    d->n = 0;
    count(w, s, STAT_DATAGRAMS_IN, n);
    count(w, s, STAT_MESSAGES, n);
    if (home && !(home->flags & A_CLOSING) && kind->p.on_datagrams) {
        w->given = d->list[0]->data;
        w->given_from = &d->list[0]->path;
        w->given_n = n;
        call_begin(w, home, CALL_ON_DATAGRAMS);
        kind->p.on_datagrams(&home->pub, d->list, n);
        call_end(w);
    }
    for (uint32_t i = 0; i < n; i++) w->ring->ops->give(w->ring, d->at[i].bid);
    return true;
}

static void collect(struct worker *w, struct listener *l, const struct ring_event *e)
{
    struct datagrams *d = w->datagrams;
    struct ring_datagram got;
    size_t most = l->section->plugin->kinds[KIND_PORT].p.message_max;
    if (l->gone || l->port->flags & A_CLOSING || !w->ring->ops->datagram(w->ring, e, &got)) {
        w->ring->ops->give(w->ring, e->bid);
        return;
    }
    if (d->n == LIMIT_DATAGRAMS_BATCH || (d->n && d->section != l->section)) (void)dgram_deliver(w);
    d->section = l->section;
    got.path.local.port = l->local.port;
    if (!l->wild) memcpy(got.path.local.ip, l->local.ip, sizeof l->local.ip);
    count(w, l->section, STAT_BYTES_IN, (int64_t)got.data.n);
    struct collected *c = &d->at[d->n];
    c->bid = e->bid;
    c->pub = (struct gyre_datagram){&l->port->pub, got.path, got.data, got.cut, got.ecn};
    if (got.data.n > most) {
        c->pub.data.n = most;
        c->pub.cut = 1;
    }
    d->list[d->n++] = &c->pub;
}

void dgram_event(struct worker *w, struct listener *l, const struct ring_event *e)
{
    if (!(e->flags & RING_MORE)) l->armed = false;
    if (e->flags & RING_BUFFER) collect(w, l, e);
    if (l->armed) return;
    if (l->gone) {
        listener_end(w, l);
    } else if (e->res >= 0 || e->res == -ENOBUFS) {
        (void)dgram_deliver(w); /* what is collected holds the buffers: give them back first */
        listener_retry(w, l);
    } else {
        listener_rest(w, l, e->res);
    }
}

void dgram_sent(struct worker *w, void *object, int32_t res)
{
    struct emit *m = object;
    struct actor *port = m->port;
    struct section *s = section_of(port);
    if (res < 0) {
        count(w, s, STAT_DROPPED, 1);
    } else {
        count(w, s, STAT_BYTES_OUT, res);
    }
    w->datagrams->emits--;
    port_of(port)->emits--;
    slot_give(w, m->slot);
    pool_give(w, m, m->size);
    struct listener *from = port_of(port)->from;
    if (from->gone) listener_end(w, from);
}

/* The address it leaves from, where the socket has several; and the length of a train's wagons. */
static void add_control(struct emit *m, const struct listener *l, const gyre_addr *local,
                        uint32_t segment)
{
    struct cmsghdr *c = (struct cmsghdr *)(void *)m->control;
    size_t used = 0;
    if (l->wild && address_is_v4(local)) {
        struct in_pktinfo info = {.ipi_ifindex = 0};
        memcpy(&info.ipi_spec_dst, local->ip + 12, 4);
        *c = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof info), .cmsg_level = IPPROTO_IP,
                              .cmsg_type = IP_PKTINFO};
        memcpy(CMSG_DATA(c), &info, sizeof info);
        used = CMSG_SPACE(sizeof info);
    } else if (l->wild) {
        struct in6_pktinfo info = {.ipi6_ifindex = local->scope};
        memcpy(&info.ipi6_addr, local->ip, 16);
        *c = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof info), .cmsg_level = IPPROTO_IPV6,
                              .cmsg_type = IPV6_PKTINFO};
        memcpy(CMSG_DATA(c), &info, sizeof info);
        used = CMSG_SPACE(sizeof info);
    }
    if (segment) {
        enum { UDP_SEGMENT_OPTION = 103 };
        uint16_t wagon = (uint16_t)segment;
        c = (struct cmsghdr *)(void *)(m->control + used);
        *c = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof wagon), .cmsg_level = IPPROTO_UDP,
                              .cmsg_type = UDP_SEGMENT_OPTION};
        memcpy(CMSG_DATA(c), &wagon, sizeof wagon);
        used += CMSG_SPACE(sizeof wagon);
    }
    m->message.msg_control = m->control;
    m->message.msg_controllen = used;
}

int dgram_emit(struct worker *w, struct actor *port, const gyre_path *path, gyre_view v,
               uint32_t segment)
{
    struct listener *l = port_of(port)->from;
    struct datagrams *d = w->datagrams;
    struct emit *m = NULL;
    size_t size = sizeof *m + v.n;
    if (port->flags & A_CLOSING || l->gone) return GYRE_GONE;
    if (v.n > 65507 || segment > v.n || segment > UINT16_MAX || !path->peer.port)
        return GYRE_INVALID;
    if (d->emits < LIMIT_EMITS) m = pool_take(w, size);
    if (!m) goto full;
    m->slot = slot_take(w, m, SLOT_EMIT, &m->id);
    if (m->slot == UINT32_MAX) goto full;
    m->port = port;
    m->size = (uint32_t)size;
    if (v.n) memcpy(m->bytes, v.p, v.n);
    socklen_t to_n = address_to(&path->peer, address_is_v4(&l->local), &m->to);
    uint64_t user = op_user(OP_EMIT, m->slot, m->id);
    d->emits++;
    port_of(port)->emits++;
    count(w, l->section, STAT_DATAGRAMS_OUT, 1);
    if (!l->wild && (!segment || segment == v.n)) {
        w->ring->ops->send_to(w->ring, l->fd, m->bytes, v.n, &m->to, to_n, user);
        return GYRE_OK;
    }
    m->part = (struct iovec){m->bytes, v.n};
    m->message = (struct msghdr){.msg_name = &m->to, .msg_namelen = to_n, .msg_iov = &m->part,
                                 .msg_iovlen = 1};
    add_control(m, l, &path->local, segment == v.n ? 0 : segment);
    w->ring->ops->send_msg(w->ring, l->fd, &m->message, user);
    return GYRE_OK;
full:
    pool_give(w, m, size);
    count(w, l->section, STAT_DROPPED, 1);
    return GYRE_FULL;
}

void dgram_free(struct worker *w)
{
    if (w->datagrams) pool_give(w, w->datagrams, sizeof *w->datagrams);
    w->datagrams = NULL;
}
