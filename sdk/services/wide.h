/* SPDX-License-Identifier: MIT
 * wide.h - "wide/1": requests and events between plugins that have processes of their own.
 *
 * A MESSAGE INTERFACE is an id like "counter/1", without a table: whoever answers it writes it into
 * its offers with a NULL table, whoever asks writes it into its needs with a NULL slot; both need
 * "wide/1". The two keep their processes: one may crash, be replaced or upgraded, and the other
 * goes on. The revision is a part of the id: a need that nobody offers holds the section back, and
 * it is told; with `optional` the section serves, and each request is answered GYRE_GONE.
 *
 * Whoever offers gets requests as mail to the home, on worker 0, of its first section: asked is 1,
 * topic is the id; type and bytes are the other plugin's, who may be anything: check them. It
 * answers with gyre->reply(home, mail->from, mail->tag, …), now or later.
 *
 * Limits of one pair of processes and one id: 256 requests under way, 64 KiB each way in each, and
 * 1 MiB that the other process has not read.
 */
#ifndef GYRE_WIDE_H
#define GYRE_WIDE_H
#include "../gyre.h"

/* Types of mail that come from the host, to those who follow; nobody can publish them. */
#define GYRE_WIDE_ANEW 0xffffffffu /* it is there (again), or events were lost: ask what you need */
#define GYRE_WIDE_LOST 0xfffffffeu /* it is gone, and no other is there: if one comes, ANEW */
#define GYRE_WIDE_TYPES 0xfffffff0u /* from here on types are the host's */

struct gyre_wide {
    uint32_t size;

    /* A request to whoever offers `id`. done: as of gyre->ask, answered exactly once. err: GONE (it
     * is not there, or crashed before it answered: whether it acted is not known), LATE, FULL (too
     * many wait for it), UNSUPPORTED (its home takes no mail), or the replier's. within_ns <= 0: 10
     * s; over an hour: an hour. GYRE_FULL: longer than 64 KiB, or no memory. [worker] */
    int (*ask)(struct gyre_actor *, const char *id, uint32_t type, gyre_view, int64_t within_ns,
               uint64_t tag, gyre_done *);

    /* Of whoever offers `id`: mail to all actors that follow it, in all processes. GYRE_AGAIN:
     * some process is behind, and does not get it; GYRE_WIDE_ANEW follows there. GYRE_FULL: longer
     * than 64 KiB, or no memory: nobody gets it. GYRE_INVALID: a type of the host. [worker] */
    int (*publish)(struct gyre_actor *, const char *id, uint32_t type, gyre_view);

    /* From now on, or no more, on_mail gets what is published: its topic is the id. Once a link is
     * there, GYRE_WIDE_ANEW comes first; to whoever follows later, it does not: ask. Counts as a
     * topic of bus/1. GYRE_FULL: too many topics, or no memory. [worker] */
    int (*follow)(struct gyre_actor *, const char *id, bool on);
};
#endif
