/* SPDX-License-Identifier: GPL-3.0-or-later
 * mail.h - the mail object, for mail.c, bus.c and wide.c. Nobody else includes it. */
#ifndef GYRE_MAIL_H
#define GYRE_MAIL_H

#include "service.h"

struct mail {
    struct item item; /* first: an item is its mail */
    gyre_ref from;
    const struct plugin *plugin; /* of mail to a topic: whose topic it is */
    uint64_t tag;
    struct bytes_core *body;
    uint32_t type, names_n, topic_n, text_n; /* text_n: without the topic */
    uint32_t uses; /* by the worker that has it */
    /* the first of names are those whom it did not reach; the worker of all of them */
    uint32_t unheard_n, unheard_at;
    int64_t within_ns; /* of a request that goes on to another process (wide.c) */
    int32_t err; /* why it reaches nobody */
    bool asked;
    gyre_ref names[]; /* then the topic, then the text */
};

static inline gyre_view mail_topic(struct mail *m)
{
    return (gyre_view){(uint8_t *)(m->names + m->names_n), m->topic_n};
}
static inline gyre_view mail_text(struct mail *m)
{
    return (gyre_view){(uint8_t *)(m->names + m->names_n) + m->topic_n, m->text_n};
}
/* A copy of topic and text; item.run is the caller's. NULL: no memory. */
struct mail *mail_make(struct actor *from, size_t names_n, uint32_t type, uint64_t tag,
                       gyre_view topic, gyre_view text, struct bytes_core *body);
/* One use of it less; the last one frees it, or tells its sender whom it did not reach. */
void mail_drop(struct worker *, struct mail *);
/* To one receiver, who may hold it or be gone; of a topic nothing bounces. Takes one use. */
void mail_deliver(struct worker *, gyre_ref to, struct mail *);
#define MAIL_WITHIN_NS GYRE_SECONDS(10) /* of an ask that does not say */
uint64_t mail_token(const struct request *); /* names it in mail_reply, as the tag */
void mail_choke(struct worker *, struct actor *from, struct worker *full); /* if it is over */
#endif
