/* SPDX-License-Identifier: GPL-3.0-or-later
 * order.c - the first half of packing (pack.h): which names exist, and the order of records.
 *
 * Time is linear in names and records: two counting sorts, by type and by owner, bring the records
 * of a set together in the order of the file.
 */
#include "pack.h"

/* False for what an outer zone says of names that an inner zone owns (zones.h). */
static bool served(const struct dns_packer *packer, const struct dns_draft_record *r)
{
    const struct dns_node *owner = &packer->nodes[r->owner];
    if (owner->zone == r->zone + 1) return true;
    return r->type == DNS_DS && owner->flags & NODE_APEX &&
           packer->nodes[owner->parent].zone == r->zone + 1;
}

bool dns_pack_nodes(struct dns_packer *packer)
{
    struct dns_builder *from = packer->from;
    struct dns_node *nodes = from->memory(NULL, from->names_n * sizeof *nodes);
    if (!nodes) return false;
    packer->nodes = nodes;
    for (uint32_t i = 0; i < from->names_n; i++) {
        const struct dns_draft_name *draft = &from->names[i];
        nodes[i] = (struct dns_node){.parent = draft->parent, .name_n = draft->n};
        nodes[i].zone = draft->zone || !i ? draft->zone : nodes[draft->parent].zone;
        nodes[i].flags = (uint8_t)((draft->zone ? NODE_APEX : 0) | (draft->cased ? NODE_CASED : 0));
        gyre_view name = {&from->bytes[draft->at], draft->n};
        if (!draft->zone && gyre_skip(&name, GYRE_LIT("\1*"))) nodes[draft->parent].wild = i;
    }
    for (size_t i = 0; i < from->records_n; i++) {
        const struct dns_draft_record *r = &from->records[i];
        struct dns_node *owner = &nodes[r->owner];
        if (!served(packer, r)) continue;
        owner->flags |= NODE_REAL;
        if (r->type == DNS_NS && !(owner->flags & NODE_APEX)) owner->cut = r->owner;
    }
    for (uint32_t i = 1; i < from->names_n; i++)
        if (!(nodes[i].flags & NODE_APEX) && nodes[nodes[i].parent].cut)
            nodes[i].cut = nodes[nodes[i].parent].cut;
    for (uint32_t i = (uint32_t)from->names_n; i-- > 1;)
        if (nodes[i].flags & NODE_REAL && nodes[nodes[i].parent].zone)
            nodes[nodes[i].parent].flags |= NODE_REAL;
    for (uint32_t i = 0; i < from->names_n; i++) /* a "*" that only records point to is none */
        if (!(nodes[nodes[i].wild].flags & NODE_REAL)) nodes[i].wild = 0;
    return true;
}

/* Turns counts into places: counts[i] becomes the sum of those before it. */
static void places(uint32_t *counts, size_t n)
{
    uint32_t sum = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t count = counts[i];
        counts[i] = sum;
        sum += count;
    }
}

bool dns_pack_order(struct dns_packer *packer)
{
    struct dns_builder *from = packer->from;
    const struct dns_draft_record *all = from->records;
    size_t counts_n = from->names_n > UINT16_MAX ? from->names_n : UINT16_MAX + 1u;
    uint32_t *counts = from->memory(NULL, counts_n * sizeof *counts);
    uint32_t *by_type = from->memory(NULL, (from->records_n + 1) * sizeof *by_type);
    packer->order = from->memory(NULL, (from->records_n + 1) * sizeof *packer->order);
    if (counts && by_type && packer->order) {
        memset(counts, 0, counts_n * sizeof *counts);
        for (size_t i = 0; i < from->records_n; i++)
            if (served(packer, &all[i])) counts[all[i].type]++, packer->order_n++;
        places(counts, counts_n);
        for (size_t i = 0; i < from->records_n; i++)
            if (served(packer, &all[i])) by_type[counts[all[i].type]++] = (uint32_t)i;
        memset(counts, 0, counts_n * sizeof *counts);
        for (size_t i = 0; i < packer->order_n; i++) counts[all[by_type[i]].owner]++;
        places(counts, counts_n);
        for (size_t i = 0; i < packer->order_n; i++)
            packer->order[counts[all[by_type[i]].owner]++] = by_type[i];
    }
    bool done = counts && by_type && packer->order;
    if (counts) from->memory(counts, 0);
    if (by_type) from->memory(by_type, 0);
    return done;
}

