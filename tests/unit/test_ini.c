/* SPDX-License-Identifier: GPL-3.0-or-later
 * test_ini.c - ini.c: lines, continuations, comments, line numbers, and what inih would do wrong.
 */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "config.h"

/* What was read, one line a call: "[http]:1" or "[http] listen=tcp:…:2". */
struct seen {
    char *text;
    size_t n, stop_after; /* calls; 0: never */
    size_t calls;
    FILE *to;
};

static bool see(void *user, const char *section, uint32_t section_line, const char *key,
                const char *value, uint32_t line)
{
    struct seen *s = user;
    if (key) fprintf(s->to, "[%s]:%u %s=%s:%u\n", section, section_line, key, value, line);
    else fprintf(s->to, "[%s]:%u\n", section, section_line);
    return !s->stop_after || ++s->calls < s->stop_after;
}

static bool read_view(gyre_view text, struct seen *s, struct problems *problems)
{
    bool good;
    s->to = open_memstream(&s->text, &s->n);
    good = ini_read("a.ini", text, see, s, problems);
    fclose(s->to);
    return good;
}

static void expect_seen(const char *text, const char *wanted)
{
    struct seen s = {0};
    struct problems problems = {0};
    bool good = read_view(gyre_str(text), &s, &problems);
    cr_expect(good, "refused: %s", problems.n ? problems.at[0].text : "");
    cr_expect_str_eq(s.text, wanted);
    cr_expect_eq(problems.n, 0, "%s", problems.n ? problems.at[0].text : "");
    free(s.text);
    problems_free(&problems);
}

/* The problems, one a line, must be exactly these. */
static void expect_problems(gyre_view text, bool good, const char *wanted)
{
    struct seen s = {0};
    struct problems problems = {0};
    char *all = NULL;
    size_t n = 0;
    FILE *to = open_memstream(&all, &n);
    cr_expect_eq(read_view(text, &s, &problems), good);
    for (size_t i = 0; i < problems.n; i++)
        fprintf(to, "%s%s\n", problems.at[i].warning ? "warning " : "", problems.at[i].text);
    fclose(to);
    cr_expect_str_eq(all, wanted);
    cr_expect_eq(problems.errors > 0, !good);
    free(all);
    free(s.text);
    problems_free(&problems);
}

Test(ini, sections_and_keys)
{
    expect_seen("[http]\nlisten = tcp:[::]:80\nroot=/srv\n[chat]\n[http two]\na_b-019zZ = x = y\n",
                "[http]:1\n[http]:1 listen=tcp:[::]:80:2\n[http]:1 root=/srv:3\n[chat]:4\n"
                "[http two]:5\n[http two]:5 a_b-019zZ=x = y:6\n");
    expect_seen("", "");
    expect_seen("\n\n  \n\t\n", "");
    expect_seen("[ http ]\nempty =\nno_newline = 1",
                "[http]:1\n[http]:1 empty=:2\n[http]:1 no_newline=1:3\n");
}

Test(ini, repeated_keys_stay_apart)
{
    expect_seen("[a]\nk = 1\nk = 2\n", "[a]:1\n[a]:1 k=1:2\n[a]:1 k=2:3\n");
}

Test(ini, line_ends_and_bom)
{
    expect_seen("\xef\xbb\xbf[a]\r\nk = v\r\n\r\nj = w\r", "[a]:1\n[a]:1 k=v:2\n[a]:1 j=w:4\n");
}

Test(ini, comments)
{
    expect_seen("; one\n# two\n[a] ; three\n  ; four\nk = v ; five\nl = a;b # not one\n"
                "m = ;gone\nn =;kept\no = tab\t; six\n",
                "[a]:3\n[a]:3 k=v:5\n[a]:3 l=a;b # not one:6\n[a]:3 m=:7\n[a]:3 n=;kept:8\n"
                "[a]:3 o=tab:9\n");
}

Test(ini, continuation_lines)
{
    expect_seen("[a]\nk = one\n   two ; comment\n\tthree\nl = x\n",
                "[a]:1\n[a]:1 k=one two three:2\n[a]:1 l=x:5\n");
    expect_seen("[a]\nk =\n  one\n# between\n  ; also\n  two\n", "[a]:1\n[a]:1 k=one two:2\n");
}

Test(ini, empty_line_ends_a_value)
{
    expect_problems(GYRE_LIT("[a]\nk = one\n\n  two\nl = x\n"), false,
                    "a.ini:4: an indented line goes on with a value, and there is none above: "
                    "start keys and sections at the left edge\n");
    expect_problems(GYRE_LIT("[a]\n  k = one\n  l = two\nm = x\n"), false,
                    "a.ini:2: an indented line goes on with a value, and there is none above: "
                    "start keys and sections at the left edge\n");
}

Test(ini, doubtful_continuations_are_warned_of)
{
    expect_problems(GYRE_LIT("[a]\nroot = /srv\n  index = x\n"), true,
                    "warning a.ini:3: indented, so it is part of the value above: start it at the "
                    "left edge if it is a key\n");
    expect_problems(GYRE_LIT("[a]\nroot = /srv\n  [chat]\n"), true,
                    "warning a.ini:3: indented, so it is part of the value above: start it at the "
                    "left edge if it is a section\n");
    expect_problems(GYRE_LIT("[a]\nroot = /srv\n  per_A-b2 = 1\n"), true,
                    "warning a.ini:3: indented, so it is part of the value above: start it at the "
                    "left edge if it is a key\n");
    expect_seen("[a]\nk = v\n  = w\n  a=b\n", "[a]:1\n[a]:1 k=v = w a=b:2\n");
    expect_seen("[a]\nheader = Cache-Control\n  max-age=3600, a/b = c\n  [::1]:53\n",
                "[a]:1\n[a]:1 header=Cache-Control max-age=3600, a/b = c [::1]:53:2\n");
}

Test(ini, every_wrong_line_is_told)
{
    expect_problems(GYRE_LIT("early = 1\n[a]\nnothing\ncolon: x = y\n[unended\nk = not told\n"
                             "[]\n[b] more\n[c]\n= v\ntwo words = v\n"),
                    false,
                    "a.ini:1: 'early' stands before any [section]\n"
                    "a.ini:3: 'nothing' has no '=': write key = value\n"
                    "a.ini:4: 'colon: x = y' begins with no key: letters, digits, _ and -, at most "
                    "48, then '='\n"
                    "a.ini:5: no ']' ends the name of the section\n"
                    "a.ini:7: a section needs a name (of at most 48 bytes)\n"
                    "a.ini:8: nothing may follow ']' but a comment\n"
                    "a.ini:10: '= v' begins with no key: letters, digits, _ and -, at most 48, "
                    "then '='\n"
                    "a.ini:11: 'two words = v' begins with no key: letters, digits, _ and -, at "
                    "most 48, then '='\n");
}

Test(ini, no_colon_instead_of_equals)
{
    expect_problems(GYRE_LIT("[a]\nlisten: tcp\n"), false,
                    "a.ini:2: 'listen: tcp' has no '=': write key = value\n");
}

Test(ini, control_bytes)
{
    expect_problems(GYRE_LIT("[a]\nk = a\001b\nl = c\x7f\n"), false,
                    "a.ini:2: control character 0x01: remove it\n"
                    "a.ini:3: control character 0x7f: remove it\n");
    expect_problems(GYRE_LIT("[a]\nk = a\0b\nnothing\n"), false,
                    "a.ini:2: a NUL byte (0x00): this is no text in UTF-8\n");
    expect_problems(GYRE_LIT("[a]\nk = a\rb\n"), false,
                    "a.ini:2: control character 0x0d: remove it\n");
}

/* Around inih's 200 bytes of line and 50 of names: nothing is cut, split or lost. */
Test(ini, values_of_any_length)
{
    for (size_t n = 1; n < 700; n++) {
        char text[1024], wanted[1024], value[700];
        memset(value, 'v', n);
        value[n] = 0;
        if (n > 5) memcpy(value + n / 2, "=;:", 3);
        snprintf(text, sizeof text, "[a]\nkey = %s\nlast = [x\n", value);
        snprintf(wanted, sizeof wanted, "[a]:1\n[a]:1 key=%s:2\n[a]:1 last=[x:3\n", value);
        expect_seen(text, wanted);
    }
}

Test(ini, long_value_of_many_lines)
{
    char text[2048] = "[a]\nkey = 0123456789\n", wanted[2048] = "[a]:1\n[a]:1 key=0123456789";
    size_t at = strlen(text), to = strlen(wanted);
    for (int i = 0; i < 60; i++) {
        at += (size_t)snprintf(text + at, sizeof text - at, "  0123456789 ; %d\n", i);
        to += (size_t)snprintf(wanted + to, sizeof wanted - to, " 0123456789");
    }
    snprintf(wanted + to, sizeof wanted - to, ":2\n");
    expect_seen(text, wanted);
}

Test(ini, names_as_long_as_allowed)
{
    char name[64], text[512], wanted[512];
    memset(name, 'n', sizeof name);
    name[LIMIT_NAME] = 0;
    snprintf(text, sizeof text, "[%s]\n%s = v\n", name, name);
    snprintf(wanted, sizeof wanted, "[%s]:1\n[%s]:1 %s=v:2\n", name, name, name);
    expect_seen(text, wanted);
    name[LIMIT_NAME] = 'n';
    name[LIMIT_NAME + 1] = 0;
    snprintf(text, sizeof text, "[%s]\nk = not told\n[a]\n%s = v\n", name, name);
    snprintf(wanted, sizeof wanted,
             "a.ini:1: the name of a section has at most 48 bytes\n"
             "a.ini:4: '%.32s' begins with no key: letters, digits, _ and -, at most 48, then "
             "'='\n",
             name);
    expect_problems(gyre_str(text), false, wanted);
}

Test(ini, longest_line)
{
    size_t head = strlen("[a]\nk = "), n = LIMIT_CONF_VALUE - strlen("k = ");
    char *text = malloc(head + n + 3);
    struct seen s = {0};
    struct problems problems = {0};
    memcpy(text, "[a]\nk = ", head);
    memset(text + head, 'v', n + 1);
    cr_expect(read_view((gyre_view){(uint8_t *)text, head + n}, &s, &problems));
    cr_expect_eq(s.n, strlen("[a]:1\n[a]:1 k=:2\n") + n);
    free(s.text);
    expect_problems((gyre_view){(uint8_t *)text, head + n + 1}, false,
                    "a.ini:2: longer than 61440 bytes\n");
    free(text);
    problems_free(&problems);
}

Test(ini, longest_file)
{
    uint8_t *text = calloc(1, LIMIT_CONF_FILE + 1);
    memset(text, '\n', LIMIT_CONF_FILE + 1);
    expect_problems((gyre_view){text, LIMIT_CONF_FILE}, true, "");
    expect_problems((gyre_view){text, LIMIT_CONF_FILE + 1}, false,
                    "a.ini:1: longer than 4194304 bytes\n");
    free(text);
}

Test(ini, problems_are_bounded_and_counted)
{
    struct seen s = {0};
    struct problems problems = {0};
    char text[5 * 1000 + 1];
    for (size_t i = 0; i < 1000; i++) memcpy(text + 5 * i, "line\n", 5);
    text[5000] = 0;
    cr_expect(!read_view(gyre_str(text), &s, &problems));
    cr_expect_eq(problems.n, LIMIT_PROBLEMS);
    cr_expect_eq(problems.errors, 1000);
    cr_expect_str_eq(problems.at[LIMIT_PROBLEMS - 2].text,
                     "a.ini:199: 'line' has no '=': write key = value");
    cr_expect_str_eq(problems.at[LIMIT_PROBLEMS - 1].text, "more follow: mend these first");
    free(s.text);
    problems_free(&problems);
}

Test(ini, the_reader_can_be_stopped)
{
    struct seen s = {.stop_after = 2};
    struct problems problems = {0};
    cr_expect(!read_view(gyre_str("[a]\nk = 1\nl = 2\n[b]\nwrong\n"), &s, &problems));
    cr_expect_str_eq(s.text, "[a]:1\n[a]:1 k=1:2\n");
    cr_expect_eq(problems.n, 0);
    free(s.text);
    problems_free(&problems);
}

/* Any bytes: no crash, and what is wrong is said. The same seed gives the same bytes. */
Test(ini, any_bytes)
{
    static const char bits[] = "[]=;# \t\n\r:ak$\xef\xbb\xbf\0\"\\";
    uint32_t seed = 1;
    for (int round = 0; round < 20000; round++) {
        uint8_t text[64];
        struct seen s = {0};
        struct problems problems = {0};
        size_t n = (size_t)round % sizeof text;
        for (size_t i = 0; i < n; i++) {
            seed = seed * 1664525 + 1013904223;
            text[i] = (uint8_t)bits[(seed >> 16) % (sizeof bits - 1)];
        }
        bool good = read_view((gyre_view){text, n}, &s, &problems);
        cr_assert_eq(good, problems.errors == 0);
        free(s.text);
        problems_free(&problems);
    }
}

/* ---- the map ---- */

Test(ini, map)
{
    static const char text[] = "\xef\xbb\xbf[ a ] ; x\r\n;c\n k\n\nk =  v ; y\n"
                               "; d\n  w\t\nj\n = 1\nl =";
    static const char *const wanted[] = {"S[ a ]", "C;c", "", "", "K:v", "C; d", "Mw", "Kj", "M= 1",
                                         "K:"};
    struct ini_map map = {0};
    struct seen s = {0};
    struct problems problems = {0};
    s.to = open_memstream(&s.text, &s.n);
    (void)ini_read_map("a.ini", GYRE_MAKE(gyre_view, (const uint8_t *)text, sizeof text - 1), see,
                       &s,
                       &map, &problems);
    fclose(s.to);
    cr_assert_eq(map.n, 10);
    size_t at = 3;
    for (size_t i = 0; i < map.n; i++) {
        const struct ini_line *l = &map.lines[i];
        size_t from = l->value ? l->value : l->text;
        char got[32];
        cr_expect_eq(l->begin, at);
        at = l->end;
        snprintf(got, sizeof got, "%c%s%.*s", "\0CSKM"[l->kind], l->value ? ":" : "",
                 (int)(l->text_end - from), text + from);
        if (*wanted[i]) cr_expect_str_eq(got, wanted[i], "line %zu: %s", i + 1, got);
    }
    cr_expect_eq(at, sizeof text - 1);
    ini_map_free(&map);
    free(s.text);
    problems_free(&problems);
}
