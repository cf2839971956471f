/* SPDX-License-Identifier: GPL-3.0-or-later
 * actor.h - the actor and what follows it in one object: a stream, a port, kin, timers, state.
 * A part of core.h, which alone includes it. Everything here belongs to one worker.
 */
#ifndef GYRE_ACTOR_H
#define GYRE_ACTOR_H

/* ---- actors (actor.c) ---- */

enum actor_flags {
    A_STREAM = 1 << 0, /* a struct stream follows */
    A_PORT = 1 << 1,   /* a struct port follows */
    A_HOME = 1 << 2,
    A_OPEN = 1 << 3,   /* on_open returned true */
    A_CLOSING = 1 << 4, /* close was called; on_close comes */
    A_CLOSED = 1 << 5, /* on_close came: only the wire is left */
    A_READY = 1 << 6,  /* in the worker's ready list */
    A_TOUCHED = 1 << 7, /* in the worker's flush list */
    A_PRODUCE = 1 << 8, /* on_room is due */
    A_LEAVING = 1 << 9, /* has no on_leave, and goes when idle */
    A_CHOKED = 1 << 10, /* a mailbox it fills is full: not read */
    A_TIMERS = 1 << 11, /* some timer slot was set */
    A_DIALLED = 1 << 12, /* a struct kin follows */
    A_TOLD = 1 << 13,    /* on_leave was called because the host drains */
    A_FROZEN = 1 << 14,  /* it may move to another process: neither reads nor sends (move.c) */
};

struct actor {
    struct gyre_actor pub;
    uint32_t magic, slot; /* its id is in the slot */
    const struct kind *kind;
    struct version *version;
    struct extra *extra;      /* what few actors have; made when needed */
    struct actor *ready_next;
    uint32_t section_next, section_before; /* slots + 1, of the section's actors on this worker */
    uint32_t flags;
    uint16_t requests;        /* open ones: on_data rests */
    uint8_t paused;
    uint8_t why;              /* enum gyre_why, once closing */
};

/* What only some actors have. */
struct extra {
    void **blocks;            /* of mem */
    uint32_t blocks_n, blocks_cap;
    struct buf **bufs;
    uint32_t bufs_n, bufs_cap;
    struct gyre_peer *peer;
    struct topic_seat *seats; /* topics joined (bus.c) */
    struct word *watchers;    /* who watches it (watching.c) */
    struct watching *watching; /* whom it watches */
    struct request *asked;    /* open requests, by tag */
    struct held *held, **held_end; /* mail that waits while paused */
    struct actor *choked_next;
    struct actor *link_to, *link_from;
    uint64_t link_left;
    struct actor *children;   /* dialled by it: they end before it */
    uint32_t message_max;     /* set by limit; 0: the section's */
};

struct stream {
    int fd;
    uint32_t flags;           /* stream.c */
    struct queue out;
    struct inbuf *in;         /* the unfinished tail, or what waits while it rests */
    struct listener *from;    /* or NULL: dialled */
    struct sending *sending;  /* what a SEND of many parts, or a file, needs while under way */
    struct timer deadline;    /* the nearest of all host deadlines */
    uint32_t opened_at, active_at, message_at; /* in ticks; message_at 0: none begun */
    uint32_t touched_next;    /* slot + 1, of the worker's list */
    gyre_addr peer;           /* of what was accepted; none: a unix socket, or dialled */
};

/* One socket that accepts, or one UDP port, of one section on one worker. */
struct listener {
    struct section *section;
    struct listener *next;
    int fd;
    bool datagrams, armed, gone, paused;
    uint32_t slot;            /* in the worker's table, as actors have */
    uint64_t id;
    struct actor *port;       /* the actor of a UDP port */
    struct timer retry;       /* after EMFILE */
    gyre_addr local;          /* of a UDP port */
    bool wild;                /* bound to all addresses: answers name the one they leave from */
    char text[128];           /* "tcp:127.0.0.1:8080" */
};

/* An object of the section is there, or is freed; the last one of a leaving section ends it. */
void section_object(struct worker *, struct section *);       /* section.c */
void section_object_freed(struct worker *, struct section *); /* section.c */
/* section.c: its home is there, or is made now. false: no memory, or it has left. */
bool section_home(struct worker *, struct section *);
/* section.c: its section leaves, and its turn has come. */
bool section_leaves(struct section *, const struct actor *);

struct actor *actor_make(struct worker *, struct section *, const struct kind *, uint32_t flags);
void actor_open(struct worker *, struct actor *);   /* calls on_open */
void actor_end(struct worker *, struct actor *, enum gyre_why); /* starts closing; idempotent */
/* ends it at once: nothing is flushed */
void actor_abort(struct worker *, struct actor *, enum gyre_why);
bool actor_run_ready(struct worker *);              /* closes, rooms, resumed input; true: some */
int actor_timer_set(struct worker *, struct actor *, uint32_t slot, int64_t after_ns);
/* drain: on_leave, or when idle */
void actor_leave(struct worker *, struct actor *, enum gyre_why);
void actor_last_words(struct worker *, struct actor *, enum gyre_why); /* on_leave, then it ends */
void actor_leave_if_idle(struct worker *, struct actor *);
void actor_ready(struct worker *, struct actor *);  /* looks at it before the turn ends */
void actor_moved(struct worker *, struct actor *);  /* it lives elsewhere: no on_close, no FIN */
void actor_free(struct worker *, struct actor *);   /* after on_close, when no operation is left */
struct extra *actor_extra(struct worker *, struct actor *); /* NULL: no memory */
struct actor *actor_at(struct worker *, gyre_ref);  /* alive and here, or NULL */
gyre_ref actor_ref(const struct actor *);
void actor_answer(struct worker *, struct actor *, gyre_done *, const struct gyre_answer *);
void actor_timer(struct worker *, struct actor *, uint8_t slot);
void actor_take_version(struct worker *, struct actor *);

void version_worker_left(struct version *);            /* service.c: [worker] */
void version_unuse(struct worker *, struct version *); /* one actor less; the last one retires it */
void version_switch(struct worker *, struct section *, struct version *); /* NULL: removed */

struct kin { /* what follows the head of a dialled actor */
    struct actor *parent, *sibling, **sibling_at;
};
struct port { /* what follows the actor of a UDP port */
    struct listener *from;
    uint32_t emits; /* datagrams under way */
};
static inline struct section *section_of(struct actor *a)
{
    return (struct section *)(void *)a->pub.section;
}
struct kin *kin_of(struct actor *);
struct actor *actor_of_slot(struct worker *, uint32_t slot_plus_1); /* NULL for 0 */
uint64_t actor_user(struct worker *, enum op, const struct actor *); /* for its ring operations */
static inline struct port *port_of(struct actor *a)
{
    return (struct port *)(void *)(a + 1);
}
static inline struct stream *stream_of(struct actor *a)
{
    return (struct stream *)(void *)(a + 1);
}
#endif
