/* SPDX-License-Identifier: GPL-3.0-or-later
 * query.c - see query.h.
 *
 * Promise: time linear in the bytes of the message. Compression is not followed: a question is the
 * first name of its message, so a pointer in it has nothing to point to.
 *
 *   shorter than a header; a response       silence (answering could go on for ever)
 *   operation other than QUERY              NOTIMP, whatever follows
 *   not one question; a name that is none   FORMERR
 *   a record cut short, two OPTs            FORMERR
 *   EDNS version above 0                    BADVERS
 *   class other than IN; AXFR, IXFR         REFUSED
 *   answers beside a question               FORMERR
 * An OPT is found in all of them that can be read so far: who sends one is to get one (RFC 6891
 * section 6.1.1). What follows the last record is not looked at.
 */
#include "query.h"

static uint16_t number_at(gyre_view v, size_t at)
{
    return (uint16_t)(at + 2 <= v.n ? v.p[at] << 8 | v.p[at + 1] : 0);
}

/* Passes records, and takes OPT (RFC 6891 section 6.1.2) from them. false: malformed. */
static bool read_records(gyre_in *in, uint64_t count, bool additional, struct dns_query *query)
{
    while (count-- && !in->bad) {
        gyre_view before = in->left;
        dns_name_pass(in);
        bool root = before.n - in->left.n == 1;
        gyre_view head = gyre_bytes(in, 10); /* type, class, TTL, length */
        (void)gyre_bytes(in, number_at(head, 8)); /* options that are not known are ignored */
        if (in->bad || number_at(head, 0) != DNS_OPT || !additional) continue;
        if (!root || query->edns) return false;
        query->edns = true;
        query->udp_size = number_at(head, 2);
        if (query->udp_size < 512) query->udp_size = 512;
        query->version = head.p[5];
        query->dnssec_ok = number_at(head, 6) & DNS_DO;
    }
    return !in->bad;
}

/* Types that are no data (RFC 6895 section 3.1), and what asking for them gives. */
static uint16_t rcode_of_type(uint16_t type)
{
    switch (type) {
    case DNS_AXFR:
    case DNS_IXFR: return DNS_REFUSED;
    case DNS_MAILA:
    case DNS_MAILB: return DNS_NOTIMP;
    case DNS_OPT:
    case DNS_TKEY:
    case DNS_TSIG: return DNS_FORMERR;
    default: return DNS_NOERROR;
    }
}

/* Takes the name and the type of a question that is the only one; passes others. false: one is
 * malformed. */
static bool read_questions(gyre_in *in, uint32_t count, struct dns_query *query, uint16_t *class)
{
    gyre_view question = in->left;
    if (count == 1) {
        if (!dns_name_cut(&in->left, &query->name)) return false;
        gyre_view rest = gyre_bytes(in, 4);
        query->type = number_at(rest, 0);
        *class = number_at(rest, 2);
        if (!in->bad) query->question = gyre_head(&question, query->name.n + 4u);
        return !in->bad;
    }
    while (count-- && !in->bad) {
        dns_name_pass(in);
        (void)gyre_bytes(in, 4);
    }
    return !in->bad;
}

bool dns_query_cut(gyre_view message, const struct dns_seed *seed, struct dns_query *query)
{
    gyre_in in = gyre_in_of(message);
    gyre_view head = gyre_bytes(&in, DNS_HEADER_BYTES);
    query->id = number_at(head, 0);
    query->flags = number_at(head, 2);
    uint32_t questions = number_at(head, 4), answers = number_at(head, 6);
    uint32_t authorities = number_at(head, 8), additional = number_at(head, 10);
    bool asked = !(query->flags & DNS_OPCODE);
    uint16_t class = 0;
    query->question = GYRE_NOTHING;
    query->edns = query->dnssec_ok = false;
    query->version = 0;
    query->udp_size = 512;
    query->rcode = asked ? DNS_FORMERR : DNS_NOTIMP;
    if (in.bad || query->flags & DNS_QR) return false;
    if (!read_questions(&in, questions, query, &class)) return true;
    if (!asked) query->question = GYRE_NOTHING;
    if (!read_records(&in, answers + authorities, false, query)) return true;
    if (!read_records(&in, additional, true, query)) return true;
    if (asked && questions == 1) {
        query->rcode = rcode_of_type(query->type);
        if (class != DNS_IN) query->rcode = DNS_REFUSED;
        else if (!query->rcode && answers + authorities) query->rcode = DNS_FORMERR;
    }
    if (query->version) query->rcode = DNS_BADVERS;
    if (!query->rcode) query->hash = dns_name_hash(seed, &query->name, 0);
    return true;
}
