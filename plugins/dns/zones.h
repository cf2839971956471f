/* SPDX-License-Identifier: GPL-3.0-or-later
 * zones.h - all zones of a section, compiled: one table of names, their records nearly ready for
 * the wire. Immutable; all workers read it.
 *
 * Names. Each owner, each name above one, and each name that a record points to (one that may be
 * compressed, or a target of SRV) is a node. Its number is its place in blob, in words of four
 * bytes; number 0 is the root. So records point to nodes: following an alias, finding an address
 * for an MX and compressing need no look-up. A parent's number is smaller than its children's.
 *
 * What belongs to a node lies together, for the cache: a struct dns_node; its name in lower case;
 * if NODE_CASED, its name as written; then its sets, by type: a struct dns_set and `bytes` bytes,
 * whose form the type tells (types.h):
 *   plain    whole records, their owner a pointer to the question (C0 0C)
 *   targets  the same, and then a node number for each record
 *   names    a 32-bit TTL, then rows with node numbers instead of names
 * Numbers that are not yet wire form are in the machine's order, unaligned.
 *
 * A zone that lies in another one: the inner one owns its names. What the outer file says of them
 * is dropped, but for the DS records at the inner apex, which belong to the outer zone.
 */
#ifndef DNS_ZONES_H
#define DNS_ZONES_H

#include "name.h"
#include "types.h"

enum dns_node_flags {
    NODE_REAL = 1,  /* has records, or has a descendant in its zone that has (RFC 4592: exists) */
    NODE_APEX = 2,
    NODE_CASED = 4, /* written with capitals */
};
struct dns_node {
    uint32_t parent;
    uint32_t wild;   /* its child "*", or 0 */
    uint32_t cut;    /* the topmost delegation at it or above it, in its zone; or 0 */
    uint32_t zone;   /* number of its zone + 1; 0: in none of ours */
    uint16_t sets;
    uint8_t name_n;
    uint8_t flags;
};
struct dns_slot { /* node 0: empty */
    uint32_t tag, node;
};
struct dns_set {
    uint32_t bytes;
    uint16_t type, count;
};
struct dns_zone {
    uint32_t apex;
    uint32_t negative_ttl; /* RFC 2308: the smaller of the SOA's TTL and its last field */
};

struct dns_zones {
    struct dns_seed seed;
    struct dns_slot *slots;
    struct dns_zone *zones;
    uint8_t *blob; /* aligned for a struct dns_node */
    uint64_t blob_n, records;
    uint32_t slots_n, names, zones_n;
};

/* A set of records of a node: its head, and where its bytes are. type 0: there is none. */
struct dns_found_set {
    struct dns_set head;
    gyre_view bytes;
};

static inline gyre_view dns_blob(const struct dns_zones *zones, uint64_t at, uint64_t n)
{
    return (gyre_view){&zones->blob[at], n};
}

enum { DNS_WORD = 4 };
static inline const struct dns_node *dns_node(const struct dns_zones *zones, uint32_t number)
{
    return (const struct dns_node *)(const void *)&zones->blob[(size_t)number * DNS_WORD];
}

/* The place of a hash in a table of n slots: the high half chooses it, the low half is its tag. */
static inline uint32_t dns_slot_first(uint64_t hash, uint32_t slots_n)
{
    return (uint32_t)((hash >> 32) * slots_n >> 32);
}

/* The node of the name from that label on, or 0: none (or the root). */
uint32_t dns_zones_node(const struct dns_zones *, const struct dns_name *, size_t label,
                        uint64_t hash);

/* The node of the name, or of its nearest ancestor that is in the table; real or not. */
uint32_t dns_zones_nearest(const struct dns_zones *, const struct dns_name *, uint64_t hash);

/* The set of that type; DNS_ANY: the first. */
struct dns_found_set dns_zones_set(const struct dns_zones *, uint32_t node, uint16_t type);

/* The name of a node in wire form, as written. */
gyre_view dns_zones_name(const struct dns_zones *, uint32_t node);

/* The 32-bit number in the machine's order that stands there; 0 past the end. */
static inline uint32_t dns_number_at(gyre_view v, size_t at)
{
    uint32_t number = 0;
    if (v.n >= sizeof number && at <= v.n - sizeof number)
        memcpy(&number, &v.p[at], sizeof number);
    return number;
}

/* Start what the look-up of this hash will wait for: its slot; its node. */
static inline void dns_zones_fetch_slot(const struct dns_zones *zones, uint64_t hash)
{
    __builtin_prefetch(&zones->slots[dns_slot_first(hash, zones->slots_n)]);
}
static inline void dns_zones_fetch_node(const struct dns_zones *zones, uint64_t hash)
{
    uint32_t place = dns_slot_first(hash, zones->slots_n);
    while (zones->slots[place].node && zones->slots[place].tag != (uint32_t)hash)
        if (++place == zones->slots_n) place = 0;
    size_t at = (size_t)zones->slots[place].node * DNS_WORD;
    __builtin_prefetch(&zones->blob[at]);
    if (at + 64 < zones->blob_n) __builtin_prefetch(&zones->blob[at + 64]);
}

#endif
