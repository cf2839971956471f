/* SPDX-License-Identifier: GPL-3.0-or-later
 * test_http_body.c - where bodies end, for every way to cut them.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "plugins/http/body.h"

enum { HEAD = 3 }; /* bytes of a head in front, never looked at */

/* In pieces of `step` bytes. The outcome, and how long the message is. */
static int pieces(const struct request *r, gyre_view in, size_t step, size_t *n)
{
    struct body_mark mark;
    int res = body_start(&mark, r);
    for (size_t have = HEAD; !res;) {
        uint8_t *copy = malloc(have);
        cr_assert(copy);
        memcpy(copy, in.p, have);
        res = body_read(&mark, GYRE_MAKE(gyre_view, copy, have));
        free(copy);
        if (have == in.n) break;
        have = have + step < in.n ? have + step : in.n;
    }
    *n = mark.at;
    return res;
}

/* The same outcome in all cuttings; n: bytes of the body that were taken. */
static int outcome_of(const struct request *r, gyre_view body, size_t *n)
{
    size_t all, cap = body.n + HEAD;
    gyre_out out = {malloc(cap), 0, cap, false, NULL, NULL};
    cr_assert(out.p);
    gyre_put(&out, GYRE_LIT("\0\r\n"));
    gyre_put(&out, body);
    int whole = pieces(r, gyre_built(&out), SIZE_MAX / 2, &all);
    for (size_t step = 1; step < 9; step++) {
        size_t m;
        int res = pieces(r, gyre_built(&out), step, &m);
        cr_assert_eq(res, whole, "%d, in pieces of %zu %d: %s", whole, step, res,
                     (const char *)body.p);
        if (res == BODY_END) cr_assert_eq(m, all);
    }
    free(out.p);
    if (n) *n = all - HEAD;
    return whole;
}

static int chunked(const char *text, size_t *n)
{
    struct request r = {.head_n = HEAD, .body = BODY_CHUNKED};
    return outcome_of(&r, gyre_str(text), n);
}

Test(http_body, known_length)
{
    struct request r = {.head_n = HEAD, .body = BODY_LENGTH, .length = 5};
    size_t n;
    cr_assert_eq(outcome_of(&r, GYRE_LIT("helloGET"), &n), BODY_END);
    cr_assert_eq(n, 5u);
    cr_assert_eq(outcome_of(&r, GYRE_LIT("hell"), &n), BODY_MORE);
    r.length = BODY_MAX + 1;
    cr_assert_eq(outcome_of(&r, GYRE_LIT("hello"), &n), 413);
    r.length = UINT64_MAX;
    cr_assert_eq(outcome_of(&r, GYRE_LIT("hello"), &n), 413);
}

Test(http_body, chunks)
{
    static const struct {
        const char *text, *rest;
    } rows[] = {
        {"0\r\n\r\n", "GET / HTTP/1.1"},
        {"5\r\nhello\r\n0\r\n\r\n", ""},
        {"5\r\nhello\r\n00\r\n\r\n", "0"},
        {"0000005\r\nhello\r\nA\r\n0123456789\r\n0\r\n\r\n", "\r\n"},
        {"a\r\n\r\n\r\n\r\n\r\n\r\n\r\n0\r\n\r\n", "x"},
        {"5;name=value\r\nhello\r\n0 ; x=\"a;b\"\r\n\r\n", "x"},
        {"5\t;a\r\nhello\r\n0\r\nTrailer: x\r\nOther:\r\n\r\n", "x"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[200];
        size_t n;
        snprintf(text, sizeof text, "%s%s", rows[i].text, rows[i].rest);
        cr_assert_eq(chunked(text, &n), BODY_END, "%s", text);
        cr_assert_eq(n, strlen(rows[i].text), "%zu of %s", n, text);
    }
}

Test(http_body, unfinished_chunks)
{
    static const char *const rows[] = {
        "", "5", "5\r", "5\r\nhell", "5\r\nhello\r\n", "0\r\n", "0\r\nA: b\r\n", "0\r\n\r"};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        cr_assert_eq(chunked(rows[i], NULL), BODY_MORE, "%s", rows[i]);
}

Test(http_body, refuses_chunks)
{
    static const struct {
        const char *text;
        int status;
    } rows[] = {
        {"\r\n", 400},
        {"x\r\n", 400},
        {" 5\r\nhello", 400},
        {"-5\r\nhello", 400},
        {"+5\r\nhello", 400},
        {"0x5\r\nhello", 400},
        {"5\nhello", 400},
        {"5\r\r", 400},
        {"5,\r\n", 400},
        {"5 0\r\n", 400},
        {"5 x\r\n", 400},
        {"5\t\r\n", 400},
        {"5;a\nb\r\n", 400},
        {"5\r\nhelloX", 400},
        {"5\r\nhello\n", 400},
        {"5\r\nhello\rX", 400},
        {"0\r\n X: y\r\n\r\n", 400},
        {"0\r\nno colon\r\n\r\n", 400},
        {"0\r\n: y\r\n\r\n", 400},
        {"0\r\nA: b\n\r\n", 400},
        {"0\r\n\rX", 400},
        {"100000000\r\n", 413},
        {"ffffffffffffffffffff\r\n", 413},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        cr_assert_eq(chunked(rows[i].text, NULL), rows[i].status, "%s", rows[i].text);
}

Test(http_body, bounds_what_it_passes_over)
{
    struct request r = {.head_n = HEAD, .body = BODY_CHUNKED};
    size_t cap = BODY_MAX + 100, n, all;
    gyre_out out = {malloc(cap), 0, cap, false, NULL, NULL};
    cr_assert(out.p);
    gyre_put(&out, GYRE_LIT("\0\r\n"));
    /* "NNNN\r\n" data "\r\n0\r\n\r\n" is exactly BODY_MAX bytes */
    n = BODY_MAX - 6 - 7;
    gyre_put_hex(&out, n, 4);
    gyre_put(&out, GYRE_LIT("\r\n"));
    for (size_t i = 0; i < n; i++) gyre_put_byte(&out, 'x');
    gyre_put(&out, GYRE_LIT("\r\n0\r\n\r\n"));
    cr_assert_eq(pieces(&r, gyre_built(&out), 1000, &all), BODY_END);
    cr_assert_eq(all, (size_t)BODY_MAX + HEAD);
    out.p[out.n - 1] = '\r'; /* any other byte there asks for one more */
    out.n -= 2;
    gyre_put(&out, GYRE_LIT("A"));
    cr_assert_eq(pieces(&r, gyre_built(&out), 1000, &all), BODY_MORE);
    gyre_put(&out, GYRE_LIT("A"));
    cr_assert_eq(pieces(&r, gyre_built(&out), 1000, &all), 413);
    free(out.p);
    r = (struct request){.head_n = HEAD, .body = BODY_CHUNKED};
    cr_assert_eq(outcome_of(&r, GYRE_LIT("8000\r\n"), NULL), BODY_MORE);
}
