/* SPDX-License-Identifier: GPL-3.0-or-later
 * test_dns_show.c - see test_dns_show.h. Reads answers with code of its own: it follows
 * compression, which the server never does, and checks that each pointer leads back.
 */
#include "test_dns_show.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "plugins/dns/zonefile.h"

long dns_blocks, dns_blocks_fail;

void *dns_test_memory(void *old, size_t n)
{
    if (!n) {
        free(old);
        dns_blocks--;
        return NULL;
    }
    if (dns_blocks_fail && !--dns_blocks_fail) return NULL;
    if (!old) dns_blocks++;
    return realloc(old, n);
}

bool dns_test_zones(struct dns_zones *zones, char why[DNS_WHY], ...)
{
    static const struct dns_spelled root = {.n = 1};
    struct dns_builder builder = {.memory = dns_test_memory, .seed = {0x1234567, 0xfedcba9}};
    gyre_out out = {(uint8_t *)why, 0, DNS_WHY - 1, false, NULL, NULL};
    struct dns_troubles troubles = {.out = &out};
    const char *name;
    va_list pairs;
    va_start(pairs, why);
    while ((name = va_arg(pairs, const char *))) {
        struct dns_spelled apex;
        const char *text = va_arg(pairs, const char *);
        cr_assert_null(dns_name_spell(gyre_str(name), &root, &apex));
        dns_zonefile(&builder, &apex, gyre_str(name), gyre_str(text), &troubles);
    }
    va_end(pairs);
    bool packed = dns_builder_pack(&builder, &troubles, zones);
    dns_builder_free(&builder);
    why[out.n] = 0;
    return packed;
}

size_t dns_test_question(uint8_t space[600], const char *name, uint16_t type, uint16_t edns_size)
{
    static const struct dns_spelled root = {.n = 1};
    struct dns_spelled spelled;
    gyre_out out = {space, 0, 600, false, NULL, NULL};
    cr_assert_null(dns_name_spell(gyre_str(name), &root, &spelled));
    gyre_put_be(&out, 0x12340000, 4);
    gyre_put_be(&out, (uint64_t)1 << 48 | (edns_size ? 1 : 0), 8);
    gyre_put(&out, (gyre_view){spelled.bytes, spelled.n});
    gyre_put_be(&out, (uint64_t)type << 16 | DNS_IN, 4);
    if (edns_size) gyre_put_be(&out, (uint64_t)DNS_OPT << 16 | edns_size, 5);
    if (edns_size) gyre_put_be(&out, 0, 6);
    return out.n;
}

void dns_test_type(gyre_out *out, uint16_t number)
{
    struct dns_type type = dns_type_of_number(number);
    gyre_put(out, type.name ? gyre_str(type.name) : GYRE_LIT("TYPE"));
    if (!type.name) gyre_put_dec(out, number);
}

struct shown {
    gyre_view message;
    gyre_in in;
    gyre_out *out;
    bool edns;
    char edns_text[32];
    uint32_t rcode;
};

static void put_text(struct shown *shown, const char *text)
{
    gyre_put(shown->out, gyre_str(text));
}

/* A name, which may be compressed. */
static void put_name(struct shown *shown)
{
    struct dns_spelled name = {0};
    gyre_in in = shown->in;
    size_t before = shown->message.n - in.left.n;
    bool jumped = false;
    for (;;) {
        uint64_t length = gyre_be(&in, 1);
        if (in.bad || name.n + length + 1 > DNS_NAME_BYTES) break;
        if (length >= 0xc0) {
            size_t to = (length & 0x3f) << 8 | gyre_be(&in, 1);
            if (!jumped) shown->in = in;
            jumped = true;
            if (to >= before || to < DNS_HEADER_BYTES) break;
            before = to;
            in.left = shown->message;
            (void)gyre_bytes(&in, to);
            continue;
        }
        name.bytes[name.n++] = (uint8_t)length;
        gyre_view label = gyre_bytes(&in, length);
        if (label.n) memcpy(&name.bytes[name.n], label.p, label.n);
        name.n = (uint8_t)(name.n + label.n);
        if (length) continue;
        if (!jumped) shown->in = in;
        dns_name_show(shown->out, (gyre_view){name.bytes, name.n});
        return;
    }
    shown->in.bad = true;
}

static void put_string(struct shown *shown, gyre_view string)
{
    gyre_put_byte(shown->out, '"');
    gyre_put(shown->out, string);
    gyre_put_byte(shown->out, '"');
}

static void put_field(struct shown *shown, char field)
{
    char address[INET6_ADDRSTRLEN];
    gyre_in *in = &shown->in;
    switch (field) {
    case 'b': gyre_put_dec(shown->out, gyre_be(in, 1)); break;
    case 'w': gyre_put_dec(shown->out, gyre_be(in, 2)); break;
    case 'd':
    case 't': gyre_put_dec(shown->out, gyre_be(in, 4)); break;
    case 'n':
    case 'u': put_name(shown); break;
    case '4':
    case '6': {
        size_t n = field == '4' ? 4 : 16;
        gyre_view bytes = gyre_bytes(in, n);
        if (!in->bad)
            put_text(shown, inet_ntop(n == 4 ? AF_INET : AF_INET6, bytes.p, address,
                                      sizeof address));
        break;
    }
    case 's':
    case 'g': put_string(shown, gyre_bytes(in, gyre_be(in, 1))); break;
    default: in->bad = true;
    }
}

static void put_data(struct shown *shown, uint16_t type, size_t end)
{
    struct dns_type known = dns_type_of_number(type);
    for (const char *field = known.fields ? known.fields : "x"; *field; field++) {
        gyre_in *in = &shown->in;
        do {
            size_t left = in->left.n > end ? in->left.n - end : 0;
            gyre_put_byte(shown->out, ' ');
            if (*field == 'S') {
                put_string(shown, gyre_bytes(in, gyre_be(in, 1)));
            } else if (*field == 'v') {
                put_string(shown, gyre_bytes(in, left));
            } else if (*field == 'x') {
                put_text(shown, "#");
                while (left--) gyre_put_hex(shown->out, gyre_be(in, 1), 2);
            } else {
                put_field(shown, *field);
            }
        } while (*field == 'S' && in->left.n > end && !in->bad);
    }
}

static void put_record(struct shown *shown, char section)
{
    size_t start = shown->out->n;
    gyre_put_byte(shown->out, (uint8_t)section);
    gyre_put_byte(shown->out, ' ');
    put_name(shown);
    uint16_t type = (uint16_t)gyre_be(&shown->in, 2), class = (uint16_t)gyre_be(&shown->in, 2);
    uint64_t ttl = gyre_be(&shown->in, 4), length = gyre_be(&shown->in, 2);
    if (length > shown->in.left.n) shown->in.bad = true;
    if (shown->in.bad) return;
    size_t end = shown->in.left.n - length;
    if (type == DNS_OPT) {
        shown->out->n = start;
        if (shown->edns || section != '+' || length) shown->in.bad = true;
        shown->edns = true;
        shown->rcode |= (uint32_t)(ttl >> 24) << 4;
        snprintf(shown->edns_text, sizeof shown->edns_text, "edns %u%s\n", class,
                 ttl & DNS_DO ? " do" : "");
        return;
    }
    gyre_put_byte(shown->out, ' ');
    gyre_put_dec(shown->out, ttl);
    gyre_put_byte(shown->out, ' ');
    dns_test_type(shown->out, type);
    put_data(shown, type, end);
    gyre_put_byte(shown->out, '\n');
    if (shown->in.left.n != end || class != DNS_IN) shown->in.bad = true;
}

const char *dns_test_show(gyre_view answer)
{
    static uint8_t text[1 << 20], body[1 << 20];
    static const char *const names[] = {"NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN",
                                        "NOTIMP",  "REFUSED"};
    gyre_out out = GYRE_OUT(body), all = GYRE_OUT(text);
    struct shown shown = {.message = answer, .in = gyre_in_of(answer), .out = &out};
    uint64_t id = gyre_be(&shown.in, 2), flags = gyre_be(&shown.in, 2);
    uint64_t counts[4];
    for (size_t i = 0; i < 4; i++) counts[i] = gyre_be(&shown.in, 2);
    while (counts[0] && counts[0]-- && !shown.in.bad) {
        put_text(&shown, "? ");
        put_name(&shown);
        gyre_put_byte(&out, ' ');
        dns_test_type(&out, (uint16_t)gyre_be(&shown.in, 2));
        put_text(&shown, gyre_be(&shown.in, 2) == DNS_IN ? "\n" : " of another class\n");
    }
    for (size_t i = 1; i < 4; i++)
        while (counts[i]-- && !shown.in.bad) put_record(&shown, "?=!+"[i]);
    bool good = gyre_end(&shown.in) && !out.full && id == 0x1234 && flags & DNS_QR;
    shown.rcode |= flags & 0xf;
    if (!good) gyre_put(&all, GYRE_LIT("BROKEN "));
    gyre_put(&all, shown.rcode < 6 ? gyre_str(names[shown.rcode])
                                   : shown.rcode == DNS_BADVERS ? GYRE_LIT("BADVERS")
                                                                : GYRE_LIT("ANOTHER"));
    if (flags & DNS_AA) gyre_put(&all, GYRE_LIT(" aa"));
    if (flags & DNS_TC) gyre_put(&all, GYRE_LIT(" tc"));
    if (flags & DNS_RD) gyre_put(&all, GYRE_LIT(" rd"));
    if (flags & DNS_CD) gyre_put(&all, GYRE_LIT(" cd"));
    if (flags & DNS_OPCODE) gyre_put(&all, GYRE_LIT(" opcode"));
    if (flags & 0x00e0) gyre_put(&all, GYRE_LIT(" BROKEN flags"));
    gyre_put_byte(&all, '\n');
    gyre_put(&all, gyre_built(&out));
    gyre_put(&all, gyre_str(shown.edns_text));
    gyre_put_byte(&all, 0);
    return (const char *)text;
}

const char *dns_test_answer(const struct dns_zones *zones, gyre_view message, size_t udp_max)
{
    static uint8_t space[65535];
    struct dns_query query = {0};
    struct dns_reply reply = {.zones = zones, .query = &query, .udp_size = 1232};
    gyre_out out = GYRE_OUT(space);
    if (!dns_query_cut(message, &zones->seed, &query)) return "";
    reply.out = &out;
    reply.most = udp_max;
    (void)dns_answer(&reply);
    cr_assert(!out.full && out.n <= udp_max, "%zu bytes of at most %zu", out.n, udp_max);
    return dns_test_show(gyre_built(&out));
}

const char *dns_test_ask(const struct dns_zones *zones, const char *name, uint16_t type)
{
    uint8_t space[600];
    size_t n = dns_test_question(space, name, type, 1232);
    const char *text = dns_test_answer(zones, (gyre_view){space, n}, 65535);
    return text;
}
