/* SPDX-License-Identifier: GPL-3.0-or-later
 * answer.c - what to say to a question: RFC 1034 section 4.3.2.
 *
 * Chosen where the RFCs leave room: no NS records beside positive answers; for ANY, the first set
 * (RFC 8482 section 4.1); additional addresses only from our zones, and never synthesized.
 * Bounded work: DNS_ALIASES aliases, DNS_TARGETS_MOST targets of additional addresses.
 */
#include "answer.h"

enum { DNS_TARGETS_MOST = 32, NO_LIMIT = UINT32_MAX };

/* Where an answer stands: a name, and what is known of it. */
struct place {
    uint32_t owner; /* the name in question: a node, or DNS_OWNER_QUESTION */
    uint32_t node;  /* that of the name; or the nearest one that exists */
    bool exact;     /* the name exists */
};

static const struct dns_node *node_at(const struct dns_reply *reply, uint32_t node)
{
    return dns_node(reply->zones, node);
}

static bool put_set(struct dns_reply *reply, uint32_t owner, const struct dns_found_set *set,
                    uint16_t *count)
{
    if (dns_reply_set(reply, owner, set, NO_LIMIT, count)) return true;
    reply->flags |= DNS_TC;
    return false;
}

/* The SOA that says for how long a name or type is known to be missing (RFC 2308 section 3). */
static void put_soa(struct dns_reply *reply, uint32_t zone)
{
    if (!zone) return;
    const struct dns_zone *z = &reply->zones->zones[zone - 1];
    struct dns_found_set soa = dns_zones_set(reply->zones, z->apex, DNS_SOA);
    if (!dns_reply_set(reply, z->apex, &soa, z->negative_ttl, &reply->authorities))
        reply->flags |= DNS_TC;
}

/* The addresses of a node. false: one did not fit. */
static bool put_addresses(struct dns_reply *reply, uint32_t node)
{
    static const uint16_t types[] = {DNS_A, DNS_AAAA};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        struct dns_found_set set = dns_zones_set(reply->zones, node, types[i]);
        if (set.head.type && !dns_reply_set(reply, node, &set, NO_LIMIT, &reply->additional))
            return false;
    }
    return true;
}

/* The node number that record i of a set points to. */
static uint32_t target_of(const struct dns_found_set *set, size_t i)
{
    struct dns_shape shape = dns_shape(set->head.type);
    size_t behind = (set->head.count - i) * sizeof(uint32_t);
    if (shape.form == DNS_TARGETS) return dns_number_at(set->bytes, set->bytes.n - behind);
    return dns_number_at(set->bytes, sizeof(uint32_t) + i * dns_row_bytes(shape) + shape.before);
}

/* Addresses of what a set points to. cut: of a referral; its glue is needed (RFC 9471). */
static void put_additional(struct dns_reply *reply, const struct dns_found_set *set, uint32_t cut)
{
    uint32_t seen[DNS_TARGETS_MOST];
    size_t seen_n = 0, most = set->head.count;
    if (most > DNS_TARGETS_MOST) most = DNS_TARGETS_MOST;
    for (size_t i = 0; i < most; i++) {
        uint32_t target = target_of(set, i);
        const struct dns_node *node = node_at(reply, target);
        size_t at = 0;
        while (at < seen_n && seen[at] != target) at++;
        if (at < seen_n || !node->sets) continue;
        seen[seen_n++] = target;
        bool glue = node->cut && cut && node->zone == node_at(reply, cut)->zone;
        if (node->cut && !glue) continue;
        if (!put_addresses(reply, target) && cut && node->cut == cut) {
            reply->flags |= DNS_TC;
            return;
        }
    }
}

static void refer(struct dns_reply *reply, uint32_t cut)
{
    struct dns_found_set set = dns_zones_set(reply->zones, cut, DNS_NS);
    if (put_set(reply, cut, &set, &reply->authorities)) put_additional(reply, &set, cut);
}

/* The name of a node: that node, or its nearest ancestor that exists. */
static struct place place_of(const struct dns_reply *reply, uint32_t owner, uint32_t node)
{
    struct place place = {owner, node, true};
    while (node_at(reply, place.node)->zone && !(node_at(reply, place.node)->flags & NODE_REAL)) {
        place.node = node_at(reply, place.node)->parent;
        place.exact = false;
    }
    return place;
}

/* Answers from the records of a node. The target to go on with, or 0. */
static uint32_t answer_from(struct dns_reply *reply, uint32_t owner, uint32_t node)
{
    uint16_t type = reply->query->type;
    struct dns_found_set set = dns_zones_set(reply->zones, node, type);
    if (set.head.type) {
        if (!put_set(reply, owner, &set, &reply->answers)) return 0;
        if (set.head.type == DNS_MX || set.head.type == DNS_SRV || set.head.type == DNS_NS)
            put_additional(reply, &set, 0);
        return 0;
    }
    set = dns_zones_set(reply->zones, node, DNS_CNAME);
    if (!set.head.type) {
        put_soa(reply, node_at(reply, node)->zone);
        return 0;
    }
    return put_set(reply, owner, &set, &reply->answers) ? target_of(&set, 0) : 0;
}

/* DS is data of the zone above (RFC 4035 section 3.1.4.1). */
static bool answer_ds(struct dns_reply *reply, const struct place *place)
{
    const struct dns_node *node = node_at(reply, place->node);
    const struct dns_node *parent = node_at(reply, node->parent);
    uint32_t above = parent->cut ? 0 : parent->zone;
    bool apex = node->flags & NODE_APEX && place->node && above;
    if (reply->query->type != DNS_DS || !place->exact || !(apex || node->cut == place->node))
        return false;
    struct dns_found_set set = dns_zones_set(reply->zones, place->node, DNS_DS);
    if (set.head.type) (void)put_set(reply, place->owner, &set, &reply->answers);
    else put_soa(reply, apex ? above : node->zone);
    return true;
}

/* One name of the chain. The next node, or 0: done. */
static uint32_t step(struct dns_reply *reply, const struct place *place)
{
    const struct dns_node *node = node_at(reply, place->node);
    if (!node->zone) return 0; /* an alias that leads out of our zones */
    if (node->cut || node->flags & NODE_APEX) {
        bool first = !reply->answers;
        if (answer_ds(reply, place)) {
            reply->flags |= DNS_AA;
            return 0;
        }
        if (node->cut) {
            if (!first) reply->flags |= DNS_AA;
            refer(reply, node->cut);
            return 0;
        }
    }
    reply->flags |= DNS_AA;
    if (place->exact) return answer_from(reply, place->owner, place->node);
    if (node->wild) return answer_from(reply, place->owner, node->wild);
    reply->rcode = DNS_NXDOMAIN;
    put_soa(reply, node->zone);
    return 0;
}

static void answer_question(struct dns_reply *reply)
{
    uint32_t followed[DNS_ALIASES + 1] = {0};
    struct place place = place_of(reply, DNS_OWNER_QUESTION, reply->nearest);
    bool in_table = node_at(reply, reply->nearest)->name_n == reply->query->name.n;
    if (in_table) followed[0] = reply->nearest;
    else place.exact = false;
    if (!node_at(reply, place.node)->zone) {
        reply->rcode = DNS_REFUSED;
        return;
    }
    for (size_t i = 1; i <= DNS_ALIASES; i++) {
        uint32_t next = step(reply, &place);
        if (!next) return;
        for (size_t k = 0; k < i; k++)
            if (followed[k] == next) return; /* the aliases go round */
        followed[i] = next;
        place = place_of(reply, next, next);
    }
}

struct dns_outcome dns_answer(struct dns_reply *reply)
{
    const struct dns_query *query = reply->query;
    dns_reply_begin(reply);
    if (!query->rcode) {
        reply->nearest = dns_zones_nearest(reply->zones, &query->name, query->hash);
        answer_question(reply);
    }
    dns_reply_end(reply);
    return (struct dns_outcome){
        .rcode = reply->rcode,
        .truncated = reply->flags & DNS_TC,
        .referral = !(reply->flags & DNS_AA) && reply->authorities,
        .nodata = !reply->rcode && !reply->answers && reply->flags & DNS_AA,
    };
}
