/* SPDX-License-Identifier: GPL-3.0-or-later
 * pack.c - from gathered records to compiled zones (builder.h, zones.h), with the checks that need
 * the whole of a zone: one SOA, an NS, nothing beside a CNAME, sets that fit into a message.
 *
 * Written in the order of names; references are numbers of names at first. When all have their
 * place, a second pass makes them numbers of nodes.
 */
#include "pack.h"

static const struct dns_draft_record *record(const struct dns_packer *packer, size_t place)
{
    return &packer->from->records[packer->order[place]];
}

static gyre_view rdata(const struct dns_packer *packer, const struct dns_draft_record *r)
{
    return (gyre_view){&packer->from->bytes[r->at], r->n};
}

static gyre_view spelling(const struct dns_packer *packer, uint32_t name)
{
    const struct dns_draft_name *draft = &packer->from->names[name];
    return (gyre_view){&packer->from->bytes[draft->at], draft->n};
}

static void complain(struct dns_packer *packer, const struct dns_draft_record *r,
                     const char *message)
{
    uint8_t space[1100];
    gyre_out name = GYRE_OUT(space);
    dns_name_show(&name, spelling(packer, r->owner));
    dns_trouble(packer->troubles, packer->from->zones[r->zone].file, r->line, "%.*s: %s",
                (int)name.n, (const char *)name.p, message);
}

/* Appends to the blob. */
static void put(struct dns_packer *packer, const void *p, size_t n)
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
static bool repeated(const struct dns_packer *packer, size_t first, size_t place)
{
    gyre_view wanted = rdata(packer, record(packer, place));
    for (size_t i = first; i < place; i++)
        if (gyre_eq(rdata(packer, record(packer, i)), wanted)) return true;
    return false;
}

static void put_plain(struct dns_packer *packer, const struct dns_draft_record *r, uint32_t ttl,
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

/* The longest that a record gets: its names may turn out shorter by compression. */
static uint64_t wire_bytes(const struct dns_packer *packer, const struct dns_draft_record *r)
{
    struct dns_shape shape = dns_shape(r->type);
    uint64_t n = 12u + r->n;
    for (size_t i = 0; i < shape.names; i++) {
        uint32_t name = dns_number_at(rdata(packer, r), shape.before + i * sizeof(uint32_t));
        n += packer->from->names[name].n - sizeof(uint32_t);
    }
    return n;
}

/* Packs the records of one set, first … end - 1 in order. false: it was refused. */
static bool put_set(struct dns_packer *packer, size_t first, size_t end)
{
    enum { MOST = DNS_MESSAGE_BYTES - DNS_HEADER_BYTES - DNS_NAME_BYTES - 4 - DNS_OPT_BYTES };
    const struct dns_draft_record *r = record(packer, first);
    const size_t target_n = sizeof(uint32_t);
    enum dns_form form = dns_shape(r->type).form;
    struct dns_set head = {.type = r->type};
    uint64_t at = packer->to->blob_n, wire = 0;
    uint32_t ttl = r->ttl;
    for (size_t i = first; i < end && wire <= MOST; i++) {
        wire += wire_bytes(packer, record(packer, i));
        if (record(packer, i)->ttl < ttl) ttl = record(packer, i)->ttl; /* RFC 2181 section 5.2 */
    }
    if (wire > MOST) {
        complain(packer, r, "more records of one type than fit into a DNS message");
        return false;
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
    if (packer->from->no_memory) return false;
    head.bytes = (uint32_t)(packer->to->blob_n - at - sizeof head);
    memcpy(&packer->to->blob[at], &head, sizeof head);
    packer->to->records += head.count;
    return true;
}

/* Nothing but what DNSSEC needs stands beside a CNAME, and no second one. */
static void check_alias(struct dns_packer *packer, size_t first, size_t end)
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

static void put_nodes(struct dns_packer *packer)
{
    struct dns_zones *to = packer->to;
    size_t place = 0;
    for (uint32_t i = 0; i < packer->from->names_n && !packer->from->no_memory; i++) {
        static const uint8_t padding[DNS_WORD];
        struct dns_node *node = &packer->nodes[i];
        gyre_view written = spelling(packer, i), rest = written;
        struct dns_name name;
        size_t first = place;
        put(packer, padding, (DNS_WORD - to->blob_n % DNS_WORD) % DNS_WORD);
        uint64_t at = to->blob_n;
        if (at / DNS_WORD > UINT32_MAX || !dns_name_cut(&rest, &name)) return;
        packer->numbers[i] = (uint32_t)(at / DNS_WORD);
        put(packer, node, sizeof *node);
        put(packer, name.bytes, name.n);
        if (node->flags & NODE_CASED) put(packer, written.p, written.n);
        while (place < packer->order_n && record(packer, place)->owner == i) {
            size_t start = place;
            uint16_t type = record(packer, place)->type;
            while (place < packer->order_n && record(packer, place)->owner == i &&
                   record(packer, place)->type == type)
                place++;
            if (put_set(packer, start, place)) node->sets++;
        }
        check_alias(packer, first, place);
    }
}

/* Makes the number of a name that stands there that of its node. */
static void settle_number(struct dns_packer *packer, uint64_t at)
{
    uint32_t number;
    memcpy(&number, &packer->to->blob[at], sizeof number);
    memcpy(&packer->to->blob[at], &packer->numbers[number], sizeof number);
}

static void settle_set(struct dns_packer *packer, const struct dns_set *set, uint64_t at)
{
    struct dns_shape shape = dns_shape(set->type);
    uint64_t row = at + sizeof(uint32_t);
    if (shape.form == DNS_TARGETS)
        for (uint32_t i = 1; i <= set->count; i++)
            settle_number(packer, at + set->bytes - i * sizeof(uint32_t));
    if (shape.form == DNS_NAMES)
        for (uint32_t i = 0; i < set->count; i++, row += dns_row_bytes(shape))
            for (uint32_t k = 0; k < shape.names; k++)
                settle_number(packer, row + shape.before + k * sizeof(uint32_t));
}

static void settle_nodes(struct dns_packer *packer)
{
    for (size_t i = 0; i < packer->from->names_n; i++) {
        struct dns_node *node = &packer->nodes[i];
        uint64_t at = (uint64_t)packer->numbers[i] * DNS_WORD;
        node->parent = packer->numbers[node->parent];
        node->wild = packer->numbers[node->wild];
        node->cut = packer->numbers[node->cut];
        memcpy(&packer->to->blob[at], node, sizeof *node);
        at += sizeof *node + node->name_n + (node->flags & NODE_CASED ? node->name_n : 0u);
        for (uint32_t k = 0; k < node->sets; k++) {
            struct dns_set set;
            memcpy(&set, &packer->to->blob[at], sizeof set);
            at += sizeof set;
            settle_set(packer, &set, at);
            at += set.bytes;
        }
    }
}

static bool make_slots(struct dns_packer *packer)
{
    struct dns_zones *to = packer->to;
    uint64_t n = (uint64_t)packer->from->names_n * 5 / 3 + 8;
    to->slots_n = n < UINT32_MAX ? (uint32_t)n : UINT32_MAX;
    to->slots = packer->from->memory(NULL, to->slots_n * sizeof *to->slots);
    if (!to->slots) return false;
    memset(to->slots, 0, to->slots_n * sizeof *to->slots);
    for (uint32_t i = 1; i < packer->from->names_n; i++) {
        uint64_t hash = packer->from->names[i].hash;
        uint32_t at = dns_slot_first(hash, to->slots_n);
        while (to->slots[at].node)
            if (++at == to->slots_n) at = 0;
        to->slots[at] = (struct dns_slot){(uint32_t)hash, packer->numbers[i]};
    }
    return true;
}

static bool make_zones(struct dns_packer *packer)
{
    struct dns_builder *from = packer->from;
    struct dns_zones *to = packer->to;
    to->zones = from->memory(NULL, (from->zones_n + 1) * sizeof *to->zones);
    if (!to->zones) return false;
    to->zones_n = (uint32_t)from->zones_n;
    for (size_t i = 0; i < from->zones_n; i++) {
        const struct dns_draft_zone *draft = &from->zones[i];
        uint32_t apex = packer->numbers[draft->apex];
        struct dns_found_set soa = dns_zones_set(to, apex, DNS_SOA);
        to->zones[i] = (struct dns_zone){.apex = apex};
        if (!soa.head.type)
            dns_trouble(packer->troubles, draft->file, 0, "the zone has no SOA record");
        if (soa.head.count > 1)
            dns_trouble(packer->troubles, draft->file, 0, "the zone has more than one SOA record");
        if (!dns_zones_set(to, apex, DNS_NS).head.type)
            dns_trouble(packer->troubles, draft->file, 0, "the zone has no NS record at its apex");
        gyre_in last = gyre_in_of(soa.bytes);
        uint32_t ttl = dns_number_at(soa.bytes, 0);
        (void)gyre_bytes(&last, soa.bytes.n < 4 ? 0 : soa.bytes.n - 4);
        uint64_t minimum = gyre_be(&last, 4);
        to->zones[i].negative_ttl = minimum < ttl ? (uint32_t)minimum : ttl;
    }
    return true;
}

static bool pack(struct dns_packer *packer)
{
    struct dns_builder *from = packer->from;
    if (from->no_memory) return false;
    packer->numbers = from->memory(NULL, from->names_n * sizeof *packer->numbers);
    if (!packer->numbers || !dns_pack_nodes(packer) || !dns_pack_order(packer)) return false;
    put_nodes(packer);
    if (from->no_memory) return false;
    settle_nodes(packer);
    return make_slots(packer) && make_zones(packer);
}

bool dns_builder_pack(struct dns_builder *builder, struct dns_troubles *troubles,
                      struct dns_zones *zones)
{
    struct dns_packer packer = {.from = builder, .troubles = troubles, .to = zones};
    *zones = (struct dns_zones){.seed = builder->seed, .names = (uint32_t)builder->names_n};
    if (!builder->zones_n) return false;
    if (!pack(&packer)) builder->no_memory = true;
    void *blocks[] = {packer.nodes, packer.numbers, packer.order};
    for (size_t i = 0; i < sizeof blocks / sizeof blocks[0]; i++)
        if (blocks[i]) builder->memory(blocks[i], 0);
    if (builder->no_memory || troubles->n) {
        dns_zones_free(zones, builder->memory);
        return false;
    }
    uint8_t *exact = builder->memory(zones->blob, zones->blob_n);
    if (exact) zones->blob = exact;
    return true;
}
