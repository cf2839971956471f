/* SPDX-License-Identifier: GPL-3.0-or-later
 * real.h - what the rooms of the real world share: world.c (sockets, clock, addresses), kernel.c
 * (the table around a real ring), events.c (its operations), ends.c and got.c (far ends), files.c,
 * record.c, quiet.c (whether anything still moves).
 * They change the same tables; nobody else includes this.
 */
#ifndef GYRE_REAL_H
#define GYRE_REAL_H

#include "../sim/base.h"

/* Of the kernel's own name for a socket. */
struct real_name {
    union ring_address at;
    socklen_t n;
};

/* Bytes on their way to the server that the kernel has not taken: one write, or one datagram. */
struct real_piece {
    struct real_piece *next;
    size_t n, at; /* at: taken so far */
    bool apart;
    uint8_t bytes[];
};

enum real_kind { REAL_STREAM, REAL_LISTENER, REAL_PORT };
enum real_what {
    DO_ACCEPT, DO_RECV, DO_RECV_FROM, DO_SEND, DO_CONNECT, DO_POLL, /* one of each at a time */
    DO_EMIT, DO_READ,
    DO_KINDS
};

/* The server's side. */
struct real_socket {
    struct sim *sim;
    enum real_kind kind;
    int fd, real;             /* the number that the core knows; the kernel's, -1: closed */
    uint32_t worker, process;
    bool closed, dialled, write_shut;
    struct real_socket *first; /* of those that share one listening socket or port, or itself */
    uint32_t open, readers;    /* of the first: shares that are open; recv_froms under way */
    gyre_addr local, peer;    /* as the script knows them */
    struct real_name name;    /* of a listener or port, or of what dialled: where it really is */
    struct sim_end *end;      /* of a stream */
    uint64_t came, sent;      /* bytes of operations that have ended; a first port: datagrams */
    uint64_t due;             /* of a first port: datagrams that far ends sent to it */
    uint32_t under_way[DO_KINDS];
};

struct sim_end {
    struct sim_end *next;         /* all of the world, the newest first */
    struct sim_end *waiting_next; /* of a place */
    struct real_socket *socket;   /* the other side; of a stream, NULL before it is accepted */
    struct real_socket *listener; /* the first that it connected to; the port. NULL: was dialled */
    gyre_addr at, real_at;        /* as the script and as the kernel knows it */
    struct real_name name;
    int real;                     /* -1: it was reset */
    bool datagrams, slow, eof, eof_sent;
    enum sim_state state;
    struct real_piece *in, **in_end;
    uint64_t written;             /* bytes, or datagrams, that the kernel took */
    uint64_t due, came;           /* datagrams that the server sent here, and that came */
    uint64_t slow_from;           /* what the server had sent when it became slow */
    uint8_t *got;                 /* everything that ever came */
    size_t got_n, got_cap, got_at;
    size_t *sizes;                /* of datagrams */
    size_t sizes_n, sizes_cap, sizes_at;
};

/* A place that answers dials. */
struct real_place {
    struct real_place *next;
    gyre_addr at;
    char path[108];
    int real;
    struct real_name name;
    struct sim_end *waiting, **waiting_end;
};

struct real_op {
    struct real_op *next;
    enum real_what what;
    int fd;
    uint64_t user;
    bool cancelled;
    bool fills, held;           /* the window of a peer that does not read; until it reads */
    struct sim_end *to;         /* of an emit; NULL: nobody is there */
    uint32_t datagrams;         /* of an emit */
    union ring_address address;
    struct msghdr message;      /* with parts, cut to what the send may take */
    struct iovec parts[];
};
struct real_ring {
    struct ring pub;
    struct ring *inner;
    struct sim *sim;
    struct real_ring *next;
    uint32_t index, process;
    struct real_op *ops;
    int *closing;               /* the kernel's numbers whose close was not submitted yet */
    size_t closing_n, closing_cap;
    struct ring_event *events;
    size_t events_n, events_cap, events_at;
    uint8_t out[1 << 16];       /* by number: that buffer is the core's */
    uint32_t buffers_out;
    bool streams_limited, datagrams_limited;
    int64_t deadline_ns;
    bool idle, woken;
};

struct real_rest { /* how far the world is from rest */
    uint32_t calm;      /* looks in a row at which nothing moved, a pass between each two */
    uint32_t passes, seen;
    uint32_t waits;     /* passes in a row that had to wait */
    bool patient;       /* a ring may wait for a moment */
    int64_t since_ns;   /* of the real clock: the first of those waits */
};

struct sim {
    int64_t now_ns, wall_from_zero_ns;
    uint64_t seed, chance; /* of gyre->random, and of short sends */
    uint32_t buffers, short_sends, process;
    size_t window;
    struct real_socket **sockets;
    size_t sockets_n, sockets_cap;
    struct sim_end *ends;
    struct real_place *places;
    struct real_ring *rings;
    uint16_t next_port;
    bool six;                 /* this machine has [::1] */
    int nobody, nobody_six;   /* bound, and refuse connections */
    int nowhere;              /* takes datagrams to addresses where no far end is */
    struct real_name nobody_at, nobody_six_at, nowhere_at;
    struct real_rest *rest;
    struct pollfd *polls;
    size_t polls_cap;
    /* record.c */
    uint64_t faults[FAULT_KINDS], events;
    FILE *trace;
    bool (*alive)(void *, const struct ring *, const struct ring_event *);
    void *alive_user;
};

/* ---- world.c ---- */

struct real_socket *real_socket_at(struct sim *, int fd); /* stops when it is closed or none */
struct real_socket *real_socket_make(struct sim *, enum real_kind, int real, uint32_t worker);
int real_check(int res, const char *what); /* res, or stops: errno */
void real_set(int fd, int level, int option, int value);
bool real_local_name(int fd, struct real_name *); /* false: errno */
bool real_peer_name(int fd, struct real_name *);
bool real_same_name(const struct real_name *, const struct real_name *);
bool real_same(const gyre_addr *, const gyre_addr *);
/* A socket on the loopback of that family, at a port of the kernel's choice. */
int real_bound(bool six, int type, struct real_name *);
bool real_six(const struct sim *, const gyre_addr *); /* that address is played by [::1] */
void real_calm_ends(struct sim *); /* something happened: it takes anew to come to rest */
struct pollfd *real_polls(struct sim *, size_t n); /* room for so many */

/* ---- ends.c ---- */

void real_pump(struct sim *);                     /* reads and writes all far ends */
void real_flush(struct sim_end *, bool at_once);  /* at_once: pieces that are apart, too */
/* A connection was accepted by the server. The end, or NULL: nobody of ours. */
struct sim_end *real_end_of(struct sim *, struct real_socket *listener, int real);
struct sim_end *real_sender_at(struct sim *, const struct real_socket *port, const gyre_addr *at);
struct real_place *real_place_at(struct sim *, const gyre_addr *at, const char *path);
bool real_server_ended(const struct sim_end *); /* no more can come but what is on the wire */
void real_end_free(struct sim_end *);

/* ---- files.c ---- */

void real_files_free(struct sim *);
void real_files_kill(uint32_t process);
void real_file_closed(int fd); /* by the ring */

/* ---- events.c ---- */

/* Notes an operation that begins; parts: room for so many. */
struct real_op *real_note(struct real_ring *, enum real_what, int fd, uint64_t user, size_t parts);
struct real_op **real_find(struct real_ring *, uint64_t user); /* *found NULL: none */
/* One pass of the inner ring, which waits until then (GYRE_NEVER: not). true: something came. */
bool real_pass(struct real_ring *, int64_t deadline_ns);
void real_limit_buffers(struct real_ring *, bool datagrams); /* once: what the run shall not have */
bool real_full(const struct real_socket *); /* its peer does not read, and has its window full */
size_t real_room(const struct real_socket *);      /* what still goes in; 0: any, or nothing */
void real_take_turns(struct real_ring *); /* what fills a window is sent; what was held goes on */
void real_buffer(struct real_socket *, bool full); /* of what it sends */

/* ---- kernel.c ---- */

extern bool real_epoll; /* which ring is made */
struct ring *real_ring(char *why, size_t why_n);
uint32_t real_rings_left(const struct sim *, char *why, size_t why_n);
#endif
