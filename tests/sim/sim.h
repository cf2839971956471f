/* SPDX-License-Identifier: GPL-3.0-or-later
 * sim.h - a simulated kernel behind ring.h and blocking.h, and the far ends of its wires.
 *
 * A `sim` is one world: virtual clock, seeded randomness, sockets, files, and a ring for each
 * worker. The core sees only ring.h and blocking.h; a test holds the far ends: clients of listening
 * sockets, senders of datagrams, and peers that answer a dial. All of it runs in one thread, so a
 * run is repeatable: the same seed makes the same trace.
 *
 * It behaves like the real ring where a plugin or the core could notice: operations begin when
 * the ring waits and never complete at the call; multishot operations end and say so; receive
 * buffers are few, of exact size, and gone once given back; a send may be short; a peer that does
 * not read fills up; closing with unread input resets; a unix socket has no reset. What the real
 * kernel would punish in silence (use of a closed descriptor, two sends at once, a buffer given
 * twice, bytes that change while they are being sent) stops the program here. Faults (faults.c) are
 * off until a test sets them.
 *
 * Descriptors of sockets start at SIM_FD_FIRST and are not used again (but see sim_rewind). Smaller
 * ones are real (files, inotify) and are read, polled and closed for real.
 */
#ifndef GYRE_SIM_H
#define GYRE_SIM_H

#include <stdio.h>

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
/* Nothing real (files) changes: real descriptors are not polled in each turn. */
void sim_set_still(struct sim *, bool);
void sim_set_wall(struct sim *, int64_t wall_ns);    /* the wall clock now */
void sim_set_window(struct sim *, size_t n);         /* of peers that do not read */
/* So many events fit into a completion queue; further ones come a turn later, and what is multishot
 * ends. 0: any number. */
void sim_set_queue(struct sim *, uint32_t events);

/* ---- time: moves only here ---- */

int64_t sim_now(const struct sim *);
void sim_advance(struct sim *, int64_t to_ns);
/* True when no ring has anything to do before *next_ns (GYRE_NEVER: before a peer acts). */
bool sim_quiet(const struct sim *, int64_t *next_ns);
/* The same at the end of a turn, without another: nothing is queued and no event waits. What is due
 * by the worker's own clock it does not know. */
bool sim_waits(const struct sim *);
bool sim_idle(const struct ring *); /* this one has nothing to do now */
/* Something outside changed (a file): every ring looks again. */
void sim_touch(struct sim *);

/* ---- processes: who holds which ring and descriptor ---- */

/* Rings and descriptors that come from now on belong to this process; preset 1. */
void sim_process(struct sim *, uint32_t process);
/* The process died: its operations and buffers are gone, its descriptors are closed. */
void sim_kill(struct sim *, uint32_t process);
uint32_t sim_process_of(const struct sim *, int fd);

/* ---- sockets of the server ---- */

int sim_listen(struct sim *, uint32_t worker, const gyre_addr *local, bool datagrams);
/* Another descriptor of the same listening socket or port, as one sent to another process is. */
int sim_share(struct sim *, int listener);

/* ---- files (files.c), for a core that may not see real ones ---- */

/* From now on blocking.h leads here, until sim_free. */
void sim_files(struct sim *);
/* A file appears, or is replaced as editors do it; n SIZE_MAX: it goes. path is absolute. */
void sim_file(struct sim *, const char *path, const void *bytes, size_t n);

/* ---- far ends; they live as long as the sim ---- */

enum sim_state { SIM_OPEN, SIM_ENDED, SIM_RESET }; /* as the far end sees it: FIN, RST */

/* from NULL: 127.0.0.1; its port 0: the next free one. NULL: nobody listens. */
struct sim_end *sim_connect(struct sim *, int listener, const gyre_addr *from);
struct sim_end *sim_sender(struct sim *, int port, const gyre_addr *from);
/* A stream that a worker was handed, as one end of a socket pair: its descriptor. */
int sim_pair(struct sim *, uint32_t worker, struct sim_end **far);
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

/* Of a ring whose worker has nothing left to do: operations that never ended, buffers that are out
 * (a watch of folders is polled to the end). Adds a line for each kind; true: there are some. */
bool sim_ring_left(const struct ring *, char *why, size_t why_n);
/* Everything given back? Else one sentence for each thing that was not; the number of them. */
uint32_t sim_left(const struct sim *, char *why, size_t why_n);

/* Reads "192.0.2.1:80" or "[2001:db8::1]:80". */
bool sim_address(const char *text, gyre_addr *);

/* ---- faults (faults.c) ---- */

enum sim_fault {
    /* of the kernel */
    FAULT_SHORT_READ, FAULT_SHORT_WRITE, FAULT_NO_BUFFERS, FAULT_ACCEPT_ENDS, FAULT_RECV_ENDS,
    FAULT_CANCEL_RACE, FAULT_QUEUE_FULL, FAULT_NO_FDS, FAULT_ABORTED, FAULT_REORDERED, FAULT_LATE,
    FAULT_SEND_ERROR, FAULT_AGAIN, FAULT_CONNECT, FAULT_EMIT, FAULT_LOST, FAULT_DATAGRAM_CUT,
    FAULT_FILE_SHORT, FAULT_FILE_ERROR, FAULT_WATCH_LOST,
    /* of what a test does; it counts them with sim_note_fault */
    FAULT_RESET, FAULT_HALF_CLOSE, FAULT_SLOW, FAULT_STALLED, FAULT_CLOCK, FAULT_MEMORY,
    FAULT_CRASH, FAULT_RELOAD, FAULT_DRAIN,
    FAULT_KINDS
};
const char *sim_fault_name(enum sim_fault);
void sim_set_fault(struct sim *, enum sim_fault, uint32_t per_million);
void sim_calm(struct sim *, bool); /* no faults of the kernel while on */
void sim_note_fault(struct sim *, enum sim_fault, uint64_t n);
uint64_t sim_faults(const struct sim *, enum sim_fault); /* how often it happened */
uint64_t sim_random(uint64_t *state);

/* ---- what happened ---- */

uint64_t sim_hash(const struct sim *);   /* of everything that happened, in order */
uint64_t sim_events(const struct sim *); /* that rings gave to the core */
/* Writes each operation and event as a line; NULL: no more. */
void sim_trace(struct sim *, FILE *);
/* Into the trace, with the time. */
void sim_say(struct sim *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Asked before an event is given to the core: false means that nobody can take it any more. */
void sim_on_event(struct sim *,
                  bool (*alive)(void *user, const struct ring *, const struct ring_event *),
                  void *user);
/* Called instead of stopping, when the core does what the real kernel would punish in silence. It
 * must not return. */
void sim_on_wrong(void (*)(const char *what));
#endif
