/* SPDX-License-Identifier: GPL-3.0-or-later
 * test_log.c - log.c and the names in stats.c: one whole line a message, and nothing forged in it.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "log.h"
#include "stats.h"

static int ends[2];

static void begin(void)
{
    cr_assert_eq(pipe(ends), 0);
    cr_assert_eq(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
    log_open("test/1", GYRE_INFO);
}

TestSuite(logging, .init = begin);

/* What was written, in one write, without the time and its blank. */
static const char *written(void)
{
    static char line[4096];
    ssize_t n = read(ends[0], line, sizeof line - 1);
    cr_assert_gt(n, 25);
    line[n] = 0;
    int year, fields = 0;
    cr_expect_eq(sscanf(line, "%4d-%*2d-%*2dT%*2d:%*2d:%*2d.%*3dZ %n", &year, &fields), 1);
    cr_expect_eq(fields, 25, "%s", line);
    cr_expect_geq(year, 2024);
    return line + 25;
}

static void with_prefix(const char *prefix, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static void with_prefix(const char *prefix, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    log_line_v(GYRE_WARN, prefix, fmt, args);
    va_end(args);
}

Test(logging, lines)
{
    log_info("started %d", 5);
    cr_expect_str_eq(written(), "info  test/1: started 5\n");
    log_warn("w");
    cr_expect_str_eq(written(), "warn  test/1: w\n");
    log_error("e");
    cr_expect_str_eq(written(), "error test/1: e\n");
    with_prefix("[http] ", "%s", "x");
    cr_expect_str_eq(written(), "warn  test/1: [http] x\n");
    with_prefix(NULL, "y");
    cr_expect_str_eq(written(), "warn  test/1: y\n");
}

Test(logging, levels)
{
    enum gyre_level level = GYRE_DEBUG;
    log_debug("unseen");
    log_level(GYRE_ERROR);
    cr_expect_eq(log_level_now(), GYRE_ERROR);
    log_warn("unseen");
    log_level(GYRE_DEBUG);
    log_debug("seen");
    cr_expect_str_eq(written(), "debug test/1: seen\n");
    cr_expect(log_level_of("Warn", &level));
    cr_expect_eq(level, GYRE_WARN);
    cr_expect(!log_level_of("warning", &level));
    cr_expect(!log_level_of("", &level));
    cr_expect_eq(level, GYRE_WARN);
}

Test(logging, nothing_is_forged)
{
    log_info("%s", "a\nb\r\t\x1b[31m\x7f");
    cr_expect_str_eq(written(), "info  test/1: a\\x0ab\\x0d\\x09\\x1b[31m\\x7f\n");
    log_info("%s", "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80");
    cr_expect_str_eq(written(), "info  test/1: gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80\n");
    log_info("%s", "\xc2\x9b \x9b \xff \xc0\x8a \xe0\x80\x8a \xf0\x80\x80\x8a \xe2\x82");
    cr_expect_str_eq(written(), "info  test/1: \\xc2\\x9b \\x9b \\xff \\xc0\\x8a \\xe0\\x80\\x8a "
                                "\\xf0\\x80\\x80\\x8a \\xe2\\x82\n");
    log_info("%s", "\xed\x9f\xbf \xed\xa0\x80 \xf4\x8f\xbf\xbf \xf4\x90\x80\x80 \xf5\x80\x80\x80 "
                   "\xe0\xa0\x80 \xf0\x90\x80\x80 \xc2\xa0");
    cr_expect_str_eq(written(), "info  test/1: \xed\x9f\xbf \\xed\\xa0\\x80 \xf4\x8f\xbf\xbf "
                                "\\xf4\\x90\\x80\\x80 \\xf5\\x80\\x80\\x80 \xe0\xa0\x80 "
                                "\xf0\x90\x80\x80 \xc2\xa0\n");
    with_prefix("a\nb", "c");
    cr_expect_str_eq(written(), "warn  test/1: a\\x0abc\n");
}

Test(logging, long_lines_are_cut)
{
    char text[3000];
    memset(text, 'x', sizeof text);
    for (size_t n = 900; n < 1100; n++) {
        text[n] = 0;
        log_info("%s", text);
        const char *line = written();
        size_t line_n = strlen(line), most = 1024 - 25 - 4;
        bool cut = !strcmp(line + line_n - 4, "...\n"), fits = n + 14 <= most;
        cr_expect_neq(cut, fits, "%zu", n);
        cr_expect_eq(line_n, (fits ? n + 14 : most + 3) + 1, "%zu", n);
        text[n] = 'x';
    }
    memset(text, '\n', 500);
    text[500] = 0;
    log_info("%s", text);
    const char *line = written();
    cr_expect_leq(strlen(line), 1024 - 25);
    cr_expect_str_eq(line + strlen(line) - 8, "\\x0a...\n", "no escape is cut in two");
}

Test(logging, errno_is_left_alone)
{
    errno = ENOENT;
    log_info("%m");
    cr_expect_eq(errno, ENOENT);
    cr_expect_str_eq(written(), "info  test/1: No such file or directory\n");
    cr_expect_eq(close(STDERR_FILENO), 0);
    errno = ENOENT;
    log_info("to nobody");
    cr_expect_eq(errno, ENOENT);
}

static void *other_thread(void *name)
{
    if (name) log_open(name, GYRE_INFO);
    log_info("x");
    return NULL;
}

Test(logging, threads_have_names)
{
    pthread_t thread;
    char name[] = "other/2";
    cr_assert_eq(pthread_create(&thread, NULL, other_thread, NULL), 0);
    pthread_join(thread, NULL);
    cr_expect_str_eq(written(), "info  test/1: x\n");
    cr_assert_eq(pthread_create(&thread, NULL, other_thread, name), 0);
    pthread_join(thread, NULL);
    cr_expect_str_eq(written(), "info  other/2: x\n");
    log_info("x");
    cr_expect_str_eq(written(), "info  test/1: x\n");
}

Test(logging, every_number_has_a_name)
{
    for (int i = 0; i < STAT_MAX; i++) {
        cr_assert_not_null(stat_names[i], "%d", i);
        cr_expect_gt(strlen(stat_names[i]), 3);
        for (int j = 0; j < i; j++) cr_expect_str_neq(stat_names[i], stat_names[j]);
    }
}
