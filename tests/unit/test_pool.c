/* SPDX-License-Identifier: GPL-3.0-or-later
 * test_pool.c - pool.c: memory by size class, and its account.
 */
#include <criterion/criterion.h>
#include <signal.h>

#include "core.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { SANITIZED = 1 };
#else
enum { SANITIZED = 0 };
#endif

static struct worker w;

static void begin(void)
{
    w.pool = pool_make();
    cr_assert_not_null(w.pool);
}

static void end(void)
{
    cr_expect_eq(pool_in_use(w.pool), 0, "%llu bytes were not given back",
                 (unsigned long long)pool_in_use(w.pool));
    pool_free(w.pool);
}

TestSuite(pool, .init = begin, .fini = end);

Test(pool, every_size_is_whole_and_aligned)
{
    static uint8_t *at[3000];
    static const size_t large[] = {2047, 2048, 2049, 65536, 1 << 20, (1 << 20) + 1, 5 << 20};
    for (size_t n = 0; n < 3000; n++) {
        at[n] = pool_take(&w, n);
        cr_assert_not_null(at[n]);
        cr_assert_eq((uintptr_t)at[n] % 16, 0, "%zu bytes", n);
        memset(at[n], (int)(n & 0xff), n);
    }
    for (size_t n = 0; n < 3000; n++) {
        for (size_t i = 0; i < n; i++)
            cr_assert_eq(at[n][i], n & 0xff, "byte %zu of %zu is another's", i, n);
        pool_give(&w, at[n], n);
    }
    for (size_t i = 0; i < sizeof large / sizeof *large; i++) {
        uint8_t *p = pool_take(&w, large[i]);
        memset(p, 1, large[i]);
        cr_assert_eq((uintptr_t)p % 16, 0);
        pool_give(&w, p, large[i]);
    }
}

Test(pool, counts_what_is_out)
{
    void *a = pool_take(&w, 100), *b = pool_take(&w, 5000), *c = pool_take(&w, 0);
    cr_expect_eq(pool_in_use(w.pool), 5101, "nothing counts as one byte");
    pool_give(&w, b, 5000);
    cr_expect_eq(pool_in_use(w.pool), 101);
    pool_give(&w, NULL, 77);
    cr_expect_eq(pool_in_use(w.pool), 101, "NULL is nothing");
    pool_give(&w, a, 100);
    pool_give(&w, c, 0);
}

Test(pool, what_was_given_comes_first)
{
    static const size_t sizes[] = {1, 16, 17, 500, 1024, 1025, 4096, 100000};
    if (SANITIZED) return;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        void *a = pool_take(&w, sizes[i]), *b = pool_take(&w, sizes[i]);
        cr_expect_neq(a, b);
        pool_give(&w, a, sizes[i]);
        pool_give(&w, b, sizes[i]);
        cr_expect_eq(pool_take(&w, sizes[i]), b, "%zu bytes", sizes[i]);
        cr_expect_eq(pool_take(&w, sizes[i]), a, "%zu bytes", sizes[i]);
        pool_give(&w, a, sizes[i]);
        pool_give(&w, b, sizes[i]);
    }
}

Test(pool, zero_is_zero_also_when_used_before)
{
    static const size_t sizes[] = {16, 1024, 5000};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        uint8_t *p = pool_take(&w, sizes[i]), sum = 0;
        memset(p, 0xff, sizes[i]);
        pool_give(&w, p, sizes[i]);
        p = pool_zero(&w, sizes[i]);
        for (size_t k = 0; k < sizes[i]; k++) sum |= p[k];
        cr_expect_eq(sum, 0, "%zu bytes", sizes[i]);
        pool_give(&w, p, sizes[i]);
    }
}

Test(pool, more_given_than_taken_is_a_bug, .signal = SIGABRT)
{
    uint8_t thing[16];
    pool_give(&w, thing, sizeof thing);
}
