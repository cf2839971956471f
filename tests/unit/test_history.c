/* SPDX-License-Identifier: GPL-3.0-or-later
 * test_history.c - history.c and replace.c: what is written is read, the oldest is forgotten, a
 * file is replaced wholly; and watch.c, which passes over what was replaced by us.
 */
#include <sys/xattr.h>

#include "conf_folder.h"
#include "history.h"
#include "replace.h"
#include "safe.h"
#include "supervisor.h"

TestSuite(history, .init = conf_begin, .fini = conf_end);

static char why[1024];

static uint64_t add(const char *what, uint64_t undoes)
{
    const struct history_entry e = {.undoes = undoes, .when_s = 1764000000, .uid = 7,
                                    .what = (char *)(uintptr_t)what, .file = (char *)"a.ini",
                                    .before = {true, GYRE_LIT("[a]\nk = 1")},
                                    .after = {true, GYRE_LIT("\xff\n\nafter 3\n")}};
    uint64_t number = history_add(conf, &e, why, sizeof why);
    cr_assert(number, "%s", why);
    return number;
}

Test(history, what_is_kept_is_read)
{
    struct history_entry e;
    cr_expect_eq(add("set a k=2", 0), 1);
    cr_assert(history_read(conf, 1, &e, why, sizeof why), "%s", why);
    cr_expect_eq(e.number, 1);
    cr_expect_eq(e.when_s, 1764000000);
    cr_expect_eq(e.uid, 7);
    cr_expect_str_eq(e.what, "set a k=2");
    cr_expect_str_eq(e.file, "a.ini");
    cr_expect(e.before.there && gyre_eq(e.before.text, GYRE_LIT("[a]\nk = 1")));
    cr_expect(e.after.there && gyre_eq(e.after.text, GYRE_LIT("\xff\n\nafter 3\n")));
    history_entry_free(&e);
    const struct history_entry gone = {.uid = -1, .what = (char *)"edited by hand",
                                       .file = (char *)"b.ini", .after = {.there = true}};
    cr_expect_eq(history_add(conf, &gone, why, sizeof why), 2);
    cr_assert(history_read(conf, 2, &e, why, sizeof why), "%s", why);
    cr_expect_eq(e.uid, -1);
    cr_expect(!e.before.there && e.after.there && !e.after.text.n);
    history_entry_free(&e);
}

Test(history, which_is_undone_next)
{
    cr_expect_eq(history_last(conf), 0);
    (void)add("one", 0);
    (void)add("two", 0);
    cr_expect_eq(history_last(conf), 2);
    (void)add("undo 2", 2);
    cr_expect_eq(history_last(conf), 1);
    (void)add("undo 3", 3); /* so that two is in force again */
    cr_expect_eq(history_last(conf), 2);
    (void)add("undo 2", 2);
    (void)add("undo 1", 1);
    cr_expect_eq(history_last(conf), 0);
    (void)add("seven", 0);
    cr_expect_eq(history_last(conf), 7);
}

Test(history, the_oldest_are_forgotten)
{
    size_t n;
    for (int i = 0; i < LIMIT_HISTORY + 5; i++) (void)add("x", 0);
    uint64_t *numbers = history_numbers(conf, &n);
    cr_assert_eq(n, LIMIT_HISTORY);
    cr_expect_eq(numbers[0], LIMIT_HISTORY + 5);
    cr_expect_eq(numbers[n - 1], 6);
    free(numbers);
    history_take_back(conf, LIMIT_HISTORY + 5);
    cr_expect_eq(add("again", 0), LIMIT_HISTORY + 5);
}

Test(history, damaged)
{
    static const char *const wrong[] = {
        "", "gyre-history 1\n", "gyre-history 2\nwhen 1\n",
        "gyre-history 1\nwhen 1\nuid 0\nundoes 0\nfile ../x\nwhat y\nbefore -\nafter -\n\n",
        "gyre-history 1\nwhen 1\nuid 0\nundoes 0\nfile x.ini\nwhat y\nbefore 1\nafter -\n\n",
        "gyre-history 1\nwhen 1\nuid 0\nundoes 0\nfile x.ini\nwhat y\nbefore -\nafter 1\n\nab",
        "gyre-history 1\nwhen 1\nuid -2\nundoes 0\nfile x.ini\nwhat y\nbefore -\nafter -\n\n",
        "gyre-history 1\nwhen 1\nuid 0\nundoes 0\nfile x.ini\nwhat y\nbefore 9999999\nafter -\n\n",
    };
    struct history_entry e;
    (void)add("x", 0);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        file(".gyre-history/00000001", wrong[i]);
        cr_expect(!history_read(conf, 1, &e, why, sizeof why), "%s", wrong[i]);
        cr_expect_not_null(strstr(why, "is damaged"), "%s", why);
    }
    cr_expect_eq(history_last(conf), 0);
    cr_expect(!history_read(conf, 2, &e, why, sizeof why));
    cr_expect(!history_read(conf, 0, &e, why, sizeof why));
}

/* ---- replace.c ---- */

static void expect_text(const char *path, const char *wanted)
{
    gyre_view text;
    cr_assert(safe_read(path, 1000, NULL, &text, why, sizeof why), "%s", why);
    cr_expect_str_eq((const char *)text.p, wanted);
    safe_free(text);
}

static void put(const char *path, const char *text)
{
    struct replacement r;
    cr_assert(replace_begin(&r, path, gyre_str(text), 0640, why, sizeof why), "%s", why);
    cr_assert(replace_end(&r, why, sizeof why), "%s", why);
}

Test(history, a_file_is_replaced)
{
    struct replacement r;
    struct stat st, now;
    file("a.ini", "old");
    cr_assert_eq(chmod("a.ini", 0604), 0);
    bool attributes = setxattr("a.ini", "user.note", "x", 1, 0) == 0;
    cr_assert(replace_begin(&r, "a.ini", GYRE_LIT("new"), 0640, why, sizeof why), "%s", why);
    expect_text("a.ini", "old");
    replace_drop(&r);
    expect_text("a.ini", "old");
    file(".a.ini.gyre-new", "of one that was killed");
    cr_assert_eq(stat("a.ini", &st), 0);
    put("a.ini", "new");
    expect_text("a.ini", "new");
    cr_assert_eq(stat("a.ini", &now), 0);
    cr_expect_eq(now.st_mode, st.st_mode);
    cr_expect_eq(now.st_uid, st.st_uid);
    char value[4];
    if (attributes) cr_expect_eq(getxattr("a.ini", "user.note", value, sizeof value), 1);
    cr_expect_neq(access(".a.ini.gyre-new", F_OK), 0);
    put("b.ini", "");
    cr_assert_eq(stat("b.ini", &now), 0);
    cr_expect_eq(now.st_mode & 07777, 0640);
    cr_assert(replace_begin_gone(&r, "b.ini", why, sizeof why));
    cr_assert(replace_end(&r, why, sizeof why));
    cr_expect_neq(access("b.ini", F_OK), 0);
}

Test(history, links)
{
    struct replacement r;
    cr_assert_eq(mkdir("../real", 0755), 0);
    file("../real/file", "old");
    cr_assert_eq(symlink("../real/file", "a.ini"), 0);
    cr_assert_eq(symlink("../real/none", "b.ini"), 0);
    put("a.ini", "new");
    expect_text("../real/file", "new");
    struct stat st;
    cr_assert_eq(lstat("a.ini", &st), 0);
    cr_expect(S_ISLNK(st.st_mode));
    cr_expect(!replace_begin(&r, "b.ini", GYRE_LIT("x"), 0644, why, sizeof why));
    cr_expect(!replace_begin(&r, "none/c.ini", GYRE_LIT("x"), 0644, why, sizeof why));
    cr_expect_not_null(strstr(why, "No such file"), "%s", why);
}

/* ---- watch.c ---- */

Test(history, the_watch_passes_over_our_own_changes)
{
    struct watch w;
    file("a.ini", "old");
    watch_open(&w, conf, conf);
    watch_again(&w);
    put("a.ini", "new");
    watch_skip(&w, "a.ini");
    cr_expect_eq(w.due_ms, INT64_MAX, "our own change is none");
    put("b.ini", "new");
    watch_skip(&w, "a.ini");
    cr_expect_neq(w.due_ms, INT64_MAX, "another file is");
    w.due_ms = w.first_ms = INT64_MAX;
    put("a.ini", "newer");
    watch_readable(&w);
    cr_expect_neq(w.due_ms, INT64_MAX, "and this one, when it is not skipped");
    w.due_ms = w.first_ms = INT64_MAX;
    struct replacement r;
    cr_assert(replace_begin_gone(&r, "a.ini", why, sizeof why));
    cr_assert(replace_end(&r, why, sizeof why));
    watch_skip(&w, "a.ini");
    cr_expect_eq(w.due_ms, INT64_MAX, "nor is a file that we removed");
    watch_close(&w);
}
