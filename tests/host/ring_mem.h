/* SPDX-License-Identifier: GPL-3.0-or-later
 * ring_mem.h - a kernel in memory behind ring.h, and the far ends of its wires.
 *
 * A `mem` is one world: virtual clock, seeded randomness, sockets, and a ring for each worker. The
 * core sees only ring.h; a test holds the far ends: clients of listening sockets, senders of
 * datagrams, and peers that answer a dial. All of it runs in one thread, so a run is repeatable.
 *
 * It behaves like the real ring where a plugin or the core could notice: operations begin when
 * the ring waits and never complete at the call; multishot operations end and say so; receive
 * buffers are few, of exact size, and gone once given back; a send may be short; a peer that does
 * not read fills up; closing with unread input resets. What the real kernel would punish in silence
 * (use of a closed descriptor, two sends at once, a buffer given twice) stops the program here.
 *
 * Descriptors of sockets start at MEM_FD_FIRST and are never used again. Smaller ones are real
 * (files, inotify) and are read, polled and closed for real.
 */
#ifndef GYRE_RING_MEM_H
#define GYRE_RING_MEM_H

#include "limits.h"
#include "ring.h"

enum {
    MEM_FD_FIRST = 1 << 20,
    MEM_WINDOW = 64 * 1024, /* what a peer that does not read takes before it is full */
};

struct mem;
struct mem_end;

struct mem *mem_make(uint64_t seed);
void mem_free(struct mem *); /* after all its rings */
struct ring *mem_ring(struct mem *, uint32_t worker);

/* ---- what a run varies; set before the first turn ---- */

void mem_set_buffers(struct mem *, uint32_t n);      /* of each ring; preset RING_BUFFERS */
void mem_set_short_sends(struct mem *, uint32_t n);  /* a send takes 1 … n bytes; 0: any number */
void mem_set_wall(struct mem *, int64_t wall_ns);    /* the wall clock now */

/* ---- time: moves only here ---- */

int64_t mem_now(const struct mem *);
void mem_advance(struct mem *, int64_t to_ns);
/* True when no ring has anything to do before *next_ns (GYRE_NEVER: before a peer acts). */
bool mem_quiet(const struct mem *, int64_t *next_ns);
/* Something outside changed (a file): every ring looks again. */
void mem_touch(struct mem *);

/* ---- sockets of the server ---- */

int mem_listen(struct mem *, uint32_t worker, const gyre_addr *local, bool datagrams);

/* ---- far ends; they live as long as the mem ---- */

enum mem_state { MEM_OPEN, MEM_ENDED, MEM_RESET }; /* as the far end sees it: FIN, RST */

/* from NULL: 127.0.0.1; its port 0: the next free one. NULL: nobody listens. */
struct mem_end *mem_connect(struct mem *, int listener, const gyre_addr *from);
struct mem_end *mem_sender(struct mem *, int port, const gyre_addr *from);
/* A peer that answers dials to this address, or to the path of a unix socket. mem_accept gives one
 * connection, or NULL: none yet. */
bool mem_peer(struct mem *, const gyre_addr *at, const char *path);
struct mem_end *mem_accept(struct mem *, const gyre_addr *at, const char *path);

/* Bytes, or one datagram, towards the server. apart: never in one turn with what came before. */
void mem_write(struct mem_end *, gyre_view, bool apart);
void mem_eof(struct mem_end *);
void mem_reset(struct mem_end *);
void mem_slow(struct mem_end *, bool); /* does not read: MEM_WINDOW more is all it takes */
bool mem_is_slow(const struct mem_end *);
bool mem_is_datagrams(const struct mem_end *);
gyre_view mem_unread(const struct mem_end *); /* came, not consumed; the next datagram */
bool mem_any(const struct mem_end *);         /* something is unread: an empty datagram counts */
void mem_consume(struct mem_end *, size_t n); /* a datagram: all of it */
gyre_view mem_all(const struct mem_end *);    /* everything that ever came */
enum mem_state mem_state(const struct mem_end *);
int mem_fd(const struct mem_end *);           /* the server's descriptor; -1 before accept */

/* Everything given back? Else one sentence for each thing that was not; the number of them. */
uint32_t mem_left(const struct mem *, char *why, size_t why_n);

/* Reads "192.0.2.1:80" or "[2001:db8::1]:80". */
bool mem_address(const char *text, gyre_addr *);
#endif
