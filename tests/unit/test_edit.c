/* SPDX-License-Identifier: GPL-3.0-or-later
 * test_edit.c - edit.c: each change of a text, where it goes, and what stays as it was.
 */
#include <criterion/criterion.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "edit.h"
#include "safe.h"

enum { PAIRS = 8 };

/* "k=v" becomes a pair; without '=' one without a value. Its text is cut in place. */
static struct edit_pair pair_of(char *text)
{
    char *equals = strchr(text, '=');
    if (equals) *equals = '\0';
    return (struct edit_pair){text, equals ? equals + 1 : NULL};
}

struct asked { /* an edit, and the texts of its pairs */
    struct edit edit;
    struct edit_pair pairs[PAIRS];
    char texts[PAIRS][128];
};

/* Pairs until NULL. */
static struct asked *asked_of(struct asked *a, enum edit_kind kind, const char *section,
                              va_list args)
{
    *a = (struct asked){.edit = {.kind = kind, .section = section, .pairs = a->pairs}};
    for (const char *pair; (pair = va_arg(args, const char *));) {
        cr_assert_lt(a->edit.n, PAIRS);
        snprintf(a->texts[a->edit.n], sizeof a->texts[0], "%s", pair);
        a->pairs[a->edit.n] = pair_of(a->texts[a->edit.n]);
        a->edit.n++;
    }
    return a;
}

static void compare(const char *text, const struct edit *edit, const char *wanted, uint32_t line)
{
    struct edited out = {0};
    struct problems problems = {0};
    bool good = edit_text("a.ini", gyre_str(text), edit, &out, &problems);
    cr_expect(good, "refused: %s", problems.n ? problems.at[0].text : "");
    if (good) {
        cr_expect_str_eq((const char *)out.text.p, wanted, "got:\n%s", (const char *)out.text.p);
        cr_expect_eq(out.line, line, "line %u", out.line);
        safe_free(out.text);
    }
    problems_free(&problems);
}

static void expect_edit(enum edit_kind kind, const char *section, const char *text,
                        const char *wanted, uint32_t line, ...)
{
    struct asked a;
    va_list args;
    va_start(args, line);
    compare(text, &asked_of(&a, kind, section, args)->edit, wanted, line);
    va_end(args);
}

static void expect_why(enum edit_kind kind, const char *section, const char *text,
                       const char *wanted, ...)
{
    struct asked a;
    struct edited out = {0};
    struct problems problems = {0};
    va_list args;
    va_start(args, wanted);
    bool good = edit_text("a.ini", gyre_str(text), &asked_of(&a, kind, section, args)->edit, &out,
                          &problems);
    va_end(args);
    cr_expect(!good, "it was done");
    cr_assert_eq(problems.n, 1);
    cr_expect_str_eq(problems.at[0].text, wanted);
    problems_free(&problems);
}

/* ---- set ---- */

Test(edit, a_value_is_replaced_in_its_line)
{
    expect_edit(EDIT_SET, "http", "[http]\nroot = /a\nlisten = x\n",
                "[http]\nroot = /b c\nlisten = x\n",
                2, "root=/b c", NULL);
    expect_edit(EDIT_SET, "http", "[ http ]\r\nroot=/a   ; why\r\n",
                "[ http ]\r\nroot=/b   ; why\r\n",
                2, "root=/b", NULL);
    expect_edit(EDIT_SET, "b", "[a]\nk = 1\n[b]\nk = 2", "[a]\nk = 1\n[b]\nk = 3", 4, "k=3", NULL);
    expect_edit(EDIT_SET, "a", "\xef\xbb\xbf[a]\nk = 1\n", "\xef\xbb\xbf[a]\nk = @f\n", 2, "k=@f",
                NULL);
    expect_edit(EDIT_SET, "a", "[a]\nk\t=\t1\n", "[a]\nk\t=\t${X}\n", 2, "k=${X}", NULL);
}

Test(edit, the_same_value_changes_nothing)
{
    expect_edit(EDIT_SET, "a", "[a]\nk =   1  2 ; x\n", "[a]\nk =   1  2 ; x\n", 0, "k=1  2", NULL);
    expect_edit(EDIT_SET, "a", "[a]\nk = 1\n  2\n", "[a]\nk = 1\n  2\n", 0, "k=1 2", NULL);
}

Test(edit, empty_values)
{
    expect_edit(EDIT_SET, "a", "[a]\nk =\n", "[a]\nk = v\n", 2, "k=v", NULL);
    expect_edit(EDIT_SET, "a", "[a]\nk=\n", "[a]\nk=v\n", 2, "k=v", NULL);
    expect_edit(EDIT_SET, "a", "[a]\nk = v\n", "[a]\nk =\n", 2, "k=", NULL);
    expect_edit(EDIT_SET, "a", "[a]\nk = v ; c\n", "[a]\nk = ; c\n", 2, "k=", NULL);
    expect_edit(EDIT_SET, "a", "[a]\nk = ; c\n", "[a]\nk = v ; c\n", 2, "k=v", NULL);
    expect_edit(EDIT_SET, "a", "[a]\nj=1\n", "[a]\nj=1\nk=\n", 3, "k=", NULL);
}

Test(edit, a_value_that_goes_on_is_replaced_whole)
{
    expect_edit(EDIT_SET, "a", "[a]\nk = 1\n  2 ; two\n; kept\n  3\nj = 4\n",
                "[a]\nk = new\n; kept\nj = 4\n", 2, "k=new", NULL);
    expect_edit(EDIT_SET, "a", "[a]\nk =\n  1\n  2\n", "[a]\nk = new\n", 2, "k=new", NULL);
    expect_edit(EDIT_SET, "a", "[a]\nk ; why\n  = 1\n", "[a]\nk = new ; why\n", 2, "k=new", NULL);
}

Test(edit, a_new_key_goes_behind_the_last)
{
    expect_edit(EDIT_SET, "a", "[a]\nj = 1\n\n[b]\nk = 2\n", "[a]\nj = 1\nk = 3\n\n[b]\nk = 2\n", 3,
                "k=3", NULL);
    expect_edit(EDIT_SET, "a", "[a]\nj = 1\n  go\n; of b\n[b]\n",
                "[a]\nj = 1\n  go\nk = 3\n; of b\n[b]\n", 4, "k=3", NULL);
    expect_edit(EDIT_SET, "a", "[a]\r\nj = 1", "[a]\r\nj = 1\r\nk = 3", 3, "k=3", NULL);
    expect_edit(EDIT_SET, "a", "[a]\nj = 1\n", "[a]\nj = 1\nk = 3\nl = 4\n", 3, "k=3", "l=4", NULL);
}

Test(edit, a_new_key_takes_the_place_of_its_preset)
{
    expect_edit(EDIT_SET, "server", "[server]\n; The folder.\n;plugins = /x\n;run = /y\n",
                "[server]\n; The folder.\n;plugins = /x\nplugins = /p\n;run = /y\n", 4,
                "plugins=/p", NULL);
    expect_edit(EDIT_SET, "a", "[a]\n#k=1\nj = 2\n", "[a]\n#k=1\nk = 3\nj = 2\n", 3, "k=3", NULL);
    expect_edit(EDIT_SET, "a", "[a]\nj = 2\n\n;[b]\n;k = 1\n",
                "[a]\nj = 2\nk = 3\n\n;[b]\n;k = 1\n", 3,
                "k=3", NULL);
    expect_edit(EDIT_SET, "a", "[a]\nj = 1\n;k = 2\n  3\n", "[a]\nj = 1\n;k = 2\n  3\nk = 4\n", 5,
                "k=4", NULL);
    expect_edit(EDIT_SET, "a", "[a]\n; say k = 1 to have it\nj = 1\n",
                "[a]\n; say k = 1 to have it\nj = 1\nk = 4\n", 4, "k=4", NULL);
}

Test(edit, the_first_key_of_a_section)
{
    expect_edit(EDIT_SET, "a", "[a]\n", "[a]\nk = 1\n", 2, "k=1", NULL);
    expect_edit(EDIT_SET, "a", "[a]", "[a]\nk = 1", 2, "k=1", NULL);
    expect_edit(EDIT_SET, "a", "[a] ; one\n[b]\n", "[a] ; one\nk = 1\n[b]\n", 2, "k=1", NULL);
    expect_edit(EDIT_SET, "a", "[a]\n; of a\n\n[b]\n", "[a]\n; of a\nk = 1\n\n[b]\n", 3, "k=1",
                NULL);
    expect_edit(EDIT_SET, "a", "[a]\n; of b\n[b]\n", "[a]\nk = 1\n; of b\n[b]\n", 2, "k=1", NULL);
}

Test(edit, a_new_key_is_written_like_its_neighbours)
{
    expect_edit(EDIT_SET, "a", "[a]\nj=1\n", "[a]\nj=1\nk=3\n", 3, "k=3", NULL);
    expect_edit(EDIT_SET, "a", "[a]\nlisten    = 1\nj         = 2\n",
                "[a]\nlisten    = 1\nj         = 2\nroot      = 3\n", 4, "root=3", NULL);
    expect_edit(EDIT_SET, "a", "[a]\nj  = 1\n", "[a]\nj  = 1\nlonger = 2\n", 3, "longer=2", NULL);
}

Test(edit, a_list_has_these_values_and_no_others)
{
    static const char three[] = "[a]\nk = 1\n; c\nk = 2\nj = x\nk = 3\n";
    expect_edit(EDIT_SET, "a", three, "[a]\nk = 9\n; c\nj = x\n", 2, "k=9", NULL);
    expect_edit(EDIT_SET, "a", three, "[a]\nk = 1\n; c\nk = 8\nj = x\n", 4, "k=1", "k=8", NULL);
    expect_edit(EDIT_SET, "a", "[a]\nk = 1\nj = x\n", "[a]\nk = 1\nk = 2\nk = 3\nj = x\n", 3, "k=1",
                "k=2", "k=3", NULL);
    expect_edit(EDIT_SET, "a", "[a]\nk = 1\nj = x\n", "[a]\nk = 2\nk = 3\nj = y\n", 2, "k=2", "j=y",
                "k=3", NULL);
}

/* ---- add and remove ---- */

Test(edit, add)
{
    static const char text[] = "[a]\nj = 0\nk = 1\nk = 2\n  go\nl = 3\n";
    struct edit_pair pair = {"k", "9"};
    struct edit edit = {.kind = EDIT_ADD, .section = "a", .pairs = &pair, .n = 1};
    compare(text, &edit, "[a]\nj = 0\nk = 1\nk = 2\n  go\nk = 9\nl = 3\n", 6);
    edit.place = EDIT_FIRST;
    compare(text, &edit, "[a]\nj = 0\nk = 9\nk = 1\nk = 2\n  go\nl = 3\n", 3);
    edit.place = EDIT_BEFORE;
    edit.before = "2   go";
    compare(text, &edit, "[a]\nj = 0\nk = 1\nk = 9\nk = 2\n  go\nl = 3\n", 4);
    expect_edit(EDIT_ADD, "a", text, "[a]\nj = 0\nk = 1\nk = 2\n  go\nl = 3\nm = 1\nm = 2\n", 7,
                "m=1",
                "m=2", NULL);
}

Test(edit, remove)
{
    static const char text[] = "[a]\nk = 1\nk = 2\n ; c\n  go\nk = 1\nl = 3";
    expect_edit(EDIT_REMOVE, "a", text, "[a]\nk = 2\n ; c\n  go\nl = 3", 2, "k=1", NULL);
    expect_edit(EDIT_REMOVE, "a", text, "[a]\nk = 1\n ; c\nk = 1\nl = 3", 3, "k=2 go", NULL);
    expect_edit(EDIT_REMOVE, "a", text, "[a]\n ; c\nl = 3", 2, "k", NULL);
    expect_edit(EDIT_REMOVE, "a", text, "[a]\nk = 1\nk = 2\n ; c\n  go\nk = 1\n", 7, "l", NULL);
}

/* ---- sections ---- */

Test(edit, a_new_section)
{
    expect_edit(EDIT_SECTION, "http two", "", "[http two]\nroot = /b\n", 1, "root=/b", NULL);
    expect_edit(EDIT_SECTION, "http two", "[http]\nk = 1\n",
                "[http]\nk = 1\n\n[http two]\nk = 2\n", 4,
                "k=2", NULL);
    expect_edit(EDIT_SECTION, "b", "[a]\r\nk = 1", "[a]\r\nk = 1\r\n\r\n[b]", 4, NULL);
    expect_edit(EDIT_SECTION, "a two", "[a]\nk = 1\n;j = 2\n\n; of b\n[b]\n",
                "[a]\nk = 1\n;j = 2\n\n[a two]\nx = y\n\n; of b\n[b]\n", 5, "x=y", NULL);
    expect_edit(EDIT_SECTION, "a two", "[a]\n[b]\n", "[a]\n\n[a two]\n\n[b]\n", 3, NULL);
    expect_edit(EDIT_SECTION, "b", "; only words\n\n", "; only words\n\n[b]\n", 3, NULL);
}

Test(edit, a_section_goes)
{
    expect_edit(EDIT_DROP, "a", "[a]\nk = 1\n", "", 1, NULL);
    expect_edit(EDIT_DROP, "b", "[a]\nk = 1\n\n; of b\n[b]\nk = 2\n;j = 3\n\n; of c\n[c]\n",
                "[a]\nk = 1\n\n; of b\n\n; of c\n[c]\n", 5, NULL);
    expect_edit(EDIT_DROP, "b", "[a]\nk = 1\n\n[b]\n; words\n;k = 2\n\n[c]\n",
                "[a]\nk = 1\n\n[c]\n", 4, NULL);
    expect_edit(EDIT_DROP, "b", "[a]\nk = 1\n\n[b]\nk = 2\n", "[a]\nk = 1\n", 3, NULL);
    expect_edit(EDIT_DROP, "a", "[a]\nk = 1\n\n;[b]\n;k = 2\n", ";[b]\n;k = 2\n", 1, NULL);
}

/* ---- what cannot be done ---- */

Test(edit, refused)
{
    static const char text[] = "[a]\nroot = 1\n";
    expect_why(EDIT_SET, "b", text, "a.ini: has no section [b]", "k=1", NULL);
    expect_why(EDIT_REMOVE, "a", text, "a.ini:1: no key 'rot' in [a], did you mean 'root'?", "rot",
               NULL);
    expect_why(EDIT_REMOVE, "a", text, "a.ini:1: no key 'listen' in [a]", "listen", NULL);
    expect_why(EDIT_REMOVE, "a", text,
               "a.ini:2: no value of 'root' in [a] is that one: 'gyrectl get' shows the one there "
               "is",
               "root=2", NULL);
    expect_why(EDIT_SECTION, "a", text, "a.ini:1: [a] is there already", NULL);
    expect_why(EDIT_SECTION, "A", text,
               "a.ini: [A]: a section is named like its plugin, in lower case letters, digits, _ "
               "and -: [http] or [http blog.example.org]", NULL);
    expect_why(EDIT_SET, "a", "[a]\nk\n", "a.ini:2: 'k' has no '=': write key = value", "k=1",
               NULL);
}

Test(edit, values_that_no_file_can_hold)
{
    static const char text[] = "[a]\n";
    expect_why(EDIT_SET, "a", text, "a.ini: k: a value in a file has no blanks at its ends", "k= x",
               NULL);
    expect_why(EDIT_SET, "a", text, "a.ini: k: a value in a file has no control characters",
               "k=x\ny", NULL);
    expect_why(EDIT_SET, "a", text, "a.ini: k: in a file a ';' after a blank begins a comment: it "
                                    "cannot stand in a value", "k=x ;y", NULL);
    expect_why(EDIT_SET, "a", text, "a.ini: k x: no key: letters, digits, _ and -, then '='",
               "k x=1",
               NULL);
    expect_edit(EDIT_SET, "a", text, "[a]\nk = x;y # \"z\n", 2, "k=x;y # \"z", NULL);
}
