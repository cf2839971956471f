/* SPDX-License-Identifier: GPL-3.0-or-later
 * sim.h - a simulated kernel behind ring.h, and the far ends of its wires.
 *
 * A `sim` is one world: virtual clock, seeded randomness, sockets, and a ring for each worker. The
 * core sees only ring.h; a test holds the far ends: clients of listening sockets, senders of
 * datagrams, and peers that answer a dial. All of it runs in one thread, so a run is repeatable.
 *
 * It behaves like the real ring where a plugin or the core could notice: operations begin when
 * the ring waits and never complete at the call; multishot operations end and say so; receive
 * buffers are few, of exact size, and gone once given back; a send may be short; a peer that does
 * not read fills up; closing with unread input resets. What the real kernel would punish in silence
 * (use of a closed descriptor, two sends at once, a buffer given twice) stops the program here.
 *
 * Descriptors of sockets start at SIM_FD_FIRST and are not used again (but see sim_rewind). Smaller
 * ones are real (files, inotify) and are read, polled and closed for real.
 */
#ifndef GYRE_RING_MEM_H
#define GYRE_RING_MEM_H

#include "limits.h"
#include "ring.h"

enum {
    SIM_FD_FIRST = 1 << 20,
    SIM_WINDOW = 64 * 1024, /* preset: what a peer that does not read takes before it is full */
};

struct sim;
struct sim_end;

struct sim *sim_make(uint64_t seed);
void sim_free(struct sim *); /* after all its rings */
/* Between two runs of one world: forgets far ends, and sockets that have closed; their descriptors
 * are used again. A stream that is still open stays, and its far end. Randomness begins anew. */
void sim_rewind(struct sim *, uint64_t seed);
struct ring *sim_ring(struct sim *, uint32_t worker);

/* ---- what a run varies; set before the first turn ---- */

void sim_set_buffers(struct sim *, uint32_t n);      /* of each ring; preset RING_BUFFERS */
void sim_set_short_sends(struct sim *, uint32_t n);  /* a send takes 1 … n bytes; 0: any number */
void sim_set_wall(struct sim *, int64_t wall_ns);    /* the wall clock now */
void sim_set_window(struct sim *, size_t n);         /* of peers that do not read */

/* ---- time: moves only here ---- */

int64_t sim_now(const struct sim *);
void sim_advance(struct sim *, int64_t to_ns);
/* True when no ring has anything to do before *next_ns (GYRE_NEVER: before a peer acts). */
bool sim_quiet(const struct sim *, int64_t *next_ns);
/* Something outside changed (a file): every ring looks again. */
void sim_touch(struct sim *);

/* ---- sockets of the server ---- */

int sim_listen(struct sim *, uint32_t worker, const gyre_addr *local, bool datagrams);

/* ---- far ends; they live as long as the sim ---- */

enum sim_state { SIM_OPEN, SIM_ENDED, SIM_RESET }; /* as the far end sees it: FIN, RST */

/* from NULL: 127.0.0.1; its port 0: the next free one. NULL: nobody listens. */
struct sim_end *sim_connect(struct sim *, int listener, const gyre_addr *from);
struct sim_end *sim_sender(struct sim *, int port, const gyre_addr *from);
/* A peer that answers dials to this address, or to the path of a unix socket. sim_accept gives one
 * connection, or NULL: none yet. */
bool sim_peer(struct sim *, const gyre_addr *at, const char *path);
struct sim_end *sim_accept(struct sim *, const gyre_addr *at, const char *path);

/* Bytes, or one datagram, towards the server. apart: never in one turn with what came before. */
void sim_write(struct sim_end *, gyre_view, bool apart);
void sim_eof(struct sim_end *);
void sim_reset(struct sim_end *);
void sim_slow(struct sim_end *, bool); /* does not read: the window is all it takes */
bool sim_is_slow(const struct sim_end *);
bool sim_is_datagrams(const struct sim_end *);
gyre_view sim_unread(const struct sim_end *); /* came, not consumed; the next datagram */
bool sim_any(const struct sim_end *);         /* something is unread: an empty datagram counts */
void sim_consume(struct sim_end *, size_t n); /* a datagram: all of it */
gyre_view sim_all(const struct sim_end *);    /* everything that ever came */
enum sim_state sim_state(const struct sim_end *);
int sim_fd(const struct sim_end *);           /* the server's descriptor; -1 before accept */

/* Everything given back? Else one sentence for each thing that was not; the number of them. */
uint32_t sim_left(const struct sim *, char *why, size_t why_n);

/* Reads "192.0.2.1:80" or "[2001:db8::1]:80". */
bool sim_address(const char *text, gyre_addr *);
#endif
