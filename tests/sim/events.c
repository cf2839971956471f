/* SPDX-License-Identifier: GPL-3.0-or-later
 * events.c - what the simulated kernel tells the core, and the buffers that it lends.
 *
 * Owns the receive buffers: each is an allocation of exact size while it is out, so whoever reads
 * past what came, or after giving it back, is seen by the sanitizer, or sees nonsense.
 * Promise: events of one operation keep their order; before each is handed over, the test is asked
 * whether anybody is left to take it.
 */
#include "kernel.h"

#include <stdlib.h>

static struct sim_ring *ring_of(struct ring *r)
{
    return (struct sim_ring *)r;
}

const char *sim_op_name(const struct sim_op *op)
{
    static const char *const names[] = {
        [DO_ACCEPT] = "accept", [DO_RECV] = "recv", [DO_RECV_FROM] = "recv_from",
        [DO_SEND] = "send", [DO_SEND_MSG] = "send_msg", [DO_SEND_TO] = "send_to",
        [DO_READ] = "read", [DO_CONNECT] = "connect", [DO_POLL] = "poll", [DO_CANCEL] = "cancel",
        [DO_CLOSE] = "close"};
    return names[op->what];
}

/* ---- buffers ---- */

static struct sim_buffer *buffer_at(struct sim_ring *m, uint16_t bid)
{
    uint32_t i = bid & (BID_DATAGRAM - 1u);
    if (i >= m->sim->buffers) sim_wrong("there is no buffer %u", bid);
    struct sim_buffer *b = bid & BID_DATAGRAM ? &m->datagrams[i] : &m->streams[i];
    if (!b->bytes) sim_wrong("buffer %u is not yours", bid);
    return b;
}

void sim_op_give(struct ring *r, uint16_t bid)
{
    struct sim_ring *m = ring_of(r);
    struct sim_buffer *b = buffer_at(m, bid);
    memset(b->bytes, 0xdb, b->n); /* whoever still looks sees nonsense, or the sanitizer */
    free(b->bytes);
    b->bytes = NULL;
    if (bid & BID_DATAGRAM) m->datagrams_out--;
    else m->streams_out--;
}

const uint8_t *sim_op_buffer(struct ring *r, uint16_t bid)
{
    return buffer_at(ring_of(r), bid)->bytes;
}

bool sim_op_datagram(struct ring *r, const struct ring_event *e, struct ring_datagram *out)
{
    if (e->res < 0) return false;
    const struct sim_buffer *b = buffer_at(ring_of(r), e->bid);
    *out = (struct ring_datagram){.data = {b->bytes, b->n}, .path = b->path, .cut = b->cut};
    return true;
}

/* ---- events ---- */

/* Somewhere behind the last event of the same operation. */
static size_t place_for(struct sim_ring *m, uint64_t user)
{
    size_t least = m->events_n;
    while (least > m->events_at && m->events[least - 1].user != user) least--;
    return least + sim_pick(m->sim, FAULT_REORDERED, m->events_n - least + 1);
}

bool sim_tell(struct sim_ring *m, const struct sim_op *op, int32_t res, uint16_t flags,
              uint16_t bid)
{
    struct sim *sim = m->sim;
    size_t at = m->events_n;
    if (m->events_n == m->events_cap) {
        m->events_cap = m->events_cap ? 2 * m->events_cap : 64;
        m->events = sim_need(realloc(m->events, m->events_cap * sizeof *m->events));
    }
    if (sim->queue && flags & RING_MORE && m->events_n - m->events_at >= sim->queue) {
        sim_note_fault(sim, FAULT_QUEUE_FULL, 1);
        flags &= (uint16_t)~RING_MORE;
    }
    if (op->last) flags &= (uint16_t)~RING_MORE;
    if (at > m->events_at && sim_happens(sim, FAULT_REORDERED)) at = place_for(m, op->user);
    if (at < m->events_n)
        memmove(m->events + at + 1, m->events + at, (m->events_n - at) * sizeof *m->events);
    m->events[at] = (struct ring_event){op->user, res, flags, bid};
    m->events_n++;
    m->idle = false;
    sim_hash_in(sim, op->user ^ (uint64_t)(uint32_t)res << 16 ^ flags);
    if (sim->trace)
        sim_say(sim, "ring %u:     %s fd %d user %lx: %d%s%s", m->index, sim_op_name(op), op->fd,
                (unsigned long)op->user, res, flags & RING_MORE ? " more" : "",
                flags & RING_BUFFER ? " buffer" : "");
    return flags & RING_MORE;
}

size_t sim_op_reap(struct ring *r, struct ring_event *out, size_t most)
{
    struct sim_ring *m = ring_of(r);
    size_t n = m->events_n - m->events_at;
    if (n > most) n = most;
    for (size_t i = 0; i < n; i++) {
        out[i] = m->events[m->events_at++];
        m->sim->events++;
        if (m->sim->alive && !m->sim->alive(m->sim->alive_user, r, &out[i]))
            sim_wrong("an operation (user %lx) ends after what it belongs to was freed",
                      (unsigned long)out[i].user);
    }
    if (m->events_at == m->events_n) m->events_at = m->events_n = 0;
    return n;
}
