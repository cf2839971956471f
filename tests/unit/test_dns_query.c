/* SPDX-License-Identifier: GPL-3.0-or-later
 * test_dns_query.c - messages as they come: headers, EDNS, nonsense, and a great many broken ones.
 */
#include <criterion/criterion.h>
#include <stdio.h>

#include "test_dns_show.h"

static struct dns_zones zones;

static void compile(void)
{
    static char text[32768];
    char why[DNS_WHY];
    size_t n = (size_t)snprintf(text, sizeof text,
        "$TTL 60\n@ SOA ns root 1 2 3 4 30\n@ NS ns\n@ MX 1 ns\nns A 10.0.0.1\n AAAA ::1\n"
        "*.w CNAME c.w2\n*.w2 TXT a b c\nl1 CNAME l2\nl2 CNAME l3\nl3 CNAME x.w\ns NS ns.s\n"
        "ns.s A 10.1.1.1\n_t SRV 1 1 1 ns\n_t SRV 1 1 1 ns.s\n");
    for (int i = 0; i < 400; i++)
        n += (size_t)snprintf(&text[n], sizeof text - n, "many NS n%d.many\n", i);
    for (int i = 0; i < 200; i++)
        n += (size_t)snprintf(&text[n], sizeof text - n, "big MX %d n%d.other.test.\n", i, i);
    cr_assert(dns_test_zones(&zones, why, "example.test", text, NULL), "%s", why);
}
static void drop(void)
{
    dns_zones_free(&zones, dns_test_memory);
}
TestSuite(dns_query, .init = compile, .fini = drop);

#define HEAD(flags, counts) "\x12\x34" flags counts
#define ONE "\0\1\0\0\0\0\0\0"
#define NS "\2ns\7example\4test\0\0\1\0\1"
#define OPT "\0\0\x29\4\xd0\0\0\0\0\0\0"
#define EXPECT(message, wanted) \
    cr_expect_str_eq(dns_test_answer(&zones, GYRE_LIT(message), 512), wanted)

Test(dns_query, headers)
{
    EXPECT(HEAD("\0\0", ONE) NS,
           "NOERROR aa\n? ns.example.test. A\n= ns.example.test. 60 A 10.0.0.1\n");
    EXPECT(HEAD("\1\0", ONE) NS,
           "NOERROR aa rd\n? ns.example.test. A\n= ns.example.test. 60 A 10.0.0.1\n");
    EXPECT(HEAD("\7\x7f", ONE) NS, /* AA TC RD, RA Z AD CD, rcode: only RD and CD come back */
           "NOERROR aa rd cd\n? ns.example.test. A\n= ns.example.test. 60 A 10.0.0.1\n");
    EXPECT(HEAD("\x80\0", ONE) NS, ""); /* a response */
    EXPECT(HEAD("\xa8\0", ONE) NS, "");
    EXPECT("\x12\x34\0\0\0\1\0\0\0\0\0", "");
    EXPECT("", "");
    EXPECT(HEAD("\x20\0", ONE) NS, "NOTIMP opcode\n"); /* NOTIFY */
    EXPECT(HEAD("\x28\0", ONE) NS, "NOTIMP opcode\n"); /* UPDATE */
    EXPECT(HEAD("\0\0", "\0\0\0\0\0\0\0\0"), "FORMERR\n");
    EXPECT(HEAD("\0\0", "\0\2\0\0\0\0\0\0") NS NS, "FORMERR\n"); /* RFC 9619 */
    EXPECT(HEAD("\0\0", "\xff\xff\xff\xff\xff\xff\xff\xff") NS, "FORMERR\n");
    EXPECT(HEAD("\0\0", ONE) NS "trailing", /* is not looked at */
           "NOERROR aa\n? ns.example.test. A\n= ns.example.test. 60 A 10.0.0.1\n");
}

Test(dns_query, questions)
{
    EXPECT(HEAD("\0\0", ONE) "\2ns\7example\4test\0\0\1\0", "FORMERR\n");
    EXPECT(HEAD("\0\0", ONE) "\2ns\7example\4test", "FORMERR\n");
    EXPECT(HEAD("\0\0", ONE) "\300\14\0\1\0\1", "FORMERR\n"); /* points to itself */
    EXPECT(HEAD("\0\0", ONE) "\300\0\0\1\0\1", "FORMERR\n");
    EXPECT(HEAD("\0\0", ONE) "\100ns\0\0\1\0\1", "FORMERR\n");
    EXPECT(HEAD("\0\0", ONE) "\7version\4bind\0\0\20\0\3",
           "REFUSED\n? version.bind. TXT of another class\n");
    EXPECT(HEAD("\0\0", ONE) "\7example\4test\0\0\xfc\0\1", "REFUSED\n? example.test. TYPE252\n");
    EXPECT(HEAD("\0\0", ONE) "\7example\4test\0\0\xfb\0\1", "REFUSED\n? example.test. TYPE251\n");
    EXPECT(HEAD("\0\0", ONE) "\7example\4test\0\0\xfe\0\1", "NOTIMP\n? example.test. TYPE254\n");
    EXPECT(HEAD("\0\0", ONE) "\7example\4test\0\0\x29\0\1", "FORMERR\n? example.test. TYPE41\n");
    EXPECT(HEAD("\0\0", ONE) "\7example\4test\0\0\1\0\xff",
           "REFUSED\n? example.test. A of another class\n");
    EXPECT(HEAD("\0\0", "\0\1\0\1\0\0\0\0") NS "\300\14\0\1\0\1\0\0\0\0\0\0",
           "FORMERR\n? ns.example.test. A\n");
}

#define ANSWER "? ns.example.test. A\n= ns.example.test. 60 A 10.0.0.1\n"
#define WITH(n) "\0\1\0\0\0\0\0" n

Test(dns_query, edns)
{
    EXPECT(HEAD("\0\0", WITH("\1")) NS OPT, "NOERROR aa\n" ANSWER "edns 1232\n");
    EXPECT(HEAD("\0\0", WITH("\1")) NS "\0\0\x29\4\xd0\0\0\x80\0\0\0",
           "NOERROR aa\n" ANSWER "edns 1232 do\n");
    EXPECT(HEAD("\0\0", WITH("\1")) NS "\0\0\x29\4\xd0\0\0\0\0\0\6\xff\xf0\0\2ab", /* an option */
           "NOERROR aa\n" ANSWER "edns 1232\n");
    EXPECT(HEAD("\0\0", WITH("\1")) NS "\0\0\x29\4\xd0\0\1\0\0\0\0", /* version 1 */
           "BADVERS\n? ns.example.test. A\nedns 1232\n");
    EXPECT(HEAD("\0\0", WITH("\2")) NS OPT OPT, "FORMERR\n? ns.example.test. A\nedns 1232\n");
    EXPECT(HEAD("\0\0", WITH("\1")) NS "\1a\0\0\x29\4\xd0\0\0\0\0\0\0", /* its name is the root */
           "FORMERR\n? ns.example.test. A\n");
    EXPECT(HEAD("\0\0", WITH("\1")) NS "\0\0\x29\4\xd0\0\0\0\0\0\1", /* cut short */
           "FORMERR\n? ns.example.test. A\n");
    EXPECT(HEAD("\0\0", WITH("\2")) NS "\300\14\0\1\0\1\0\0\0\0\0\4abcd" OPT, /* behind another */
           "NOERROR aa\n" ANSWER "edns 1232\n");
    EXPECT(HEAD("\0\0", WITH("\1")) "\7version\4bind\0\0\20\0\3" OPT,
           "REFUSED\n? version.bind. TXT of another class\nedns 1232\n");
}

Test(dns_query, sizes)
{
    uint8_t space[600];
    struct dns_query query;
    gyre_view question = {space, dns_test_question(space, "a", DNS_A, 0)};
    cr_assert(dns_query_cut(question, &zones.seed, &query));
    cr_expect_eq(query.udp_size, 512);
    question.n = dns_test_question(space, "a", DNS_A, 4096);
    cr_assert(dns_query_cut(question, &zones.seed, &query));
    cr_expect_eq(query.udp_size, 4096);
    question.n = dns_test_question(space, "a", DNS_A, 100); /* RFC 6891: means 512 */
    cr_assert(dns_query_cut(question, &zones.seed, &query));
    cr_expect_eq(query.udp_size, 512);
}

static uint64_t random_next(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* One message made of pieces that mean something, with some bytes changed. */
static size_t make_message(uint64_t *random, uint8_t out[600])
{
    static const char *const names[] = {"example.test", "ns.example.test", "x.w.example.test",
        "l1.example.test", "a.s.example.test", "many.example.test", "big.example.test", ".",
        "_t.example.test", "none.example.test", "*.w.example.test", "test",
        "a.b.c.d.e.f.g.h.i.j.k"};
    static const uint16_t types[] = {1, 2, 5, 6, 15, 16, 28, 33, 43, 255, 252, 41, 999};
    uint64_t r = random_next(random);
    size_t n = dns_test_question(out, names[r % 13], types[r >> 8 & 255 ? (r >> 16) % 13 : 0],
                                 r >> 32 & 1 ? (uint16_t)(r >> 40) : 0);
    for (uint64_t changes = (r >> 33) % 6; changes > 2; changes--) {
        r = random_next(random);
        out[2 + r % (n - 2)] = (uint8_t)(r >> 32);
    }
    r = random_next(random);
    if (r % 8 == 0) n = 2 + (r >> 32) % (n - 1);
    return n;
}

Test(dns_query, whatever_comes)
{
    uint64_t random = 0x9e3779b97f4a7c15u;
    for (int i = 0; i < 200000; i++) {
        uint8_t message[600];
        size_t n = make_message(&random, message);
        size_t most = 512 + random_next(&random) % 4000;
        const char *text = dns_test_answer(&zones, (gyre_view){message, n}, most);
        cr_assert_null(strstr(text, "BROKEN"), "message %d: %s", i, text);
    }
}
