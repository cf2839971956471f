/* SPDX-License-Identifier: GPL-3.0-or-later
 * test_safe.c - safe.c: who may write what a path names, over links and folders.
 */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "safe.h"

static char top[] = "/tmp/gyre-safe-XXXXXX"; /* /tmp is sticky, so that is safe */
static char why[512];

static void begin(void)
{
    umask(022);
    cr_assert_not_null(mkdtemp(top));
    cr_assert_eq(chdir(top), 0);
}

static void end(void)
{
    char command[64];
    cr_assert_eq(chdir("/"), 0);
    snprintf(command, sizeof command, "rm -rf %s", top);
    cr_expect_eq(system(command), 0);
}

TestSuite(safe, .init = begin, .fini = end);

static void file(const char *path, mode_t mode, const char *text)
{
    int fd = open(path, O_CREAT | O_WRONLY | O_TRUNC, 0600);
    cr_assert_geq(fd, 0);
    cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    cr_assert_eq(fchmod(fd, mode), 0);
    close(fd);
}

static void folder(const char *path, mode_t mode)
{
    cr_assert_eq(mkdir(path, 0700), 0);
    cr_assert_eq(chmod(path, mode), 0);
}

static void expect_safe(const char *path)
{
    cr_expect(path_is_safe(path, why, sizeof why), "%s: %s", path, why);
}

/* Refused, and why ends like this. */
static void expect_unsafe(const char *path, const char *ending)
{
    cr_expect(!path_is_safe(path, why, sizeof why), "%s is safe", path);
    size_t n = strlen(why), ending_n = strlen(ending);
    cr_expect(n >= ending_n && !strcmp(why + n - ending_n, ending), "%s: %s", path, why);
}

Test(safe, plain_files_and_folders)
{
    folder("d", 0755);
    file("d/f", 0644, "");
    expect_safe("/");
    expect_safe(top);
    expect_safe("d");
    expect_safe("d/f");
    expect_safe("./d//../d/./f");
    expect_safe("/../..");
    expect_safe("/usr/bin/env");
}

Test(safe, absent)
{
    file("f", 0644, "");
    expect_unsafe("", "No such file or directory");
    expect_unsafe("none", "/none: No such file or directory");
    expect_unsafe("f/below", "/f/below: Not a directory");
}

Test(safe, writable_by_others)
{
    file("group", 0664, "");
    file("other", 0646, "");
    expect_unsafe("group", "/group can be written by other users: chmod go-w it");
    expect_unsafe("other", "/other can be written by other users: chmod go-w it");
    folder("open", 0777);
    file("open/f", 0644, "");
    expect_unsafe("open/f", "/open can be written by other users: chmod go-w it");
    expect_unsafe("open", "/open can be written by other users: chmod go-w it");
    cr_assert_eq(chmod("open", 01777), 0);
    expect_safe("open/f");
    file("sticky", 0644, "");
    cr_assert_eq(chmod("sticky", 01666), 0);
    expect_unsafe("sticky", "/sticky can be written by other users: chmod go-w it");
}

Test(safe, links_are_followed_and_judged)
{
    folder("open", 0777);
    folder("d", 0755);
    file("d/f", 0644, "");
    cr_assert_eq(symlink("d/f", "good"), 0);
    cr_assert_eq(symlink("good", "chain"), 0);
    expect_safe("good");
    expect_safe("chain");
    cr_assert_eq(symlink("../d/f", "open/link"), 0);
    cr_assert_eq(symlink("open/link", "over"), 0);
    expect_unsafe("over", "/open can be written by other users: chmod go-w it");
    cr_assert_eq(symlink("../d", "d/back"), 0);
    expect_safe("d/back/back/back/f");
    cr_assert_eq(symlink("loop", "loop"), 0);
    expect_unsafe("loop", "Too many levels of symbolic links");
    cr_assert_eq(symlink("none", "dangling"), 0);
    expect_unsafe("dangling", "/none: No such file or directory");
    char target[64];
    snprintf(target, sizeof target, "%s/d", top);
    cr_assert_eq(symlink(target, "absolute"), 0);
    expect_safe("absolute/f");
    file("target", 0666, "");
    cr_assert_eq(symlink("target", "to-open"), 0);
    expect_unsafe("to-open", "/target can be written by other users: chmod go-w it");
}

Test(safe, owners)
{
    if (geteuid() != 0) cr_skip_test("only root can give a file away");
    file("f", 0644, "");
    folder("d", 0755);
    file("d/f", 0644, "");
    cr_assert_eq(chown("f", 12345, 12345), 0);
    expect_unsafe("f", "/f belongs to user 12345, not to root or user 0: chown it");
    cr_assert_eq(chown("d", 12345, 12345), 0);
    expect_unsafe("d/f", "/d belongs to user 12345, not to root or user 0: chown it");
    folder("sticky", 01777);
    file("sticky/f", 0644, "");
    cr_assert_eq(symlink("f", "sticky/link"), 0);
    expect_safe("sticky/link");
    cr_assert_eq(lchown("sticky/link", 12345, 12345), 0);
    expect_unsafe("sticky/link", "/sticky/link belongs to user 12345, not to root or user 0: "
                                 "chown it");
    cr_assert_eq(chown(top, 12345, 12345), 0);
    cr_assert_eq(seteuid(12345), 0);
    expect_safe("f");
    cr_expect_eq(seteuid(0), 0);
}

Test(safe, long_paths)
{
    char path[5000];
    memset(path, 'x', sizeof path);
    path[0] = '/';
    path[300] = 0;
    expect_unsafe(path, "File name too long");
    memset(path, '/', sizeof path);
    path[sizeof path - 1] = 0;
    expect_unsafe(path, "File name too long");
    path[4095] = 0;
    expect_safe(path);
}

/* A link and what comes after it, together as long as a path may be, and one byte longer. */
Test(safe, long_links)
{
    char target[4096], path[4096] = "link";
    folder("d", 0755);
    file("d/f", 0644, "");
    for (size_t i = 0; i < 2000; i++) memcpy(target + 2 * i, "./", 2);
    memcpy(target + 4000, "d", 2);
    cr_assert_eq(symlink(target, "link"), 0);
    memset(path + 4, '/', 92);
    memcpy(path + 96, "f", 2);
    expect_safe(path);
    memcpy(path + 96, "/f", 3);
    expect_unsafe(path, "File name too long");
}

Test(safe, reading)
{
    gyre_view text;
    struct stat st;
    file("f", 0600, "12345");
    cr_assert(safe_read("f", 5, &st, &text, why, sizeof why), "%s", why);
    cr_expect(gyre_eq(text, GYRE_LIT("12345")));
    cr_expect_eq(text.p[5], 0);
    cr_expect_eq(st.st_mode & 0777, 0600);
    safe_free(text);
    cr_expect(!safe_read("f", 4, NULL, &text, why, sizeof why));
    cr_expect_str_eq(why, "f is longer than 4 bytes");
    file("empty", 0600, "");
    cr_assert(safe_read("empty", 0, NULL, &text, why, sizeof why), "%s", why);
    cr_expect_eq(text.n, 0);
    safe_free(text);
    file("open", 0666, "");
    cr_expect(!safe_read("open", 4, NULL, &text, why, sizeof why));
    folder("d", 0755);
    cr_expect(!safe_read("d", 4, NULL, &text, why, sizeof why));
    cr_expect_str_eq(why, "d is no regular file");
    cr_assert_eq(mkfifo("fifo", 0600), 0);
    cr_expect(!safe_read("fifo", 4, NULL, &text, why, sizeof why), "and it did not wait");
    cr_expect_str_eq(why, "fifo is no regular file");
    safe_free(GYRE_NOTHING);
}

/* As all of /proc: st_size is 0, and it is read until its end. */
Test(safe, reading_what_does_not_say_its_size)
{
    struct stat st;
    gyre_view text = {NULL, 0};
    cr_assert(safe_read("/proc/cpuinfo", 1 << 20, &st, &text, why, sizeof why), "%s", why);
    cr_expect_eq(st.st_size, 0);
    cr_expect_gt(text.n, 16);
    cr_expect_eq(text.p[text.n - 1], '\n');
    safe_free(text);
    cr_expect(!safe_read("/proc/cpuinfo", 16, NULL, &text, why, sizeof why));
}

Test(safe, reading_large_files_whole)
{
    gyre_view text;
    char bytes[70000];
    memset(bytes, 'x', sizeof bytes);
    bytes[sizeof bytes - 1] = 0;
    file("f", 0600, bytes);
    cr_assert(safe_read("f", sizeof bytes, NULL, &text, why, sizeof why), "%s", why);
    cr_expect_eq(text.n, sizeof bytes - 1);
    safe_free(text);
}
