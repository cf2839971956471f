/* SPDX-License-Identifier: GPL-3.0-or-later
 * wide.h - "wide/1" within a service: what wide.c (the table, and who is linked) and wide_link.c
 * (one end of one link, and its frames) share.
 *
 * A LINK is one end of a socket pair that the supervisor handed out, for one message interface; the
 * other end is another process, and is not believed. It is a stream actor of a section of its own,
 * on worker 0. One side ASKS, the other ANSWERS. All of it belongs to worker 0, unless marked.
 */
#ifndef GYRE_WIDE_CORE_H
#define GYRE_WIDE_CORE_H

#include "mail.h"
#include "service.h"
#include "services/bus.h"
#include "services/wide.h"

enum wide_side { WIDE_ASKS, WIDE_ANSWERS };
enum { WIDE_HEAD = 24 }; /* bytes of a frame before its body */

struct waiting { /* a request that the other side has not answered */
    uint64_t seq;    /* 0: none */
    gyre_ref from;
    uint64_t token;
    int64_t due_ns;
};
struct link { /* the state of its actor */
    struct actor *actor;
    struct link *next;
    char id[LIMIT_NAME];
    enum wide_side side;
    bool old;   /* asks: there is a newer one; nothing is asked here any more */
    bool lost;  /* answers: the other side missed events; asks: followers did */
    bool ended; /* answers: no request comes any more */
    uint32_t open;
    uint64_t last; /* seq given */
    struct waiting waiting[LIMIT_WIDE_OPEN];
};
struct wide {
    struct plugin *plugin; /* its own, inside of the host */
    struct section *section;
    struct link *links;
    bool published;              /* the control thread's */
    _Atomic uint32_t answering;  /* links that may still bring requests [any] */
    _Atomic uint32_t behind;     /* links that missed events [any] */
};

/* wide_link.c */
extern const struct gyre_proto wide_asks, wide_answers;
/* Takes fd; the link is in the list until its on_close. */
void link_begin(struct worker *, enum wide_side, const char *id, int fd);
/* Asks what the mail asks; or an error that its sender is to be told. */
int link_ask(struct worker *, struct link *, struct mail *);
void link_publish(struct link *, uint32_t type, gyre_view);

/* wide.c */
gyre_ref wide_home(struct worker *, const char *id); /* who answers it here; nobody: {0, 0} */
#endif
