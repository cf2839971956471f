/* SPDX-License-Identifier: GPL-3.0-or-later
 * inbox.c - the one way into a worker from other threads, and its own "later".
 *
 * Any thread pushes onto a stack with one exchange; the worker takes the whole stack at once and
 * turns it round, so what one thread posts arrives in order. A worker that posts to itself uses a
 * plain list. A sleeping worker is woken once, by whoever finds the flag. Orders (of the control
 * thread, of workers to each other) are kept by what they are about: they need no memory.
 * Limits: LIMIT_BOX bytes of mail; posting never fails, but senders look at inbox_over first and
 * rest. LIMIT_MAILS_A_TURN items a turn.
 */
#include "service.h"

void inbox_post(struct worker *to, struct item *item)
{
    struct inbox *box = &to->inbox;
    if (item->bytes)
        atomic_fetch_add_explicit(&box->bytes, item->bytes, memory_order_relaxed);
    if (worker_here == to) {
        item->next = NULL;
        *box->local_end = item;
        box->local_end = &item->next;
        return;
    }
    struct item *head = atomic_load_explicit(&box->head, memory_order_relaxed);
    do item->next = head;
    while (!atomic_compare_exchange_weak_explicit(&box->head, &head, item, memory_order_seq_cst,
                                                  memory_order_relaxed));
    if (atomic_load(&box->sleeping) && atomic_exchange(&box->sleeping, false))
        to->ring->ops->wake(to->ring);
}

static void run_errand(struct worker *w, struct item *item)
{
    struct errand *o = (struct errand *)item;
    void (*run)(struct worker *, void *) = o->run;
    void *arg = o->arg;
    _Atomic uint32_t *unended = o->unended;
    atomic_store(&o->waits, false); /* first: what is told from here on is done again */
    run(w, arg);
    if (!unended) return; /* o may be gone with its object */
    atomic_fetch_sub(unended, 1);
    service_wake(w->service);
}

void errand_post(struct worker *to, struct errand *o)
{
    if (atomic_exchange(&o->waits, true)) return;
    if (o->unended) atomic_fetch_add(o->unended, 1);
    o->item.run = run_errand;
    inbox_post(to, &o->item);
}

bool inbox_over(struct worker *to)
{
    return atomic_load_explicit(&to->inbox.bytes, memory_order_relaxed) >= LIMIT_BOX;
}

/* What other threads pushed goes behind what waits already. */
static void take_pushed(struct inbox *box)
{
    struct item *head = atomic_exchange(&box->head, NULL), *turned = NULL;
    struct item **end = NULL;
    while (head) {
        struct item *next = head->next;
        if (!turned) end = &head->next;
        head->next = turned;
        turned = head;
        head = next;
    }
    if (!turned) return;
    *box->local_end = turned;
    box->local_end = end;
}

/* Those who rest because of this box look again. */
static void unchoke(struct worker *w)
{
    /* what was taken out is seen before who waits is asked */
    atomic_thread_fence(memory_order_seq_cst);
    uint64_t who = atomic_load_explicit(&w->inbox.choked, memory_order_relaxed);
    if (!who || atomic_load_explicit(&w->inbox.bytes, memory_order_relaxed) > LIMIT_BOX / 2) return;
    who = atomic_exchange(&w->inbox.choked, 0);
    for (uint32_t i = 0; i < w->service->workers_n; i++)
        if (who >> i & 1) errand_post(w->service->workers[i], &w->service->workers[i]->unchoke);
}

bool inbox_run(struct worker *w)
{
    struct inbox *box = &w->inbox;
    if (atomic_load_explicit(&box->head, memory_order_relaxed)) take_pushed(box);
    if (!box->local) return false;
    for (int n = 0; n < LIMIT_MAILS_A_TURN && box->local; n++) {
        struct item *item = box->local;
        uint32_t bytes = item->bytes;
        box->local = item->next;
        if (!box->local) box->local_end = &box->local;
        item->run(w, item);
        if (bytes) atomic_fetch_sub_explicit(&box->bytes, bytes, memory_order_relaxed);
    }
    unchoke(w);
    return true;
}
