/* SPDX-License-Identifier: GPL-3.0-or-later
 * test_http_parser.c - heads of requests: what is read out of them, what is refused, and that the
 * outcome is the same for every way to cut the bytes.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "gyre.h"
#include "plugins/http/letters.h"
#include "plugins/http/parser.h"
#include "plugins/http/scan.h"

/* The parts of a plugin that talk to the host are linked too; nothing here calls them. */
__attribute__((weak)) const struct gyre_api *gyre;

#define HOST "Host: x\r\n"

/* The outcome for every prefix of one head, byte by byte, must be the one for the whole. The bytes
 * stand at the end of a block of their own, so that a sanitizer sees one read too many. */
static int outcome(gyre_view whole, size_t first, struct request *r)
{
    struct head_mark mark = {0, METHOD_NONE};
    int step = HEAD_MORE;
    for (size_t n = first; n <= whole.n && step == HEAD_MORE; n++) {
        uint8_t *copy = malloc(n ? n : 1);
        cr_assert(copy);
        if (n) memcpy(copy, whole.p, n);
        step = head_read(&mark, GYRE_MAKE(gyre_view, copy, n), r);
        free(copy);
    }
    return step;
}

static int read_view(gyre_view text, struct request *r)
{
    struct head_mark mark = {0, METHOD_NONE};
    struct request other;
    int step = head_read(&mark, text, r), pieces;
    for (size_t first = 0; first < text.n && first < 200; first++) {
        pieces = outcome(text, first, &other);
        cr_assert_eq(pieces, step, "%d whole, %d from byte %zu on: %.*s", step, pieces, first,
                     (int)text.n, (const char *)text.p);
        if (step != HEAD_WHOLE) continue;
        cr_assert_eq(other.head_n, r->head_n);
        cr_assert_eq(other.method, r->method);
        cr_assert_eq(other.fields_n, r->fields_n);
        cr_assert_eq(other.seen, r->seen);
        cr_assert_eq(other.body, r->body);
        cr_assert_eq(other.keep, r->keep);
    }
    return step;
}

static int read_text(const char *text, struct request *r)
{
    return read_view(gyre_str(text), r);
}

static void is_text(gyre_view v, const char *text)
{
    cr_assert(gyre_eq(v, gyre_str(text)), "\"%.*s\", not \"%s\"", (int)v.n, (const char *)v.p,
              text);
}

Test(http_parser, reads_a_request)
{
    struct request r;
    gyre_view value;
    const char *text = "GET /a/b.html?x=1 HTTP/1.1\r\nHost: example.org:80\r\nAccept:\t */* \t\r\n"
                       "IF-none-Match: \"a\"\r\nX-Empty:\r\nif-none-match:\"b\"\r\n\r\nGET";
    cr_assert_eq(read_text(text, &r), HEAD_WHOLE);
    cr_assert_eq(r.head_n, strlen(text) - 3);
    cr_assert_eq(r.method, METHOD_GET);
    cr_assert_eq(r.minor, 1u);
    cr_assert(r.keep);
    cr_assert_eq(r.body, BODY_NONE);
    is_text(r.path, "/a/b.html");
    is_text(r.query, "?x=1");
    is_text(r.host, "example.org:80");
    cr_assert_eq(r.fields_n, 5u);
    is_text(field_value(&r, 1), "*/*");
    is_text(field_value(&r, 3), "");
    cr_assert(field_find(&r, FIELD_IF_NONE_MATCH, 0, &value));
    is_text(value, "\"a\"");
    cr_assert(field_find(&r, FIELD_IF_NONE_MATCH, 1, &value));
    is_text(value, "\"b\"");
    cr_assert_not(field_find(&r, FIELD_IF_NONE_MATCH, 2, &value));
    cr_assert_not(field_find(&r, FIELD_RANGE, 0, &value));
    cr_assert_eq(r.again, FIELD_BIT(FIELD_IF_NONE_MATCH) | (r.again & FIELD_BIT(FIELD_OTHER)));
}

Test(http_parser, reads_methods)
{
    static const struct {
        const char *text;
        enum method method;
    } rows[] = {
        {"GET", METHOD_GET},
        {"HEAD", METHOD_HEAD},
        {"OPTIONS", METHOD_OPTIONS},
        {"POST", METHOD_KNOWN},
        {"PUT", METHOD_KNOWN},
        {"DELETE", METHOD_KNOWN},
        {"PATCH", METHOD_KNOWN},
        {"TRACE", METHOD_KNOWN},
        {"get", METHOD_OTHER},
        {"PROPFIND", METHOD_OTHER},
        {"GE", METHOD_OTHER},
        {"GETT", METHOD_OTHER},
        {"!#$%&'*+-.^_`|~9", METHOD_OTHER},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct request r;
        char text[100];
        snprintf(text, sizeof text, "%s / HTTP/1.1\r\n" HOST "\r\n", rows[i].text);
        cr_assert_eq(read_text(text, &r), HEAD_WHOLE, "%s", text);
        cr_assert_eq(r.method, rows[i].method, "%s", text);
    }
}

Test(http_parser, reads_the_four_forms_of_a_target)
{
    struct request r;
    cr_assert_eq(read_text("GET http://Example.org:8080/x?y HTTP/1.1\r\nHost: other\r\n\r\n", &r),
                 HEAD_WHOLE);
    is_text(r.host, "Example.org:8080");
    is_text(r.path, "/x");
    is_text(r.query, "?y");
    cr_assert_eq(read_text("GET HTTPS://[2001:db8::1]?q HTTP/1.1\r\n" HOST "\r\n", &r), HEAD_WHOLE);
    is_text(r.host, "[2001:db8::1]");
    is_text(r.path, "/");
    is_text(r.query, "?q");
    cr_assert_eq(read_text("OPTIONS * HTTP/1.1\r\n" HOST "\r\n", &r), HEAD_WHOLE);
    cr_assert(r.star);
    cr_assert_eq(read_text("CONNECT example.org:443 HTTP/1.1\r\n" HOST "\r\n", &r), HEAD_WHOLE);
    cr_assert_eq(r.method, METHOD_CONNECT);
    is_text(r.host, "example.org:443");
    cr_assert_eq(read_text("GET /a?b?c HTTP/1.1\r\n" HOST "\r\n", &r), HEAD_WHOLE);
    is_text(r.query, "?b?c");
    cr_assert_eq(read_text("GET /a|b^c`d{e}[f] HTTP/1.1\r\n" HOST "\r\n", &r), HEAD_WHOLE);
}

/* Request lines that are wrong, each with a right rest. */
Test(http_parser, refuses_request_lines)
{
    static const struct {
        const char *line;
        int status;
    } rows[] = {
        {"", 400},
        {" ", 400},
        {"GET", 400},
        {"GET /", 400},
        {"GET  / HTTP/1.1", 400},
        {"GET /  HTTP/1.1", 400},
        {"GET / HTTP/1.1 ", 400},
        {" GET / HTTP/1.1", 400},
        {"GET\t/ HTTP/1.1", 400},
        {"GET /\tHTTP/1.1", 400},
        {"GET / HTTP/1.1\r", 400},
        {"GET / a HTTP/1.1", 400},
        {"GET HTTP/1.1", 400},
        {"GET / http/1.1", 400},
        {"GET / HTTP/1.10", 400},
        {"GET / HTTP/1", 400},
        {"GET / HTTP/01.1", 400},
        {"GET / HTTP/1,1", 400},
        {"GET / HTTP 1.1", 400},
        {"GET / HTTP/2.0", 505},
        {"GET / HTTP/0.9", 505},
        {"PRI * HTTP/2.0", 505},
        {"G@T / HTTP/1.1", 400},
        {"GET * HTTP/1.1", 400},
        {"GET *a HTTP/1.1", 400},
        {"OPTIONS ** HTTP/1.1", 400},
        {"GET a HTTP/1.1", 400},
        {"GET ?a HTTP/1.1", 400},
        {"GET example.org:80 HTTP/1.1", 400},
        {"GET ftp://x/ HTTP/1.1", 400},
        {"GET http:/x HTTP/1.1", 400},
        {"GET http:///x HTTP/1.1", 400},
        {"GET http://:80/x HTTP/1.1", 400},
        {"GET http://user@x/ HTTP/1.1", 400},
        {"GET http://x:8a/ HTTP/1.1", 400},
        {"GET /#a HTTP/1.1", 400},
        {"GET /<a> HTTP/1.1", 400},
        {"GET /\"a HTTP/1.1", 400},
        {"GET /\\a HTTP/1.1", 400},
        {"GET /\x80 HTTP/1.1", 400},
        {"GET /\x7f HTTP/1.1", 400},
        {"GET /\x01 HTTP/1.1", 400},
        {"CONNECT / HTTP/1.1", 400},
        {"CONNECT x:a HTTP/1.1", 400},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct request r;
        char text[100];
        snprintf(text, sizeof text, "%s\r\n%s" HOST "\r\n", rows[i].line,
                 rows[i].line[0] ? "" : "\r\n");
        cr_assert_eq(read_text(text, &r), rows[i].status, "%s", rows[i].line);
    }
}

Test(http_parser, refuses_what_is_no_http_at_the_first_line)
{
    struct request r;
    cr_assert_eq(read_text("SSH-2.0-client\r\n", &r), 400);
    cr_assert_eq(read_text("GET /\r\n", &r), 400);
    cr_assert_eq(read_text("GET / HTTP/1.1\n", &r), 400);
    cr_assert_eq(read_text("\x16\x03\x01\x02", &r), 400);
    cr_assert_eq(read_text("\n", &r), 400);
}

Test(http_parser, one_empty_line_in_front_is_forgiven)
{
    struct request r;
    cr_assert_eq(read_text("\r\nGET / HTTP/1.1\r\n" HOST "\r\n", &r), HEAD_WHOLE);
    is_text(field_value(&r, 0), "x");
    cr_assert_eq(r.head_n, strlen("\r\nGET / HTTP/1.1\r\n" HOST "\r\n"));
    cr_assert_eq(read_text("\r\n\r\nGET / HTTP/1.1\r\n" HOST "\r\n", &r), 400);
}

/* Fields that are wrong, behind a right request line and Host. */
Test(http_parser, refuses_fields)
{
    static const char *const lines[] = {
        "no colon",
        ": no name",
        "Name : x",
        "Name\t: x",
        " Folded: x",
        "\tFolded: x",
        "A: x\r\n folded",
        "Na me: x",
        "N\xc3\xa4me: x",
        "Name[]: x",
        "Name: \x01",
        "Name: \x7f",
        "Name: a\rb",
        "Name: a\nB: c",
        "Name: a\n",
        "Host: y",
        "Content-Length: 1\r\nContent-Length: 1",
        "Content-Length: 1\r\nContent-Length: 2",
        "Content-Length: 1, 1",
        "Content-Length: +1",
        "Content-Length: -1",
        "Content-Length: 0x1",
        "Content-Length: 1 1",
        "Content-Length: 1.0",
        "Content-Length:",
        "Content-Length: ;",
        "Content-Length: 1\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nContent-Length: 1",
        "Transfer-Encoding:",
        "Transfer-Encoding: ,",
        "Transfer-Encoding: gzip",
        "Transfer-Encoding: identity",
        "Transfer-Encoding: xchunked",
        "Transfer-Encoding: chunked;q=1",
        "Transfer-Encoding: \"chunked\"",
        "Transfer-Encoding: chunked, gzip",
        "Transfer-Encoding: chunked, chunked",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: gzip",
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        struct request r;
        char text[200];
        snprintf(text, sizeof text, "GET / HTTP/1.1\r\n" HOST "%s\r\n\r\n", lines[i]);
        cr_assert_eq(read_text(text, &r), 400, "%s", lines[i]);
    }
}

Test(http_parser, refuses_a_nul)
{
    struct request r;
    cr_assert_eq(read_view(GYRE_LIT("GET / HTTP/1.1\r\n" HOST "A: \0\r\n\r\n"), &r), 400);
    cr_assert_eq(read_view(GYRE_LIT("GET /\0 HTTP/1.1\r\n" HOST "\r\n"), &r), 400);
    cr_assert_eq(read_view(GYRE_LIT("\0"), &r), 400);
}

Test(http_parser, takes_odd_fields_that_are_right)
{
    static const char *const lines[] = {
        "Name:x",
        "Name: ",
        "Name:\t",
        "!#$%&'*+-.^_`|~9: x",
        "Name: a\tb",
        "Name: \xe9\xff",
        "Content-Length: 000",
        "Transfer-Encoding: chunked,",
        "Transfer-Encoding: Chunked",
        "A-name-that-is-longer-than-two-steps-of-the-search: x",
        "A_name_with_low_lines_that_is_long_too: x",
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        struct request r;
        char text[200];
        snprintf(text, sizeof text, "GET / HTTP/1.1\r\n" HOST "%s\r\n\r\n", lines[i]);
        cr_assert_eq(read_text(text, &r), HEAD_WHOLE, "%s", lines[i]);
        cr_assert_eq(r.fields_n, 2u);
    }
}

Test(http_parser, needs_one_right_host)
{
    static const struct {
        const char *text;
        int step;
    } rows[] = {
        {"GET / HTTP/1.1\r\n\r\n", 400},
        {"GET http://x/ HTTP/1.1\r\n\r\n", 400},
        {"GET / HTTP/1.0\r\n\r\n", HEAD_WHOLE},
        {"GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost:\r\n\r\n", HEAD_WHOLE},
        {"GET / HTTP/1.1\r\nHost: a:\r\n\r\n", HEAD_WHOLE},
        {"GET / HTTP/1.1\r\nHost: [::1]\r\n\r\n", HEAD_WHOLE},
        {"GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", HEAD_WHOLE},
        {"GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: [::1]a\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a[::1]\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a:b\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a:80:80\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: http://a\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: \xc3\xa4\r\n\r\n", 400},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct request r;
        cr_assert_eq(read_text(rows[i].text, &r), rows[i].step, "%s", rows[i].text);
    }
}

Test(http_parser, frames_bodies)
{
    struct request r;
    cr_assert_eq(read_text("GET / HTTP/1.1\r\n" HOST "Content-Length: 42\r\n\r\n", &r), HEAD_WHOLE);
    cr_assert_eq(r.body, BODY_LENGTH);
    cr_assert_eq(r.length, 42u);
    cr_assert_eq(read_text("GET / HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n", &r), HEAD_WHOLE);
    cr_assert_eq(r.body, BODY_NONE);
    cr_assert_eq(
        read_text("GET / HTTP/1.1\r\n" HOST "Content-Length: 99999999999999999999999\r\n\r\n", &r),
        HEAD_WHOLE);
    cr_assert_eq(r.length, UINT64_MAX);
    cr_assert_eq(read_text("GET / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n", &r),
                 HEAD_WHOLE);
    cr_assert_eq(r.body, BODY_CHUNKED);
    cr_assert_eq(
        read_text("GET / HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip, chunked\r\n\r\n", &r), 501);
    cr_assert_eq(read_text("GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", &r), 400);
}

Test(http_parser, knows_whether_the_connection_goes_on)
{
    static const struct {
        const char *version, *field;
        bool keep;
    } rows[] = {
        {"1.1", "A: b", true},
        {"1.1", "Connection: close", false},
        {"1.1", "Connection: Close", false},
        {"1.1", "Connection: keep-alive, close", false},
        {"1.1", "Connection: close, keep-alive", false},
        {"1.1", "Connection: closed", true},
        {"1.1", "Connection: upgrade\r\nConnection: close", false},
        {"1.9", "A: b", true},
        {"1.0", "A: b", false},
        {"1.0", "Connection: keep-alive", true},
        {"1.0", "Connection: Keep-Alive, x", true},
        {"1.0", "Connection: keep-alive, close", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct request r;
        char text[200];
        snprintf(text, sizeof text, "GET / HTTP/%s\r\n" HOST "%s\r\n\r\n", rows[i].version,
                 rows[i].field);
        cr_assert_eq(read_text(text, &r), HEAD_WHOLE);
        cr_assert_eq(r.keep, rows[i].keep, "%s", text);
    }
}

/* A head with one part repeated. */
static gyre_out long_text(const char *before, size_t times, const char *part, const char *after)
{
    size_t cap = strlen(before) + times * strlen(part) + strlen(after);
    gyre_out out = {malloc(cap), 0, cap, false, NULL, NULL};
    cr_assert(out.p);
    gyre_put(&out, gyre_str(before));
    for (size_t i = 0; i < times; i++) gyre_put(&out, gyre_str(part));
    gyre_put(&out, gyre_str(after));
    return out;
}

static int long_outcome(const char *before, size_t times, const char *part, const char *after)
{
    struct request r;
    struct head_mark mark = {0, METHOD_NONE};
    gyre_out out = long_text(before, times, part, after);
    int whole = head_read(&mark, gyre_built(&out), &r), pieces = HEAD_MORE;
    mark = (struct head_mark){0, METHOD_NONE};
    for (size_t n = 0; n < out.n && pieces == HEAD_MORE;) {
        n = out.n - n < 7 ? out.n : n + 7;
        pieces = head_read(&mark, GYRE_MAKE(gyre_view, out.p, n), &r);
    }
    cr_assert_eq(whole, pieces, "%d, in pieces %d", whole, pieces);
    free(out.p);
    return whole;
}

Test(http_parser, limits_lines_heads_and_fields)
{
    const char *end = " HTTP/1.1\r\n" HOST "\r\n";
    size_t target = LINE_MAX - strlen("GET / HTTP/1.1\r\n");
    cr_assert_eq(long_outcome("GET /", target, "a", end), HEAD_WHOLE);
    cr_assert_eq(long_outcome("GET /", target + 1, "a", end), 414);
    cr_assert_eq(long_outcome("\r\nGET /", target, "a", end), HEAD_WHOLE);
    cr_assert_eq(long_outcome("\r\nGET /", target + 1, "a", end), 414);
    cr_assert_eq(long_outcome("", LINE_MAX, "a", ""), 414);
    const char *head = "GET / HTTP/1.1\r\n" HOST "A: ";
    size_t value = HEAD_MAX - strlen(head) - 4;
    cr_assert_eq(long_outcome(head, value, "b", "\r\n\r\n"), HEAD_WHOLE);
    cr_assert_eq(long_outcome(head, value + 1, "b", "\r\n\r\n"), 431);
    cr_assert_eq(long_outcome(head, HEAD_MAX, "b", ""), 431);
    cr_assert_eq(long_outcome("GET / HTTP/1.1\r\n" HOST, FIELDS_MAX - 1, "A: b\r\n", "\r\n"),
                 HEAD_WHOLE);
    cr_assert_eq(long_outcome("GET / HTTP/1.1\r\n" HOST, FIELDS_MAX, "A: b\r\n", "\r\n"), 431);
}

Test(http_parser, lists)
{
    gyre_view list = GYRE_LIT(" a ,, b\t,c,"), one;
    cr_assert(list_next(&list, &one));
    is_text(one, "a");
    cr_assert(list_next(&list, &one));
    is_text(one, "b");
    cr_assert(list_next(&list, &one));
    is_text(one, "c");
    cr_assert_not(list_next(&list, &one));
}

/* The wide search finds what a plain one finds, for each byte at each place and each length. */
Test(http_scan, finds_every_control_byte)
{
    for (size_t n = 0; n < 70; n++) {
        uint8_t *p = malloc(n ? n : 1);
        cr_assert(p);
        for (size_t at = 0; at <= n; at++) {
            memset(p, 0xe9, n);
            cr_assert_eq(scan_control(p, at, n), n);
            memset(p, 'a', n);
            cr_assert_eq(scan_control(p, at, n), n);
            for (unsigned byte = 0; byte < 256; byte++) {
                size_t hit = (at + byte) % (n + 1);
                if (hit >= n) continue;
                memset(p, 'a', n);
                p[hit] = (uint8_t)byte;
                size_t want = hit >= at && (byte < 32 || byte == 127) ? hit : n;
                cr_assert_eq(scan_control(p, at, n), want, "byte %u at %zu of %zu", byte, hit, n);
            }
        }
        free(p);
    }
}

Test(http_scan, a_name_never_hides_a_byte)
{
    uint8_t p[48];
    for (unsigned byte = 0; byte < 256; byte++) {
        for (size_t at = 0; at < sizeof p; at++) {
            memset(p, 'N', sizeof p);
            p[at] = (uint8_t)byte;
            size_t end = scan_name(p, 0, sizeof p);
            if (!(letters[byte] & IN_TOKEN)) cr_assert_leq(end, at, "byte %u at %zu", byte, at);
        }
    }
}
