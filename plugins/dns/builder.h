/* SPDX-License-Identifier: GPL-3.0-or-later
 * builder.h - gathers names and records while zone files are read, then packs them (zones.h).
 *
 * Owns its memory until dns_builder_free. Runs when a configuration is loaded, never when a
 * question is answered. Memory that runs out is remembered: no_memory, asked at the end.
 */
#ifndef DNS_BUILDER_H
#define DNS_BUILDER_H

#include "zones.h"

/* realloc in one: old NULL makes, n 0 gives back. NULL: no memory, and old is untouched. */
typedef void *dns_memory(void *old, size_t n);

/* What is wrong with the zone files, "file:line: message" by line, until `out` is full. */
enum { DNS_TROUBLES_SHOWN = 20 };
struct dns_troubles {
    gyre_out *out;
    uint32_t n;
};
void dns_trouble(struct dns_troubles *, gyre_view file, uint32_t line, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

struct dns_draft_name {
    uint64_t hash;
    uint32_t at; /* its spelling in bytes */
    uint32_t parent;
    uint32_t zone; /* number + 1 of the zone whose apex it is, or 0 */
    uint8_t n;
    bool cased;
};
struct dns_draft_record {
    uint32_t owner, zone, ttl, line;
    uint32_t at; /* its rdata in bytes: wire form, but a node number for each name in the row, and
                    one behind a target */
    uint16_t n, type;
};
struct dns_draft_zone {
    uint32_t apex;
    gyre_view file; /* for messages; lent */
};

struct dns_builder {
    dns_memory *memory; /* set these two, the rest zero */
    struct dns_seed seed;
    bool no_memory;
    struct dns_draft_name *names;
    struct dns_draft_record *records;
    struct dns_draft_zone *zones;
    uint8_t *bytes;
    uint32_t *slots; /* of names; 0 is empty */
    size_t names_n, names_cap, records_n, records_cap, zones_n, zones_cap, bytes_n, bytes_cap;
    size_t slots_n;
};

/* Starts a zone; its number. false: it is there already (or no memory). */
GYRE_USE bool dns_builder_zone(struct dns_builder *, gyre_view apex, gyre_view file,
                               uint32_t *number);

/* The number of a name in wire form, which must be valid. 0: the root, or no memory. */
uint32_t dns_builder_name(struct dns_builder *, gyre_view wire);

/* Adds a record; owner, zone, ttl, line, type are set. */
void dns_builder_record(struct dns_builder *, struct dns_draft_record, gyre_view rdata);

/* True when a is b or below it. */
bool dns_builder_below(const struct dns_builder *, uint32_t a, uint32_t b);

/* Checks and packs. Its memory comes from builder->memory and is the caller's. false: troubles
 * say why, or no_memory; or no zone was started. */
GYRE_USE bool dns_builder_pack(struct dns_builder *, struct dns_troubles *, struct dns_zones *);

/* Makes room for `need` items in a vector. false: no memory. */
GYRE_USE bool dns_builder_grow(struct dns_builder *, void **vector, size_t *cap, size_t need,
                               size_t item_bytes);

void dns_builder_free(struct dns_builder *);
void dns_zones_free(struct dns_zones *, dns_memory *);

#endif
