/* SPDX-License-Identifier: GPL-3.0-or-later
 * watching.c - an actor learns that another one ended.
 *
 * The watcher keeps a note of whom it watches; the watched keeps who wants to know: a word that
 * came through the inbox, and goes back when it ends, so that news of an end needs no memory.
 * Promise: on_down comes once for each watch, also when the watched is dead already; never after
 * watch(…, false). Limits: the worker's memory; without it for the watched, on_down says so.
 */
#include <stdlib.h>

#include "service.h"

struct watching { /* whom an actor watches */
    struct watching *next;
    gyre_ref whom;
};
struct word { /* from the watcher's worker to the watched one's, and back */
    struct item item;
    struct word *next; /* of the watched: kept until it ends */
    gyre_ref watcher, watched;
    enum gyre_why why;
};

static bool same(gyre_ref a, gyre_ref b)
{
    return a.at == b.at && a.id == b.id;
}

static struct watching **find(struct extra *x, gyre_ref whom)
{
    struct watching **at = &x->watching;
    while (*at && !same((*at)->whom, whom)) at = &(*at)->next;
    return at;
}

static bool forget(struct worker *w, struct extra *x, gyre_ref whom)
{
    struct watching **at = find(x, whom), *found = *at;
    if (!found) return false;
    *at = found->next;
    pool_give(w, found, sizeof *found);
    return true;
}

static struct worker *worker_of(struct worker *w, gyre_ref r)
{
    uint64_t index = r.at >> 32;
    return index < w->service->workers_n ? w->service->workers[index] : NULL;
}

static void run_down(struct worker *w, struct item *item)
{
    struct word *word = (struct word *)item;
    struct actor *a = actor_at(w, word->watcher);
    if (a && a->extra && forget(w, a->extra, word->watched) && a->kind->p.on_down) {
        call_begin(w, a, CALL_ON_DOWN);
        a->kind->p.on_down(&a->pub, word->watched, word->why);
        call_end(w);
        stream_later(w, a);
    }
    free(word);
}

/* The word goes back to who waits for it. */
static void post_down(struct worker *w, struct word *word, enum gyre_why why)
{
    word->why = why;
    word->item.run = run_down;
    inbox_post(worker_of(w, word->watcher), &word->item);
}

static void run_watch(struct worker *w, struct item *item)
{
    struct word *word = (struct word *)item;
    struct actor *a = actor_at(w, word->watched);
    struct extra *x = a ? actor_extra(w, a) : NULL;
    if (!x) {
        post_down(w, word, a ? GYRE_NO_MEMORY : GYRE_CLOSED);
        return;
    }
    word->next = x->watchers;
    x->watchers = word;
}

static void run_unwatch(struct worker *w, struct item *item)
{
    struct word *word = (struct word *)item;
    struct actor *a = actor_at(w, word->watched);
    struct word **at = a && a->extra ? &a->extra->watchers : NULL;
    while (at && *at && !same((*at)->watcher, word->watcher)) at = &(*at)->next;
    if (at && *at) {
        struct word *found = *at;
        *at = found->next;
        free(found);
    }
    free(word);
}

static struct word *word_make(gyre_ref watcher, gyre_ref watched,
                              void (*run)(struct worker *, struct item *))
{
    struct word *word = malloc(sizeof *word);
    if (word) *word = (struct word){{.run = run}, NULL, watcher, watched, GYRE_CLOSED};
    return word;
}

/* Without memory the word about its end comes all the same, and is not told. */
static void unwatch(struct worker *w, gyre_ref self, gyre_ref whom)
{
    struct worker *home = worker_of(w, whom);
    struct word *word = home ? word_make(self, whom, run_unwatch) : NULL;
    if (word) inbox_post(home, &word->item);
}

int watch_set(struct worker *w, struct actor *a, gyre_ref whom, bool on)
{
    gyre_ref self = actor_ref(a);
    struct extra *x = actor_extra(w, a);
    struct worker *home = worker_of(w, whom);
    if (!x) return on ? GYRE_FULL : GYRE_OK;
    if (!on) {
        if (forget(w, x, whom)) unwatch(w, self, whom);
        return GYRE_OK;
    }
    if (*find(x, whom)) return GYRE_OK;
    struct watching *note = pool_take(w, sizeof *note);
    struct word *word = note ? word_make(self, whom, run_watch) : NULL;
    if (!word) {
        pool_give(w, note, sizeof *note);
        return GYRE_FULL;
    }
    *note = (struct watching){x->watching, whom};
    x->watching = note;
    if (home) inbox_post(home, &word->item);
    else post_down(w, word, GYRE_CLOSED);
    return GYRE_OK;
}

void watch_actor_ends(struct worker *w, struct actor *a)
{
    struct extra *x = a->extra;
    while (x->watchers) {
        struct word *word = x->watchers;
        x->watchers = word->next;
        post_down(w, word, (enum gyre_why)a->why);
    }
    while (x->watching) {
        gyre_ref whom = x->watching->whom;
        (void)forget(w, x, whom);
        unwatch(w, actor_ref(a), whom);
    }
}
