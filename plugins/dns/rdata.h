/* SPDX-License-Identifier: GPL-3.0-or-later
 * rdata.h - the data of a record: from words of a master file, and from wire form (RFC 3597).
 *
 * Both give what dns_builder_record keeps: wire form, but a node number in the machine's order for
 * each name that may be compressed, and one behind the target of SRV.
 */
#ifndef DNS_RDATA_H
#define DNS_RDATA_H

#include "builder.h"
#include "lexer.h"

/* Reads the words up to the end of the record, and that. NULL, or what is wrong; it concerns
 * lexer->word if *word is set. */
const char *dns_rdata_text(struct dns_builder *, struct dns_lexer *, const struct dns_type *,
                           const struct dns_spelled *origin, gyre_out *, bool *word);

/* Checks wire form without compression, all of it. NULL, or what is wrong. */
const char *dns_rdata_wire(struct dns_builder *, const struct dns_type *, gyre_view wire,
                           gyre_out *);

/* "90", "1h30m", "1w": seconds, at most 2^31 - 1 (RFC 2181 section 8). */
GYRE_USE bool dns_time_of_text(gyre_view text, uint32_t *seconds);

#endif
