/* SPDX-License-Identifier: GPL-3.0-or-later
 * mem.h - what ring_mem.c (the table), mem_run.c (operations) and mem_net.c (sockets, far ends)
 * share. They change the same tables; nobody else includes this.
 */
#ifndef GYRE_MEM_H
#define GYRE_MEM_H

#include "ring_mem.h"

/* Bytes on their way to the server: one write, or one datagram. */
struct mem_piece {
    struct mem_piece *next;
    gyre_addr from; /* of a datagram */
    size_t n, at;   /* at: delivered so far */
    bool apart;
    uint8_t bytes[];
};

enum mem_kind { MEM_STREAM, MEM_LISTENER, MEM_PORT };

/* The server's side. */
struct mem_socket {
    struct mem *mem;
    enum mem_kind kind;
    int fd;
    uint32_t worker;
    bool given;                 /* the server knows the descriptor */
    bool closed, read_shut, write_shut, connected;
    bool ended, reset;          /* what the far end did */
    gyre_addr local, peer;
    struct mem_piece *in, **in_end;
    struct mem_end *end;        /* of a stream */
    struct mem_end *waiting;    /* of a listener: connections not yet accepted */
};

struct mem_end {
    struct mem_end *next;         /* all of the world */
    struct mem_end *waiting_next; /* of a listener or a peer */
    struct mem_socket *socket;
    gyre_addr at;
    bool datagrams, slow;
    enum mem_state state;
    uint8_t *got;                 /* everything that ever came */
    size_t got_n, got_cap, got_at, slow_from;
    size_t *sizes;                /* of datagrams */
    size_t sizes_n, sizes_cap, sizes_at;
};

/* A place that answers dials. */
struct mem_peer_place {
    struct mem_peer_place *next;
    gyre_addr at;
    char path[108];
    struct mem_end *waiting;
};

struct mem {
    int64_t now_ns, wall_from_zero_ns;
    uint64_t seed, chance; /* of gyre->random, and of what the kernel decides */
    uint32_t buffers, short_sends;
    struct mem_socket **sockets;
    size_t sockets_n, sockets_cap;
    struct mem_end *ends;
    struct mem_peer_place *peers;
    struct mem_ring *rings[LIMIT_WORKERS];
    uint16_t next_port;
};

/* ---- operations ---- */

enum mem_what {
    DO_ACCEPT, DO_RECV, DO_RECV_FROM, DO_SEND, DO_SEND_MSG, DO_SEND_TO, DO_READ, DO_CONNECT,
    DO_POLL, DO_CANCEL, DO_SHUTDOWN, DO_CLOSE,
};
enum { BID_DATAGRAM = 0x4000 };

struct mem_op {
    struct mem_op *next;
    enum mem_what what;
    int fd, how;
    uint64_t user, at; /* at: in a file */
    void *to;
    const void *from;
    size_t n;
    const struct msghdr *message;
    union ring_address address;
};
struct mem_buffer {
    uint8_t *bytes; /* NULL: not out */
    size_t n;
    gyre_path path;
};
struct mem_ring {
    struct ring pub;
    struct mem *mem;
    uint32_t index;
    struct mem_op *first, **last;
    struct ring_event *events;
    size_t events_n, events_cap, events_at;
    struct mem_buffer streams[RING_BUFFERS], datagrams[RING_DATAGRAMS];
    int64_t deadline_ns;
    bool idle, woken;
};

/* true: it is over, and told so. */
bool mem_run(struct mem_ring *, struct mem_op *);
void mem_unlink(struct mem_ring *, struct mem_op **);
uint32_t mem_rings_left(const struct mem *, char *why, size_t why_n);

/* ---- the world ---- */

_Noreturn void mem_wrong(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void *mem_need(void *p); /* p, or stops: no memory */
uint64_t mem_random(uint64_t *state);
struct mem_socket *mem_socket_at(struct mem *, int fd); /* stops when it is closed or none */
struct mem_socket *mem_socket_make(struct mem *, enum mem_kind, uint32_t worker);
struct mem_end *mem_end_make(struct mem *, struct mem_socket *, const gyre_addr *at);
struct mem_peer_place *mem_peer_at(struct mem *, const gyre_addr *at, const char *path);
void mem_got(struct mem_end *, const void *, size_t n); /* appends what the server sent */
size_t mem_room(const struct mem_end *);                /* how much the far end takes now */
struct mem_end *mem_sender_at(struct mem *, const struct mem_socket *port, const gyre_addr *at);
void mem_server_closes(struct mem_socket *);
#endif
