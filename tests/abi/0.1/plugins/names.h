/* SPDX-License-Identifier: GPL-3.0-or-later
 * names.h - actors of the test plugins find each other by name, on all workers: an actor tells its
 * name to every home by mail; each home keeps its own list. Names are never forgotten, so that a
 * test can speak to the dead.
 */
#ifndef NAMES_H
#define NAMES_H

#include "say.h"

enum { MAIL_NAME = 1000, NAMES_MOST = 32 };

struct names { /* first in the state of a home */
    struct {
        char text[16];
        gyre_ref ref;
    } at[NAMES_MOST];
    uint32_t n;
};

static inline void name_tell(struct gyre_actor *a, gyre_view name)
{
    (void)gyre->send(a, a->section->homes, a->section->workers, MAIL_NAME, 0, name, NULL);
}

/* In on_mail of the home. false: the mail is something else. */
static inline bool name_take(struct gyre_actor *home, const struct gyre_mail *m)
{
    struct names *all = GYRE_STATE(home, struct names);
    uint32_t i = 0;
    if (m->type != MAIL_NAME) return false;
    while (i < all->n && !is(m->bytes, all->at[i].text)) i++;
    if (i == NAMES_MOST || m->bytes.n >= sizeof all->at[i].text) return true;
    if (i == all->n) all->n++;
    memcpy(all->at[i].text, m->bytes.p, m->bytes.n);
    all->at[i].ref = m->from;
    return true;
}

/* {0, 0}: nobody has that name. */
static inline gyre_ref name_find(struct gyre_actor *a, gyre_view name)
{
    const struct names *all = GYRE_HOME(a, struct names);
    for (uint32_t i = 0; i < all->n; i++)
        if (is(name, all->at[i].text)) return all->at[i].ref;
    return (gyre_ref){0, 0};
}
#endif
