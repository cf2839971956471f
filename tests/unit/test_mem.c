/* SPDX-License-Identifier: GPL-3.0-or-later
 * test_mem.c - mem.c: blocks, counted bytes and their names, builders; and their account.
 */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include "world.h"

static const struct gyre_proto home = {GYRE_PROTO}, more = {GYRE_PROTO};
static const char *const one_mib[] = {"memory_max", "1m", NULL};
static struct worker *w;
static struct section *s;
static struct actor *a, *b;

static void begin_with(uint32_t workers, const char *const *options)
{
    world_begin(workers);
    (void)world_plugin("p", NULL, &home, &more);
    s = world_section("p", options);
    a = world_actor(s, 0);
    b = world_actor(s, 0);
    w = world_as(0);
}

static void begin(void)
{
    begin_with(1, one_mib);
}

static void end(void)
{
    if (world.service) world_end();
}

TestSuite(mem, .init = begin, .fini = end);

static int64_t in_use(void)
{
    return world_stat(s, STAT_MEMORY);
}

Test(mem, blocks_belong_to_one_actor)
{
    uint8_t *p = mem_block(w, a, NULL, 1000), *q = mem_block(w, b, NULL, 500);
    cr_expect_eq(in_use(), 1500);
    for (int i = 0; i < 1000; i++) cr_assert_eq(p[i], 0);
    memset(p, 'p', 1000);
    p = mem_block(w, a, p, 3000);
    cr_expect_eq(in_use(), 3500);
    for (int i = 0; i < 3000; i++) cr_assert_eq(p[i], i < 1000 ? 'p' : 0);
    cr_expect_null(mem_block(w, b, q, 0));
    cr_expect_eq(in_use(), 3000);
    for (int i = 0; i < 100; i++) (void)mem_block(w, a, NULL, 10);
    cr_expect_eq(in_use(), 4000);
    mem_free_all(w, a);
    cr_expect_eq(in_use(), 0);
}

Test(mem, shrinking_and_growing_in_any_order)
{
    void *blocks[64] = {NULL};
    size_t sizes[64] = {0};
    uint64_t random = 7;
    int64_t sum = 0;
    for (int step = 0; step < 20000; step++) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        size_t i = (size_t)(random >> 58), n = (size_t)(random >> 30) % 3000;
        uint8_t *p = mem_block(w, a, blocks[i], n);
        cr_assert(p || !n);
        size_t same = n < sizes[i] ? n : sizes[i];
        for (size_t k = 0; k < same; k++) cr_assert_eq(p[k], (uint8_t)i);
        for (size_t k = same; k < n; k++) cr_assert_eq(p[k], 0);
        if (n) memset(p, (int)i, n);
        sum += (int64_t)n - (int64_t)sizes[i];
        blocks[i] = p;
        sizes[i] = n;
        cr_assert_eq(in_use(), sum);
    }
}

Test(mem, past_the_limit_nothing_changes)
{
    uint8_t *p = mem_block(w, a, NULL, 600000);
    p[599999] = 9;
    cr_expect_null(mem_block(w, a, p, 700000));
    cr_expect_null(mem_block(w, b, NULL, 600000));
    cr_expect_null(mem_block(w, b, NULL, SIZE_MAX));
    cr_expect_null(mem_block(w, b, NULL, SIZE_MAX / 2 + 1));
    cr_expect_eq(p[599999], 9);
    cr_expect_eq(in_use(), 600000);
    cr_expect_geq(world_stat(s, STAT_HIT_MEMORY), 2);
    cr_expect_not_null(mem_block(w, b, NULL, 400000));
}

Test(mem, a_block_of_another_is_a_bug, .signal = SIGABRT)
{
    (void)mem_block(w, a, mem_block(w, b, NULL, 10), 20);
}

Test(mem, inside_of_a_block_is_a_bug, .signal = SIGABRT)
{
    uint8_t *p = mem_block(w, a, NULL, 256);
    (void)mem_block(w, a, p + 64, 20);
}

/* ---- counted bytes ---- */

Test(mem, counted_bytes_live_as_long_as_their_last_name)
{
    struct bytes_core *core = bytes_make(GYRE_LIT("shared"));
    struct buf *one = buf_make(w, a, core), *two = buf_make(w, b, borrow_bytes(core));
    cr_expect_eq(atomic_load(&core->count), 2);
    cr_expect(gyre_eq(one->pub.bytes, GYRE_LIT("shared")));
    cr_expect_eq(one->pub.bytes.p, two->pub.bytes.p);
    cr_expect_eq(in_use(), 12, "each name counts");
    buf_forget(w, one);
    cr_expect_eq(atomic_load(&core->count), 1);
    cr_expect(gyre_eq(two->pub.bytes, GYRE_LIT("shared")));
    cr_expect_eq(in_use(), 6);
    mem_free_all(w, b);
    cr_expect_eq(in_use(), 0);
}

Test(mem, many_names_dropped_in_any_order)
{
    struct bytes_core *core = bytes_make(GYRE_LIT("x"));
    struct buf *names[100];
    for (int i = 0; i < 100; i++) names[i] = buf_make(w, a, borrow_bytes(core));
    for (int i = 0; i < 100; i++) buf_forget(w, names[i * 37 % 100]);
    cr_expect_eq(atomic_load(&core->count), 1);
    cr_expect_eq(in_use(), 0);
    bytes_drop(core);
}

Test(mem, past_the_limit_the_bytes_are_dropped)
{
    struct bytes_core *core = bytes_room(2 << 20);
    borrow_bytes(core);
    cr_expect_null(buf_make(w, a, core));
    cr_expect_eq(atomic_load(&core->count), 1);
    cr_expect_null(buf_make(w, a, NULL), "no memory for them is no buffer");
    bytes_drop(core);
}

Test(mem, a_file_closes_with_its_last_name)
{
    int fd = memfd_create("file", MFD_CLOEXEC);
    struct bytes_core *core = bytes_of_file(fd, 5 << 20);
    struct buf *name = buf_make(w, a, core);
    cr_expect_null(name->pub.bytes.p);
    cr_expect_eq(name->pub.bytes.n, 5 << 20);
    cr_expect_eq(in_use(), 0, "it is not in memory");
    cr_expect_geq(fcntl(fd, F_GETFD), 0);
    buf_forget(w, name);
    cr_expect_lt(fcntl(fd, F_GETFD), 0);
}

Test(mem, a_name_that_was_given_back_is_a_bug, .signal = SIGABRT)
{
    uint64_t none[16] = {0};
    (void)buf_check((struct gyre_buf *)(void *)none, "here");
}

/* ---- builders ---- */

Test(mem, builders_grow_and_end_with_the_callback)
{
    gyre_out o = out_make(w, a, 100000), other = out_make(w, b, 10);
    for (int i = 0; i < 10000; i++) gyre_put(&o, GYRE_LIT("0123456789"));
    cr_expect_eq(gyre_built(&o).n, 100000);
    cr_expect_arr_eq(gyre_built(&o).p + 99990, "0123456789", 10);
    gyre_put(&o, GYRE_LIT("x"));
    cr_expect_eq(gyre_built(&o).n, 0);
    gyre_put(&other, GYRE_LIT("0123456789"));
    cr_expect_eq(gyre_built(&other).n, 10);
    gyre_put_byte(&other, 'x');
    cr_expect(other.full);
    cr_expect_eq(world_stat(s, STAT_BUILD_FULL), 2);
    cr_expect_geq(in_use(), 100010);
    outs_reset(w);
    cr_expect_eq(in_use(), 0);
    cr_expect_null(w->outs);
}

Test(mem, a_builder_may_put_what_it_holds)
{
    gyre_out o = out_make(w, a, 1 << 16);
    gyre_put(&o, GYRE_LIT("ab"));
    for (int i = 0; i < 14; i++) gyre_put(&o, gyre_built(&o));
    cr_assert_eq(gyre_built(&o).n, 1 << 15);
    for (size_t i = 0; i < o.n; i++) cr_assert_eq(o.p[i], i % 2 ? 'b' : 'a');
    outs_reset(w);
}

/* ---- the account over workers ---- */

/* Two workers of a section with 1 MiB: each has half for itself, and what all have left beyond it.
 * The sum is bounded, but only by less than twice. */
TestSuite(mem_workers, .fini = end);

Test(mem_workers, each_has_its_share)
{
    begin_with(2, one_mib);
    struct worker *w1 = world_worker(1);
    cr_expect(memory_take(w, s, 1000000), "beyond its share, as the other has nothing");
    cr_expect_not(memory_take(w, s, 100000));
    cr_expect(memory_take(w1, s, 500000), "its share");
    cr_expect_not(memory_take(w1, s, 100000));
    memory_give(w, s, 1000000);
    cr_expect(memory_take(w1, s, 500000));
    cr_expect_not(memory_take(w1, s, 2 << 20));
    memory_give(w1, s, 1000000);
}
