/* SPDX-License-Identifier: GPL-3.0-or-later
 * kernel.h - what the rooms of the simulated kernel share: kernel.c (the table and its scheduler),
 * events.c, operations.c, net.c (sockets, far ends), files.c, faults.c. They change the same
 * tables; nobody else includes this.
 */
#ifndef GYRE_SIM_KERNEL_H
#define GYRE_SIM_KERNEL_H

#include "base.h"

/* Bytes on their way to the server: one write, or one datagram. */
struct sim_piece {
    struct sim_piece *next;
    gyre_addr from; /* of a datagram */
    size_t n, at;   /* at: delivered so far */
    bool apart;
    uint8_t bytes[];
};

enum sim_kind { SIM_STREAM, SIM_LISTENER, SIM_PORT, SIM_FILE, SIM_FOLDER, SIM_NOTIFY };
enum { ACCEPTORS = 8 };

/* The server's side, or what else a descriptor names. Lives until sim_free. */
struct sim_socket {
    struct sim *sim;
    enum sim_kind kind;
    int fd;                     /* its first descriptor */
    uint32_t worker, fds;       /* fds: that are open */
    bool closed, read_shut, write_shut, connected;
    bool ended, reset;          /* what the far end did */
    bool local_path, gone;      /* dialled by a path; and its far end has closed: no reset there */
    gyre_addr local, peer;
    struct sim_piece *in, **in_end;
    struct sim_end *end;        /* of a stream */
    struct sim_end *waiting, **waiting_end; /* of a listener: not yet accepted */
    struct sim_op *acceptors[ACCEPTORS]; /* of a listener or port: armed, of all processes */
    struct sim_file *file;      /* of SIM_FILE */
    struct sim_notify *notify;  /* of SIM_NOTIFY */
    char *path;                 /* of SIM_FOLDER */
};
struct sim_fd {
    struct sim_socket *socket;
    uint32_t process;
    bool given, closed;         /* given: the server knows the number */
    struct sim_op *in, *out;    /* recv, accept, poll, connect; send */
    uint32_t others;            /* further operations under way: emits, reads */
};

struct sim_end {
    struct sim_end *next;         /* all of the world */
    struct sim_end *waiting_next; /* of a listener or a peer */
    struct sim_socket *socket;
    gyre_addr at;
    bool datagrams, slow;
    enum sim_state state;
    uint8_t *got;                 /* everything that ever came */
    size_t got_n, got_cap, got_at, slow_from;
    size_t *sizes;                /* of datagrams */
    size_t sizes_n, sizes_cap, sizes_at;
};

/* A place that answers dials. */
struct sim_peer_place {
    struct sim_peer_place *next;
    gyre_addr at;
    char path[108];
    struct sim_end *waiting, **waiting_end;
};

struct sim {
    int64_t now_ns, wall_from_zero_ns;
    uint64_t seed, chance; /* of gyre->random, and of what the kernel decides */
    uint32_t buffers, short_sends, queue, process;
    size_t window;
    struct sim_socket **sockets;
    size_t sockets_n, sockets_cap;
    struct sim_fd *fds;
    size_t fds_n, fds_cap;
    struct sim_end *ends;
    struct sim_peer_place *peers;
    struct sim_ring *rings;
    struct sim_file *files;
    uint16_t next_port;
    uint64_t next_ino;
    /* faults.c */
    bool calm, still;
    uint32_t per_million[FAULT_KINDS];
    uint64_t rows[FAULT_KINDS], faults[FAULT_KINDS];
    /* what happened */
    uint64_t hash, events;
    FILE *trace;
    bool (*alive)(void *, const struct ring *, const struct ring_event *);
    void *alive_user;
};

/* ---- operations ---- */

enum sim_what {
    DO_ACCEPT, DO_RECV, DO_RECV_FROM, DO_SEND, DO_SEND_MSG, DO_SEND_TO, DO_READ, DO_CONNECT,
    DO_POLL, DO_CANCEL, DO_CLOSE,
};
enum { BID_DATAGRAM = 0x4000 };
enum sim_op_state { OP_QUEUED, OP_PARKED };

struct sim_op {
    struct sim_ring *ring;
    struct sim_op *next, *before; /* all of the ring */
    enum sim_what what;
    enum sim_op_state state;
    bool last;                  /* it is being cancelled, and what it does now is the last */
    int fd;
    uint64_t number;            /* in the order in which they were submitted */
    uint64_t user, at;          /* at: in a file */
    int64_t due_ns;             /* not before; 0: it was not held back yet */
    void *to;
    const void *from;
    size_t n;
    uint64_t sum;               /* of the bytes to be sent, when they were handed over */
    const struct msghdr *message;
    union ring_address address;
};
struct sim_buffer {
    uint8_t *bytes; /* NULL: not out */
    size_t n;
    gyre_path path;
    bool cut;
};
struct sim_ring {
    struct ring pub;
    struct sim *sim;
    struct sim_ring *next;
    uint32_t index, process;
    uint64_t submitted;         /* so many operations */
    struct sim_op *ops, *spare;
    struct sim_op **queue;      /* to be run: submitted, or something happened to them */
    size_t queue_n, queue_cap;
    struct ring_event *events;
    size_t events_n, events_cap, events_at;
    struct sim_buffer streams[RING_BUFFERS], datagrams[RING_DATAGRAMS];
    uint32_t streams_out, datagrams_out, next_stream, next_datagram;
    int64_t deadline_ns, held_ns; /* held_ns: when the next operation held back is due */
    bool idle, woken, dead;
};

enum sim_result { SIM_PARK, SIM_OVER };
enum sim_result sim_run(struct sim_ring *, struct sim_op *); /* as far as it goes now */
uint64_t sim_sum(const struct sim_op *); /* of the bytes that it sends */
void sim_queue(struct sim_ring *, struct sim_op *); /* runs at the ring's next wait */
void sim_op_free(struct sim_op *);
const char *sim_op_name(const struct sim_op *);
/* events.c: of the table */
size_t sim_op_reap(struct ring *, struct ring_event *, size_t most);
void sim_op_give(struct ring *, uint16_t bid);
const uint8_t *sim_op_buffer(struct ring *, uint16_t bid);
bool sim_op_datagram(struct ring *, const struct ring_event *, struct ring_datagram *);
/* Puts an event; false: there is no room, so it is the operation's last. */
bool sim_tell(struct sim_ring *, const struct sim_op *, int32_t res, uint16_t flags, uint16_t bid);
void sim_wake(struct sim_op *); /* something happened to it; NULL: to nobody */
uint32_t sim_rings_left(const struct sim *, char *why, size_t why_n);

/* ---- the world ---- */

struct sim_fd *sim_fd_at(struct sim *, int fd);         /* stops when it is closed or none */
struct sim_socket *sim_socket_at(struct sim *, int fd); /* likewise */
struct sim_socket *sim_socket_make(struct sim *, enum sim_kind, uint32_t worker);
int sim_fd_make(struct sim *, struct sim_socket *);
struct sim_end *sim_end_make(struct sim *, struct sim_socket *, const gyre_addr *at);
struct sim_peer_place *sim_peer_at(struct sim *, const gyre_addr *at, const char *path);
void sim_got(struct sim_end *, const void *, size_t n); /* appends what the server sent */
size_t sim_room(const struct sim_end *);                /* how much the far end takes now */
struct sim_end *sim_sender_at(struct sim *, const struct sim_socket *port, const gyre_addr *at);
void sim_close_fd(struct sim *, int fd);                /* the server closes */
void sim_acceptor(struct sim_socket *, struct sim_op *, bool armed);
void sim_wake_one(struct sim_socket *);                 /* of its acceptors */
void sim_piece_drop(struct sim_socket *);               /* its first */

/* ---- files.c ---- */

void sim_file_free(struct sim_socket *); /* the last descriptor of it is closed */
void sim_files_free(struct sim *);
int64_t sim_file_read(struct sim_socket *, void *, size_t n, uint64_t at);
bool sim_notify_ready(const struct sim_socket *);

/* ---- faults.c ---- */

bool sim_happens(struct sim *, enum sim_fault);             /* and counts it */
uint64_t sim_pick(struct sim *, enum sim_fault, uint64_t n); /* 0 … n - 1, of that fault's row */
void sim_hash_in(struct sim *, uint64_t);
#endif
