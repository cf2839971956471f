/* SPDX-License-Identifier: GPL-3.0-or-later
 * test_dns_answer.c - what is said to a question: RFC 1034 section 4.3.2 and those that amend it.
 */
#include <criterion/criterion.h>
#include <stdio.h>

#include "test_dns_show.h"

#define SOA "example.test. 30 SOA ns.example.test. root.example.test. 1 2 3 4 30\n"

static const char zone_text[] =
    "$TTL 60\n@ SOA ns root 1 2 3 4 30\n@ NS ns\n@ MX 1 mail\nns A 10.0.0.53\nmail A 10.0.0.25\n"
    " AAAA ::25\nwww A 10.0.0.80\n AAAA ::80\na.b.ent A 10.0.0.1\n"
    "alias CNAME www\nchain CNAME alias\nout CNAME www.example.net.\nlost CNAME nowhere\n"
    "loop CNAME pool\npool CNAME loop\nself CNAME self\nto-wild CNAME x.wild\nempty CNAME b.ent\n"
    "to-sub CNAME a.sub\nto-inner CNAME www.inner\n"
    "*.wild A 10.0.0.99\n*.wild TXT w\nhost.wild A 10.0.0.98\n*.alias-wild CNAME www\n"
    "*.ent2.deep A 10.0.0.97\n*.round CNAME x.round\n"
    "sub NS ns.sub\n NS ns\n NS ns.sub2\n NS ns.elsewhere.test.\nns.sub A 10.0.1.1\n AAAA 1::1\n"
    "www.sub A 10.0.1.80\n*.sub A 10.0.1.99\nsub2 NS ns.sub2\nns.sub2 A 10.0.2.1\n"
    "signed NS ns\n DS 1 8 2 00\ninner NS ns.inner\n DS 2 8 2 00\nns.inner A 10.9.9.9\n"
    "_s._tcp SRV 1 1 80 www\n SRV 1 1 81 www\n SRV 2 1 80 mail\n SRV 3 1 1 a.sub\n"
    "Case TXT x\npoint CNAME CamelCase\nCamelCase A 10.0.0.7\n";
static const char inner_text[] =
    "$TTL 60\n@ SOA ns root 9 2 3 4 40\n@ NS ns\nns A 10.5.0.53\nwww A 10.5.0.80\n"
    "back CNAME www.example.test.\n";

static struct dns_zones zones;

static void compile(void)
{
    char why[DNS_WHY];
    bool good = dns_test_zones(&zones, why, "example.test", zone_text, "inner.example.test",
                               inner_text, NULL);
    cr_assert(good, "%s", why);
}
static void drop(void)
{
    dns_zones_free(&zones, dns_test_memory);
    cr_expect_eq(dns_blocks, 0);
}
TestSuite(dns_answer, .init = compile, .fini = drop);

static void expect(const char *name, uint16_t type, const char *head, const char *records)
{
    char wanted[2000], shown[20];
    gyre_out out = GYRE_OUT(*(uint8_t(*)[20])shown);
    dns_test_type(&out, type);
    gyre_put_byte(&out, 0);
    snprintf(wanted, sizeof wanted, "%s\n? %s. %s\n%sedns 1232\n", head, name, shown, records);
    cr_expect_str_eq(dns_test_ask(&zones, name, type), wanted);
}

Test(dns_answer, exact)
{
    expect("www.example.test", DNS_A, "NOERROR aa", "= www.example.test. 60 A 10.0.0.80\n");
    expect("www.example.test", DNS_AAAA, "NOERROR aa", "= www.example.test. 60 AAAA ::80\n");
    expect("WWW.eXample.test", DNS_A, "NOERROR aa", "= WWW.eXample.test. 60 A 10.0.0.80\n");
    expect("example.test", DNS_SOA, "NOERROR aa",
           "= example.test. 60 SOA ns.example.test. root.example.test. 1 2 3 4 30\n");
}

Test(dns_answer, missing)
{
    expect("nowhere.example.test", DNS_A, "NXDOMAIN aa", "! " SOA);
    expect("a.www.example.test", DNS_A, "NXDOMAIN aa", "! " SOA);
    expect("x.y.z.example.test", DNS_A, "NXDOMAIN aa", "! " SOA);
    expect("www.example.test", DNS_MX, "NOERROR aa", "! " SOA);
    expect("www.example.test", 9999, "NOERROR aa", "! " SOA);
    expect("b.ent.example.test", DNS_A, "NOERROR aa", "! " SOA); /* empty non-terminals exist */
    expect("ent.example.test", DNS_A, "NOERROR aa", "! " SOA);
    expect("c.ent.example.test", DNS_A, "NXDOMAIN aa", "! " SOA);
    expect("root.example.test", DNS_A, "NXDOMAIN aa", "! " SOA); /* known, but only pointed to */
    expect("pointed.root.example.test", DNS_A, "NXDOMAIN aa", "! " SOA);
}

Test(dns_answer, outside)
{
    expect("example.net", DNS_A, "REFUSED", "");
    expect("test", DNS_A, "REFUSED", "");
    expect("xexample.test", DNS_A, "REFUSED", "");
    cr_expect_str_eq(dns_test_ask(&zones, ".", DNS_NS), "REFUSED\n? . NS\nedns 1232\n");
    expect("elsewhere.test", DNS_A, "REFUSED", "");
    expect("ns.elsewhere.test", DNS_A, "REFUSED", ""); /* pointed to, and not ours */
}

Test(dns_answer, aliases)
{
    expect("alias.example.test", DNS_A, "NOERROR aa",
           "= alias.example.test. 60 CNAME www.example.test.\n"
           "= www.example.test. 60 A 10.0.0.80\n");
    expect("chain.example.test", DNS_A, "NOERROR aa",
           "= chain.example.test. 60 CNAME alias.example.test.\n"
           "= alias.example.test. 60 CNAME www.example.test.\n"
           "= www.example.test. 60 A 10.0.0.80\n");
    expect("chain.example.test", DNS_CNAME, "NOERROR aa",
           "= chain.example.test. 60 CNAME alias.example.test.\n");
    expect("alias.example.test", DNS_MX, "NOERROR aa",
           "= alias.example.test. 60 CNAME www.example.test.\n! " SOA);
    expect("out.example.test", DNS_A, "NOERROR aa",
           "= out.example.test. 60 CNAME www.example.net.\n");
    expect("lost.example.test", DNS_A, "NXDOMAIN aa", /* RFC 6604 section 3 */
           "= lost.example.test. 60 CNAME nowhere.example.test.\n! " SOA);
    expect("empty.example.test", DNS_A, "NOERROR aa",
           "= empty.example.test. 60 CNAME b.ent.example.test.\n! " SOA);
    expect("loop.example.test", DNS_A, "NOERROR aa",
           "= loop.example.test. 60 CNAME pool.example.test.\n"
           "= pool.example.test. 60 CNAME loop.example.test.\n");
    expect("self.example.test", DNS_A, "NOERROR aa",
           "= self.example.test. 60 CNAME self.example.test.\n");
    expect("x.round.example.test", DNS_A, "NOERROR aa",
           "= x.round.example.test. 60 CNAME x.round.example.test.\n");
    expect("point.example.test", DNS_A, "NOERROR aa",
           "= point.example.test. 60 CNAME CamelCase.example.test.\n"
           "= CamelCase.example.test. 60 A 10.0.0.7\n");
}

Test(dns_answer, wildcards)
{
    expect("x.wild.example.test", DNS_A, "NOERROR aa", "= x.wild.example.test. 60 A 10.0.0.99\n");
    expect("a.b.wild.example.test", DNS_A, "NOERROR aa",
           "= a.b.wild.example.test. 60 A 10.0.0.99\n");
    expect("x.wild.example.test", DNS_MX, "NOERROR aa", "! " SOA);
    expect("host.wild.example.test", DNS_A, "NOERROR aa",
           "= host.wild.example.test. 60 A 10.0.0.98\n");
    expect("host.wild.example.test", DNS_TXT, "NOERROR aa", "! " SOA);
    expect("a.host.wild.example.test", DNS_A, "NXDOMAIN aa", "! " SOA); /* host exists */
    expect("*.wild.example.test", DNS_A, "NOERROR aa", "= *.wild.example.test. 60 A 10.0.0.99\n");
    expect("a.*.wild.example.test", DNS_A, "NXDOMAIN aa", "! " SOA);
    expect("wild.example.test", DNS_A, "NOERROR aa", "! " SOA);
    expect("deep.example.test", DNS_A, "NOERROR aa", "! " SOA);
    expect("x.alias-wild.example.test", DNS_A, "NOERROR aa",
           "= x.alias-wild.example.test. 60 CNAME www.example.test.\n"
           "= www.example.test. 60 A 10.0.0.80\n");
    expect("to-wild.example.test", DNS_A, "NOERROR aa",
           "= to-wild.example.test. 60 CNAME x.wild.example.test.\n"
           "= x.wild.example.test. 60 A 10.0.0.99\n");
}

#define REFERRAL \
    "! sub.example.test. 60 NS ns.sub.example.test.\n! sub.example.test. 60 NS ns.example.test.\n" \
    "! sub.example.test. 60 NS ns.sub2.example.test.\n" \
    "! sub.example.test. 60 NS ns.elsewhere.test.\n" \
    "+ ns.sub.example.test. 60 A 10.0.1.1\n+ ns.sub.example.test. 60 AAAA 1::1\n" \
    "+ ns.example.test. 60 A 10.0.0.53\n+ ns.sub2.example.test. 60 A 10.0.2.1\n"

Test(dns_answer, delegations)
{
    expect("sub.example.test", DNS_A, "NOERROR", REFERRAL);
    expect("sub.example.test", DNS_NS, "NOERROR", REFERRAL);
    expect("www.sub.example.test", DNS_A, "NOERROR", REFERRAL);
    expect("x.y.sub.example.test", DNS_A, "NOERROR", REFERRAL); /* its wildcard is not ours */
    expect("ns.sub.example.test", DNS_A, "NOERROR", REFERRAL);
    expect("to-sub.example.test", DNS_A, "NOERROR aa",
           "= to-sub.example.test. 60 CNAME a.sub.example.test.\n" REFERRAL);
    expect("sub.example.test", DNS_DS, "NOERROR aa", "! " SOA);
    expect("signed.example.test", DNS_DS, "NOERROR aa", "= signed.example.test. 60 DS 1 8 2 #00\n");
    expect("a.signed.example.test", DNS_DS, "NOERROR",
           "! signed.example.test. 60 NS ns.example.test.\n+ ns.example.test. 60 A 10.0.0.53\n");
}

Test(dns_answer, a_zone_in_a_zone)
{
    expect("www.inner.example.test", DNS_A, "NOERROR aa",
           "= www.inner.example.test. 60 A 10.5.0.80\n");
    expect("ns.inner.example.test", DNS_A, "NOERROR aa",
           "= ns.inner.example.test. 60 A 10.5.0.53\n");
    expect("x.inner.example.test", DNS_A, "NXDOMAIN aa",
           "! inner.example.test. 40 SOA ns.inner.example.test. "
           "root.inner.example.test. 9 2 3 4 40\n");
    expect("inner.example.test", DNS_DS, "NOERROR aa", "= inner.example.test. 60 DS 2 8 2 #00\n");
    expect("example.test", DNS_DS, "NOERROR aa", "! " SOA); /* the zone above is not ours */
    expect("to-inner.example.test", DNS_A, "NOERROR aa",
           "= to-inner.example.test. 60 CNAME www.inner.example.test.\n"
           "= www.inner.example.test. 60 A 10.5.0.80\n");
    expect("back.inner.example.test", DNS_A, "NOERROR aa",
           "= back.inner.example.test. 60 CNAME www.example.test.\n"
           "= www.example.test. 60 A 10.0.0.80\n");
}

Test(dns_answer, additional)
{
    expect("example.test", DNS_MX, "NOERROR aa",
           "= example.test. 60 MX 1 mail.example.test.\n+ mail.example.test. 60 A 10.0.0.25\n"
           "+ mail.example.test. 60 AAAA ::25\n");
    expect("example.test", DNS_NS, "NOERROR aa",
           "= example.test. 60 NS ns.example.test.\n+ ns.example.test. 60 A 10.0.0.53\n");
    expect("_s._tcp.example.test", DNS_SRV, "NOERROR aa",
           "= _s._tcp.example.test. 60 SRV 1 1 80 www.example.test.\n"
           "= _s._tcp.example.test. 60 SRV 1 1 81 www.example.test.\n"
           "= _s._tcp.example.test. 60 SRV 2 1 80 mail.example.test.\n"
           "= _s._tcp.example.test. 60 SRV 3 1 1 a.sub.example.test.\n"
           "+ www.example.test. 60 A 10.0.0.80\n+ www.example.test. 60 AAAA ::80\n"
           "+ mail.example.test. 60 A 10.0.0.25\n+ mail.example.test. 60 AAAA ::25\n");
}

Test(dns_answer, any_is_one_set)
{
    expect("www.example.test", DNS_ANY, "NOERROR aa", "= www.example.test. 60 A 10.0.0.80\n");
    expect("alias.example.test", DNS_ANY, "NOERROR aa",
           "= alias.example.test. 60 CNAME www.example.test.\n");
    expect("b.ent.example.test", DNS_ANY, "NOERROR aa", "! " SOA);
    expect("nowhere.example.test", DNS_ANY, "NXDOMAIN aa", "! " SOA);
}

Test(dns_answer, a_root_zone)
{
    char why[DNS_WHY];
    struct dns_zones root;
    cr_assert(dns_test_zones(&root, why, ".", "$TTL 9\n@ SOA ns. root. 1 2 3 4 5\n@ NS ns.\n"
                             "ns. A 10.0.0.1\ncom. NS a.com.\na.com. A 10.0.0.2\n", NULL),
              "%s", why);
    cr_expect_str_eq(dns_test_ask(&root, ".", DNS_NS),
                     "NOERROR aa\n? . NS\n= . 9 NS ns.\n+ ns. 9 A 10.0.0.1\nedns 1232\n");
    cr_expect_str_eq(dns_test_ask(&root, "x.net", DNS_A),
                     "NXDOMAIN aa\n? x.net. A\n! . 5 SOA ns. root. 1 2 3 4 5\nedns 1232\n");
    cr_expect_str_eq(dns_test_ask(&root, "x.com", DNS_A),
                     "NOERROR\n? x.com. A\n! com. 9 NS a.com.\n+ a.com. 9 A 10.0.0.2\nedns 1232\n");
    cr_expect_str_eq(dns_test_ask(&root, ".", DNS_A),
                     "NOERROR aa\n? . A\n! . 5 SOA ns. root. 1 2 3 4 5\nedns 1232\n");
    dns_zones_free(&root, dns_test_memory);
}

/* Each length of an answer: what is there is whole, and TC stands for what is not. */
Test(dns_answer, truncation)
{
    static const struct {
        const char *name;
        uint16_t type;
    } rows[] = {{"_s._tcp.example.test", DNS_SRV}, {"a.sub.example.test", DNS_A},
                {"chain.example.test", DNS_A}, {"lost.example.test", DNS_A}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint8_t space[600];
        gyre_view question = {space, dns_test_question(space, rows[i].name, rows[i].type, 4096)};
        char whole[4096], part[4096];
        snprintf(whole, sizeof whole, "%s", dns_test_answer(&zones, question, 4096));
        cr_assert_null(strstr(whole, " tc"));
        size_t cut = 0;
        for (size_t most = question.n; most < 512; most++) {
            snprintf(part, sizeof part, "%s", dns_test_answer(&zones, question, most));
            cr_assert_null(strstr(part, "BROKEN"), "%s", part);
            char *save, *line = strtok_r(part, "\n", &save);
            bool truncated = strstr(line, " tc");
            size_t lines = 0;
            while ((line = strtok_r(NULL, "\n", &save))) {
                cr_expect(strstr(whole, line), "%s is not in\n%s", line, whole);
                lines++;
            }
            cut += truncated;
            if (lines == 2) cr_expect(truncated, "nothing is there, and no TC");
        }
        cr_expect_gt(cut, 10);
    }
}

/* RFC 9471: glue below the delegation must be there, or TC; other addresses need not. */
Test(dns_answer, glue_that_does_not_fit)
{
    uint8_t space[600];
    gyre_view question = {space, dns_test_question(space, "sub2.example.test", DNS_A, 4096)};
    const char *text = dns_test_answer(&zones, question, question.n + 18);
    cr_expect_str_eq(text, "NOERROR tc\n? sub2.example.test. A\n"
                           "! sub2.example.test. 60 NS ns.sub2.example.test.\nedns 1232\n");
    question.n = dns_test_question(space, "signed.example.test", DNS_A, 4096);
    text = dns_test_answer(&zones, question, question.n + 20);
    cr_expect_str_eq(text, "NOERROR\n? signed.example.test. A\n"
                           "! signed.example.test. 60 NS ns.example.test.\nedns 1232\n");
}

/* A builder that gets no memory stays full: nothing is written, and nothing is answered. */
Test(dns_answer, without_memory)
{
    uint8_t space[600];
    size_t n = dns_test_question(space, "a.sub.example.test", DNS_A, 1232);
    struct dns_query query = {0};
    cr_assert(dns_query_cut((gyre_view){space, n}, &zones.seed, &query));
    for (size_t cap = 0; cap < n; cap++) {
        uint8_t *room = malloc(cap + 1); /* of exact size: the sanitizer sees what is too much */
        gyre_out out = {cap ? room : NULL, 0, cap, false, NULL, NULL};
        struct dns_reply reply = {.zones = &zones, .query = &query, .out = &out, .most = 1232,
                                  .udp_size = 1232};
        (void)dns_answer(&reply);
        cr_expect(out.full && !gyre_built(&out).n, "%zu bytes of room", cap);
        free(room);
    }
}
