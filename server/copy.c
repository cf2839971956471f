/* SPDX-License-Identifier: GPL-3.0-or-later
 * copy.c - copies of a service's log lines, to the supervisor (follow.c).
 *
 * A line is sent if there is credit for it and room in the channel; else it is counted, and the
 * next one says how many there were. Standard error has all of them. Promise: logging never waits,
 * and the channel is never full of lines. Any thread. With --single the supervisor hears them.
 */
#include <stdatomic.h>

#include "serve.h"

static int channel = -1; /* of the process; written before the first line is copied */
static _Atomic int64_t credit;
static _Atomic uint64_t lost;

static void take(gyre_view line, void *user)
{
    static _Thread_local struct message_out out;
    (void)user;
    if (atomic_fetch_sub(&credit, 1) <= 0) {
        atomic_fetch_add(&credit, 1);
        atomic_fetch_add(&lost, 1);
        return;
    }
    uint64_t before = atomic_exchange(&lost, 0);
    message_begin(&out, M_LINE);
    message_put_number(&out, before);
    message_put_text(&out, line);
    if (!message_offer(&out, channel)) atomic_fetch_add(&lost, before + 1);
}

void copy_credit(struct serve *s, uint64_t lines)
{
    if (s->start->threads_only) return;
    channel = s->start->channel;
    atomic_fetch_add(&credit, lines < LIMIT_LOG_CREDIT ? (int64_t)lines : LIMIT_LOG_CREDIT);
    log_copy_to(take, NULL);
}
