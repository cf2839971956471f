/* SPDX-License-Identifier: GPL-3.0-or-later
 * test_grant.c - grant.c: what a version wants, and its memory.
 */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "service.h"

static struct service service;
static struct section section = {.service = &service};
static struct version v = {.section = &section};
static char top[] = "/tmp/gyre-grant-XXXXXX";

static void begin(void)
{
    cr_assert_not_null(mkdtemp(top));
    cr_assert_eq(chdir(top), 0);
    cr_assert_eq(mkdir("one", 0700), 0);
    cr_assert_eq(mkdir("two", 0700), 0);
    close(open("file", O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
}

static void end(void)
{
    grants_free(&v);
    cr_expect_eq(unlink("file"), 0);
    cr_expect_eq(rmdir("one") + rmdir("two"), 0);
    cr_expect_eq(chdir("/"), 0);
    cr_expect_eq(rmdir(top), 0);
}

TestSuite(grant, .init = begin, .fini = end);

static int want(const char *text)
{
    return grant_want(&v, gyre_str(text));
}

static int want_below(const char *name)
{
    char text[128];
    snprintf(text, sizeof text, "path:%s/%s", top, name);
    return want(text);
}

Test(grant, handles_count_from_zero)
{
    int one = want_below("one"), dial = want("dial:tcp:10.0.0.1:80"), two = want_below("two");
    cr_expect_eq(one, 0);
    cr_expect_eq(dial, 1);
    cr_expect_eq(two, 2);
    cr_expect_eq(want_below("one"), one, "the same again is the same");
    cr_assert_not_null(grant_root(&v, one));
    cr_assert_not_null(grant_root(&v, two));
    cr_expect_neq(grant_root(&v, one)->ino, grant_root(&v, two)->ino);
    cr_expect_null(grant_root(&v, dial), "no folder");
    cr_expect_null(grant_root(&v, 3));
    cr_expect_null(grant_root(&v, -1));
    struct stat st;
    cr_expect_eq(fstat(grant_root(&v, one)->fd, &st), 0);
    cr_expect_eq(st.st_ino, grant_root(&v, one)->ino);
}

Test(grant, what_is_refused)
{
    cr_expect_eq(want("nonsense"), GYRE_UNSUPPORTED);
    cr_expect_eq(want(""), GYRE_UNSUPPORTED);
    cr_expect_eq(want("path"), GYRE_UNSUPPORTED);
    cr_expect_eq(want("path:"), GYRE_INVALID);
    cr_expect_eq(want("dial:"), GYRE_INVALID);
    cr_expect_eq(grant_want(&v, GYRE_LIT("path:/tmp\0x")), GYRE_INVALID);
    cr_expect_eq(want_below("none"), GYRE_ABSENT);
    cr_expect_eq(want_below("file"), GYRE_ABSENT, "no folder");
    cr_expect_eq(want_below("file/x"), GYRE_ABSENT);
    cr_expect_eq(v.grants_n, 0);
}

Test(grant, so_many_and_no_more)
{
    char text[64];
    for (int i = 0; i < 256; i++) {
        snprintf(text, sizeof text, "dial:tcp:10.0.0.1:%d", i + 1);
        cr_assert_eq(want(text), i);
    }
    cr_expect_eq(want("dial:tcp:10.0.0.2:1"), GYRE_FULL);
}

Test(grant, what_may_be_dialled)
{
    cr_expect_not(grant_dial(&v, GYRE_LIT("tcp:10.0.0.1:80")));
    (void)want("dial:tcp:10.0.0.1:80");
    cr_expect(grant_dial(&v, GYRE_LIT("tcp:10.0.0.1:80")));
    cr_expect_not(grant_dial(&v, GYRE_LIT("tcp:10.0.0.1:8")));
    cr_expect_not(grant_dial(&v, GYRE_LIT("tcp:10.0.0.1:800")));
    cr_expect_not(grant_dial(&v, GYRE_LIT("*")));
    (void)want_below("one");
    cr_expect_not(grant_dial(&v, GYRE_LIT("unix:/one")));
    (void)want("dial:*");
    cr_expect(grant_dial(&v, GYRE_LIT("unix:/anything")));
}

Test(grant, memory_of_a_version)
{
    uint8_t *a = version_mem_block(&v, NULL, 100), *b = version_mem(&v, 10), *grown;
    for (int i = 0; i < 100; i++) cr_assert_eq(a[i], 0);
    memset(a, 'a', 100);
    grown = version_mem_block(&v, a, 5000);
    for (int i = 0; i < 5000; i++) cr_assert_eq(grown[i], i < 100 ? 'a' : 0);
    cr_expect_eq((uintptr_t)grown % 16, 0);
    cr_expect_eq((uintptr_t)b % 16, 0);
    grown = version_mem_block(&v, grown, 10);
    cr_expect_eq(grown[9], 'a');
    cr_expect_null(version_mem_block(&v, b, 0));
    cr_expect_null(version_mem_block(&v, NULL, SIZE_MAX));
    cr_expect_null(version_mem_block(&v, grown, SIZE_MAX - 8));
    cr_expect_eq(grown[9], 'a', "untouched");
}

Test(grant, memory_of_a_version_is_bounded)
{
    v.limits.memory_max = 1000;
    void *a = version_mem(&v, 600), *b = version_mem(&v, 400);
    cr_expect(a && b);
    cr_expect_null(version_mem(&v, 1));
    cr_expect_null(version_mem_block(&v, a, 700), "both are there while it grows");
    (void)version_mem_block(&v, a, 0);
    cr_expect_null(version_mem(&v, 601));
    cr_expect(version_mem(&v, 600));
}

Test(grant, a_foreign_block_is_a_bug, .signal = SIGABRT)
{
    uint64_t *block = version_mem(&v, 256);
    (void)version_mem_block(&v, block + 8, 10);
}

Test(grant, while_on_load_runs)
{
    cr_expect_null(version_loading(NULL));
    cr_expect_eq(version_loading(&v), &v);
    cr_expect_eq(version_loading(NULL), &v);
    version_loaded();
    cr_expect_null(version_loading(NULL));
}
