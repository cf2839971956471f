/* SPDX-License-Identifier: GPL-3.0-or-later
 * reply.c - see reply.h.
 */
#include "reply.h"

enum { POINTER = 0xc000, POINTER_MOST = 0x3fff, RECORD_HEAD = 12 };

static size_t length(const struct dns_reply *reply)
{
    return reply->out->n - reply->begin;
}

static void remember(struct dns_reply *reply, uint32_t node, size_t at)
{
    if (reply->names_n == DNS_REPLY_NAMES || at > POINTER_MOST) return;
    reply->names[reply->names_n] = node;
    reply->name_at[reply->names_n++] = (uint16_t)at;
}

/* The question's own name, from its nearest node up. */
static void seed(struct dns_reply *reply)
{
    size_t end = DNS_HEADER_BYTES + reply->query->name.n;
    reply->seeded = true;
    for (uint32_t node = reply->nearest; node; node = dns_node(reply->zones, node)->parent)
        remember(reply, node, end - dns_node(reply->zones, node)->name_n);
}

static uint16_t pointer_to(const struct dns_reply *reply, uint32_t node)
{
    for (uint32_t i = 0; i < reply->names_n; i++)
        if (reply->names[i] == node) return (uint16_t)(POINTER | reply->name_at[i]);
    return 0;
}

static void put_name(struct dns_reply *reply, uint32_t node)
{
    if (!reply->seeded) seed(reply);
    gyre_view name = dns_zones_name(reply->zones, node);
    while (node) {
        uint16_t pointer = pointer_to(reply, node);
        if (pointer) {
            gyre_put_be(reply->out, pointer, 2);
            return;
        }
        remember(reply, node, length(reply));
        gyre_put(reply->out, gyre_head(&name, 1u + name.p[0]));
        node = dns_node(reply->zones, node)->parent;
    }
    gyre_put_byte(reply->out, 0);
}

static void put_owner(struct dns_reply *reply, uint32_t owner)
{
    if (owner == DNS_OWNER_QUESTION) gyre_put_be(reply->out, POINTER | DNS_HEADER_BYTES, 2);
    else put_name(reply, owner);
}

/* Records that are ready but for their owner. Targets are names that later ones may point to. */
static void put_ready(struct dns_reply *reply, uint32_t owner, const struct dns_found_set *set)
{
    bool targets = dns_shape(set->head.type).form == DNS_TARGETS;
    gyre_view left = set->bytes, record, ids = GYRE_NOTHING;
    if (targets) {
        gyre_view all = left;
        left.n -= set->head.count * sizeof(uint32_t);
        (void)gyre_head(&all, left.n);
        ids = all;
    }
    if (!targets && owner == DNS_OWNER_QUESTION) {
        gyre_put(reply->out, left);
        return;
    }
    for (size_t i = 0; left.n >= RECORD_HEAD; i++) {
        size_t data_n = (size_t)left.p[RECORD_HEAD - 2] << 8 | left.p[RECORD_HEAD - 1];
        if (!gyre_exact(&left, RECORD_HEAD + data_n, &record)) return;
        put_owner(reply, owner);
        (void)gyre_head(&record, 2);
        gyre_put(reply->out, record);
        if (!targets) continue;
        uint32_t target = dns_number_at(ids, i * sizeof(uint32_t));
        if (!reply->seeded) seed(reply);
        if (target && !pointer_to(reply, target))
            remember(reply, target, length(reply) - dns_node(reply->zones, target)->name_n);
    }
}

static void put_rows(struct dns_reply *reply, uint32_t owner, const struct dns_found_set *set,
                     uint32_t ttl_most)
{
    struct dns_shape shape = dns_shape(set->head.type);
    uint32_t ttl = dns_number_at(set->bytes, 0);
    gyre_view left = set->bytes, row;
    if (ttl > ttl_most) ttl = ttl_most;
    (void)gyre_head(&left, sizeof ttl);
    while (gyre_exact(&left, dns_row_bytes(shape), &row)) {
        put_owner(reply, owner);
        gyre_put_be(reply->out, (uint64_t)set->head.type << 16 | DNS_IN, 4);
        gyre_put_be(reply->out, (uint64_t)ttl << 16, 6);
        size_t data = reply->out->n;
        gyre_put(reply->out, gyre_head(&row, shape.before));
        for (size_t i = 0; i < shape.names; i++) {
            gyre_view number = gyre_head(&row, sizeof(uint32_t));
            put_name(reply, dns_number_at(number, 0));
        }
        gyre_put(reply->out, row);
        gyre_patch_be(reply->out, data - 2, reply->out->n - data, 2);
    }
}

void dns_reply_begin(struct dns_reply *reply)
{
    static const uint8_t head[DNS_HEADER_BYTES];
    reply->begin = reply->out->n;
    reply->flags = 0;
    reply->rcode = reply->query->rcode;
    reply->answers = reply->authorities = reply->additional = 0;
    reply->seeded = false;
    reply->names_n = 0;
    if (reply->query->edns) reply->most -= DNS_OPT_BYTES;
    gyre_put(reply->out, (gyre_view){head, sizeof head});
    gyre_put(reply->out, reply->query->question);
}

bool dns_reply_set(struct dns_reply *reply, uint32_t owner, const struct dns_found_set *set,
                   uint32_t ttl_most, uint16_t *count)
{
    size_t before = reply->out->n;
    uint32_t names_before = reply->names_n;
    if (reply->out->full) return false; /* not even the head found room */
    if (dns_shape(set->head.type).form == DNS_NAMES) put_rows(reply, owner, set, ttl_most);
    else put_ready(reply, owner, set);
    if (!reply->out->full && length(reply) <= reply->most) {
        *count = (uint16_t)(*count + set->head.count);
        return true;
    }
    reply->out->full = false;
    reply->out->n = before;
    reply->names_n = names_before;
    reply->seeded = names_before > 0;
    return false;
}

void dns_reply_end(struct dns_reply *reply)
{
    const struct dns_query *query = reply->query;
    gyre_out *out = reply->out;
    uint16_t size = reply->udp_size;
    const uint8_t opt[DNS_OPT_BYTES] = {
        0, 0, DNS_OPT, (uint8_t)(size >> 8), (uint8_t)size, (uint8_t)(reply->rcode >> 4), 0,
        query->dnssec_ok ? DNS_DO >> 8 : 0, 0, 0, 0,
    };
    if (query->edns) gyre_put(out, (gyre_view){opt, sizeof opt});
    if (query->edns) reply->additional++;
    uint32_t kept = query->flags & (DNS_OPCODE | DNS_RD | DNS_CD);
    uint32_t flags = DNS_QR | kept | reply->flags | (reply->rcode & 0xf);
    const uint8_t head[DNS_HEADER_BYTES] = {
        (uint8_t)(query->id >> 8), (uint8_t)query->id,
        (uint8_t)(flags >> 8), (uint8_t)flags,
        0, query->question.n ? 1 : 0,
        (uint8_t)(reply->answers >> 8), (uint8_t)reply->answers,
        (uint8_t)(reply->authorities >> 8), (uint8_t)reply->authorities,
        (uint8_t)(reply->additional >> 8), (uint8_t)reply->additional,
    };
    if (out->full) out->n = reply->begin;
    else memcpy(&out->p[reply->begin], head, sizeof head);
}
