/* SPDX-License-Identifier: GPL-3.0-or-later
 * test_http_files.c - paths, ranges, dates, media types and conditions of the http plugin.
 */
#include <criterion/criterion.h>
#include <stdio.h>

#include "plugins/http/condition.h"
#include "plugins/http/date.h"
#include "plugins/http/mime.h"
#include "plugins/http/range.h"
#include "plugins/http/target.h"

/* ---- paths ---- */

static int path_of(const char *encoded, char out_text[PATH_MOST + 1], bool *folder)
{
    uint8_t space[PATH_MOST];
    gyre_out out = GYRE_OUT(space);
    int status = target_path(gyre_str(encoded), &out, folder);
    gyre_view v = gyre_built(&out);
    memcpy(out_text, v.p, v.n);
    out_text[v.n] = 0;
    return status;
}

Test(http_target, decodes_and_tidies)
{
    static const struct {
        const char *encoded, *path;
        bool folder;
    } rows[] = {
        {"/", "", true},
        {"//", "", true},
        {"/a", "a", false},
        {"/a/", "a/", true},
        {"/a/b.html", "a/b.html", false},
        {"//a///b", "a/b", false},
        {"/./a/./b/.", "a/b/", true},
        {"/a/../b", "b", false},
        {"/a/b/..", "a/", true},
        {"/a/b/../", "a/", true},
        {"/a/b/../../c", "c", false},
        {"/%61%2e%62", "a.b", false},
        {"/a/%2e%2E/b", "b", false},
        {"/%2e/a", "a", false},
        {"/a%20b%25c", "a b%c", false},
        {"/%e2%82%ac", "\xe2\x82\xac", false},
        {"/%2525", "%25", false},
        {"/a.b../c..", "a.b../c..", false},
        {"/.git/../a", "a", false},
        {"/.well-known/acme", ".well-known/acme", false},
        {"/.well-known/", ".well-known/", true},
        {"/a%5cb", "a\\b", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char path[PATH_MOST + 1];
        bool folder;
        cr_assert_eq(path_of(rows[i].encoded, path, &folder), 0, "%s", rows[i].encoded);
        cr_assert_str_eq(path, rows[i].path, "%s gives %s", rows[i].encoded, path);
        cr_assert_eq(folder, rows[i].folder, "%s", rows[i].encoded);
    }
}

Test(http_target, refuses)
{
    static const struct {
        const char *encoded;
        int status;
    } rows[] = {
        {"/%", 400},
        {"/%2", 400},
        {"/%zz", 400},
        {"/a%0", 400},
        {"/%00", 400},
        {"/a%00.html", 400},
        {"/..", 400},
        {"/../a", 400},
        {"/%2e%2e/a", 400},
        {"/a/../../b", 400},
        {"/a/../..", 400},
        {"/.%2e", 400},
        {"/a%2fb", 404},
        {"/a%2F..%2f", 404},
        {"/.git", 404},
        {"/a/.b/c", 404},
        {"/%2egit", 404},
        {"/...", 404},
        {"/.well-knownx", 404},
        {"/a/.well-known/b", 404},
        {"/.well-known/.x", 404},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char path[PATH_MOST + 1];
        bool folder;
        cr_assert_eq(path_of(rows[i].encoded, path, &folder), rows[i].status, "%s",
                     rows[i].encoded);
    }
}

Test(http_target, a_path_that_is_too_long)
{
    char encoded[PATH_MOST + 3], path[PATH_MOST + 1];
    bool folder;
    memset(encoded, 'a', sizeof encoded);
    encoded[0] = '/';
    encoded[PATH_MOST + 1] = 0;
    cr_assert_eq(path_of(encoded, path, &folder), 0);
    encoded[PATH_MOST + 1] = 'a';
    encoded[PATH_MOST + 2] = 0;
    cr_assert_eq(path_of(encoded, path, &folder), 414);
}

Test(http_target, encodes)
{
    uint8_t space[100];
    gyre_out out = GYRE_OUT(space);
    target_encode(GYRE_LIT("a b/\xc3\xa9~.-_\\%?#\r\n"), &out);
    cr_assert(gyre_eq(gyre_built(&out), GYRE_LIT("/a%20b/%C3%A9~.-_%5C%25%3F%23%0D%0A")));
}

/* ---- ranges ---- */

Test(http_range, one_part)
{
    static const struct {
        const char *value;
        enum range_answer answer;
        uint64_t at, n;
    } rows[] = {
        {"bytes=0-0", RANGE_PARTS, 0, 1},
        {"bytes=0-99", RANGE_PARTS, 0, 100},
        {"Bytes=0-9", RANGE_PARTS, 0, 10},
        {"bytes=90-", RANGE_PARTS, 90, 10},
        {"bytes=90-1000", RANGE_PARTS, 90, 10},
        {"bytes=99-18446744073709551615", RANGE_PARTS, 99, 1},
        {"bytes=99-99999999999999999999999", RANGE_PARTS, 99, 1},
        {"bytes=-1", RANGE_PARTS, 99, 1},
        {"bytes=-100", RANGE_PARTS, 0, 100},
        {"bytes=-1000", RANGE_PARTS, 0, 100},
        {"bytes= 0-1 ,", RANGE_PARTS, 0, 2},
        {"bytes=200-300, 5-5", RANGE_PARTS, 5, 1},
        {"bytes=100-", RANGE_NONE, 0, 0},
        {"bytes=100-100", RANGE_NONE, 0, 0},
        {"bytes=-0", RANGE_NONE, 0, 0},
        {"bytes=99999999999999999999999-", RANGE_NONE, 0, 0},
        {"bytes=", RANGE_IGNORE, 0, 0},
        {"bytes=,", RANGE_IGNORE, 0, 0},
        {"bytes=-", RANGE_IGNORE, 0, 0},
        {"bytes=5-4", RANGE_IGNORE, 0, 0},
        {"bytes=a-b", RANGE_IGNORE, 0, 0},
        {"bytes=1-2x", RANGE_IGNORE, 0, 0},
        {"bytes=1 - 2", RANGE_IGNORE, 0, 0},
        {"bytes=1-2-3", RANGE_IGNORE, 0, 0},
        {"bytes=--1", RANGE_IGNORE, 0, 0},
        {"bytes=+1-2", RANGE_IGNORE, 0, 0},
        {"bytes 1-2", RANGE_IGNORE, 0, 0},
        {"bytes =1-2", RANGE_IGNORE, 0, 0},
        {"lines=1-2", RANGE_IGNORE, 0, 0},
        {"", RANGE_IGNORE, 0, 0},
        {"bytes=0-0,x", RANGE_IGNORE, 0, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct range parts[RANGES_MAX];
        size_t n;
        cr_assert_eq(range_read(gyre_str(rows[i].value), 100, parts, &n), rows[i].answer, "%s",
                     rows[i].value);
        if (rows[i].answer != RANGE_PARTS) continue;
        cr_assert_eq(n, 1u, "%s", rows[i].value);
        cr_assert_eq(parts[0].at, rows[i].at, "%s", rows[i].value);
        cr_assert_eq(parts[0].n, rows[i].n, "%s", rows[i].value);
    }
}

Test(http_range, several_parts_and_too_many)
{
    struct range parts[RANGES_MAX];
    size_t n;
    char text[400] = "bytes=";
    size_t at = strlen(text);
    cr_assert_eq(range_read(GYRE_LIT("bytes=90-,0-9,-5"), 100, parts, &n), RANGE_PARTS);
    cr_assert_eq(n, 3u);
    cr_assert_eq(parts[1].at, 0u);
    cr_assert_eq(parts[2].at, 95u);
    cr_assert_eq(range_read(GYRE_LIT("bytes=0-,0-0"), 100, parts, &n), RANGE_IGNORE);
    cr_assert_eq(range_read(GYRE_LIT("bytes=0-49,50-99"), 100, parts, &n), RANGE_PARTS);
    for (int i = 0; i < RANGES_MAX; i++, at = strlen(text))
        snprintf(text + at, sizeof text - at, "%d-%d,", 3 * i, 3 * i);
    cr_assert_eq(range_read(gyre_str(text), 100, parts, &n), RANGE_PARTS);
    cr_assert_eq(n, (size_t)RANGES_MAX);
    snprintf(text + at, sizeof text - at, "99-");
    cr_assert_eq(range_read(gyre_str(text), 100, parts, &n), RANGE_IGNORE);
}

Test(http_range, an_empty_file_has_no_parts)
{
    struct range parts[RANGES_MAX];
    size_t n;
    cr_assert_eq(range_read(GYRE_LIT("bytes=0-"), 0, parts, &n), RANGE_NONE);
    cr_assert_eq(range_read(GYRE_LIT("bytes=-5"), 0, parts, &n), RANGE_NONE);
}

/* ---- dates ---- */

Test(http_date, writes)
{
    static const struct {
        int64_t second;
        const char *text;
    } rows[] = {
        {784111777, "Sun, 06 Nov 1994 08:49:37 GMT"},
        {0, "Thu, 01 Jan 1970 00:00:00 GMT"},
        {-1, "Wed, 31 Dec 1969 23:59:59 GMT"},
        {951782400, "Tue, 29 Feb 2000 00:00:00 GMT"},
        {4107542399, "Sun, 28 Feb 2100 23:59:59 GMT"},
        {4107542400, "Mon, 01 Mar 2100 00:00:00 GMT"},
        {253402300799, "Fri, 31 Dec 9999 23:59:59 GMT"},
        {INT64_MAX, "Fri, 31 Dec 9999 23:59:59 GMT"},
        {INT64_MIN, "Sat, 01 Jan 0000 00:00:00 GMT"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint8_t text[DATE_LENGTH];
        date_write(rows[i].second, text);
        cr_assert_arr_eq(text, rows[i].text, DATE_LENGTH, "%.29s, not %s", (const char *)text,
                         rows[i].text);
    }
}

Test(http_date, reads_what_it_writes)
{
    for (int64_t second = -100000000000; second < 253402300799; second += 77777777777 / 3) {
        uint8_t text[DATE_LENGTH];
        int64_t back = 0;
        date_write(second, text);
        if (second < -62167219200) continue;
        cr_assert(date_read(GYRE_MAKE(gyre_view, text, DATE_LENGTH), 0, &back));
        cr_assert_eq(back, second);
    }
}

Test(http_date, reads_three_forms)
{
    const int64_t now = 1700000000;
    static const struct {
        const char *text;
        int64_t second;
    } rows[] = {
        {"Sun, 06 Nov 1994 08:49:37 GMT", 784111777},
        {"Sunday, 06-Nov-94 08:49:37 GMT", 784111777},
        {"Sun Nov  6 08:49:37 1994", 784111777},
        {"Wed Nov 16 08:49:37 1994", 784975777},
        {"Mon, 06 Nov 1994 08:49:37 GMT", 784111777},
        {"Saturday, 01-Jan-00 00:00:00 GMT", 946684800},
        {"Sunday, 01-Jan-73 00:00:00 GMT", 3250454400},
        {"Tuesday, 01-Jan-74 00:00:00 GMT", 126230400},
        {"Sat, 31 Dec 2016 23:59:60 GMT", 1483228800},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int64_t second = -1;
        cr_assert(date_read(gyre_str(rows[i].text), now, &second), "%s", rows[i].text);
        cr_assert_eq(second, rows[i].second, "%s: %lld", rows[i].text, (long long)second);
    }
}

Test(http_date, refuses)
{
    static const char *const rows[] = {
        "",
        "now",
        "Sun, 06 Nov 1994 08:49:37",
        "Sun, 06 Nov 1994 08:49:37 UTC",
        "Sun, 06 Nov 1994 08:49:37 GMT ",
        " Sun, 06 Nov 1994 08:49:37 GMT",
        "Sun, 6 Nov 1994 08:49:37 GMT",
        "Sun, 31 Feb 1994 08:49:37 GMT",
        "Sun, 00 Nov 1994 08:49:37 GMT",
        "Sun, 06 nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 24:49:37 GMT",
        "Sun, 06 Nov 1994 08:60:37 GMT",
        "Sun, 06 Nov 1994 08:49:61 GMT",
        "Sun, 06 Nov 94 08:49:37 GMT",
        "Xxx, 06 Nov 1994 08:49:37 GMT",
        "Sunday, 06-Nov-1994 08:49:37 GMT",
        "Sun Nov 06 08:49:37 94",
        "Sun Nov  6 08:49:37 1994 GMT",
        "784111777",
        "Sun, +6 Nov 1994",
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int64_t second = -1;
        cr_assert_not(date_read(gyre_str(rows[i]), 0, &second), "%s", rows[i]);
        cr_assert_eq(second, -1);
    }
}

/* Each of the three forms of RFC 9110 section 5.6.7, cut short anywhere, or with one byte that
 * belongs nowhere. */
Test(http_date, refuses_every_damage)
{
    static const char *const rows[] = {"Sun, 06 Nov 1994 08:49:37 GMT",
                                       "Sunday, 06-Nov-94 08:49:37 GMT",
                                       "Sun Nov  6 08:49:37 1994"};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[64];
        int64_t second = -1;
        for (size_t n = 0; n < strlen(rows[i]); n++) {
            cr_assert_not(date_read(GYRE_MAKE(gyre_view, (const uint8_t *)rows[i], n), 0, &second),
                          "%.*s", (int)n, rows[i]);
            snprintf(text, sizeof text, "%s", rows[i]);
            text[n] = '?';
            cr_assert_not(date_read(gyre_str(text), 0, &second), "%s", text);
        }
    }
}

/* ---- media types ---- */

Test(http_mime, knows_endings)
{
    cr_assert_str_eq(mime_of(GYRE_LIT("a/index.html"))->type, "text/html");
    cr_assert_str_eq(mime_of(GYRE_LIT("A.JPG"))->type, "image/jpeg");
    cr_assert_str_eq(mime_of(GYRE_LIT("a.tar.gz"))->type, "application/gzip");
    cr_assert_str_eq(mime_of(GYRE_LIT("site.webmanifest"))->type, "application/manifest+json");
    cr_assert_str_eq(mime_of(GYRE_LIT("html"))->type, "application/octet-stream");
    cr_assert_str_eq(mime_of(GYRE_LIT("a.html/b"))->type, "application/octet-stream");
    cr_assert_str_eq(mime_of(GYRE_LIT("a."))->type, "application/octet-stream");
    cr_assert_str_eq(mime_of(GYRE_LIT(""))->type, "application/octet-stream");
}

Test(http_mime, keys_differ_with_endings)
{
    static const char *const endings[] = {"a.html",        "a.htm",  "a.css",    "a.ssc",
                                          "a.js",          "a.json", "a.jsonld", "a.webmanifest",
                                          "a.webmanifess", "a.c",    "a"};
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
        for (size_t j = 0; j < i; j++)
            cr_assert_neq(mime_key(gyre_str(endings[i])), mime_key(gyre_str(endings[j])), "%s %s",
                          endings[i], endings[j]);
    cr_assert_eq(mime_key(GYRE_LIT("b/c.html")), mime_key(GYRE_LIT("a.html")));
    cr_assert_eq(mime_key(GYRE_LIT("")), 0u);
    cr_assert_eq(mime_key(GYRE_LIT("a.html/b")), 0u);
}

/* ---- conditions ---- */

/* A request with these fields, for a file with tag "t" changed at 1994-11-06 08:49:37. */
#define AT "Sun, 06 Nov 1994 08:49:37 GMT"
#define EARLIER "Sun, 06 Nov 1994 08:49:36 GMT"
#define LATER "Sun, 06 Nov 1994 08:49:38 GMT"
static const struct validators file = {{(const uint8_t *)"\"t\"", 3}, 784111777, 784111800};

static void request_with(const char *fields, char text[600], struct request *r)
{
    struct head_mark mark = {0, METHOD_NONE};
    snprintf(text, 600, "GET / HTTP/1.1\r\nHost: x\r\n%s\r\n\r\n", fields);
    cr_assert_eq(head_read(&mark, gyre_str(text), r), HEAD_WHOLE, "%s", fields);
}

Test(http_condition, in_the_order_of_the_rfc)
{
    static const struct {
        const char *fields;
        int status;
    } rows[] = {
        {"A: b", 0},
        {"If-Match: \"t\"", 0},
        {"If-Match: *", 0},
        {"If-Match: \"s\", \"t\"", 0},
        {"If-Match: \"s\"\r\nIf-Match: \"t\"", 0},
        {"If-Match: \"s\"", 412},
        {"If-Match: W/\"t\"", 412},
        {"If-Match: t", 412},
        {"If-Match:", 412},
        {"If-Unmodified-Since: " AT, 0},
        {"If-Unmodified-Since: " LATER, 0},
        {"If-Unmodified-Since: " EARLIER, 412},
        {"If-Unmodified-Since: yesterday", 0},
        {"If-Unmodified-Since: " EARLIER "\r\nIf-Match: \"t\"", 0},
        {"If-None-Match: \"t\"", 304},
        {"If-None-Match: W/\"t\"", 304},
        {"If-None-Match: *", 304},
        {"If-None-Match: \"a\" , W/\"b\",\"t\"", 304},
        {"If-None-Match: \"a\"\r\nIf-None-Match: \"t\"", 304},
        {"If-None-Match: \"a\"", 0},
        {"If-None-Match: t", 0},
        {"If-None-Match: \"t", 0},
        {"If-None-Match: \"T\"", 0},
        {"If-None-Match: *, \"a\"", 0},
        {"If-Modified-Since: " AT, 304},
        {"If-Modified-Since: " LATER, 304},
        {"If-Modified-Since: " EARLIER, 0},
        {"If-Modified-Since: Sunday, 06-Nov-94 08:49:37 GMT", 304},
        {"If-Modified-Since: 0", 0},
        {"If-Modified-Since: " AT "\r\nIf-Modified-Since: " AT, 0},
        {"If-Modified-Since: " AT "\r\nIf-None-Match: \"a\"", 0},
        {"If-Modified-Since: " EARLIER "\r\nIf-None-Match: \"t\"", 304},
        {"If-None-Match: \"t\"\r\nIf-Match: \"s\"", 412},
        {"If-None-Match: \"t\"\r\nIf-Match: \"t\"", 304},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct request r;
        char text[600];
        request_with(rows[i].fields, text, &r);
        cr_assert_eq(condition_check(&r, &file), rows[i].status, "%s", rows[i].fields);
    }
}

Test(http_condition, if_range)
{
    static const struct {
        const char *fields;
        bool counts;
    } rows[] = {
        {"Range: bytes=0-1", true},
        {"Range: bytes=0-1\r\nRange: bytes=2-3", false},
        {"Range: bytes=0-1\r\nIf-Range: \"t\"", true},
        {"Range: bytes=0-1\r\nIf-Range: \"s\"", false},
        {"Range: bytes=0-1\r\nIf-Range: W/\"t\"", false},
        {"Range: bytes=0-1\r\nIf-Range: \"t\", \"s\"", false},
        {"Range: bytes=0-1\r\nIf-Range: " AT, true},
        {"Range: bytes=0-1\r\nIf-Range: " LATER, false},
        {"Range: bytes=0-1\r\nIf-Range: " EARLIER, false},
        {"Range: bytes=0-1\r\nIf-Range: x", false},
        {"Range: bytes=0-1\r\nIf-Range:", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct request r;
        char text[600];
        request_with(rows[i].fields, text, &r);
        cr_assert_eq(condition_range(&r, &file), rows[i].counts, "%s", rows[i].fields);
    }
    struct validators fresh = file;
    struct request r;
    char text[600];
    fresh.now = fresh.modified;
    request_with("Range: bytes=0-1\r\nIf-Range: " AT, text, &r);
    cr_assert_not(condition_range(&r, &fresh), "it may change again within this second");
}
