/* SPDX-License-Identifier: GPL-3.0-or-later
 * test_dns_zonefile.c - master files: what they may say, what is refused and where, every type, and
 * memory that runs out anywhere.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "test_dns_show.h"

#define TOP "$TTL 60\n@ SOA ns root 1 2 3 4 5\n@ NS ns\n" /* lines 1 to 3 */

static void check_blocks(void)
{
    cr_expect_eq(dns_blocks, 0, "%ld blocks are left", dns_blocks);
}
TestSuite(dns_zonefile, .fini = check_blocks);

/* What one name answers in a zone of TOP and text. */
static void expect(const char *text, const char *name, uint16_t type, const char *wanted)
{
    char file[4096], why[DNS_WHY];
    struct dns_zones zones;
    snprintf(file, sizeof file, TOP "%s", text);
    bool good = dns_test_zones(&zones, why, "example.test", file, NULL);
    cr_expect(good, "%s: %s", text, why);
    if (!good) return;
    const char *got = dns_test_ask(&zones, name, type);
    cr_expect(strstr(got, wanted), "%s\n%s, wanted %s", text, got, wanted);
    dns_zones_free(&zones, dns_test_memory);
}

/* The troubles of a zone of TOP and text. */
static void refuse(const char *text, const char *wanted)
{
    char file[4096], why[DNS_WHY];
    struct dns_zones zones;
    snprintf(file, sizeof file, TOP "%s", text);
    bool good = dns_test_zones(&zones, why, "example.test", file, NULL);
    cr_expect(!good, "%s: accepted", text);
    if (good) dns_zones_free(&zones, dns_test_memory);
    else cr_expect_str_eq(why, wanted);
}

Test(dns_zonefile, owners)
{
    expect("a A 10.0.0.1\n  AAAA ::1\n", "a.example.test", DNS_AAAA,
           "= a.example.test. 60 AAAA ::1");
    expect("$ORIGIN sub\na A 10.0.0.1\n@ A 10.0.0.2\n", "a.sub.example.test", DNS_A, " A 10.0.0.1");
    expect("$ORIGIN sub\na A 10.0.0.1\n@ A 10.0.0.2\n", "sub.example.test", DNS_A, " A 10.0.0.2");
    expect("$ORIGIN test.\nb.example A 10.0.0.1\n", "b.example.test", DNS_A, " A 10.0.0.1");
    expect("A.Example.TEST. A 10.0.0.1\n", "a.example.test", DNS_A, " A 10.0.0.1");
    expect("a A 10.0.0.1\n\n ; nothing\n\t\n A 10.0.0.2", "a.example.test", DNS_A,
           " A 10.0.0.1\n= a.example.test. 60 A 10.0.0.2\n");
    expect("a\\.b A 10.0.0.1\n", "a\\.b.example.test", DNS_A,
           "= a\\.b.example.test. 60 A 10.0.0.1");
}

Test(dns_zonefile, times_and_classes)
{
    expect("a 5 IN A 10.0.0.1\n", "a.example.test", DNS_A, " 5 A 10.0.0.1");
    expect("a IN 1h A 10.0.0.1\n", "a.example.test", DNS_A, " 3600 A 10.0.0.1");
    expect("a in A 10.0.0.1\n", "a.example.test", DNS_A, " 60 A 10.0.0.1");
    expect("a CLASS1 TYPE1 10.0.0.1\n", "a.example.test", DNS_A, " 60 A 10.0.0.1");
    expect("$TTL 1d\na A 10.0.0.1\n", "a.example.test", DNS_A, " 86400 A 10.0.0.1");
    expect("a 9 A 10.0.0.1\na 5 A 10.0.0.2\na 7 A 10.0.0.3\n", "a.example.test", DNS_A,
           "= a.example.test. 5 A 10.0.0.1\n= a.example.test. 5 A 10.0.0.2\n"
           "= a.example.test. 5 A 10.0.0.3\n"); /* RFC 2181 section 5.2 */
}

Test(dns_zonefile, ttl_without_a_directive)
{
    char why[DNS_WHY];
    struct dns_zones zones;
    const char *file = "@ SOA ns root 1 2 3 4 77\n@ NS ns\nns 9 A 10.0.0.1\nx A 10.0.0.2\n";
    cr_assert(dns_test_zones(&zones, why, "example.test", file, NULL), "%s", why);
    cr_expect(strstr(dns_test_ask(&zones, "example.test", DNS_NS), " 77 NS"));
    cr_expect(strstr(dns_test_ask(&zones, "x.example.test", DNS_A), " 9 A"));
    dns_zones_free(&zones, dns_test_memory);
    cr_expect(!dns_test_zones(&zones, why, "example.test", "@ NS ns\n@ SOA ns root 1 2 3 4 5\n",
                              NULL));
    cr_expect_str_eq(why, "example.test:1: the record has no TTL: write $TTL 1h at the top of the "
                          "file\nexample.test: the zone has no NS record at its apex");
}

Test(dns_zonefile, types)
{
    static const struct {
        const char *line;
        uint16_t type;
        const char *shown;
    } rows[] = {
        {"x A 192.0.2.1", 1, " A 192.0.2.1"},
        {"x AAAA 2001:db8::1", 28, " AAAA 2001:db8::1"},
        {"x MX 10 Mail.Example.net.", 15, " MX 10 Mail.Example.net."},
        {"x PTR y", 12, " PTR y.example.test."},
        {"x CNAME @", 5, " CNAME example.test."},
        {"x TXT one \"two words\" \"\" a\\;b \\065", 16,
         " TXT \"one\" \"two words\" \"\" \"a;b\" \"A\""},
        {"x TXT ( \"a\" ; comment\n \"b\" )", 16, " TXT \"a\" \"b\""},
        {"x SRV 1 2 3 y", 33, " SRV 1 2 3 y.example.test."},
        {"x CAA 128 issue \"ca.test; policy=ev\"", 257,
         " CAA 128 \"issue\" \"ca.test; policy=ev\""},
        {"x DS 1 8 2 0102 0304", 43, " DS 1 8 2 #01020304"},
        {"x TLSA 3 1 1 ABcd", 52, " TLSA 3 1 1 #abcd"},
        {"x SSHFP 4 2 00ff", 44, " SSHFP 4 2 #00ff"},
        {"x TYPE999 \\# 3 01 0203", 999, " TYPE999 #010203"},
        {"x TYPE999 \\# 0", 999, " TYPE999 #"},
        {"x A \\# 4 c0000201", 1, " A 192.0.2.1"},
        {"x TYPE15 \\# 5 000a 0161 00", 15, " MX 10 a."},
        {"x SRV \\# 9 000100020003 0161 00", 33, " SRV 1 2 3 a."},
        {"x TXT \\# 4 0161 0162", 16, " TXT \"a\" \"b\""},
        {"x CAA \\# 4 00 01 61 62", 257, " CAA 0 \"a\" \"b\""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        expect(rows[i].line, "x.example.test", rows[i].type, rows[i].shown);
    expect("", "example.test", DNS_SOA,
           "= example.test. 60 SOA ns.example.test. root.example.test. 1 2 3 4 5\n");
}

Test(dns_zonefile, wrong_data)
{
    static const struct {
        const char *line, *why;
    } rows[] = {
        {"x A 192.0.2", "'192.0.2': an IPv4 address is needed, such as 192.0.2.1"},
        {"x A", "a field is missing at the end"},
        {"x A 192.0.2.1 2", "'2': one word too many"},
        {"x A \"192.0.2.1\"", "'192.0.2.1': no quotes here"},
        {"x AAAA 192.0.2.1", "'192.0.2.1': an IPv6 address is needed, such as 2001:db8::1"},
        {"x MX mail 10", "'mail': a number from 0 to 65535 is needed"},
        {"x MX 10", "a field is missing at the end"},
        {"x MX 65536 y", "'65536': a number from 0 to 65535 is needed"},
        {"x CNAME a..b", "'a..b': empty label in the name"},
        {"x TXT", "a field is missing at the end"},
        {"x TXT a\\300", "'a\\300': bad escape in the text"},
        {"x CAA 0 is-sue x", "'is-sue': letters and digits are needed, such as issue"},
        {"x CAA 256 issue x", "'256': a number from 0 to 255 is needed"},
        {"x DS 1 8 2 012", "'012': hexadecimal digits are needed, two for each byte"},
        {"x TYPE999 01", "data of this type is written as \\# LENGTH HEX (RFC 3597)"},
        {"x TYPE999 \\# 2 01", "the length after \\# is another than the data's"},
        {"x TYPE999 \\# two 01", "'two': a length from 0 to 65535 is needed after \\#"},
        {"x TYPE999 \\#", "a field is missing at the end"},
        {"x TYPE999 \\# 1 zz", "'zz': hexadecimal digits are needed"},
        {"x A \\# 3 010203", "the data does not have the form of this type"},
        {"x MX \\# 4 000a c00c", "the data does not have the form of this type"},
        {"x MX \\# 6 000a 0161 00 00", "the data does not have the form of this type"},
        {"x TXT \\# 2 0261", "the data does not have the form of this type"},
        {"x ANY \\# 0", "'ANY': unknown type; other types are written as TYPE999 \\# LENGTH HEX"},
        {"x TYPE255 \\# 0", "'TYPE255': is no type of data"},
        {"x TYPE41 \\# 0", "'TYPE41': is no type of data"},
        {"x CH A 192.0.2.1", "'CH': only class IN is served"},
        {"x 99999999999 A 192.0.2.1",
         "'99999999999': a TTL is a time from 0 to 2147483647, such as 3600 or 1h30m"},
        {"x", "the type is missing"},
        {"x IN", "the type is missing"},
        {"x A ) 192.0.2.1", "a ')' without its '('"},
        {"x TXT \"open", "a quote is not closed on its line"},
        {"y.other.test. A 192.0.2.1",
         "'y.other.test.': is outside of the zone; is a dot at its end too much or missing?"},
        {"$INCLUDE file", "'$INCLUDE': is not supported: write its records into this file"},
        {"$GENERATE 1-9 a A 1.2.3.4",
         "'$GENERATE': is not supported: write its records into this file"},
        {"$ORIGINAL", "'$ORIGINAL': unknown directive; known are $ORIGIN and $TTL"},
        {"$ORIGIN", "$ORIGIN needs a name"},
        {"$ORIGIN a b", "'b': one word too many"},
        {"$TTL", "$TTL needs a time, such as 3600 or 1h"},
        {"$TTL x", "$TTL needs a time, such as 3600 or 1h"},
        {"x SOA a b 1 2 3 4 5", "'SOA': SOA belongs to the name of the zone"},
        {"@ DS 1 8 2 00", "'DS': DS belongs into the zone above"},
        {"* NS x", "'NS': a wildcard cannot be delegated (RFC 4592 section 4.2)"},
        {"\n( x A 192.0.2.1", "this '(' is never closed"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char wanted[300];
        int line = rows[i].line[0] == '\n' ? 5 : 4;
        snprintf(wanted, sizeof wanted, "example.test:%d: %s", line, rows[i].why);
        refuse(rows[i].line, wanted);
    }
}

/* What is wrong with the letters of a line, at each place where the next word is read. */
Test(dns_zonefile, wrong_letters)
{
    static const struct {
        const char *line, *why;
    } rows[] = {
        {") x A 192.0.2.1", "a ')' without its '('"},
        {"x ) A 192.0.2.1", "a ')' without its '('"},
        {"x 5 ) A 192.0.2.1", "a ')' without its '('"},
        {"x A ) 192.0.2.1", "a ')' without its '('"},
        {"x A 192.0.2.1 )", "a ')' without its '('"},
        {"x MX 10 ) y", "a ')' without its '('"},
        {"x TYPE999 \\# ) 1 00", "a ')' without its '('"},
        {"x TYPE999 \\# 1 ) 00", "a ')' without its '('"},
        {"$TTL 60 )", "a ')' without its '('"},
        {"$ORIGIN a..b", "empty label in the name"},
        {"x \"\"", "'': unknown type; other types are written as TYPE999 \\# LENGTH HEX"},
        {"x TYPE0 \\# 0", "'TYPE0': is no type of data"},
        {"x CAA 0 \"\" y", "'': letters and digits are needed, such as issue"},
        {"x CAA 0 is{x y", "'is{x': letters and digits are needed, such as issue"},
        {"x CAA 0 is=x y", "'is=x': letters and digits are needed, such as issue"},
        {"x CAA 0 issue y\\300", "'y\\300': bad escape in the text"},
        {"@ SOA a b 1 2 3 4 soon", "'soon': a time is needed, such as 3600 or 1h"},
        {"@ SOA a b 4294967296 2 3 4 5",
         "'4294967296': a number from 0 to 4294967295 is needed"},
        {"x TXT \"ends in a backslash\\", "a quote is not closed on its line"},
        {"a..b A 192.0.2.1\n A 192.0.2.2", "'a..b': empty label in the name"},
        {"x AAAA 1:2:3:4:5:6:7:8:1:2:3:4:5:6:7:8:1:2:3:4:5:6:7:8:1:2:3:4:5:6:7:8:1:2:3:4:5:6:7:8:9",
         "'1:2:3:4:5:6:7:8:1:2:3:4:5:6:7:8:1:2:3:4:5:6:7:8:1:2:3:4:5:6:7:8:1:2:3:4:5:6:7:8:…': "
         "an IPv6 address is needed, such as 2001:db8::1"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char wanted[300];
        snprintf(wanted, sizeof wanted, "example.test:4: %s", rows[i].why);
        refuse(rows[i].line, wanted);
    }
    expect("x A 10.0.0.1\r\ny A 10.0.0.2\r\n", "x.example.test", DNS_A, " A 10.0.0.1");
}

Test(dns_zonefile, data_in_wire_form_rfc3597_5)
{
    char why[DNS_WHY];
    struct dns_zones zones;
    expect("x AAAA \\# 16 20010db8000000000000000000000001", "x.example.test", 28,
           " AAAA 2001:db8::1");
    expect("x DS \\# 6 0001 08 02 0102", "x.example.test", 43, " DS 1 8 2 #0102");
    expect("x CAA \\# 5 00 01 61 62 63", "x.example.test", 257, " CAA 0 \"a\" \"bc\"");
    const char *file = "@ 60 SOA \\# 22 00 00 00000001 00000002 00000003 00000004 00000005\n"
                       "@ 60 NS ns\n";
    cr_assert(dns_test_zones(&zones, why, "example.test", file, NULL), "%s", why);
    cr_expect(strstr(dns_test_ask(&zones, "example.test", DNS_SOA), " SOA . . 1 2 3 4 5"));
    dns_zones_free(&zones, dns_test_memory);
}

Test(dns_zonefile, data_that_is_too_long)
{
    char why[DNS_WHY], *file = NULL;
    size_t n;
    struct dns_zones zones;
    static const struct {
        const char *before, *each;
        int times;
        const char *wanted;
    } rows[] = {
        {"x TXT \"", "a", 256, "text longer than 255 bytes: cut it into several strings"},
        {"x TXT (", " \"a long string of sixty bytes, which is then said many times over\"", 1100,
         "the data is longer than 65535 bytes"},
        {"x TYPE999 \\# 65535 (", " 00112233445566778899", 7000,
         "the length after \\# is another than the data's"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        FILE *to = open_memstream(&file, &n);
        fprintf(to, TOP "%s", rows[i].before);
        for (int j = 0; j < rows[i].times; j++) fputs(rows[i].each, to);
        fputs(i ? ")\n" : "\"\n", to);
        fclose(to);
        cr_expect(!dns_test_zones(&zones, why, "example.test", file, NULL), "%s", rows[i].wanted);
        cr_expect(strstr(why, rows[i].wanted), "%s", why);
        free(file);
    }
}

Test(dns_zonefile, the_whole_of_a_zone)
{
    char why[DNS_WHY];
    struct dns_zones zones;
#define ALONE "other records stand beside this CNAME, which must be alone"
    refuse("x CNAME y\nx A 10.0.0.1\n",
           "example.test:4: x.example.test.: " ALONE);
    refuse("x A 10.0.0.1\nx CNAME y\n",
           "example.test:5: x.example.test.: " ALONE);
    refuse("x CNAME y\nx CNAME z\n",
           "example.test:4: x.example.test.: " ALONE);
    expect("x CNAME y\nX CNAME Y\n", "x.example.test", DNS_CNAME, " CNAME y.example.test.");
    refuse("@ SOA other root 1 2 3 4 5\n", "example.test: the zone has more than one SOA record");
    cr_expect(!dns_test_zones(&zones, why, "example.test", "", NULL));
    cr_expect_str_eq(why, "example.test: the zone has no SOA record\n"
                          "example.test: the zone has no NS record at its apex");
    cr_expect(!dns_test_zones(&zones, why, "example.test", TOP, "Example.Test.", TOP, NULL));
    cr_expect_str_eq(why, "Example.Test.: this zone is configured twice");
}

Test(dns_zonefile, a_set_too_large_for_a_message)
{
    char why[DNS_WHY], *file = NULL;
    size_t n;
    struct dns_zones zones;
    FILE *to = open_memstream(&file, &n);
    fprintf(to, TOP);
    for (int i = 0; i < 4100; i++) fprintf(to, "x A 10.0.%d.%d\n", i >> 8, i & 255);
    fclose(to);
    cr_expect(!dns_test_zones(&zones, why, "example.test", file, NULL));
    cr_expect_str_eq(why, "example.test:4: x.example.test.: more records of one type than fit "
                          "into a DNS message");
    free(file);
    to = open_memstream(&file, &n);
    fprintf(to, TOP);
    for (int i = 0; i < 1100; i++)
        fprintf(to, "x MX 1 a%d.a-label-of-some-length.another-label-of-some-length\n", i);
    fclose(to);
    cr_expect(!dns_test_zones(&zones, why, "example.test", file, NULL), "uncompressed names count");
    free(file);
}

Test(dns_zonefile, shows_all_troubles_up_to_a_number)
{
    char file[4096] = TOP, why[DNS_WHY];
    struct dns_zones zones;
    for (int i = 0; i < 30; i++)
        snprintf(&file[strlen(file)], sizeof file - strlen(file), "x%d A wrong\n ( y\n )", i);
    cr_expect(!dns_test_zones(&zones, why, "example.test", file, NULL));
    size_t lines = 1;
    for (const char *at = why; *at; at++) lines += *at == '\n';
    cr_expect_eq(lines, DNS_TROUBLES_SHOWN + 1, "%s", why);
}

Test(dns_zonefile, the_same_again_says_nothing_new)
{
    expect("x A 10.0.0.1\nx A 10.0.0.2\nX 9 A 10.0.0.1\nx A 10.0.0.1\n", "x.example.test", DNS_A,
           "? x.example.test. A\n= x.example.test. 9 A 10.0.0.1\n"
           "= x.example.test. 9 A 10.0.0.2\nedns");
    expect("x SRV 1 2 3 y\nx SRV 1 2 3 y\nx SRV 1 2 4 z\ny A 10.0.0.1\nz A 10.0.0.2\n",
           "x.example.test", DNS_SRV,
           "= x.example.test. 60 SRV 1 2 3 y.example.test.\n"
           "= x.example.test. 60 SRV 1 2 4 z.example.test.\n"
           "+ y.example.test. 60 A 10.0.0.1\n+ z.example.test. 60 A 10.0.0.2\nedns");
}

Test(dns_zonefile, memory_that_runs_out)
{
    struct dns_zones zones;
    char why[DNS_WHY];
    long n = 1;
    for (;; n++) {
        dns_blocks_fail = n;
        if (dns_test_zones(&zones, why, "example.test", TOP "a A 10.0.0.1\nb.c SRV 1 2 3 d\n",
                           NULL))
            break;
        cr_expect_eq(dns_blocks, 0, "%ld blocks are left when call %ld fails", dns_blocks, n);
        cr_assert_lt(n, 100, "%s", why);
    }
    cr_expect_gt(n, 8);
    dns_blocks_fail = 0;
    dns_zones_free(&zones, dns_test_memory);
}
