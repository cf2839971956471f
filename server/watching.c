/* SPDX-License-Identifier: GPL-3.0-or-later
 * watching.c - an actor learns that another one ended.
 *
 * The watcher keeps a note of whom it watches; the watched keeps who wants to know. Both notes are
 * on the owner's worker; words between workers go through the inbox.
 * Promise: on_down comes once for each watch, also when the watched is dead already; never after
 * watch(…, false). Limits: the worker's memory.
 */
#include <stdlib.h>

#include "service.h"

struct watcher {
    struct watcher *next;
    gyre_ref who;
};
struct word { /* from the watcher's worker to the watched one's, or back */
    struct item item;
    gyre_ref watcher, watched;
    enum gyre_why why;
};

static bool same(gyre_ref a, gyre_ref b)
{
    return a.at == b.at && a.id == b.id;
}

static bool note(struct worker *w, struct watcher **list, gyre_ref who)
{
    for (struct watcher *x = *list; x; x = x->next)
        if (same(x->who, who)) return true;
    struct watcher *x = pool_take(w, sizeof *x);
    if (!x) return false;
    *x = (struct watcher){*list, who};
    *list = x;
    return true;
}

static bool forget(struct worker *w, struct watcher **list, gyre_ref who)
{
    for (struct watcher **at = list; *at; at = &(*at)->next) {
        struct watcher *x = *at;
        if (!same(x->who, who)) continue;
        *at = x->next;
        pool_give(w, x, sizeof *x);
        return true;
    }
    return false;
}

static bool post(struct worker *w, gyre_ref to, gyre_ref watcher, gyre_ref watched,
                 enum gyre_why why, void (*run)(struct worker *, struct item *))
{
    uint64_t index = to.at >> 32;
    if (index >= w->service->workers_n) return false;
    struct word *word = calloc(1, sizeof *word);
    if (!word) return false;
    *word = (struct word){{.run = run}, watcher, watched, why};
    inbox_post(w->service->workers[index], &word->item);
    return true;
}

static void run_down(struct worker *w, struct item *item)
{
    struct word *word = (struct word *)item;
    struct actor *a = actor_at(w, word->watcher);
    if (a && a->extra && forget(w, &a->extra->watching, word->watched) && a->kind->p.on_down) {
        call_begin(w, a, "on_down");
        a->kind->p.on_down(&a->pub, word->watched, word->why);
        call_end(w);
        stream_later(w, a);
    }
    free(word);
}

static void run_watch(struct worker *w, struct item *item)
{
    struct word *word = (struct word *)item;
    struct actor *a = actor_at(w, word->watched);
    struct extra *x = a ? actor_extra(w, a) : NULL;
    if (!x || !note(w, &x->watchers, word->watcher))
        (void)post(w, word->watcher, word->watcher, word->watched, GYRE_CLOSED, run_down);
    free(word);
}

static void run_unwatch(struct worker *w, struct item *item)
{
    struct word *word = (struct word *)item;
    struct actor *a = actor_at(w, word->watched);
    if (a && a->extra) (void)forget(w, &a->extra->watchers, word->watcher);
    free(word);
}

int watch_set(struct worker *w, struct actor *a, gyre_ref whom, bool on)
{
    gyre_ref self = actor_ref(a);
    struct extra *x = actor_extra(w, a);
    if (!x) return GYRE_FULL;
    if (!on) {
        if (forget(w, &x->watching, whom))
            (void)post(w, whom, self, whom, GYRE_CLOSED, run_unwatch);
        return GYRE_OK;
    }
    if (!note(w, &x->watching, whom)) return GYRE_FULL;
    if (post(w, whom, self, whom, GYRE_CLOSED, run_watch)) return GYRE_OK;
    return post(w, self, self, whom, GYRE_CLOSED, run_down) ? GYRE_OK : GYRE_FULL;
}

void watch_actor_ends(struct worker *w, struct actor *a)
{
    struct extra *x = a->extra;
    gyre_ref self = actor_ref(a);
    while (x->watchers) {
        gyre_ref who = x->watchers->who;
        (void)post(w, who, who, self, (enum gyre_why)a->why, run_down);
        (void)forget(w, &x->watchers, who);
    }
    while (x->watching) {
        gyre_ref whom = x->watching->who;
        (void)post(w, whom, self, whom, GYRE_CLOSED, run_unwatch);
        (void)forget(w, &x->watching, whom);
    }
}
