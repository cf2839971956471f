/* SPDX-License-Identifier: GPL-3.0-or-later
 * test_merge.c - merge.c: a change is undone in a text that has changed since, or is refused.
 */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "edit.h"
#include "safe.h"

/* base became mine; what becomes of theirs. wanted NULL: a conflict. */
static void expect_merge(const char *base, const char *mine, const char *theirs, const char *wanted)
{
    gyre_view merged;
    bool good = merge_text(gyre_str(base), gyre_str(mine), gyre_str(theirs), &merged);
    cr_expect_eq(good, wanted != NULL);
    if (!good) return;
    if (wanted) cr_expect_str_eq((const char *)merged.p, wanted);
    safe_free(merged);
}

Test(merge, as_it_was_left)
{
    expect_merge("a\nB\nc\n", "a\nb\nc\n", "a\nB\nc\n", "a\nb\nc\n");
    expect_merge("a\n", "", "a\n", "");
    expect_merge("", "a\n", "", "a\n");
    expect_merge("a\nb", "a", "a\nb", "a");
}

Test(merge, others_have_changed_meanwhile)
{
    expect_merge("a\nB\nc\nd\ne\n", "a\nb\nc\nd\ne\n", "0\na\nB\nc\nD\ne\nf\n",
                 "0\na\nb\nc\nD\ne\nf\n");
    expect_merge("a\nB\nc\nd\n", "a\nc\nd\n", "x\na\nB\nc\n", "x\na\nc\n");
    expect_merge("a\nc\nd\n", "a\nb\nc\nd\n", "0\na\nc\nd\ne\n", "0\na\nb\nc\nd\ne\n");
    expect_merge("a\nc\n", "a\nb\nc\n", "a\nx\nc\n", "a\nb\nx\nc\n");
    expect_merge("a\nc\n", "a\nb\nc\n", "x\nc\n", "x\nb\nc\n");
    expect_merge("A\nb\nC\nd\n", "a\nb\nc\nd\n", "A\nb\nx\nC\nd\n", "a\nb\nx\nc\nd\n");
}

Test(merge, conflicts)
{
    expect_merge("a\nB\nc\n", "a\nb\nc\n", "a\nx\nc\n", NULL);
    expect_merge("a\nB\nc\n", "a\nb\nc\n", "a\nc\n", NULL);
    expect_merge("a\nB\nB2\nc\n", "a\nb\nc\n", "a\nB\nx\nB2\nc\n", NULL);
    expect_merge("a\nc\n", "a\nb\nc\n", "x\ny\n", NULL);
    expect_merge("a\nc\nd\n", "a\nb\nc\nd\n", "x\ny\n", NULL);
    expect_merge("", "a\n", "x\n", "x\na\n");
}

Test(merge, too_much_differs)
{
    enum { LINES = 5000 };
    char *a = malloc(12 * LINES), *b = malloc(12 * LINES), *p = a, *q = b;
    for (int i = 0; i < LINES; i++) {
        p += snprintf(p, 12, "%d\n", i);
        q += snprintf(q, 12, "x%d\n", i);
    }
    expect_merge(a, "x\n", b, NULL);
    expect_merge(a, a, a, a);
    free(a);
    free(b);
}
