/* SPDX-License-Identifier: GPL-3.0-or-later
 * mail.c - what actors send each other, on any worker of the process.
 *
 * A mail is one allocation, made by the sender's worker and owned by the one it is posted to; it
 * carries the names of its receivers there. Of those that it does not reach it tells when it comes
 * back to its sender, itself or a copy of it. A sender that fills a box is choked: its input rests
 * until the box has drained by half.
 * Promise: in order between two actors; never inside another callback; handled or bounced.
 * Limits: LIMIT_MAIL, LIMIT_BOX, the section's memory for what a paused actor holds.
 */
#include "mail.h"

#include <stdlib.h>

struct held {
    struct held *next;
    struct mail *mail;
};
struct reply {
    struct item item;
    gyre_ref to;
    uint64_t token;
    int32_t err;
    size_t n;
    uint8_t bytes[];
};

enum { TOKEN_ID_BITS = 40 };

/* ---- making and dropping ---- */

struct mail *mail_make(struct actor *from, size_t names_n, uint32_t type, uint64_t tag,
                       gyre_view topic, gyre_view text, struct bytes_core *body)
{
    size_t n = sizeof(struct mail) + names_n * sizeof(gyre_ref) + topic.n + text.n;
    struct mail *m = malloc(n); /* callers bound all three: LIMIT_SLOTS, LIMIT_TOPIC, LIMIT_MAIL */
    if (!m) return NULL;
    *m = (struct mail){.uses = 1};
    m->from = actor_ref(from);
    m->type = type;
    m->tag = tag;
    m->names_n = (uint32_t)names_n;
    m->topic_n = (uint32_t)topic.n;
    m->text_n = (uint32_t)text.n;
    m->body = body ? borrow_bytes(body) : NULL;
    m->item.bytes = (uint32_t)n;
    if (topic.n) memcpy((uint8_t *)(m->names + names_n), topic.p, topic.n);
    if (text.n) memcpy((uint8_t *)(m->names + names_n) + topic.n, text.p, text.n);
    return m;
}

static struct worker *worker_of(struct worker *w, gyre_ref r)
{
    uint64_t index = r.at >> 32;
    return index < w->service->workers_n ? w->service->workers[index] : NULL;
}

static void run_bounces(struct worker *, struct item *);

void mail_drop(struct worker *w, struct mail *m)
{
    if (--m->uses) return;
    if (m->unheard_n) { /* back to whom it came from; whoever bounces it knows that there is one */
        m->uses = 1;
        m->item.bytes = 0; /* the sender's own box may be the one that is full */
        m->item.run = run_bounces;
        inbox_post(worker_of(w, m->from), &m->item);
        return;
    }
    bytes_drop(m->body);
    free(m);
}

/* ---- choking ---- */

void mail_choke(struct worker *w, struct actor *a, struct worker *full)
{
    struct extra *x = actor_extra(w, a);
    if (!x || !inbox_over(full)) return;
    count(w, section_of(a), STAT_HIT_BOX, 1);
    if (!(a->flags & A_CHOKED)) {
        a->flags |= A_CHOKED;
        x->choked_next = w->choked;
        w->choked = a;
    }
    uint64_t bit = (uint64_t)1 << w->index;
    atomic_fetch_or(&full->inbox.choked, bit);
    atomic_thread_fence(memory_order_seq_cst);
    /* It may have drained between the look and the mark. */
    if (!inbox_over(full) && atomic_fetch_and(&full->inbox.choked, ~bit) & bit)
        errand_post(w, &w->unchoke);
}

void worker_unchoke(struct worker *w, void *arg)
{
    (void)arg;
    while (w->choked) {
        struct actor *a = w->choked;
        w->choked = a->extra->choked_next;
        a->flags &= ~(uint32_t)A_CHOKED;
        actor_ready(w, a);
    }
}

/* ---- handing over ---- */

static void hand_over(struct worker *w, struct actor *a, struct mail *m)
{
    struct buf body;
    struct gyre_mail told = {.size = sizeof told, .type = m->type, .from = m->from, .tag = m->tag,
                             .bytes = mail_text(m), .topic = mail_topic(m), .asked = m->asked};
    if (m->body) {
        buf_name(&body, m->body);
        told.body = &body.pub;
    }
    count(w, section_of(a), STAT_MAILS, 1);
    call_begin(w, a, CALL_ON_MAIL);
    a->kind->p.on_mail(&a->pub, &told);
    call_end(w);
    stream_later(w, a);
}

static void tell_bounce(struct worker *w, struct mail *m, gyre_ref who, int32_t err)
{
    struct actor *a = actor_at(w, m->from);
    struct gyre_mail told = {.size = sizeof told, .type = m->type, .from = who, .tag = m->tag,
                             .bytes = mail_text(m)};
    if (!a || !a->kind->p.on_bounce) return;
    call_begin(w, a, CALL_ON_BOUNCE);
    a->kind->p.on_bounce(&a->pub, &told, err);
    call_end(w);
    stream_later(w, a);
}

static void run_bounces(struct worker *w, struct item *item)
{
    struct mail *m = (struct mail *)item;
    for (uint32_t i = 0; i < m->unheard_n; i++) {
        gyre_ref who = m->names[i];
        int32_t err = (int32_t)(who.at >> 32);
        who.at = (uint64_t)m->unheard_at << 32 | (uint32_t)who.at;
        tell_bounce(w, m, who, err);
    }
    m->unheard_n = 0;
    mail_drop(w, m);
}

/* Stands in place of a name that was read already, the error in place of the worker: so it needs
 * no memory. */
static void note_unheard(struct mail *m, gyre_ref to, int32_t err)
{
    m->unheard_at = (uint32_t)(to.at >> 32); /* of all of them: a mail is for one worker */
    m->names[m->unheard_n++] = (gyre_ref){(uint64_t)(uint32_t)err << 32 | (uint32_t)to.at, to.id};
}

/* `to` does not get it: back to whom it came from. While others still read it a copy goes back; the
 * mail itself, later, if there is no memory. Takes one use of m. */
static void bounce(struct worker *w, struct mail *m, gyre_ref to, int32_t err)
{
    bool told = !m->asked && !m->topic_n && worker_of(w, m->from);
    if (m->asked) (void)mail_reply(w, m->from, m->tag, err, GYRE_NOTHING);
    size_t n = sizeof *m + sizeof *m->names + m->text_n;
    struct mail *copy = told && m->uses > 1 ? malloc(n) : NULL;
    if (copy) {
        *copy = (struct mail){.from = m->from, .type = m->type, .tag = m->tag, .uses = 1,
                              .names_n = 1, .text_n = m->text_n};
        if (m->text_n) memcpy(copy->names + 1, mail_text(m).p, m->text_n);
        note_unheard(copy, to, err);
        mail_drop(w, copy);
    } else if (told) {
        note_unheard(m, to, err);
    }
    mail_drop(w, m);
}

static void keep(struct worker *w, struct actor *a, struct mail *m)
{
    struct extra *x = actor_extra(w, a);
    struct held *h = NULL;
    if (x && memory_take(w, section_of(a), sizeof *h + m->text_n)) {
        h = pool_take(w, sizeof *h);
        if (!h) memory_give(w, section_of(a), sizeof *h + m->text_n);
    }
    if (!h) {
        bounce(w, m, actor_ref(a), GYRE_FULL);
        return;
    }
    *h = (struct held){NULL, m};
    *x->held_end = h;
    x->held_end = &h->next;
}

/* An actor without a wire holds mail while it is paused, and until it is open. */
static bool holds(const struct actor *a)
{
    if (a->flags & A_STREAM) return false;
    return a->paused || !(a->flags & A_OPEN) || (a->extra && a->extra->held);
}

void mail_deliver(struct worker *w, gyre_ref to, struct mail *m)
{
    struct actor *a = actor_at(w, to);
    if (!a || !a->kind->p.on_mail) {
        bounce(w, m, to, a ? GYRE_UNSUPPORTED : GYRE_GONE);
    } else if (holds(a)) {
        keep(w, a, m);
    } else {
        hand_over(w, a, m);
        mail_drop(w, m);
    }
}

static void run_mail(struct worker *w, struct item *item)
{
    struct mail *m = (struct mail *)item;
    const uint32_t n = m->names_n;
    m->uses = n; /* the last of them frees it, or sends it back */
    for (uint32_t i = 0; i < n; i++) mail_deliver(w, m->names[i], m);
}

void mail_resume(struct worker *w, struct actor *a)
{
    struct extra *x = a->extra;
    while (x && x->held && !a->paused && !(a->flags & A_CLOSING)) {
        struct held *h = x->held;
        struct mail *m = h->mail;
        x->held = h->next;
        if (!x->held) x->held_end = &x->held;
        memory_give(w, section_of(a), sizeof *h + m->text_n);
        pool_give(w, h, sizeof *h);
        hand_over(w, a, m);
        mail_drop(w, m);
    }
    actor_leave_if_idle(w, a);
}

void mail_actor_ends(struct worker *w, struct actor *a)
{
    struct extra *x = a->extra;
    while (x->held) {
        struct held *h = x->held;
        x->held = h->next;
        memory_give(w, section_of(a), sizeof *h + h->mail->text_n);
        bounce(w, h->mail, actor_ref(a), GYRE_GONE);
        pool_give(w, h, sizeof *h);
    }
    if (!(a->flags & A_CHOKED)) return;
    struct actor **at = &w->choked;
    while (*at != a) at = &(*at)->extra->choked_next;
    *at = x->choked_next;
}

/* ---- sending ---- */

/* It never left its sender's worker. */
static void run_all_bounce(struct worker *w, struct item *item)
{
    struct mail *m = (struct mail *)item;
    for (uint32_t i = 0; i < m->names_n; i++) tell_bounce(w, m, m->names[i], m->err);
    mail_drop(w, m);
}

/* The receivers that live on `to` (NULL: nowhere), in one mail. */
static struct mail *mail_for(struct worker *w, struct actor *from, struct worker *to,
                             const gyre_ref *names, size_t n, const struct mail *like,
                             gyre_view text)
{
    size_t here = 0, at = 0;
    for (size_t i = 0; i < n; i++) here += worker_of(w, names[i]) == to;
    if (!here) return NULL;
    struct mail *m = mail_make(from, here, like->type, like->tag, GYRE_NOTHING, text, like->body);
    for (size_t i = 0; m && i < n; i++)
        if (worker_of(w, names[i]) == to) m->names[at++] = names[i];
    return m;
}

int mail_send(struct worker *w, struct actor *from, const gyre_ref *to, size_t n, uint32_t type,
              uint64_t tag, gyre_view text, struct bytes_core *body)
{
    struct mail like = {.type = type, .tag = tag, .body = body};
    uint32_t workers = w->service->workers_n;
    struct mail *made[LIMIT_WORKERS + 1] = {NULL};
    if (text.n > LIMIT_MAIL || n > LIMIT_SLOTS) return GYRE_FULL;
    for (uint32_t i = 0; i <= workers; i++) { /* all first: then all go, or none */
        struct worker *there = i < workers ? w->service->workers[i] : NULL;
        bool wanted = false;
        for (size_t k = 0; k < n && !wanted; k++) wanted = worker_of(w, to[k]) == there;
        if (!wanted) continue;
        made[i] = mail_for(w, from, there, to, n, &like, text);
        if (made[i]) continue;
        while (i--)
            if (made[i]) mail_drop(w, made[i]);
        return GYRE_FULL;
    }
    for (uint32_t i = 0; i <= workers; i++) {
        struct worker *there = i < workers ? w->service->workers[i] : w;
        if (!made[i]) continue;
        made[i]->item.run = i < workers ? run_mail : run_all_bounce;
        made[i]->err = GYRE_GONE;
        if (i < workers && inbox_over(there)) {
            made[i]->item.run = run_all_bounce;
            made[i]->err = GYRE_FULL;
            made[i]->item.bytes = 0;
            inbox_post(w, &made[i]->item);
        } else {
            inbox_post(there, &made[i]->item);
        }
        mail_choke(w, from, there);
    }
    return GYRE_OK;
}

uint64_t mail_token(const struct request *r)
{
    return (uint64_t)r->slot << TOKEN_ID_BITS | (r->id & (((uint64_t)1 << TOKEN_ID_BITS) - 1));
}

int mail_ask(struct worker *w, struct actor *a, gyre_ref to, gyre_view topic, uint32_t type,
             gyre_view text, int64_t within_ns, uint64_t tag, gyre_done *done)
{
    struct worker *home = worker_of(w, to);
    if (text.n > LIMIT_MAIL || (home && inbox_over(home))) {
        if (home) mail_choke(w, a, home);
        return GYRE_FULL;
    }
    struct request *r = request_open(w, a, tag, done, within_ns > 0 ? within_ns : MAIL_WITHIN_NS);
    if (!r) return GYRE_FULL;
    struct mail *m = mail_make(a, 1, type, mail_token(r), topic, text, NULL);
    if (!m) {
        request_refuse(w, r);
        return GYRE_FULL;
    }
    m->asked = true;
    m->names[0] = to;
    m->item.run = run_mail;
    if (home) inbox_post(home, &m->item);
    else bounce(w, m, to, GYRE_GONE);
    return GYRE_OK;
}

static void run_reply(struct worker *w, struct item *item)
{
    struct reply *r = (struct reply *)item;
    uint32_t slot = (uint32_t)(r->token >> TOKEN_ID_BITS);
    uint64_t id = slot < w->slots_n ? w->slots[slot].id : 0;
    struct request *request = NULL;
    if ((id & (((uint64_t)1 << TOKEN_ID_BITS) - 1)) ==
        (r->token & (((uint64_t)1 << TOKEN_ID_BITS) - 1)))
        request = request_at(w, slot, id);
    if (request && request->actor.at == r->to.at && request->actor.id == r->to.id)
        request_answer(w, request,
                       &(struct gyre_answer){.err = r->err, .value = {r->bytes, r->n}});
    free(r);
}

int mail_reply(struct worker *w, gyre_ref to, uint64_t tag, int32_t err, gyre_view text)
{
    struct worker *home = worker_of(w, to);
    if (!home) return GYRE_GONE;
    if (text.n > LIMIT_MAIL) return GYRE_FULL;
    struct reply *r = malloc(sizeof *r + text.n);
    if (!r) return GYRE_FULL;
    *r = (struct reply){.item = {.run = run_reply, .bytes = (uint32_t)(sizeof *r + text.n)},
                        .to = to, .token = tag, .err = err > 0 ? GYRE_INVALID : err, .n = text.n};
    if (text.n) memcpy(r->bytes, text.p, text.n);
    inbox_post(home, &r->item);
    return GYRE_OK;
}
