/* SPDX-License-Identifier: GPL-3.0-or-later
 * stats.h - numbers of every section, on a page that the supervisor and one service share.
 *
 * A row belongs to one section on one worker, which alone writes it; the supervisor reads at any
 * time and treats what it reads as untrusted. The page survives a crash of the service; behind the
 * rows stands the black box (box.h).
 */
#ifndef GYRE_STATS_H
#define GYRE_STATS_H

#include <stdatomic.h>
#include <stdint.h>

#include "box.h"
#include "limits.h"

enum stat_id {
    STAT_STREAMS,        /* open now */
    STAT_ACTORS,         /* alive now, homes and ports too */
    STAT_STREAMS_TOTAL,
    STAT_MESSAGES,       /* on_data that TOOK, and datagrams */
    STAT_BYTES_IN,
    STAT_BYTES_OUT,
    STAT_DATAGRAMS_IN,
    STAT_DATAGRAMS_OUT,
    STAT_MAILS,
    STAT_MEMORY,         /* bytes of mem, buf and queues now */
    /* limits that were hit */
    STAT_HIT_STREAMS,    /* streams_max: refused */
    STAT_HIT_ADDRESS,    /* per_address_max: refused */
    STAT_HIT_REFUSED,    /* of an address that is refused, as its input kills */
    STAT_HIT_FDS,        /* no descriptor: accept paused */
    STAT_HIT_MESSAGE,    /* message_max: closed */
    STAT_HIT_OUT,        /* out_max: closed */
    STAT_HIT_IN,         /* in_max: not read for a while */
    STAT_HIT_MEMORY,     /* memory_max: refused */
    STAT_HIT_HANDSHAKE,  /* deadlines: closed */
    STAT_HIT_MESSAGE_TIME,
    STAT_HIT_IDLE,
    STAT_HIT_TOTAL,
    STAT_HIT_BOX,        /* a mailbox was full */
    STAT_DROPPED,        /* datagrams not sent */
    STAT_BAD_INPUT,      /* on_data said BAD */
    STAT_BUILD_FULL,     /* a builder overran */
    STAT_STALLS,         /* callbacks that took long; the supervisor counts them */
    STAT_MAX,
};
extern const char *const stat_names[STAT_MAX]; /* "streams", … for status --json */

struct stats_row {
    _Atomic uint32_t section; /* id, 0: unused */
    uint32_t worker;
    _Atomic int64_t v[STAT_MAX];
    _Atomic int64_t metrics[LIMIT_METRICS];
};
enum { STATS_ROWS = 1024 }; /* x ~480 B: pages are touched as rows are used */
struct stats_page {
    _Atomic uint32_t rows; /* used so far */
    _Atomic uint32_t ring; /* enum ring_kind that its workers run on; RING_AUTO: none runs yet */
    struct stats_row row[STATS_ROWS];
    struct black_box box;
};

static inline void stats_add(_Atomic int64_t *v, int64_t by)
{
    atomic_store_explicit(v, atomic_load_explicit(v, memory_order_relaxed) + by,
                          memory_order_relaxed);
}
#endif
