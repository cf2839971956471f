/* SPDX-License-Identifier: GPL-3.0-or-later
 * pack.c - from gathered records to compiled zones (builder.h, zones.h), with the checks that need
 * the whole of a zone: one SOA, an NS, nothing beside a CNAME, sets that fit into a message.
 *
 * Time is linear in names and records: two counting sorts, by type and by owner, bring the records
 * of a set together in the order of the file.
 */
#include "builder.h"

struct packer {
    struct dns_builder *from;
    struct dns_troubles *troubles;
    struct dns_zones *to;
    uint32_t *order; /* numbers of the records that are served, by owner, type, line */
    size_t order_n, blob_cap;
};

static const struct dns_draft_record *record(const struct packer *packer, size_t place)
{
    return &packer->from->records[packer->order[place]];
}

static gyre_view rdata(const struct packer *packer, const struct dns_draft_record *r)
{
    return (gyre_view){&packer->from->bytes[r->at], r->n};
}

static gyre_view spelling(const struct packer *packer, uint32_t name)
{
    const struct dns_draft_name *draft = &packer->from->names[name];
    return (gyre_view){&packer->from->bytes[draft->at], draft->n};
}

static void complain(struct packer *packer, const struct dns_draft_record *r, const char *message)
{
    uint8_t space[1100];
    gyre_out name = GYRE_OUT(space);
    dns_name_show(&name, spelling(packer, r->owner));
    dns_trouble(packer->troubles, packer->from->zones[r->zone].file, r->line, "%.*s: %s",
                (int)name.n, (const char *)name.p, message);
}

/* False for what an outer zone says of names that an inner zone owns (zones.h). */
static bool served(const struct packer *packer, const struct dns_draft_record *r)
{
    const struct dns_node *owner = &packer->to->nodes[r->owner];
    if (owner->zone == r->zone + 1) return true;
    return r->type == DNS_DS && owner->flags & NODE_APEX &&
           packer->to->nodes[owner->parent].zone == r->zone + 1;
}

static bool make_nodes(struct packer *packer)
{
    struct dns_builder *from = packer->from;
    struct dns_node *nodes = from->memory(NULL, from->names_n * sizeof *nodes);
    if (!nodes) return false;
    packer->to->nodes = nodes;
    packer->to->nodes_n = (uint32_t)from->names_n;
    for (uint32_t i = 0; i < from->names_n; i++) {
        const struct dns_draft_name *draft = &from->names[i];
        nodes[i] = (struct dns_node){.parent = draft->parent, .name_n = draft->n};
        nodes[i].zone = draft->zone || !i ? draft->zone : nodes[draft->parent].zone;
        nodes[i].flags = (uint8_t)((draft->zone ? NODE_APEX : 0) | (draft->cased ? NODE_CASED : 0));
        gyre_view name = spelling(packer, i);
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
    for (uint32_t i = packer->to->nodes_n; i-- > 1;)
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

static bool sort_records(struct packer *packer)
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

/* Appends to the blob. */
static void put(struct packer *packer, const void *p, size_t n)
{
    struct dns_zones *to = packer->to;
    void *blob = to->blob;
    bool room = dns_builder_grow(packer->from, &blob, &packer->blob_cap, to->blob_n + n, 1);
    to->blob = blob;
    if (!room || !n) return;
    memcpy(&to->blob[to->blob_n], p, n);
    to->blob_n += n;
}

/* The same record again says nothing new (RFC 2181 section 5). */
static bool repeated(const struct packer *packer, size_t first, size_t place)
{
    gyre_view wanted = rdata(packer, record(packer, place));
    for (size_t i = first; i < place; i++)
        if (gyre_eq(rdata(packer, record(packer, i)), wanted)) return true;
    return false;
}

static void put_plain(struct packer *packer, const struct dns_draft_record *r, uint32_t ttl,
                      size_t wire_n)
{
    uint8_t space[12];
    gyre_out head = GYRE_OUT(space);
    gyre_put_be(&head, 0xc000 | DNS_HEADER_BYTES, 2);
    gyre_put_be(&head, r->type, 2);
    gyre_put_be(&head, DNS_IN, 2);
    gyre_put_be(&head, ttl, 4);
    gyre_put_be(&head, wire_n, 2);
    put(packer, head.p, head.n);
    put(packer, rdata(packer, r).p, wire_n);
}

/* Packs the records of one set, first … end - 1 in order. */
static void put_set(struct packer *packer, size_t first, size_t end)
{
    enum { MOST = DNS_MESSAGE_BYTES - DNS_HEADER_BYTES - DNS_NAME_BYTES - 4 - DNS_OPT_BYTES };
    const struct dns_draft_record *r = record(packer, first);
    const size_t target_n = sizeof(uint32_t);
    enum dns_form form = dns_shape(r->type).form;
    struct dns_set head = {.type = r->type};
    uint64_t at = packer->to->blob_n, wire = 0;
    uint32_t ttl = r->ttl;
    for (size_t i = first; i < end && wire <= MOST; i++) {
        wire += 12u + record(packer, i)->n;
        if (record(packer, i)->ttl < ttl) ttl = record(packer, i)->ttl; /* RFC 2181 section 5.2 */
    }
    if (wire > MOST) {
        complain(packer, r, "more records of one type than fit into a DNS message");
        return;
    }
    put(packer, &head, sizeof head);
    if (form == DNS_NAMES) put(packer, &ttl, sizeof ttl);
    for (size_t i = first; i < end; i++) {
        r = record(packer, i);
        if (repeated(packer, first, i)) continue;
        if (form == DNS_NAMES) put(packer, rdata(packer, r).p, r->n);
        else put_plain(packer, r, ttl, r->n - (form == DNS_TARGETS ? target_n : 0));
        head.count++;
    }
    for (size_t i = first; form == DNS_TARGETS && i < end; i++)
        if (!repeated(packer, first, i))
            put(packer, &rdata(packer, record(packer, i)).p[record(packer, i)->n - target_n],
                target_n);
    if (packer->from->no_memory) return;
    head.bytes = (uint32_t)(packer->to->blob_n - at - sizeof head);
    memcpy(&packer->to->blob[at], &head, sizeof head);
    packer->to->records += head.count;
}

/* Nothing but what DNSSEC needs stands beside a CNAME, and no second one. */
static void check_alias(struct packer *packer, size_t first, size_t end)
{
    const struct dns_draft_record *alias = NULL, *other = NULL;
    for (size_t i = first; i < end; i++) {
        const struct dns_draft_record *r = record(packer, i);
        if (r->type == DNS_CNAME && alias && !repeated(packer, first, i)) other = r;
        if (r->type == DNS_CNAME && !alias) alias = r;
        if (r->type != DNS_CNAME && r->type != 25 && r->type != 46 && r->type != 47) other = r;
    }
    if (alias && other)
        complain(packer, alias, "other records stand beside this CNAME, which must be alone");
}

static void put_nodes(struct packer *packer)
{
    struct dns_zones *to = packer->to;
    size_t place = 0;
    for (uint32_t i = 0; i < to->nodes_n && !packer->from->no_memory; i++) {
        struct dns_node *node = &to->nodes[i];
        gyre_view written = spelling(packer, i);
        struct dns_name name;
        gyre_view rest = written;
        size_t first = place;
        if (to->blob_n > UINT32_MAX - DNS_NAME_BYTES || !dns_name_cut(&rest, &name)) return;
        node->at = (uint32_t)to->blob_n;
        put(packer, name.bytes, name.n);
        if (node->flags & NODE_CASED) put(packer, written.p, written.n);
        while (place < packer->order_n && record(packer, place)->owner == i) {
            size_t start = place;
            uint16_t type = record(packer, place)->type;
            while (place < packer->order_n && record(packer, place)->owner == i &&
                   record(packer, place)->type == type)
                place++;
            put_set(packer, start, place);
            node->sets++;
        }
        check_alias(packer, first, place);
    }
}

static bool make_slots(struct packer *packer)
{
    struct dns_zones *to = packer->to;
    uint64_t n = (uint64_t)to->nodes_n * 5 / 3 + 8;
    to->slots_n = n < UINT32_MAX ? (uint32_t)n : UINT32_MAX;
    to->slots = packer->from->memory(NULL, to->slots_n * sizeof *to->slots);
    if (!to->slots) return false;
    memset(to->slots, 0, to->slots_n * sizeof *to->slots);
    for (uint32_t i = 1; i < to->nodes_n; i++) {
        uint64_t hash = packer->from->names[i].hash;
        uint32_t at = dns_slot_first(hash, to->slots_n);
        while (to->slots[at].node)
            if (++at == to->slots_n) at = 0;
        to->slots[at] = (struct dns_slot){(uint32_t)hash, i};
    }
    return true;
}

static bool make_zones(struct packer *packer)
{
    struct dns_builder *from = packer->from;
    struct dns_zones *to = packer->to;
    to->zones = from->memory(NULL, (from->zones_n + 1) * sizeof *to->zones);
    if (!to->zones) return false;
    to->zones_n = (uint32_t)from->zones_n;
    for (size_t i = 0; i < from->zones_n; i++) {
        const struct dns_draft_zone *draft = &from->zones[i];
        struct dns_found_set soa = dns_zones_set(to, draft->apex, DNS_SOA);
        to->zones[i] = (struct dns_zone){.apex = draft->apex};
        if (!soa.head.type)
            dns_trouble(packer->troubles, draft->file, 0, "the zone has no SOA record");
        if (soa.head.count > 1)
            dns_trouble(packer->troubles, draft->file, 0, "the zone has more than one SOA record");
        if (!dns_zones_set(to, draft->apex, DNS_NS).head.type)
            dns_trouble(packer->troubles, draft->file, 0, "the zone has no NS record at its apex");
        gyre_in last = gyre_in_of(soa.bytes);
        uint32_t ttl = dns_number_at(soa.bytes, 0);
        (void)gyre_bytes(&last, soa.bytes.n < 4 ? 0 : soa.bytes.n - 4);
        uint64_t minimum = gyre_be(&last, 4);
        to->zones[i].negative_ttl = minimum < ttl ? (uint32_t)minimum : ttl;
    }
    return true;
}

bool dns_builder_pack(struct dns_builder *builder, struct dns_troubles *troubles,
                      struct dns_zones *zones)
{
    struct packer packer = {.from = builder, .troubles = troubles, .to = zones};
    *zones = (struct dns_zones){.seed = builder->seed};
    if (!builder->zones_n) return false;
    if (!builder->no_memory && make_nodes(&packer) && sort_records(&packer)) put_nodes(&packer);
    else builder->no_memory = true;
    if (zones->blob_n > UINT32_MAX - DNS_NAME_BYTES) builder->no_memory = true;
    if (!builder->no_memory && (!make_slots(&packer) || !make_zones(&packer)))
        builder->no_memory = true;
    if (packer.order) builder->memory(packer.order, 0);
    if (builder->no_memory || troubles->n) {
        dns_zones_free(zones, builder->memory);
        return false;
    }
    uint8_t *exact = builder->memory(zones->blob, zones->blob_n);
    if (exact) zones->blob = exact;
    return true;
}
