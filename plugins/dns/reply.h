/* SPDX-License-Identifier: GPL-3.0-or-later
 * reply.h - builds one answer: sections, counts, name compression, and the size it must keep.
 *
 * A set of records is put whole or not at all. Names are compressed against the question and
 * against all names put before (RFC 1035 section 4.1.4), by node numbers.
 */
#ifndef DNS_REPLY_H
#define DNS_REPLY_H

#include "query.h"
#include "zones.h"

enum { DNS_REPLY_NAMES = 48 }; /* remembered for compression; more only make a longer message */
enum { DNS_OWNER_QUESTION = UINT32_MAX }; /* an owner: the name that was asked for */

struct dns_reply {
    const struct dns_zones *zones; /* set these five */
    const struct dns_query *query;
    gyre_out *out;
    size_t most;          /* its longest size */
    uint16_t udp_size;    /* what we tell of ourselves */

    uint32_t nearest;     /* the node of the question, or its nearest ancestor */
    size_t begin;         /* where it begins in out */
    uint16_t flags, rcode;
    uint16_t answers, authorities, additional;
    bool seeded;          /* with the names of the question */
    uint32_t names_n;
    uint32_t names[DNS_REPLY_NAMES]; /* nodes, and where their names stand in the message */
    uint16_t name_at[DNS_REPLY_NAMES];
};

/* Puts the header and the question. */
void dns_reply_begin(struct dns_reply *);

/* Puts a set with that owner. false: it does not fit, and nothing was put. ttl_most shortens its
 * time. *count, one of the three above, grows. */
GYRE_USE bool dns_reply_set(struct dns_reply *, uint32_t owner, const struct dns_found_set *,
                            uint32_t ttl_most, uint16_t *count);

/* Puts the OPT record, for which begin kept room, and fills the header in. */
void dns_reply_end(struct dns_reply *);

#endif
