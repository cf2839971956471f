/* SPDX-License-Identifier: GPL-3.0-or-later
 * message.h - what the supervisor and a service say to each other.
 *
 * A SOCK_SEQPACKET pair; one packet is one message: a header, then `n` bytes of body, then at most
 * one descriptor. Both sides check magic, type, length and every field: a body is read with
 * gyre_in and must end exactly. A wrong message from a service is logged and ends that service; a
 * service treats the end of the channel as "drain and leave".
 *
 * A body is a row of fields: text is a 32-bit length and its bytes, a number is 8 bytes, all
 * big-endian (message_put_*, message_get_*).
 *
 * Down, and the fields of the body:
 *   M_OPENED    what the next plugin or section is about, with a descriptor, as a service's own
 *               user may not reach it by its path: text path
 *   M_PLUGIN    load this plugin: text name, text path of the private copy
 *   M_SECTION   a section, or a new version of it: number id, text name, text plugin
 *   M_ENTRY     one key of it: number id, text key, text value, text where, text folder
 *   M_PREPARE   the section is complete: number id, number version. on_load; then M_PREPARED
 *   M_LISTEN    one socket for one worker, with a descriptor: number id, number worker,
 *               number datagrams, text endpoint
 *   M_UNLISTEN  close that endpoint on all workers: number id, text endpoint
 *   M_COMMIT    versions prepared since the last one begin to serve; then M_COMMITTED. With nothing
 *               prepared and no socket told: every accept is armed anew (process_nudge)
 *   M_ABANDON   … are dropped
 *   M_REMOVE    the section leaves; its streams drain: number id
 *   M_REFRESH   sections whose files (file->load) changed are prepared anew, or log why not
 *   M_DRAIN     everything leaves, then M_DRAINED: number deadline_ms, number how (enum drain)
 *   M_SAVE      streams that may move go to the process at the other end of this descriptor, as
 *               transfer.c says
 *   M_RESTORE   … come from there; then M_RESTORED
 *   M_LINK      one end of a link of wide/1, with a descriptor: text interface, number answers
 *   M_LEVEL     log level: number level
 *   M_LOG       the log is another one, with a descriptor: number style (log.h)
 *   M_REFUSE    connections from an address are refused: text ip (16 bytes), number ms; 0 lets
 *               them in. Sent before M_LISTEN, and whenever there is one more
 *   M_LIST      open streams, of one section or of all (0): number question, number from (the
 *               place where to begin; 0 first), number section id; then M_ROWS
 *   M_KILL      one stream ends at once: number question, number place, number id; then M_KILLED
 *   M_CREDIT    so many more lines of the log may be copied: number lines
 * Up:
 *   M_PREPARED  on_load said: number id, number version, number ok, text why. ok 2: it wants what
 *               this process is closed off from (why); a new one can have it
 *   M_COMMITTED every worker accepts on every socket; the first one is READY
 *   M_RESTORED  streams have moved: number of them. It reads and writes them now
 *   M_ROWS      number question, number place to go on from (UINT64_MAX: that was all), then for
 *               each stream: number place (worker << 32 | slot), number id, number section id,
 *               number age_ms, number idle_ms, number bytes queued, number row_state, text peer,
 *               text endpoint (empty: dialled)
 *   M_LINE      a line of the log: number lines before it that there was no credit for, text line
 *   M_KILLED    number question, number 1 or 0 (there is none), number section id, text peer
 *   M_DRAINED   nothing is left; the process leaves with 0
 *   M_FATAL     cannot go on: text why
 *   M_JAILED    what it is closed in, before the first M_COMMITTED: rows of text key, number n and
 *               n texts
 *
 * Start: M_PLUGIN …, (M_SECTION M_ENTRY … M_PREPARE) …, M_LISTEN …, M_COMMIT. A change of a running
 * service is the same without M_PLUGIN. Messages are handled in order.
 */
#ifndef GYRE_MESSAGE_H
#define GYRE_MESSAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "gyre.h"
#include "jail.h"
#include "limits.h"
#include "ring.h"

enum message_type {
    M_PLUGIN = 1, M_SECTION, M_ENTRY, M_PREPARE, M_LISTEN, M_UNLISTEN, M_COMMIT, M_ABANDON,
    M_REMOVE, M_DRAIN, M_LEVEL, M_REFRESH, M_REFUSE, M_SAVE, M_RESTORE, M_LINK, M_LIST, M_KILL,
    M_OPENED, M_LOG, M_CREDIT,
    M_PREPARED = 64, M_COMMITTED, M_DRAINED, M_FATAL, M_JAILED, M_RESTORED, M_ROWS, M_KILLED,
    M_LINE,
    M_STREAM = 96, M_PART, M_TAKEN, M_MOVED, /* of transfer.c */
};
enum drain {
    DRAIN_STOP,     /* all leave now */
    DRAIN_REPLACED, /* a newer process accepts: who is there may stay, but for GYRE_BRIEF */
    DRAIN_SPREAD,   /* all leave, over half of the time: their clients will come back */
};

enum row_state { ROW_OPENING, ROW_READING, ROW_RESTING, ROW_CLOSING };
enum { PREPARED_NOT, PREPARED_OK, PREPARED_ELSEWHERE };

struct message {
    enum message_type type;
    int fd;           /* -1: none. The receiver owns it */
    gyre_in in;       /* the body; into bytes */
    uint8_t bytes[LIMIT_MESSAGE_BODY];
};

/* Builds and sends in one go. false: the other side is gone, or the body was too long. Blocks
 * while the channel is full. */
struct message_out {
    gyre_out out;
    enum message_type type;
    uint8_t bytes[LIMIT_MESSAGE_BODY + 16];
};
void message_begin(struct message_out *, enum message_type);
void message_put_text(struct message_out *, gyre_view);
void message_put_number(struct message_out *, uint64_t);
bool message_send(struct message_out *, int channel, int fd_or_minus_1);
/* The same, if there is room now. false: nothing was sent. [any] */
bool message_offer(struct message_out *, int channel);

/* 1: a message; 0: none now (the channel is non-blocking); -1: the end, or something malformed
 * (why says which). */
int message_receive(int channel, struct message *, char *why, size_t why_n);
gyre_view message_get_text(struct message *);
uint64_t message_get_number(struct message *);

/* ---- service.c: the life of a service process ---- */

struct service_start {
    const char *name;    /* "http" */
    uint32_t generation, workers;
    enum ring_kind ring;
    int channel;         /* to the supervisor; taken */
    int stats_fd;        /* struct stats_page in a memfd; taken; -1: a private page */
    bool threads_only;   /* --single: return instead of _exit, install no signal handlers */
    enum jail_mode sandbox; /* not with threads_only */
    const char *lacks;   /* what of the sandbox could not be had so far; NULL: nothing */
};
/* Runs until drained or the channel ends; the exit status. [its own process or thread] */
int service_main(const struct service_start *);
#endif
