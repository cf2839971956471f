/* SPDX-License-Identifier: GPL-3.0-or-later
 * ring_epoll.h - the objects of the epoll kernel: epoll_wire.c keeps them, ring_epoll.c takes
 * operations and waits, epoll_run.c does them.
 *
 * A WIRE is what is known of one descriptor, at its number. Everything is watched edge-triggered:
 * the kernel tells once that something came, and here it is remembered until a call says that
 * nothing is left. So a connection costs one epoll_ctl in its life, and a request none.
 */
#ifndef GYRE_RING_EPOLL_H
#define GYRE_RING_EPOLL_H

#include <sys/epoll.h>

#include "limits.h"
#include "ring_kernel.h"

enum wire_flags {
    W_LISTED = 1 << 0,     /* in one of the lists of wires */
    W_ADDED = 1 << 1,      /* in the epoll set, waiting for: */
    W_IN = 1 << 2,
    W_OUT = 1 << 3,
    W_READABLE = 1 << 4,   /* something came, or may have */
    W_ENDED = 1 << 5,      /* no more will come: to be read to the end */
    W_FULL = 1 << 6,       /* takes nothing now */
    W_CANCELLED = 1 << 7,  /* its operation ends without having done anything */
    W_SHARED = 1 << 8,     /* others hold it too: closing takes it out of no epoll set */
    W_DATAGRAMS = 1 << 9,
    W_TCP = 1 << 10,       /* less than was asked for means that no more is there … */
    W_URGENT = 1 << 11,    /* … unless urgent data is on the way */
};
enum wire_what { WIRE_NOTHING, WIRE_ACCEPT, WIRE_RECV, WIRE_RECV_FROM, WIRE_POLL, WIRE_CONNECT };
struct wire {
    uint64_t user;         /* of its operation that reads, or connects */
    uint32_t first, last;  /* what it sends, in order: places + 1 */
    uint32_t next;         /* of a list: fd + 1 */
    uint32_t same_hash;    /* fd + 1 */
    uint32_t generation;   /* of the number: an event of what had it before is told apart */
    uint16_t flags;
    uint8_t what;
};

/* What ends with one event: to send, to connect, to read from a file. */
enum task_what { TASK_SEND, TASK_SEND_MSG, TASK_ADDRESS, TASK_READ, TASK_CANCELLED };
struct task {
    uint64_t user;
    const void *p; /* bytes, a struct msghdr, an address; of a file: where they go, not const */
    size_t n;
    union {
        const union ring_address *to; /* or NULL */
        uint64_t at;
    };
    uint32_t next; /* place + 1 */
    union {
        socklen_t to_n;
        int fd; /* of a file */
    };
    enum task_what what;
};

struct list { /* of wires */
    uint32_t first, last;
};
struct stock { /* of receive buffers. The one given back last is taken next: it is still warm */
    uint8_t *bytes;
    uint16_t *free;
    uint32_t n, size, free_n;
    bool taken; /* some was, in this reap: more come back before the next one */
};

enum { EPOLL_EVENTS = 256, EPOLL_BATCH = 16, EPOLL_REFUSED = 64, EPOLL_HASH_BITS = 12 };
struct epoll_ring {
    struct ring pub;
    int fd, wake_fd;
    struct wire *wires;
    uint32_t wires_n;
    struct task *tasks;
    uint32_t tasks_n, tasks_cap, tasks_free;
    struct list now;    /* to be run by reap */
    struct list next;   /* from the next wait on */
    struct list later;  /* tried again after a while: nothing tells when they can go on */
    uint32_t reads, reads_last; /* of files */
    struct stock streams, datagrams;
    bool unseen;        /* the last wait had work, and did not ask the kernel */
    bool coarse;        /* no epoll_pwait2 here: milliseconds */
    struct ring_event refused[EPOLL_REFUSED]; /* operations that could not even begin */
    uint32_t refused_n;
    struct ring_event *out; /* of the reap that runs */
    size_t out_n, out_most;
    uint32_t by_user[1 << EPOLL_HASH_BITS]; /* wires with an operation that can be cancelled */
    struct epoll_event events[EPOLL_EVENTS];
    struct mmsghdr batch[EPOLL_BATCH];
    struct iovec parts[EPOLL_BATCH];
};

/* epoll_wire.c. NULL, 0, false: no memory; of epoll_watch: errno. Pointers to wires and tasks hold
 * until the next of these calls; a place is counted from 1, 0 is none. */
struct wire *epoll_wire(struct epoll_ring *, int fd);
bool epoll_watch(struct epoll_ring *, int fd, uint16_t in_and_out);
uint32_t *epoll_bucket(struct epoll_ring *, uint64_t user); /* where to look for its wire */
void epoll_forget(struct epoll_ring *, uint32_t fd);        /* its operation is over */
void epoll_push(struct epoll_ring *, struct list *, uint32_t fd); /* unless it is in one */
uint32_t epoll_pop(struct epoll_ring *, struct list *);
void epoll_append(struct epoll_ring *, struct list *to, struct list *); /* which is empty then */
uint32_t epoll_task_take(struct epoll_ring *);
void epoll_task_give(struct epoll_ring *, uint32_t place_1);
bool epoll_stock_make(struct stock *, uint32_t n, uint32_t size);
void epoll_stock_free(struct stock *);
int epoll_take(struct stock *); /* a buffer; -1: none */
void epoll_filled(const struct stock *, uint32_t i, size_t n); /* no more than n bytes came */
void epoll_give(struct stock *, uint32_t i);
uint8_t *epoll_bytes(const struct stock *, uint32_t i);

/* epoll_run.c */
bool epoll_runnable(const struct wire *);
void epoll_run(struct epoll_ring *, uint32_t fd); /* as far as it goes, and in fairness may, now */
void epoll_run_reads(struct epoll_ring *);
bool epoll_datagram(struct ring *, const struct ring_event *, struct ring_datagram *);
#endif
