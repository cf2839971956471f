/* SPDX-License-Identifier: GPL-3.0-or-later
 * zones.c - looking up in compiled zones (zones.h).
 *
 * Bounded work: one probe for a name that is there; at most seven more for one that is not, since
 * the parents of a node are all in the table, and the nearest can be found by halving.
 */
#include "zones.h"

uint32_t dns_zones_node(const struct dns_zones *zones, const struct dns_name *name, size_t label,
                        uint64_t hash)
{
    gyre_view wanted = dns_name_from(name, label);
    uint32_t at = dns_slot_first(hash, zones->slots_n);
    for (;;) {
        struct dns_slot slot = zones->slots[at];
        if (!slot.node) return 0;
        if (slot.tag == (uint32_t)hash) {
            const struct dns_node *node = dns_node(zones, slot.node);
            uint64_t name_at = (uint64_t)slot.node * DNS_WORD + sizeof *node;
            if (gyre_eq(dns_blob(zones, name_at, node->name_n), wanted))
                return slot.node;
        }
        if (++at == zones->slots_n) at = 0;
    }
}

uint32_t dns_zones_nearest(const struct dns_zones *zones, const struct dns_name *name,
                           uint64_t hash)
{
    uint32_t nearest = dns_zones_node(zones, name, 0, hash);
    size_t missing = 0, there = name->labels; /* the name from label `there` on is in the table */
    if (nearest) return nearest;
    while (there > missing + 1) {
        size_t middle = missing + (there - missing) / 2;
        uint32_t node = dns_zones_node(zones, name, middle,
                                       dns_name_hash(&zones->seed, name, middle));
        if (node) nearest = node;
        if (node) there = middle;
        else missing = middle;
    }
    return nearest;
}

/* Where the name of a node as written begins; its sets are behind it. */
static uint64_t written_at(const struct dns_node *node, uint32_t number)
{
    uint64_t at = (uint64_t)number * DNS_WORD + sizeof *node;
    return node->flags & NODE_CASED ? at + node->name_n : at;
}

gyre_view dns_zones_name(const struct dns_zones *zones, uint32_t number)
{
    const struct dns_node *node = dns_node(zones, number);
    return dns_blob(zones, written_at(node, number), node->name_n);
}

struct dns_found_set dns_zones_set(const struct dns_zones *zones, uint32_t number, uint16_t type)
{
    const struct dns_node *node = dns_node(zones, number);
    uint64_t at = written_at(node, number) + node->name_n;
    for (uint32_t i = 0; i < node->sets; i++) {
        struct dns_found_set found;
        memcpy(&found.head, &zones->blob[at], sizeof found.head);
        at += sizeof found.head;
        if (found.head.type == type || type == DNS_ANY) {
            found.bytes = dns_blob(zones, at, found.head.bytes);
            return found;
        }
        at += found.head.bytes;
    }
    return (struct dns_found_set){0};
}
