/* SPDX-License-Identifier: GPL-3.0-or-later
 * test_bytes.c - sdk/bytes.h: every function at its edges, overflow, and the sticky errors.
 */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "bytes.h"

#define EXPECT_VIEW(view, text) \
    do { \
        gyre_view view_ = (view); \
        cr_expect(gyre_eq(view_, GYRE_LIT(text)), "is '%.*s', not '%s'", (int)view_.n, \
                  view_.n ? (const char *)view_.p : "", text); \
    } while (0)

/* ---- views ---- */

Test(bytes, literals_and_strings)
{
    cr_expect_eq(GYRE_LIT("").n, 0);
    cr_expect_eq(GYRE_LIT("a\0b").n, 3);
    cr_expect_eq(gyre_str("abc").n, 3);
    cr_expect_eq(gyre_str("").n, 0);
    cr_expect_eq(gyre_str(NULL).n, 0);
    cr_expect_null(gyre_str(NULL).p);
    cr_expect_null(GYRE_NOTHING.p);
}

Test(bytes, head)
{
    gyre_view v = GYRE_LIT("abc"), nothing = GYRE_NOTHING;
    EXPECT_VIEW(gyre_head(&v, 0), "");
    EXPECT_VIEW(gyre_head(&v, 2), "ab");
    EXPECT_VIEW(gyre_head(&v, SIZE_MAX), "c");
    EXPECT_VIEW(gyre_head(&v, 1), "");
    cr_expect_eq(gyre_head(&nothing, 5).n, 0);
    cr_expect_null(nothing.p);
}

Test(bytes, all)
{
    gyre_view v = GYRE_LIT("abc"), nothing = GYRE_NOTHING;
    EXPECT_VIEW(gyre_all(&v), "abc");
    EXPECT_VIEW(v, "");
    EXPECT_VIEW(gyre_all(&nothing), "");
}

Test(bytes, exact)
{
    gyre_view v = GYRE_LIT("abc"), head = GYRE_LIT("untouched"), nothing = GYRE_NOTHING;
    cr_expect(!gyre_exact(&v, 4, &head));
    cr_expect(!gyre_exact(&v, SIZE_MAX, &head));
    EXPECT_VIEW(v, "abc");
    EXPECT_VIEW(head, "untouched");
    cr_expect(gyre_exact(&v, 3, &head));
    EXPECT_VIEW(head, "abc");
    cr_expect(gyre_exact(&v, 0, &head));
    EXPECT_VIEW(head, "");
    cr_expect(gyre_exact(&nothing, 0, &head));
    cr_expect(!gyre_exact(&nothing, 1, &head));
}

Test(bytes, until)
{
    gyre_view v = GYRE_LIT(",a,,b"), head = GYRE_LIT("untouched"), nothing = GYRE_NOTHING;
    cr_expect(gyre_until(&v, ',', &head));
    EXPECT_VIEW(head, "");
    cr_expect(gyre_until(&v, ',', &head));
    EXPECT_VIEW(head, "a");
    cr_expect(gyre_until(&v, ',', &head));
    EXPECT_VIEW(head, "");
    cr_expect(!gyre_until(&v, ',', &head));
    EXPECT_VIEW(v, "b");
    EXPECT_VIEW(head, "");
    cr_expect(!gyre_until(&nothing, ',', &head));
    v = GYRE_LIT("a\0b");
    cr_expect(gyre_until(&v, 0, &head));
    EXPECT_VIEW(v, "b");
    v = GYRE_LIT("a\xff");
    cr_expect(gyre_until(&v, 0xff, &head));
    EXPECT_VIEW(v, "");
}

Test(bytes, line)
{
    gyre_view v = GYRE_LIT("a\r\nb\n\r\n\n\rc\r"), line;
    cr_expect(gyre_line(&v, &line));
    EXPECT_VIEW(line, "a");
    cr_expect(gyre_line(&v, &line));
    EXPECT_VIEW(line, "b");
    cr_expect(gyre_line(&v, &line));
    EXPECT_VIEW(line, "");
    cr_expect(gyre_line(&v, &line));
    EXPECT_VIEW(line, "");
    cr_expect(!gyre_line(&v, &line));
    EXPECT_VIEW(v, "\rc\r");
    v = GYRE_LIT("a\r\r\n");
    cr_expect(gyre_line(&v, &line));
    EXPECT_VIEW(line, "a\r");
    v = GYRE_NOTHING;
    cr_expect(!gyre_line(&v, &line));
}

Test(bytes, crlf)
{
    gyre_view v = GYRE_LIT("a\rb\nc\r\n\r\nd\r"), line = GYRE_LIT("untouched");
    cr_expect(gyre_crlf(&v, &line));
    EXPECT_VIEW(line, "a\rb\nc");
    cr_expect(gyre_crlf(&v, &line));
    EXPECT_VIEW(line, "");
    cr_expect(!gyre_crlf(&v, &line));
    EXPECT_VIEW(v, "d\r");
    v = GYRE_LIT("\r\r\n");
    cr_expect(gyre_crlf(&v, &line));
    EXPECT_VIEW(line, "\r");
    const char *const none[] = {"", "\n", "\r", "\n\r", "a\n", "\r\r", "\r\r\r", "\ra\n"};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        v = gyre_str(none[i]);
        cr_expect(!gyre_crlf(&v, &line), "%zu", i);
        cr_expect_eq(v.n, strlen(none[i]));
    }
    v = GYRE_NOTHING;
    cr_expect(!gyre_crlf(&v, &line));
}

/* The end of the view is the end: what stands behind it in memory is never looked at. */
Test(bytes, ends_are_ends)
{
    const uint8_t text[] = "ab\r\n";
    gyre_view v, line;
    v = (gyre_view){text, 3};
    cr_expect(!gyre_crlf(&v, &line));
    v = (gyre_view){text, 3};
    cr_expect(!gyre_line(&v, &line));
    cr_expect(!gyre_eq((gyre_view){text, 2}, GYRE_LIT("ab\r")));
    v = (gyre_view){text, 1};
    cr_expect(!gyre_skip(&v, GYRE_LIT("ab")));
}

Test(bytes, equal)
{
    gyre_view nothing = GYRE_NOTHING;
    cr_expect(gyre_eq(nothing, GYRE_LIT("")));
    cr_expect(gyre_eq(nothing, nothing));
    cr_expect(gyre_eq(GYRE_LIT("a\0b"), GYRE_LIT("a\0b")));
    cr_expect(!gyre_eq(GYRE_LIT("a\0b"), GYRE_LIT("a\0c")));
    cr_expect(!gyre_eq(GYRE_LIT("a"), GYRE_LIT("ab")));
    cr_expect(!gyre_eq(GYRE_LIT("a"), GYRE_LIT("A")));
    cr_expect(gyre_eqi(GYRE_LIT("aZ[`{@"), GYRE_LIT("Az[`{@")));
    cr_expect(!gyre_eqi(GYRE_LIT("["), GYRE_LIT("{")));
    cr_expect(!gyre_eqi(GYRE_LIT("@"), GYRE_LIT("`")));
    cr_expect(!gyre_eqi(GYRE_LIT("\xc4"), GYRE_LIT("\xe4")), "knows no locale");
    cr_expect(!gyre_eqi(GYRE_LIT("a"), GYRE_LIT("ab")));
    cr_expect(gyre_eqi(nothing, GYRE_LIT("")));
    for (int c = 0; c < 256; c++)
        cr_expect_eq(gyre_lower((uint8_t)c), c >= 'A' && c <= 'Z' ? c + 32 : c);
}

Test(bytes, skip_and_trim)
{
    gyre_view v = GYRE_LIT("GET /"), nothing = GYRE_NOTHING;
    cr_expect(!gyre_skip(&v, GYRE_LIT("get ")));
    cr_expect(!gyre_skip(&v, GYRE_LIT("GET /x")));
    EXPECT_VIEW(v, "GET /");
    cr_expect(gyre_skip(&v, GYRE_LIT("")));
    cr_expect(gyre_skip(&v, GYRE_LIT("GET ")));
    EXPECT_VIEW(v, "/");
    cr_expect(gyre_skip(&v, GYRE_LIT("/")));
    cr_expect(!gyre_skip(&v, GYRE_LIT("/")));
    cr_expect(gyre_skip(&nothing, GYRE_NOTHING));
    cr_expect(!gyre_skip(&nothing, GYRE_LIT("x")));
    EXPECT_VIEW(gyre_trim(GYRE_LIT(" \t a b\t ")), "a b");
    EXPECT_VIEW(gyre_trim(GYRE_LIT(" \t ")), "");
    EXPECT_VIEW(gyre_trim(GYRE_LIT("\ra\n")), "\ra\n");
    EXPECT_VIEW(gyre_trim(nothing), "");
}

/* ---- numbers ---- */

Test(bytes, decimal)
{
    uint64_t x = 7;
    cr_expect(gyre_dec(GYRE_LIT("0"), 0, &x) && x == 0);
    cr_expect(gyre_dec(GYRE_LIT("00042"), 42, &x) && x == 42);
    cr_expect(gyre_dec(GYRE_LIT("65535"), 65535, &x) && x == 65535);
    cr_expect(gyre_dec(GYRE_LIT("18446744073709551615"), UINT64_MAX, &x) && x == UINT64_MAX);
    cr_expect(gyre_dec(GYRE_LIT("000000000000000000000000000001"), UINT64_MAX, &x) && x == 1);
    const char *const bad[] = {"", "-1", "+1", " 1", "1 ", "1a", "0x1", "18446744073709551616",
                               "18446744073709551620", "99999999999999999999",
                               "100000000000000000000", "/", ":"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        x = 7;
        cr_expect(!gyre_dec(gyre_str(bad[i]), UINT64_MAX, &x), "'%s'", bad[i]);
        cr_expect_eq(x, 7, "'%s' left a number", bad[i]);
    }
    cr_expect(!gyre_dec(GYRE_LIT("65536"), 65535, &x));
    cr_expect(!gyre_dec(GYRE_LIT("1"), 0, &x));
    cr_expect(!gyre_dec(GYRE_LIT("10"), 9, &x));
    cr_expect(!gyre_dec(GYRE_LIT("1\0"), UINT64_MAX, &x));
    cr_expect(!gyre_dec(GYRE_NOTHING, UINT64_MAX, &x));
}

Test(bytes, hexadecimal)
{
    uint64_t x = 7;
    cr_expect(gyre_hex(GYRE_LIT("0"), 0, &x) && x == 0);
    cr_expect(gyre_hex(GYRE_LIT("fF"), 255, &x) && x == 255);
    cr_expect(gyre_hex(GYRE_LIT("ffffffffffffffff"), UINT64_MAX, &x) && x == UINT64_MAX);
    cr_expect(gyre_hex(GYRE_LIT("00000000000000000001a"), UINT64_MAX, &x) && x == 26);
    const char *const bad[] = {"", "g", "0x1", "-1", " 1", "1 ", "10000000000000000",
                               "fffffffffffffffff", "@", "`", "G"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        x = 7;
        cr_expect(!gyre_hex(gyre_str(bad[i]), UINT64_MAX, &x), "'%s'", bad[i]);
        cr_expect_eq(x, 7, "'%s' left a number", bad[i]);
    }
    cr_expect(!gyre_hex(GYRE_LIT("100"), 255, &x));
    cr_expect(!gyre_hex(GYRE_NOTHING, UINT64_MAX, &x));
    for (int c = 0; c < 256; c++) {
        static const char digits[] = "0123456789abcdef";
        const char *at = c ? strchr(digits, gyre_lower((uint8_t)c)) : NULL;
        cr_expect_eq(gyre_hex_digit((uint8_t)c), at ? (int)(at - digits) : -1);
    }
}

/* ---- reading a message ---- */

Test(bytes, big_endian)
{
    gyre_in in = gyre_in_of(GYRE_LIT("\x01\x02\x03\x04\x05\x06\x07\x08\xff\xfe"));
    cr_expect_eq(gyre_be(&in, 0), 0);
    cr_expect_eq(gyre_be(&in, 8), 0x0102030405060708);
    cr_expect(!gyre_end(&in), "two bytes are left");
    cr_expect_eq(gyre_be(&in, 1), 0xff);
    cr_expect_eq(gyre_be(&in, 1), 0xfe);
    cr_expect(gyre_end(&in));
    cr_expect_eq(gyre_be(&in, 0), 0);
    cr_expect(gyre_end(&in));
}

Test(bytes, reading_past_the_end_sticks)
{
    gyre_in in = gyre_in_of(GYRE_LIT("abc"));
    cr_expect_eq(gyre_be(&in, 4), 0);
    cr_expect(in.bad);
    cr_expect_eq(gyre_be(&in, 1), 0, "there is a byte, but the message is bad");
    EXPECT_VIEW(gyre_bytes(&in, 1), "");
    EXPECT_VIEW(gyre_bytes(&in, 0), "");
    cr_expect(!gyre_end(&in));
    in = gyre_in_of(GYRE_LIT("abcdefghi"));
    cr_expect_eq(gyre_be(&in, 9), 0);
    cr_expect(in.bad, "no number has nine bytes");
    in = gyre_in_of(GYRE_NOTHING);
    cr_expect(gyre_end(&in));
    EXPECT_VIEW(gyre_bytes(&in, 0), "");
    cr_expect(gyre_end(&in));
    EXPECT_VIEW(gyre_bytes(&in, SIZE_MAX), "");
    cr_expect(in.bad);
}

Test(bytes, reading_bytes)
{
    gyre_in in = gyre_in_of(GYRE_LIT("abc"));
    EXPECT_VIEW(gyre_bytes(&in, 2), "ab");
    EXPECT_VIEW(gyre_bytes(&in, 1), "c");
    cr_expect(gyre_end(&in));
    EXPECT_VIEW(gyre_bytes(&in, 1), "");
    cr_expect(!gyre_end(&in));
}

/* ---- building ---- */

Test(bytes, building)
{
    uint8_t space[64];
    gyre_out o = GYRE_OUT(space);
    cr_expect_eq(o.cap, 64);
    EXPECT_VIEW(gyre_built(&o), "");
    gyre_put(&o, GYRE_LIT("a"));
    gyre_put(&o, GYRE_NOTHING);
    gyre_put_byte(&o, 0xff);
    gyre_put_be(&o, 0x0102, 2);
    gyre_put_be(&o, 0xaabbccdd11223344, 8);
    gyre_put_be(&o, 0x1ff, 1);
    gyre_put_be(&o, 5, 0);
    gyre_put_dec(&o, 0);
    gyre_put_dec(&o, UINT64_MAX);
    gyre_put_hex(&o, 0, 1);
    gyre_put_hex(&o, 0xab, 4);
    cr_expect(gyre_eq(gyre_built(&o), GYRE_LIT("a\xff\x01\x02\xaa\xbb\xcc\xdd\x11\x22\x33\x44\xff"
                                               "0" "18446744073709551615" "0" "00ab")));
}

Test(bytes, hexadecimal_digits)
{
    uint8_t space[32];
    const struct {
        uint64_t x;
        size_t digits;
        const char *text;
    } cases[] = {{0, 0, "0"}, {0, 16, "0000000000000000"}, {UINT64_MAX, 1, "ffffffffffffffff"},
                 {UINT64_MAX, 16, "ffffffffffffffff"}, {0x10, 1, "10"}, {0x10, 2, "10"},
                 {0x10, 3, "010"}, {1, 100, "0000000000000001"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        gyre_out o = GYRE_OUT(space);
        gyre_put_hex(&o, cases[i].x, cases[i].digits);
        cr_expect(gyre_eq(gyre_built(&o), gyre_str(cases[i].text)), "%s is %.*s", cases[i].text,
                  (int)o.n, (const char *)o.p);
    }
}

Test(bytes, what_does_not_fit_sticks)
{
    uint8_t space[5] = {0, 0, 0, 0, 0x77};
    gyre_out o = {space, 0, 4, false, NULL, NULL};
    gyre_put(&o, GYRE_LIT("abc"));
    gyre_put(&o, GYRE_LIT("de"));
    cr_expect(o.full);
    EXPECT_VIEW(gyre_built(&o), "");
    gyre_put_byte(&o, 'x');
    gyre_put(&o, GYRE_NOTHING);
    cr_expect(o.full, "a later piece that fits does not mend it");
    cr_expect_eq(o.n, 3);
    cr_expect_eq(space[3], 0, "no part was written");
    cr_expect_eq(space[4], 0x77);
}

Test(bytes, exactly_full_is_not_too_full)
{
    uint8_t space[4];
    gyre_out o = GYRE_OUT(space);
    gyre_put_be(&o, 0x61626364, 4);
    EXPECT_VIEW(gyre_built(&o), "abcd");
    gyre_put(&o, GYRE_NOTHING);
    EXPECT_VIEW(gyre_built(&o), "abcd");
    gyre_put_byte(&o, 'e');
    cr_expect(o.full);
    gyre_out none = {NULL, 0, 0, false, NULL, NULL};
    gyre_put(&none, GYRE_NOTHING);
    cr_expect(!none.full);
    EXPECT_VIEW(gyre_built(&none), "");
    gyre_put_dec(&none, 1);
    cr_expect(none.full);
}

Test(bytes, lengths_near_the_end_of_memory)
{
    uint8_t space[4] = {0};
    gyre_out o = GYRE_OUT(space);
    gyre_put_byte(&o, 'a');
    gyre_put(&o, (gyre_view){space, SIZE_MAX});
    cr_expect(o.full);
    cr_expect_eq(o.n, 1);
}

Test(bytes, numbers_of_too_many_bytes)
{
    uint8_t space[32];
    gyre_out o = GYRE_OUT(space);
    gyre_put_be(&o, 1, 9);
    cr_expect(o.full);
}

Test(bytes, patching)
{
    uint8_t space[8];
    gyre_out o = GYRE_OUT(space);
    gyre_put_be(&o, 0, 2);
    gyre_put(&o, GYRE_LIT("abc"));
    gyre_patch_be(&o, 0, o.n - 2, 2);
    cr_expect(gyre_eq(gyre_built(&o), GYRE_LIT("\0\3abc")));
    gyre_patch_be(&o, 4, 0x1ff, 1);
    gyre_patch_be(&o, 5, 9, 0);
    cr_expect(gyre_eq(gyre_built(&o), GYRE_LIT("\0\3ab\xff")));
    const struct {
        size_t at, bytes;
    } bad[] = {{5, 1}, {4, 2}, {6, 0}, {SIZE_MAX, 1}, {SIZE_MAX, 8}, {0, 9}, {0, SIZE_MAX}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        gyre_out copy = o;
        gyre_patch_be(&copy, bad[i].at, 1, bad[i].bytes);
        cr_expect(copy.full, "%zu", i);
    }
    o.full = true;
    gyre_patch_be(&o, 0, 7, 1);
    cr_expect_eq(space[0], 0, "a builder that overran is not written to");
}

/* ---- growing ---- */

static bool grow_to_64(gyre_out *o, size_t more)
{
    size_t *calls = o->owner;
    uint8_t *p;
    ++*calls;
    if (more > 64 - o->n) return false;
    p = realloc(o->p, 64);
    if (!p) return false;
    o->p = p;
    o->cap = 64;
    return true;
}

Test(bytes, growing)
{
    size_t calls = 0;
    gyre_out o = {NULL, 0, 0, false, grow_to_64, &calls};
    for (int i = 0; i < 64; i++) gyre_put_byte(&o, 'x');
    cr_expect_eq(calls, 1);
    cr_expect_eq(gyre_built(&o).n, 64);
    gyre_put_byte(&o, 'x');
    cr_expect(o.full);
    cr_expect_eq(calls, 2);
    gyre_put_byte(&o, 'x');
    cr_expect_eq(calls, 2, "once full, it does not ask again");
    cr_expect_eq(gyre_built(&o).n, 0);
    free(o.p);
}
