/* SPDX-License-Identifier: GPL-3.0-or-later
 * test_http_names.c - names of fields, and versions: what is like a known one is another. A length
 * that is taken from a field of another name is how requests are smuggled.
 */
#include <criterion/criterion.h>
#include <stdio.h>

#include "gyre.h"
#include "plugins/http/parser.h"

static int read_head(struct request *r, const char *text)
{
    struct head_mark mark = {0, METHOD_NONE};
    return head_read(&mark, gyre_str(text), r);
}

static const struct {
    const char *name, *value;
    enum field_name field;
} known[] = {
    {"range", "bytes=0-1", FIELD_RANGE},
    {"expect", "100-continue", FIELD_EXPECT},
    {"if-range", "\"a\"", FIELD_IF_RANGE},
    {"if-match", "\"a\"", FIELD_IF_MATCH},
    {"connection", "close", FIELD_CONNECTION},
    {"if-none-match", "\"a\"", FIELD_IF_NONE_MATCH},
    {"content-length", "0", FIELD_CONTENT_LENGTH},
    {"if-modified-since", "x", FIELD_IF_MODIFIED_SINCE},
    {"transfer-encoding", "chunked", FIELD_TRANSFER_ENCODING},
    {"if-unmodified-since", "x", FIELD_IF_UNMODIFIED_SINCE},
};

static bool sees(const char *name, const char *value, enum field_name field)
{
    struct request r;
    char text[200];
    snprintf(text, sizeof text, "GET / HTTP/1.1\r\nHost: x\r\n%s: %s\r\n\r\n", name, value);
    cr_assert_eq(read_head(&r, text), HEAD_WHOLE, "%s", text);
    return r.seen & FIELD_BIT(field);
}

Test(http_names, case_does_not_matter_rfc9110_5_1)
{
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        char name[32];
        cr_expect(sees(known[i].name, known[i].value, known[i].field), "%s", known[i].name);
        snprintf(name, sizeof name, "%s", known[i].name);
        for (char *c = name; *c; c++)
            if (*c >= 'a') *c = (char)(*c - 'a' + 'A');
        cr_expect(sees(name, known[i].value, known[i].field), "%s", name);
    }
}

Test(http_names, another_letter_is_another_name)
{
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        for (size_t at = 0; at < strlen(known[i].name); at++) {
            char name[32];
            snprintf(name, sizeof name, "%s", known[i].name);
            name[at] = name[at] == 'x' ? 'y' : 'x';
            cr_expect_not(sees(name, known[i].value, known[i].field), "%s", name);
        }
}

Test(http_names, a_version_is_two_digits_rfc9112_2_3)
{
    static const char others[] = {'/', ':', ' ', 'x', '.', '\0'};
    for (size_t i = 0; i < sizeof others; i++)
        for (size_t at = 0; at < 3; at += 2) {
            struct request r;
            struct head_mark mark = {0, METHOD_NONE};
            char text[] = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
            text[strlen("GET / HTTP/") + at] = others[i];
            gyre_view whole = {(const uint8_t *)text, sizeof text - 1};
            cr_expect_eq(head_read(&mark, whole, &r), 400, "'%c' at %zu", others[i], at);
        }
}
