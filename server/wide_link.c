/* SPDX-License-Identifier: GPL-3.0-or-later
 * wide_link.c - one end of a link to another process, and the frames on it.
 *
 * A frame is 24 bytes, big-endian, and a body: length of the body 4, what 4, seq 8, word 4 (the
 * type, or the error), within 4 (milliseconds, at most LIMIT_WIDE_WITHIN_MS). Who asks sends
 * REQUEST; who answers sends REPLY, EVENT and ANEW (events were lost). The end of what one sends
 * says that nothing more is asked; the end of the stream, that nothing more is answered.
 * Promise: nothing of a frame is believed; what makes no sense ends the link. Each request is
 * answered GYRE_GONE when the link ends, at once. Neither side is waited for: what does not fit
 * into LIMIT_WIDE_UNREAD is GYRE_FULL, or an event that is lost, and told as ANEW.
 * Limits: LIMIT_WIDE_OPEN requests, LIMIT_MAIL a body, LIMIT_WIDE_UNREAD.
 */
#include "wide.h"

#include <stdio.h>
#include <stdlib.h>

enum what { REQUEST = 1, REPLY, EVENT, ANEW };
enum {
    SWEEP_MS = 1000, /* how often requests are forgotten that the other side does not answer */
    ERR_LEAST = -64, /* of a reply */
};
struct frame {
    uint32_t what, word, within_ms;
    uint64_t seq;
    gyre_view body;
};

/* ---- frames ---- */

static enum gyre_step cut_frame(gyre_view *in, struct frame *f)
{
    if (in->n < WIDE_HEAD) return GYRE_MORE;
    gyre_in head = gyre_in_of(gyre_head(in, WIDE_HEAD));
    uint64_t n = gyre_be(&head, 4);
    f->what = (uint32_t)gyre_be(&head, 4);
    f->seq = gyre_be(&head, 8);
    f->word = (uint32_t)gyre_be(&head, 4);
    f->within_ms = (uint32_t)gyre_be(&head, 4);
    if (n > LIMIT_MAIL || f->what < REQUEST || f->what > ANEW) return GYRE_BAD;
    if (in->n < n) return GYRE_MORE;
    f->body = gyre_head(in, (size_t)n);
    return GYRE_TOOK;
}

/* Queues it if the other side reads. false: it is too far behind, or there is no memory. A reply
 * without a value always fits: requests rest while output is over the high mark. */
static bool put_frame(struct link *l, const struct frame *f)
{
    uint8_t head[WIDE_HEAD];
    gyre_out out = GYRE_OUT(head);
    bool small = f->what == REPLY && !f->body.n;
    if (!small && stream_of(l->actor)->out.bytes + sizeof head + f->body.n > LIMIT_WIDE_UNREAD)
        return false;
    gyre_put_be(&out, f->body.n, 4);
    gyre_put_be(&out, f->what, 4);
    gyre_put_be(&out, f->seq, 8);
    gyre_put_be(&out, f->word, 4);
    gyre_put_be(&out, f->within_ms, 4);
    return host_api.write(&l->actor->pub, gyre_built(&out)) >= 0 &&
           (!f->body.n || host_api.write(&l->actor->pub, f->body) >= 0);
}

static struct link *link_of(struct gyre_actor *pub)
{
    return pub->state;
}

static struct wide *wide_here(void)
{
    return worker_here->service->wide;
}

static enum gyre_step nonsense(struct link *l)
{
    log_warn("%s: the process at the other end of its link sends nonsense: the link ends", l->id);
    return GYRE_BAD;
}

/* Those in this process; of a link that was replaced they hear no more. */
static void tell_followers(struct link *l, uint32_t type, gyre_view text)
{
    if (l->old || bus_table.send(&l->actor->pub, gyre_str(l->id), type, text, NULL) == GYRE_OK)
        return;
    l->lost = true; /* some worker's box is full: it is told later */
    (void)host_api.timer(&l->actor->pub, 0, GYRE_MS(SWEEP_MS));
}

/* ---- of both sides ---- */

/* Older ones of the interface ask no more. */
static void retire_others(struct worker *w, struct link *newest)
{
    for (struct link *l = w->service->wide->links; l; l = l->next) {
        if (l == newest || l->side != WIDE_ASKS || l->old || strcmp(l->id, newest->id) != 0)
            continue;
        l->old = true;
        host_api.finish(&l->actor->pub);
    }
}

void link_begin(struct worker *w, enum wide_side side, const char *id, int fd)
{
    struct wide *wide = w->service->wide;
    struct section *s = wide->section;
    const struct kind *k = kind_of(wide->plugin, side == WIDE_ASKS ? &wide_asks : &wide_answers);
    struct actor *a = s->leaving[0] || s->aborted[0] ? NULL : stream_make(w, s, k, 0, fd);
    if (!a) {
        log_warn("%s: no link is made: it leaves, or there is no memory", id);
        w->ring->ops->close(w->ring, fd);
        return;
    }
    struct link *l = a->pub.state;
    l->actor = a;
    l->side = side;
    (void)snprintf(l->id, sizeof l->id, "%s", id);
    l->next = wide->links;
    wide->links = l;
    if (side == WIDE_ANSWERS) atomic_fetch_add(&wide->answering, 1);
    stream_begin(w, a);
    if (side != WIDE_ASKS) return;
    retire_others(w, l);
    tell_followers(l, GYRE_WIDE_ANEW, GYRE_NOTHING);
}

static void set_lost(struct link *l, bool lost)
{
    struct wide *wide = wide_here();
    if (l->lost == lost) return;
    l->lost = lost;
    if (lost) atomic_fetch_add(&wide->behind, 1);
    else atomic_fetch_sub(&wide->behind, 1);
}

static void unlink_it(struct link *l)
{
    struct link **at = &wide_here()->links;
    while (*at != l) at = &(*at)->next;
    *at = l->next;
}

static void on_leave(struct gyre_actor *pub, enum gyre_why why)
{
    (void)why;
    host_api.close(pub, GYRE_NOW);
}

/* ---- the side that asks ---- */

static uint32_t within_ms(int64_t ns)
{
    int64_t ms = ns / 1000000 + (ns % 1000000 != 0);
    return ms < LIMIT_WIDE_WITHIN_MS ? (uint32_t)ms : LIMIT_WIDE_WITHIN_MS;
}

int link_ask(struct worker *w, struct link *l, struct mail *m)
{
    struct frame f = {.what = REQUEST, .word = m->type, .within_ms = within_ms(m->within_ns),
                      .body = mail_text(m)};
    int64_t due;
    if (l->open == LIMIT_WIDE_OPEN) return GYRE_FULL;
    do f.seq = ++l->last;
    while (l->waiting[f.seq % LIMIT_WIDE_OPEN].seq); /* some place is free */
    if (!put_frame(l, &f)) return l->actor->flags & A_CLOSING ? GYRE_GONE : GYRE_FULL;
    if (__builtin_add_overflow(w->now_ns, m->within_ns, &due)) due = GYRE_NEVER;
    l->waiting[f.seq % LIMIT_WIDE_OPEN] =
        (struct waiting){.seq = f.seq, .from = m->from, .token = m->tag, .due_ns = due};
    if (!l->open++) (void)host_api.timer(&l->actor->pub, 0, GYRE_MS(SWEEP_MS));
    return GYRE_OK;
}

static void forget(struct link *l, struct waiting *at)
{
    at->seq = 0;
    l->open--;
}

/* One that is not known was too late, and its asker has been told. */
static void take_reply(struct link *l, const struct frame *f)
{
    struct waiting *at = &l->waiting[f->seq % LIMIT_WIDE_OPEN];
    if (!f->seq || at->seq != f->seq) return;
    (void)mail_reply(worker_here, at->from, at->token, (int32_t)f->word, f->body);
    forget(l, at);
}

static enum gyre_step asks_data(struct gyre_actor *pub, gyre_view *in)
{
    struct link *l = link_of(pub);
    struct frame f;
    enum gyre_step step = cut_frame(in, &f);
    if (step == GYRE_BAD) return nonsense(l);
    if (step != GYRE_TOOK) return step;
    switch ((enum what)f.what) {
    case REPLY:
        if ((int32_t)f.word > 0 || (int32_t)f.word < ERR_LEAST) return nonsense(l);
        take_reply(l, &f);
        return GYRE_TOOK;
    case EVENT:
        if (f.word >= GYRE_WIDE_TYPES) return nonsense(l);
        tell_followers(l, f.word, f.body);
        return GYRE_TOOK;
    case ANEW:
        if (f.body.n) return nonsense(l);
        tell_followers(l, GYRE_WIDE_ANEW, GYRE_NOTHING);
        return GYRE_TOOK;
    case REQUEST: break;
    }
    return nonsense(l);
}

/* Forgets what the other side has not answered, though it was to say that it is too late; and tells
 * followers whose worker was behind. */
static void asks_timer(struct gyre_actor *pub, uint32_t slot)
{
    struct link *l = link_of(pub);
    int64_t now = host_api.now(GYRE_MONO);
    for (size_t i = 0; l->open && i < LIMIT_WIDE_OPEN; i++) {
        struct waiting *at = &l->waiting[i];
        if (at->seq && at->due_ns < now - GYRE_MS(SWEEP_MS)) forget(l, at);
    }
    if (l->lost) {
        l->lost = false;
        tell_followers(l, GYRE_WIDE_ANEW, GYRE_NOTHING);
    }
    if (l->open || l->lost) (void)host_api.timer(pub, slot, GYRE_MS(SWEEP_MS));
}

static void asks_eof(struct gyre_actor *pub)
{
    host_api.close(pub, GYRE_NOW);
}

static void asks_close(struct gyre_actor *pub, enum gyre_why why)
{
    struct link *l = link_of(pub);
    (void)why;
    for (size_t i = 0; l->open && i < LIMIT_WIDE_OPEN; i++) {
        struct waiting *at = &l->waiting[i];
        if (!at->seq) continue;
        (void)mail_reply(worker_here, at->from, at->token, GYRE_GONE, GYRE_NOTHING);
        forget(l, at);
    }
    unlink_it(l);
    tell_followers(l, GYRE_WIDE_LOST, GYRE_NOTHING);
}

const struct gyre_proto wide_asks = {GYRE_PROTO, .state_size = sizeof(struct link), .timers = 1,
                                     .flags = GYRE_OVERLAP | GYRE_DUPLEX, .name = "asks",
                                     .on_data = asks_data, .on_timer = asks_timer,
                                     .on_eof = asks_eof, .on_leave = on_leave,
                                     .on_close = asks_close};

/* ---- the side that answers ---- */

/* A reply that does not fit any more is one without a value: there is always room for these. */
static void put_reply(struct link *l, uint64_t seq, int32_t err, gyre_view value)
{
    struct frame f = {.what = REPLY, .seq = seq, .word = (uint32_t)err, .body = value};
    if (put_frame(l, &f)) return;
    f.word = (uint32_t)GYRE_FULL;
    f.body = GYRE_NOTHING;
    if (!put_frame(l, &f)) host_api.close(&l->actor->pub, GYRE_NOW);
}

static void answered(struct gyre_actor *pub, const struct gyre_answer *answer)
{
    struct link *l = link_of(pub);
    l->open--;
    put_reply(l, answer->tag, answer->err < ERR_LEAST ? GYRE_INVALID : answer->err, answer->value);
}

static void take_request(struct worker *w, struct link *l, const struct frame *f)
{
    bool longer = f->within_ms > LIMIT_WIDE_WITHIN_MS;
    int64_t within_ns = GYRE_MS(longer ? LIMIT_WIDE_WITHIN_MS : f->within_ms);
    int res = GYRE_FULL;
    if (l->open < LIMIT_WIDE_OPEN)
        res = mail_ask(w, l->actor, wide_home(w, l->id), gyre_str(l->id), f->word, f->body,
                       within_ns ? within_ns : 1, f->seq, answered);
    if (res < 0) put_reply(l, f->seq, res, GYRE_NOTHING);
    else l->open++;
}

static enum gyre_step answers_data(struct gyre_actor *pub, gyre_view *in)
{
    struct link *l = link_of(pub);
    struct frame f;
    enum gyre_step step = cut_frame(in, &f);
    if (step == GYRE_MORE) return step;
    if (step == GYRE_BAD || f.what != REQUEST || !f.seq) return nonsense(l);
    take_request(worker_here, l, &f);
    return GYRE_TOOK;
}

/* Events that were lost are told before any other one comes. */
static bool tell_lost(struct link *l)
{
    if (l->lost && put_frame(l, &(struct frame){.what = ANEW})) set_lost(l, false);
    return !l->lost;
}

void link_publish(struct link *l, uint32_t type, gyre_view text)
{
    if (l->ended || l->actor->flags & A_CLOSING) return;
    if (tell_lost(l) && put_frame(l, &(struct frame){.what = EVENT, .word = type, .body = text}))
        return;
    set_lost(l, true);
    host_api.produce(&l->actor->pub);
}

static void answers_room(struct gyre_actor *pub)
{
    if (!tell_lost(link_of(pub))) host_api.produce(pub);
}

static void end_requests(struct link *l)
{
    struct service *s = worker_here->service;
    if (l->ended) return;
    l->ended = true;
    atomic_fetch_sub(&s->wide->answering, 1);
    service_wake(s);
}

/* Comes when all that was asked is answered. */
static void answers_eof(struct gyre_actor *pub)
{
    end_requests(link_of(pub));
    host_api.close(pub, GYRE_FLUSH);
}

static void answers_close(struct gyre_actor *pub, enum gyre_why why)
{
    struct link *l = link_of(pub);
    (void)why;
    end_requests(l);
    set_lost(l, false);
    unlink_it(l);
}

const struct gyre_proto wide_answers = {GYRE_PROTO, .state_size = sizeof(struct link),
                                        .flags = GYRE_OVERLAP, .name = "answers",
                                        .on_data = answers_data, .on_room = answers_room,
                                        .on_eof = answers_eof, .on_leave = on_leave,
                                        .on_close = answers_close};
