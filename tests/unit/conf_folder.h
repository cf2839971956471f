/* SPDX-License-Identifier: GPL-3.0-or-later
 * conf_folder.h - for tests: a configuration folder of its own in /tmp, and its problems.
 *
 * conf_begin and conf_end are a suite's .init and .fini; the test runs inside of the folder.
 */
#ifndef CONF_FOLDER_H
#define CONF_FOLDER_H

#include <criterion/criterion.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config.h"

static char conf_top[] = "/tmp/gyre-config-XXXXXX";
static char conf[64]; /* conf_top/conf.d */
static struct problems problems;

static inline void conf_begin(void)
{
    umask(022);
    cr_assert_not_null(mkdtemp(conf_top));
    snprintf(conf, sizeof conf, "%s/conf.d", conf_top);
    cr_assert_eq(mkdir(conf, 0755), 0);
    cr_assert_eq(chdir(conf), 0);
}

static inline void conf_end(void)
{
    char command[64];
    problems_free(&problems);
    cr_assert_eq(chdir("/"), 0);
    snprintf(command, sizeof command, "rm -rf %s", conf_top);
    cr_expect_eq(system(command), 0);
}

static inline void file(const char *name, const char *text)
{
    FILE *f = fopen(name, "w");
    cr_assert_not_null(f);
    fputs(text, f);
    cr_assert_eq(fclose(f), 0);
}

/* All problems so far, one a line, must be these; and forgets them. */
static inline void expect_problems(const char *wanted)
{
    char *all = NULL;
    size_t n = 0, errors = 0;
    FILE *to = open_memstream(&all, &n);
    for (size_t i = 0; i < problems.n; i++) {
        fprintf(to, "%s%s\n", problems.at[i].warning ? "warning " : "", problems.at[i].text);
        errors += !problems.at[i].warning;
    }
    fclose(to);
    cr_expect_str_eq(all, wanted);
    cr_expect_eq(problems.errors, errors);
    free(all);
    problems_free(&problems);
}

static inline struct config *read_good(void)
{
    struct config *c = config_read(conf, &problems);
    cr_assert_not_null(c, "%s", problems.n ? problems.at[0].text : "");
    return c;
}
#endif
