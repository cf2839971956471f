/* SPDX-License-Identifier: GPL-3.0-or-later
 * answer.h - the whole of an answer, from a query that was read.
 */
#ifndef DNS_ANSWER_H
#define DNS_ANSWER_H

#include "reply.h"

/* How many aliases are followed in one answer. */
enum { DNS_ALIASES = 16 };

/* What came out, for counting. */
struct dns_outcome {
    uint16_t rcode;
    bool truncated, referral, nodata;
};

/* Appends the answer to reply->out. Its zones, query, out, most and udp_size are set; the rest is
 * space to work in. What does not fit is marked by TC; only if `out` is too small for a header and
 * a question, nothing is appended, and it is full. */
struct dns_outcome dns_answer(struct dns_reply *);

#endif
