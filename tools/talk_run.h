/* SPDX-License-Identifier: GPL-3.0-or-later
 * talk_run.h - what talk_run.c (the script) and talk_client.c (its clients) share.
 */
#ifndef GYRE_TALK_RUN_H
#define GYRE_TALK_RUN_H

#include "../tests/sim/sim.h"
#include "talk.h"

enum { TALK_KEEPS_MOST = 16 };
#define PATIENCE GYRE_SECONDS(1) /* virtual: for what is expected and missing */

struct client {
    struct sim_end *end;
    gyre_addr at;      /* of a peer that listens */
    char path[108];
    bool listens;
    bool left;  /* it sent eof or reset, or the script saw its end */
    bool lossy; /* it did not read all that was sent */
};
struct run {
    const struct talk *talk;
    const struct talk_step *step;
    const char *tmp;
    const struct talk_cut *cut;
    struct talk_host *host;
    struct sim *sim;
    struct client clients[TALK_CLIENTS];
    uint64_t random;
    off_t log_at;
    bool reload_refused;
    char why[2048];
    FILE *report;      /* what the script expected and did not get; with a fault nobody reads it */
    FILE *failure;
    bool faulty;       /* a call fails in this run: expectations do not hold */
    bool failed;
    struct talk_bytes kept[TALK_KEEPS_MOST]; /* the last one is what ${KEPT} stands for */
    uint32_t kept_n;
};

/* Notes that the step did not come true; with a fault it need not. Always false. */
bool talk_fail(struct run *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Notes what must never be. Always false. */
bool talk_wrong(struct run *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
bool talk_settle(struct run *); /* runs until the service rests */
char *talk_text(const struct talk_step *); /* its bytes as a C string, allocated */
bool talk_client(struct run *);            /* plays a step of a client or peer */
/* ---- talk_keep.c ---- */
bool talk_keep(struct run *, gyre_view received); /* plays `keeps` */
/* The step's bytes with ${KEPT} replaced; in space, which is the caller's, if that changes them. */
gyre_view talk_with_kept(struct run *, struct talk_bytes *space);
size_t talk_without_kept(const struct run *, uint8_t *p, size_t n); /* in place; the new length */
void talk_kept_free(struct run *);

void talk_clients_end(struct run *);       /* nothing unread, nothing closed unseen; then eof */
#endif
