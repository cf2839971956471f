/* SPDX-License-Identifier: GPL-3.0-or-later
 * test_dns_name.c - names: cut off the wire, spelled from text, hashed; words of master files.
 */
#include <criterion/criterion.h>
#include <stdio.h>

#include "plugins/dns/lexer.h"
#include "plugins/dns/rdata.h"

static const struct dns_spelled origin = {.n = 14, .bytes = "\7example\4test"};

static gyre_view view(const struct dns_spelled *name)
{
    return (gyre_view){name->bytes, name->n};
}

/* The text that a name of a master file stands for, or why it is none. */
static const char *spelled(gyre_view text)
{
    static uint8_t space[1100];
    gyre_out out = GYRE_OUT(space);
    struct dns_spelled name;
    const char *why = dns_name_spell(text, &origin, &name);
    if (why) return why;
    dns_name_show(&out, view(&name));
    gyre_put_byte(&out, 0);
    return (const char *)space;
}

Test(dns_name, text)
{
    cr_expect_str_eq(spelled(GYRE_LIT("www")), "www.example.test.");
    cr_expect_str_eq(spelled(GYRE_LIT("www.net.")), "www.net.");
    cr_expect_str_eq(spelled(GYRE_LIT("@")), "example.test.");
    cr_expect_str_eq(spelled(GYRE_LIT(".")), ".");
    cr_expect_str_eq(spelled(GYRE_LIT("\\@")), "@.example.test.");
    cr_expect_str_eq(spelled(GYRE_LIT("a\\.b.c.")), "a\\.b.c.");
    cr_expect_str_eq(spelled(GYRE_LIT("\\000\\255.")), "\\000\\255.");
    cr_expect_str_eq(spelled(GYRE_LIT("CaSe.")), "CaSe.");
    cr_expect_str_eq(spelled(GYRE_LIT("*")), "*.example.test.");
}

Test(dns_name, wrong_text)
{
    char label[70], name[300];
    memset(label, 'a', sizeof label);
    for (size_t i = 0; i < sizeof name; i++) name[i] = i % 2 ? '.' : 'a';
    cr_expect_str_eq(spelled(GYRE_NOTHING), "empty name");
    cr_expect_str_eq(spelled(GYRE_LIT("a..b")), "empty label in the name");
    cr_expect_str_eq(spelled(GYRE_LIT(".a")), "empty label in the name");
    cr_expect_str_eq(spelled(GYRE_LIT("a\\")), "bad escape in the name");
    cr_expect_str_eq(spelled(GYRE_LIT("\\256.")), "bad escape in the name");
    cr_expect_str_eq(spelled(GYRE_LIT("\\1")), "bad escape in the name");
    cr_expect_str_eq(spelled((gyre_view){(uint8_t *)label, 64}),
                     "label longer than 63 bytes in the name");
    cr_expect_neq(spelled((gyre_view){(uint8_t *)label, 63})[0], 'l');
    cr_expect_eq(spelled((gyre_view){(uint8_t *)name, 254})[0], 'a');
    cr_expect_str_eq(spelled((gyre_view){(uint8_t *)name, 256}), "name longer than 255 bytes");
    cr_expect_str_eq(spelled((gyre_view){(uint8_t *)name, 255}), "name longer than 255 bytes");
    cr_expect_str_eq(spelled((gyre_view){(uint8_t *)name, 241}), "name longer than 255 bytes");
    cr_expect_eq(spelled((gyre_view){(uint8_t *)name, 239})[0], 'a');
}

Test(dns_name, wire)
{
    static const uint8_t mixed[] = "\3WwW\7eX-mpLe\4test\0rest";
    gyre_view in = {mixed, sizeof mixed - 1};
    struct dns_name name;
    cr_assert(dns_name_cut(&in, &name));
    cr_expect(gyre_eq(in, GYRE_LIT("rest")));
    cr_expect(gyre_eq(dns_name_from(&name, 0), GYRE_LIT("\3www\7ex-mple\4test\0")));
    cr_expect(gyre_eq(dns_name_from(&name, 2), GYRE_LIT("\4test\0")));
    cr_expect(gyre_eq(dns_name_from(&name, 3), GYRE_LIT("\0")));
    cr_expect_eq(name.labels, 3);
    for (int byte = 0; byte < 256; byte++) { /* only A to Z change */
        uint8_t one[] = {1, (uint8_t)byte, 0};
        in = (gyre_view){one, 3};
        cr_assert(dns_name_cut(&in, &name));
        cr_expect_eq(name.bytes[1], gyre_lower((uint8_t)byte), "byte %d", byte);
    }
}

Test(dns_name, wrong_wire)
{
    uint8_t longest[256];
    struct dns_name name;
    static const char *const wrong[] = {"", "\1", "\1a", "\300\14", "\1a\300\0", "\100a", "\200a"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        gyre_view in = gyre_str(wrong[i]);
        if (i == 4) in.n = 4;
        gyre_view before = in;
        cr_expect(!dns_name_cut(&in, &name), "number %zu", i);
        cr_expect_eq(in.n, before.n);
    }
    for (size_t i = 0; i < sizeof longest; i++) longest[i] = i % 2 ? 'a' : 1;
    longest[254] = 0;
    gyre_view in = {longest, 255};
    cr_expect(dns_name_cut(&in, &name));
    cr_expect_eq(name.labels, 127);
    cr_expect_eq(name.n, 255);
    longest[252] = 2;
    longest[254] = 'a';
    longest[255] = 0;
    in = (gyre_view){longest, 256};
    cr_expect(!dns_name_cut(&in, &name), "256 bytes");
}

Test(dns_name, the_hash_of_a_name_is_that_of_its_end)
{
    const struct dns_seed seed = {77, 99};
    gyre_view whole = GYRE_LIT("\12aLongLabel\7example\4test\0");
    gyre_view end = GYRE_LIT("\7example\4test\0");
    struct dns_name a, b;
    cr_assert(dns_name_cut(&whole, &a) && dns_name_cut(&end, &b));
    cr_expect_eq(dns_name_hash(&seed, &a, 1), dns_name_hash(&seed, &b, 0));
    cr_expect_neq(dns_name_hash(&seed, &a, 0), dns_name_hash(&seed, &b, 0));
    const struct dns_seed other = {78, 99};
    cr_expect_neq(dns_name_hash(&seed, &a, 0), dns_name_hash(&other, &a, 0));
}

/* The words of a text: W word, Q quoted, | end of a record, ^ indented, ! wrong. */
static const char *words(const char *text)
{
    static char out[1000];
    struct dns_lexer lexer = {.left = gyre_str(text), .line = 1};
    size_t n = 0;
    enum dns_lex what;
    while ((what = dns_lex(&lexer)) != DNS_LEX_FILE_END && n < 900) {
        if (what == DNS_LEX_WRONG) dns_lex_leave(&lexer);
        if (what == DNS_LEX_WORD || what == DNS_LEX_QUOTED)
            n += (size_t)snprintf(&out[n], sizeof out - n, "%s%c%.*s ",
                                  lexer.indented ? "^" : "", "WQ"[what], (int)lexer.word.n,
                                  (const char *)lexer.word.p);
        else out[n++] = what == DNS_LEX_END ? '|' : '!';
    }
    out[n] = 0;
    return out;
}

Test(dns_lexer, words)
{
    cr_expect_str_eq(words("a b\tc\r\nd"), "Wa Wb Wc |Wd |");
    cr_expect_str_eq(words("; only ( \" this\n\n  ; and this\n"), "|||");
    cr_expect_str_eq(words(" a\nb"), "^Wa |Wb |");
    cr_expect_str_eq(words("a ( b ; c )\n  d\n) e\nf"), "Wa Wb Wd We |Wf |");
    cr_expect_str_eq(words("a \"b ; ( c\" d"), "Wa Qb ; ( c Wd |");
    cr_expect_str_eq(words("a \"b \\\" c\"\"\""), "Wa Qb \\\" c Q |");
    cr_expect_str_eq(words("a\\ b \\; \\(\n"), "Wa\\ b W\\; W\\( |");
    cr_expect_str_eq(words("a\"b\"c"), "Wa Qb Wc |");
    cr_expect_str_eq(words("a\\"), "Wa\\ |");
    cr_expect_str_eq(words(""), "");
}

Test(dns_lexer, goes_on_after_an_error)
{
    cr_expect_str_eq(words("a \"b\nc"), "Wa !Wc |");
    cr_expect_str_eq(words("a ) b\nc"), "Wa !Wc |");
    cr_expect_str_eq(words("a ( b\nc"), "Wa Wb Wc !");
    cr_expect_str_eq(words("a ( \"b ( ;\nc )\nd"), "Wa !Wd |");
}

Test(dns_text, times)
{
    static const struct {
        const char *text;
        long seconds; /* -1: wrong */
    } rows[] = {{"0", 0}, {"3600", 3600}, {"1h30m", 5400}, {"1W1d", 691200},
                {"2147483647", INT32_MAX},
                {"2147483648", -1}, {"4000w", -1}, {"h", -1}, {"1x", -1}, {"", -1}, {"1 h", -1}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint32_t seconds = 0;
        bool good = dns_time_of_text(gyre_str(rows[i].text), &seconds);
        cr_expect_eq(good ? (long)seconds : -1, rows[i].seconds, "%s", rows[i].text);
    }
}

Test(dns_text, types_and_classes)
{
    struct dns_type type;
    uint16_t class;
    cr_expect(dns_type_of_text(GYRE_LIT("aaaa"), &type) && type.number == 28 && type.fields);
    cr_expect(dns_type_of_text(GYRE_LIT("TYPE1"), &type) && type.number == 1 && type.fields);
    cr_expect(dns_type_of_text(GYRE_LIT("type65535"), &type) && type.number == 65535);
    cr_expect(!type.fields && !type.name);
    cr_expect(!dns_type_of_text(GYRE_LIT("TYPE65536"), &type));
    cr_expect(!dns_type_of_text(GYRE_LIT("TYPE"), &type));
    cr_expect(!dns_type_of_text(GYRE_LIT("AAA"), &type));
    cr_expect(dns_class_of_text(GYRE_LIT("in"), &class) && class == 1);
    cr_expect(dns_class_of_text(GYRE_LIT("CLASS1"), &class) && class == 1);
    cr_expect(dns_class_of_text(GYRE_LIT("CH"), &class) && class == 3);
    cr_expect(!dns_class_of_text(GYRE_LIT("INN"), &class));
}
