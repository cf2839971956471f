/* SPDX-License-Identifier: GPL-3.0-or-later
 * test_serve_scarce.c - serve.c and threads.c without memory and without descriptors.
 *
 * A service that cannot begin says so and leaves nothing behind: with --single its process goes on.
 */
#include "alloc.h"
#include "few_fds.h"
#include "serve_world.h"

TestSuite(serve_scarce, .timeout = 60);

/* The order to serve, while something is scarce: it serves, or says why not and leaves nothing. */
static bool commits_or_says(const char *what)
{
    struct pollfd fd = {.fd = channel, .events = POLLIN};
    word(M_COMMIT);
    cr_assert_eq(poll(&fd, 1, PATIENCE_MS), 1, "%s: it says nothing", what);
    leave_fds(-1);
    alloc_fail_at(0, false);
    cr_assert_eq(message_receive(channel, &got, why, sizeof why), 1, "%s", why);
    bool serving = got.type == M_COMMITTED;
    cr_expect(serving || got.type == M_FATAL, "%s: message %d", what, (int)got.type);
    cr_expect_eq(ended(), !serving, "%s", what);
    return serving;
}

static void begin_prepared(void)
{
    begin_with(3);
    plugin("tests/plugins/odd/WRITABLE");
    section(1, "one");
    cr_assert(prepare(1, 1), "%s", why);
}

Test(serve_scarce, workers_without_descriptors)
{
    bool serving = false;
    size_t before = count_fds();
    for (int left = 0; !serving; left++) {
        cr_assert_lt(left, 40);
        begin_prepared();
        leave_fds(left);
        serving = commits_or_says("few descriptors");
        cr_expect_eq(count_fds(), before, "with %d left", left);
    }
}

Test(serve_scarce, workers_without_memory)
{
    uint64_t live = alloc_live(), n = 0;
    do {
        cr_assert_lt(++n, 400);
        begin_prepared();
        alloc_reset();
        alloc_fail_at(n, false);
        (void)commits_or_says("no memory");
        cr_expect_eq(alloc_live(), live, "call %u", (unsigned)n);
    } while (alloc_failed());
}

static long pages(void)
{
    long n = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    cr_assert_eq(fscanf(f, "%ld", &n), 1);
    fclose(f);
    return n;
}

/* A service that cannot be made at all. Its page of numbers is the largest that it has. */
Test(serve_scarce, services_without_memory)
{
    const long page_n = (long)(sizeof(struct stats_page) / (size_t)sysconf(_SC_PAGESIZE));
    uint64_t live = alloc_live(), n = 0;
    long before = 0;
    for (bool failed = true; failed; before = before ? before : pages()) {
        cr_assert_lt(++n, 10);
        alloc_reset();
        alloc_fail_at(n, false);
        begin_with(1);
        message_begin(&out, M_DRAIN);
        message_put_number(&out, 10000);
        message_put_number(&out, DRAIN_STOP);
        (void)message_send(&out, channel, -1); /* it may have ended already */
        struct pollfd fd = {.fd = channel, .events = POLLIN};
        cr_assert_eq(poll(&fd, 1, PATIENCE_MS), 1, "it says nothing");
        cr_assert_eq(message_receive(channel, &got, why, sizeof why), 1, "%s", why);
        failed = alloc_failed();
        cr_expect_eq(got.type, failed ? M_FATAL : M_DRAINED);
        cr_expect_eq(ended(), failed);
        cr_expect_eq(alloc_live(), live);
    }
    cr_expect_gt(n, 2);
    cr_expect_lt(pages() - before, page_n, "pages were left behind");
}
