/* SPDX-License-Identifier: GPL-3.0-or-later
 * test_option.c - value.c, option.c, fill.c, nearest.c: from text to numbers, limits, conf structs.
 */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "config.h"
#include "core.h"

static char why[PROBLEM_TEXT];

/* The value as "number" or "'text'", or "!why". */
static const char *value(uint32_t kind, const char *range, const char *text)
{
    static char said[PROBLEM_TEXT + 8];
    const struct option_info o = {.name = "o", .kind = kind, .range = (char *)(uintptr_t)range};
    struct option_value v;
    if (!option_value(&o, text, "/etc/conf.d", &v, why, sizeof why))
        snprintf(said, sizeof said, "!%s", why);
    else if (v.text) snprintf(said, sizeof said, "'%s'", v.text);
    else snprintf(said, sizeof said, "%lld", (long long)v.number);
    free(v.text);
    return said;
}

#define EXPECT(kind, range, text, wanted) cr_expect_str_eq(value(kind, range, text), wanted)

Test(option, whole_numbers)
{
    static const char none[] = "!not a whole number";
    EXPECT(GYRE_INT, NULL, "0", "0");
    EXPECT(GYRE_INT, NULL, "007", "7");
    EXPECT(GYRE_INT, NULL, "-1", "!must be 0 or more");
    EXPECT(GYRE_INT, NULL, "9223372036854775806", "9223372036854775806");
    EXPECT(GYRE_INT, NULL, "9223372036854775807", "!too large");
    EXPECT(GYRE_INT, NULL, "18446744073709551617", "!too large");
    EXPECT(GYRE_INT, "-10..10", "-10", "-10");
    EXPECT(GYRE_INT, "-10..10", "-11", "!must be -10 to 10");
    EXPECT(GYRE_INT, "1..100", "100", "100");
    EXPECT(GYRE_INT, "1..100", "101", "!must be 1 to 100");
    EXPECT(GYRE_INT, "1..100", "99999999999999999999", "!must be 1 to 100");
    EXPECT(GYRE_INT, "1..64|auto", "auto", "0");
    EXPECT(GYRE_INT, "1..64|auto", "0", "!must be 1 to 64, or auto");
    EXPECT(GYRE_INT, "1..64|auto", "Auto", "!not a whole number, or auto");
    EXPECT(GYRE_INT, "1..64", "auto", none);
    const char *const bad[] = {"", " ", "1 ", " 1", "+1", "--1", "-", "1k", "0x10", "1.5", "1e3"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) EXPECT(GYRE_INT, NULL, bad[i], none);
}

Test(option, sizes)
{
    static const char none[] = "!not a size; write 512, 64k, 10m, 2g";
    EXPECT(GYRE_SIZE, NULL, "512", "512");
    EXPECT(GYRE_SIZE, NULL, "64k", "65536");
    EXPECT(GYRE_SIZE, NULL, "64K", "65536");
    EXPECT(GYRE_SIZE, NULL, "10m", "10485760");
    EXPECT(GYRE_SIZE, NULL, "2g", "2147483648");
    EXPECT(GYRE_SIZE, NULL, "8589934591g", "9223372035781033984");
    EXPECT(GYRE_SIZE, NULL, "8589934592g", "!too large");
    EXPECT(GYRE_SIZE, NULL, "9223372036854775807k", "!too large");
    EXPECT(GYRE_SIZE, "1k..1g", "1024", "1024");
    EXPECT(GYRE_SIZE, "1k..1g", "1023", "!must be 1k to 1g");
    EXPECT(GYRE_SIZE, "1k..1g", "1048577k", "!must be 1k to 1g");
    const char *const bad[] = {"", "k", "1kb", "1 k", "1.5m", "-1k", "1t", "never1", "1kk"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) EXPECT(GYRE_SIZE, NULL, bad[i], none);
    EXPECT(GYRE_SIZE, "1k..1g", "never", "!must be 1k to 1g");
}

Test(option, times)
{
    static const char none[] = "!not a time; write 500ms, 30s, 5m, 12h, 7d";
    EXPECT(GYRE_TIME, "0s..1d", "0s", "0");
    EXPECT(GYRE_TIME, "0s..1d", "500ms", "500000000");
    EXPECT(GYRE_TIME, "0s..1d", "30s", "30000000000");
    EXPECT(GYRE_TIME, "0s..1d", "5m", "300000000000");
    EXPECT(GYRE_TIME, "0s..1d", "12h", "43200000000000");
    EXPECT(GYRE_TIME, "0s..7d", "7d", "604800000000000");
    EXPECT(GYRE_TIME, "1s..1d", "999ms", "!must be 1s to 1d");
    EXPECT(GYRE_TIME, "1s..1d", "25h", "!must be 1s to 1d");
    EXPECT(GYRE_TIME, "1s..1d", "106752d", "!must be 1s to 1d");
    EXPECT(GYRE_TIME, "1s..1d", "never", "!must be 1s to 1d");
    EXPECT(GYRE_TIME, "1s..1d|never", "never", "9223372036854775807");
    EXPECT(GYRE_TIME, "1s..1d|never", "2d", "!must be 1s to 1d, or never");
    EXPECT(GYRE_TIME, NULL, "never", "9223372036854775807");
    EXPECT(GYRE_TIME, NULL, "106751d", "9223286400000000000");
    EXPECT(GYRE_TIME, NULL, "106752d", "!too large");
    const char *const bad[] = {"", "5", "0", "5x", "5M", "5 s", "-5s", "s", "5sec", "1h30m", "5S"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        EXPECT(GYRE_TIME, "0s..1d", bad[i], none);
    EXPECT(GYRE_TIME, "0s..1d|never", "NEVER",
           "!not a time; write 500ms, 30s, 5m, 12h, 7d, or never");
}

Test(option, yes_and_no)
{
    const char *const yes[] = {"yes", "on", "true", "Yes", "TRUE"};
    const char *const no[] = {"no", "off", "false", "No", "OFF"};
    for (size_t i = 0; i < 5; i++) {
        EXPECT(GYRE_BOOL, NULL, yes[i], "1");
        EXPECT(GYRE_BOOL, NULL, no[i], "0");
    }
    EXPECT(GYRE_BOOL, NULL, "", "!write yes or no");
    EXPECT(GYRE_BOOL, NULL, "1", "!write yes or no");
    EXPECT(GYRE_BOOL, NULL, "yes ", "!write yes or no");
}

Test(option, choices)
{
    EXPECT(GYRE_CHOICE, "off|basic|full", "off", "0");
    EXPECT(GYRE_CHOICE, "off|basic|full", "full", "2");
    EXPECT(GYRE_CHOICE, "off|basic|full", "ful", "!must be off, basic or full");
    EXPECT(GYRE_CHOICE, "off|basic|full", "", "!must be off, basic or full");
    EXPECT(GYRE_CHOICE, "off|basic|full", "off|basic", "!must be off, basic or full");
    EXPECT(GYRE_CHOICE, "off|basic|full", "Off", "!must be off, basic or full");
    EXPECT(GYRE_CHOICE, "one", "one", "0");
    EXPECT(GYRE_CHOICE, NULL, "", "!must be ");
}

Test(option, texts_and_paths)
{
    EXPECT(GYRE_STRING, NULL, "", "''");
    EXPECT(GYRE_STRING, NULL, " @x ", "' @x '");
    EXPECT(GYRE_SECRET, NULL, "x", "'x'");
    EXPECT(GYRE_PATH, NULL, "/srv", "'/srv'");
    EXPECT(GYRE_PATH, NULL, "www/a", "'/etc/conf.d/www/a'");
    EXPECT(GYRE_PATH, NULL, ".//./www", "'/etc/conf.d/www'");
    EXPECT(GYRE_PATH, NULL, "../www", "'/etc/conf.d/../www'");
    EXPECT(GYRE_PATH | GYRE_LIST, NULL, "www", "'/etc/conf.d/www'");
    EXPECT(GYRE_PATH, NULL, "", "!a path is missing");
    EXPECT(GYRE_PATH, NULL, "\"/srv\"", "!write the path without quotes");
    EXPECT(99, NULL, "x", "!the option has no kind that is known");
    const struct option_info o = {.kind = GYRE_PATH};
    struct option_value v;
    cr_expect(!option_value(&o, "www", NULL, &v, why, sizeof why));
    cr_expect_str_eq(why, "must begin with /");
    char path[5000];
    memset(path, 'x', sizeof path);
    path[4095 - strlen("/etc/conf.d/")] = 0;
    cr_expect_eq(value(GYRE_PATH, NULL, path)[0], '\'');
    path[4095 - strlen("/etc/conf.d/")] = 'x';
    path[4096 - strlen("/etc/conf.d/")] = 0;
    EXPECT(GYRE_PATH, NULL, path, "!too long for a path");
}

Test(option, ranges_without_sense_take_nothing)
{
    const char *const bad[] = {"", "1", "1..", "..1", "2..1", "1...2", "1..2|", "1..2|never",
                               "a..b", "1 .. 2", "1..99999999999999999999", "|auto"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct option_info o = {.name = "o", .kind = GYRE_INT, .range = (char *)(uintptr_t)bad[i]};
        EXPECT(GYRE_INT, bad[i], "1", "!the option's range makes no sense");
        cr_expect(!option_is_sound(&o, why, sizeof why), "'%s'", bad[i]);
        cr_expect_str_eq(why, "its range makes no sense: write LOW..HIGH");
    }
}

Test(option, sound_or_not)
{
#define WORDS "its range makes no sense: write the words like off|basic|full"
    static const struct {
        uint32_t kind;
        const char *preset, *range, *wrong; /* wrong NULL: sound */
    } cases[] = {
        {GYRE_INT, "5", "1..10", NULL},
        {GYRE_INT, NULL, NULL, NULL},
        {GYRE_INT, "11", "1..10", "its preset '11': must be 1 to 10"},
        {GYRE_TIME, "never", "1s..2s", "its preset 'never': must be 1s to 2s"},
        {GYRE_TIME, "never", "1s..2s|never", NULL},
        {GYRE_TIME, "1s", "1s..2s|auto", "its range makes no sense: write LOW..HIGH"},
        {GYRE_SIZE, "1k", "1..2k|never", "its range makes no sense: write LOW..HIGH"},
        {GYRE_CHOICE, "a", "a|b", NULL},
        {GYRE_CHOICE, "c", "a|b", "its preset 'c': must be a or b"},
        {GYRE_CHOICE, NULL, NULL, WORDS},
        {GYRE_CHOICE, NULL, "a||b", WORDS},
        {GYRE_CHOICE, NULL, "a|a", WORDS},
        {GYRE_CHOICE, NULL, "a b|c", WORDS},
        {GYRE_CHOICE, NULL, "a|", WORDS},
        {GYRE_BOOL, "yes", NULL, NULL},
        {GYRE_BOOL, "1", NULL, "its preset '1': write yes or no"},
        {GYRE_BOOL, "yes", "yes|no", "its kind has no range"},
        {GYRE_STRING, "a;b $ @", NULL, NULL},
        {GYRE_STRING, "", NULL, NULL},
        {GYRE_STRING, "a ;b", NULL, "its preset could not stand in a file: control characters, or "
                                    "blanks at its ends or before a ;"},
        {GYRE_STRING, " a", NULL, "its preset could not stand in a file: control characters, or "
                                  "blanks at its ends or before a ;"},
        {GYRE_STRING, "a\tb", NULL, "its preset could not stand in a file: control characters, or "
                                    "blanks at its ends or before a ;"},
        {GYRE_PATH, "www", NULL, NULL},
        {GYRE_PATH, "", NULL, "its preset '': a path is missing"},
        {GYRE_SECRET, "x", NULL, "its kind has no preset"},
        {GYRE_STRING | GYRE_LIST, NULL, NULL, NULL},
        {GYRE_STRING | GYRE_LIST, "x", NULL, "its kind has no preset"},
        {GYRE_INT | GYRE_LIST, NULL, NULL, "only texts and paths can be lists"},
        {8, NULL, NULL, "its kind is unknown"},
        {GYRE_INT | 512, NULL, NULL, "its kind is unknown"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct option_info o = {.name = "o", .kind = cases[i].kind,
                                .preset = (char *)(uintptr_t)cases[i].preset,
                                .range = (char *)(uintptr_t)cases[i].range};
        why[0] = 0;
        cr_expect_eq(option_is_sound(&o, why, sizeof why), !cases[i].wrong, "%zu", i);
        cr_expect_str_eq(why, cases[i].wrong ? cases[i].wrong : "", "%zu: %s", i, why);
    }
}

Test(option, numbers_as_people_write_them)
{
    static const struct {
        uint32_t kind;
        int64_t number;
        const char *text;
    } cases[] = {{GYRE_SIZE, 65536, "64k"},          {GYRE_SIZE, 1000, "1000"},
                 {GYRE_SIZE, 3 << 20, "3m"},         {GYRE_SIZE, 0, "0"},
                 {GYRE_TIME, GYRE_MS(1500), "1500ms"}, {GYRE_TIME, GYRE_SECONDS(90), "90s"},
                 {GYRE_TIME, GYRE_SECONDS(300), "5m"}, {GYRE_TIME, GYRE_NEVER, "never"},
                 {GYRE_TIME, GYRE_SECONDS(86400), "1d"}, {GYRE_TIME, 0, "0ms"},
                 {GYRE_INT, -5, "-5"},               {GYRE_INT, 65536, "65536"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[32], back[32];
        option_number_text(cases[i].kind, cases[i].number, text, sizeof text);
        cr_expect_str_eq(text, cases[i].text);
        if (cases[i].number < 0) continue;
        snprintf(back, sizeof back, "%lld", (long long)cases[i].number);
        EXPECT(cases[i].kind, NULL, text, back);
    }
}

Test(option, forms)
{
    char form[128];
    static const struct {
        struct option_info o;
        const char *form;
    } cases[] = {{{.kind = GYRE_TIME, .range = "1s..1d|never"}, "time, 1s to 1d, or never"},
                 {{.kind = GYRE_TIME}, "time, never"},
                 {{.kind = GYRE_INT}, "number"},
                 {{.kind = GYRE_CHOICE, .range = "a|b|c"}, "one of a, b or c"},
                 {{.kind = GYRE_STRING | GYRE_LIST}, "text, may be given more than once"},
                 {{.kind = GYRE_BOOL}, "yes or no"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        option_form(&cases[i].o, form, sizeof form);
        cr_expect_str_eq(form, cases[i].form);
    }
}

/* ---- nearest ---- */

static const char *nearest(const char *word, const char *a, const char *b, const char *c)
{
    struct nearest near = {.word = word};
    nearest_try(&near, a);
    nearest_try(&near, b);
    nearest_try(&near, c);
    return near.name ? near.name : "none";
}

Test(nearest, slips)
{
    cr_expect_str_eq(nearest("rot", "root", "route", "listen"), "root");
    cr_expect_str_eq(nearest("roote", "root", "route", "listen"), "root");
    cr_expect_str_eq(nearest("rotue", "root", "route", "listen"), "route");
    cr_expect_str_eq(nearest("lsiten", "root", "route", "listen"), "listen");
    cr_expect_str_eq(nearest("message_mx", "message_max", "message_time", "x"), "message_max");
    cr_expect_str_eq(nearest("ba", "ab", "x", "y"), "ab", "two swapped letters are one slip");
    cr_expect_str_eq(nearest("ba", "cb", "x", "y"), "none");
    cr_expect_str_eq(nearest("zone", "root", "route", "listen"), "none");
    cr_expect_str_eq(nearest("a", "b", "c", "d"), "none", "nothing of the word is left");
    cr_expect_str_eq(nearest("", "b", "c", "d"), "none");
    cr_expect_str_eq(nearest("ht", "http", "x", "y"), "none");
    cr_expect_str_eq(nearest("htp", "http", "x", "y"), "http");
    char longest[LIMIT_NAME + 2];
    memset(longest, 'a', sizeof longest);
    longest[LIMIT_NAME + 1] = 0;
    cr_expect_str_eq(nearest(longest, longest, "x", "y"), "none");
    cr_expect_str_eq(nearest(longest + 1, longest + 1, "x", "y"), longest + 1);
}
