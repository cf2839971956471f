/* SPDX-License-Identifier: GPL-3.0-or-later
 * kernel.h - what kernel.c (the table), operations.c and net.c (sockets, far ends)
 * share. They change the same tables; nobody else includes this.
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

enum sim_kind { SIM_STREAM, SIM_LISTENER, SIM_PORT };

/* The server's side. */
struct sim_socket {
    struct sim *sim;
    enum sim_kind kind;
    int fd;
    uint32_t worker;
    bool given;                 /* the server knows the descriptor */
    bool closed, read_shut, write_shut, connected;
    bool ended, reset;          /* what the far end did */
    gyre_addr local, peer;
    struct sim_piece *in, **in_end;
    struct sim_end *end;        /* of a stream */
    struct sim_end *waiting;    /* of a listener: connections not yet accepted */
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
    struct sim_end *waiting;
};

struct sim {
    int64_t now_ns, wall_from_zero_ns;
    uint64_t seed, chance; /* of gyre->random, and of what the kernel decides */
    uint32_t buffers, short_sends;
    size_t window;
    struct sim_socket **sockets;
    size_t sockets_n, sockets_cap;
    struct sim_end *ends;
    struct sim_peer_place *peers;
    struct sim_ring *rings[LIMIT_WORKERS];
    uint16_t next_port;
};

/* ---- operations ---- */

enum sim_what {
    DO_ACCEPT, DO_RECV, DO_RECV_FROM, DO_SEND, DO_SEND_MSG, DO_SEND_TO, DO_READ, DO_CONNECT,
    DO_POLL, DO_CANCEL, DO_SHUTDOWN, DO_CLOSE,
};
enum { BID_DATAGRAM = 0x4000 };

struct sim_op {
    struct sim_op *next;
    enum sim_what what;
    int fd, how;
    uint64_t user, at; /* at: in a file */
    void *to;
    const void *from;
    size_t n;
    const struct msghdr *message;
    union ring_address address;
};
struct sim_buffer {
    uint8_t *bytes; /* NULL: not out */
    size_t n;
    gyre_path path;
};
struct sim_ring {
    struct ring pub;
    struct sim *sim;
    uint32_t index;
    struct sim_op *first, **last;
    struct ring_event *events;
    size_t events_n, events_cap, events_at;
    struct sim_buffer streams[RING_BUFFERS], datagrams[RING_DATAGRAMS];
    int64_t deadline_ns;
    bool idle, woken;
};

/* true: it is over, and told so. */
bool sim_run(struct sim_ring *, struct sim_op *);
void sim_unlink(struct sim_ring *, struct sim_op **);
uint32_t sim_rings_left(const struct sim *, char *why, size_t why_n);

/* ---- the world ---- */

struct sim_socket *sim_socket_at(struct sim *, int fd); /* stops when it is closed or none */
struct sim_socket *sim_socket_make(struct sim *, enum sim_kind, uint32_t worker);
struct sim_end *sim_end_make(struct sim *, struct sim_socket *, const gyre_addr *at);
struct sim_peer_place *sim_peer_at(struct sim *, const gyre_addr *at, const char *path);
void sim_got(struct sim_end *, const void *, size_t n); /* appends what the server sent */
size_t sim_room(const struct sim_end *);                /* how much the far end takes now */
struct sim_end *sim_sender_at(struct sim *, const struct sim_socket *port, const gyre_addr *at);
void sim_server_closes(struct sim_socket *);
#endif
