/* SPDX-License-Identifier: GPL-3.0-or-later
 * ring.h - the one seam between the core and the world.
 *
 * Everything a worker does to the world goes through these operations. Behind them stands io_uring
 * (ring.c), epoll where that is not allowed (ring_epoll.c), or a simulated kernel for tests
 * (tests/sim). All calls belong to the worker's thread, but for ring_wake. Operations never fail at
 * the call: each ends in events that carry its `user` word; a multishot one (accept, recv,
 * recv_from, poll) goes on while an event has RING_MORE, and is over with the first one without it.
 * A descriptor has one operation that reads (or connects) at a time, and a stream one that sends.
 * Promise: an event is returned by ring_reap after its effect; nothing calls back.
 */
#ifndef GYRE_RING_H
#define GYRE_RING_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "gyre.h"

enum { RING_MORE = 1, RING_BUFFER = 2 };

struct ring_event {
    uint64_t user;
    int32_t res;    /* bytes, an fd, or -errno */
    uint16_t flags; /* RING_MORE: more events of this operation follow. RING_BUFFER: bid is yours */
    uint16_t bid;   /* give it back with ring_give, once, when its bytes are consumed */
};

/* What a datagram's buffer holds, cut out and checked by ring_datagram. */
struct ring_datagram {
    gyre_view data;
    gyre_path path; /* local all zero but for the port when the kernel did not say */
    bool cut;
    uint32_t ecn;
};

union ring_address {
    struct sockaddr any;
    struct sockaddr_in in4;
    struct sockaddr_in6 in6;
    struct sockaddr_un un;
};

struct ring;
struct ring_ops {
    void (*accept)(struct ring *, int fd, uint64_t user);                      /* multishot */
    /* multishot, ring's buffers */
    void (*recv)(struct ring *, int fd, uint64_t user);
    /* multishot, datagrams */
    void (*recv_from)(struct ring *, int fd, uint64_t user);
    /* p lives until the event */
    void (*send)(struct ring *, int fd, const void *p, size_t n, uint64_t user);
    /* likewise all of it */
    void (*send_msg)(struct ring *, int fd, const struct msghdr *, uint64_t user);
    void (*send_to)(struct ring *, int fd, const void *p, size_t n, const union ring_address *,
                    socklen_t, uint64_t user);                                 /* likewise */
    /* of a file */
    void (*read)(struct ring *, int fd, void *p, size_t n, uint64_t at, uint64_t user);
    void (*connect)(struct ring *, int fd, const union ring_address *, socklen_t, uint64_t user);
    /* multishot, readable */
    void (*poll)(struct ring *, int fd, uint64_t user);
    /* of accept, recv, recv_from, poll, connect. No event of its own; the target ends */
    void (*cancel)(struct ring *, uint64_t target_user);
    /* of a stream's send, for which its peer leaves no room: what it had sent by then, or
     * -ECANCELED and nothing */
    void (*cancel_send)(struct ring *, int fd, uint64_t target_user);
    void (*shutdown)(struct ring *, int fd, int how);                          /* no event */
    /* no event; all its operations have ended */
    void (*close)(struct ring *, int fd);
    /* for dial; fd or -errno */
    int (*socket)(struct ring *, int family, int type);
    /* of a connected socket */
    bool (*peer)(struct ring *, int fd, gyre_addr *);
    bool (*local)(struct ring *, int fd, gyre_addr *);

    /* Submits, then waits until something has happened, deadline_ns (monotonic) has passed or
     * ring_wake was called. busy: does not wait. */
    void (*wait)(struct ring *, int64_t deadline_ns, bool busy);
    size_t (*reap)(struct ring *, struct ring_event *, size_t most);
    void (*give)(struct ring *, uint16_t bid);
    /* of RING_BUFFER_SIZE bytes */
    const uint8_t *(*buffer)(struct ring *, uint16_t bid);
    bool (*datagram)(struct ring *, const struct ring_event *, struct ring_datagram *);
    int64_t (*now)(struct ring *, enum gyre_clock);                            /* ns */
    void (*random)(struct ring *, void *, size_t);
    /* [any] ends a wait of its worker */
    void (*wake)(struct ring *);
    void (*free)(struct ring *);
};
struct ring {
    const struct ring_ops *ops;
    bool shut; /* the kernel refuses what was not asked for when it was made */
};

/* address.c: between the kernel's addresses and ours. false: not IPv4 or IPv6. */
bool address_from(const struct sockaddr *, gyre_addr *);
/* The other way. v4: as a plain IPv4 address (the socket is of that family). */
socklen_t address_to(const gyre_addr *, bool v4, union ring_address *);
void address_text(const gyre_addr *, char *out, size_t n);
bool address_is_v4(const gyre_addr *);
bool address_is_none(const gyre_addr *); /* all zero: of a unix socket, or not known */

/* The io_uring kernel. `may`: what is asked of it beside serving streams and datagrams; from here
 * on the kernel refuses every other operation (where it can: `shut` tells). NULL: why (a sentence
 * with the remedy) was written. [worker] */
enum ring_may { RING_FILES = 1, RING_DIALS = 2, RING_ANYTHING = 4 };
struct ring *ring_make(uint32_t may, char *why, size_t why_size);
/* The names of what such a ring may do, one after another; NULL: no more. For people. */
const char *ring_operation(uint32_t may, size_t i);
/* One operation as the kernel takes it (struct io_uring_sqe), and what came of it; what else comes
 * meanwhile is lost. For --selftest. */
int32_t ring_raw(struct ring *, const void *sqe);
/* Would it be made here? false: why. */
bool ring_works(char *why, size_t why_size);
/* The epoll kernel, for where that is not allowed. [worker] */
struct ring *ring_make_epoll(char *why, size_t why_size);

/* Which of them, as in "ring = auto" of [server]. AUTO: io_uring, or epoll where it is refused. */
enum ring_kind { RING_AUTO, RING_URING, RING_EPOLL };
const char *ring_kind_name(enum ring_kind);
bool ring_kind_of(const char *name, enum ring_kind *);
#endif
