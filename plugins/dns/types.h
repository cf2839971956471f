/* SPDX-License-Identifier: GPL-3.0-or-later
 * types.h - numbers of the protocol, and what is known of each record type.
 */
#ifndef DNS_TYPES_H
#define DNS_TYPES_H

#include "gyre.h"

enum dns_type_number {
    DNS_A = 1,
    DNS_NS = 2,
    DNS_CNAME = 5,
    DNS_SOA = 6,
    DNS_PTR = 12,
    DNS_MX = 15,
    DNS_TXT = 16,
    DNS_AAAA = 28,
    DNS_SRV = 33,
    DNS_OPT = 41,
    DNS_DS = 43,
    DNS_TKEY = 249,
    DNS_TSIG = 250,
    DNS_IXFR = 251,
    DNS_AXFR = 252,
    DNS_MAILB = 253,
    DNS_MAILA = 254,
    DNS_ANY = 255,
};
enum { DNS_IN = 1 };

enum dns_rcode {
    DNS_NOERROR = 0,
    DNS_FORMERR = 1,
    DNS_NXDOMAIN = 3,
    DNS_NOTIMP = 4,
    DNS_REFUSED = 5,
    DNS_BADVERS = 16,
};

enum dns_flags {
    DNS_QR = 0x8000,
    DNS_OPCODE = 0x7800,
    DNS_AA = 0x0400,
    DNS_TC = 0x0200,
    DNS_RD = 0x0100,
    DNS_CD = 0x0010,
    DNS_DO = 0x8000, /* of the OPT record */
};
enum { DNS_HEADER_BYTES = 12, DNS_OPT_BYTES = 11, DNS_MESSAGE_BYTES = 65535 };

/* The fields of its rdata, one letter each:
 *   b w d  number of 8, 16, 32 bits     t  time, 32 bits        4 6  IPv4, IPv6 address
 *   n  name that may be compressed      u  name that may not    s S  one string; one or more
 *   g  CAA tag                          v  text up to the end   x    hexadecimal up to the end */
struct dns_type {
    const char *name;
    uint16_t number;
    const char *fields; /* NULL: unknown, written as \# LENGTH HEX (RFC 3597) */
};

/* "MX", "TYPE15" in any case. false: no type. */
GYRE_USE bool dns_type_of_text(gyre_view text, struct dns_type *);

/* What is known of a number; its name is NULL for unknown ones. */
struct dns_type dns_type_of_number(uint16_t number);

/* "IN", "CLASS1" in any case. false: no class. */
GYRE_USE bool dns_class_of_text(gyre_view text, uint16_t *number);

/* How the records of a type lie in memory (zones.h). */
enum dns_form {
    DNS_PLAIN,   /* ready for the wire */
    DNS_NAMES,   /* rows of: `before` bytes, `names` node numbers, `after` bytes */
    DNS_TARGETS, /* ready for the wire, and then a node number each */
};
struct dns_shape {
    enum dns_form form;
    uint8_t before, names, after;
};
static inline struct dns_shape dns_shape(uint16_t type)
{
    switch (type) {
    case DNS_NS:
    case DNS_CNAME:
    case DNS_PTR: return (struct dns_shape){DNS_NAMES, 0, 1, 0};
    case DNS_MX: return (struct dns_shape){DNS_NAMES, 2, 1, 0};
    case DNS_SOA: return (struct dns_shape){DNS_NAMES, 0, 2, 20};
    case DNS_SRV: return (struct dns_shape){DNS_TARGETS, 0, 0, 0};
    default: return (struct dns_shape){DNS_PLAIN, 0, 0, 0};
    }
}
static inline size_t dns_row_bytes(struct dns_shape shape)
{
    return shape.before + shape.names * sizeof(uint32_t) + shape.after;
}

#endif
