/* SPDX-License-Identifier: GPL-3.0-or-later
 * few_fds.h - for tests: how many descriptors are open, and a limit that leaves a few to be had.
 */
#ifndef FEW_FDS_H
#define FEW_FDS_H

#include <criterion/criterion.h>
#include <dirent.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

static inline size_t count_fds(void)
{
    size_t n = 0;
    DIR *d = opendir("/proc/self/fd");
    while (readdir(d)) n++;
    closedir(d);
    return n;
}

/* n more may be opened, all others are refused; -1: as many as there were before. */
static inline void leave_fds(int n)
{
    static struct rlimit before;
    struct rlimit now;
    if (!before.rlim_cur) cr_assert_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
    if (n < 0) return;
    now = before;
    for (now.rlim_cur = 0; n >= 0; now.rlim_cur++)
        if (fcntl((int)now.rlim_cur, F_GETFD) < 0) n--; /* a number that is free */
    now.rlim_cur--;
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &now), 0);
}
#endif
