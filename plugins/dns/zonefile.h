/* SPDX-License-Identifier: GPL-3.0-or-later
 * zonefile.h - reads one master file (RFC 1035 section 5) into a builder.
 *
 * Known: $ORIGIN, $TTL (RFC 2308), relative names, "@", blank owners, parentheses, quotes, escapes,
 * TTLs with units, unknown types (RFC 3597). $INCLUDE and $GENERATE are refused with a message.
 * Reading goes on after an error, so that one run shows all of them.
 */
#ifndef DNS_ZONEFILE_H
#define DNS_ZONEFILE_H

#include "builder.h"

/* Adds all records of text. apex: the name of the zone. file: for messages, kept by the builder.
 * What is wrong goes to troubles. */
void dns_zonefile(struct dns_builder *, const struct dns_spelled *apex, gyre_view file,
                  gyre_view text, struct dns_troubles *);

#endif
