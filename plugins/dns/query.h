/* SPDX-License-Identifier: GPL-3.0-or-later
 * query.h - one question off the wire, judged as far as that goes without the zones.
 */
#ifndef DNS_QUERY_H
#define DNS_QUERY_H

#include "name.h"
#include "types.h"

struct dns_query {
    uint64_t hash;        /* of name; set when rcode is NOERROR */
    gyre_view question;   /* name, type and class as they came; empty: not to be repeated */
    uint16_t id, flags, type;
    uint16_t udp_size;    /* what the client takes: 512 without EDNS */
    uint16_t rcode;       /* NOERROR: look it up. May be an extended one */
    uint8_t version;      /* of EDNS */
    bool edns, dnssec_ok;
    struct dns_name name;
};

/* Reads a message, which must outlive the query. false: it gets no answer at all. */
GYRE_USE bool dns_query_cut(gyre_view message, const struct dns_seed *, struct dns_query *);

#endif
