/* SPDX-License-Identifier: GPL-3.0-or-later
 * orders.c - what the control thread tells workers about a section: listen, leave, end.
 *
 * Owns the orders of a section, and one `listening` for each of its sockets. They are made with
 * what they are about, so telling never fails; only a new socket can be refused.
 * Promise: an object lives until every order about it was carried out. Worker: [control].
 */
#include <stdio.h>
#include <stdlib.h>

#include "blocking.h"
#include "section.h"

struct section_orders { /* to one worker */
    struct errand again, leave, abort;
};
struct listening { /* one socket on one worker */
    struct listening *next;
    struct worker *worker;
    struct errand begin, end;
    _Atomic uint32_t unended;
    bool ended;
    struct listen_order what;
};

/* ---- making ---- */

static struct errand errand_about(struct section *s, void (*run)(struct worker *, void *))
{
    return (struct errand){.run = run, .arg = s, .unended = &s->unended};
}

bool orders_make(struct section *s)
{
    s->orders = calloc(s->pub.workers, sizeof *s->orders);
    for (uint32_t i = 0; s->orders && i < s->pub.workers; i++)
        s->orders[i] = (struct section_orders){errand_about(s, section_again),
                                               errand_about(s, section_leave),
                                               errand_about(s, section_abort)};
    return s->orders != NULL;
}

bool orders_wait(const struct section *s)
{
    for (const struct listening *l = s->listening; l; l = l->next)
        if (atomic_load(&l->unended)) return true;
    return atomic_load(&s->unended) > 0;
}

void orders_free(struct section *s)
{
    for (struct listening *l = s->listening, *next; l; l = next) next = l->next, free(l);
    free(s->orders);
}

/* ---- listening ---- */

/* Those that have ended, and all orders about them. */
static void forget_ended(struct section *s)
{
    for (struct listening **at = &s->listening; *at;) {
        struct listening *l = *at;
        if (!l->ended || atomic_load(&l->unended)) {
            at = &l->next;
            continue;
        }
        *at = l->next;
        free(l);
    }
}

bool service_listen(struct section *s, uint32_t worker, int fd, const char *text, bool datagrams)
{
    if (worker >= s->pub.workers || s->removed) { /* it runs on one worker, and this is another's */
        blocking->close(fd);
        return true;
    }
    forget_ended(s);
    struct listening *l = calloc(1, sizeof *l);
    if (!l) {
        log_error("%s: no memory to listen on %s", s->name, text);
        return false;
    }
    l->worker = s->service->workers[worker];
    l->begin = (struct errand){.run = section_listen, .arg = &l->what, .unended = &l->unended};
    l->end = (struct errand){.run = section_unlisten, .arg = &l->what, .unended = &l->unended};
    l->what = (struct listen_order){.section = s, .fd = fd, .datagrams = datagrams};
    snprintf(l->what.text, sizeof l->what.text, "%s", text);
    l->next = s->listening;
    s->listening = l;
    errand_post(l->worker, &l->begin);
    return true;
}

void service_unlisten(struct section *s, const char *text)
{
    if (s->removed) return; /* its sockets go with it */
    forget_ended(s);
    for (struct listening *l = s->listening; l; l = l->next) {
        if (l->ended || strcmp(l->what.text, text) != 0) continue;
        l->ended = true;
        errand_post(l->worker, &l->end);
    }
}

void service_again(struct service *sv)
{
    for (struct section *s = sv->sections; s; s = s->next)
        for (uint32_t i = 0; !s->removed && i < s->pub.workers; i++)
            errand_post(sv->workers[i], &s->orders[i].again);
}

/* ---- leaving ---- */

/* More of its actors than before are told, or all for the first time. */
static void leave(struct section *s, enum gyre_why why, uint32_t share)
{
    if (s->removed && share <= atomic_load(&s->leaving_share)) return;
    s->removed = true;
    atomic_store(&s->leaving_why, (uint8_t)why);
    atomic_store(&s->leaving_share, share);
    for (uint32_t i = 0; i < s->pub.workers; i++)
        errand_post(s->service->workers[i], &s->orders[i].leave);
}

void service_remove(struct section *s)
{
    leave(s, GYRE_RELOAD, LEAVE_ALL);
}

void service_replaced(struct service *sv)
{
    sv->draining = true;
    for (struct section *s = sv->sections; s; s = s->next)
        if (!s->last) leave(s, GYRE_RELOAD, 0);
}

void service_drain(struct service *sv)
{
    service_drain_some(sv, LEAVE_ALL);
}

void service_drain_some(struct service *sv, uint32_t share)
{
    sv->draining = true;
    for (struct section *s = sv->sections; s; s = s->next)
        if (!s->last) leave(s, GYRE_SHUTDOWN, share);
}

static bool has_left(struct section *s)
{
    return s->removed && !atomic_load(&s->workers_left);
}

bool service_drained(struct service *sv)
{
    for (struct section *s = sv->sections; s; s = s->next)
        if (!has_left(s)) return false;
    return true;
}

void orders_leave_last(struct service *sv)
{
    struct section *last = NULL;
    for (struct section *s = sv->sections; s; s = s->next) {
        if (!s->last && !has_left(s)) return;
        if (s->last) last = s;
    }
    if (last) leave(last, GYRE_SHUTDOWN, LEAVE_ALL); /* nobody asks any more */
}

void service_abort(struct service *sv)
{
    for (struct section *s = sv->sections; s; s = s->next)
        for (uint32_t i = 0; atomic_load(&s->workers_left) && i < s->pub.workers; i++)
            errand_post(sv->workers[i], &s->orders[i].abort);
}

void service_stop(struct service *sv)
{
    for (uint32_t i = 0; i < sv->workers_n; i++)
        if (sv->workers[i]) errand_post(sv->workers[i], &sv->workers[i]->leave);
}
