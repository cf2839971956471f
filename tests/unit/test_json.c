/* SPDX-License-Identifier: GPL-3.0-or-later
 * test_json.c - the reader of gyrectl: what is JSON is read, what is not is refused, whole.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "tools/json.c"

static char why[128];

static struct json *read_text(const char *text)
{
    return json_read(text, strlen(text), why, sizeof why);
}

/* The text of a document that is one string. */
static void expect_text(const char *json, const char *wanted)
{
    struct json *d = read_text(json);
    cr_assert_not_null(d, "%s: %s", json, why);
    cr_expect_eq(d->kind, JSON_TEXT);
    cr_expect_str_eq(d->text, wanted, "%s", json);
    json_free(d);
}

Test(json, a_document_like_ours)
{
    struct json *d = read_text(" {\"server\": {\"pid\": 12, \"single\": false, \"why\": null}, \n"
                               "\"sections\": [{\"name\": \"http\"}, {\"name\": \"dns\"}, []]}\n");
    cr_assert_not_null(d, "%s", why);
    const struct json *server = json_at(d, "server");
    cr_expect_eq(json_number(json_at(server, "pid")), 12);
    cr_expect_eq(json_at(server, "single")->kind, JSON_FALSE);
    cr_expect_not(json_true(json_at(server, "single")));
    cr_expect_eq(json_at(server, "why")->kind, JSON_NULL);
    const struct json *first = json_at(d, "sections")->first;
    cr_assert_not_null(first);
    cr_expect_str_eq(json_at(first, "name")->text, "http");
    cr_expect_str_eq(json_at(first->next, "name")->text, "dns");
    cr_expect_eq(first->next->next->kind, JSON_LIST);
    cr_expect_null(first->next->next->first);
    cr_expect_null(first->next->next->next);
    json_free(d);
}

Test(json, what_is_missing_is_null_and_empty)
{
    struct json *d = read_text("{\"a\": \"x\"}");
    const struct json *none = json_at(json_at(json_at(d, "b"), "c"), "d");
    cr_expect_eq(none->kind, JSON_NULL);
    cr_expect_str_eq(none->text, "");
    cr_expect_null(none->first);
    cr_expect_eq(json_number(none), 0);
    cr_expect_eq(json_number(json_at(d, "a")), 0);
    json_free(d);
}

Test(json, texts)
{
    expect_text("\"\"", "");
    expect_text("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t");
    expect_text("\"\\u0041\\u00e9\\u20AC\\ud83d\\ude00\"", "A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
    expect_text("\"caf\xc3\xa9\"", "caf\xc3\xa9");
}

Test(json, numbers)
{
    static const char *const good[] = {"0", "-0", "7", "-12", "1.5", "1e3", "1.25E-7", "1e+2"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct json *d = read_text(good[i]);
        cr_assert_not_null(d, "%s: %s", good[i], why);
        cr_expect_eq(d->kind, JSON_NUMBER);
        cr_expect_str_eq(d->text, good[i]);
        json_free(d);
    }
    struct json *d = read_text("[9223372036854775807, 9223372036854775808, -3, 1.5]");
    cr_expect_eq(json_number(d->first), INT64_MAX);
    cr_expect_eq(json_number(d->first->next), 0, "it does not fit");
    cr_expect_eq(json_number(d->first->next->next), -3);
    cr_expect_eq(json_number(d->first->next->next->next), 0, "it is not whole");
    json_free(d);
}

Test(json, what_is_no_json)
{
    static const char *const bad[] = {
        "",
        " ",
        "{",
        "}",
        "[",
        "[1",
        "[1,]",
        "[,1]",
        "[1 2]",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\" 1}",
        "{a: 1}",
        "{\"a\":1,}",
        "{1: 2}",
        "[1}",
        "{\"a\":1]",
        "01",
        "+1",
        "1.",
        ".5",
        "1e",
        "-",
        "nul",
        "True",
        "nulll",
        "\"abc",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\\u12g4\"",
        "\"\\u0000\"",
        "\"\\ud800\"",
        "\"\\ud800x\"",
        "\"\\udc00\"",
        "\"\\ud800\\u0041\"",
        "\"a\nb\"",
        "'a'",
        "1 1",
        "{} {}",
        "[1] x",
        "\"\\",
        "\"\\u",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct json *d = read_text(bad[i]);
        cr_expect_null(d, "'%s' was read", bad[i]);
        json_free(d);
    }
    cr_expect_null(json_read("1\0", 2, why, sizeof why), "a NUL after the end");
    cr_expect_null(json_read("\"a\0b\"", 5, why, sizeof why), "a NUL in a text");
}

Test(json, every_beginning_of_a_document_is_refused)
{
    static const char text[] = "{\"a\": [1, -2.5e3, \"x\\n\\u20ac\", true, false, null, {}, []]}";
    struct json *d = read_text(text);
    cr_assert_not_null(d, "%s", why);
    json_free(d);
    for (size_t n = 0; n + 1 < sizeof text - 1; n++) {
        d = json_read(text, n, why, sizeof why);
        cr_expect_null(d, "%zu bytes of it", n);
        json_free(d);
    }
}

Test(json, depth_is_bounded)
{
    static char text[4 * JSON_DEPTH];
    for (size_t depth = JSON_DEPTH - 1; depth <= JSON_DEPTH + 1; depth++) {
        memset(text, '[', depth);
        memset(text + depth, ']', depth);
        struct json *d = json_read(text, 2 * depth, why, sizeof why);
        cr_expect_eq(d != NULL, depth <= JSON_DEPTH, "%zu", depth);
        json_free(d);
    }
    static char deep[1 << 20];
    memset(deep, '[', sizeof deep);
    cr_expect_null(json_read(deep, sizeof deep, why, sizeof why));
    cr_expect_not_null(strstr(why, "deep"));
}
